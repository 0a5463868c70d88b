// SPDX-License-Identifier: GPL-2.0-or-later
#include "suites/replay.h"

#include <stdio.h>

#include "storm_parts.h"

static void script(struct rig *r)
{
	const struct replay_row *row = rig_row(r);
	struct play_result res;
	struct play_stage st;
	char what[80];

	if (row->script->why[0])
		rig_note(r, "when it was found: %s", row->script->why);
	storm_keep_settings(r);
	storm_stage(r, &st);
	storm_play(r, &st, row->script, &res);
	snprintf(what, sizeof(what), "%zu steps", row->script->n);
	for (unsigned i = 0; i < res.findings; i++)
		storm_check_found(r, &res.finding[i], what);
	if (!res.findings)
		storm_check_good(r, &res, what);
}

void replay_case(struct rig_case *ret, const struct replay_row *rows, size_t n)
{
	*ret = (struct rig_case){
		.id = "script",
		.rule = "The commands of a replay file end as the specification lets them, and "
			"change what they name only.",
		.ref = "Base 2.0 Status Field Definition; Base 2.2 Status Field Definition",
		.needs = NEED_QUEUES,
		.harm = HARM_DATA,
		.fault = "io-fuzz-illegal-status",
		.run = script,
		.rows = rows,
		.row_size = sizeof(rows[0]),
		.nrows = n,
		.deadline_s = 120,
	};
}

void replay_suite(struct rig_suite *ret, const struct rig_case *c)
{
	*ret = (struct rig_suite){ .kind = CONFORMANCE, .area = "replay", .cases = c, .ncases = 1 };
}
