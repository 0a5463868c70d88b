// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/session_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/guard_hold.h"
#include "rig/guard_tree.h"
#include "rig/session.h"

/* What a case writes is not declared: by what is seen of those that there are, at most this. */
#define DATA_BYTES   (64ull << 20)
#define BACK_MS	     10000
#define BACK_STEP_MS 50
#define SETTLE_MS    100

/* ---- who it is ---- */

static void find_line(struct session_guard *g)
{
	char error[BENCH_FILE_ERROR];
	const char *path = bench_file_path();
	int err = bench_file_load(path, &g->file, error);

	g->untold = err;
	g->ask.line = err ? NULL : bench_file_find(&g->file, g->drive.serial, g->drive.model);
	g->ask.why_no_line = g->why_no_line;
	if (err)
		snprintf(g->why_no_line, sizeof(g->why_no_line), "%s", error);
	else
		snprintf(g->why_no_line, sizeof(g->why_no_line),
			 "%.200s has no drive of serial '%s' and model '%s': `nvrig drive adopt` "
			 "writes one",
			 path, g->drive.serial, g->drive.model);
}

static void take_words(struct session *s, struct session_guard *g)
{
	options_list(s->options, "confirm", &g->words.confirm, &g->words.n_confirm);
	options_list(s->options, "override", &g->words.override, &g->words.n_override);
	g->words.stop = &s->stop;
	g->words.ask = isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static bool is_vfio(const char *address)
{
	return !strncmp(address, "vfio:", 5);
}

struct guard_drive *session_guard_before_hold(const struct run_options *o, const char *address)
{
	const char *allow = options_str(o, "allow");
	char error[GUARD_ERROR];
	struct guard_drive *d;

	if (!allow || !strcmp(allow, "none") || !is_vfio(address))
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d && !guard_drive_find("", address, d, error) && d->kind == GUARD_NVME)
		return d;
	free(d);
	return NULL;
}

/* Its driver has found all that it had before, and nobody looks at the new nodes any more. */
static bool is_back(const struct guard_drive *before, const struct guard_drive *d)
{
	char path[PATH_MAX], state[SYSFS_WORD];

	if (d->kind != GUARD_NVME || d->n < before->n || strcmp(d->serial, before->serial) ||
	    !tree_at(path, "", "/sys/class/nvme/%s", d->nvme) ||
	    strcmp(sysfs_word(path, "state", state), "live") || !access("/run/udev/queue", F_OK))
		return false;
	for (unsigned i = 0; i < d->n; i++) {
		int fd = d->node[i].block ? guard_node_open("", &d->node[i], O_RDONLY) : -ENXIO;

		if (fd < 0 && fd != -ENXIO)
			return false;
		if (fd >= 0)
			close(fd);
	}
	return true;
}

/* The probe took it from its driver and gave it back, which takes its time to bring all up. */
static int find(struct session *s, struct guard_drive *d, char *error)
{
	int err = guard_drive_find("", s->bench.target, d, error);

	if (!s->before)
		return err;
	for (int ms = 0; !err && !is_back(s->before, d); ms += BACK_STEP_MS) {
		if (ms >= BACK_MS || stop_asked(&s->stop)) {
			snprintf(error, GUARD_ERROR,
				 "%.40s was serial %s with %u nodes, and its driver has not brought "
				 "that back: look what became of it, and begin anew",
				 s->bench.target, s->before->serial, s->before->n);
			return stop_asked(&s->stop) ? -EINTR : -ESTALE;
		}
		poll(NULL, 0, BACK_STEP_MS);
		err = guard_drive_find("", s->bench.target, d, error);
	}
	return err;
}

int session_guard_open(struct session *s, char *error)
{
	struct session_guard *g = calloc(1, sizeof(*g));
	const char *address = s->bench.target;
	int err = g ? find(s, &g->drive, error) : -ENOMEM;

	s->guard = NULL;
	if (!g)
		snprintf(error, GUARD_ERROR, "out of memory");
	if (err || g->drive.kind == GUARD_NOTHING || g->drive.kind == GUARD_FILE) {
		free(g);
		return err;
	}
	if (s->facts->caps.of_machine && !guard_drive_is(&g->drive, address, s->facts->caps.dev)) {
		snprintf(error, GUARD_ERROR,
			 "%.120s led to another device when it was probed than now: begin anew, by a "
			 "name that stays",
			 address);
		free(g);
		return -ESTALE;
	}
	find_line(g);
	take_words(s, g);
	g->said = options_str(s->options, "allow");
	g->allow = g->said ? (enum rig_harm)harm_find(options_str(s->options, "allow")) : HARM_NONE;
	g->by_vfio = is_vfio(address);
	g->ask.root = "";
	g->ask.drive = &g->drive;
	g->ask.light = g->drive.emulated.yes && !g->ask.line && !g->untold;
	g->ask.words = &g->words;
	g->ask.pid = getpid();
	s->facts->caps.of_machine = true;
	s->facts->caps.cleared = true;
	s->guard = g;
	return 0;
}

void session_guard_close(struct session_guard *g)
{
	if (!g)
		return;
	guard_drop();
	bench_file_free(&g->file);
	free((void *)g->words.confirm);
	free((void *)g->words.override);
	free(g);
}

/* ---- what they say ---- */

static void hear(void *ctx, const struct guard *guard, const struct guard_finding *f)
{
	struct session_guard *g = ctx;

	if (g->n_told < GUARD_MAX)
		g->told[g->n_told++] = (struct guard_told){ guard, *f };
	if (f->verdict == GUARD_REFUSE && !g->refused[0])
		snprintf(g->refused, sizeof(g->refused), "%s (%s): %s", guard->id, guard->name,
			 f->text);
}

static uint64_t estimate(const struct plan *p, enum rig_harm *ret_harm)
{
	uint64_t bytes = 0;

	*ret_harm = HARM_NONE;
	for (size_t i = 0; i < p->n; i++) {
		enum rig_harm h = p->item[i].c->harm;

		if (p->item[i].action)
			continue;
		if (h > *ret_harm)
			*ret_harm = h;
		if (h >= HARM_DATA)
			bytes += DATA_BYTES;
	}
	return bytes;
}

static struct guard_told *told(struct session_guard *g, const struct guard *guard)
{
	for (unsigned i = 0; i < g->n_told; i++)
		if (g->told[i].guard == guard)
			return &g->told[i];
	return NULL;
}

/* By VFIO nobody else has the drive, unless by a controller that stays with Linux. */
static int hold_function(const struct guard_drive *d, bool waived, char *error)
{
	const struct guard_node *other = guard_drive_other_ctrl(d);

	if (!other || waived)
		return 0;
	snprintf(error, GUARD_ERROR,
		 "%s is another controller of it, by which it could be used meanwhile: take that from "
		 "its driver as well",
		 other->name);
	return -EBUSY;
}

static int hold(struct session_guard *g)
{
	const struct guard *in_use = &guard_all[2];
	struct guard_told *t = told(g, in_use);
	bool waived = t && t->found.verdict == GUARD_WAIVED;
	char error[GUARD_ERROR];
	int err = g->by_vfio ? hold_function(&g->drive, waived, error)
			     : guard_hold(&g->ask, true, waived, error);

	if (!err)
		return 0;
	guard_drop();
	if (t) {
		t->found = (struct guard_finding){ .verdict = GUARD_REFUSE };
		snprintf(t->found.text, sizeof(t->found.text), "%s", error);
	}
	snprintf(g->refused, sizeof(g->refused), "%s (%s): %s", in_use->id, in_use->name, error);
	return -EACCES;
}

int session_guard_ask(struct session_guard *g, const struct plan *p, const char *results)
{
	g->ask.harm = g->allow;
	g->ask.bytes = p ? estimate(p, &g->ask.harm) : 0;
	g->ask.results = results;
	if (g->ask.harm == HARM_NONE)
		return 0;
	if (!results)
		g->words.ask = false;
	guard_look(&g->ask, GUARD_EACH, hear, g);
	if (g->refused[0]) {
		guard_drop();
		return -EACCES;
	}
	return results ? hold(g) : 0;
}

/* ---- telling it ---- */

static struct json_object *event_of(const struct session_guard *g, const struct guard_told *t)
{
	struct json_object *e = event_new("guard");

	event_str(e, "id", t->guard->id);
	event_str(e, "name", t->guard->name);
	event_str(e, "verdict", guard_verdict_name(t->found.verdict));
	event_str(e, "drive", g->ask.line ? g->ask.line->alias : g->drive.name);
	event_str(e, "text", t->found.text);
	return e;
}

int session_guard_tell(const struct session_guard *g, struct sink *sink)
{
	int err = 0;

	for (unsigned i = 0; !err && i < g->n_told; i++)
		err = sink_event(sink, event_of(g, &g->told[i]));
	return err ? err : journal_sync(sink->journal);
}

void session_guard_print(const struct session_guard *g, bool json)
{
	for (unsigned i = 0; i < g->n_told; i++) {
		struct json_object *e = event_of(g, &g->told[i]);

		if (json)
			printf("%s\n",
			       json_object_to_json_string_ext(
				       e, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
		else
			printf("guard  %-3s %-6s %s: %s\n", event_get_str(e, "id"),
			       event_get_str(e, "verdict"), event_get_str(e, "name"),
			       event_get_str(e, "text"));
		json_object_put(e);
	}
}

/* ---- once more ---- */

static bool same_nodes(const struct guard_drive *a, const struct guard_drive *b)
{
	bool same = a->n == b->n;

	for (unsigned i = 0; same && i < a->n; i++)
		same = !strcmp(a->node[i].name, b->node[i].name) &&
		       a->node[i].dev == b->node[i].dev;
	return same;
}

static bool same_drive(const struct guard_drive *a, const struct guard_drive *b)
{
	return a->kind == b->kind && !strcmp(a->name, b->name) && !strcmp(a->pci, b->pci) &&
	       !strcmp(a->serial, b->serial) && !strcmp(a->model, b->model) && b->emulated.yes;
}

/* Nodes go and come one by one: until two looks see the same. */
static bool settled(const char *address, struct guard_drive *now)
{
	struct guard_drive *next = malloc(sizeof(*next));
	char error[GUARD_ERROR];
	bool same = false, lost = !next;

	for (int ms = 0; !lost && !same && ms < BACK_MS; ms += SETTLE_MS) {
		poll(NULL, 0, SETTLE_MS);
		lost = guard_drive_find("", address, next, error) != 0;
		same = !lost && same_nodes(now, next);
		if (!lost)
			*now = *next;
	}
	free(next);
	return same;
}

bool session_guard_moved(struct session_guard *g, const char *address)
{
	struct guard_drive *now = malloc(sizeof(*now));
	char error[GUARD_ERROR];
	bool moved = now && g->ask.light && !g->by_vfio && !guard_drive_find("", address, now, error) &&
		     !same_nodes(&g->drive, now) && settled(address, now) &&
		     same_drive(&g->drive, now);

	if (moved)
		g->drive = *now;
	free(now);
	return moved;
}

int session_guard_again(struct session_guard *g, struct sink *sink, char *ret_error, size_t size)
{
	unsigned refused;

	if (g->ask.light || g->by_vfio)
		return 0;
	g->n_told = 0;
	g->refused[0] = 0;
	refused = guard_look(&g->ask, GUARD_AGAIN, hear, g);
	if (!refused)
		return 0;
	session_guard_tell(g, sink);
	snprintf(ret_error, size, "guard %s", g->refused);
	return -EACCES;
}
