/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's qtest protocol: text lines over a unix socket, one answer to each command, "IRQ" lines
 * in between when somebody asked for them. The peer is not trusted: whatever it sends, every call
 * ends by its deadline and reads no further than one bounded line.
 *
 * Writes are posted, as on the bus: their answers are collected by the next call that needs one.
 */
#ifndef TARGET_QTEST_WIRE_H
#define TARGET_QTEST_WIRE_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_LINE 256 /* bytes of the longest line accepted, newline included */

struct wire {
	int fd;
	uint64_t timeout_ns; /* how long an answer may take */
	unsigned posted;     /* commands whose answer was not read yet */
	uint64_t lines;	     /* interrupt lines that are raised, by "IRQ" lines */
	int broken;	     /* 0, or the -errno after which the stream makes no sense any more */
	char buf[WIRE_LINE]; /* received and not consumed */
	size_t have;
	char error[192]; /* the last failure in words */
};

/*
 * Connects to the socket at path. -ENAMETOOLONG, -ENOENT, -ENOTSOCK, -ECONNREFUSED, -ETIMEDOUT
 * (nobody accepts), each with words in w->error. On failure nothing is left open.
 */
int wire_open(struct wire *w, const char *path, uint64_t timeout_ns);
void wire_close(struct wire *w);

/*
 * Sends one command (no newline) and waits for its answer; *ret (may be NULL) is the answer's
 * number, 0 where it carries none.
 * -EPROTO: an answer that is none, or a refusal; -ETIMEDOUT; -ENODEV: the peer closed.
 * After the first and the last two the wire stays broken, but not after a mere refusal.
 */
__attribute__((format(printf, 3, 4))) int wire_ask(struct wire *w, uint64_t *ret, const char *fmt,
						   ...);

/* Sends one command and does not wait. Errors of earlier posted commands may show here. */
__attribute__((format(printf, 2, 3))) int wire_post(struct wire *w, const char *fmt, ...);

/* Waits for the answers to everything posted. Errors as wire_ask. */
int wire_flush(struct wire *w);

/* 0, or -ENODEV when the peer has closed; does not wait. */
int wire_peer(struct wire *w);

#endif
