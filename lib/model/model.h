/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An NVMe 2.0 controller in the process, behind the raw rung: PCI configuration space, registers,
 * queues in the tester's memory, MSI-X, admin and NVM commands, features, logs, events, namespaces
 * with a volatile cache. It reads as the specification's words; what it does wrong it does because
 * a fault (fault.h) was asked for.
 *
 * It is single-threaded and deterministic. Nothing happens but in model_tick(), which every
 * register access and every relax of the target calls, and time is the model's own: it moves by
 * what the caller lets pass. So commands can be in flight, and a second's wait costs nothing.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;

/* How the model reaches the tester's memory; 0, or -EFAULT when nothing answers there. */
struct model_bus {
	int (*read)(void *ctx, uint64_t addr, void *to, size_t len);
	int (*write)(void *ctx, uint64_t addr, const void *from, size_t len);
	/*
	 * May be NULL. An MSI-X message of the first controller has been written, whether or not
	 * its address led anywhere: for who has another way to tell the tester of it.
	 */
	void (*message)(void *ctx, unsigned vector);
	void *ctx;
};

struct model *model_new(const struct model_bus *bus);
void model_free(struct model *m); /* the whole subsystem, its other controller too */

/*
 * "key=value" options of `model:`: 0, -ENOENT unknown key, -EINVAL bad value, -EEXIST a second
 * preset. In any order: what is given by itself outweighs the preset. Before model_settle.
 */
int model_option(struct model *m, const char *key, const char *value);
extern const char *const model_option_keys[]; /* NULL-terminated */
const char *model_preset_name(size_t i);      /* NULL past the last */

/*
 * All options are given: what the version does not know is dropped. -EINVAL and a sentence in why
 * (at most len bytes) when two contradict each other. Before model_power_on.
 */
int model_settle(struct model *m, char *why, size_t len);

/*
 * It stands behind a message-based transport (Fabrics), whose side makes the queues, and has that
 * controller identifier, and of a subsystem with the static controller model where it says so:
 * before model_option. Options of what that cannot be are -EINVAL in model_settle.
 */
void model_message_based(struct model *m, uint16_t cntlid, bool is_static);
/* The subsystem's NVMe Qualified Name. */
extern const char model_nqn[];
#define MODEL_CAPSULE_DATA 8192u /* in-capsule data of an I/O command that it claims to take */

/* Power on: everything to its power-on value. Power off loses what is volatile, cache included. */
int model_power_on(struct model *m);
void model_power_off(struct model *m);
/*
 * The second controller of the subsystem, once power was on; NULL: there is one alone. It is driven
 * like the first, on the same bus and in the same time, and belongs to the first.
 */
struct model *model_peer(struct model *m);
/* It is a secondary controller of the first one, and offline until that one says otherwise. */
bool model_has_secondary(const struct model *m);
void model_flr(struct model *m);
/*
 * The subsystem's own side, as an operator would have it: 0, -EINVAL for what it does not know or
 * does not do, -EPERM for what cannot be any more.
 *	ana GROUP STATE    this controller's relation to an ANA group: optimized, non-optimized,
 *	                   inaccessible, persistent-loss, change
 *	telemetry          this controller saves its internal state
 */
int model_control(struct model *m, const char *what);

/* BAR0, exact width. -ERANGE past the end, -ENODEV when the model has "vanished" by fault. */
int model_bar_read(struct model *m, uint64_t off, unsigned width, uint64_t *ret);
int model_bar_write(struct model *m, uint64_t off, unsigned width, uint64_t value);
int model_cfg_read(struct model *m, unsigned off, unsigned width, uint32_t *ret);
int model_cfg_write(struct model *m, unsigned off, unsigned width, uint32_t value);
uint64_t model_bar_size(const struct model *m);

/*
 * The doorbell registers: how many, two a queue with the admin queue's first; where one lies in
 * BAR0; what the controller has of it, 0 where its queue is not; the end, of a page, of their room.
 */
unsigned model_doorbells(const struct model *m);
uint64_t model_doorbell_offset(const struct model *m, unsigned i);
uint32_t model_doorbell_now(struct model *m, unsigned i);
uint64_t model_doorbells_end(const struct model *m);

/*
 * The other BARs with memory, 2 and 4: the Controller Memory Buffer, the Persistent Memory Region.
 * Any width at any alignment; errors as model_bar_read, and -ERANGE where there is no such BAR.
 */
int model_mem_read(struct model *m, unsigned bar, uint64_t off, unsigned width, uint64_t *ret);
int model_mem_write(struct model *m, unsigned bar, uint64_t off, unsigned width, uint64_t value);
uint64_t model_mem_size(const struct model *m, unsigned bar); /* 0: not there */

/*
 * Was that fault (enum fault_id) asked for? For what stands around the model and has faults of its
 * own; false without a model.
 */
bool model_has_fault(const struct model *m, int fault);

/* The option `node`: what stands around the model is told what kind of block node is wanted. */
unsigned model_node_bits(const struct model *m);
/* The option `emmc`: the same of the card. */
unsigned model_card_bits(const struct model *m);

/*
 * For the transport of a message-based one: an I/O queue pair of that many entries at two bus
 * addresses. -EEXIST: the QID is taken or more than is allocated; -EINVAL: no such size. Dropped
 * with what is in flight in it, and by every Controller Level Reset.
 */
int model_queue_make(struct model *m, uint16_t qid, uint32_t entries, uint64_t sq, uint64_t cq);
void model_queue_drop(struct model *m, uint16_t qid);
/* How far commands have been fetched, -1: there is no such queue. */
int model_queue_head(const struct model *m, uint16_t qid);
/* A host has connected its admin queue: Keep Alive Timeout and Host Identifier are as it said. */
void model_connected(struct model *m, uint32_t kato_ms, const uint8_t hostid[16]);
/* The Keep Alive Timer has run out since the last Controller Level Reset. */
bool model_keep_alive_expired(const struct model *m);

/* Is the INTx wire active? */
bool model_intx(const struct model *m);

/* Lets ns of the model's time pass and does the work that falls due; returns early when idle. */
void model_relax(struct model *m, uint64_t ns);
uint64_t model_now(const struct model *m);
/* When work falls due next if nobody comes along; UINT64_MAX: never. */
uint64_t model_next(const struct model *m);
/* Does it watch a shadow doorbell, which the host changes without telling? Each step of time looks.
 */
bool model_watches(const struct model *m);

#endif
