// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"

#define INSTANCES_MAX 1000000u /* more than any plan has: the journal is somebody's joke */

static struct outcome *entry(struct resume *r, uint64_t index)
{
	struct outcome *grown;
	size_t n;

	if (index >= INSTANCES_MAX)
		return NULL;
	if (index < r->n)
		return &r->before[index];
	n = (size_t)index + 1 > 2 * r->n ? (size_t)index + 1 : 2 * r->n;
	grown = realloc(r->before, n * sizeof(*grown));
	if (!grown) {
		r->err = -ENOMEM;
		return NULL;
	}
	memset(grown + r->n, 0, (n - r->n) * sizeof(*grown));
	r->before = grown;
	r->n = n;
	return &r->before[index];
}

static void take_end(struct outcome *o, const struct json_object *e)
{
	enum verdict v = verdict_find(event_get_str(e, "verdict"));

	*o = (struct outcome){ .verdict = VERDICT_NONE };
	if (v == NOTRUN)
		return;
	outcome_set(o, v, "%s", event_get_str(e, "reason"));
	o->checks = (unsigned)event_get_u64(e, "checks");
	o->failed = (unsigned)event_get_u64(e, "failed");
	o->advice = (unsigned)event_get_u64(e, "advice");
	o->duration_ns = event_get_u64(e, "duration_ns");
}

void resume_event(struct resume *r, const struct json_object *e)
{
	const char *type = event_type(e);
	struct outcome *o;

	r->ended = !strcmp(type, "run_end");
	if (!strcmp(type, "run_begin")) {
		r->began = true;
		r->cases = event_get_u64(e, "cases");
	} else if (!strcmp(type, "plan")) {
		r->planned++;
	}
	if (strcmp(type, "case_begin") && strcmp(type, "case_end"))
		return;
	o = entry(r, event_get_u64(e, "index"));
	if (!o)
		return;
	if (!strcmp(type, "case_end")) {
		take_end(o, e);
		return;
	}
	outcome_set(o, LOST, "the run was cut in this case: its journal has no end of it");
	o->error = "lost";
}

/* ---- the plan ---- */

static int same(struct plan_item *i, const struct json_object *then)
{
	enum verdict action = verdict_find(event_get_str(then, "action"));
	char *reason;

	if (strcmp(i->name, event_get_str(then, "case")) ||
	    i->attempt != event_get_u64(then, "attempt"))
		return -ESTALE;
	reason = action ? strdup(event_get_str(then, "reason")) : NULL;
	if (action && !reason)
		return -ENOMEM;
	free(i->reason);
	i->reason = reason;
	i->action = action;
	return 0;
}

static int compare(FILE *f, struct plan *plan)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0, i = 0;
	ssize_t n;
	int err = 0;

	plan->selected = 0;
	while (!err && (n = getline(&text, &size, f)) > 0) {
		struct json_object *then = event_decode(text, (size_t)n - (text[n - 1] == '\n'));

		err = then && i < plan->n ? same(&plan->item[i], then) : -ESTALE;
		if (!err && !plan->item[i++].action)
			plan->selected++;
		json_object_put(then);
	}
	return !err && i < plan->n ? -ESTALE : err;
}

int resume_plan(struct resume *r, struct journal *j, struct plan *plan,
		char ret_error[JOURNAL_ERROR])
{
	int fd = openat(j->dir_fd, "plan.jsonl", O_RDONLY | O_CLOEXEC), err;
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f || !r->began) {
		snprintf(ret_error, JOURNAL_ERROR,
			 "%.300s: the run was cut before its plan was made; begin a new one",
			 j->dir);
		return -ENOENT;
	}
	err = compare(f, plan);
	if (err == -ESTALE)
		snprintf(ret_error, JOURNAL_ERROR,
			 "%.300s: its plan has other cases than this nvrig; begin a new run",
			 j->dir);
	if (!err && plan->n)
		entry(r, plan->n - 1);
	if (!err && r->err) {
		snprintf(ret_error, JOURNAL_ERROR, "out of memory");
		err = r->err;
	}
	return err;
}

const char *resume_lost(const struct resume *r, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n; i++)
		if (r->before[i].verdict == LOST && r->before[i].error)
			return plan->item[i].name;
	return NULL;
}

bool resume_complete(const struct resume *r)
{
	if (!r->ended || r->n < r->cases)
		return false;
	for (size_t i = 0; i < r->cases; i++)
		if (!r->before[i].verdict || r->before[i].error)
			return false;
	return true;
}

void resume_free(struct resume *r)
{
	free(r->before);
	*r = (struct resume){ 0 };
}
