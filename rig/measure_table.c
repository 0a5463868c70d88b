// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/measure_table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"

#define TARGET_WIDTH_MAX 44

struct measure_table {
	const struct globals *g;
	bool json, headed, line;  /* line: a progress line stands on the terminal */
	int width;		  /* of the first column */
	unsigned targets, target; /* target: 1-based, the one that is measured */
	double first_iops[MEASURE_CELLS_MAX];
	struct json_object *cells, *errors;
	char note[512];
};

struct measure_table *measure_table_new(const struct globals *g, const char *const targets[],
					unsigned n, bool json)
{
	struct measure_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->g = g;
	t->json = json;
	t->targets = n;
	t->width = 6;
	for (unsigned i = 0; i < n; i++)
		if ((int)strlen(targets[i]) > t->width)
			t->width = (int)strlen(targets[i]);
	if (t->width > TARGET_WIDTH_MAX)
		t->width = TARGET_WIDTH_MAX;
	t->cells = json_object_new_array();
	t->errors = json_object_new_array();
	return t;
}

void measure_table_free(struct measure_table *t)
{
	if (!t)
		return;
	json_object_put(t->cells);
	json_object_put(t->errors);
	free(t);
}

/* ---- progress ---- */

static void clear_line(struct measure_table *t)
{
	if (t->line)
		fprintf(stderr, "\r\033[K");
	t->line = false;
}

static double real_of(const struct json_object *o, const char *key)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) ? json_object_get_double(v) : 0;
}

static void show_progress(struct measure_table *t, const struct json_object *e)
{
	if (t->g->quiet || !globals_redraw(t->g, STDERR_FILENO))
		return;
	clear_line(t);
	fprintf(stderr, "row %u: %s %3.0f %%  %.0f IOPS  %llu errors",
		(unsigned)event_get_u64(e, "cell") + 1,
		event_get_bool(e, "warming") ? "warm-up" : "measured", 100 * real_of(e, "done"),
		real_of(e, "iops"), (unsigned long long)event_get_u64(e, "errors"));
	t->line = true;
}

/* ---- the table ---- */

static void head(struct measure_table *t)
{
	if (t->headed)
		return;
	t->headed = true;
	printf("%-*s  %-9s %8s %6s %6s %10s %9s  %8s %8s %8s %8s %8s %8s %8s  %7s %7s %8s %8s  "
	       "%6s%s\n",
	       t->width, "", "", "", "", "", "", "", "latency", "us", "", "", "", "", "", "ns an",
	       "I/O", "", "", "", "");
	printf("%-*s  %-9s %8s %6s %6s %10s %9s  %8s %8s %8s %8s %8s %8s %8s  %7s %7s %8s %8s  "
	       "%6s%s\n",
	       t->width, "target", "load", "bytes", "depth", "queues", "IOPS", "MB/s", "mean",
	       "p50", "p90", "p99", "p99.9", "p99.99", "max", "submit", "reap", "way-in", "cpu",
	       "errors", t->targets > 1 ? "   ratio" : "");
}

static void print_us(const struct json_object *lat, const char *key)
{
	struct json_object *v = NULL;

	if (json_object_object_get_ex(lat, key, &v) && v)
		printf(" %8.2f", json_object_get_double(v) / 1000);
	else
		printf(" %8s", "-");
}

static double per_io(const struct json_object *cost, const char *call)
{
	struct json_object *o = NULL;

	return json_object_object_get_ex(cost, call, &o) ? real_of(o, "per_io") : 0;
}

static void print_half(struct measure_table *t, const struct json_object *e, const char *dir,
		       bool mixed)
{
	static const char *const keys[] = { "mean", "p50", "p90", "p99", "p999", "p9999", "max" };
	struct json_object *half = NULL, *lat = NULL, *cost = NULL;
	char load[24];

	json_object_object_get_ex(e, dir, &half);
	json_object_object_get_ex(half, "latency_ns", &lat);
	json_object_object_get_ex(e, "cost_ns", &cost);
	snprintf(load, sizeof(load), "%.9s%s%.1s", event_get_str(e, "rw"), mixed ? "," : "",
		 mixed ? dir : "");
	printf("%-*.*s  %-9s %8llu %6llu %6llu %10.0f %9.1f ", t->width, t->width,
	       event_get_str(e, "target"), load,
	       (unsigned long long)event_get_u64(e, "block_bytes"),
	       (unsigned long long)event_get_u64(e, "depth"),
	       (unsigned long long)event_get_u64(e, "queues"), real_of(half, "iops"),
	       real_of(half, "mb_s"));
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		print_us(lat, keys[i]);
	printf("  %7.1f %7.1f %8.1f %8.1f  %6llu", per_io(cost, "submit"), per_io(cost, "reap"),
	       real_of(cost, "way_in_per_io"), real_of(cost, "cpu_per_io"),
	       (unsigned long long)event_get_u64(e, "errors"));
}

static void print_ratio(struct measure_table *t, const struct json_object *e)
{
	unsigned cell = (unsigned)event_get_u64(e, "cell");
	double iops = real_of(e, "iops");

	if (cell >= MEASURE_CELLS_MAX || t->targets < 2)
		return;
	if (t->target == 1)
		t->first_iops[cell] = iops;
	if (t->first_iops[cell] > 0)
		printf("  %6.2f", iops / t->first_iops[cell]);
}

static void print_statuses(const struct json_object *e)
{
	struct json_object *list = NULL;
	size_t n = json_object_object_get_ex(e, "statuses", &list) ? json_object_array_length(list)
								   : 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *s = json_object_array_get_idx(list, i);

		printf("    %llu times %s\n", (unsigned long long)event_get_u64(s, "count"),
		       event_get_str(s, "text"));
	}
}

static void print_cell(struct measure_table *t, const struct json_object *e)
{
	static const char *const dirs[] = { "read", "write" };
	bool has[2], any;

	head(t);
	for (unsigned i = 0; i < 2; i++)
		has[i] = json_object_object_get_ex(e, dirs[i], NULL);
	any = has[0] || has[1];
	for (unsigned i = 0; i < 2; i++) {
		if (!has[i])
			continue;
		print_half(t, e, dirs[i], has[0] && has[1]);
		print_ratio(t, e);
		printf("\n");
	}
	if (!any)
		printf("%-*.*s  %-9s no I/O succeeded, %llu errors\n", t->width, t->width,
		       event_get_str(e, "target"), event_get_str(e, "rw"),
		       (unsigned long long)event_get_u64(e, "errors"));
	print_statuses(e);
	fflush(stdout);
}

/* Once for a target: how doorbells go, and whose clock the latencies are by. */
static void note(struct measure_table *t, const struct json_object *e)
{
	double device_ns = (double)event_get_u64(e, "device_ns");
	double real_ns = (double)event_get_u64(e, "real_ns");
	double ios = (double)event_get_u64(e, "ios");

	if (event_get_bool(e, "stepped") &&
	    (device_ns < real_ns * 0.9 || device_ns > real_ns * 1.1))
		snprintf(t->note, sizeof(t->note),
			 "%.200s: %.63s, doorbells %.20s; it steps its own time, by which the "
			 "latencies are, and of which a second would have had %.0f I/Os",
			 event_get_str(e, "target"), event_get_str(e, "engine"),
			 event_get_str(e, "doorbells"), device_ns > 0 ? ios * 1e9 / device_ns : 0);
	else
		snprintf(t->note, sizeof(t->note), "%.200s: %.63s, doorbells %.20s",
			 event_get_str(e, "target"), event_get_str(e, "engine"),
			 event_get_str(e, "doorbells"));
}

/* ---- what comes ---- */

void measure_table_target(struct measure_table *t, const char *target)
{
	t->target++;
	t->note[0] = 0;
	if (!t->g->quiet && t->g->progress == PROGRESS_PLAIN)
		fprintf(stderr, "measuring %s\n", target);
}

void measure_table_hear(void *ctx, struct json_object *event)
{
	struct measure_table *t = ctx;
	const char *type = event_type(event);

	if (!strcmp(type, "bench_progress")) {
		show_progress(t, event);
		return;
	}
	if (strcmp(type, "bench_cell"))
		return;
	clear_line(t);
	if (t->json) {
		json_object_array_add(t->cells, json_object_get(event));
		return;
	}
	print_cell(t, event);
	note(t, event);
}

void measure_table_target_end(struct measure_table *t, const char *error)
{
	clear_line(t);
	if (!t->json && t->note[0] && !t->g->quiet) {
		printf("  %s\n", t->note);
		fflush(stdout);
	}
	if (!*error)
		return;
	fprintf(stderr, "nvrig bench: %s\n", error);
	json_object_array_add(t->errors, json_object_new_string(error));
}

int measure_table_end(struct measure_table *t, enum rig_exit status)
{
	struct json_object *doc;

	if (t->json) {
		doc = event_new("bench");
		json_object_object_add(doc, "cells", json_object_get(t->cells));
		json_object_object_add(doc, "errors", json_object_get(t->errors));
		event_u64(doc, "exit_status", status);
		printf("%s\n", json_object_to_json_string_ext(
				       doc, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
						    JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(doc);
	}
	return fflush(stdout) || ferror(stdout) ? -EIO : 0;
}
