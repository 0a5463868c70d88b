/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door that everything goes through which destroys what a device of this machine holds:
 * writes, zeroes, discards, Format, Sanitize, firmware, security, namespaces, and commands of which
 * nothing is known. Each way in asks here right before it sends (kernel_pass.c, kernel_ring.c,
 * block_ring.c, block_node.c, mmc_send.c; queues of our own when the doorbell is rung). It opens by a token,
 * which whoever let the guards look shows for one opened target. The token dies at a reset and with
 * a command that changes what the drive is, and comes back when the drive answers that it is the
 * same.
 *
 * What is no device of this machine has no door: one test of a flag.
 */
#ifndef TARGET_DOOR_H
#define TARGET_DOOR_H

#include "spec/wire.h"
#include "target/target.h"

struct door_window {
	const char *what;
	uint32_t nsid;
	uint64_t at;
};

/* Owned by who shows it, for as long as the target is open. */
struct door_token {
	bool alive;
	/* Is it the same drive? 0 or -errno. NULL: nobody else can reach it meanwhile. */
	int (*renew)(struct target *t, const void *ctx);
	const void *ctx;
	struct door_window told[8]; /* what stands in the journal already, the last of them */
	unsigned n_told;
};

void door_show(struct target *t, struct door_token *token);
/* The controller was reset: what it is has to be asked again. */
void door_reset(struct target *t);

/*
 * Where the commands that are about to be sent are written before they are, for this process and
 * the children that it forks: a line of JSON each, or one for each 64 MiB that are written to; on
 * the disk then. -1, as at first: nowhere, of what is emulated.
 */
void door_journal(int fd);

/* Does the command destroy, by its opcode? Unknown ones do. */
bool door_destroys(uint16_t qid, const struct sqe *e);

/* -EPERM with words in t's error, where there is no token, or it could not be renewed. */
int door_ask_sqe(struct target *t, uint16_t qid, const struct sqe *e);
int door_ask_io(struct target *t, const struct block_io *io);
int door_ask_node(struct target *t, const char *what, uint64_t at, uint64_t bytes);

static inline int door_sqe(struct target *t, uint16_t qid, const struct sqe *e)
{
	return t->caps.of_machine ? door_ask_sqe(t, qid, e) : 0;
}

static inline int door_io(struct target *t, const struct block_io *io)
{
	return t->caps.of_machine ? door_ask_io(t, io) : 0;
}

static inline int door_node(struct target *t, const char *what, uint64_t at, uint64_t bytes)
{
	return t->caps.of_machine ? door_ask_node(t, what, at, bytes) : 0;
}

#endif
