/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client's end of a vfio-user socket: one command at a time, each answered within a deadline.
 */
#ifndef TARGET_VU_LINK_H
#define TARGET_VU_LINK_H

#include "target/vu_dma.h"
#include "vfio_user/proto.h"
#include "vfio_user/sock.h"

struct vu_link {
	int sock;
	int twin;  /* what the server asks comes there; -1: by sock, between ours and its reply */
	bool asks; /* the server does ask */
	struct vu_window window[VU_WINDOWS]; /* what it may ask for */
	uint16_t id;
	uint64_t timeout_ns;
	int broken; /* 0, or what every later exchange returns */
	struct vu_msg msg;
	struct vu_msg asked; /* the server's command, while it is answered */
	struct vu_version server;
	char error[200]; /* of the last failure, in words */
};

/*
 * Connects and agrees on a version. step: say that we can step the device's clock. 0, or -errno
 * with l->error; vu_link_close is called in either case.
 */
int vu_link_open(struct vu_link *l, const char *path, uint64_t timeout_ns, bool step);
void vu_link_close(struct vu_link *l);
/* A connection and nothing said on it: l->sock. 0, or -errno with l->error. */
int vu_link_connect(struct vu_link *l, const char *path, uint64_t timeout_ns);

/*
 * One command and its reply, which is in l->msg when 0 is returned, with at least `least` bytes of
 * payload. -errno as the server answered it: the link lives on. -ENODEV: the server is gone,
 * -ETIMEDOUT: it is silent, -EPROTO: it answers garbage; then the link is broken for good. What the
 * server itself asks meanwhile (DMA by message) is answered out of the windows.
 */
int vu_link_ask(struct vu_link *l, unsigned command, const struct vu_piece piece[2], const int *fd,
		unsigned fds, size_t least);
/* One command that wants no reply. */
int vu_link_post(struct vu_link *l, unsigned command, const struct vu_piece piece[2]);
/*
 * One command as h has it, but for its size, and the reply in l->msg whatever it says; none with
 * VU_NO_REPLY. -ENODEV, -ETIMEDOUT and -EPROTO as above.
 */
int vu_link_send_as(struct vu_link *l, struct vu_header *h, const struct vu_piece piece[2],
		    const int *fd, unsigned fds, uint64_t timeout_ns);
/*
 * Is somebody still there? Looks, does not wait, and answers what the server asked. 0, -ENODEV,
 * -EPROTO.
 */
int vu_link_look(struct vu_link *l);

#endif
