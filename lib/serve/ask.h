/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's memory by message: the server asks, on the twin socket where the two agreed on one.
 */
#ifndef SERVE_ASK_H
#define SERVE_ASK_H

#include "vfio_user/sock.h"

#define ASK_HELD 256u

/*
 * What the client sends on the one socket while an answer of its is awaited there is held, and
 * handled afterwards in its order.
 */
struct ask {
	int sock;	   /* the client's */
	int twin;	   /* -1: none */
	uint64_t data_max; /* bytes that the client takes at a time */
	uint16_t id;
	uint64_t until_ns; /* what is asked now has to be answered by then */
	int broken;	   /* 0, or why the client is to be hung up on */
	struct vu_msg answer;
	struct vu_msg held[ASK_HELD];
	unsigned n_held;
};

/* Before work is done for the client: all that is asked in its course has some seconds together. */
void ask_begin(struct ask *a);
/* 0, or -EFAULT: the client refused, or it does not answer as it must and is broken. */
int ask_take(void *ctx, uint64_t addr, void *to, size_t len);
int ask_put(void *ctx, uint64_t addr, const void *from, size_t len);

/* The first message held, into m. False: none is. */
bool ask_next_held(struct ask *a, struct vu_msg *m);
/* Frees and closes what it has of its own; the client's socket is not. */
void ask_end(struct ask *a);

#endif
