/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cases about MMC cards share: the verbs of target/mmc.h for case bodies.
 *
 * JESD84-B51 was not at hand as a text. What its rules are is known from what the kernel and
 * mmc-utils rely on and from vendors' public documents; where nothing confirms one, the case is
 * advice and its reference says so.
 */
#ifndef CONFORMANCE_EMMC_PARTS_H
#define CONFORMANCE_EMMC_PARTS_H

#include "kit/kit.h"
#include "mmc/regs.h"
#include "target/mmc.h"

#define EMMC	    "JESD84-B51 "
#define EMMC_UNSEEN " (advice: its text was not at hand)"

const struct mmc_facts *emmc_facts(struct rig *r);

/* For `.na`: the sentence when this is an SD card; or none that told an Extended CSD; or an older
 * one. */
const char *emmc_na_sd(const struct facts *f);
const char *emmc_na(const struct facts *f);
const char *emmc_na_before(const struct facts *f, uint8_t rev, const char *version);

/* Leaves as SKIP: the card's side cannot lose its power. */
void emmc_need_cut(struct rig *r);
/* Likewise: the kernel would send commands of its own between two of the case's. For what leaves
 * the card busy, and for what a later status tells. */
void emmc_need_quiet(struct rig *r);
/* Likewise: nothing less than 4 KiB can be read or written (DATA_SECTOR_SIZE). Sectors put and got
 * below see to it themselves. */
void emmc_need_512(struct rig *r);
/* Likewise: a locked card takes no commands but those of class 0. Reads and writes below see to it
 * themselves. */
void emmc_need_unlocked(struct rig *r);
void emmc_tell(struct rig *r, const char *what);

/* Sends them together; trouble of the way in leaves the case, how each ended is in its result. */
void emmc_batch(struct rig *r, enum mmc_part part, struct mmc_cmd *cmd, unsigned n);
/* One command to the user area that must be answered, else FAIL; its response. */
uint32_t emmc_ask(struct rig *r, struct mmc_cmd cmd);
uint32_t emmc_status(struct rig *r);
/*
 * Looks at the status until the card is in transfer state and ready: every bit that any of them
 * had. FAIL when it is not after that time.
 */
uint32_t emmc_settle(struct rig *r, uint64_t within_ns);
/* As emmc_ask, then emmc_settle: every bit that the answer and the statuses behind it had. */
uint32_t emmc_do(struct rig *r, const struct mmc_cmd *cmd, unsigned n, uint64_t within_ns);
/*
 * One command alone that may go wrong: how it ended is in cmd->result. A card that waits for data,
 * or to be rid of them, is stopped. Every bit that the answer and the statuses behind it had; a
 * kernel may have looked at the status before us, and taken bits away that are told once.
 */
uint32_t emmc_try(struct rig *r, struct mmc_cmd *cmd, uint64_t within_ns);
void emmc_read_ext_csd(struct rig *r, uint8_t ret[EXT_CSD_BYTES]);
/* An attribute of sysfs; false: there is none. */
bool emmc_attr(struct rig *r, enum mmc_part part, const char *name, char ret[64]);

/* A sector as commands name it: small cards count bytes. */
bool emmc_in_bytes(const struct mmc_facts *f);
uint32_t emmc_address(const struct mmc_facts *f, uint64_t sector);
/* The first of that many sectors, at a multiple of `align`, somewhere in the user area. */
uint64_t emmc_scratch(struct rig *r, uint64_t sectors, uint64_t align);

/* Stamped sectors by the block device, and a check that they are there; FAIL when it cannot, SKIP
 * when the card is locked or protected there. */
void emmc_put(struct rig *r, enum mmc_part part, uint64_t sector, uint64_t n, uint64_t tag);
void emmc_get(struct rig *r, enum mmc_part part, uint64_t sector, void *data, uint64_t n);
/* 0 or -errno of one write. */
int emmc_try_put(struct rig *r, enum mmc_part part, uint64_t sector, uint64_t n, uint64_t tag);
void emmc_run(struct rig *r, enum mmc_part part, struct mmc_io *io, unsigned n);
/* Of I/O that failed, before it is held against the card: it owes none while a password locks it,
 * and no write where it is protected. Leaves as SKIP then. */
void emmc_excuse(struct rig *r, enum mmc_part part, bool writes, uint64_t sector, uint64_t n);
bool emmc_holds(struct rig *r, const struct check_site *s, enum mmc_part part, uint64_t sector,
		uint64_t n, uint64_t tag);
#define EMMC_HOLDS(r, part, sector, n, tag) emmc_holds(r, CHECK_SITE(0, 0), part, sector, n, tag)
/* How many of them are still as they were stamped. */
uint64_t emmc_left(struct rig *r, uint64_t sector, uint64_t n, uint64_t tag);

/* Zeroed, at a page; lives as long as the case. */
void *emmc_mem(struct rig *r, size_t len);

/* No bit of the status that says that something went wrong. */
#define CHECK_CLEAN(r, what, status) check_clean(r, CHECK_SITE(0, 0), what, status)
bool check_clean(struct rig *r, const struct check_site *s, const char *what, uint32_t status);
#define CHECK_BIT(r, what, status, bit)	 check_bit(r, CHECK_SITE(0, 0), what, status, bit)
#define ADVISE_BIT(r, what, status, bit) check_bit(r, CHECK_SITE(0, 1), what, status, bit)
bool check_bit(struct rig *r, const struct check_site *s, const char *what, uint32_t status,
	       uint32_t bit);

#endif
