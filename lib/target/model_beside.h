/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the target model: has beside its controller: a Linux block node with the store at its back,
 * and an eMMC or SD card. Each is made when it is first asked for. Inside of that target.
 */
#ifndef TARGET_MODEL_BESIDE_H
#define TARGET_MODEL_BESIDE_H

#include "target/target.h"

struct bus;
struct bus_bar;
struct model;
struct model_card;
struct model_node;

/* One function. The first has the bus and the other function, and ends both. */
struct model_target {
	struct model *m;
	struct bus *bus;
	struct bus_bar *bar;	 /* of the bus: this function's */
	struct target *peer;	 /* NULL: not asked for yet */
	struct target *first;	 /* of the peer: whose it is */
	unsigned msix;		 /* offset of the MSI-X capability; 0: none */
	unsigned vectors;	 /* of its table */
	struct model_node *node; /* of the first, and of the target at its back */
	struct model_card *card; /* of the first alone */
	struct target *back;	 /* NULL: not asked for yet */
	struct dma tokens;	 /* one dword a vector: what the device's messages write to */
	bool have_tokens;
};

static inline struct model_target *mine(struct target *t)
{
	return t->priv;
}

extern const struct node_ops model_node_ops;
extern const struct mmc_ops model_card_ops;

/* target_ops.back. */
int model_beside_back(struct target *t, struct target **ret);
/* target_ops.control of these; -ENOENT: it is no word for them. */
int model_beside_control(struct target *t, const char *what);
void model_beside_close(struct model_target *mt);

#endif
