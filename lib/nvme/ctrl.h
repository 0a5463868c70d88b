/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A controller behind a raw target: bring-up and teardown within its own limits, the admin queue,
 * I/O queues, commands with their data, asynchronous events.
 *
 * Source: Base 2.0 Memory-based Transport Controller Initialization, Controller Ready Timeouts,
 * Memory-based Transport Controller Shutdown. Everything the controller says is checked; what is
 * wrong goes to the audit function and never stops the library.
 */
#ifndef NVME_CTRL_H
#define NVME_CTRL_H

#include <stdarg.h>

#include "nvme/queue.h"
#include "nvme/trace.h"

#define CTRL_EVENTS 257 /* as many AERs as AERL can grant, and one too many */

struct prp_list;
struct sgl_list;

struct ctrl_config {
	uint32_t admin_sq_entries; /* 2..4096 */
	uint32_t admin_cq_entries;
	unsigned mps; /* CC.MPS */
	unsigned css, ams;
	unsigned iosqes, iocqes;
	bool use_irq;  /* MSI-X on, completions waited for by vector */
	bool keep_aqa; /* do not write AQA, ASQ, ACQ: as they stand */
};

struct ctrl {
	struct target *t;
	uint64_t cap;
	uint32_t vs;
	unsigned stride; /* bytes between doorbells */
	size_t page;	 /* bytes, of the CC.MPS in force */
	struct ctrl_config config;
	bool enabled; /* CSTS.RDY was 1 when last brought up and nothing took it down since */
	bool use_irq;
	bool native; /* the target has the command rung itself: nvme/native.h */
	struct sq *asq;
	struct cq *acq;
	struct sq *sqs; /* every SQ with memory, admin included */
	struct cq *cqs;
	struct buf *bufs;
	struct prp_list *lists;
	struct sgl_list *sgls;
	struct buf *shadow; /* the controller has these doorbells by Doorbell Buffer Config; or NULL */
	uint16_t nsq, ncq; /* I/O queues allocated by Number of Queues, 1-based; 0 not asked yet */
	uint64_t admin_timeout_ns; /* default 10 s of device time */
	uint64_t io_timeout_ns;
	/* asynchronous events taken off the admin CQ, oldest first */
	uint16_t aer_cid[CTRL_EVENTS];
	unsigned aers; /* outstanding AERs */
	struct cpl event[CTRL_EVENTS];
	unsigned events, events_lost;
	/* completions of commands nobody waits for right now, kept for ctrl_wait_cid */
	struct cpl stray[256];
	unsigned strays;
	/* where the audit's findings go: rule is stable ("cqe.phase"), text says got and want */
	void (*audit)(void *ctx, const char *rule, const char *text);
	void *audit_ctx;
	uint64_t audited;   /* completions checked */
	struct trace trace; /* the last commands and register writes */
	/* With claims: every completion of a command that the trace still has is judged. */
	struct spec_ctrl claims;
	struct oracle_state oracle;
	bool judges;
};

/*
 * Reads CAP and VS, which stay 0 where the way in has no registers. The controller is left as
 * found. -ENODEV when it reads all ones.
 */
int ctrl_open(struct target *t, struct ctrl **ret);

/* Disables the controller (bounded), then frees queues and buffers. */
void ctrl_close(struct ctrl *c);

/* Legal values for this controller: 32-entry admin queues, MPS for 4 KiB (or MPSMIN), CSS, 6/4. */
struct ctrl_config ctrl_defaults(const struct ctrl *c);

/*
 * Disables if need be, programs AQA, ASQ, ACQ and CC, waits for RDY. -ETIMEDOUT past the limit,
 * -EIO when CFS is set, -ENODEV when it reads all ones. ret_ns (may be NULL): time it took.
 */
int ctrl_enable(struct ctrl *c, const struct ctrl_config *cfg, uint64_t *ret_ns);

/* CC.EN to 0, waits for RDY 0; every command in flight is forgotten. Errors as above. */
int ctrl_disable(struct ctrl *c, uint64_t *ret_ns);

/* Disable and enable with the configuration in force: a Controller Reset. I/O queues are gone. */
int ctrl_reset(struct ctrl *c);

/* CC.SHN (1 normal, 2 abrupt), waits for SHST 10b at most limit_ns (0: 10 x RTD3E or 10 s). */
int ctrl_shutdown(struct ctrl *c, unsigned shn, uint64_t limit_ns, uint64_t *ret_ns);

/* How long RDY may take to become 1 or 0, from CAP.TO and CRTO; at least 500 ms. */
uint64_t ctrl_ready_limit_ns(struct ctrl *c, bool ready);

/* Polls CSTS until RDY has the value. Errors as ctrl_enable. */
int ctrl_wait_ready(struct ctrl *c, bool ready, uint64_t *ret_ns);

/* Takes the controller away behind the library's back: forgets queues, in-flight commands, events.
 */
void ctrl_forget(struct ctrl *c);

/* Can registers be read? Always on queues of our own. */
static inline bool ctrl_has_regs(const struct ctrl *c)
{
	return !c->native || (c->t->caps.has & NEED_REGS);
}

/* -ENOTSUP where the way in has none. */
int reg_read32(struct ctrl *c, uint64_t off, uint32_t *ret);
int reg_read64(struct ctrl *c, uint64_t off, uint64_t *ret); /* one access of 64 bits */
int reg_write32(struct ctrl *c, uint64_t off, uint32_t value);
int reg_write64(struct ctrl *c, uint64_t off, uint64_t value);
/* A write that is no news for the trace: a doorbell that says what the queue's own position is. */
int reg_write_quiet(struct ctrl *c, uint64_t off, uint32_t value);

/*
 * Puts and rings a command; *ret_buf (when c->data_len != 0 and cmd->data != NULL) is the DMA
 * buffer that the data lie in: free it after the completion. ret_cid is the CID.
 */
int ctrl_submit(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct buf **ret_buf,
		uint16_t *ret_cid);

/* Waits for that command; other completions met on the way are kept (events, strays). */
int ctrl_wait_cid(struct ctrl *c, struct sq *q, uint16_t cid, struct cpl *ret,
		  uint64_t deadline_ns);

/*
 * Submit, wait with the queue's default deadline, copy data in and out. 0 with *ret filled (its
 * status may be any), -ETIMEDOUT, -ENODEV, -ENOMEM, -ENOSPC (queue full).
 */
int ctrl_exec(struct ctrl *c, struct sq *q, const struct cmd *cmd, struct cpl *ret);
int ctrl_admin(struct ctrl *c, const struct cmd *cmd, struct cpl *ret);

/* Set Features Number of Queues for n pairs; fills c->nsq and c->ncq. -EIO: refused. */
int ctrl_queue_count(struct ctrl *c, uint16_t n);

/*
 * Creates a CQ and an SQ of the same QID in the device, and the memory for them. ien: interrupt
 * by `vector`. -EIO: the controller refused, with *ret_cpl (may be NULL) saying how.
 */
int queue_pair_create(struct ctrl *c, uint16_t qid, uint32_t entries, bool ien, uint16_t vector,
		      struct sq **ret, struct cpl *ret_cpl);
/* Create in the device what cq_alloc / sq_alloc made. */
int cq_create(struct cq *q, bool ien, uint16_t vector, struct cpl *ret);
int sq_create(struct sq *q, struct cpl *ret);
/* Delete in the device, and free. */
int queue_pair_delete(struct sq *q);

/* Posts one AER; its completion goes to c->event[]. */
int ctrl_aer_post(struct ctrl *c);
/* Takes the oldest event, waiting until the deadline. -ETIMEDOUT when none came. */
int ctrl_aer_take(struct ctrl *c, struct cpl *ret, uint64_t deadline_ns);

/*
 * From now on the status of every completion is one that the specification allows for what was
 * sent and what the controller claims; another goes to the audit, as advice. `claims` is copied.
 */
void ctrl_judge(struct ctrl *c, const struct spec_ctrl *claims);
void ctrl_judge_off(struct ctrl *c);

/* Reports a finding of the audit (printf form). */
__attribute__((format(printf, 3, 4))) void ctrl_audit(struct ctrl *c, const char *rule,
						      const char *fmt, ...);

#endif
