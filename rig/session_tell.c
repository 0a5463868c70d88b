// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/session_tell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"

/* ---- the plan ---- */

static struct json_object *plan_event(const struct plan_item *i)
{
	struct json_object *e = event_new("plan");
	const struct rig_case *c = i->c;

	event_str(e, "case", i->name);
	if (i->attempt)
		event_u64(e, "attempt", i->attempt);
	event_str(e, "area", i->suite->area);
	event_str(e, "id", c->id);
	event_str(e, "row", row_name(c, i->row));
	event_str(e, "kind", kind_name(i->suite->kind));
	event_str(e, "rule", c->rule);
	event_str(e, "ref", c->ref);
	event_str(e, "level", level_name(c->level));
	event_str(e, "harm", harm_name(c->harm));
	if (c->derived)
		event_bool(e, "derived", true);
	event_str(e, "action", i->action ? verdict_name(i->action) : "run");
	event_str(e, "reason", i->reason);
	return e;
}

int tell_plan_file(struct session *s)
{
	FILE *f = journal_file(&s->journal, "plan.jsonl");
	int err = 0;

	if (!f)
		return -errno;
	for (size_t i = 0; !err && i < s->plan.n; i++) {
		struct json_object *e = plan_event(&s->plan.item[i]);

		if (fprintf(f, "%s\n",
			    json_object_to_json_string_ext(
				    e, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)) <
		    0)
			err = -errno;
		json_object_put(e);
	}
	if (!err && (fflush(f) || fsync(fileno(f))))
		err = -errno;
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

int tell_plan(struct session *s, size_t first)
{
	int err = 0;

	for (size_t i = first; !err && i < s->plan.n; i++)
		err = sink_event(&s->sink, plan_event(&s->plan.item[i]));
	return err;
}

/* ---- the run ---- */

/* Identify's strings are blank-padded, not ended. */
static void add_trimmed(struct json_object *e, const char *key, const char *from, size_t n)
{
	while (n && (from[n - 1] == ' ' || !from[n - 1]))
		n--;
	while (n && *from == ' ') {
		from++;
		n--;
	}
	if (n)
		event_strf(e, key, "%.*s", (int)n, from);
}

static void add_drive(struct json_object *e, const struct facts *f)
{
	if (!f->alive)
		return;
	add_trimmed(e, "model", f->id.mn, sizeof(f->id.mn));
	add_trimmed(e, "serial", f->id.sn, sizeof(f->id.sn));
	add_trimmed(e, "firmware", f->id.fr, sizeof(f->id.fr));
}

static struct json_object *run_begin(struct session *s)
{
	struct json_object *e = event_new("run_begin");
	const struct run_options *o = s->options;
	const char *engine = s->bench.engine ? s->bench.engine : s->facts->caps.engine;
	struct utsname u;

	event_str(e, "run", s->journal.id);
	event_str(e, "version", NVRIG_VERSION);
	if (!uname(&u))
		event_str(e, "host", u.nodename);
	event_str(e, "target", s->bench.target ? s->bench.target : options_str(o, "target"));
	event_str(e, "stack", options_str(o, "stack"));
	if (*engine)
		event_str(e, "engine", engine);
	if (s->profile)
		event_str(e, "profile", s->profile->name);
	add_drive(e, s->facts);
	event_str(e, "effort", options_str(o, "effort"));
	event_str(e, "allow", options_str(o, "allow"));
	event_u64(e, "seed", options_u64(o, "seed"));
	event_u64(e, "cases", s->plan.n);
	event_u64(e, "selected", s->plan.selected);
	if (options_u64(o, "repeat") > 1)
		event_u64(e, "repeat", options_u64(o, "repeat"));
	return e;
}

static void tell_fact(void *ctx, const char *name, const char *value, const char *note)
{
	struct session *s = ctx;
	struct json_object *e = event_new("fact");

	event_str(e, "name", name);
	event_str(e, "value", value);
	if (note && *note)
		event_str(e, "note", note);
	sink_event(&s->sink, e);
}

int tell_note(struct session *s, const char *text)
{
	struct json_object *e = event_new("note");

	event_str(e, "from", "runner");
	event_str(e, "text", text);
	return sink_event(&s->sink, e);
}

static int tell_trouble(struct session *s)
{
	char text[sizeof(s->facts->trouble) + 64];

	if (s->facts->alive || !s->facts->trouble[0])
		return 0;
	snprintf(text, sizeof(text), "the probe found no live controller: %s", s->facts->trouble);
	return tell_note(s, text);
}

int tell_begin(struct session *s)
{
	int err = sink_event(&s->sink, run_begin(s));

	if (err || !s->bench.target)
		return err;
	facts_each(s->facts, tell_fact, s);
	err = tell_trouble(s);
	return err ? err : tell_plan(s, 0);
}

int tell_resume(struct session *s)
{
	struct json_object *e = event_new("resume");

	event_str(e, "version", NVRIG_VERSION);
	event_str(e, "lost", resume_lost(&s->resume, &s->plan));
	if (s->cut_bytes)
		event_u64(e, "cut_bytes", s->cut_bytes);
	return sink_event(&s->sink, e);
}

int tell_stack(struct session *s, const char *state, const char *text)
{
	struct json_object *e = event_new("stack");

	event_str(e, "state", state);
	event_str(e, "name", s->stack->name);
	event_str(e, "engine", s->bench.engine);
	event_str(e, "target", s->bench.target);
	event_str(e, "text", text);
	return sink_event(&s->sink, e);
}

int tell_end(struct session *s, const char *reason, int status)
{
	struct json_object *e = event_new("run_end");
	const struct tally *t = &s->tally;

	for (enum verdict v = PASS; v < VERDICTS; v++)
		event_u64(e, verdict_field(v), t->count[v]);
	event_u64(e, "unstable", t->unstable);
	event_u64(e, "advice", t->advised);
	event_u64(e, "duration_ns", clock_mono_ns() - s->start_ns);
	event_u64(e, "exit_status", (uint64_t)status);
	event_str(e, "reason", reason);
	return sink_event_sync(&s->sink, e);
}
