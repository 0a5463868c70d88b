/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One NVMe/TCP connection as a stream of PDUs, from either end: what arrives is cut into PDUs and
 * checked, what goes out is padded, given its digests and kept until the socket takes it. Nothing
 * here blocks: the caller polls. The other side may be anybody, so a PDU is never longer than
 * rules.plen_max, and a digest or a field that is wrong is told, not believed.
 */
#ifndef TCP_LINK_H
#define TCP_LINK_H

#include "tcp/pdu.h"

struct tcp_link {
	int fd; /* non-blocking, owned; -1: closed */
	struct tcp_rules rules;
	unsigned send_align; /* bytes: what the other side asked for */
	uint8_t *in;
	size_t in_at, in_len, in_room;
	uint8_t *out;
	size_t out_at, out_len, out_room;
	size_t taken;	       /* bytes of the PDU that was given last */
	union tcp_header head; /* of that one, or of the one that is wrong */
	struct tcp_wrong wrong;
	bool ended;	   /* the other side sends no more */
	uint64_t begun_ns; /* caller's, when the PDU begun and not complete began */
};

struct tcp_pdu {
	const union tcp_header *h;
	const uint8_t *data; /* good until the next call */
	size_t len;
	bool bad_data; /* the data digest does not fit: no more than that is wrong */
};

/* A link on a connected socket, which becomes non-blocking and the link's. 0 or -errno. */
int tcp_link_open(struct tcp_link *l, int fd, bool controller, uint32_t plen_max);
void tcp_link_close(struct tcp_link *l);
/* Both sides have said what they want. send_align in bytes. */
void tcp_link_agree(struct tcp_link *l, bool hdgst, bool ddgst, unsigned send_align);

/*
 * The next PDU: 1; 0: not here yet; -EPROTO: it breaks the rules, l->wrong and l->head say how;
 * -ENODEV: the other side hung up; -ECONNRESET; -ESHUTDOWN: a request to terminate that is to be
 * ignored; -ENOMEM.
 */
int tcp_link_next(struct tcp_link *l, struct tcp_pdu *ret);
/* Passes over the one that was wrong, as far as it has come. */
void tcp_link_skip(struct tcp_link *l);
/* Has part of a PDU come and not the rest? */
bool tcp_link_is_amid(const struct tcp_link *l);

/*
 * Queues a PDU. The header's fields of its own are the caller's; flags of digests, HLEN, PDO and
 * PLEN are made here. 0 or -ENOMEM.
 */
int tcp_link_put(struct tcp_link *l, union tcp_header *h, const void *data, size_t len);
/* As the bytes are. */
int tcp_link_put_bytes(struct tcp_link *l, const void *bytes, size_t len);
/* The request to terminate that l->wrong asks for; with the header in error behind it, as it
 * should. */
int tcp_link_put_term(struct tcp_link *l, bool with_header);
/* Hands to the socket what it takes: 0, or -errno of it. What is left shows in tcp_link_pending. */
int tcp_link_flush(struct tcp_link *l);
size_t tcp_link_pending(const struct tcp_link *l);

/*
 * The bytes of a PDU as tcp_link_put would send them, for who bends them first; to: at least
 * TCP_ALIGN_MAX + TCP_HEADER_MAX + len + 8 bytes. Returns how many.
 */
size_t tcp_link_build(const struct tcp_link *l, union tcp_header *h, const void *data, size_t len,
		      uint8_t *to);
/* Computes both digests anew, as the header in the bytes now has lengths and offset. */
void tcp_link_seal(const struct tcp_link *l, uint8_t *pdu, size_t len);

#endif
