/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * NVMe/TCP connections of a case's own: for cases with NEED_PDUS. A host of its own (its identifier
 * is another one than the target's), so its association is beside the target's. Trouble of the
 * other side leaves the case as FAIL.
 */
#ifndef CONFORMANCE_WIRE_H
#define CONFORMANCE_WIRE_H

#include "base/clock.h"
#include "kit/kit.h"
#include "target/fabric.h"
#include "target/target.h"
#include "tcp/fabrics.h"
#include "tcp/link.h"

#define WIRE_NEEDS   (NEED_CTRL | NEED_PDUS)
#define WIRE_TCP     "TCP Transport 1.0 "
#define WIRE_BASE    "Base 2.2 "
#define WIRE_ENTRIES 32u

struct wire {
	struct rig *r;
	struct target_fabric f;
	struct tcp_link link;
	struct tcp_icresp said; /* as the controller greeted */
	uint16_t cntlid;
	uint16_t cid; /* of the command sent last */
};

/* Connected, and nothing said: a new host. Closed when the case ends. */
struct wire *wire_dial(struct rig *r);
/* One more connection of the same host. */
struct wire *wire_beside(struct wire *w);
void wire_hang_up(struct wire *w);
/* ICReq and ICResp; dgst: TCP_HDGST_ON, TCP_DDGST_ON. */
void wire_greet(struct wire *w, unsigned dgst);

/* What a host says in Connect; sound until the case bends it. */
struct connect_data wire_who(const struct wire *w, uint16_t cntlid);
struct cqe wire_connect(struct wire *w, const struct connect *c, const struct connect_data *who);
/* Greeted, and the admin queue connected; enabled: CC.EN and CSTS.RDY as well. */
struct wire *wire_admin(struct rig *r, unsigned dgst, bool enabled);
/* The same on a connection that was greeted; CC.EN and CSTS.RDY. */
struct wire *wire_admin_on(struct wire *w, bool enabled);
void wire_enable(struct wire *w);
/* SQSIZE of an I/O queue of so many entries, or of as many as CAP.MQES allows. */
uint16_t wire_sqsize_z(struct wire *admin, uint32_t entries);
/* An I/O queue of that association, QID 1. */
struct wire *wire_io(struct wire *admin);
/*
 * The same host again: a new connection, greeted, on which its admin queue was connected as soon as
 * the controller had done with the association before. *ret: how the last Connect ended.
 */
struct wire *wire_again(struct wire *w, struct cqe *ret);

/* The discovery service behind the same port, enabled; NULL: it lets nobody in. */
struct wire *wire_discovery(struct rig *r);
/* A part of its log. */
void wire_discovery_log(struct wire *w, uint64_t off, void *to, size_t len);
/* TREQ_* that every record of the subsystem claims; 0 as well where there is none. */
uint8_t wire_treq(struct rig *r);

/* A command with its data either way (sqe_direction), waited for; SGL1 is made here. */
struct cqe wire_exec(struct wire *w, struct sqe e, void *data, size_t len);
/* The same, a status other than success is BROKEN. */
struct cqe wire_exec_ok(struct wire *w, struct sqe e, void *data, size_t len);
uint64_t wire_property(struct wire *w, uint32_t off, unsigned width);

/* PDUs: queued and sent, as they are or as their bytes are. */
void wire_put(struct wire *w, union tcp_header *h, const void *data, size_t len);
void wire_raw(struct wire *w, const void *bytes, size_t len);
/* The header of a command with a CID of its own. */
union tcp_header wire_command(struct wire *w, struct sqe e);
/* The next PDU: 1; 0: none came in ns; -ENODEV: hung up; -EPROTO: garbage. */
int wire_next(struct wire *w, struct tcp_pdu *ret, uint64_t ns);
/* The response to the command sent last; other PDUs are FAIL. */
struct cqe wire_response(struct wire *w);
/* The same of a command with data there. */
struct cqe wire_response_to(struct wire *w, void *data, size_t len);
/* Bytes that one H2CData for that R2T may have: R2TL, and no more than MAXH2CDATA. */
uint32_t wire_piece(struct wire *w, const struct tcp_r2t *t);
/* So many blocks are len bytes, or as many as MDTS allows; N/A: the namespace ends before. */
uint32_t wire_blocks(struct rig *r, const struct facts_ns *ns, uint64_t lba, size_t len);

static inline uint16_t wire_status(const struct cqe *e)
{
	return CQE_STATUS(le16_get(e->status));
}

/* Checks its status; Fabrics statuses have names of their own. */
bool check_wire_status(struct rig *r, const struct check_site *s, const char *what,
		       const struct cqe *e, const uint16_t *want, unsigned n);
#define CHECK_WIRE(r, what, e, ...)                                                                \
	check_wire_status(r, CHECK_SITE(0, 0), what, e, STATUS_LIST(__VA_ARGS__),                  \
			  sizeof(STATUS_LIST(__VA_ARGS__)) / sizeof(uint16_t))

#define WIRE_FES(fes) (1u << (fes))
#define WIRE_ANY_FEI  -1
/*
 * Checks that the connection ends as a fatal error has it: C2HTermReq with one of those Fatal Error
 * Status values, that additional information, and the header in error. A close without it is
 * advice; that it goes on is FAIL.
 */
void wire_check_fatal(struct wire *w, unsigned fes_set, int64_t fei, const void *header);

#endif
