// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/matrix_run.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/matrix.h"
#include "rig/session.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "rig/store.h"

#define DEFAULT_OUT "runs"

struct matrix_runner {
	struct run_options *options;
	struct stack_config *config; /* one a column */
	struct matrix m;
	struct tally tally; /* over all columns */
	int argc;
	char **argv;
};

static void say(const char *text)
{
	fprintf(stderr, "nvrig run: %s\n", text);
}

/* Does it name more than one? */
static bool is_pattern(const char *words)
{
	return words && strpbrk(words, "*?[,");
}

bool matrix_asked(const struct run_options *o)
{
	return is_pattern(options_str(o, "stack")) ||
	       (options_str(o, "stack") && is_pattern(options_str(o, "store")));
}

struct json_object *matrix_saved_options(const char *dir, char *ret_error)
{
	struct matrix m = { 0 };
	struct json_object *o = NULL;

	if (!matrix_load(&m, dir, ret_error))
		o = json_object_get(m.options);
	matrix_free(&m);
	return o;
}

/* ---- which stacks ---- */

/* Is the name one of "guest-*,nvmet-*"? */
static bool named(const char *patterns, const char *name)
{
	char one[STACK_NAME];

	for (const char *p = patterns; *p; p += strcspn(p, ","), p += *p == ',') {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(p, ","), p);
		if (!fnmatch(one, name, 0))
			return true;
	}
	return false;
}

static int refuse(const struct matrix_runner *r, const char *name)
{
	fprintf(stderr, "nvrig run: '%s' or --stack %s, not both: %s is no guest\n",
		options_str(r->options, "target"), options_str(r->options, "stack"), name);
	return RIG_USAGE;
}

/*
 * One more column. Wrong files are told before any stack is brought up. fits: NULL, or a store that
 * is not for this stack is left out and *fits stays as it is. 0 or the exit status.
 */
static int add_column(struct matrix_runner *r, const char *name, unsigned *fits)
{
	struct stack_config *all = realloc(r->config, (r->m.n_columns + 1) * sizeof(*all));
	char error[512] = "out of memory";
	int err = -ENOMEM;

	if (all) {
		r->config = all;
		all += r->m.n_columns;
		err = stack_config_load(NULL, name, all, error);
	}
	if (err == -EDOM && fits)
		return RIG_GOOD;
	if (err) {
		say(error);
		return err == -ENOENT || err == -EDOM ? RIG_USAGE : RIG_CONFIG;
	}
	if (options_str(r->options, "target") && strcmp(all->kind, STACK_GUEST))
		return refuse(r, name);
	if (fits)
		++*fits;
	return matrix_add(&r->m, name, all->about) ? RIG_BROKE : RIG_GOOD;
}

/* A stack on what one word of --store names: a pile of stores as it stands, or a pattern. */
static int add_on_stores(struct matrix_runner *r, const char *stack, const char *word,
			 char **stores, unsigned *fits)
{
	char name[STACK_NAME];
	int status = RIG_GOOD;

	if (!strpbrk(word, "*?[")) {
		snprintf(name, sizeof(name), "%.60s@%.60s", stack, word);
		return add_column(r, name, fits);
	}
	for (size_t i = 0; !status && stores[i]; i++) {
		if (fnmatch(word, stores[i], 0))
			continue;
		snprintf(name, sizeof(name), "%.60s@%.60s", stack, stores[i]);
		status = add_column(r, name, fits);
	}
	return status;
}

/* A stack on each of its stores that were asked for. */
static int add_stack(struct matrix_runner *r, const char *stack, char **stores)
{
	const char *words = options_str(r->options, "store");
	char one[STACK_NAME];
	unsigned fits = 0;
	int status = RIG_GOOD;

	if (!words)
		return add_column(r, stack, NULL);
	for (const char *p = words; !status && *p; p += strcspn(p, ","), p += *p == ',') {
		snprintf(one, sizeof(one), "%.*s", (int)strcspn(p, ","), p);
		status = add_on_stores(r, stack, one, stores, &fits);
	}
	if (!status && !fits)
		fprintf(stderr, "nvrig run: stack %s is left out: no store of '%s' is for it\n",
			stack, words);
	return status;
}

static int choose_stacks(struct matrix_runner *r)
{
	const char *patterns = options_str(r->options, "stack");
	char **names = NULL, **stores = NULL;
	int status = stack_config_names(NULL, &names) ? RIG_CONFIG : RIG_GOOD;

	if (!status && options_str(r->options, "store") && store_names(NULL, &stores))
		status = RIG_CONFIG;
	for (size_t i = 0; !status && names[i]; i++)
		if (named(patterns, names[i]))
			status = add_stack(r, names[i], stores);
	if (!names)
		say("no directory with stack configurations (NVRIG_CONFIGS names another)");
	else if (!status && !r->m.n_columns) {
		fprintf(stderr, "nvrig run: no stack is named '%s'; nvrig list --stacks\n",
			patterns);
		status = RIG_USAGE;
	}
	store_names_free(stores);
	stack_config_names_free(names);
	return status;
}

/* ---- the directory ---- */

static int make_dir(struct matrix_runner *r)
{
	const char *out = r->options->out ? r->options->out : getenv("NVRIG_RUNS");
	char path[PATH_MAX], id[32];

	if (!out || !*out)
		out = DEFAULT_OUT;
	if (mkdir(out, 0777) && errno != EEXIST)
		return -errno;
	snprintf(id, sizeof(id), "matrix-XXXXXX");
	if (snprintf(path, sizeof(path), "%s/%s", out, id) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (!mkdtemp(path) || chmod(path, 0755))
		return -errno;
	r->m.dir = strdup(path);
	r->m.options = json_object_get(r->options->asked);
	return r->m.dir ? matrix_save(&r->m) : -ENOMEM;
}

static int new_matrix(struct matrix_runner *r)
{
	int status = choose_stacks(r), err;

	if (status || r->options->dry_run)
		return status;
	err = make_dir(r);
	if (err)
		fprintf(stderr,
			"nvrig run: the matrix's directory: %s; choose another place with "
			"--out\n",
			strerror(-err));
	return err ? RIG_BROKE : RIG_GOOD;
}

static int old_matrix(struct matrix_runner *r)
{
	char error[MATRIX_ERROR];
	size_t n;

	if (matrix_load(&r->m, r->options->resume, error)) {
		say(error);
		return RIG_BROKE;
	}
	n = r->m.n_columns;
	r->config = calloc(n ? n : 1, sizeof(*r->config));
	for (size_t i = 0; r->config && i < n; i++)
		if (stack_config_load(NULL, r->m.column[i].stack, &r->config[i], error)) {
			say(error);
			return RIG_CONFIG;
		}
	return r->config ? RIG_GOOD : RIG_BROKE;
}

/* ---- one stack ---- */

/* The options of one column: the same, but for the stack, the place and what is told. */
static int column_options(struct matrix_runner *r, const char *stack, const char *out,
			  const char *resume, struct run_options *ret)
{
	*ret = *r->options;
	ret->asked = NULL;
	if (json_object_deep_copy(r->options->asked, &ret->asked, NULL))
		return -ENOMEM;
	event_str(ret->asked, "stack", stack);
	json_object_object_del(ret->asked, "store"); /* it is in the name */
	ret->out = out;
	ret->resume = resume;
	ret->globals.quiet = true;
	ret->n_to = 0;
	ret->json = false;
	ret->require = (struct require){ .n = 0 }; /* asked of the whole matrix */
	return 0;
}

static void add_tally(struct tally *to, const struct tally *from)
{
	for (int v = 0; v < VERDICTS; v++)
		to->count[v] += from->count[v];
	to->unstable += from->unstable;
	to->advised += from->advised;
	to->stopped |= from->stopped;
	to->broke |= from->broke;
}

/* The newest run of a stack that came to a plan, below the matrix's directory; NULL: none. */
static char *find_run(const struct matrix *m, const char *stack)
{
	_cleanup_free_ char *below = NULL;
	struct dirent **entries;
	char *run = NULL;
	int n = -1;

	if (asprintf(&below, "%s/%s", m->dir, stack) >= 0)
		n = scandir(below, &entries, NULL, alphasort);
	for (int i = n; i-- > 0;) {
		_cleanup_free_ char *plan = NULL;

		if (run || !isdigit((unsigned char)entries[i]->d_name[0]) ||
		    asprintf(&plan, "%s/%s/plan.jsonl", below, entries[i]->d_name) < 0 ||
		    access(plan, F_OK) || asprintf(&run, "%s/%s", stack, entries[i]->d_name) < 0)
			continue;
	}
	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return run;
}

static bool came_to_cases(const struct tally *t)
{
	for (int v = 0; v < VERDICTS; v++)
		if (t->count[v])
			return true;
	return false;
}

/* What a column's session came to. A program that ended by itself refused its configuration. */
static int note_end(struct matrix_runner *r, struct column *c, const struct session *s)
{
	_cleanup_free_ char *run = find_run(&r->m, c->stack);

	if (s->up_err == -ECHILD) {
		r->tally.count[SKIP]++;
		return matrix_set(c, COLUMN_SKIP, NULL, s->up_error);
	}
	add_tally(&r->tally, &s->tally);
	if (s->tally.stopped)
		return matrix_set(c, run ? COLUMN_BEGUN : COLUMN_PLANNED, run, NULL);
	if (s->up_err)
		return matrix_set(c, COLUMN_BROKEN, NULL, s->up_error);
	if (!run || !came_to_cases(&s->tally)) {
		r->tally.broke = true;
		return matrix_set(c, COLUMN_BROKEN, NULL, "its run did not come to its cases");
	}
	return matrix_set(c, COLUMN_DONE, run, NULL);
}

static int run_session(struct matrix_runner *r, size_t i, const char *out, const char *resume)
{
	struct column *c = &r->m.column[i];
	struct outputs outputs = { .n = 0 };
	char to[PATH_MAX], error[OUTPUTS_ERROR];
	struct run_options o;
	struct session s = { .options = &o,
			     .outputs = &outputs,
			     .stack = &r->config[i],
			     .argc = r->argc,
			     .argv = r->argv,
			     .stop = { .fd = -1 } };
	int err = column_options(r, c->stack, out, resume, &o);

	if (err)
		return err;
	if (r->options->dry_run) {
		int status = session_dry_run(&s);

		r->tally.broke |= status == RIG_BROKE;
		r->tally.stopped |= status == RIG_STOPPED;
		r->tally.count[PASS] += status == RIG_GOOD; /* a plan was made */
	} else {
		snprintf(to, sizeof(to), "junit=%s/%s.junit.xml", r->m.dir, c->stack);
		if (outputs_add(&outputs, to, error))
			say(error);
		session_run(&s);
		err = note_end(r, c, &s);
	}
	json_object_put(o.asked);
	return err;
}

static int run_column(struct matrix_runner *r, size_t i)
{
	struct column *c = &r->m.column[i];
	_cleanup_free_ char *run = r->m.dir ? find_run(&r->m, c->stack) : NULL;
	_cleanup_free_ char *out = NULL, *resume = NULL;
	const char *lacks = stack_guest_lacks(&r->config[i], options_str(r->options, "target"));

	if (lacks) {
		r->tally.count[SKIP]++;
		return matrix_set(c, COLUMN_SKIP, NULL, lacks);
	}
	if (r->m.dir && asprintf(&out, "%s/%s", r->m.dir, c->stack) < 0)
		return -ENOMEM;
	if (r->options->resume && run && asprintf(&resume, "%s/%s", r->m.dir, run) < 0)
		return -ENOMEM;
	return run_session(r, i, resume ? NULL : out, resume);
}

/* ---- all of them ---- */

static void tell_column(const struct matrix_runner *r, size_t i)
{
	const struct column *c = &r->m.column[i];

	if (r->options->globals.quiet)
		return;
	fprintf(stderr, "%zu of %zu, %s: %s%s%s\n", i + 1, r->m.n_columns, c->stack,
		column_state_name(c->state), c->reason ? ": " : "", c->reason ? c->reason : "");
}

static int run_columns(struct matrix_runner *r)
{
	int err = 0;

	for (size_t i = 0; !err && i < r->m.n_columns && !r->tally.stopped; i++) {
		if (r->options->dry_run)
			printf("# %s: %s\n", r->m.column[i].stack, r->m.column[i].about);
		fflush(stdout);
		err = run_column(r, i);
		if (!r->options->dry_run) {
			tell_column(r, i);
			err = err ? err : matrix_save(&r->m);
		}
	}
	if (err) {
		fprintf(stderr, "nvrig run: %s: %s\n", r->m.dir, strerror(-err));
		r->tally.broke = true;
	}
	return err;
}

static void check_required(struct matrix_runner *r)
{
	char text[256];

	for (unsigned i = 0; require_missed(&r->options->require, i, text, sizeof(text)); i++) {
		say(text);
		r->tally.broke = true;
	}
}

static int write_outputs(struct matrix_runner *r)
{
	const struct run_options *o = r->options;
	char error[MATRIX_ERROR];
	bool on_stdout = o->json;
	int err = o->json ? matrix_write(&r->m, "json", true, error) : 0;

	for (unsigned i = 0; !err && i < o->n_to; i++) {
		const char *file = strchr(o->to[i], '=');

		on_stdout |= !file || !strcmp(file, "=-");
		err = matrix_write(&r->m, o->to[i], o->globals.verbose, error);
	}
	if (!err && !on_stdout && !o->globals.quiet)
		err = matrix_write(&r->m, "tty", o->globals.verbose, error);
	if (err)
		say(error);
	return err;
}

static int finish(struct matrix_runner *r)
{
	char error[MATRIX_ERROR];

	if (matrix_collect(&r->m, &r->options->require, error)) {
		say(error);
		r->tally.broke = true;
	}
	if (!r->tally.stopped)
		check_required(r);
	if (write_outputs(r))
		r->tally.broke = true;
	if (r->tally.stopped && !r->options->globals.quiet)
		fprintf(stderr, "stopped; to go on: nvrig run --resume %s\n", r->m.dir);
	if (!r->options->globals.quiet)
		fprintf(stderr, "matrix directory: %s\n", r->m.dir);
	return tally_status(&r->tally);
}

/* Formats are known to be good before any stack is brought up. */
static int check_formats(const struct run_options *o)
{
	for (unsigned i = 0; i < o->n_to; i++) {
		size_t n = strcspn(o->to[i], "=");
		_cleanup_free_ char *name = strndup(o->to[i], n);

		if (name && matrix_format_find(name))
			continue;
		fprintf(stderr,
			"nvrig run: --to %.80s: a matrix is written as tty, md or json; the other "
			"formats are of one run: nvrig report RUN\n",
			o->to[i]);
		return RIG_USAGE;
	}
	return RIG_GOOD;
}

int matrix_run(struct run_options *o, int argc, char **argv)
{
	struct matrix_runner r = { .options = o, .argc = argc, .argv = argv };
	int status = check_formats(o);

	r.tally.strict_skip = o->strict_skip;
	if (!status)
		status = o->resume ? old_matrix(&r) : new_matrix(&r);
	if (!status) {
		run_columns(&r);
		status = o->dry_run ? tally_status(&r.tally) : finish(&r);
	}
	matrix_free(&r.m);
	free(r.config);
	return status;
}
