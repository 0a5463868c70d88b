/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The card behind `mmc:`: its areas as the kernel shows them, its commands by ioctl. */
#ifndef TARGET_MMC_CARD_H
#define TARGET_MMC_CARD_H

#include "target/mmc.h"
#include "target/target.h"

struct mmc_card {
	int fd[MMC_PARTS]; /* user: the caller's, claimed; boot: claimed; RPMB: a character node */
	char node[MMC_PARTS][64]; /* "" where there is no such area */
	bool writable;
	char why_read[EMULATED_TEXT];
	enum mmc_kind kind;
	uint16_t rca;
};

void mmc_card_init(struct mmc_card *c);
/* path, fd: the claimed block node. Claims the boot partitions, too. Errors in t's words. */
int mmc_card_open(struct target *t, struct mmc_card *c, const char *path, int fd, bool writable,
		  const char *why_read);
void mmc_card_close(struct mmc_card *c);

/* As in struct mmc_ops; errors in t's words. */
int mmc_card_facts(struct mmc_card *c, struct mmc_facts *ret);
int mmc_card_send(struct target *t, struct mmc_card *c, enum mmc_part part, struct mmc_cmd *cmd,
		  unsigned n, uint64_t timeout_ns);
int mmc_card_attr(const struct mmc_card *c, enum mmc_part part, const char *name, char *ret,
		  size_t size);
int mmc_card_set_attr(struct target *t, const struct mmc_card *c, enum mmc_part part,
		      const char *name, const char *value);
int mmc_card_io(struct target *t, const struct mmc_card *c, enum mmc_part part, struct mmc_io *io,
		unsigned n);

/* What the kernel is handed for a command; deadline in ms. Both exposed to the unit test. */
struct mmc_ioc_cmd;
void mmc_card_encode(const struct mmc_cmd *c, unsigned timeout_ms, struct mmc_ioc_cmd *ret);
/* How each of them ended, from what the kernel left of them and its one error (0: none). */
void mmc_card_settle(struct mmc_cmd *cmd, const struct mmc_ioc_cmd *ioc, unsigned n, int err);

#endif
