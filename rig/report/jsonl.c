// SPDX-License-Identifier: GPL-2.0-or-later
/* The events themselves, for a pipe: the lines that the journal has. */
#include <errno.h>
#include <stdlib.h>

#include "rig/report/formats.h"
#include "rig/report/story.h"

struct jsonl {
	FILE *out;
	int error;
};

static void *jsonl_open(FILE *out, const struct report_style *style)
{
	struct jsonl *j = calloc(1, sizeof(*j));

	(void)style;
	if (j)
		j->out = out;
	return j;
}

static void jsonl_event(void *state, const struct json_object *e)
{
	struct jsonl *j = state;
	/* Printing keeps its text in the object, which is no change that anyone sees. */
	struct json_object *print = (struct json_object *)(uintptr_t)e;
	const char *line = json_object_to_json_string_ext(
		print, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!line || fputs(line, j->out) < 0 || fputc('\n', j->out) < 0 || fflush(j->out))
		j->error = -EIO;
}

static int jsonl_close(void *state)
{
	struct jsonl *j = state;
	int err = j->error;

	free(j);
	return err;
}

const struct report_ops report_jsonl = {
	.name = "jsonl",
	.help = "the events as JSON lines, as they come",
	.streams = true,
	.open = jsonl_open,
	.event = jsonl_event,
	.close = jsonl_close,
};
