// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Random commands in flight together on every queue, each judged by the oracle of lib/spec: the
 * statuses it may end in, the blocks it may have changed, the memory it may have touched. What goes
 * wrong is shrunk to the fewest commands that still go wrong, and kept as a replay file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "kit/kit.h"
#include "storm/draw.h"
#include "storm/shrink.h"
#include "storm_parts.h"

#define PIECE 2000u /* steps of one script: a long storm is many of them */

static const struct storm_row {
	const char *name;
	enum draw_kind kind;
} storms[] = {
	{ "admin", DRAW_ADMIN },
	{ "io", DRAW_IO },
	{ "mixed", DRAW_MIXED },
};

struct trial {
	struct rig *r;
	uint64_t end_ns;
};

static bool goes_on(void *ctx)
{
	const struct trial *t = ctx;

	return clock_mono_ns() < t->end_ns;
}

/* On a controller that was opened anew: what the last trial left behind has no part in it. */
static int play_again(void *ctx, const struct script *s, struct play_result *ret)
{
	struct trial *t = ctx;
	struct play_stage st;
	int err = rig_reopen(t->r);

	if (!err)
		err = play_stage(rig_ctrl(t->r), rig_facts(t->r), rig_facts(t->r)->caps.emulated,
				 &st);
	return err ? err : play(&st, s, ret);
}

/* The replay file goes with the events of the case. */
static void attach(struct rig *r, struct script *s, const struct play_finding *f, unsigned number)
{
	char *text = NULL, name[16] = "replay";
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (number)
		snprintf(name, sizeof(name), "%u.replay", number + 1);
	snprintf(s->why, sizeof(s->why), "%.500s", f->text);
	if (out && !script_save(s, out) && !fclose(out))
		rig_artifact(r, name, text);
	free(text);
}

/* Once more: what the trace shows is then the script that is kept. */
static void confirm(struct trial *t, const struct script *s, const struct play_finding *f)
{
	struct play_result again;

	if (!play_again(t, s, &again) && !play_found(&again, f->key))
		rig_note(t->r, "the shrunk script does not go wrong every time");
}

static void shrink_and_tell(struct rig *r, const struct script *drawn, struct play_finding *f,
			    unsigned number, uint64_t end_ns)
{
	uint64_t own_end_ns = clock_mono_ns() + rig_pick(r, 1, 15, 60) * NS_PER_S;
	struct trial t = { r, own_end_ns < end_ns ? own_end_ns : end_ns };
	struct shrink sh = { play_again, goes_on, &t, 0 };
	bool *so_far = rig_mem(r, drawn->n * sizeof(*so_far));
	struct script s;

	memset(so_far, true, f->index < drawn->n ? f->index + 1 : drawn->n);
	if (script_pick(&s, drawn, so_far))
		rig_broken(r, "out of memory for a script of %zu steps", drawn->n);
	snprintf(s.target, sizeof(s.target), "%s", rig_facts(r)->caps.engine);
	if (shrink(&sh, &s, f))
		rig_note(r, "out of memory while shrinking");
	rig_note(r, "%s: shrunk from %zu steps to %zu in %u trials", f->key, drawn->n, s.n,
		 sh.trials);
	confirm(&t, &s, f);
	attach(r, &s, f, number);
	script_free(&s);
	storm_check_found(r, f, "storm");
}

/* What went wrong in this piece and in none before. */
static void tell_new(struct rig *r, const struct script *s, struct play_result *res,
		     struct play_result *seen, uint64_t end_ns)
{
	for (unsigned i = 0; i < res->findings; i++) {
		struct play_finding *f = &res->finding[i];

		if (play_found(seen, f->key) || seen->findings == PLAY_FINDINGS)
			continue;
		seen->finding[seen->findings++] = *f;
		shrink_and_tell(r, s, f, seen->findings - 1, end_ns);
	}
}

static void free_script(void *script)
{
	script_free(script);
}

static void sqe_storm(struct rig *r)
{
	const struct storm_row *row = rig_row(r);
	uint64_t left = rig_pick(r, 400, 4000, 400000), oracle_ns = 0, total_ns = 0, n = 0;
	/* for shrinking in all: what is found after that is kept as it was drawn */
	uint64_t end_ns = clock_mono_ns() + rig_pick(r, 3, 40, 240) * NS_PER_S;
	struct script *s = rig_mem(r, sizeof(*s));
	struct play_result *seen = rig_mem(r, sizeof(*seen)), *res = rig_mem(r, sizeof(*res));
	struct play_stage st;

	rig_defer(r, free_script, s);
	storm_keep_settings(r);
	for (size_t steps; left && !res->stopped; left -= steps) {
		steps = left < PIECE ? left : PIECE;
		script_free(s);
		storm_stage(r, &st); /* after a shrinking it is another controller */
		if (draw_script(&st, row->kind, rig_rand(r), steps, s))
			rig_broken(r, "out of memory for %zu steps", steps);
		storm_play(r, &st, s, res);
		oracle_ns += res->oracle_ns;
		total_ns += res->total_ns;
		n += res->commands;
		tell_new(r, s, res, seen, end_ns);
		if (!res->findings)
			storm_check_good(r, res, "storm");
	}
	rig_sample(r, "commands", (double)n, "");
	rig_sample(r, "rate", (double)n * NS_PER_S / (double)(total_ns ? total_ns : 1),
		   "commands/s");
	rig_sample(r, "oracle", 100.0 * (double)oracle_ns / (double)(total_ns ? total_ns : 1), "%");
}

static const struct rig_case cases[] = {
	{ .id = "sqe-storm",
	  .rule = "Random commands in flight together each end as the specification lets them, and "
		  "change what they name only.",
	  .ref = "Base 2.0 Status Field Definition; Base 2.2 Status Field Definition; NVM CS 1.0 "
		 "Command Ordering Requirements",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "admin-fuzz-illegal-status io-fuzz-illegal-status lba-end-off-by-one "
		   "rejected-write-stores identify-reserved-cns-accepted write-zeroes-neighbour",
	  .watches = true,
	  .run = sqe_storm,
	  .deadline_s = 60,
	  ROWS(storms) },
};

SUITE(robust_storm_suite, CONFORMANCE, "robust", cases);
