/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An eMMC 5.1 card in the process, at the level of its commands: Extended CSD and SWITCH, device
 * status and states, a volatile cache, erase, trim and discard, sanitize, write protect groups,
 * boot partitions, RPMB with a key that nobody has (so up to its counter), the command queue,
 * background operations; or, for what the two have in common, an SD card. It reads as JESD84-B51's
 * sections do; what it does wrong it does because a fault (model/fault.def, place "emmc") was asked
 * for.
 *
 * Time is the model controller's that it stands beside: nothing is done but in card_send(), and it
 * is busy until card_busy_until().
 */
#ifndef CARD_CARD_H
#define CARD_CARD_H

#include "mmc/mmc.h"

struct model;
struct card;

/* Bits of the option `emmc`: what there is that is optional. */
enum card_has {
	CARD_CACHE = 1u << 0,
	CARD_QUEUE = 1u << 1,
	CARD_SANITIZE = 1u << 2,
	CARD_BOOT = 1u << 3,
	CARD_RPMB = 1u << 4,
	CARD_SD = 1u << 5, /* an SD card, which has none of these, nor of those below */
	/* what a card may be like */
	CARD_SMALL = 1u << 6,	  /* 1 GiB, and commands count bytes */
	CARD_NATIVE = 1u << 7,	  /* sectors of 4 KiB, and nothing less is read or written */
	CARD_LOCKED = 1u << 8,	  /* by a password that nobody has */
	CARD_PROTECTED = 1u << 9, /* every write protect group is, for now */
};

#define CARD_RCA     1u
#define CARD_SECTORS (8u << 20) /* 4 GiB, the largest */

/* Powered, identified and selected: transfer state. NULL: out of memory. m outlives it. */
struct card *card_new(const struct model *m);
void card_free(struct card *c);

/* Power is lost and comes back: what only the cache had is gone, unless `told` (it was notified).
 */
void card_power_cycle(struct card *c);

/* One command: the answer, and the data. While it is busy it takes MMC_SEND_STATUS alone. */
void card_send(struct card *c, struct mmc_cmd *cmd);
uint64_t card_busy_until(const struct card *c);

/* What the host read when it identified the card. */
void card_cid(const struct card *c, uint8_t ret[MMC_REGISTER]);
void card_csd(const struct card *c, uint8_t ret[MMC_REGISTER]);
bool card_is_sd(const struct card *c);
uint32_t card_sectors(const struct card *c);

#endif
