// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/kernel_log.h"

#include <stdio.h>

#include "event/event.h"

#define NOTES_MAX 64u /* of a case; a finding is told beyond them, too, if it is the first */

struct telling {
	struct kernel_log *log;
	const char *case_name;
	unsigned attempt, notes, findings, lost;
	bool shaken;
	char *first;
};

static void note(const struct telling *t, const char *text)
{
	struct json_object *e = event_new("note");

	event_str(e, "case", t->case_name);
	if (t->case_name && t->attempt)
		event_u64(e, "attempt", t->attempt);
	event_str(e, "from", "kernel");
	event_str(e, "text", text);
	sink_event(t->log->sink, e);
}

static void hear(void *ctx, enum console_kind kind, const char *line, unsigned lost)
{
	struct telling *t = ctx;
	bool finding = kind != CONSOLE_PLAIN && !(t->shaken && kind == CONSOLE_DRIVER);
	bool first = finding && !t->findings;

	t->lost += lost;
	t->findings += finding;
	if (lost || (!t->case_name && !finding))
		return;
	if (first)
		snprintf(t->first, KMSG_TEXT + 1, "%s", line);
	if (t->notes++ < NOTES_MAX || first)
		note(t, line);
}

unsigned kernel_log_tell(struct kernel_log *l, const char *case_name, unsigned attempt, bool shaken,
			 char ret_first[KMSG_TEXT + 1])
{
	struct telling t = {
		.log = l, .case_name = case_name, .attempt = attempt, .shaken = shaken,
		.first = ret_first
	};
	char text[80];

	ret_first[0] = 0;
	kmsg_read(&l->kmsg, hear, &t);
	if (t.notes > NOTES_MAX) {
		snprintf(text, sizeof(text), "%u records more, which are not told",
			 t.notes - NOTES_MAX);
		note(&t, text);
	}
	if (t.lost && case_name)
		note(&t, "the kernel's log ran over: some of what it said is lost");
	return t.findings;
}
