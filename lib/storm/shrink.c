// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm/shrink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* 1: it goes wrong in the same way; 0: it does not; -errno: no more trials. */
static int try(struct shrink *sh, const struct script *s, struct play_finding *was)
{
	const struct play_finding *again;
	struct play_result r;
	int err;

	if (!sh->goes_on(sh->ctx))
		return -ETIME;
	sh->trials++;
	err = sh->play(sh->ctx, s, &r);
	again = err ? NULL : play_found(&r, was->key);
	if (!again)
		return err;
	*was = *again;
	return 1;
}

/* Takes over the smaller one. */
static void take(struct script *s, struct script *smaller)
{
	script_free(s);
	*s = *smaller;
}

/* What comes after the step that went wrong has no part in it. */
static int cut_tail(struct shrink *sh, struct script *s, struct play_finding *was)
{
	size_t n = was->index + 1;
	struct script shorter;
	bool *keep;
	int held;

	if (n >= s->n)
		return 0;
	keep = calloc(s->n, sizeof(*keep));
	if (!keep)
		return -ENOMEM;
	memset(keep, true, n);
	held = script_pick(&shorter, s, keep);
	free(keep);
	if (held)
		return held;
	held = try(sh, &shorter, was);
	if (held == 1)
		take(s, &shorter);
	else
		script_free(&shorter);
	return held < 0 ? held : 0;
}

/* Without the steps from..to - 1: 1 taken out, 0 needed, -errno. */
static int without(struct shrink *sh, struct script *s, struct play_finding *was, size_t from,
		   size_t to)
{
	bool *keep = malloc(s->n * sizeof(*keep));
	struct script fewer;
	int held;

	if (!keep)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		keep[i] = i < from || i >= to;
	held = script_pick(&fewer, s, keep);
	free(keep);
	if (held)
		return held;
	held = try(sh, &fewer, was);
	if (held == 1)
		take(s, &fewer);
	else
		script_free(&fewer);
	return held;
}

/* One round with pieces of that many steps, from the end on, where what matters seldom begins. */
static int round_of(struct shrink *sh, struct script *s, struct play_finding *was, size_t piece,
		    bool *ret_any)
{
	size_t at = s->n;

	while (at > 0) {
		size_t from = at > piece ? at - piece : 0;
		int held;

		if (from == 0 && at >= s->n)
			break; /* nothing would be left */
		held = without(sh, s, was, from, at);
		if (held < 0)
			return held;
		*ret_any |= held == 1;
		at = from;
	}
	return 0;
}

static int drop_steps(struct shrink *sh, struct script *s, struct play_finding *was)
{
	size_t piece = s->n / 2;
	int err = 0;

	while (!err && piece > 0 && s->n > 1) {
		bool any = false;

		err = round_of(sh, s, was, piece, &any);
		if (piece > s->n)
			piece = s->n;
		if (piece > 1)
			piece /= 2;
		else if (!any)
			break;
	}
	return err;
}

/* Plainer forms of a step; false past the last. */
static bool plainer(const struct script_step *s, unsigned form, struct script_step *ret)
{
	*ret = *s;
	switch (form) {
	case 0:
		ret->offset = 0;
		break;
	case 1:
		ret->pointer = s->pointer == POINTER_LIST ? POINTER_PRP : s->pointer;
		break;
	case 2:
		ret->queue = s->queue ? 1 : 0;
		break;
	case 3:
		ret->sqe.flags = 0;
		break;
	case 4:
		ret->sqe.cdw2 = ret->sqe.cdw3 = 0;
		break;
	case 5:
		ret->sqe.cdw14 = ret->sqe.cdw15 = 0;
		break;
	case 6:
		ret->sqe.cdw13 = 0;
		break;
	case 7: /* hints apart, the count of blocks stays */
		ret->sqe.cdw12 = s->queue ? le32_from(le32_get(s->sqe.cdw12) & 0xffff) : 0;
		break;
	default:
		return false;
	}
	return true;
}

static int make_plainer(struct shrink *sh, struct script *s, struct play_finding *was)
{
	for (size_t i = 0; i < s->n; i++) {
		struct script_step next;

		for (unsigned form = 0; plainer(&s->step[i], form, &next); form++) {
			struct script_step old = s->step[i];
			int held;

			if (!memcmp(&next, &old, sizeof(old)))
				continue;
			s->step[i] = next;
			held = try(sh, s, was);
			if (held != 1)
				s->step[i] = old;
			if (held < 0)
				return held;
		}
	}
	return 0;
}

int shrink(struct shrink *sh, struct script *s, struct play_finding *was)
{
	int err = cut_tail(sh, s, was);

	if (!err)
		err = drop_steps(sh, s, was);
	if (!err)
		err = make_plainer(sh, s, was);
	return err == -ENOMEM ? err : 0;
}
