/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A Linux block node in the process, beside the model controller: what Linux does with a disk that
 * has all that is optional, or none of it. It is told so by the model's option `node`, made when it
 * is first opened, and gone with the target. Faults of it: NODE_FAULT().
 */
#ifndef TARGET_MODEL_NODE_H
#define TARGET_MODEL_NODE_H

#include "target/node.h"

struct model;
struct model_node;

/* Bits of the option `node`. */
enum model_node_has {
	MODEL_NODE_DISCARD = 1u << 0,
	MODEL_NODE_CACHE = 1u << 1,  /* a volatile write cache */
	MODEL_NODE_ATOMIC = 1u << 2, /* atomic writes up to 16 KiB */
	MODEL_NODE_SECURE = 1u << 3, /* secure discard */
	MODEL_NODE_4K = 1u << 4,     /* physical blocks of 4096 bytes */
	MODEL_NODE_4KN = 1u << 5,    /* logical ones as well */
};

/* NULL: out of memory. m outlives it. */
struct model_node *model_node_new(const struct model *m);
void model_node_free(struct model_node *mn);
/* The store behind it, where an engine stands between: freed before the one at the front. */
struct model_node *model_node_back(struct model_node *front);

void model_node_facts(struct model_node *mn, struct node_facts *ret);
int model_node_open(struct model_node *mn, unsigned flags, struct node **ret);
/* The words of node.h: 0 or -EINVAL. */
int model_node_control(struct model_node *mn, const char *what);

void model_node_who(struct model_node *mn, char *ret, size_t size);

/* The calls on what is open, as in struct node_ops. */
void model_node_close(struct node *n);
ssize_t model_node_io(struct node *n, unsigned flags, const struct iovec *iov, int iovs,
		      uint64_t at);
int model_node_start(struct node *n, unsigned flags, void *buf, size_t len, uint64_t at);
ssize_t model_node_finish(struct node *n);
int model_node_range(struct node *n, enum node_range what, uint64_t at, uint64_t len);
int model_node_sync(struct node *n);
int model_node_drop(struct node *n);

#endif
