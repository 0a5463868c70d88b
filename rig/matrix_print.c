// SPDX-License-Identifier: GPL-2.0-or-later
/* The table: controllers across, cases down. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/matrix.h"
#include "rig/report/text.h"

#define REASON_BYTES 200

static const char *cell_text(const struct cell *c)
{
	return c->there ? report_verdicts[c->verdict] : "-";
}

static bool is_plain(const struct cell *c)
{
	return !c->there || c->verdict == V_PASS || c->verdict == V_NA;
}

static bool row_shown(const struct matrix *m, const struct matrix_row *r, bool all)
{
	for (size_t i = 0; !all && i < m->n_columns; i++)
		if (!is_plain(&r->cell[i]))
			return true;
	return all;
}

/* "qemu-" of qemu-zoned, qemu-pi: what all names begin with, up to a hyphen. */
static size_t common_prefix(const struct matrix *m)
{
	size_t n = 0, hyphen = 0;
	const char *first = m->n_columns > 1 ? m->column[0].stack : "";

	for (; first[n]; n++) {
		for (size_t i = 1; i < m->n_columns; i++)
			if (m->column[i].stack[n] != first[n])
				return hyphen;
		if (first[n] == '-')
			hyphen = n + 1;
	}
	return hyphen;
}

static const char *column_word(const struct column *c)
{
	switch (c->state) {
	case COLUMN_PLANNED:
		return "not begun";
	case COLUMN_BEGUN:
		return "not ended";
	default:
		return column_state_name(c->state);
	}
}

/* ---- text ---- */

static int name_width(const struct matrix *m, bool all)
{
	size_t n = strlen("controller");

	for (size_t i = 0; i < m->n_rows; i++)
		if (row_shown(m, &m->row[i], all) && strlen(m->row[i].name) > n)
			n = strlen(m->row[i].name);
	return (int)n;
}

static int column_width(const struct matrix *m, size_t i, size_t prefix)
{
	size_t n = strlen(m->column[i].stack + prefix);

	return (int)(n > strlen("UNSTABLE") ? n : strlen("UNSTABLE"));
}

/* One word of a line; behind the last one there are no blanks. */
static void text_cell(const struct matrix *m, FILE *out, size_t i, size_t prefix, const char *word)
{
	if (i + 1 == m->n_columns)
		fprintf(out, "  %s", word);
	else
		fprintf(out, "  %-*s", column_width(m, i, prefix), word);
}

static void text_head(const struct matrix *m, FILE *out, int width, size_t prefix)
{
	fprintf(out, "%-*s", width, "controller");
	for (size_t i = 0; i < m->n_columns; i++)
		text_cell(m, out, i, prefix, m->column[i].stack + prefix);
	fputc('\n', out);
}

static void text_rows(const struct matrix *m, FILE *out, int width, size_t prefix, bool all)
{
	for (size_t k = 0; k < m->n_rows; k++) {
		const struct matrix_row *r = &m->row[k];

		if (!row_shown(m, r, all))
			continue;
		fprintf(out, "%-*s", width, r->name);
		for (size_t i = 0; i < m->n_columns; i++)
			text_cell(m, out, i, prefix, cell_text(&r->cell[i]));
		fputc('\n', out);
	}
}

static bool verdict_seen(const struct matrix *m, int v)
{
	for (size_t i = 0; i < m->n_columns; i++)
		if (m->column[i].count[v])
			return true;
	return false;
}

static void text_counts(const struct matrix *m, FILE *out, int width, size_t prefix)
{
	for (int v = 0; v < V_COUNT; v++) {
		if (!verdict_seen(m, v))
			continue;
		fprintf(out, "%-*s", width, report_verdicts[v]);
		for (size_t i = 0; i < m->n_columns; i++) {
			char n[16];

			snprintf(n, sizeof(n), "%u", m->column[i].count[v]);
			text_cell(m, out, i, prefix, n);
		}
		fputc('\n', out);
	}
}

static void text_reasons(const struct matrix *m, FILE *out)
{
	for (size_t i = 0; i < m->n_columns; i++)
		for (size_t k = 0; k < m->n_rows; k++) {
			const struct cell *c = &m->row[k].cell[i];

			if (!c->there || !report_is_red(c->verdict) || c->verdict == V_NOTRUN)
				continue;
			fprintf(out, "%-8s %s %s: ", report_verdicts[c->verdict],
				m->column[i].stack, m->row[k].name);
			put_line(out, c->reason ? c->reason : "", REASON_BYTES);
			fputc('\n', out);
		}
}

static void text_columns(const struct matrix *m, FILE *out)
{
	for (size_t i = 0; i < m->n_columns; i++) {
		const struct column *c = &m->column[i];

		if (c->state == COLUMN_DONE)
			continue;
		fprintf(out, "%-8s %s: ", column_word(c), c->stack);
		put_line(out, c->reason ? c->reason : "the matrix was stopped", MATRIX_ERROR);
		fputc('\n', out);
	}
}

static void print_text(const struct matrix *m, FILE *out, bool all)
{
	size_t prefix = common_prefix(m);
	int width = name_width(m, all);

	text_head(m, out, width, prefix);
	text_rows(m, out, width, prefix, all);
	fputc('\n', out);
	text_counts(m, out, width, prefix);
	text_reasons(m, out);
	text_columns(m, out);
}

/* ---- Markdown ---- */

static void md_head(const struct matrix *m, FILE *out)
{
	fputs("| case |", out);
	for (size_t i = 0; i < m->n_columns; i++) {
		fputc(' ', out);
		put_md(out, m->column[i].stack);
		fputs(" |", out);
	}
	fputs("\n| --- |", out);
	for (size_t i = 0; i < m->n_columns; i++)
		fputs(" --- |", out);
	fputc('\n', out);
}

static void md_rows(const struct matrix *m, FILE *out, bool all)
{
	for (size_t k = 0; k < m->n_rows; k++) {
		if (!row_shown(m, &m->row[k], all))
			continue;
		fputs("| ", out);
		put_md_code(out, m->row[k].name);
		for (size_t i = 0; i < m->n_columns; i++)
			fprintf(out, " | %s", cell_text(&m->row[k].cell[i]));
		fputs(" |\n", out);
	}
	for (int v = 0; v < V_COUNT; v++) {
		if (!verdict_seen(m, v))
			continue;
		fprintf(out, "| **%s** |", report_verdicts[v]);
		for (size_t i = 0; i < m->n_columns; i++)
			fprintf(out, " %u |", m->column[i].count[v]);
		fputc('\n', out);
	}
}

static void md_columns(const struct matrix *m, FILE *out)
{
	for (size_t i = 0; i < m->n_columns; i++) {
		const struct column *c = &m->column[i];

		fputs("- ", out);
		put_md_code(out, c->stack);
		fprintf(out, " (%s%s): ", c->engine ? c->engine : "",
			c->state == COLUMN_DONE ? "" : column_word(c));
		put_md(out, c->reason ? c->reason : c->about);
		fputc('\n', out);
	}
}

static void md_reasons(const struct matrix *m, FILE *out)
{
	for (size_t i = 0; i < m->n_columns; i++)
		for (size_t k = 0; k < m->n_rows; k++) {
			const struct cell *c = &m->row[k].cell[i];

			if (!c->there || !report_is_red(c->verdict) || c->verdict == V_NOTRUN)
				continue;
			fprintf(out, "- %s on ", report_verdicts[c->verdict]);
			put_md_code(out, m->column[i].stack);
			fputs(", ", out);
			put_md_code(out, m->row[k].name);
			fputs(": ", out);
			put_md(out, c->reason ? c->reason : "");
			fputc('\n', out);
		}
}

static void print_md(const struct matrix *m, FILE *out, bool all)
{
	fputs("# nvrig matrix ", out);
	put_md(out, event_get_str(m->options, "stack"));
	fputs("\n\n", out);
	md_columns(m, out);
	fputc('\n', out);
	md_head(m, out);
	md_rows(m, out, all);
	fputc('\n', out);
	md_reasons(m, out);
}

/* ---- JSON ---- */

static struct json_object *json_column(const struct column *c)
{
	struct json_object *o = json_object_new_object(), *counts = json_object_new_object();

	event_str(o, "stack", c->stack);
	event_str(o, "about", c->about);
	event_str(o, "engine", c->engine);
	event_str(o, "state", column_state_name(c->state));
	event_str(o, "run", c->run);
	event_str(o, "reason", c->reason);
	for (int v = 0; v < V_COUNT; v++)
		event_u64(counts, report_verdicts[v], c->count[v]);
	json_object_object_add(o, "counts", counts);
	return o;
}

static struct json_object *json_row(const struct matrix *m, const struct matrix_row *r)
{
	struct json_object *o = json_object_new_object(), *cells = json_object_new_object();

	event_str(o, "case", r->name);
	for (size_t i = 0; i < m->n_columns; i++) {
		struct json_object *cell = json_object_new_object();

		if (r->cell[i].there) {
			event_str(cell, "verdict", report_verdicts[r->cell[i].verdict]);
			event_str(cell, "reason", r->cell[i].reason);
		}
		json_object_object_add(cells, m->column[i].stack, cell);
	}
	json_object_object_add(o, "cells", cells);
	return o;
}

/* Every row, whatever is asked for: who reads it can choose. */
static void print_json(const struct matrix *m, FILE *out, bool all)
{
	struct json_object *o = json_object_new_object(), *stacks = json_object_new_array();
	struct json_object *cases = json_object_new_array();

	(void)all;
	for (size_t i = 0; i < m->n_columns; i++)
		json_object_array_add(stacks, json_column(&m->column[i]));
	for (size_t i = 0; i < m->n_rows; i++)
		json_object_array_add(cases, json_row(m, &m->row[i]));
	event_str(o, "matrix", event_get_str(m->options, "stack"));
	json_object_object_add(o, "stacks", stacks);
	json_object_object_add(o, "cases", cases);
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
							  JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

/* ---- where to ---- */

static const struct matrix_format formats[] = {
	{ "tty", print_text },
	{ "md", print_md },
	{ "json", print_json },
};

const struct matrix_format *matrix_format_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static int end_write(FILE *out)
{
	return fflush(out) || ferror(out) ? (errno ? -errno : -EIO) : 0;
}

static int write_file(const struct matrix *m, const struct matrix_format *f, const char *path,
		      bool all)
{
	_cleanup_free_ char *part = NULL;
	FILE *out = asprintf(&part, "%s.part", path) < 0 ? NULL : fopen(part, "we");
	int err;

	if (!out)
		return -errno;
	f->print(m, out, all);
	err = end_write(out);
	if (fclose(out) && !err)
		err = -errno;
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		remove(part);
	return err;
}

int matrix_write(const struct matrix *m, const char *spec, bool all, char error[MATRIX_ERROR])
{
	size_t n = strcspn(spec, "=");
	_cleanup_free_ char *name = strndup(spec, n);
	const struct matrix_format *f = name ? matrix_format_find(name) : NULL;
	const char *path = spec[n] && strcmp(spec + n, "=-") ? spec + n + 1 : NULL;
	int err;

	if (!f) {
		snprintf(error, MATRIX_ERROR,
			 "--to %.80s: a matrix is written as tty, md or json; the other formats "
			 "are of one run: nvrig report RUN",
			 spec);
		return -EINVAL;
	}
	if (path)
		err = write_file(m, f, path, all);
	else {
		f->print(m, stdout, all);
		err = end_write(stdout);
	}
	if (err)
		snprintf(error, MATRIX_ERROR, "%.300s: %s", path ? path : "standard output",
			 strerror(-err));
	return err;
}
