/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the core of the model: properties, queues, the engine that fetches, runs and completes
 * commands, PCI configuration space, MSI-X, asynchronous events. The subsystem sees internal.h
 * only.
 *
 * One rule keeps it simple: work is done in core_tick() alone, and core_tick() does not nest. What
 * the controller writes to its own BAR by DMA is kept as posted writes and takes effect in the
 * next tick.
 */
#ifndef MODEL_CORE_H
#define MODEL_CORE_H

#include "model/data.h"
#include "model/internal.h"

#define TICK_NS	     100ull   /* what one register access takes */
#define READY_NS     20000ull /* CC.EN 0 to 1 until CSTS.RDY, and back */
#define SHUTDOWN_NS  50000ull /* CC.SHN until CSTS.SHST is 10b */
#define ADMIN_NS     2000ull  /* a command from fetch to its work */
#define IO_NS	     4000ull  /* likewise, and up to IO_JITTER steps more */
#define IO_JITTER    8u
#define IO_JITTER_NS 1000ull
#define RUNNING_MAX  32u  /* commands fetched and not completed, AERs apart */
#define FETCH_BURST  8u	  /* SQEs fetched in a tick */
#define POSTED_MAX   256u /* dwords written to the own BAR by DMA and not yet there */
#define NEVER	     UINT64_MAX
#define VANISH_AFTER 6u	 /* completions, of the faults vanish-mid-case, stops-answering */
#define LEAK_AFTER   16u /* resets, of reset-leaks-queues */
#define FAILED_MOST  64u /* failed Creates, bad doorbell values: of faults that count them */

#define CAP_TO_UNITS 4u /* CAP.TO and CRTO.CRWMT: 2 s */

#define AER_TYPES    8u
#define AER_PENDING  16u

struct model_sq {
	bool used, pieces;
	uint8_t class; /* QPRIO: enum of arbitrate.c */
	uint64_t base;
	uint32_t size, head, tail;
	uint16_t cqid;
	uint32_t last_ring; /* entries the last doorbell write added */
};

struct model_cq {
	bool used, ien, pieces;
	uint16_t vector;
	uint64_t base;
	uint32_t size, head, tail;
	uint8_t phase;
	uint32_t open; /* commands fetched that will need a slot here */
	uint32_t sqs;  /* submission queues attached */
	uint32_t lap;
};

enum slot_state {
	SLOT_FREE,
	SLOT_RUNNING, /* fetched, its work not begun */
	SLOT_DONE,    /* waits for room in its completion queue */
	SLOT_HELD,    /* an AER, outstanding */
	SLOT_LATE,    /* by fault: its queue is gone, it lands all the same */
};

struct slot {
	struct mcmd c;
	enum slot_state state;
	uint64_t due, seq;
	bool paired;	  /* half of a fused operation; the other half has the next seq, or had */
	bool twice, told; /* marks of abort-completes-twice, irq-before-cqe */
	uint64_t late_at; /* of late-dma-after-reset: where the CQE goes */
	uint8_t late_phase;
};

enum core_state { CORE_OFF, CORE_STARTING, CORE_READY, CORE_STOPPING };

/* Weighted round robin: where each class goes on, what each has left of its round. */
struct model_arbiter {
	unsigned next[4], credit[4];
	unsigned burst; /* commands that may follow from queue `of` before arbitration */
	unsigned of;
};

struct model_boot {
	uint32_t status, select; /* BPINFO.BRS, BPRSEL */
	uint64_t base, due;
};

struct posted {
	uint64_t off;
	uint32_t value;
};

/* What faults remember; the correct code reads none of it. */
struct core_marks {
	unsigned cap_reads;
	unsigned enables;     /* since power-on of the model */
	unsigned completions; /* since power-on of the model */
	unsigned resets;      /* that took I/O queues away */
	unsigned failed_creates, bad_doorbells;
	unsigned late;	   /* slots that a reset did not stop */
	uint32_t vs, nssr; /* as written */
	uint64_t cmbmsc;
	bool toggled;	   /* CC.EN, before CSTS.RDY, of fast-toggle-sticks */
	bool keep_queues;  /* of nssr-keeps-queues, while it resets */
	bool off_runs;	   /* a doorbell counted with CC.EN = 0 */
	bool rest_pending; /* the CQE whose last dword went first */
	uint64_t rest_at, rest_due;
	uint8_t rest[12];
	uint64_t intx_at; /* when an entry last raised the wire */
	bool intx_raised, intx_acked, intx_kept;
	struct model_sq old_sq; /* the admin queues before the last reset */
	struct model_cq old_cq;
};

struct model_core {
	uint32_t cc, csts, intm, aqa;
	uint64_t asq, acq;
	enum core_state state;
	uint64_t state_due, shutdown_due;
	uint64_t alive_due;  /* the Keep Alive Timer expires */
	bool alive_expired;  /* it has */
	uint32_t page;	     /* bytes, of the CC.MPS latched when enabled */
	bool moved;	     /* this tick did something that a host can see */
	bool wedged;	     /* by fault: nothing happens any more */
	struct model_sq *sq; /* [0 .. opt.nsq] */
	struct model_cq *cq; /* [0 .. opt.ncq] */
	unsigned next_sq;    /* round robin */
	struct model_arbiter arbiter;
	struct slot *slot;
	unsigned nslots, running; /* running: RUNNING and DONE */
	uint64_t seq;
	struct posted posted[POSTED_MAX];
	unsigned nposted;
	struct data_list data;	    /* memory of the command at work */
	const struct mcmd *data_of; /* whose it is; NULL: nobody's */
	bool data_endless;
	struct model_boot boot;
	struct core_marks marks;
};

/* ---- tick.c: time ---- */

/* Everything that falls due now, on every controller. Returns whether a host could see a change. */
bool core_tick(struct model *m);
/* DMA, while Bus Master Enable and the power state allow. 0 or -EFAULT. */
int core_dma_read(struct model *m, uint64_t addr, void *to, size_t len);
int core_dma_write(struct model *m, uint64_t addr, const void *from, size_t len);
/* CSTS.CFS = 1: the controller cannot go on, and processes nothing until a reset. */
void core_fatal(struct model *m);

/* ---- regs.c: properties and doorbells in BAR0 ---- */

uint32_t regs_read32(struct model *m, uint64_t off);
/* A legal access of 32 or 64 bits, aligned. */
void regs_write(struct model *m, uint64_t off, unsigned width, uint64_t value);
uint64_t regs_doorbells_end(const struct model *m); /* offset past the last doorbell */

/* ---- keepalive.c: opt.kas claims it ---- */

void keepalive_claim(struct model *m); /* faults that need it claim it, too */
void admin_keep_alive(struct mcmd *c);
void keepalive_traffic(struct model *m); /* an I/O command is fetched */
void keepalive_step(struct model *m);

/* ---- cmb.c: the Controller Memory Buffer (opt.cmb), BAR 2 ---- */

struct model_cmb *cmb_new(struct model *m);
void cmb_free(struct model_cmb *cmb);
void cmb_reset(struct model *m, enum model_reset kind);
uint64_t cmb_bar_bytes(const struct model *m);
uint32_t cmb_read32(const struct model *m, uint64_t off); /* CMBLOC, CMBSZ, CMBMSC, CMBSTS */
void cmb_write_msc(struct model *m, unsigned width, bool high, uint64_t value);
uint64_t cmb_read(struct model *m, uint64_t off, unsigned width); /* by offset into the BAR */
void cmb_write(struct model *m, uint64_t off, unsigned width, uint64_t value);
bool cmb_overlaps(const struct model *m, uint64_t base, uint64_t bytes);
/* Does the host's address lead into it? */
bool cmb_holds(const struct model *m, uint64_t addr);
/* Where it leads; NULL: elsewhere. *len shrinks to what goes the same way. */
uint8_t *cmb_at(struct model *m, uint64_t addr, size_t *len);
/*
 * A command's use of it. begin: its data pointer is read anew. The others fail the command and
 * return true when that page of data, that list, that queue may not lie where it lies.
 */
void cmb_use_begin(struct model *m);
bool cmb_data_fails(struct mcmd *c, uint64_t addr, uint16_t where);
bool cmb_list_fails(struct mcmd *c, uint64_t addr, uint16_t where);
bool cmb_queue_fails(struct mcmd *c, bool cq, uint64_t base, uint64_t bytes, bool pieces);
/* A queue may begin at any dword there (CMBLOC.CQDA). */
bool cmb_aligns_queues(const struct model *m, uint64_t addr, bool pieces);

/* ---- pmr.c: the Persistent Memory Region (opt.pmr), BAR 4 ---- */

struct model_pmr *pmr_new(struct model *m);
void pmr_free(struct model_pmr *p);
void pmr_reset(struct model *m, enum model_reset kind);
uint32_t pmr_read32(const struct model *m, uint64_t off); /* PMRCAP to PMRMSCU */
void pmr_write(struct model *m, uint64_t off, uint32_t v);
uint64_t pmr_read(struct model *m, uint64_t off, unsigned width);
void pmr_write_bytes(struct model *m, uint64_t off, unsigned width, uint64_t value);
bool pmr_enabled(const struct model *m);
void pmr_erase(struct model *m); /* Sanitize */
void pmr_step(struct model *m);
uint64_t pmr_next(const struct model *m);
bool pmr_overlaps(const struct model *m, uint64_t base, uint64_t bytes);
uint8_t *pmr_at(struct model *m, uint64_t addr, size_t *len, bool write);

/* ---- memory.c: the host's addresses, which lead to its memory or to the controller's own ---- */

int memory_read(struct model *m, uint64_t addr, void *to, size_t len);
int memory_write(struct model *m, uint64_t addr, const void *from, size_t len);

/* ---- arbitrate.c: whose command is next ---- */

/* A submission queue that `may` give one; -1: none. */
int arbitrate_next(struct model *m, bool (*may)(struct model *m, const struct model_sq *q));
void arbitrate_took(struct model *m, unsigned qid);
bool arbitrate_is_weighted(const struct model *m);

/* ---- boot.c: boot partitions read through the properties ---- */

bool boot_there(const struct model *m);
void boot_reset(struct model *m);
uint32_t boot_read32(const struct model *m, uint64_t off); /* BPINFO, BPRSEL, BPMBL */
void boot_write_base(struct model *m, unsigned width, bool high, uint64_t value);
void boot_select(struct model *m, uint32_t value);
void boot_step(struct model *m); /* runs with CC.EN = 0, too */

/* ---- reset.c: enable, disable, shutdown, resets ---- */

void core_cc_write(struct model *m, uint32_t value);
/* Timers of enable, disable and shutdown. */
void core_step_state(struct model *m);
uint64_t core_state_next(const struct model *m);
/* A Controller Level Reset that PCI has no part in: properties, queues, commands, subsystem. */
void core_level_reset(struct model *m, enum model_reset kind);
void core_subsystem_reset(struct model *m); /* every controller of it */
/* Queues, commands, events away. */
void core_drop_all(struct model *m, enum model_reset kind);
/* CC.CSS is 110b: the command sets are those of feature 19h. */
bool core_by_profile(const struct model *m);
/* May commands be fetched and completed now? alive: also where a fault lets them. */
bool core_running(const struct model *m);
bool core_alive(const struct model *m);

/* ---- queue.c: queues and the admin commands on them ---- */

struct model_sq *core_sq(struct model *m, unsigned qid); /* NULL: does not exist */
struct model_cq *core_cq(struct model *m, unsigned qid);
bool queue_cqr(const struct model *m); /* CAP.CQR */
/* Bus address of byte `off` of a queue; in pieces: base is that of its list. */
uint64_t queue_at(struct model *m, uint64_t base, bool pieces, uint64_t off);
void queue_admin_create(struct model *m);
void admin_create_cq(struct mcmd *c);
void admin_create_sq(struct mcmd *c);
void admin_delete_cq(struct mcmd *c);
void admin_delete_sq(struct mcmd *c);

static inline uint32_t sq_waiting(const struct model_sq *q)
{
	return (q->tail + q->size - q->head) % q->size;
}

static inline uint32_t cq_used(const struct model_cq *q)
{
	return (q->tail + q->size - q->head) % q->size;
}

static inline uint32_t cq_room(const struct model_cq *q)
{
	return q->size - 1 - cq_used(q);
}

/* ---- engine.c: fetch and run; post.c: complete ---- */

void engine_step(struct model *m);
uint64_t engine_next(const struct model *m); /* when something falls due, NEVER */
/* The slot's command completes; posted when its completion queue has room. */
void engine_complete(struct model *m, struct slot *s);
void engine_drop(struct model *m, struct slot *s);
struct slot *engine_slot_of(struct mcmd *c);
struct slot *engine_find(struct model *m, uint16_t sqid, uint16_t cid, const struct slot *but);
/* A reset, seen by the fault late-dma-after-reset: what is in flight stays and lands later. */
void engine_keep_late(struct model *m);
/* By fault, at a reset: AERs that are held complete as aborted. */
void engine_complete_held(struct model *m);
/* Completes or drops what a submission queue has in flight, before it is deleted. */
void engine_abort_queue(struct model *m, uint16_t sqid);
/* Preempt and abort: I/O commands of the namespace that have not begun their work end; by fault
 * they go on, as if nothing had happened. */
void engine_preempt(struct model *m, uint32_t nsid);
/* By fault: a running command of SQ 1 goes when another queue is deleted. */
void engine_drop_one(struct model *m, uint16_t deleted);
/* Writes the CQE, moves the tail, interrupts. The slot is free afterwards. */
void post_cqe(struct model *m, struct slot *s);
void post_step(struct model *m);
uint64_t post_next(const struct model *m);
/* By fault: an entry held back after its interrupt; a command that lands when its queue is gone. */
bool post_hold_for_irq(struct model *m, struct slot *s);
void post_keep_late(struct model *m, struct slot *s, uint64_t ns);
void engine_hold_done(struct model *m, struct slot *s, uint64_t ns);

/* ---- data.c; prp.c and sgl.c behind it: data.h ---- */

/* By fault: the command's list was followed and has no end. */
bool data_never_ends(struct model *m);

/* ---- admin.c ---- */

void admin_command(struct mcmd *c);
void admin_abort(struct mcmd *c);
/* Wrong for a command that uses no namespace: sets the status, true. */
bool admin_nsid_wrong(struct mcmd *c);

/* ---- event.c ---- */

struct model_events *events_new(struct model *m);
void events_free(struct model_events *e);
void events_reset(struct model *m);
void events_step(struct model *m);
void admin_async_event(struct mcmd *c);
/* The outstanding AER is none any more, because it is aborted; false: it is no AER. */
bool events_abort(struct model *m, struct slot *s);

/* ---- irq.c: the MSI-X table and pending bits, and messages ---- */

struct model_irq *irq_new(struct model *m);
void irq_free(struct model_irq *irq);
void irq_reset(struct model *m); /* as after power-on */
void irq_drop_pending(struct model *m);
void irq_raise(struct model *m, unsigned vector);
/* The function mask, the enable bit or an entry's mask changed. */
void irq_control_changed(struct model *m);
uint32_t irq_read32(struct model *m,
		    uint64_t off); /* off: into the table or the PBA, by BAR offset */
void irq_write32(struct model *m, uint64_t off, uint32_t value);
bool irq_owns(const struct model *m, uint64_t off);
void irq_step(struct model *m);
uint64_t irq_next(const struct model *m);
uint64_t irq_table_offset(const struct model *m);
uint64_t irq_pba_offset(const struct model *m);

/* ---- intx.c: the wire ---- */

bool intx_pending(const struct model *m); /* PCI status, Interrupt Status */
/* For faults: an interrupting queue got an entry, gave one back, goes with a reset. */
void intx_raised(struct model *m);
void intx_acked(struct model *m);
void intx_dropped(struct model *m);
void intx_kept(struct model *m);

/* ---- pci.c ---- */

struct model_pci *pci_new(struct model *m);
void pci_free(struct model_pci *pci);
void pci_reset(struct model *m); /* as after power-on */
void pci_function_reset(struct model *m);
/* The number of MSI-X vectors is another one. */
void pci_msix_changed(struct model *m);
bool pci_memory_enabled(const struct model *m);
bool pci_master_enabled(const struct model *m);
bool pci_msix_enabled(const struct model *m);
bool pci_msix_masked(const struct model *m);
bool pci_intx_disabled(const struct model *m);
/* Does the bus address lie in BAR0? Then *ret_off is the offset. */
bool pci_bar_hit(const struct model *m, uint64_t addr, uint64_t *ret_off);

#endif
