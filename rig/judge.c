// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/judge.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"

/* Types that tell what the runner did: from a worker they would be lies. */
static const char *const runners_own[] = { "format",   "run_begin", "run_end", "case_begin",
					   "case_end", "plan",	    "fact",    "stack",
					   "engine",   "resume" };

static unsigned count_of(const struct json_object *e, const char *key)
{
	uint64_t v = event_get_u64(e, key);

	return v > 1000000000 ? 1000000000 : (unsigned)v;
}

static void keep_failed(char text[MISS_TEXT], const struct json_object *e)
{
	const char *got = event_get_str(e, "got"), *want = event_get_str(e, "want");
	const char *op = event_get_str(e, "op");
	bool equal = !strcmp(op, "==");

	if (*got || *want)
		snprintf(text, MISS_TEXT, "%.300s: got %.90s, want %.4s%s%.100s",
			 event_get_str(e, "what"), got, equal ? "" : op, equal ? "" : " ", want);
	else
		snprintf(text, MISS_TEXT, "%.500s", event_get_str(e, "what"));
}

static void hear_check(struct witness *w, const struct json_object *e)
{
	unsigned count = count_of(e, "count");

	w->checks += count ? count : 1;
	if (event_get_bool(e, "ok"))
		return;
	if (!strcmp(event_get_str(e, "level"), "should"))
		w->advice++;
	else if (w->failed++ < MISSES_KEPT)
		keep_failed(w->miss[w->failed - 1], e);
}

static enum heard hear_verdict(struct witness *w, const struct json_object *e)
{
	enum verdict v = verdict_find(event_get_str(e, "verdict"));
	const char *reason = event_get_str(e, "reason"), *code = event_get_str(e, "code");

	if (w->said || (v != PASS && v != FAIL && v != NA && v != SKIP && v != BROKEN))
		return HEARD_JUNK;
	w->said = v;
	snprintf(w->reason, sizeof(w->reason), "%.24s%s%.480s", code, *code ? ": " : "", reason);
	w->said_checks = count_of(e, "checks");
	w->said_failed = count_of(e, "failed");
	w->said_advice = count_of(e, "advice");
	return HEARD_VERDICT;
}

enum heard judge_hear(struct witness *w, const struct json_object *e)
{
	const char *type = event_type(e);

	if (!strcmp(type, "verdict"))
		return hear_verdict(w, e);
	for (size_t i = 0; i < ARRAY_SIZE(runners_own); i++)
		if (!strcmp(type, runners_own[i]))
			return HEARD_JUNK;
	if (!strcmp(type, "check"))
		hear_check(w, e);
	return HEARD_EVENT;
}

/* ---- the end ---- */

/* What was wrong with the worker, not with the drive; empty when nothing was. */
static const char *trouble(const struct witness *w, const struct worker *end, unsigned deadline_s,
			   char *text, size_t size)
{
	char after[64], name[16];

	if (w->said)
		snprintf(after, sizeof(after), "after its verdict %s", verdict_name(w->said));
	else
		snprintf(after, sizeof(after), "after check %u", w->checks);
	text[0] = 0;
	switch (end->end) {
	case WORKER_DIED:
		snprintf(text, size, "worker died: %s %s", worker_signal_name(end->signal, name),
			 after);
		return "died";
	case WORKER_LATE:
		snprintf(text, size, "deadline: %u s%s%s", deadline_s, w->said ? ", " : "",
			 w->said ? after : "");
		return "timeout";
	case WORKER_FLOOD:
		snprintf(text, size, "worker wrote more than %llu MiB", WORKER_BYTES_MAX >> 20);
		return "died";
	case WORKER_KILLED:
		snprintf(text, size, "stopped by signal");
		return "notrun";
	default:
		break;
	}
	if (end->status)
		snprintf(text, size, "worker died: exit status %d %s", end->status, after);
	else if (!w->said)
		snprintf(text, size, "worker ended without a verdict %s", after);
	return text[0] ? "died" : NULL;
}

static unsigned most(unsigned a, unsigned b)
{
	return a > b ? a : b;
}

void judge_end(const struct witness *w, const struct worker *end, unsigned deadline_s,
	       struct outcome *ret)
{
	const char *first = w->said == FAIL && w->reason[0] ? w->reason : w->miss[0];
	char text[128];

	ret->error = trouble(w, end, deadline_s, text, sizeof(text));
	ret->down = ret->error && end->end != WORKER_KILLED;
	ret->crashed = ret->error && !strcmp(ret->error, "died");
	ret->checks = most(w->checks, w->said_checks);
	ret->failed = most(w->failed, w->said_failed);
	ret->advice = most(w->advice, w->said_advice);
	if (end->stuck)
		strncat(text, ", then stuck in the kernel", sizeof(text) - strlen(text) - 1);
	if (ret->failed || w->said == FAIL) {
		outcome_set(ret, FAIL, "%s%s%s", *first ? first : "a check failed",
			    text[0] ? "; then " : "", text);
		ret->error = NULL;
	} else if (text[0]) {
		outcome_set(ret, end->end == WORKER_KILLED ? NOTRUN : BROKEN, "%s", text);
	} else if (w->said == PASS && !ret->checks) {
		outcome_set(ret, BROKEN, "no check ran");
	} else {
		outcome_set(ret, w->said, "%s", w->reason);
	}
}
