// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a script is played, and what is found there. */
#include <errno.h>
#include <string.h>

#include "storm/play.h"

#define FIRST 512u
#define AREA  64u /* blocks at each end of a namespace */
#define LEAST 16u /* blocks behind the first that are worth it */

const char *play_class_name(enum play_class c)
{
	static const char *const names[] = {
		[PLAY_GOOD] = "good",	  [PLAY_STATUS] = "status", [PLAY_DATA] = "data",
		[PLAY_CANARY] = "canary", [PLAY_AUDIT] = "audit",   [PLAY_SILENT] = "silent",
	};

	return names[c];
}

/* ---- the stage ---- */

static void add_area(struct play_stage *st, const struct facts_ns *ns)
{
	uint32_t blocks = AREA;

	if (st->areas == PLAY_AREAS || ns->csi || ns->ms || !ns->lba_bytes ||
	    ns->nsze < FIRST + LEAST)
		return;
	if (ns->nsze < FIRST + 2 * AREA)
		blocks = (uint32_t)(ns->nsze - FIRST) / 2;
	st->area[st->areas].ns = ns;
	st->area[st->areas].first = FIRST;
	st->area[st->areas++].blocks = blocks;
}

int play_stage(struct ctrl *c, const struct facts *f, bool others, struct play_stage *ret)
{
	*ret = (struct play_stage){ .c = c, .facts = f };
	facts_claims(f, &ret->claims);
	ret->queues = f->nsq < f->ncq ? f->nsq : f->ncq;
	if (ret->queues > SCRIPT_QUEUES_MAX)
		ret->queues = SCRIPT_QUEUES_MAX;
	if (f->has_scratch)
		add_area(ret, &f->ns[f->scratch]);
	for (unsigned i = 0; others && i < f->n_ns; i++)
		if (!f->has_scratch || i != f->scratch)
			add_area(ret, &f->ns[i]);
	return ret->areas && ret->queues ? 0 : -ENOTSUP;
}

const struct play_finding *play_found(const struct play_result *r, const char *key)
{
	for (unsigned i = 0; i < r->findings; i++)
		if (!strcmp(r->finding[i].key, key))
			return &r->finding[i];
	return NULL;
}
