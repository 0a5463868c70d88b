// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/session_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "rig/aside.h"
#include "rig/drive_layout.h"
#include "rig/drive_state.h"
#include "rig/session_tell.h"

#define FILE_NAME  "drive.json"
#define FILE_BYTES 65536
#define WITHIN_NS  (30 * NS_PER_S)
#define FORMAT_NS  (600 * NS_PER_S) /* of all its namespaces */
#define NOTES_MAX  32

struct shared {
	const struct guard_drive *drive;
	const char *address;
	const struct facts *facts;
	int err;
	bool put_back;
	struct drive_state was, is, after; /* after: when what can be is put back */
};

struct session_state {
	struct session *s;
	struct shared *shared;
};

static void take(void *shared)
{
	struct shared *x = shared;

	x->err = state_take(x->drive, &x->is);
	if (x->err || !x->put_back)
		return;
	if (!state_is_of(&x->was, &x->is)) {
		x->err = -ESTALE;
		return;
	}
	state_put_back(x->drive, &x->was, &x->is);
	x->err = state_take(x->drive, &x->after);
}

static void put_layout(void *shared)
{
	struct shared *x = shared;

	x->err = layout_put_back(x->address, x->facts, &x->was, &x->is);
}

static void take_after(void *shared)
{
	struct shared *x = shared;

	x->err = state_take(x->drive, &x->after);
}

static int look(struct shared *x, bool put_back)
{
	int err;

	x->put_back = put_back;
	err = aside_run(take, x, WITHIN_NS);
	return err ? err : x->err;
}

/* ---- the file ---- */

static int keep(struct session *s, const struct drive_state *state)
{
	FILE *f = journal_file(&s->journal, FILE_NAME);
	struct json_object *o = state_save(state);
	int err = f && o ? 0 : -errno;

	if (!err &&
	    (fprintf(f, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN)) < 0 ||
	     fflush(f) || fsync(fileno(f))))
		err = -errno;
	json_object_put(o);
	if (f && fclose(f) && !err)
		err = -errno;
	return err;
}

static bool kept(struct session *s, struct drive_state *ret)
{
	_cleanup_close_ int fd =
		openat(s->journal.dir_fd, FILE_NAME, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct json_object *o;
	struct bytes b;
	bool found;

	if (fd < 0 || bytes_load_fd(fd, FILE_BYTES, &b))
		return false;
	o = event_decode((const char *)b.at, strcspn((const char *)b.at, "\n"));
	found = state_load(o, ret);
	json_object_put(o);
	bytes_free(&b);
	return found;
}

/* ---- telling ---- */

/* Formats and attachments, where the guards let the drive be worn: else they are nobody's of this run. */
static int look_at_layout(struct session_state *st)
{
	struct shared *x = st->shared;
	int err, after;

	if (st->s->guard->ask.harm < HARM_WEAR || !layout_differs(&x->was, &x->is))
		return 0;
	err = aside_run(put_layout, x, FORMAT_NS);
	err = err ? err : x->err;
	after = aside_run(take_after, x, WITHIN_NS);
	after = after ? after : x->err;
	return after ? after : err;
}

static void note(struct session *s, const char *case_name, const char *text)
{
	struct json_object *e = event_new("note");

	event_str(e, "case", case_name);
	event_str(e, "from", "runner");
	event_str(e, "text", text);
	sink_event(&s->sink, e);
}

static bool stays(const struct shared *x, const char *text)
{
	char left[STATE_TEXT];

	for (unsigned i = 0; state_differs(&x->was, &x->after, i, left); i++)
		if (!strcmp(left, text))
			return true;
	return false;
}

void session_state_compare(struct session_state *st, const char *case_name)
{
	char text[STATE_TEXT], said[STATE_TEXT + 80];
	unsigned i;
	int err, layout;

	if (!st)
		return;
	err = look(st->shared, true);
	layout = err ? 0 : look_at_layout(st);
	if (layout) {
		snprintf(said, sizeof(said), "its namespaces cannot be put back: %s",
			 strerror(-layout));
		note(st->s, case_name, said);
	}
	if (err) {
		snprintf(said, sizeof(said), "how the drive is set cannot be found out: %s",
			 err == -ESTALE ? "it is another one than before, of which nothing is changed"
					: strerror(-err));
		note(st->s, case_name, said);
		return;
	}
	for (i = 0; i < NOTES_MAX && state_differs(&st->shared->was, &st->shared->is, i, text);
	     i++) {
		bool left = stays(st->shared, text);

		snprintf(said, sizeof(said), "the drive is not as it was: %s; %s", text,
			 left ? "that stays" : "put back");
		note(st->s, case_name, said);
	}
	/* what cannot be put back is told once, and is how it is from now on */
	if (i)
		st->shared->was = st->shared->after;
}

/* ---- from the first case to the last ---- */

int session_state_open(struct session *s, struct session_state **ret)
{
	struct session_state *st;
	int err;

	*ret = NULL;
	if (!s->facts->caps.cleared || !s->guard || s->guard->drive.kind != GUARD_NVME ||
	    s->guard->ask.harm == HARM_NONE || strncmp(s->bench.target, "kernel:", 7))
		return 0;
	st = calloc(1, sizeof(*st));
	if (st)
		st->shared = aside_alloc(sizeof(*st->shared));
	if (!st || !st->shared) {
		free(st);
		return -ENOMEM;
	}
	st->s = s;
	st->shared->drive = &s->guard->drive;
	st->shared->address = s->bench.target;
	st->shared->facts = s->facts;
	*ret = st;
	if (s->options->resume && kept(s, &st->shared->was)) {
		session_state_compare(st, NULL);
		if (state_is_of(&st->shared->was, &st->shared->is))
			return 0;
	}
	err = look(st->shared, false);
	st->shared->was = st->shared->is;
	if (!err) {
		err = keep(s, &st->shared->was);
		return err == -EEXIST ? 0 : err; /* the file of another drive stays for that one */
	}
	session_state_close(st);
	*ret = NULL;
	return tell_note(
		s, "how the drive is set cannot be found out, so it is not compared at the end");
}

void session_state_close(struct session_state *st)
{
	if (!st)
		return;
	aside_free(st->shared, sizeof(*st->shared));
	free(st);
}
