/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model as a message-based controller, and the memory that it sees instead of a host's: its
 * queues and the buffers of commands under way, all of them ours. No byte of it is the host's.
 */
#ifndef SERVE_TCP_DEVICE_H
#define SERVE_TCP_DEVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/wire.h"

#define TDEV_QUEUES	   65u /* QIDs 0 to 64 */
#define TDEV_BUF_MAX	   (16u << 20)
#define TDEV_BYTES_MAX	   (256u << 20) /* of all buffers */
#define TDEV_ADMIN_ENTRIES 128u		/* most of the admin queue: ASQSZ of the discovery log */

struct model;
struct serve_options;

struct tdev_queue {
	uint32_t entries; /* 0: there is none */
	uint8_t *sq, *cq;
	uint32_t tail, rung, cq_head;
	uint8_t phase;
};

struct tdev_buf {
	uint8_t *data; /* NULL: free */
	size_t len;
	size_t high; /* bytes the controller has written, from the beginning on */
};

struct tdev {
	struct model *m;
	struct tdev_queue q[TDEV_QUEUES];
	struct tdev_buf *buf;
	unsigned n_bufs;
	size_t bytes;	  /* of all buffers */
	uint64_t base_ns; /* real time less the device's */
	bool stepped;	  /* its clock is moved by its host alone */
};

/* 0, or -errno and why (256 bytes). */
int tdev_open(struct tdev *d, const struct serve_options *o, uint16_t cntlid, char *error);
void tdev_close(struct tdev *d);
/* The association is over: a Controller Level Reset, and nothing of its memory stays. */
void tdev_leave(struct tdev *d);

/* Real time reaches the device, unless it is stepped. */
void tdev_pass_time(struct tdev *d);
/* How long nothing will happen by itself; UINT64_MAX: ever. */
uint64_t tdev_idle_ns(const struct tdev *d);

/* Properties: 0, or -EINVAL: there is none, none of that size, or it cannot be set. */
int tdev_property_get(struct tdev *d, uint32_t off, unsigned width, uint64_t *ret);
int tdev_property_set(struct tdev *d, uint32_t off, unsigned width, uint64_t value);
bool tdev_enabled(struct tdev *d); /* CC.EN is 1 and CSTS.RDY too */

/* Queue 0 takes effect when the controller is enabled. 0, -EEXIST, -EINVAL, -ENOMEM. */
int tdev_queue_make(struct tdev *d, uint16_t qid, uint32_t entries);
void tdev_queue_drop(struct tdev *d, uint16_t qid);

/* Zeroed. An index, or -ENOMEM. */
int tdev_buf_get(struct tdev *d, size_t len);
void tdev_buf_put(struct tdev *d, int i);
uint64_t tdev_buf_at(int i);

/* Into the queue, if it has room; the device is told by tdev_ring of all there are. */
bool tdev_put(struct tdev *d, uint16_t qid, const struct sqe *e);
void tdev_ring(struct tdev *d, uint16_t qid);
/* The next completion, if there is one. */
bool tdev_take(struct tdev *d, uint16_t qid, struct cqe *ret);
/* Commands that have been put and not fetched. */
uint32_t tdev_waiting(const struct tdev *d, uint16_t qid);

#endif
