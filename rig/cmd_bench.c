// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig bench`: how fast a target is, and what the rig itself costs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "rig/measure_table.h"
#include "rig/measure.h"
#include "rig/plan.h"
#include "rig/stop.h"

#define TARGETS_MAX 16u
#define LIST_MAX    16u
#define SECONDS_MAX 86400.0
#define CELL_MAX_NS (600 * NS_PER_S) /* with --ios alone */

struct list {
	uint64_t v[LIST_MAX];
	unsigned n;
};

struct bench_args {
	struct globals globals;
	const char *target[TARGETS_MAX];
	unsigned targets;
	const char *rw[LIST_MAX];
	unsigned rws;
	struct list bytes, depth;
	uint64_t queues, nsid, seed, ios, mix, from, length;
	double seconds, warm_up, patience;
	bool json, fua, has_seconds;
	enum rig_harm allow;
};

static const struct {
	const char *name;
	bool random;
	int read; /* percent; -1: --mix */
} modes[] = { { "randread", true, 100 }, { "randwrite", true, 0 }, { "randrw", true, -1 },
	      { "read", false, 100 },	 { "write", false, 0 },	   { "rw", false, -1 } };

enum {
	KEY_RW = 0x100,
	KEY_MIX,
	KEY_BS,
	KEY_DEPTH,
	KEY_QUEUES,
	KEY_SECONDS,
	KEY_IOS,
	KEY_WARM_UP,
	KEY_REGION,
	KEY_NSID,
	KEY_SEED,
	KEY_FUA,
	KEY_ALLOW,
	KEY_PATIENCE,
	KEY_JSON,
};

/* clang-format off */
static const struct argp_option options[] = {
	{ "rw", KEY_RW, "MODE[,MODE...]", 0,
	  "randread (default), randwrite, randrw, read, write, rw: random, or through the region", 0 },
	{ "mix", KEY_MIX, "PERCENT", 0, "Share of reads in randrw and rw (default 70)", 0 },
	{ "bs", KEY_BS, "BYTES[,BYTES...]", 0, "Of an I/O (default 4Ki)", 0 },
	{ "depth", KEY_DEPTH, "N[,N...]", 0, "I/Os in flight in each queue (default 32)", 0 },
	{ "queues", KEY_QUEUES, "N", 0, "Queue pairs, driven by one thread (default 1)", 0 },
	{ "seconds", KEY_SECONDS, "S", 0, "How long each row is measured (default 5)", 0 },
	{ "ios", KEY_IOS, "N", 0,
	  "End when so many are done; without --seconds after 10 minutes at the latest", 0 },
	{ "warm-up", KEY_WARM_UP, "S", 0, "Before that, uncounted (default 0.5)", 0 },
	{ "region", KEY_REGION, "LENGTH[@FROM]", 0, "Bytes of the namespace (default all of it)", 0 },
	{ "nsid", KEY_NSID, "N", 0, "Namespace (default the first without metadata)", 0 },
	{ "seed", KEY_SEED, "N", 0, "Of what is sent where (default 1)", 0 },
	{ "fua", KEY_FUA, NULL, 0, "Writes with Force Unit Access", 0 },
	{ "allow", KEY_ALLOW, "LEVEL", 0,
	  "data: writes may overwrite what an emulated device of this machine holds", 0 },
	{ "patience", KEY_PATIENCE, "S", 0,
	  "No completion for so long, by the device's clock, is an error (default 10)", 0 },
	{ "json", KEY_JSON, NULL, 0, "One JSON document", 0 },
	{ 0 },
};
/* clang-format on */

/* ---- values ---- */

static uint64_t number(struct argp_state *state, const char *option, const char *text,
		       uint64_t least, uint64_t most)
{
	uint64_t v = 0;

	if (text_number(text, &v) || v < least || v > most)
		argp_error(state, "--%s=%s: a number from %llu to %llu", option, text,
			   (unsigned long long)least, (unsigned long long)most);
	return v;
}

static double seconds(struct argp_state *state, const char *option, const char *text, double least)
{
	char *end;
	double v = strtod(text, &end);

	if (end == text || *end || !isfinite(v) || v < least || v > SECONDS_MAX)
		argp_error(state, "--%s=%s: seconds from %g to %g", option, text, least,
			   SECONDS_MAX);
	return v;
}

static void numbers(struct argp_state *state, const char *option, char *text, uint64_t most,
		    struct list *ret)
{
	char *save = NULL;

	ret->n = 0;
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (ret->n == LIST_MAX)
			argp_error(state, "--%s: at most %u values", option, LIST_MAX);
		ret->v[ret->n++] = number(state, option, w, 1, most);
	}
	if (!ret->n)
		argp_error(state, "--%s: no value", option);
}

static const char *nth_mode(const void *ctx, size_t i)
{
	(void)ctx;
	return i < ARRAY_SIZE(modes) ? modes[i].name : NULL;
}

static unsigned find_mode(struct argp_state *state, const char *name)
{
	const char *near;

	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++)
		if (!strcmp(name, modes[i].name))
			return i;
	near = text_nearest(name, nth_mode, NULL);
	if (near)
		argp_error(state, "--rw=%s: did you mean %s?", name, near);
	else
		argp_error(state, "--rw=%s: one of randread, randwrite, randrw, read, write, rw",
			   name);
	return 0;
}

static void set_rw(struct argp_state *state, char *text, struct bench_args *a)
{
	char *save = NULL;

	a->rws = 0;
	for (char *w = strtok_r(text, ",", &save); w; w = strtok_r(NULL, ",", &save)) {
		if (a->rws == LIST_MAX)
			argp_error(state, "--rw: at most %u modes", LIST_MAX);
		a->rw[a->rws++] = modes[find_mode(state, w)].name;
	}
	if (!a->rws)
		argp_error(state, "--rw: no mode");
}

static void set_region(struct argp_state *state, char *text, struct bench_args *a)
{
	char *from = strchr(text, '@');

	if (from)
		*from++ = 0;
	a->length = number(state, "region", text, 1, UINT64_MAX);
	a->from = from ? number(state, "region", from, 0, UINT64_MAX) : 0;
}

static void add_target(struct argp_state *state, const char *arg, struct bench_args *a)
{
	if (a->targets == TARGETS_MAX)
		argp_error(state, "at most %u targets", TARGETS_MAX);
	a->target[a->targets++] = arg;
}

static void check_end(struct argp_state *state, const struct bench_args *a)
{
	unsigned cells = a->rws * a->bytes.n * a->depth.n;

	if (!a->targets)
		argp_error(state, "name a target, for example model:");
	if (cells > MEASURE_CELLS_MAX)
		argp_error(state, "%u rows a target: at most %u", cells, MEASURE_CELLS_MAX);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct bench_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case ARGP_KEY_ARG:
		add_target(state, arg, a);
		return 0;
	case ARGP_KEY_END:
		check_end(state, a);
		return 0;
	case KEY_RW:
		set_rw(state, arg, a);
		return 0;
	case KEY_MIX:
		a->mix = number(state, "mix", arg, 1, 99);
		return 0;
	case KEY_BS:
		numbers(state, "bs", arg, UINT32_MAX, &a->bytes);
		return 0;
	case KEY_DEPTH:
		numbers(state, "depth", arg, 65534, &a->depth);
		return 0;
	case KEY_QUEUES:
		a->queues = number(state, "queues", arg, 1, IO_QUEUES_MAX);
		return 0;
	case KEY_SECONDS:
		a->seconds = seconds(state, "seconds", arg, 0.001);
		a->has_seconds = true;
		return 0;
	case KEY_IOS:
		a->ios = number(state, "ios", arg, 1, UINT64_MAX);
		return 0;
	case KEY_WARM_UP:
		a->warm_up = seconds(state, "warm-up", arg, 0);
		return 0;
	case KEY_REGION:
		set_region(state, arg, a);
		return 0;
	case KEY_NSID:
		a->nsid = number(state, "nsid", arg, 1, UINT32_MAX - 1);
		return 0;
	case KEY_SEED:
		a->seed = number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_ALLOW:
		if (harm_find(arg) < 0)
			argp_error(state, "--allow=%s: one of none, settings, data, wear, forever", arg);
		else
			a->allow = (enum rig_harm)harm_find(arg);
		return 0;
	case KEY_FUA:
		a->fua = true;
		return 0;
	case KEY_PATIENCE:
		a->patience = seconds(state, "patience", arg, 0.001);
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp bench_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "TARGET...",
	.doc = "Measures targets under a load: IOPS, latencies, and what the rig's own code costs. "
	       "One "
	       "row for each target, mode, size and depth. Writes are for emulated devices only, "
	       "and change what they hold.\v"
	       "IOPS and MB/s are by the clock on the wall. Latencies are by the target's clock, "
	       "from "
	       "telling the device to seeing the completion; one that steps its time (model:) has "
	       "its "
	       "own. A percentile is at most 1.6 % above the true value, and left out (-) when "
	       "fewer "
	       "than 10 I/Os lie beyond it.\n"
	       "submit and reap are the nanoseconds an I/O that the rig spends in these two calls, "
	       "timed "
	       "with the time stamp counter around each of them, the timing itself taken off; "
	       "way-in is "
	       "what the target's register writes took meanwhile (doorbells as messages; with "
	       "model: the "
	       "device itself), which is not in them. cpu is all CPU time of the thread an I/O, by "
	       "CLOCK_THREAD_CPUTIME_ID; it polls, so waiting is in it. null: is no device, to "
	       "know what "
	       "the rest costs.",
	.children = children,
};

/* ---- what is measured ---- */

static struct measure_cell make_cell(const struct bench_args *a, const char *rw, uint64_t bytes,
				     uint64_t depth)
{
	struct measure_cell c = { .rw = rw };

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		if (strcmp(rw, modes[i].name))
			continue;
		c.spec.random = modes[i].random;
		c.spec.read_percent =
			modes[i].read < 0 ? (unsigned)a->mix : (unsigned)modes[i].read;
	}
	c.spec.fua = a->fua;
	c.spec.nsid = (uint32_t)a->nsid;
	c.spec.bytes = (uint32_t)bytes;
	c.spec.from = a->from;
	c.spec.length = a->length;
	c.spec.depth = (unsigned)depth;
	c.spec.queues = (unsigned)a->queues;
	c.spec.seed = a->seed;
	c.spec.warm_up_ns = (uint64_t)(a->warm_up * 1e9);
	c.spec.run_ns = a->ios && !a->has_seconds ? 0 : (uint64_t)(a->seconds * 1e9);
	c.spec.ios = a->ios;
	c.spec.patience_ns = (uint64_t)(a->patience * 1e9);
	return c;
}

static void make_cells(const struct bench_args *a, struct measure *m)
{
	m->cells = 0;
	m->allow = a->allow;
	m->limit_ns = a->has_seconds || !a->ios ? (uint64_t)((a->seconds + 60) * 1e9) : CELL_MAX_NS;
	for (unsigned r = 0; r < a->rws; r++)
		for (unsigned b = 0; b < a->bytes.n; b++)
			for (unsigned d = 0; d < a->depth.n; d++)
				m->cell[m->cells++] =
					make_cell(a, a->rw[r], a->bytes.v[b], a->depth.v[d]);
}

/* The worst of what happened, in the order of libraries.md; what was not run at all ends it. */
static enum rig_exit worse(enum rig_exit a, enum rig_exit b)
{
	static const enum rig_exit order[] = { RIG_USAGE, RIG_REFUSED, RIG_DRIVE_FAILED, RIG_BROKE,
					       RIG_STOPPED };

	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return RIG_GOOD;
}

static enum rig_exit measure_all(const struct bench_args *a, const struct measure *m,
				 struct stop *stop, struct measure_table *table)
{
	enum rig_exit status = RIG_GOOD, one;
	char error[MEASURE_ERROR];

	for (unsigned i = 0; i < a->targets; i++) {
		measure_table_target(table, a->target[i]);
		one = measure_target(a->target[i], m, stop, measure_table_hear, table, error);
		measure_table_target_end(table, error);
		status = worse(status, one);
		if (one == RIG_USAGE || one == RIG_REFUSED || one == RIG_STOPPED)
			break;
	}
	return status;
}

int cmd_bench(int argc, char **argv)
{
	struct bench_args a = { .rw = { "randread" },
				.rws = 1,
				.bytes = { { 4096 }, 1 },
				.depth = { { 32 }, 1 },
				.queues = 1,
				.seed = 1,
				.mix = 70,
				.seconds = 5,
				.warm_up = 0.5,
				.patience = 10 };
	_cleanup_free_ struct measure *m = calloc(1, sizeof(*m));
	struct measure_table *table;
	enum rig_exit status;
	struct stop stop;

	if (verb_parse(&bench_argp, argc, argv, &a))
		return RIG_BROKE;
	table = m ? measure_table_new(&a.globals, a.target, a.targets, a.json) : NULL;
	if (!table || stop_listen(&stop)) {
		measure_table_free(table);
		fprintf(stderr, "nvrig bench: %s\n", strerror(errno));
		return RIG_BROKE;
	}
	make_cells(&a, m);
	status = measure_all(&a, m, &stop, table);
	if (measure_table_end(table, status))
		status = worse(status, RIG_BROKE);
	measure_table_free(table);
	stop_close(&stop);
	return status;
}
