// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "rig/artifact.h"
#include "rig/probe.h"
#include "rig/session_guest.h"
#include "rig/session_tell.h"

#define DEFAULT_OUT  "runs"
#define CONFIG_WRONG 1 /* among -errno values: a file of configs/ is wrong */

static void say(const char *text)
{
	fprintf(stderr, "nvrig run: %s\n", text);
}

/* ---- the directory ---- */

static void hear(void *ctx, const struct json_object *e)
{
	struct session *s = ctx;
	int err = artifact_event(s->journal.dir_fd, e);

	if (err)
		fprintf(stderr, "nvrig run: %s/artifacts: %s; the text stands in events.jsonl\n",
			s->journal.dir, strerror(-err));
	require_event(&s->options->require, e);
	outputs_event(s->outputs, e);
}

static void take_old(void *ctx, struct json_object *e)
{
	struct session *s = ctx;

	resume_event(&s->resume, e);
	replay_note(&s->replay, e);
	json_object_array_add(s->old, json_object_get(e));
}

/*
 * The reports hear what was before once it is known whether the run goes on: what runs again is
 * told once, as `nvrig report` will tell it.
 */
static void tell_old(struct session *s, bool goes_on)
{
	size_t n = s->old ? json_object_array_length(s->old) : 0;

	if (goes_on)
		replay_go_on(&s->replay);
	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(s->old, i);

		if (replay_holds(&s->replay, e))
			hear(s, e);
	}
	json_object_put(s->old);
	s->old = NULL;
}

void session_tell_old(struct session *s)
{
	tell_old(s, true);
}

static int reopen_journal(struct session *s, char error[JOURNAL_ERROR])
{
	s->old = json_object_new_array();
	if (replay_init(&s->replay) || !s->old) {
		snprintf(error, JOURNAL_ERROR, "out of memory");
		return -ENOMEM;
	}
	return journal_reopen(&s->journal, s->options->resume, take_old, s, &s->cut_bytes, error);
}

static int open_journal(struct session *s)
{
	const char *out = s->options->out ? s->options->out : getenv("NVRIG_RUNS");
	char error[JOURNAL_ERROR];
	int err;

	if (s->options->resume)
		err = reopen_journal(s, error);
	else
		err = journal_create(&s->journal, out && *out ? out : DEFAULT_OUT, error);
	if (err) {
		say(error);
		return err;
	}
	s->journal_open = true;
	s->sink = (struct sink){ &s->journal, hear, s };
	return 0;
}

/* A write to the run's directory that did not succeed: what, where, what to do. */
int session_say_disk(struct session *s, const char *what, int err)
{
	fprintf(stderr,
		"nvrig run: %s/%s: %s; the run stops here. Make room, then: nvrig run --resume "
		"%s\n",
		s->journal.dir, what, strerror(-err), s->journal.dir);
	return err;
}

/* ---- under the cases ---- */

/* A stack goes below the run's own directory, one of its own after each resume. */
int session_stack_dir(struct session *s, char dir[PATH_MAX])
{
	for (unsigned i = 0; i < 10000; i++) {
		char name[32];

		snprintf(name, sizeof(name), i ? "stack-%u" : "stack", i + 1);
		if (!mkdirat(s->journal.dir_fd, name, 0700)) {
			if (snprintf(dir, PATH_MAX, "%s/%s", s->journal.dir, name) >= PATH_MAX)
				return -ENAMETOOLONG;
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

static int bench_up(struct session *s, char error[BENCH_ERROR])
{
	char dir[PATH_MAX];
	int err;

	if (!s->stack) {
		bench_on_target(&s->bench, options_address(s->options), &s->stop);
		s->before = session_guard_before_hold(s->options, s->bench.target);
		return s->before ? 0 : bench_hold(&s->bench, error);
	}
	err = session_stack_dir(s, dir);
	if (err) {
		snprintf(error, BENCH_ERROR, "%.300s: %s", s->journal.dir, strerror(-err));
		return err;
	}
	return bench_on_stack(&s->bench, s->stack, dir, &s->stop, error);
}

/* ---- the plan ---- */

static void default_allow(struct session *s)
{
	if (!options_str(s->options, "allow"))
		event_str(s->options->asked, "allow", harm_name(harm_default(s->facts)));
}

static int make_plan(struct session *s)
{
	struct plan_filter f;
	int err;

	default_allow(s);
	err = options_filter(s->options, &f);
	if (err)
		return err;
	err = plan_make(options_suites(s->options), &f, s->facts, &s->plan);
	options_filter_free(&f);
	return err;
}

/* ---- a run that goes on ---- */

static int go_on(struct session *s)
{
	char error[JOURNAL_ERROR];
	int err = resume_plan(&s->resume, &s->journal, &s->plan, error);

	if (err) {
		say(error);
		return err;
	}
	tell_old(s, true);
	err = tell_resume(s);
	return err ? err : tell_plan(s, s->resume.planned);
}

static int begin(struct session *s)
{
	int err;

	if (s->options->resume)
		return go_on(s);
	err = tell_plan_file(s);
	if (err)
		return session_say_disk(s, "plan.jsonl", err);
	return tell_begin(s);
}

/* ---- the reports ---- */

/* Before the first event. A report that cannot be made is known before any case runs. */
static int open_outputs(struct session *s)
{
	char error[OUTPUTS_ERROR];
	int err = outputs_open(s->outputs, &s->options->globals, error);

	if (err)
		say(error);
	s->outputs_open = !err;
	return err;
}

static void discard(struct session *s)
{
	journal_discard(&s->journal);
	s->journal_open = false;
}

int session_first_event(struct session *s)
{
	int err;

	if (s->options->resume || s->outputs_open)
		return 0;
	err = open_outputs(s) ? -EIO : sink_event(&s->sink, journal_format());
	if (err)
		discard(s);
	return err;
}

/* The run ends before its cases: told in the journal, so that no report takes it for a good one. */
int session_end_early(struct session *s, int err, const char *reason)
{
	int status;

	if (stop_asked(&s->stop) || err == -EINTR)
		s->tally.stopped = true;
	else
		s->tally.broke = true;
	status = err == CONFIG_WRONG ? RIG_CONFIG : tally_status(&s->tally);
	say(reason);
	if (s->options->resume) { /* what is in the journal stands as it is */
		tell_old(s, false);
		return status;
	}
	if (session_first_event(s))
		return RIG_BROKE;
	tell_begin(s);
	tell_end(s, reason, status);
	return status;
}

/* The address was wrong, nothing was begun: no run is left behind. */
static int refuse_target(struct session *s, const char *error)
{
	say(error);
	discard(s);
	return RIG_USAGE;
}

/* What had to run and did not: said, journalled unless that is closed, and no good run any more. */
static int check_required(struct session *s, bool journalled)
{
	char text[256];
	int err = 0;

	for (unsigned i = 0; !err && require_missed(&s->options->require, i, text, sizeof(text));
	     i++) {
		say(text);
		s->tally.broke = true;
		err = journalled ? tell_note(s, text) : 0;
	}
	return err;
}

static const char *why_early(const struct session *s)
{
	if (s->tally.stopped)
		return "stopped by signal";
	return s->cut[0] ? s->cut : NULL;
}

int session_finish(struct session *s, int err)
{
	int status;

	if (!err)
		err = check_required(s, true);
	if (s->journal.err) {
		session_say_disk(s, "events.jsonl", s->journal.err);
		s->tally.broke = true;
		return tally_status(&s->tally);
	}
	if (err)
		return session_end_early(s, err, strerror(-err));
	status = tally_status(&s->tally);
	if (tell_end(s, why_early(s), status)) {
		session_say_disk(s, "events.jsonl", s->journal.err);
		s->tally.broke = true;
		status = tally_status(&s->tally);
	}
	return status;
}

static bool is_usage(const struct session *s, int err)
{
	return !s->stack && !s->options->resume && (err == -EINVAL || err == -EPROTONOSUPPORT);
}

/*
 * They refuse: the run ends here when the harm was asked for by a word, else only what does no harm
 * is run. 0 or -errno.
 */
static int ask_guards(struct session *s)
{
	struct session_guard *g = s->guard;

	if (!g)
		return 0;
	if (session_guard_ask(g, &s->plan, s->journal.dir) != -EACCES) {
		s->facts->caps.cleared = g->ask.harm > HARM_NONE;
		return 0;
	}
	if (stop_asked(&s->stop))
		return -EINTR;
	if (g->said) {
		s->tally.refused = true;
		return 0;
	}
	s->facts->caps.cleared = false;
	snprintf(s->facts->caps.behind, sizeof(s->facts->caps.behind), "%.111s", g->refused);
	plan_free(&s->plan);
	return make_plan(s);
}

/* What is in use was not even opened. Where harm was asked for the guards say who has it. */
static bool guards_know(struct session *s)
{
	char error[GUARD_ERROR];
	int err = session_guard_open(s, error);

	return !err && s->guard && s->guard->said && !s->options->resume &&
	       session_guard_ask(s->guard, NULL, s->journal.dir) == -EACCES;
}

/* Nothing was changed: every guard that refuses is named. */
static int refuse_drive(struct session *s)
{
	const struct session_guard *g = s->guard;
	int err = g->n_told ? 0 : -EIO;

	if (!s->tally.refused)
		session_guard_tell(g, &s->sink);

	for (unsigned i = 0; i < g->n_told; i++)
		if (g->told[i].found.verdict == GUARD_REFUSE)
			fprintf(stderr, "nvrig run: refused by %s (%s): %s\n", g->told[i].guard->id,
				g->told[i].guard->name, g->told[i].found.text);
	if (!err)
		err = tell_end(s, g->refused, RIG_REFUSED);
	return err ? RIG_BROKE : RIG_REFUSED;
}

static int run_on_bench(struct session *s)
{
	char error[BENCH_ERROR];
	int err = probe_target(s->bench.target, PROBE_DEADLINE_S, &s->stop, s->facts, error);

	if (err && is_usage(s, err))
		return refuse_target(s, error);
	if (err == -EBUSY && guards_know(s))
		return session_first_event(s) || tell_begin(s) ? RIG_BROKE : refuse_drive(s);
	if (err)
		return session_end_early(s, err, error);
	if (session_first_event(s))
		return RIG_BROKE;
	if (session_load_profile(s, error))
		return session_end_early(s, CONFIG_WRONG, error);
	err = session_guard_open(s, error);
	s->tally.refused = err == -ESTALE;
	if (err)
		return session_end_early(s, err, error);
	err = make_plan(s);
	if (!err)
		err = ask_guards(s);
	if (err == -EINTR)
		return session_end_early(s, err, "stopped by signal");
	if (!err)
		err = begin(s);
	if (!err && s->guard)
		err = session_guard_tell(s->guard, &s->sink);
	if (!err && s->tally.refused)
		return refuse_drive(s);
	if (!err && s->before && bench_hold(&s->bench, error))
		return session_end_early(s, -EBUSY, error);
	if (!err && s->stack)
		err = tell_stack(s, "up", NULL);
	if (!err)
		err = session_run_cases(s);
	return session_finish(s, err);
}

static int nothing_left(struct session *s)
{
	fprintf(stderr, "nvrig run: %s is complete: nothing is left to run\n", s->journal.dir);
	tell_old(s, false);
	for (size_t i = 0; i < s->resume.cases; i++)
		tally_add(&s->tally, &s->resume.before[i]);
	check_required(s, false);
	return tally_status(&s->tally);
}

static int run_in_dir(struct session *s)
{
	char error[BENCH_ERROR] = "";
	int err = s->options->resume ? 0 : tell_run_json(s), status;

	if (err) {
		session_say_disk(s, "run.json", err);
		return RIG_BROKE;
	}
	if (s->options->resume && resume_complete(&s->resume))
		return nothing_left(s);
	if (s->stack && !strcmp(s->stack->kind, STACK_GUEST))
		return session_guest_run(s);
	err = bench_up(s, error);
	if (err && is_usage(s, err))
		return refuse_target(s, error);
	if (err) {
		s->up_err = err;
		memcpy(s->up_error, error, sizeof(error));
		return session_end_early(s, err, error);
	}
	status = run_on_bench(s);
	if (!bench_close(&s->bench, error))
		return status;
	say(error);
	return status == RIG_DRIVE_FAILED ? status : RIG_BROKE;
}

static void farewell(const struct session *s, int status)
{
	if (s->options->globals.quiet)
		return;
	if (status == RIG_STOPPED)
		fprintf(stderr, "stopped; to go on: nvrig run --resume %s\n", s->journal.dir);
	fprintf(stderr, "run directory: %s\n", s->journal.dir);
}

static int close_outputs(struct session *s, int status)
{
	char error[OUTPUTS_ERROR];

	if (!outputs_close(s->outputs, s->outputs_open, error))
		return status;
	say(error);
	return status == RIG_DRIVE_FAILED ? status : RIG_BROKE;
}

static void release(struct session *s)
{
	if (s->journal_open)
		journal_close(&s->journal);
	session_guard_close(s->guard);
	free(s->before);
	plan_free(&s->plan);
	resume_free(&s->resume);
	replay_free(&s->replay);
	json_object_put(s->old);
	profile_free(s->profile);
	stop_close(&s->stop);
	free(s->facts);
	s->facts = NULL;
}

int session_run(struct session *s)
{
	int status = RIG_BROKE;

	s->start_ns = clock_mono_ns();
	s->facts = calloc(1, sizeof(*s->facts));
	if (!s->facts || stop_listen(&s->stop)) {
		say(strerror(errno));
		free(s->facts);
		return RIG_BROKE;
	}
	s->tally.strict_skip = s->options->strict_skip;
	/* a run that goes on tells its reports what was before */
	if ((!s->options->resume || !open_outputs(s)) && !open_journal(s))
		status = run_in_dir(s);
	status = close_outputs(s, status);
	if (s->journal_open)
		farewell(s, status);
	release(s);
	return status;
}
