// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "rig/report/report.h"

struct output {
	const struct report_ops *report;
	char *path; /* NULL: standard output */
	char *beside;
	FILE *file;
	void *state;
};

static void refuse_format(const char *name, char ret_error[OUTPUTS_ERROR])
{
	const char *names[OUTPUTS_MAX], *near;
	size_t n = 0, len;

	for (; report_all[n] && n < OUTPUTS_MAX; n++)
		names[n] = report_all[n]->name;
	near = text_nearest_of(name, names, n);
	if (near) {
		snprintf(ret_error, OUTPUTS_ERROR, "no report format '%s'; did you mean %s?", name,
			 near);
		return;
	}
	len = (size_t)snprintf(ret_error, OUTPUTS_ERROR, "no report format '%.64s'; there are",
			       name);
	for (size_t i = 0; i < n && len < OUTPUTS_ERROR; i++)
		len += (size_t)snprintf(ret_error + len, OUTPUTS_ERROR - len, " %s", names[i]);
}

bool outputs_on_stdout(const struct outputs *o)
{
	for (unsigned i = 0; i < o->n; i++)
		if (!o->out[i]->path)
			return true;
	return false;
}

static void output_free(struct output *out)
{
	free(out->path);
	free(out->beside);
	free(out);
}

/* The file's name after the '=', or NULL for standard output. False: out of memory. */
static bool take_path(struct output *out, const char *path)
{
	if (!path || !strcmp(path, "-"))
		return true;
	out->path = strdup(path);
	return out->path && asprintf(&out->beside, "%s.%ld.new", path, (long)getpid()) >= 0;
}

int outputs_add(struct outputs *o, const char *spec, char ret_error[OUTPUTS_ERROR])
{
	const char *equals = strchr(spec, '=');
	_cleanup_free_ char *name = strndup(spec, equals ? (size_t)(equals - spec) : strlen(spec));
	const struct report_ops *report = name ? report_find(name) : NULL;
	struct output *out;

	if (name && !report) {
		refuse_format(name, ret_error);
		return -EINVAL;
	}
	if (equals && !equals[1]) {
		snprintf(ret_error, OUTPUTS_ERROR,
			 "--to %s: no file name after '='; - is standard "
			 "output",
			 spec);
		return -EINVAL;
	}
	if (o->n == OUTPUTS_MAX) {
		snprintf(ret_error, OUTPUTS_ERROR, "--to %s: at most %d reports", spec,
			 OUTPUTS_MAX);
		return -EINVAL;
	}
	out = calloc(1, sizeof(*out));
	if (!out || !name || !take_path(out, equals ? equals + 1 : NULL)) {
		snprintf(ret_error, OUTPUTS_ERROR, "out of memory");
		if (out)
			output_free(out);
		return -ENOMEM;
	}
	if (!out->path && outputs_on_stdout(o)) {
		snprintf(ret_error, OUTPUTS_ERROR,
			 "--to %s: standard output is taken by another report; give it a file",
			 spec);
		output_free(out);
		return -EINVAL;
	}
	out->report = report;
	o->out[o->n++] = out;
	return 0;
}

/* Where the bytes go: a file beside the one named, or a copy of standard output. */
static int open_file(struct output *out)
{
	int fd = out->path ? open(out->beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666)
			   : fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	out->file = fdopen(fd, "w");
	if (!out->file) {
		int err = -errno;

		close(fd);
		return err;
	}
	return 0;
}

static int output_open(struct output *out, const struct globals *g)
{
	struct report_style style = { .verbose = g->verbose };
	int err = open_file(out);

	if (err)
		return err;
	style.colour = globals_colour(g, fileno(out->file));
	style.terminal = globals_redraw(g, fileno(out->file));
	out->state = out->report->open(out->file, &style);
	return out->state ? 0 : -ENOMEM;
}

static const char *where(const struct output *out)
{
	return out->path ? out->path : "standard output";
}

int outputs_open(struct outputs *o, const struct globals *g, char ret_error[OUTPUTS_ERROR])
{
	for (unsigned i = 0; i < o->n; i++) {
		int err = output_open(o->out[i], g);

		if (err) {
			snprintf(
				ret_error, OUTPUTS_ERROR,
				"--to %s: cannot write %s: %s; give a file in a directory that may "
				"be written",
				o->out[i]->report->name, where(o->out[i]), strerror(-err));
			return err;
		}
	}
	return 0;
}

void outputs_event(struct outputs *o, const struct json_object *e)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->out[i]->state)
			o->out[i]->report->event(o->out[i]->state, e);
}

/* Nothing may take the file's name before its bytes are whole. */
static int finish(struct output *out)
{
	if (fflush(out->file) || ferror(out->file))
		return errno ? -errno : -EIO;
	if (!out->path)
		return 0;
	if (fsync(fileno(out->file)) && errno != EINVAL)
		return -errno;
	return rename(out->beside, out->path) ? -errno : 0;
}

static int output_close(struct output *out, bool complete)
{
	int err = 0;

	if (out->state)
		err = out->report->close(out->state);
	if (out->file) {
		if (!err && complete)
			err = finish(out);
		if (fclose(out->file) && !err)
			err = -errno;
		if (out->path && (err || !complete))
			unlink(out->beside);
	}
	return err;
}

int outputs_close(struct outputs *o, bool complete, char ret_error[OUTPUTS_ERROR])
{
	int first = 0;

	for (unsigned i = 0; i < o->n; i++) {
		int err = output_close(o->out[i], complete);

		if (err && !first) {
			first = err;
			snprintf(ret_error, OUTPUTS_ERROR, "--to %s: cannot write %s: %s",
				 o->out[i]->report->name, where(o->out[i]), strerror(-err));
		}
		output_free(o->out[i]);
	}
	o->n = 0;
	return first;
}
