/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fabrics commands and the discovery log as they lie in memory, and builders of the former.
 * Source: Base 2.2 Fabrics Command Set, Discovery Log Page; Base 2.0 Discovery Controller.
 */
#ifndef TCP_FABRICS_H
#define TCP_FABRICS_H

#include <stdbool.h>

#include "spec/wire.h"

#define FABRICS_OPCODE 0x7fu
#define DISCOVERY_NQN  "nqn.2014-08.org.nvmexpress.discovery"
#define NQN_BYTES      256u
#define NQN_MAX	       223u
#define CNTLID_DYNAMIC 0xffffu
#define CNTLID_STATIC  0xfffeu /* any controller of a static subsystem */
#define CNTLID_LAST    0xffefu
#define DISCOVERY_LID  0x70u

enum fctype {
	FC_PROPERTY_SET = 0x00,
	FC_CONNECT = 0x01,
	FC_PROPERTY_GET = 0x04,
	FC_AUTH_SEND = 0x05,
	FC_AUTH_RECEIVE = 0x06,
	FC_DISCONNECT = 0x08,
	/* vendor specific, of `nvrig serve` with a stepped clock: VALUE nanoseconds pass, and what
	 * time it is now comes back as the value of a property does */
	FC_NVRIG_RELAX = 0xc0,
};

/*
 * Command specific status of Fabrics commands. The first have the values of other sets' codes, so
 * they are not of spec/status.h.
 */
enum fabrics_status {
	FSC_INCOMPATIBLE_FORMAT = 0x180,
	FSC_CONTROLLER_BUSY = 0x181,
	FSC_CONNECT_INVALID_PARAM = 0x182,
	FSC_CONNECT_RESTART = 0x183,
	FSC_CONNECT_INVALID_HOST = 0x184,
	FSC_INVALID_QUEUE_TYPE = 0x185,
};

/* CATTR of Connect */
#define CATTR_NO_FLOW_CONTROL 0x04u
#define CATTR_DELETES_QUEUES  0x08u

/* Data of Connect. */
struct connect_data {
	uint8_t hostid[16];
	__le16 cntlid;
	uint8_t rsvd18[238];
	char subnqn[NQN_BYTES];
	char hostnqn[NQN_BYTES];
	uint8_t rsvd768[256];
};
static_assert(sizeof(struct connect_data) == 1024, "Connect data");

struct connect {
	uint16_t qid, sqsize_z, recfmt;
	uint8_t cattr;
	uint32_t kato_ms;
};

struct sqe fabrics_connect(const struct connect *c);
struct sqe fabrics_disconnect(void);
struct sqe fabrics_property_get(uint32_t off, unsigned width);
struct sqe fabrics_property_set(uint32_t off, unsigned width, uint64_t value);
struct sqe fabrics_relax(uint64_t ns);

static inline uint8_t sqe_fctype(const struct sqe *e)
{
	return (uint8_t)le32_get(e->nsid);
}

/* Byte of an SQE. */
static inline const uint8_t *sqe_at(const struct sqe *e, unsigned off)
{
	return (const uint8_t *)e + off;
}

static inline uint16_t sqe_u16(const struct sqe *e, unsigned off)
{
	return le16_at(sqe_at(e, off));
}

/* Which way its data go: 1 to the controller, 2 from it, 0 there are none, 3 reserved. */
static inline unsigned sqe_direction(const struct sqe *e)
{
	return (e->opcode == FABRICS_OPCODE ? sqe_fctype(e) : e->opcode) & 3;
}

/* SGL1: data in the capsule from that byte on; a Command Data Buffer. */
struct sgl_desc sgl_in_capsule(uint64_t offset, uint32_t len);
struct sgl_desc sgl_transport(uint32_t len);
#define SGL_ID_IN_CAPSULE 0x01u
#define SGL_ID_TRANSPORT  0x5au

#define DISCOVERY_HEADER  1024u
#define DISCOVERY_ENTRY	  1024u

/* TREQ of a record, beside the secure channel: what the controller is able to do (Base 2.1) */
#define TREQ_NO_FLOW_CONTROL 0x04u /* SQFCD: it can do without SQ flow control */
#define TREQ_ZERO_HOSTID     0x08u /* ZHIDS: it supports Host Identifier 0h in a Connect */

struct discovery_header {
	__le64 genctr, numrec;
	__le16 recfmt;
	uint8_t rsvd18[1006];
};
static_assert(sizeof(struct discovery_header) == DISCOVERY_HEADER, "discovery log header");

struct discovery_entry {
	uint8_t trtype, adrfam, subtype, treq;
	__le16 portid, cntlid, asqsz, eflags;
	uint8_t rsvd12[20];
	char trsvcid[32];
	uint8_t rsvd64[192];
	char subnqn[NQN_BYTES];
	char traddr[256];
	uint8_t tsas[256];
};
static_assert(sizeof(struct discovery_entry) == DISCOVERY_ENTRY, "discovery log entry");

#endif
