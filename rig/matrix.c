// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/matrix.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/journal_read.h"
#include "rig/replay.h"

#define VERSION 1

static const char *const states[] = { "planned", "begun", "done", "SKIP", "BROKEN" };

const char *column_state_name(enum column_state s)
{
	return states[s];
}

/* ---- columns ---- */

static int set_text(char **to, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

int matrix_add(struct matrix *m, const char *stack, const char *about)
{
	struct column *all = realloc(m->column, (m->n_columns + 1) * sizeof(*all));
	struct column *c;

	if (!all)
		return -ENOMEM;
	m->column = all;
	c = &all[m->n_columns++];
	*c = (struct column){ .state = COLUMN_PLANNED };
	return set_text(&c->stack, stack) ? -ENOMEM : set_text(&c->about, about);
}

int matrix_set(struct column *c, enum column_state state, const char *run, const char *reason)
{
	c->state = state;
	return set_text(&c->run, run) ? -ENOMEM : set_text(&c->reason, reason);
}

/* ---- matrix.json ---- */

static struct json_object *column_object(const struct column *c)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "stack", c->stack);
	event_str(o, "about", c->about);
	event_str(o, "state", states[c->state]);
	event_str(o, "run", c->run);
	event_str(o, "reason", c->reason);
	return o;
}

static int write_object(const char *path, struct json_object *o)
{
	_cleanup_free_ char *part = NULL;
	int fd = asprintf(&part, "%s.part", path) < 0
			 ? -1
			 : open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : 0;

	if (!err &&
	    (json_object_to_fd(fd, o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE) ||
	     fsync(fd)))
		err = errno ? -errno : -EIO;
	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (!err && rename(part, path))
		err = -errno;
	return err;
}

static char *file_path(const char *dir)
{
	char *path = NULL;

	return asprintf(&path, "%s/" MATRIX_FILE, dir) < 0 ? NULL : path;
}

int matrix_save(const struct matrix *m)
{
	struct json_object *o = json_object_new_object(), *list = json_object_new_array();
	_cleanup_free_ char *path = file_path(m->dir);
	int err;

	event_u64(o, "nvrig-matrix", VERSION);
	json_object_object_add(o, "options", json_object_get(m->options));
	for (size_t i = 0; i < m->n_columns; i++)
		json_object_array_add(list, column_object(&m->column[i]));
	json_object_object_add(o, "stacks", list);
	err = path ? write_object(path, o) : -ENOMEM;
	json_object_put(o);
	return err;
}

bool matrix_is(const char *dir)
{
	_cleanup_free_ char *path = file_path(dir);

	return path && !access(path, F_OK);
}

/* A name that stays below the matrix's directory. */
static bool is_below(const char *run)
{
	return *run && *run != '/' && !strstr(run, "..");
}

static int load_column(struct matrix *m, const struct json_object *o)
{
	const char *run = event_get_str(o, "run"), *reason = event_get_str(o, "reason");
	const char *state = event_get_str(o, "state");
	int err;

	if (!*event_get_str(o, "stack") || (*run && !is_below(run)))
		return -EPROTO;
	err = matrix_add(m, event_get_str(o, "stack"), event_get_str(o, "about"));
	for (size_t i = 0; !err && i < ARRAY_SIZE(states); i++)
		if (!strcmp(state, states[i]))
			return matrix_set(&m->column[m->n_columns - 1], (enum column_state)i,
					  *run ? run : NULL, *reason ? reason : NULL);
	return err ? err : -EPROTO;
}

static int load_object(struct matrix *m, const struct json_object *o)
{
	struct json_object *list = NULL, *options = NULL;
	int err = 0;

	if (event_get_u64(o, "nvrig-matrix") != VERSION ||
	    !json_object_object_get_ex(o, "stacks", &list) ||
	    !json_object_is_type(list, json_type_array) ||
	    !json_object_object_get_ex(o, "options", &options) ||
	    !json_object_is_type(options, json_type_object))
		return -EPROTO;
	m->options = json_object_get(options);
	for (size_t i = 0; !err && i < json_object_array_length(list); i++)
		err = load_column(m, json_object_array_get_idx(list, i));
	return err;
}

int matrix_load(struct matrix *m, const char *dir, char error[MATRIX_ERROR])
{
	_cleanup_free_ char *path = file_path(dir);
	struct json_object *o = path ? json_object_from_file(path) : NULL;
	int err = -EPROTO;

	if (path && access(path, F_OK))
		err = -ENOENT;
	else if (json_object_is_type(o, json_type_object))
		err = load_object(m, o);
	json_object_put(o);
	if (!err)
		err = set_text(&m->dir, dir);
	if (err)
		snprintf(error, MATRIX_ERROR, "%.400s/" MATRIX_FILE ": %s", dir,
			 err == -EPROTO ? "not a matrix of this version" : strerror(-err));
	return err;
}

/* ---- rows, from the journals ---- */

struct gathering {
	struct matrix *m;
	size_t column;
	struct story story;
	struct replay replay;
	struct require *require;
	int err;
};

static struct matrix_row *new_row(struct matrix *m, const char *name)
{
	struct matrix_row *all = m->row, *row;

	if (m->n_rows == m->cap_rows) {
		m->cap_rows = m->cap_rows ? 2 * m->cap_rows : 256;
		all = realloc(m->row, m->cap_rows * sizeof(*all));
		if (!all)
			return NULL;
		m->row = all;
	}
	row = &all[m->n_rows];
	*row = (struct matrix_row){ strdup(name), calloc(m->n_columns, sizeof(*row->cell)) };
	if (!row->name || !row->cell) {
		free(row->name);
		free(row->cell);
		return NULL;
	}
	json_object_object_add(m->index, name, json_object_new_int64((int64_t)m->n_rows++));
	return row;
}

static struct matrix_row *find_row(struct matrix *m, const char *name)
{
	struct json_object *place;

	if (json_object_object_get_ex(m->index, name, &place))
		return &m->row[json_object_get_int64(place)];
	return new_row(m, name);
}

static void take_tale(void *ctx, const struct tale *t)
{
	struct gathering *g = ctx;
	struct matrix_row *row = find_row(g->m, tale_name(t));
	struct cell *cell = row ? &row->cell[g->column] : NULL;

	if (!cell) {
		g->err = -ENOMEM;
		return;
	}
	cell->there = true;
	cell->verdict = t->verdict;
	g->m->column[g->column].count[t->verdict]++;
	if (set_text(&cell->reason, t->verdict == V_KNOWN ? tale_known(t) : tale_reason(t)))
		g->err = -ENOMEM;
}

static void note(void *ctx, struct json_object *e)
{
	struct gathering *g = ctx;

	replay_note(&g->replay, e);
}

static void take(void *ctx, struct json_object *e)
{
	struct gathering *g = ctx;

	if (!replay_holds(&g->replay, e))
		return;
	if (g->require)
		require_event(g->require, e);
	story_event(&g->story, e);
}

static int read_journal(struct gathering *g, int fd, char error[JOURNAL_ERROR])
{
	struct column *c = &g->m->column[g->column];
	off_t end;
	int err = replay_init(&g->replay);

	if (!err)
		err = journal_load(fd, note, g, &end, error);
	if (!err)
		err = journal_load(fd, take, g, &end, error);
	if (!err) {
		story_finish(&g->story);
		err = set_text(&c->engine, story_fact(&g->story, "engine"));
	}
	story_free(&g->story);
	replay_free(&g->replay);
	return err ? err : g->err;
}

static int collect_column(struct matrix *m, size_t i, struct require *require,
			  char error[MATRIX_ERROR])
{
	struct gathering g = { .m = m, .column = i, .require = require };
	_cleanup_free_ char *path = NULL;
	char text[JOURNAL_ERROR] = "";
	_cleanup_close_ int fd = -1;
	int err;

	g.story = (struct story){ .ended = take_tale, .ctx = &g };
	if (asprintf(&path, "%s/%s/events.jsonl", m->dir, m->column[i].run) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 ? -errno : read_journal(&g, fd, text);
	if (err)
		snprintf(error, MATRIX_ERROR, "%.300s: %.180s", path,
			 *text ? text : strerror(-err));
	return err;
}

int matrix_collect(struct matrix *m, struct require *require, char error[MATRIX_ERROR])
{
	int err = 0;

	if (!m->index)
		m->index = json_object_new_object();
	for (size_t i = 0; !err && i < m->n_columns; i++) {
		const struct column *c = &m->column[i];

		if (c->run && (c->state == COLUMN_DONE || c->state == COLUMN_BEGUN))
			err = collect_column(m, i, require, error);
	}
	return err;
}

void matrix_free(struct matrix *m)
{
	for (size_t i = 0; i < m->n_rows; i++) {
		for (size_t k = 0; k < m->n_columns; k++)
			free(m->row[i].cell[k].reason);
		free(m->row[i].cell);
		free(m->row[i].name);
	}
	for (size_t i = 0; i < m->n_columns; i++) {
		struct column *c = &m->column[i];

		free(c->stack);
		free(c->about);
		free(c->run);
		free(c->reason);
		free(c->engine);
	}
	free(m->row);
	free(m->column);
	free(m->dir);
	json_object_put(m->index);
	json_object_put(m->options);
	*m = (struct matrix){ 0 };
}
