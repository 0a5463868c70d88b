/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole messages with their descriptors over a stream socket, each within a deadline. */
#ifndef VFIO_USER_SOCK_H
#define VFIO_USER_SOCK_H

#include "vfio_user/proto.h"

/* One message. Descriptors that came are owned by it until taken (vu_msg_take_fd). */
struct vu_msg {
	struct vu_header h;
	size_t len; /* of data: h.size less the header */
	uint8_t *data;
	size_t room;
	int fd[VU_FDS_MAX];
	unsigned fds;
};

/*
 * Receives one message into m, whose earlier content is dropped. deadline_ns is for its first byte,
 * on CLOCK_MONOTONIC (clock_mono_ns), and what follows may take rest_ns more; room grows to what a
 * message needs. 0; -EAGAIN: not a byte came; -ETIMEDOUT: it stopped in the middle; -ENODEV: the
 * other side hung up; -EPROTO: no such message, or more descriptors than may be; -ENOMEM.
 */
int vu_receive(int sock, struct vu_msg *m, uint64_t deadline_ns, uint64_t rest_ns);

/*
 * Sends header, two pieces of payload (either may be empty) and descriptors at once. h->size is put
 * in. 0, -ENODEV, -ETIMEDOUT, -EINVAL for more descriptors or bytes than a message takes.
 */
struct vu_piece {
	const void *data;
	size_t len;
};
int vu_send(int sock, struct vu_header *h, const struct vu_piece piece[2], const int *fd,
	    unsigned fds, uint64_t deadline_ns);

/* The i-th descriptor, from then on the caller's; -1 when there is none. */
int vu_msg_take_fd(struct vu_msg *m, unsigned i);
/* Closes descriptors that nobody took. */
void vu_msg_drop_fds(struct vu_msg *m);
void vu_msg_free(struct vu_msg *m); /* and the room */

#endif
