/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The card beside the model controller, as Linux shows one: the kernel's part (what it switches on
 * when it finds the card, its attributes, its read-only boot devices, its use of the command queue)
 * over the card of lib/card. Made when it is first asked for, and gone with the target.
 */
#ifndef TARGET_MODEL_CARD_H
#define TARGET_MODEL_CARD_H

#include "target/mmc.h"

struct model;
struct model_card;

/* NULL: out of memory. m outlives it; its time is the card's. */
struct model_card *model_card_new(struct model *m);
void model_card_free(struct model_card *mc);

/* As in struct mmc_ops; the words of mmc.h: 0 or -EINVAL. */
int model_card_facts(struct model_card *mc, struct mmc_facts *ret);
int model_card_send(struct model_card *mc, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		    uint64_t timeout_ns);
int model_card_attr(struct model_card *mc, enum mmc_part part, const char *name, char *ret,
		    size_t size);
int model_card_set_attr(struct model_card *mc, enum mmc_part part, const char *name,
			const char *value);
int model_card_io(struct model_card *mc, enum mmc_part part, struct mmc_io *io, unsigned n);
int model_card_control(struct model_card *mc, const char *what);

#endif
