/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The PDUs of NVMe/TCP: their layouts, and what a receiver holds against a header. Both ends use
 * it, so each knows what it asked the other for.
 * Source: NVMe/TCP Transport 1.0 NVMe/TCP PDUs, PDU Header and Data Digests, Data Transfer Model,
 * Error Handling Model.
 */
#ifndef TCP_PDU_H
#define TCP_PDU_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/wire.h"

enum tcp_type {
	TCP_ICREQ = 0x0,
	TCP_ICRESP = 0x1,
	TCP_H2C_TERM = 0x2,
	TCP_C2H_TERM = 0x3,
	TCP_CMD = 0x4,
	TCP_RESP = 0x5,
	TCP_H2C_DATA = 0x6,
	TCP_C2H_DATA = 0x7,
	TCP_R2T = 0x9,
};

#define TCP_F_HDGST	  0x1u
#define TCP_F_DDGST	  0x2u
#define TCP_F_LAST	  0x4u
#define TCP_F_SUCCESS	  0x8u

#define TCP_HDGST_ON	  0x1u /* DGST of ICReq and ICResp */
#define TCP_DDGST_ON	  0x2u

#define TCP_HEADER_MAX	  128u
#define TCP_DIGEST	  4u
#define TCP_TERM_MIN	  24u
#define TCP_TERM_MAX	  152u
#define TCP_ALIGN_MAX	  128u	/* bytes, of HPDA and CPDA */
#define TCP_ADMIN_CAPSULE 8192u /* most in-capsule data of admin and Fabrics commands */

struct tcp_ch {
	uint8_t type, flags, hlen, pdo;
	__le32 plen;
};

struct tcp_icreq {
	struct tcp_ch ch;
	__le16 pfv;
	uint8_t hpda; /* dwords, 0's based */
	uint8_t dgst;
	__le32 maxr2t_z;
	uint8_t rsvd16[112];
};

struct tcp_icresp {
	struct tcp_ch ch;
	__le16 pfv;
	uint8_t cpda; /* dwords, 0's based */
	uint8_t dgst;
	__le32 maxh2cdata; /* bytes */
	uint8_t rsvd16[112];
};

/* Both directions; the header in error follows as data. */
struct tcp_term {
	struct tcp_ch ch;
	__le16 fes;
	uint8_t fei[4]; /* little-endian, at an odd word */
	uint8_t rsvd14[10];
};

struct tcp_cmd {
	struct tcp_ch ch;
	struct sqe sqe;
};

struct tcp_resp {
	struct tcp_ch ch;
	struct cqe cqe;
};

/* H2CData and C2HData; ttag is reserved in the latter. */
struct tcp_data {
	struct tcp_ch ch;
	__le16 cccid, ttag;
	__le32 datao, datal; /* bytes */
	uint8_t rsvd20[4];
};

struct tcp_r2t {
	struct tcp_ch ch;
	__le16 cccid, ttag;
	__le32 r2to, r2tl; /* bytes */
	uint8_t rsvd20[4];
};

union tcp_header {
	struct tcp_ch ch;
	struct tcp_icreq icreq;
	struct tcp_icresp icresp;
	struct tcp_term term;
	struct tcp_cmd cmd;
	struct tcp_resp resp;
	struct tcp_data data;
	struct tcp_r2t r2t;
	uint8_t bytes[TCP_HEADER_MAX];
};

static_assert(sizeof(struct tcp_ch) == 8, "common header");
static_assert(sizeof(struct tcp_icreq) == 128, "ICReq");
static_assert(sizeof(struct tcp_icresp) == 128, "ICResp");
static_assert(sizeof(struct tcp_term) == 24, "H2CTermReq and C2HTermReq");
static_assert(sizeof(struct tcp_cmd) == 72, "CapsuleCmd");
static_assert(sizeof(struct tcp_resp) == 24, "CapsuleResp");
static_assert(sizeof(struct tcp_data) == 24, "H2CData and C2HData");
static_assert(sizeof(struct tcp_r2t) == 24, "R2T");

/* Fatal Error Status. 5h means another thing each way. */
enum tcp_fes {
	TCP_FES_FIELD = 1, /* FEI: offset of the field */
	TCP_FES_SEQUENCE = 2,
	TCP_FES_DIGEST = 3, /* FEI: the digest that was received */
	TCP_FES_RANGE = 4,
	TCP_FES_LIMIT = 5, /* from the host: of R2Ts; from the controller: of H2CData's length */
	TCP_FES_PARAMETER = 6, /* FEI: offset of the field */
};

/* Offsets that FEI names. */
enum tcp_field {
	TCP_AT_TYPE = 0,
	TCP_AT_FLAGS = 1,
	TCP_AT_HLEN = 2,
	TCP_AT_PDO = 3,
	TCP_AT_PLEN = 4,
	TCP_AT_PFV = 8,
	TCP_AT_CCCID = 8,
	TCP_AT_PDA = 10,
	TCP_AT_TTAG = 10,
	TCP_AT_DGST = 11,
	TCP_AT_DATAO = 12,
	TCP_AT_DATAL = 16,
};

struct tcp_wrong {
	enum tcp_fes fes;
	uint32_t fei;
};

/* What a receiver goes by. */
struct tcp_rules {
	bool controller;   /* it is the controller: what a host sends arrives */
	bool connected;	   /* ICReq and ICResp have been exchanged */
	bool hdgst, ddgst; /* both sides want them */
	unsigned align;	   /* bytes: where data begin, as this side asked for */
	uint32_t plen_max; /* most it takes in one PDU */
	unsigned lax;	   /* TCP_LAX_*: rules that a faulty receiver does not know */
};

#define TCP_LAX_HLEN	 0x1u
#define TCP_LAX_GREETING 0x2u
#define TCP_LAX_PFV	 0x4u
#define TCP_LAX_HDGST	 0x8u

/* "CapsuleCmd", or "type 8h"; text is kept in the caller's buffer of 16 bytes. */
const char *tcp_type_name(unsigned type, char buf[16]);
/* "Invalid PDU Header Field" ...; of a value that is reserved "reserved". */
const char *tcp_fes_name(unsigned fes, bool from_controller);

/* Bytes of a PDU's header; 0: there is no such type. */
unsigned tcp_header_len(unsigned type);
bool tcp_from_host(unsigned type);
/* Does it hold a header digest or data at all? */
bool tcp_takes_digest(unsigned type);
bool tcp_takes_data(unsigned type);

/*
 * Where data begin that follow a header of that length: digest and padding before them.
 * align: bytes, as the receiver asked for.
 */
unsigned tcp_data_offset(unsigned hlen, bool hdgst, unsigned align);

/*
 * Judges the first eight bytes: may the rest be waited for? 0 and the number of bytes of header and
 * digest that follow or have come; -EPROTO and what is wrong; -ESHUTDOWN: a request to terminate of
 * a length that has to be ignored.
 */
int tcp_ch_check(const struct tcp_ch *ch, const struct tcp_rules *r, unsigned *ret_len,
		 struct tcp_wrong *ret_wrong);
/* Bytes of data in a PDU whose first eight bytes were found good. */
size_t tcp_data_len(const struct tcp_ch *ch, const struct tcp_rules *r);
/* Judges the header's other fields. 0 or -EPROTO. */
int tcp_header_check(const union tcp_header *h, const struct tcp_rules *r,
		     struct tcp_wrong *ret_wrong);

#endif
