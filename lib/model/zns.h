/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Zoned Namespace Command Set: zones and their states beside the blocks of a namespace.
 * Source: ZNS CS 1.1 Zoned Namespace Command Set Model.
 *
 * zns.c keeps the zones, zns_rules.c says what reads and writes may do, zns_send.c and
 * zns_receive.c are the Zone Management commands, zns_append.c Zone Append, zns_identify.c what
 * Identify tells.
 */
#ifndef MODEL_ZNS_H
#define MODEL_ZNS_H

#include "model/identify.h"
#include "model/media.h"
#include "model/nvm.h"

#define CSI_ZNS		    0x02u
#define ZNS_NS_MAX	    2u
#define ZNS_FEWEST	    8u /* zones of a namespace: cases have room in it */
#define ZNS_EXTENSION	    64u
#define ZNS_EXTENSION_BYTES (255u * ZNS_EXTENSION)

struct zone {
	uint8_t state;	    /* enum nvme_zns_zs */
	uint8_t attributes; /* enum nvme_zns_za */
	uint64_t start, wp;
	uint64_t opened; /* when it was implicitly opened, in turn */
};

struct zones {
	uint64_t count, size, capacity; /* blocks */
	unsigned mar, mor;		/* 0: no limit */
	uint32_t extension;		/* bytes of each, 0: none */
	bool read_across;
	uint64_t turn;
	uint8_t *extensions;
	struct zone zone[];
};

/* The zones of a namespace of that block size, every one Empty but those the options keep; NULL:
 * out of memory. */
struct zones *zns_new(const struct model *m, unsigned lbads, uint64_t blocks);
void zns_free(struct zones *z);

/* Options that contradict one another; NULL: none. */
const char *zns_contradiction(const struct model_opt *o);
/* Blocks of a zoned namespace of at most so many: whole zones. */
uint64_t zns_blocks(const struct model_opt *o, uint64_t blocks);

/* What differs between the two kinds of zoned namespaces, by the size of a block. */
uint32_t zns_extension_bytes(const struct model_opt *o, unsigned lbads);
uint64_t zns_capacity(const struct model_opt *o, unsigned lbads);

/* ---- states ---- */

bool zone_is_open(const struct zone *zone);
bool zone_is_active(const struct zone *zone);
struct zone *zone_of(struct zones *z, uint64_t lba);
uint8_t *zone_extension(struct zones *z, const struct zone *zone);
/* Open Resources of one more zone: what is missing, or SC_SUCCESS. An implicitly opened zone counts
 * as room. active: Active Resources as well; open: Open Resources. */
uint16_t zone_no_room(struct mcmd *c, const struct zones *z, bool active, bool open);
/* To the state; where that takes an Open Resource, an implicitly opened zone is closed for it. */
void zone_enter(struct model *m, struct zones *z, struct zone *zone, uint8_t state);
void zone_empty(struct model *m, struct media_ns *ns, struct zone *zone);
/* The initial state of every zone: NVM Subsystem Reset, shutdown, loss of power. */
void zns_initial(struct model *m);
void zns_reset(struct model *m, enum model_reset kind);
/* The namespace became write protected: what is active is finished. */
void zns_protected(struct model *m, uint32_t nsid);

/* ---- reads and writes ---- */

/* Is the namespace zoned? Any other has nothing to do with what follows. */
bool zns_is_zoned(const struct media_ns *ns);
/* May the command read, or write, this range? False and the status set when not. */
bool zns_may_read(struct mcmd *c, const struct nvm_range *r);
bool zns_may_write(struct mcmd *c, const struct nvm_range *r);
bool zns_may_deallocate(struct mcmd *c, const struct nvm_range *r);
/* By the opcode: may it read, or write? */
bool zns_admits(struct mcmd *c, const struct nvm_range *r);
/* The range was written: states and write pointer follow. Of Copy; of others, once they succeeded.
 */
void zns_wrote(struct mcmd *c, const struct nvm_range *r);
void zns_after(struct mcmd *c);
/* A fused operation, which there is none of in this command set: the status is set. */
bool zns_fused(struct mcmd *c);

/* ---- commands ---- */

void zns_send(struct mcmd *c);
void zns_receive(struct mcmd *c);
void zns_append(struct mcmd *c);
/* The command's namespace is zoned; else the status is set. */
struct media_ns *zns_find_ns(struct mcmd *c);

/* ---- Identify ---- */

void zns_identify_ns(struct mcmd *c, const struct media_ns *ns, uint8_t *page);
void zns_identify_ctrl(struct mcmd *c, uint8_t *page);
/* Of the Zoned Namespace Command Set, into the page of the NVM Command Set. */
void zns_effects(struct model *m, uint8_t *page);

#endif
