// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/runner.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rig/instance.h"
#include "rig/judge.h"
#include "rig/stop.h"
#include "rig/wall.h"
#include "rig/worker.h"

#define WALL_STATUS   126 /* of a worker that could not raise its wall */
#define DEATH_WAIT_MS 2000 /* an engine that stopped answering may still be dumping its core */

/* The walk through one plan. */
struct walk {
	struct runner *r;
	enum verdict *done; /* by place in the plan */
	size_t index;	    /* of the current instance */
	int out_fd, err_fd; /* logs of the current worker */
	enum verdict rest;  /* given to all that is left, with rest_why; VERDICT_NONE: run it */
	char rest_why[700];
	bool harmed; /* a case above harm none was begun */
	pid_t stuck; /* the worker that SIGKILL did not end; 0: none */
	struct tally *tally;
};

/* ---- events ---- */

static const struct plan_item *item_of(const struct walk *k)
{
	return &k->r->plan->item[k->index];
}

static struct json_object *case_event(const struct walk *k, const char *type)
{
	struct json_object *e = event_new(type);

	event_str(e, "case", item_of(k)->name);
	if (item_of(k)->attempt)
		event_u64(e, "attempt", item_of(k)->attempt);
	return e;
}

__attribute__((format(printf, 3, 4))) static void note(struct walk *k, bool of_case,
						       const char *fmt, ...)
{
	struct json_object *e = of_case ? case_event(k, "note") : event_new("note");
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	event_str(e, "from", "runner");
	event_str(e, "text", text);
	sink_event(k->r->sink, e);
}

static int begin(struct walk *k, unsigned deadline_s)
{
	struct json_object *e = case_event(k, "case_begin");

	event_u64(e, "index", k->index);
	event_u64(e, "cases", k->r->plan->n);
	event_u64(e, "deadline_s", deadline_s);
	/* an emulated device takes no host down with it: what is written is there for --resume */
	if (k->r->facts && k->r->facts->caps.emulated)
		return sink_event(k->r->sink, e);
	return sink_event_sync(k->r->sink, e);
}

static int end(struct walk *k, const struct outcome *o, const char *known)
{
	struct json_object *e = case_event(k, "case_end");

	event_str(e, "verdict", verdict_name(o->verdict));
	if (o->reason[0])
		event_str(e, "reason", o->reason);
	event_str(e, "error", o->error);
	event_str(e, "known", known);
	event_u64(e, "index", k->index);
	event_u64(e, "checks", o->checks);
	event_u64(e, "failed", o->failed);
	event_u64(e, "advice", o->advice);
	if (o->duration_ns)
		event_u64(e, "duration_ns", o->duration_ns);
	k->done[k->index] = o->verdict;
	tally_add(k->tally, o);
	return sink_event(k->r->sink, e);
}

/* The worker's event as the case's: its fields, after what only the runner may say. */
static struct json_object *adopt(const struct walk *k, struct json_object *from)
{
	struct json_object *e = case_event(k, event_type(from));

	if (!e)
		return NULL;
	json_object_object_foreach (from, key, value) {
		if (strcmp(key, "type") && strcmp(key, "case") && strcmp(key, "attempt"))
			json_object_object_add(e, key, json_object_get(value));
	}
	return e;
}

/* ---- one instance ---- */

struct hearing {
	struct walk *walk;
	struct witness witness;
	struct worker *worker;
	unsigned junk_notes;
};

static void hear(void *ctx, struct json_object *e, size_t junk)
{
	struct hearing *h = ctx;
	enum heard heard = e ? judge_hear(&h->witness, e) : HEARD_JUNK;

	if (heard == HEARD_EVENT)
		sink_event(h->walk->r->sink, adopt(h->walk, e));
	else if (heard == HEARD_JUNK && h->junk_notes++ == 16)
		note(h->walk, true, "worker wrote more that is no event; not told any longer");
	else if (heard == HEARD_JUNK && h->junk_notes <= 16 && e)
		note(h->walk, true, "worker sent an event of type %.40s, which it may not",
		     event_type(e));
	else if (heard == HEARD_JUNK && h->junk_notes <= 16)
		note(h->walk, true, "worker wrote %zu bytes that are no event", junk);
	if (h->walk->r->sink->journal->err)
		worker_kill(h->worker);
}

/* In the worker. One that stands outside of its wall does nothing. */
static void raise_wall(void *ctx)
{
	char error[WALL_ERROR];

	if (!wall_raise(ctx, error))
		return;
	fprintf(stderr, "%s\n", error);
	fflush(stderr);
	_exit(WALL_STATUS);
}

static int run_worker(struct walk *k, unsigned deadline_s, struct outcome *o,
		      struct witness *ret_seen)
{
	struct runner *r = k->r;
	struct instance instance = {
		.run = { .suite = item_of(k)->suite,
			 .c = item_of(k)->c,
			 .row = item_of(k)->row,
			 .target = r->bench->target,
			 .facts = r->facts,
			 .env = r->env,
			 .effort = r->effort,
			 .trace = r->trace,
			 .seed = r->seed + item_of(k)->attempt },
		.run_case = r->run_case,
		.prepare = r->wall ? raise_wall : NULL,
		.ctx = (void *)r->wall,
	};
	struct worker_job job = instance_job(&instance, deadline_s);
	struct worker w;
	struct hearing h = { .walk = k, .worker = &w };
	int err;

	job.patience_ns = r->patience_ns;
	job.out_fd = k->out_fd;
	job.err_fd = k->err_fd;
	err = worker_start(&w, &job);
	if (err) {
		outcome_set(o, BROKEN, "no worker: %s", strerror(-err));
		return 0;
	}
	worker_wait(&w, stop_fd(r->stop), hear, &h);
	judge_end(&h.witness, &w, deadline_s, o);
	*ret_seen = h.witness;
	k->stuck = w.stuck ? w.pid : 0;
	journal_logs_keep(r->sink->journal, (unsigned)k->index, item_of(k)->name, &k->out_fd,
			  &k->err_fd);
	return r->sink->journal->err;
}

/* ---- what is under the case ---- */

__attribute__((format(printf, 3, 4))) static void give_rest(struct walk *k, enum verdict v,
							    const char *fmt, ...)
{
	va_list ap;

	if (k->rest)
		return;
	k->rest = v;
	va_start(ap, fmt);
	vsnprintf(k->rest_why, sizeof(k->rest_why), fmt, ap);
	va_end(ap);
}

static bool engine_died(struct walk *k, struct stack_death *ret)
{
	struct bench *b = k->r->bench;

	*ret = (struct stack_death){ 0 };
	return b->alive && !b->alive(b, ret);
}

static void tell_death(struct walk *k, bool of_case, const struct stack_death *d)
{
	struct json_object *e = of_case ? case_event(k, "engine") : event_new("engine");
	char name[16];

	event_str(e, "text", d->text);
	if (d->signal)
		event_str(e, "signal", worker_signal_name(d->signal, name));
	else
		event_u64(e, "exit_status", (uint64_t)d->exit_status);
	event_str(e, "log", d->log_tail);
	sink_event(k->r->sink, e);
}

static void restart(struct walk *k)
{
	struct bench *b = k->r->bench;
	char error[BENCH_ERROR] = "";
	int err = b->restart ? b->restart(b, error) : -ENOSYS;
	struct json_object *e = event_new("stack");

	event_str(e, "state", err ? "failed" : "restarted");
	event_str(e, "target", b->target);
	if (err)
		event_str(e, "text", error);
	sink_event(k->r->sink, e);
	if (!err)
		return;
	k->tally->broke = true;
	give_rest(k, NOTRUN, "the stack did not come back: %s", error);
}

/* In front of what went before: the drive broke first, the worker's trouble followed. */
static void blame_engine(struct outcome *o, const char *text, const char *more)
{
	char before[sizeof(o->reason)];

	snprintf(before, sizeof(before), "%s", o->reason);
	outcome_set(o, FAIL, "%.300s%s%.200s%s%.400s", text, *more ? ": " : "", more,
		    before[0] ? "; seen by the case: " : "", before);
	o->error = NULL;
}

static void say_died(const struct stack_death *d, char *text, size_t size)
{
	char name[16];

	if (d->signal)
		snprintf(text, size, "engine died: %s", worker_signal_name(d->signal, name));
	else
		snprintf(text, size, "engine died: exit status %d", d->exit_status);
}

static bool wait_for_death(struct walk *k, struct stack_death *ret)
{
	for (int ms = 0; ms < DEATH_WAIT_MS; ms += 50) {
		if (engine_died(k, ret))
			return true;
		poll(NULL, 0, 50);
	}
	return false;
}

/*
 * After a case that went wrong: is there still something under the next one? Brings it back, or
 * gives the rest its verdict. The case itself fails when the engine is what went away.
 */
static void look_under(struct walk *k, struct outcome *o)
{
	struct bench *b = k->r->bench;
	struct stack_death death;
	char text[64], trouble[BENCH_ERROR] = "";
	enum health health = HEALTH_GOOD;
	bool wrong = o->verdict == FAIL || o->verdict == BROKEN;
	bool died = engine_died(k, &death);

	if (!died && wrong && b->health)
		health = b->health(b, trouble);
	if (!died && health == HEALTH_SILENT)
		died = b->alive && wait_for_death(k, &death);
	if (died) {
		tell_death(k, true, &death);
		say_died(&death, text, sizeof(text));
		blame_engine(o, text, "");
	} else if (health == HEALTH_SILENT && b->alive) {
		blame_engine(o, "engine stopped answering", trouble);
	}
	if (!died && health == HEALTH_GOOD)
		return;
	if (b->alive)
		restart(k);
	else
		give_rest(k, SKIP, "target: the device did not come back after %s: %s",
			  item_of(k)->name, trouble);
}

/* Between two cases nobody is to blame, but it is no good run any more. */
static void look_before(struct walk *k)
{
	struct stack_death death;

	if (!engine_died(k, &death))
		return;
	tell_death(k, false, &death);
	k->tally->broke = true;
	restart(k);
}

/*
 * A process that no signal ends sleeps in the kernel, for this device: whoever touches it next may
 * follow, so nobody does.
 */
static void leave_alone(struct walk *k)
{
	note(k, true, "worker %d did not end by SIGKILL: it sleeps in the kernel and is left there",
	     (int)k->stuck);
	k->tally->broke = true;
	k->tally->stuck = true;
	give_rest(k, NOTRUN, "the worker of %s (process %d) is stuck in the kernel",
		  item_of(k)->name, (int)k->stuck);
}

/* ---- the walk ---- */

/* Of a controller that did not answer the probe nothing is known, nor what it does not claim. */
static void doubt_na(const struct runner *r, struct outcome *o)
{
	char why[sizeof(o->reason)];

	if (o->verdict != NA || !r->facts || r->facts->alive)
		return;
	snprintf(why, sizeof(why), "%s", o->reason);
	outcome_set(o, SKIP,
		    "target: the controller did not answer the probe, so this is not settled: "
		    "%.700s",
		    why);
}

/* Does the profile know all that went wrong? Its word on the first, or NULL. */
static const char *knows_all(struct walk *k, const struct outcome *o, const struct witness *seen)
{
	struct runner *r = k->r;
	const char *name = item_of(k)->name, *first = NULL, *engine = o->reason;
	unsigned n = seen->failed < MISSES_KEPT ? seen->failed : MISSES_KEPT;

	if (!strncmp(engine, "engine ", 7) && !r->known(r->known_ctx, name, engine))
		return NULL;
	if (seen->failed > n && !r->known(r->known_ctx, name, "more than is looked at"))
		return NULL;
	for (unsigned i = 0; i < n; i++)
		if (!r->known(r->known_ctx, name, seen->miss[i]))
			return NULL;
	first = n ? seen->miss[0] : o->reason; /* a FAIL without a check: the engine's end */
	return r->known(r->known_ctx, name, first);
}

/* The rig's own trouble behind it, which no deviation explains but that the engine is away. */
static bool broke_too(const struct outcome *o)
{
	return o->crashed || (o->down && strncmp(o->reason, "engine ", 7));
}

static const char *apply_known(struct walk *k, struct outcome *o, const struct witness *seen)
{
	struct runner *r = k->r;
	const char *known = NULL;

	if (r->known && o->verdict == FAIL)
		known = knows_all(k, o, seen);
	else if (r->known && o->verdict == PASS)
		known = r->known(r->known_ctx, item_of(k)->name, NULL);
	if (!known)
		return NULL;
	if (o->verdict == FAIL && broke_too(o)) {
		o->verdict = BROKEN;
		o->error = o->crashed ? "died" : "timeout";
		return NULL;
	}
	if (o->verdict == FAIL)
		o->verdict = KNOWN;
	else
		note(k, true, "known deviation did not show: %.500s", known);
	return known;
}

/* Whatever the drive answered: a kernel that warns or worse over it is a finding. */
static const char *apply_kernel(struct walk *k, struct outcome *o, const char *known)
{
	struct runner *r = k->r;
	char line[KMSG_TEXT + 1], said[KMSG_TEXT + 16];
	const char *why = NULL;

	if (!r->kernel_log ||
	    !kernel_log_tell(r->kernel_log, item_of(k)->name, item_of(k)->attempt,
			     item_of(k)->c->shakes, line) ||
	    (o->verdict != PASS && o->verdict != KNOWN && o->verdict != NA && o->verdict != SKIP))
		return known;
	snprintf(said, sizeof(said), "kernel: %s", line);
	if (r->known)
		why = r->known(r->known_ctx, item_of(k)->name, said);
	outcome_set(o, why ? KNOWN : FAIL, "%s", said);
	o->error = NULL;
	return why;
}

/* Between two cases nobody is to blame, but it is no good run any more. */
static void hear_between(struct walk *k)
{
	char line[KMSG_TEXT + 1];

	if (k->r->kernel_log && kernel_log_tell(k->r->kernel_log, NULL, 0, false, line))
		k->tally->broke = true;
}

/* Is it still the drive that the guards let be harmed, and nobody's? */
static void may_begin(struct walk *k)
{
	struct runner *r = k->r;
	char why[500];

	if (!r->guard || item_of(k)->c->harm == HARM_NONE || !r->guard(r->guard_ctx, why, sizeof(why))) {
		k->harmed |= item_of(k)->c->harm > HARM_NONE;
		return;
	}
	if (k->harmed)
		k->tally->broke = true;
	else
		k->tally->refused = true;
	give_rest(k, NOTRUN, "%s", why);
}

static int run_one(struct walk *k)
{
	struct outcome o = { .verdict = VERDICT_NONE };
	struct witness seen = { .failed = 0 };
	struct runner *r = k->r;
	unsigned deadline_s =
		r->deadline_s ? r->deadline_s : instance_deadline_s(item_of(k)->c, r->effort);
	uint64_t start;
	const char *known;
	int err;

	hear_between(k);
	err = begin(k, deadline_s);

	if (err)
		return err;
	start = clock_mono_ns();
	err = run_worker(k, deadline_s, &o, &seen);
	o.duration_ns = clock_mono_ns() - start;
	if (err)
		return err;
	doubt_na(r, &o);
	k->tally->stopped |= o.verdict == NOTRUN;
	if (k->stuck)
		leave_alone(k);
	else if (o.verdict != NOTRUN)
		look_under(k, &o);
	if (r->after && !k->stuck && item_of(k)->c->harm > HARM_NONE)
		r->after(r->after_ctx, item_of(k)->name);
	known = apply_kernel(k, &o, apply_known(k, &o, &seen));
	if (r->fail_fast && (o.verdict == FAIL || o.verdict == BROKEN))
		give_rest(k, NOTRUN, "--fail-fast: %s was %s", item_of(k)->name,
			  verdict_name(o.verdict));
	return end(k, &o, known);
}

static int give(struct walk *k, enum verdict v, const char *error, const char *why)
{
	struct outcome o = { .error = error };

	outcome_set(&o, v, "%s", why);
	return end(k, &o, NULL);
}

static int take(struct walk *k)
{
	const struct plan_item *i = item_of(k);
	const struct outcome *before = k->r->before ? &k->r->before[k->index] : NULL;

	if (before && before->verdict == LOST && before->error) {
		journal_logs_keep(k->r->sink->journal, (unsigned)k->index, i->name, &k->out_fd,
				  &k->err_fd);
		return give(k, LOST, "lost", before->reason);
	}
	if (before && before->verdict) {
		k->done[k->index] = before->verdict;
		tally_add(k->tally, before);
		return 0;
	}
	if (i->action)
		return give(k, i->action, NULL, i->reason);
	if (!k->rest && stop_asked(k->r->stop)) {
		k->tally->stopped = true;
		give_rest(k, NOTRUN, "stopped by signal");
	}
	if (!k->rest)
		look_before(k);
	if (!k->rest)
		may_begin(k);
	if (k->rest)
		return give(k, k->rest, k->rest == NOTRUN ? "notrun" : NULL, k->rest_why);
	return run_one(k);
}

/* Repeated instances are planned round after round, so the same one stands at the same place. */
static void count_unstable(struct walk *k)
{
	const struct plan *p = k->r->plan;
	unsigned rounds = p->n ? p->item[p->n - 1].attempt : 0;
	size_t each = rounds ? p->n / rounds : 0;

	for (size_t i = 0; i < each; i++) {
		bool pass = false, fail = false;

		for (unsigned n = 0; n < rounds; n++) {
			pass |= k->done[n * each + i] == PASS;
			fail |= k->done[n * each + i] == FAIL;
		}
		k->tally->unstable += pass && fail;
	}
}

int runner_run(struct runner *r, struct tally *ret)
{
	struct walk k = { .r = r, .out_fd = -1, .err_fd = -1, .tally = ret };
	int err;

	k.done = calloc(r->plan->n + 1, sizeof(*k.done));
	if (!k.done)
		return -ENOMEM;
	err = journal_logs_open(r->sink->journal, &k.out_fd, &k.err_fd);
	for (k.index = 0; !err && k.index < r->plan->n; k.index++)
		err = take(&k);
	journal_logs_close(r->sink->journal, &k.out_fd, &k.err_fd);
	count_unstable(&k);
	free(k.done);
	return err;
}
