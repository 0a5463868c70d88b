// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_beside.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "target/model_card.h"
#include "target/model_node.h"

/* ---- the block node ---- */

static struct model_node *node_of(struct target *t)
{
	struct model_target *mt = mine(t);

	if (!mt->node)
		mt->node = model_node_new(mt->m);
	return mt->node;
}

static int node_facts_of(struct target *t, struct node_facts *ret)
{
	if (!node_of(t))
		return -ENOMEM;
	model_node_facts(node_of(t), ret);
	return 0;
}

static int node_open_of(struct target *t, unsigned flags, struct node **ret)
{
	return node_of(t) ? model_node_open(node_of(t), flags, ret) : -ENOMEM;
}

static int node_who_of(struct target *t, char *ret, size_t size)
{
	if (!node_of(t))
		return -ENOMEM;
	model_node_who(node_of(t), ret, size);
	return 0;
}

const struct node_ops model_node_ops = {
	.facts = node_facts_of,
	.open = node_open_of,
	.close = model_node_close,
	.io = model_node_io,
	.start = model_node_start,
	.finish = model_node_finish,
	.range = model_node_range,
	.sync = model_node_sync,
	.drop = model_node_drop,
	.who = node_who_of,
};

int model_beside_back(struct target *t, struct target **ret)
{
	struct model_target *mt = mine(t);
	struct target *back = mt->back ? NULL : calloc(1, sizeof(*back));

	if (back) {
		back->ops = t->ops;
		back->caps.has = NEED_NODE;
		back->priv = calloc(1, sizeof(struct model_target));
		if (back->priv && node_of(t))
			mine(back)->node = model_node_back(node_of(t));
		if (back->priv && mine(back)->node)
			mt->back = back;
		else
			free(back->priv), free(back);
	}
	*ret = mt->back;
	return mt->back ? 0 : target_fail(t, -ENOMEM, "out of memory");
}

/* ---- the card ---- */

static struct model_card *card_of(struct target *t)
{
	struct model_target *mt = mine(t);

	if (!mt->card)
		mt->card = model_card_new(mt->m);
	return mt->card;
}

static int card_facts_of(struct target *t, struct mmc_facts *ret)
{
	return card_of(t) ? model_card_facts(card_of(t), ret) : -ENOMEM;
}

static int card_send_to(struct target *t, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
			uint64_t timeout_ns)
{
	return card_of(t) ? model_card_send(card_of(t), part, cmd, n, timeout_ns) : -ENOMEM;
}

static int card_attr_of(struct target *t, enum mmc_part part, const char *name, char *ret,
			size_t size)
{
	return card_of(t) ? model_card_attr(card_of(t), part, name, ret, size) : -ENOMEM;
}

static int card_set_attr_of(struct target *t, enum mmc_part part, const char *name,
			    const char *value)
{
	return card_of(t) ? model_card_set_attr(card_of(t), part, name, value) : -ENOMEM;
}

static int card_io_of(struct target *t, enum mmc_part part, struct mmc_io *io, unsigned n)
{
	return card_of(t) ? model_card_io(card_of(t), part, io, n) : -ENOMEM;
}

const struct mmc_ops model_card_ops = {
	.facts = card_facts_of,
	.send = card_send_to,
	.attr = card_attr_of,
	.set_attr = card_set_attr_of,
	.io = card_io_of,
};

/* ---- both ---- */

int model_beside_control(struct target *t, const char *what)
{
	if (!strncmp(what, "node ", 5))
		return node_of(t) ? model_node_control(node_of(t), what) : -ENOMEM;
	if (!strncmp(what, "mmc ", 4))
		return card_of(t) ? model_card_control(card_of(t), what) : -ENOMEM;
	return -ENOENT;
}

static void back_close(struct target *back)
{
	if (!back)
		return;
	model_node_free(mine(back)->node);
	free(back->priv);
	free(back);
}

void model_beside_close(struct model_target *mt)
{
	back_close(mt->back);
	model_node_free(mt->node);
	model_card_free(mt->card);
}
