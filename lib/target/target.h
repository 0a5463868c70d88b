/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one narrow interface between what asks and what answers: a way in to one controller.
 *
 * Three rungs, each on the one below: block I/O, commands, raw (registers, queues, DMA). A target
 * gives the rungs it has; lib/nvme builds the command rung on the raw one and the block rung on
 * the command one, once, for every target. What a target lacks is a fact in struct target_caps.
 *
 * A target is used by one thread. Functions return 0 or -errno and say more in target_error().
 */
#ifndef TARGET_TARGET_H
#define TARGET_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "target/emulated.h"

struct target;
struct door_token;
struct session_ops; /* target/session.h */
struct fabric_ops; /* target/fabric.h */
struct node_ops;    /* target/node.h */
struct mmc_ops;	    /* target/mmc.h */
struct cmd;	    /* nvme/cmd.h */
struct cpl;

/* What a case may need of a target; target_caps.has is the set that a target gives. */
enum target_need {
	NEED_BLOCK = 1u << 0,	   /* block I/O */
	NEED_COMMAND = 1u << 1,	   /* admin and I/O commands, one at a time, data as a buffer */
	/* the controller is ours alone: CC written, resets, events, commands in flight together,
	 * queues made, wherever those queues are */
	NEED_CTRL = 1u << 24,
	NEED_PDUS = 1u << 25, /* target_ops.fabric: NVMe/TCP connections of the case's own */
	/* an SQE goes out with the opcode, FUSE, NSID and data pointer that the case gave it; built on
	 * NEED_QUEUES, as the two above */
	NEED_SQE = 1u << 26,
	NEED_QUEUES = 1u << 2,	   /* registers, own queues, own doorbells, own DMA memory: raw */
	NEED_CONFIG = 1u << 3,	   /* PCI configuration space */
	NEED_IRQ = 1u << 4,	   /* MSI-X messages that can be waited for */
	NEED_HOLE = 1u << 5,	   /* bus addresses that are known to lead nowhere */
	NEED_OWN_BAR = 1u << 6,	   /* the device can reach its own BAR by DMA */
	NEED_MSIX_TABLE = 1u << 7, /* the MSI-X table itself, not a virtualised one */
	NEED_RESTART = 1u << 8,	   /* the device can be made to lose power and come back */
	NEED_RECONNECT = 1u << 9,  /* a client can vanish and another come: socket transports */
	NEED_PEER = 1u << 10,	   /* the second controller of the same subsystem, raw as well */
	NEED_BARS = 1u << 11,	   /* memory behind BARs other than 0 */
	NEED_WIRE = 1u << 12,	   /* the level of the INTx wire can be seen */
	NEED_SECONDARY = 1u << 13, /* the same, as a secondary one of this primary one: offline */
	NEED_CONTROL = 1u << 14,   /* the target's own side can be told to change */
	NEED_MESSAGES = 1u << 15,  /* target_ops.session: the messages of a vfio-user server */
	NEED_REGS = 1u << 16,	   /* controller registers (properties) can be read */
	NEED_NODE = 1u << 17,	   /* target_ops.node: a Linux block node, by system calls */
	NEED_BARE_CONFIG = 1u << 18, /* configuration space itself, not one that a kernel edits */
	NEED_BACK = 1u << 19,	   /* target_ops.back: the store at the other end of a stack */
	NEED_MMC = 1u << 20,	   /* target_ops.mmc: an MMC or SD card, by its own commands */
};

/* Short name ("queues") and sentence of one bit; NULL for a bit that means nothing. */
const char *target_need_name(unsigned bit);
const char *target_need_text(unsigned bit);

struct target_caps {
	unsigned has;	      /* enum target_need */
	bool emulated;	      /* no real media behind it: nothing of value can be harmed */
	bool of_machine;      /* a device of this machine; `behind` is what was found there */
	bool busy;	      /* and somebody else uses it: mounted, or held by another device */
	bool given;	      /* and it held nothing when the rig took it, or was given up by a word */
	bool cleared;	      /* never of open: the guards let it be harmed (rig/guard.h) */
	uint64_t dev;	      /* of a device of this machine: the number of the node opened; 0: none */
	char behind[EMULATED_TEXT];
	bool fabrics;	      /* capsules: SGLs, no doorbells, properties by command */
	uint32_t nsid;	      /* the address names this namespace: no other is used; 0: none */
	bool stepped;	      /* works only in accesses and in relax: spinning brings nothing */
	unsigned vectors;     /* MSI-X messages that irq_wait can tell apart; 0: none */
	uint64_t bar_size[6]; /* bytes; the upper half of a 64-bit BAR reads 0 */
	uint64_t bar_addr[6]; /* bus address of each BAR, 0 when unknown */
	uint64_t dma_bytes;   /* how much dma_map can give in all */
	uint64_t hole;	      /* with NEED_HOLE: hole_bytes of bus addresses that lead nowhere */
	uint64_t hole_bytes;
	char engine[64]; /* who answers: "QEMU 7.2.22", "nvrig model" */
};

/*
 * May anything above harm `none` be done there? To a device of this machine only when the guards
 * let it. A file that was given is nobody's device.
 */
static inline bool target_may_harm(const struct target_caps *c)
{
	return !c->of_machine || c->cleared || (c->given && c->emulated);
}

/* Memory that host and device both see. Owned by the target from map to unmap; zeroed by map. */
struct dma {
	size_t len;    /* in: bytes, made whole pages by the target */
	size_t align;  /* in: power of two, at least 4096 is given anyway */
	void *va;      /* out: where the host sees it */
	uint64_t iova; /* out: the address to give to the device */
};

enum reset_kind {
	RESET_CTRL,  /* Controller Reset by whoever keeps the queues; with submit alone */
	RESET_FLR,   /* Function Level Reset (PCIe Transport: Controller Level Reset) */
	RESET_POWER, /* power lost and back: volatile state gone, unflushed data may be */
};

/* An I/O queue pair of the same QID, in memory of dma_map. */
struct target_queue {
	uint16_t qid;
	uint32_t entries; /* of both, 2..65536 */
	uint64_t sq, cq;  /* bus addresses */
};

/* How the device took it. */
struct target_queue_reply {
	uint16_t status; /* SCT and SC */
	uint32_t dw0;
};

enum block_op { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH, BLOCK_ZEROES, BLOCK_DISCARD };

/* One block I/O. Filled by the caller up to `data`, by the target from `result` on. */
struct block_io {
	enum block_op op;
	bool fua; /* write only: durable before it completes */
	uint16_t queue; /* 0-based: which of the queues that were asked for */
	uint32_t nsid;
	uint64_t lba;	    /* in the namespace's own blocks */
	uint32_t blocks;    /* 1-based; 0 for flush */
	struct dma *data;   /* read and write: where; NULL otherwise */
	size_t data_offset; /* bytes into data, dword-aligned */
	void *user;	    /* the caller's own */
	int result;	    /* 0, or -EIO with status, or -errno of the way in */
	uint16_t status;    /* NVMe SCT and SC, spec/status.h; 0 where the target has none */
	uint64_t submit_ns; /* taken next to the device, target_now() clock */
	uint64_t complete_ns;
};

/*
 * Offsets are into BAR0. A register access is made with exactly the width asked for (8, 16, 32
 * or 64 bits), also when misaligned; -EINVAL only for another width, -ERANGE past the end of the
 * BAR, -ENODEV when the device is gone, -ETIMEDOUT when the way in does not answer.
 */
struct target_ops {
	const char *scheme; /* "model", "qtest" */
	const char *help;   /* address grammar and options, for help and the man page */

	/*
	 * What has to be settled before open, once for a run and not for every worker: NULL where
	 * nothing is. On failure *ret_hold is NULL and error (256 bytes) says what. release takes
	 * the hold; where it could not put everything back, error says what and how.
	 */
	int (*hold)(const char *address, void **ret_hold, char *error);
	int (*release)(void *hold, char *error);
	/* Puts back what holds of processes that are gone left behind. How many; or -errno, error. */
	int (*recover)(char *error);
	/* address: what stands behind "scheme:". On failure close is not called. */
	int (*open)(struct target *t, const char *address);
	void (*close)(struct target *t); /* quiets the device before memory goes */
	int (*caps)(struct target *t, struct target_caps *ret);

	/*
	 * Block rung, where the target has it natively; the contract is that of rung_io_submit and
	 * rung_io_reap in nvme/rung.h, which callers use.
	 */
	int (*io_submit)(struct target *t, struct block_io *io[], unsigned n);
	int (*io_reap)(struct target *t, struct block_io *ret[], unsigned n, uint64_t deadline_ns);

	/*
	 * Command rung, where the target has it natively: somebody else keeps the queues, or they
	 * are no memory. One command, waited for; qid 0 is the Admin queue. c->data, when there
	 * are any, is memory of dma_map, and what the SQE has for CID and data pointer is not sent.
	 * 0 with *ret (any status; SQ, CID and time are the caller's); -ENOTSUP: this way in cannot
	 * carry that command, and the error says why; -ETIMEDOUT, -ENODEV, else the rig's trouble.
	 * dma_map then gives memory for data.
	 */
	int (*submit)(struct target *t, uint16_t qid, const struct cmd *c, uint64_t timeout_ns,
		      struct cpl *ret);

	/* raw rung; with submit, reg_read alone may be there */
	int (*reg_read)(struct target *t, uint64_t off, unsigned width, uint64_t *ret);
	int (*reg_write)(struct target *t, uint64_t off, unsigned width, uint64_t value);
	/*
	 * Where I/O queues are made by the way in itself and not by admin commands (caps.fabrics);
	 * NULL elsewhere. 0 with *ret (any status); -ENOTSUP: none is made here. queue_delete:
	 * -ENOTSUP where the device does not delete one alone.
	 */
	int (*queue_make)(struct target *t, const struct target_queue *q,
			  struct target_queue_reply *ret);
	int (*queue_delete)(struct target *t, uint16_t qid);
	/*
	 * Where the host may store the doorbell at this offset itself, 32 bits in one store, as good
	 * as reg_write; NULL where it may not. Good until close. What the device's end does to the
	 * memory behind it is no error that would be told here: waits look after the device.
	 */
	uint32_t *(*reg_mapped)(struct target *t, uint64_t off);
	int (*dma_map)(struct target *t, struct dma *d);
	void (*dma_unmap)(struct target *t, struct dma *d);
	/* MSI-X: vectors 0..n-1 enabled (0 disables), pending ones forgotten. */
	int (*irq_enable)(struct target *t, unsigned n);
	/* 1 and consumed, 0 when none came until the deadline (0: look, do not wait), or -errno. */
	int (*irq_wait)(struct target *t, unsigned vector, uint64_t deadline_ns);
	/*
	 * Memory behind a BAR other than 0, exactly that width at that offset. Errors as for
	 * registers; -ERANGE where there is no such BAR.
	 */
	int (*mem_read)(struct target *t, unsigned bar, uint64_t off, unsigned width,
			uint64_t *ret);
	int (*mem_write)(struct target *t, unsigned bar, uint64_t off, unsigned width,
			 uint64_t value);
	/*
	 * 1 when the INTx wire is active or inactive as asked for; nothing is consumed. 0 when it
	 * did not become so until the deadline (0: look, do not wait), or -errno. -ENOTSUP: it cannot
	 * be seen now, while MSI-X is on.
	 */
	int (*wire_wait)(struct target *t, bool active, uint64_t deadline_ns);
	/* Returns when the device can be reached again: its time waited, its configuration back. */
	int (*reset)(struct target *t, enum reset_kind kind);

	/*
	 * With NEED_PEER or NEED_SECONDARY: the second controller of the same subsystem, which belongs to this run
	 * alone; raw, disabled, in the device's time of t. Memory mapped by one is seen by both.
	 * Owned by t and closed with it; the same one at each call.
	 */
	int (*peer)(struct target *t, struct target **ret);

	/*
	 * With NEED_CONTROL: tells the device's own side to change, in words: what an operator of
	 * the subsystem could do behind this controller's back. 0; -EINVAL: it does not know what
	 * that is, or does not do it; -EPERM: that cannot be any more. Of the peer likewise.
	 *	ana GROUP STATE  this controller's relation to an ANA group: optimized,
	 *	                 non-optimized, inaccessible, persistent-loss, change
	 *	telemetry        the controller saves its internal state
	 */
	int (*control)(struct target *t, const char *what);

	const struct fabric_ops *fabric; /* with NEED_PDUS */

	/* With NEED_MESSAGES and NEED_RECONNECT: the session under the target; NULL: there is none. */
	const struct session_ops *session;

	/* With NEED_NODE: the block node; its words of control stand in target/node.h. */
	const struct node_ops *node;

	/* With NEED_MMC: the card; its words of control stand in target/mmc.h. */
	const struct mmc_ops *mmc;

	/*
	 * With NEED_BACK: the store where this target's bytes come to rest, as a target that has
	 * NEED_NODE. Owned by t and closed with it; the same one at each call.
	 */
	int (*back)(struct target *t, struct target **ret);

	/* PCI configuration space, widths 8, 16, 32, offsets 0..FFFh */
	int (*cfg_read)(struct target *t, unsigned off, unsigned width, uint32_t *ret);
	int (*cfg_write)(struct target *t, unsigned off, unsigned width, uint32_t value);

	/*
	 * The device's time. now: nanoseconds on the clock that deadlines are made of. relax: let
	 * the device work for at most ns while the caller waits; may return at once when something
	 * happened; with ns 0 only what the device asks of the host is done. A target with a clock
	 * of its own (the model, QEMU's qtest accelerator) moves it here, so waiting a second costs
	 * none. -ENODEV when the device is found gone;
	 * -ECANCELED when somebody on this machine takes it away, which is no fault of its own.
	 */
	uint64_t (*now)(struct target *t);
	int (*relax)(struct target *t, uint64_t ns);
};

struct target {
	const struct target_ops *ops;
	struct target_caps caps; /* filled by target_open */
	void *priv;		 /* the target's own state */
	struct door_token *token; /* target/door.h; NULL: none was shown */
	char error[256];	 /* what went wrong last, in words */
};

/* Every target there is, NULL-terminated; a new one is one file and one line in target.c. */
extern const struct target_ops *const target_all[];

/*
 * Opens the target named in full ("model:ns=2", "qtest:SOCK?mem=RAM"). That target or an error:
 * -EPROTONOSUPPORT for an unknown scheme, -EINVAL for a bad address or option, else what its open
 * said. On failure *ret_target is NULL and `error` (at least 256 bytes) says what, where, and what
 * to do.
 */
int target_open(const char *address, struct target **ret_target, char *error);
void target_close(struct target *t);

/*
 * For who opens the target again and again, in workers that may be killed: what must be settled
 * around all of that, by the process that outlives them. *ret_hold is NULL where there is nothing.
 * Errors as of target_open. target_release(NULL) is fine; -errno, with the sentence in error (256
 * bytes), when not everything could be put back.
 */
struct target_hold;
int target_hold(const char *address, struct target_hold **ret_hold, char *error);
int target_release(struct target_hold *h, char *error);

/* What runs before this one held, and could not put back, is put back. How many, or -errno with
 * the sentence in error (256 bytes). */
int target_recover(char *error);

/* Sets the error text and returns `err` (negative), so that it can stand in a return. */
__attribute__((format(printf, 3, 4))) int target_fail(struct target *t, int err, const char *fmt,
						      ...);

/*
 * Walks "key=value,key=value" (an option without = has value ""), calling set for each; stops at
 * the first error. Unknown keys are told by set returning -ENOENT: the nearest of `keys` (an
 * array ended by NULL) is then named in the error.
 */
int target_options(struct target *t, const char *options, const char *const *keys,
		   int (*set)(void *ctx, const char *key, const char *value), void *ctx);

static inline uint64_t target_now(struct target *t)
{
	return t->ops->now(t);
}

#endif
