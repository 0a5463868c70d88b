/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a case says to a vfio-user server itself: for cases with NEED_MESSAGES. */
#ifndef CONFORMANCE_TALK_H
#define CONFORMANCE_TALK_H

#include "base/clock.h"
#include "kit/kit.h"
#include "target/session.h"
#include "target/target.h"

#define TALK_NEEDS (NEED_QUEUES | NEED_MESSAGES | NEED_RECONNECT)
#define TALK_REF   "vfio-user protocol (QEMU docs/interop/vfio-user.rst) "
#define TALK_BYTES 4096u
#define TALK_NS	   (10 * NS_PER_S) /* a server may take seconds */
#define TALK_ID	   0x4001u	   /* of messages that have no reason for another */

/* One message, for rows of a table; what is not said is 0. */
struct talk {
	uint16_t command;
	uint32_t flags;
	const void *data, *more; /* payload, in two parts */
	size_t len, more_len;
	const int *fd;
	unsigned fds;
};

/*
 * Says it on the session and returns the reply, valid until the next. No reply, a hang-up and an
 * answer to something else leave the case as FAIL, whatever the case's level.
 */
const struct vu_msg *talk_say(struct rig *r, const struct talk *m);
/* The same for payload alone. */
const struct vu_msg *talk_ask(struct rig *r, unsigned command, const void *data, size_t len);
/* It wants no reply. */
void talk_post(struct rig *r, unsigned command, const void *data, size_t len);

static inline bool talk_failed(const struct vu_msg *m)
{
	return m->h.flags & VU_ERROR;
}

/* Checks that the reply is an error; `what` says to what. */
#define CHECK_REFUSED(r, what, m)                                                                  \
	check_true(r, CHECK_SITE(0, 0), talk_failed(m), "%s: an error reply", what)
static inline bool talk_check_done(struct rig *r, const struct check_site *s, const char *what,
				   const struct vu_msg *m)
{
	return check_true(r, s, !talk_failed(m), "%s: no error in the reply (errno %u)", what,
			  m->h.error);
}
#define CHECK_DONE(r, what, m) talk_check_done(r, CHECK_SITE(0, 0), what, m)
/* The session goes on: DEVICE_GET_INFO is answered as it should be. A miss is never mere advice. */
void talk_check_usable(struct rig *r);
/* The controller, too: enabled anew if it was not, Identify works. */
void talk_check_alive(struct rig *r);

/* ---- shapes ---- */

struct vu_info talk_info(struct rig *r);
/* Of a region; size 0: not there. */
struct vu_region talk_region(struct rig *r, unsigned index);
struct vu_irq talk_irq(struct rig *r, unsigned index);
/* DEVICE_SET_IRQS of MSI-X. */
const struct vu_msg *talk_set_irqs(struct rig *r, uint32_t flags, uint32_t start, uint32_t count,
				   const int *fd, unsigned fds);
/* A read of a region; its data are `count` bytes behind struct vu_access. */
const struct vu_msg *talk_read(struct rig *r, unsigned region, uint64_t offset, uint32_t count);

/* ---- memory of the case's own, at bus addresses that are the target's hole ---- */

#define TALK_MEMORY 0x200000ull /* servers in front of hardware take memory in such pieces */

struct talk_memory {
	struct target *t;
	int fd;
	uint8_t *va;
	struct vu_map map; /* as it is mapped into the device, at the hole */
};

/* Made, sealed and filled with zeros, not mapped into the device; gone when the case ends. */
struct talk_memory *talk_memory(struct rig *r);
/* What the server asks of it by message is answered from here on. */
void talk_lend(struct rig *r, const struct talk_memory *m);
/* DMA_MAP of it, as map says, with or without its descriptor. */
const struct vu_msg *talk_map(struct rig *r, const struct talk_memory *m, bool with_fd);
const struct vu_msg *talk_unmap(struct rig *r, uint64_t address, uint64_t size);

/* ---- sessions ---- */

/* Leaves without a word; when the case ends there is a session again. */
void talk_drop(struct rig *r);
/* After talk_drop(): a new session, the controller disabled. FAIL when there is none to be had. */
void talk_renew(struct rig *r);
/* A connection of the case's own, closed when it ends. FAIL when it is refused. */
int talk_dial(struct rig *r);
/* Closes it before. */
void talk_hang_up(struct rig *r, int sock);
/* Bytes as they are, no message. */
void talk_bytes(struct rig *r, int sock, const void *bytes, size_t len);
/*
 * One message on that connection and its reply in *ret: 0, -EAGAIN nothing came within ns, -ENODEV
 * hung up, -EPROTO garbage. What is in *ret is freed when the case ends.
 */
int talk_on(struct rig *r, int sock, const struct talk *m, struct vu_msg **ret, uint64_t ns);
/* VERSION with that text, its NUL counted in len. */
int talk_version(struct rig *r, int sock, uint16_t major, uint16_t minor, const char *text,
		 size_t len, struct vu_msg **ret, uint64_t ns);

#endif
