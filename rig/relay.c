// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/plan.h"
#include "stack/console.h"
#include "stack/guest.h"

#define NOTES_MAX   16
#define PLANNED_MAX 1000000

int relay_init(struct relay *r, struct session *s)
{
	*r = (struct relay){ .s = s, .planned = json_object_new_object() };
	return r->planned ? 0 : -ENOMEM;
}

void relay_free(struct relay *r)
{
	if (r->plan)
		fclose(r->plan);
	json_object_put(r->planned);
	*r = (struct relay){ .s = NULL };
}

static const char *key_of(const struct json_object *e, char *key, size_t size)
{
	snprintf(key, size, "%.400s#%llu", event_get_str(e, "case"),
		 (unsigned long long)event_get_u64(e, "attempt"));
	return key;
}

/* ---- a run that goes on ---- */

static void take_planned(struct relay *r, const struct json_object *then, size_t place)
{
	const struct resume *before = &r->s->resume;
	const struct outcome *o = place < before->n ? &before->before[place] : NULL;
	char key[512];

	if (o && o->verdict && !(o->verdict == LOST && o->error)) {
		tally_add(&r->s->tally, o);
		return;
	}
	json_object_object_add(r->planned, key_of(then, key, sizeof(key)),
			       json_object_new_int64((int64_t)place));
}

int relay_resume(struct relay *r, char *error)
{
	int fd = openat(r->s->journal.dir_fd, "plan.jsonl", O_RDONLY | O_CLOEXEC);
	_cleanup_fclose_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	_cleanup_free_ char *text = NULL;
	size_t size = 0, place = 0;
	ssize_t n;

	while (f && place < PLANNED_MAX && (n = getline(&text, &size, f)) > 0) {
		struct json_object *then = event_decode(text, (size_t)n - (text[n - 1] == '\n'));

		if (then)
			take_planned(r, then, place++);
		json_object_put(then);
	}
	if (!r->s->resume.began || place < r->s->resume.cases) {
		snprintf(error, JOURNAL_ERROR,
			 "%.300s: the run was cut before its plan was made; begin a new one",
			 r->s->journal.dir);
		return -ENOENT;
	}
	r->begun = r->told_plan = true;
	return 0;
}

void relay_go_on(struct relay *r)
{
	r->goes_on = true;
	r->ended = false;
}

/* ---- saying something ourselves ---- */

static struct json_object *case_event(const struct relay *r, const char *type)
{
	struct json_object *e = event_new(type);

	event_str(e, "case", r->open);
	if (r->attempt)
		event_u64(e, "attempt", r->attempt);
	return e;
}

static void note(struct relay *r, const char *from, const char *text)
{
	struct json_object *e = r->open[0] ? case_event(r, "note") : event_new("note");

	event_str(e, "from", from);
	event_str(e, "text", text);
	sink_event(&r->s->sink, e);
}

void relay_noise(void *ctx, size_t bytes)
{
	struct relay *r = ctx;
	char text[120];

	r->noise_bytes += bytes;
	if (r->noises++ > NOTES_MAX)
		return;
	snprintf(text, sizeof(text), "the guest sent %zu bytes that are no event of a run%s", bytes,
		 r->noises > NOTES_MAX ? "; not told any longer" : "");
	note(r, "runner", text);
}

/* Was that line told already? If not, it is from now on. */
static bool is_told(struct relay *r, const char *line)
{
	char cut[CONSOLE_LINE];

	snprintf(cut, sizeof(cut), "%s", line); /* as the console keeps it */
	for (unsigned i = 0; i < RELAY_TOLD && i < r->n_told; i++)
		if (!strcmp(r->told[i], cut))
			return true;
	memcpy(r->told[r->n_told++ % RELAY_TOLD], cut, sizeof(cut));
	return false;
}

void relay_finding(void *ctx, const char *line)
{
	struct relay *r = ctx;

	if (is_told(r, line))
		return;
	if (r->shaken && console_judge(line) == CONSOLE_DRIVER) {
		if (r->shakes++ < NOTES_MAX)
			note(r, "guest kernel", line);
		return;
	}
	if (!r->findings++)
		snprintf(r->finding, sizeof(r->finding), "%s", line);
	if (r->findings <= NOTES_MAX)
		note(r, "guest kernel", line);
	/* between two cases nobody is to blame, but it is no good run any more */
	if (r->begun && !r->open[0])
		r->s->tally.broke = true;
}

/* ---- the run ---- */

static void noise(struct relay *r, const struct json_object *e)
{
	relay_noise(r, strlen(json_object_to_json_string((struct json_object *)e)));
}

/* What it says of itself, but for what only we know. */
static void take_begin(struct relay *r, struct json_object *e)
{
	struct session *s = r->s;
	struct utsname u;

	if (r->begun) {
		noise(r, e);
		return;
	}
	r->begun = true;
	r->findings = 0;
	event_str(e, "run", s->journal.id);
	event_str(e, "stack", s->stack->name);
	if (!uname(&u))
		event_str(e, "host", u.nodename);
	if (!*event_get_str(e, "engine"))
		event_str(e, "engine", s->bench.engine);
	sink_event(&s->sink, json_object_get(e));
}

static void write_plan(struct relay *r, const struct json_object *e)
{
	struct json_object *copy = NULL;

	if (!r->plan)
		r->plan = journal_file(&r->s->journal, "plan.jsonl");
	if (!r->plan || json_object_deep_copy((struct json_object *)e, &copy, NULL))
		return;
	json_object_object_del(copy, "seq");
	json_object_object_del(copy, "t");
	json_object_object_del(copy, "mono_ns");
	fprintf(r->plan, "%s\n",
		json_object_to_json_string_ext(copy, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(copy);
}

static void take_plan(struct relay *r, struct json_object *e)
{
	int place = json_object_object_length(r->planned);
	char key[512];

	key_of(e, key, sizeof(key));
	if (!r->begun || r->told_plan || *key == '#' || place >= PLANNED_MAX ||
	    json_object_object_get_ex(r->planned, key, NULL)) {
		noise(r, e);
		return;
	}
	json_object_object_add(r->planned, key, json_object_new_int(place));
	write_plan(r, e);
	sink_event(&r->s->sink, json_object_get(e));
}

/* The plan is whole, and on the disk. */
static void end_plan(struct relay *r)
{
	r->told_plan = true;
	if (!r->plan)
		return;
	if (fflush(r->plan) || fsync(fileno(r->plan)))
		r->s->journal.err = r->s->journal.err ? r->s->journal.err : -errno;
	fclose(r->plan);
	r->plan = NULL;
}

/* ---- cases ---- */

static void open_case(struct relay *r, const struct json_object *e)
{
	const struct rig_case *c = case_find(event_get_str(e, "case"));

	snprintf(r->open, sizeof(r->open), "%.400s", event_get_str(e, "case"));
	r->attempt = event_get_u64(e, "attempt");
	r->shaken = c && c->shakes;
	r->shakes = 0;
	r->findings = 0;
	r->finding[0] = 0;
	r->n_told = 0; /* the same words in another case are another finding */
}

static void close_case(struct relay *r)
{
	r->open[0] = 0;
	r->shaken = false;
	r->attempt = 0;
	r->findings = 0;
}

static bool is_open(const struct relay *r, const struct json_object *e)
{
	return r->open[0] && !strcmp(r->open, event_get_str(e, "case")) &&
	       r->attempt == event_get_u64(e, "attempt");
}

static void take_case_begin(struct relay *r, struct json_object *e)
{
	struct json_object *place;
	char key[512];

	end_plan(r);
	if (r->open[0] ||
	    !json_object_object_get_ex(r->planned, key_of(e, key, sizeof(key)), &place)) {
		noise(r, e);
		return;
	}
	open_case(r, e);
	r->index = json_object_get_uint64(place);
	sink_event(&r->s->sink, json_object_get(e));
}

/* A kernel that warns or worse during a case that went well makes it one that did not. */
static enum verdict judge_kernel(struct relay *r, struct json_object *e, enum verdict v)
{
	if (!r->findings || (v != PASS && v != KNOWN && v != NA && v != SKIP))
		return v;
	event_str(e, "verdict", verdict_name(FAIL));
	event_strf(e, "reason", "guest kernel: %s", r->finding);
	json_object_object_del(e, "known");
	return FAIL;
}

static void take_case_end(struct relay *r, struct json_object *e)
{
	struct outcome o = { .verdict = verdict_find(event_get_str(e, "verdict")) };
	char key[512];

	end_plan(r);
	key_of(e, key, sizeof(key));
	if (!o.verdict || !json_object_object_get_ex(r->planned, key, NULL) ||
	    (r->open[0] && !is_open(r, e))) {
		noise(r, e);
		return;
	}
	if (r->open[0])
		o.verdict = judge_kernel(r, e, o.verdict);
	o.advice = event_get_u64(e, "advice") != 0;
	tally_add(&r->s->tally, &o);
	sink_event(&r->s->sink, json_object_get(e));
	json_object_object_del(r->planned, key);
	close_case(r);
}

/* Events in a case belong to the one that is open; those of none come at any time. */
static void take_other(struct relay *r, struct json_object *e)
{
	bool kernel = !strcmp(event_get_str(e, "from"), "kernel");

	if (!r->begun || (*event_get_str(e, "case") && !is_open(r, e)))
		noise(r, e);
	else if (!kernel || !is_told(r, event_get_str(e, "text")))
		sink_event(&r->s->sink, json_object_get(e));
}

static void take_end(struct relay *r, struct json_object *e)
{
	r->ended = true;
	r->inner_status = (int)(event_get_u64(e, "exit_status") & 0xff);
	snprintf(r->s->cut, sizeof(r->s->cut), "%s", event_get_str(e, "reason"));
	r->s->tally.unstable = (unsigned)event_get_u64(e, "unstable");
}

static void take_resume(struct relay *r, struct json_object *e)
{
	if (!r->goes_on) {
		noise(r, e);
		return;
	}
	r->goes_on = false;
	sink_event(&r->s->sink, json_object_get(e));
}

static void take_format(struct relay *r, struct json_object *e)
{
	(void)r; /* ours stands at the journal's beginning */
	(void)e;
}

static const struct {
	const char *type;
	void (*take)(struct relay *r, struct json_object *e);
} types[] = {
	{ "format", take_format },     { "run_begin", take_begin },
	{ "plan", take_plan },	       { "case_begin", take_case_begin },
	{ "case_end", take_case_end }, { "run_end", take_end },
	{ "resume", take_resume },
	{ "fact", take_other },	       { "check", take_other },
	{ "note", take_other },	       { "sample", take_other },
	{ "artifact", take_other },    { "command", take_other },
	{ "completion", take_other },  { "register", take_other },
	{ "reset", take_other },       { "engine", take_other },
	{ "stack", take_other },	       { "guard", take_other },
};

void relay_event(void *ctx, struct json_object *e)
{
	struct relay *r = ctx;

	if (r->goes_on && strcmp(event_type(e), "resume"))
		return; /* it tells what it was told */
	for (size_t i = 0; !r->ended && i < sizeof(types) / sizeof(*types); i++)
		if (!strcmp(types[i].type, event_type(e))) {
			types[i].take(r, e);
			return;
		}
	noise(r, e);
}

/* ---- a run that was cut ---- */

static int end_case(struct relay *r, const char *key, struct json_object *place, enum verdict v,
		    const char *reason)
{
	struct outcome o = { .verdict = v };
	struct json_object *e = event_new("case_end");
	const char *hash = strrchr(key, '#');

	event_strf(e, "case", "%.*s", (int)(hash - key), key);
	if (strcmp(hash, "#0"))
		event_u64(e, "attempt", strtoull(hash + 1, NULL, 10));
	event_str(e, "verdict", verdict_name(v));
	event_str(e, "reason", reason);
	if (v == NOTRUN)
		event_str(e, "error", "notrun");
	event_u64(e, "index", json_object_get_uint64(place));
	event_u64(e, "checks", 0);
	event_u64(e, "failed", 0);
	event_u64(e, "advice", 0);
	tally_add(&r->s->tally, &o);
	return sink_event(&r->s->sink, e);
}

static int end_open(struct relay *r, enum verdict v, const char *reason, const char *log)
{
	struct json_object *e = case_event(r, "engine");
	char key[512];
	int err;

	event_str(e, "text", reason);
	event_str(e, "log", log);
	err = sink_event(&r->s->sink, e);
	snprintf(key, sizeof(key), "%.400s#%llu", r->open, (unsigned long long)r->attempt);
	if (!err)
		err = end_case(r, key, json_object_object_get(r->planned, key), v, reason);
	json_object_object_del(r->planned, key);
	close_case(r);
	return err;
}

int relay_cut_open(struct relay *r, enum verdict v, const char *reason, const char *log)
{
	end_plan(r);
	return r->open[0] ? end_open(r, v, reason, log) : 0;
}

int relay_cut(struct relay *r, enum verdict v, const char *reason, const char *log)
{
	char rest[1024];
	int err = 0;

	end_plan(r);
	snprintf(rest, sizeof(rest), "%s%.400s%s%.500s", r->open[0] ? "the guest ended in " : "",
		 r->open, r->open[0] ? ": " : "", reason);
	if (r->open[0])
		err = end_open(r, v, reason, log);
	else
		r->s->tally.broke = true;
	json_object_object_foreach (r->planned, key, place) {
		if (err)
			break;
		err = end_case(r, key, place, NOTRUN, rest);
	}
	return err;
}
