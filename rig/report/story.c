// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/report/story.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/fold.h"

#define PLAN_KEY 512

const char *const report_verdicts[V_COUNT] = {
	[V_PASS] = "PASS", [V_FAIL] = "FAIL",	  [V_KNOWN] = "KNOWN",
	[V_NA] = "N/A",	   [V_SKIP] = "SKIP",	  [V_BROKEN] = "BROKEN",
	[V_LOST] = "LOST", [V_NOTRUN] = "NOTRUN", [V_UNSTABLE] = "UNSTABLE",
};

bool report_is_red(enum report_verdict v)
{
	return v == V_FAIL || v == V_BROKEN || v == V_LOST || v == V_NOTRUN || v == V_UNSTABLE;
}

bool report_is_skipped(enum report_verdict v)
{
	return v == V_NA || v == V_SKIP;
}

/* A word that is no verdict is the rig's trouble; it is never taken for good. */
static enum report_verdict verdict_of(const struct json_object *end)
{
	const char *word = event_get_str(end, "verdict");

	for (int v = 0; v < V_COUNT; v++)
		if (!strcmp(word, report_verdicts[v]))
			return (enum report_verdict)v;
	return V_BROKEN;
}

/* json-c counts references in the object, which the callers hold as const. */
static struct json_object *hold(const struct json_object *e)
{
	return json_object_get((struct json_object *)(uintptr_t)e);
}

static const char *first_str(const char *a, const char *b)
{
	return *a ? a : b;
}

static const char *get(const struct json_object *e, const char *key)
{
	return e ? event_get_str(e, key) : "";
}

const char *tale_name(const struct tale *o)
{
	return first_str(get(o->end, "case"), get(o->begin, "case"));
}

const char *tale_reason(const struct tale *o)
{
	if (!o->end)
		return "the journal ends in this case";
	if (o->verdict == V_BROKEN && !*get(o->end, "reason") &&
	    strcmp(get(o->end, "verdict"), "BROKEN"))
		return "the journal gives no verdict that this report knows";
	return get(o->end, "reason");
}

/* A sentence, or an object that gives a reference before it. */
const char *tale_known(const struct tale *o)
{
	struct json_object *known = NULL;

	if (!o->end || !json_object_object_get_ex(o->end, "known", &known))
		return "";
	if (json_object_is_type(known, json_type_object))
		return first_str(get(known, "ref"), get(known, "reason"));
	return get(o->end, "known");
}

const char *tale_skip_code(const struct tale *o)
{
	static const char *const codes[] = { "target", "needs",	 "permission", "harm",
					     "bench",  "busy",	 "tool",       "kernel",
					     "budget", "window", "emulated" };
	const char *reason = tale_reason(o);

	for (size_t i = 0; i < ARRAY_SIZE(codes); i++) {
		size_t len = strlen(codes[i]);

		if (!strncmp(reason, codes[i], len) && reason[len] == ':')
			return codes[i];
	}
	return "other";
}

const char *tale_unstable(const struct tale *o, char *buf, size_t len)
{
	*buf = 0;
	if (o->verdict == V_UNSTABLE && o->tries)
		snprintf(buf, len, "%u of %u", o->failures, o->tries);
	return buf;
}

uint64_t tale_attempt(const struct tale *o)
{
	return o->tries ? 0 : event_get_u64(o->end ? o->end : o->begin, "attempt");
}

uint64_t tale_deadline_s(const struct tale *o)
{
	return o->begin ? event_get_u64(o->begin, "deadline_s") : 0;
}

uint64_t tale_duration_ns(const struct tale *o)
{
	if (o->tries)
		return o->tries_ns;
	return o->end ? event_get_u64(o->end, "duration_ns") : 0;
}

size_t tale_suite_len(const struct tale *o)
{
	const char *name = tale_name(o), *dot = strchr(name, '.');

	return dot ? (size_t)(dot - name) : 0;
}

/* ---- evidence ---- */

bool check_failed(const struct json_object *e)
{
	return !strcmp(event_type(e), "check") && !event_get_bool(e, "ok");
}

bool check_is_advice(const struct json_object *e)
{
	return !strcmp(event_get_str(e, "level"), "should");
}

const char *check_text_line(const struct json_object *e, char *buf, size_t len)
{
	const char *got = event_get_str(e, "got"), *want = event_get_str(e, "want");
	const char *op = event_get_str(e, "op"), *file = event_get_str(e, "file");
	const char *slash = strrchr(file, '/');
	uint64_t count = event_get_u64(e, "count");
	char times[32] = "", site[128] = "";

	if (count > 1)
		snprintf(times, sizeof(times), " (%llu times)", (unsigned long long)count);
	if (*file)
		snprintf(site, sizeof(site), " [%.80s:%llu]", slash ? slash + 1 : file,
			 (unsigned long long)event_get_u64(e, "line"));
	if (!strcmp(op, "==")) /* goes without saying */
		op = "";
	if (*got || *want)
		snprintf(buf, len, "%s: got %s, want %s%s%s%s%s", event_get_str(e, "what"), got, op,
			 *op ? " " : "", want, times, site);
	else
		snprintf(buf, len, "%s%s%s", event_get_str(e, "what"), times, site);
	return buf;
}

/* A number as the journal has it: no format of ours comes between. */
static const char *number_text(const struct json_object *e, const char *key)
{
	struct json_object *m = NULL;

	if (!json_object_object_get_ex(e, key, &m) ||
	    (!json_object_is_type(m, json_type_double) && !json_object_is_type(m, json_type_int)))
		return "?";
	return json_object_to_json_string_ext(m, JSON_C_TO_STRING_PLAIN);
}

const char *told_log(const struct json_object *e)
{
	return strcmp(event_type(e), "engine") ? "" : event_get_str(e, "log");
}

const char *told_line(const struct json_object *e, char *buf, size_t len)
{
	const char *type = event_type(e);

	if (!strcmp(type, "check"))
		return check_text_line(e, buf, len);
	if (!strcmp(type, "sample"))
		snprintf(buf, len, "%s = %s %s", event_get_str(e, "metric"),
			 number_text(e, "value"), event_get_str(e, "unit"));
	else
		snprintf(buf, len, "%s", event_get_str(e, "text"));
	return buf;
}

/* ---- tales ---- */

void tale_clear(struct tale *o)
{
	json_object_put(o->begin);
	json_object_put(o->end);
	json_object_put(o->told);
	json_object_put(o->failed);
	memset(o, 0, sizeof(*o));
}

void tale_copy(struct tale *ret, const struct tale *o)
{
	*ret = *o;
	json_object_get(o->begin);
	json_object_get(o->end);
	json_object_get(o->told);
	json_object_get(o->failed);
}

static void tale_tell(struct tale *o, const struct json_object *e)
{
	if (json_object_array_length(o->told) >= TOLD_MAX)
		o->dropped++;
	else
		json_object_array_add(o->told, hold(e));
}

static const char *plan_key(const struct json_object *e, char *buf, size_t len)
{
	snprintf(buf, len, "%s#%llu", get(e, "case"),
		 e ? (unsigned long long)event_get_u64(e, "attempt") : 0);
	return buf;
}

static void deliver(struct story *s, const struct tale *o)
{
	s->count[o->verdict]++;
	s->derived[o->verdict] += o->derived;
	s->ended(s->ctx, o);
}

/* One attempt of a repeated case: the case is told with its last one. */
static void fold(struct story *s, const struct tale *o)
{
	struct tale all;
	int done;

	if (s->tried)
		s->tried(s->ctx, o);
	if (!s->folds)
		s->folds = calloc(1, sizeof(*s->folds));
	done = s->folds ? folds_add(s->folds, o, event_get_u64(s->run, "repeat"), &all) : -ENOMEM;
	if (done < 0)
		s->error = done;
	if (done <= 0)
		return;
	deliver(s, &all);
	tale_clear(&all);
}

/* What the plan says of a case that ends; its entry there is used up. */
static bool take_planned(struct story *s, const struct json_object *e)
{
	struct json_object *plan = NULL;
	char key[PLAN_KEY];
	bool derived;

	if (!s->planned ||
	    !json_object_object_get_ex(s->planned, plan_key(e, key, sizeof(key)), &plan))
		return false;
	derived = event_get_bool(plan, "derived");
	json_object_object_del(s->planned, key);
	return derived;
}

static void end_open(struct story *s, const struct json_object *end)
{
	struct tale *o = s->open;

	o->derived =
		take_planned(s, end ? end : o->begin) || (end && event_get_bool(end, "derived"));
	o->end = end ? hold(end) : NULL;
	o->verdict = end ? verdict_of(end) : V_LOST;
	o->timeout = o->verdict == V_BROKEN && !strcmp(get(end, "error"), "timeout");
	if (tale_attempt(o) && s->run)
		fold(s, o);
	else
		deliver(s, o);
	tale_clear(o);
	free(o);
	s->open = NULL;
}

static bool open_case(struct story *s, const struct json_object *begin)
{
	struct tale *o;

	if (s->open)
		end_open(s, NULL);
	o = calloc(1, sizeof(*o));
	if (!o || !(o->told = json_object_new_array())) {
		free(o);
		s->error = -ENOMEM;
		return false;
	}
	o->begin = begin ? hold(begin) : NULL;
	o->begun = begin != NULL;
	s->open = o;
	return true;
}

static void on_case_begin(struct story *s, const struct json_object *e)
{
	if (open_case(s, e))
		s->begun++;
}

/* The end of another case than the open one: the open one is lost, this one's beginning is. */
static void on_case_end(struct story *s, const struct json_object *e)
{
	if (s->open && strcmp(get(s->open->begin, "case"), get(e, "case")))
		end_open(s, NULL);
	if (s->open || open_case(s, NULL))
		end_open(s, e);
}

static void on_plan(struct story *s, const struct json_object *e)
{
	char key[PLAN_KEY];

	if (!s->planned)
		s->planned = json_object_new_object();
	if (!*get(e, "case") ||
	    json_object_object_add(s->planned, plan_key(e, key, sizeof(key)), hold(e)))
		s->error = s->planned ? s->error : -ENOMEM;
}

static bool is_told(const char *type)
{
	static const char *const types[] = { "check", "note", "sample", "engine" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

/* Held checks are counted in case_end and not kept. */
static void on_told(struct story *s, const struct json_object *e)
{
	if (!s->open || strcmp(get(s->open->begin, "case"), get(e, "case")))
		return;
	if (strcmp(event_type(e), "check") || check_failed(e))
		tale_tell(s->open, e);
}

static void keep(struct json_object **slot, const struct json_object *e)
{
	json_object_put(*slot);
	*slot = hold(e);
}

void story_event(struct story *s, const struct json_object *e)
{
	const char *type = event_type(e);
	uint64_t now = event_get_u64(e, "mono_ns");

	if (now > s->last_ns)
		s->last_ns = now;
	if (!strcmp(type, "run_begin"))
		keep(&s->run, e);
	else if (!strcmp(type, "run_end"))
		keep(&s->end, e);
	else if (!strcmp(type, "plan"))
		on_plan(s, e);
	else if (!strcmp(type, "case_begin"))
		on_case_begin(s, e);
	else if (!strcmp(type, "case_end"))
		on_case_end(s, e);
	else if (is_told(type))
		on_told(s, e);
}

/* The end that the runner had no time to write. */
static struct json_object *not_reached(const struct json_object *plan)
{
	struct json_object *end = event_new("case_end");

	event_str(end, "case", get(plan, "case"));
	event_str(end, "verdict", report_verdicts[V_NOTRUN]);
	event_str(end, "reason", "the journal ends before it");
	if (event_get_u64(plan, "attempt"))
		event_u64(end, "attempt", event_get_u64(plan, "attempt"));
	if (event_get_bool(plan, "derived"))
		event_bool(end, "derived", true);
	return end;
}

static void end_planned(struct story *s)
{
	struct json_object *left = s->planned;

	s->planned = NULL;
	if (!left)
		return;
	json_object_object_foreach (left, key, plan) {
		struct json_object *end = not_reached(plan);

		(void)key;
		if (end)
			on_case_end(s, end);
		else
			s->error = -ENOMEM;
		json_object_put(end);
	}
	json_object_put(left);
}

void story_finish(struct story *s)
{
	struct tale all;

	if (s->open)
		end_open(s, NULL);
	end_planned(s);
	while (s->folds && folds_take(s->folds, &all)) {
		deliver(s, &all);
		tale_clear(&all);
	}
}

void story_free(struct story *s)
{
	json_object_put(s->run);
	json_object_put(s->end);
	json_object_put(s->planned);
	s->run = s->end = s->planned = NULL;
	if (s->folds)
		folds_free(s->folds);
	free(s->folds);
	s->folds = NULL;
}

const char *story_fact(const struct story *s, const char *key)
{
	return get(s->run, key);
}

static uint64_t tally_of(const struct story *s, bool derived, int v)
{
	return derived ? s->derived[v] : s->count[v] - s->derived[v];
}

const char *story_tally(const struct story *s, bool derived, char *buf, size_t len)
{
	uint64_t n = 0, n_derived = 0;
	const char *between = ": ";
	size_t used;

	*buf = 0;
	for (int v = 0; v < V_COUNT; v++) {
		n += tally_of(s, derived, v);
		n_derived += s->derived[v];
	}
	if (!n_derived)
		return buf;
	used = (size_t)snprintf(buf, len, "%s %llu", derived ? "derived" : "by hand",
				(unsigned long long)n);
	for (int v = 0; v < V_COUNT && used < len; v++) {
		if (!tally_of(s, derived, v))
			continue;
		used += (size_t)snprintf(buf + used, len - used, "%s%llu %s", between,
					 (unsigned long long)tally_of(s, derived, v),
					 report_verdicts[v]);
		between = ", ";
	}
	return buf;
}

/* ---- lists ---- */

int tale_list_add(struct tale_list *l, const struct tale *o)
{
	struct tale *grown;

	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 64;

		grown = reallocarray(l->all, cap, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		l->all = grown;
		l->cap = cap;
	}
	tale_copy(&l->all[l->n++], o);
	return 0;
}

void tale_list_free(struct tale_list *l)
{
	for (size_t i = 0; i < l->n; i++)
		tale_clear(&l->all[i]);
	free(l->all);
	memset(l, 0, sizeof(*l));
}
