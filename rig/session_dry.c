// SPDX-License-Identifier: GPL-2.0-or-later
/* The plan without a run: what would run, what would not and why, and the harm of it. */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/tmp.h"
#include "event/event.h"
#include "rig/probe.h"
#include "rig/session.h"
#include "rig/session_guest.h"

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

static void print_item(const struct plan_item *i)
{
	if (i->action)
		printf("%-6s %s  %s\n", verdict_name(i->action), i->name, i->reason);
	else
		printf("run    %s  harm %s%s\n", i->name, harm_name(i->c->harm),
		       i->c->derived ? "  derived" : "");
}

static void print_item_json(const struct plan_item *i)
{
	struct json_object *e = event_new("plan");

	event_str(e, "case", i->name);
	if (i->attempt)
		event_u64(e, "attempt", i->attempt);
	event_str(e, "harm", harm_name(i->c->harm));
	if (i->c->derived)
		event_bool(e, "derived", true);
	event_str(e, "action", i->action ? verdict_name(i->action) : "run");
	event_str(e, "reason", i->reason);
	printf("%s\n", json_object_to_json_string_ext(e, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(e);
}

static int print_guards(struct session *s)
{
	int err = s->guard ? session_guard_ask(s->guard, &s->plan, NULL) : 0;

	if (s->guard)
		session_guard_print(s->guard, s->options->json);
	/* where nobody asked for harm, less is done */
	return s->guard && s->guard->said ? err : 0;
}

static int print_plan(struct session *s)
{
	struct run_options *o = s->options;
	struct plan_filter f;
	char error[GUARD_ERROR];
	int err = session_guard_open(s, error);

	if (err) {
		fprintf(stderr, "nvrig run: %s\n", error);
		return err;
	}

	if (!options_str(o, "allow"))
		event_str(o->asked, "allow", harm_name(harm_default(s->facts)));
	err = options_filter(o, &f);
	if (err)
		return err;
	err = plan_make(options_suites(s->options), &f, s->facts, &s->plan);
	for (size_t i = 0; !err && i < s->plan.n; i++)
		(o->json ? print_item_json : print_item)(&s->plan.item[i]);
	if (!err)
		fprintf(stderr, "%zu instances, %zu of them would run; harm up to %s is allowed\n",
			s->plan.n, s->plan.selected, options_str(o, "allow"));
	if (!err)
		err = print_guards(s);
	options_filter_free(&f);
	plan_free(&s->plan);
	session_guard_close(s->guard);
	s->guard = NULL;
	return err;
}

static int probe_and_print(struct session *s)
{
	char error[PROBE_ERROR];
	int err = probe_target(s->bench.target, PROBE_DEADLINE_S, &s->stop, s->facts, error);

	if (err)
		fprintf(stderr, "nvrig run: %s\n", error);
	else
		err = print_plan(s);
	switch (err) {
	case 0:
		return RIG_GOOD;
	case -EACCES:
		return s->facts->caps.cleared ? RIG_REFUSED : RIG_BROKE;
	case -EINTR:
		return RIG_STOPPED;
	case -EINVAL:
	case -EPROTONOSUPPORT:
		return s->stack ? RIG_BROKE : RIG_USAGE;
	default:
		return RIG_BROKE;
	}
}

static int on_stack(struct session *s)
{
	char dir[PATH_MAX], error[BENCH_ERROR];
	int status = RIG_BROKE, err = tmp_dir("dry", dir, sizeof(dir));

	if (err) {
		fprintf(stderr, "nvrig run: a temporary directory: %s\n", strerror(-err));
		return RIG_BROKE;
	}
	if (!strcmp(s->stack->kind, STACK_GUEST))
		status = session_guest_dry(s, dir);
	else if (bench_on_stack(&s->bench, s->stack, dir, &s->stop, error))
		fprintf(stderr, "nvrig run: %s\n", error);
	else
		status = probe_and_print(s);
	if (bench_close(&s->bench, error))
		fprintf(stderr, "nvrig run: %s\n", error);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}

int session_dry_run(struct session *s)
{
	int status = RIG_BROKE;

	s->facts = calloc(1, sizeof(*s->facts));
	if (!s->facts || stop_listen(&s->stop)) {
		fprintf(stderr, "nvrig run: %s\n", strerror(errno));
	} else if (s->stack) {
		status = on_stack(s);
	} else {
		bench_on_target(&s->bench, options_address(s->options), &s->stop);
		s->before = session_guard_before_hold(s->options, s->bench.target);
		status = probe_and_print(s);
		free(s->before);
	}
	stop_close(&s->stop);
	free(s->facts);
	s->facts = NULL;
	return status;
}
