// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guest_resume.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "event/event.h"
#include "rig/journal_read.h"

#define PLAN_BYTES_MAX (64u << 20)

/* Of the journal, what resume_event() looks at. */
static const char *const kept[] = { "format", "run_begin", "plan", "case_begin", "case_end",
				    "run_end" };

struct extract {
	FILE *to;
	uint64_t seq;
};

static void keep(void *ctx, struct json_object *e)
{
	struct extract *x = ctx;
	bool wanted = false;

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		wanted |= !strcmp(event_type(e), kept[i]);
	if (!wanted)
		return;
	event_u64(e, "seq", x->seq++); /* no gaps */
	fprintf(x->to, "%s\n",
		json_object_to_json_string_ext(e, JSON_C_TO_STRING_PLAIN |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
}

static int extract(const char *dir, char **ret_text, size_t *ret_size, char *error)
{
	_cleanup_close_ int fd = journal_open_run(dir);
	struct extract x = { .to = open_memstream(ret_text, ret_size) };
	off_t end;
	int err = fd < 0 ? fd : -ENOMEM;

	if (fd >= 0 && x.to)
		err = journal_load(fd, keep, &x, &end, error);
	else
		snprintf(error, 512, "%.300s: %s", dir, strerror(-err));
	if (x.to && fclose(x.to) && !err)
		err = -ENOMEM;
	return err;
}

static int load_plan(const char *dir, char **ret_text, size_t *ret_size, char *error)
{
	char path[PATH_MAX];
	struct bytes b;
	int err = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/plan.jsonl", dir) < (int)sizeof(path))
		err = bytes_load(path, PLAN_BYTES_MAX, &b);
	if (err) {
		snprintf(error, 512, "%.300s: the run was cut before its plan was made; begin a new one",
			 dir);
		return err;
	}
	*ret_text = (char *)b.at;
	*ret_size = b.size;
	return 0;
}

static int make_run(struct json_object *options, char **ret_text, size_t *ret_size)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "options", json_object_get(options));
	*ret_text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
	json_object_put(o);
	*ret_size = *ret_text ? strlen(*ret_text) : 0;
	return *ret_text ? 0 : -ENOMEM;
}

int guest_resume_files(struct guest_files_list *l, const char *dir, struct json_object *options,
		       char *error)
{
	static const char *const names[] = { "run.json", "plan.jsonl", "events.jsonl" };
	char path[64];
	int err = guest_files_add_text(l, GUEST_RESUME_DIR "/cases/.here", NULL, 0);

	snprintf(error, 512, "out of memory");
	for (size_t i = 0; !err && i < ARRAY_SIZE(names); i++) {
		char *text = NULL;
		size_t size = 0;

		snprintf(path, sizeof(path), GUEST_RESUME_DIR "/%s", names[i]);
		err = i == 0   ? make_run(options, &text, &size)
		      : i == 1 ? load_plan(dir, &text, &size, error)
			       : extract(dir, &text, &size, error);
		if (!err)
			err = guest_files_add_text(l, path, text, size);
		if (err)
			free(text);
	}
	return err;
}
