/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The session with the server of a controller that is reached by messages: for cases that ask about
 * the messages themselves, or leave without a word. Sources: vfio-user protocol (QEMU
 * docs/interop/vfio-user.rst), whose messages lib/vfio_user has as structures.
 *
 * A case speaks on the target's own connection, between two messages of the target's, or dials one
 * of its own and does there what it wants.
 */
#ifndef TARGET_SESSION_H
#define TARGET_SESSION_H

#include <stdint.h>

#include "vfio_user/sock.h"

struct target;

/* 0 or -errno, in words in the target's error. -ENODEV: the server is gone, -ETIMEDOUT: it is
 * silent, -EPROTO: it answers what was not asked; then the session is over. */
struct session_ops {
	/*
	 * One message as h has it, but for its size, with up to VU_FDS_MAX descriptors, and its
	 * reply, errors included: moved into *ret, whose content before is freed. With VU_NO_REPLY
	 * *ret is left alone. What the server asks meanwhile the target answers.
	 */
	int (*ask)(struct target *t, struct vu_header *h, const struct vu_piece piece[2],
		   const int *fd, unsigned fds, struct vu_msg *ret, uint64_t timeout_ns);
	/*
	 * Memory of the case's own: what the server asks of it by message the target answers as it
	 * does for its own, until it is told of other memory, or of none (size 0), or the session
	 * ends. To map it into the device is the case's.
	 */
	void (*lend)(struct target *t, void *va, uint64_t address, uint64_t size);
	/* A further connection to the same server, nothing said on it yet: the caller's. */
	int (*dial)(struct target *t, int *ret_sock);
	/*
	 * Leaves without a word: the connection is closed, commands in flight or not. All that was
	 * mapped for DMA stays as it is on this side, to be looked at. Until renew every access is
	 * -ENODEV.
	 */
	int (*drop)(struct target *t);
	/* A new session, which begins like the target's first: the device still, memory mapped. */
	int (*renew)(struct target *t);
};

#endif
