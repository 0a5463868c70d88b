/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the target `block:`, which share one opened node or file. */
#ifndef TARGET_BLOCK_H
#define TARGET_BLOCK_H

#include "target/node.h"
#include "target/target.h"

#define BLOCK_QUEUES_MAX 256u
#define BLOCK_DEPTH_MAX	 32768u

struct block_rings;

/* A device-mapper node of nvrig's own, as it is without faults. */
struct block_linear {
	char name[64], below[32]; /* below: MAJOR:MINOR */
	uint64_t sectors, start;  /* of 512 bytes */
};

struct block_target {
	char path[256]; /* as it was named */
	int fd;		/* for direct I/O, and the claim on a block node: O_EXCL */
	dev_t dev; /* of a block node */
	bool is_block, writable, emulated;
	char why_read[EMULATED_TEXT]; /* why not writable */
	uint32_t lba_bytes;
	struct block_rings *rings;
	unsigned can;		    /* enum node_can */
	uint64_t bytes_before;	    /* by control: 0, or the size it had */
	bool was_set_read_only;	    /* by control */
	uint64_t bad, bads;	    /* by control: first sector of 512 bytes, how many */
	struct block_linear linear; /* name "": it is none */
	bool hung;		    /* by control */
	bool scratch;	/* a file that was given up */
	char link[256]; /* of nvmet in this kernel: what makes a port show the front; "": none */
	bool link_off;	/* by control */
	char plug[320]; /* block_plug.c: how it is unplugged; "": it cannot be */
	bool unplugged; /* by control */
	int plug_fd;	/* of a port: its answer is awaited; -1: it is not */
	char plug_tag[17];
	char plug_who[512]; /* who it was then */
	char back_path[256];	    /* "": no other end is known */
	struct target *back;
};

/* ---- block_facts.c ---- */

/* A number in the queue directory of the block device, or beside it; 0 where there is none. */
uint64_t block_queue_number(int fd, const char *name);
/* What a file of the block device's directory in sysfs says, without its newline; "" is nothing. */
void block_sysfs_text(int fd, const char *name, char *ret, size_t size);
/* The name that the kernel has for it, whatever path it was opened by; "" of a file. */
void block_sysfs_name(int fd, char *ret, size_t size);
int block_facts(const struct block_target *b, struct node_facts *ret);

/* In a guest on a store of QEMU's whose blocks fail ($NVRIG_BAD, docs/guests.md): where. */
#define BLOCK_BAD "NVRIG_BAD"

/* ---- block_ring.c: block I/O, one ring a queue, made when the queue is first used ---- */

int block_rings_open(const struct block_target *b, unsigned depth, bool poll,
		     struct block_rings **ret);
/* Waits for what is in flight; then no ring has the node, and each comes up again when it is used. */
void block_rings_down(struct block_rings *r);
/* How many I/Os have not been reaped. */
unsigned block_rings_busy(const struct block_rings *r);
/* The same, for good. */
void block_rings_close(struct block_rings *r);
int block_rings_map(struct block_rings *r, struct dma *d);
void block_rings_unmap(struct block_rings *r, struct dma *d);
/* rung_io_submit and rung_io_reap of nvme/rung.h. */
int block_rings_submit(struct target *t, struct block_rings *r, struct block_io *io[], unsigned n);
int block_rings_reap(struct block_rings *r, struct block_io *ret[], unsigned n,
		     uint64_t deadline_ns);

/* ---- target_block.c ---- */

/* Opens what stands under b->path, as far as that may be: b->fd is its from then on. 0 or -errno with
 * words in t's error. */
int block_attach(struct target *t, struct block_target *b);

/* ---- block_node.c, block_control.c ---- */

extern const struct node_ops block_node_ops;
/* node_ops.who */
int block_who(const struct block_target *b, char *ret, size_t size);

/* What this node can be told, as enum node_can. */
unsigned block_control_can(const struct block_target *b);
int block_control(struct target *t, const char *what);
/* What control changed is as before. */
void block_control_undo(struct block_target *b);

/* ---- block_dm.c: true, and what it is, where the node can be made to fail ---- */

bool block_dm_find(const struct block_target *b, struct block_linear *ret);
int block_dm_set_bad(const struct block_linear *l, uint64_t first, uint64_t sectors);
int block_dm_mend(const struct block_linear *l);
/* It answers nothing | answers. */
int block_dm_hang(const struct block_linear *l, bool on);

/* ---- block_link.c: the way to a namespace of nvmet in this kernel ---- */

/* "" where there is none, or more than one. */
void block_link_find(const struct block_target *b, char *ret, size_t size);
int block_link_set(const char *link, bool on);

/* ---- block_plug.c: the drive taken away and put back ---- */

/* The port by which it is asked for (stack/protocol.h). */
#define BLOCK_PLUG "NVRIG_PLUG"

void block_plug_find(struct block_target *b); /* sets b->plug */
/* 0 or -errno with words in t's error. */
int block_plug_out(struct target *t);
int block_plug_in(struct target *t);
/* Back it goes, and is waited for; nothing is opened. */
void block_plug_undo(struct block_target *b);
/* Nothing of that name is there: a process that was killed may have left it unplugged. */
void block_plug_mend(const char *path);

#endif
