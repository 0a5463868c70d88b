// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/session_guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "event/event.h"
#include "rig/guest_resume.h"
#include "rig/relay.h"
#include "rig/session_tell.h"
#include "rig/stack_guest.h"
#include "stack/guest.h"

#define WORDS_MAX  400
#define FILES_MAX  20000
#define COLLECT	   "/run/nvrig/*/cases"
#define LOG_BYTES  4096
#define LAST_WORDS 300
#define RESTARTS   3 /* guests beyond the first that a run may take */

struct in_guest {
	struct session *s;
	struct relay relay;
	struct guest *guest;
	char error[STACK_ERROR];
	char words[LAST_WORDS]; /* the last line on the inner run's stderr */
	unsigned files, restarts;
	bool dry, goes_on; /* the next guest goes on with what one before it began */
};

/* ---- the command line of the run in it ---- */

struct words {
	char *w[WORDS_MAX + 1];
	unsigned n;
	int err;
};

static void word(struct words *w, const char *option, const char *value)
{
	char *text = NULL;

	if (w->n == WORDS_MAX) {
		w->err = -E2BIG;
		return;
	}
	if (asprintf(&text, "%s%s%s", option, value ? "=" : "", value ? value : "") < 0) {
		w->err = -ENOMEM;
		return;
	}
	w->w[w->n++] = text;
}

/* One thing that was asked for: the name is that of the option. */
static void asked(struct words *w, const char *key, struct json_object *value)
{
	char option[64];

	if (!strcmp(key, "target") || !strcmp(key, "stack") || !strcmp(key, "store"))
		return;
	snprintf(option, sizeof(option), "--%.40s", key);
	if (!strcmp(key, "known")) {
		word(w, json_object_get_boolean(value) ? "--known" : "--no-known", NULL);
		return;
	}
	if (!json_object_is_type(value, json_type_array)) {
		word(w, option, json_object_get_string(value));
		return;
	}
	for (size_t i = 0; i < json_object_array_length(value); i++)
		word(w, option, json_object_get_string(json_object_array_get_idx(value, i)));
}

static const char *inner_target(const struct session *s)
{
	const char *said = options_str(s->options, "target");

	return said ? said : s->stack->target;
}

static int make_words(const struct session *s, bool dry, bool goes_on, struct words *w)
{
	*w = (struct words){ .n = 0 };
	word(w, "nvrig", NULL);
	word(w, "run", NULL);
	if (goes_on) {
		word(w, "--resume", GUEST_RESUME_DIR);
	} else {
		word(w, inner_target(s), NULL);
		json_object_object_foreach (s->options->asked, key, value)
			asked(w, key, value);
	}
	if (s->options->fail_fast)
		word(w, "--fail-fast", NULL);
	if (dry)
		word(w, "--dry-run", NULL);
	if (!dry)
		word(w, "--quiet", NULL);
	if (!dry || s->options->json)
		word(w, "--json", NULL);
	return w->err;
}

static void free_words(struct words *w)
{
	while (w->n)
		free(w->w[--w->n]);
}

/* ---- what it says ---- */

static void hear_up(void *ctx, const char *kernel)
{
	struct in_guest *g = ctx;
	char text[160];

	g->s->bench.engine = guest_engine(g->guest);
	g->s->bench.target = inner_target(g->s);
	snprintf(text, sizeof(text), "Linux %.80s, %s", kernel, guest_accel(g->guest));
	if (!g->dry)
		tell_stack(g->s, "up", text);
}

static void hear_part(void *ctx, const char *name, const char *state, const char *text)
{
	struct in_guest *g = ctx;
	struct json_object *e = event_new("stack");

	if (g->dry) {
		json_object_put(e);
		return;
	}
	event_str(e, "state", state);
	event_str(e, "name", g->s->stack->name);
	event_str(e, "part", name);
	event_str(e, "text", *text ? text : NULL);
	sink_event(&g->s->sink, e);
}

static void keep_words(struct in_guest *g, const char *data, size_t n)
{
	while (n && data[n - 1] == '\n')
		n--;
	for (size_t i = n; i-- > 0;)
		if (data[i] == '\n') {
			data += i + 1;
			n -= i + 1;
			break;
		}
	if (n)
		snprintf(g->words, sizeof(g->words), "%.*s", (int)n, data);
}

static void hear_output(void *ctx, int stream, const void *data, size_t n)
{
	struct in_guest *g = ctx;

	if (stream == 2)
		keep_words(g, data, n);
	if (g->dry)
		bytes_write(stream == 2 ? STDERR_FILENO : STDOUT_FILENO, data, n);
}

/* CASE-DIRECTORY/FILE, below our own cases/. Pieces of one come one after another. */
static void hear_file(void *ctx, const char *name, const void *data, size_t n)
{
	struct in_guest *g = ctx;
	const char *slash = strchr(name, '/');
	char path[300];
	_cleanup_close_ int fd = -1;

	if (!slash || strchr(slash + 1, '/') || ++g->files > FILES_MAX)
		return;
	snprintf(path, sizeof(path), "cases/%.*s", (int)(slash - name), name);
	mkdirat(g->s->journal.dir_fd, path, 0700);
	snprintf(path, sizeof(path), "cases/%.240s", name);
	fd = openat(g->s->journal.dir_fd, path,
		    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0)
		bytes_write(fd, data, n);
}

static void hear_event(void *ctx, struct json_object *e)
{
	relay_event(&((struct in_guest *)ctx)->relay, e);
}

static void hear_finding(void *ctx, const char *line)
{
	relay_finding(&((struct in_guest *)ctx)->relay, line);
}

static void hear_noise(void *ctx, size_t bytes)
{
	relay_noise(&((struct in_guest *)ctx)->relay, bytes);
}

/* ---- the guest ---- */

/* The run so far, for the nvrig in the guest; it was asked for the same, on its own target. */
static int add_resumed(struct in_guest *g, struct guest_files_list *files)
{
	const struct session *s = g->s;
	struct json_object *options = NULL;
	int err = -ENOMEM;

	if (json_object_deep_copy(s->options->asked, &options, NULL))
		return err;
	json_object_object_del(options, "stack");
	json_object_object_del(options, "store");
	event_str(options, "target", inner_target(s));
	err = guest_resume_files(files, s->journal.dir, options, g->error);
	json_object_put(options);
	return err;
}

static int start(struct in_guest *g, const char *dir)
{
	const struct guest_ops ops = { .ctx = g,
				       .up = hear_up,
				       .part = hear_part,
				       .output = hear_output,
				       .file = g->dry ? NULL : hear_file,
				       .event = g->dry ? NULL : hear_event,
				       .finding = g->dry ? NULL : hear_finding,
				       .junk = g->dry ? NULL : hear_noise };
	struct guest_job job = { .once = g->goes_on, .events = !g->dry, .collect = g->dry       ? NULL
						 : g->goes_on ? GUEST_RESUME_DIR "/cases"
							      : COLLECT };
	struct guest_files_list files = { 0 };
	struct stack_config behind;
	struct words w;
	int err = make_words(g->s, g->dry, g->goes_on, &w);
	int found = stack_guest_behind(g->s->stack, &behind, g->error);

	if (found < 0) {
		free_words(&w);
		return found;
	}
	job.behind = found ? &behind : NULL;
	if (!err)
		err = guest_files_make(&files);
	snprintf(g->error, sizeof(g->error), "what to run in the guest: %s", strerror(-err));
	if (!err && g->goes_on)
		err = add_resumed(g, &files);
	if (!err) {
		job.argv = (const char *const *)w.w;
		job.files = files.file;
		job.n_files = files.n;
		err = guest_start(g->s->stack, &job, dir, &ops, &g->guest, g->error);
	}
	guest_files_free(&files);
	free_words(&w);
	return err;
}

static enum guest_end watch(struct in_guest *g)
{
	struct session *s = g->s;
	enum guest_end end;

	do {
		end = guest_step(g->guest, stop_fd(&s->stop));
		if (!s->tally.stopped && stop_asked(&s->stop)) {
			s->tally.stopped = true;
			guest_signal(g->guest, SIGTERM);
		}
	} while (!end && !s->journal.err);
	return end;
}

/* The run in it told its end, or what it told last is all there is. */
static int end_done(struct in_guest *g)
{
	struct session *s = g->s;
	char reason[LAST_WORDS + 80];

	if (g->relay.ended && g->relay.inner_status == RIG_REFUSED) {
		s->tally.refused = true;
		return session_finish(s, 0);
	}
	if (!g->relay.ended || json_object_object_length(g->relay.planned)) {
		snprintf(reason, sizeof(reason),
			 "nvrig in the guest ended early, with status %d%s%s",
			 guest_status(g->guest), g->words[0] ? ": " : "", g->words);
		if (!g->relay.begun)
			return session_end_early(s, -EIO, g->words[0] ? g->words : reason);
		s->tally.broke = true;
		return session_finish(s, relay_cut(&g->relay, BROKEN, reason, NULL));
	}
	s->tally.broke |= g->relay.inner_status == RIG_BROKE;
	return session_finish(s, 0);
}

static int end_cut(struct in_guest *g, enum guest_end end)
{
	struct session *s = g->s;
	const char *reason = guest_reason(g->guest);
	char log[LOG_BYTES];
	int err;

	if (!g->relay.begun) {
		s->up_err = end == GUEST_FAILED ? -EIO : -ECONNABORTED;
		snprintf(s->up_error, sizeof(s->up_error), "%s", reason);
		return session_end_early(s, s->up_err, reason);
	}
	guest_console_tail(g->guest, log, sizeof(log));
	snprintf(s->cut, sizeof(s->cut), "%s", reason);
	err = relay_cut(&g->relay, end == GUEST_FLOOD ? BROKEN : FAIL, reason, log);
	return session_finish(s, err);
}

/* ---- one guest after another ---- */

/* Brings a guest up, in a directory of its own. 0 or -errno: then g->error says why. */
static int next_guest(struct in_guest *g)
{
	char dir[PATH_MAX];
	int err = session_stack_dir(g->s, dir);

	snprintf(g->error, sizeof(g->error), "a directory for the guest: %s", strerror(-err));
	if (!err && g->goes_on)
		relay_go_on(&g->relay);
	return err ? err : start(g, dir);
}

/* Is it an end that a new guest may go on after? A case has had its end by it, and some are left. */
static bool may_go_on(const struct in_guest *g, enum guest_end end)
{
	const struct session *s = g->s;

	return (end == GUEST_PANIC || end == GUEST_SILENT || end == GUEST_DIED) &&
	       g->relay.told_plan && g->relay.open[0] && !s->tally.stopped && !s->journal.err &&
	       !s->options->fail_fast && g->restarts < RESTARTS &&
	       json_object_object_length(g->relay.planned) > 1;
}

/* The case that was begun has its verdict, the guest is gone, another goes on. 0 or -errno. */
static int go_on(struct in_guest *g)
{
	char log[LOG_BYTES], text[160];
	int err;

	guest_console_tail(g->guest, log, sizeof(log));
	err = relay_cut_open(&g->relay, FAIL, guest_reason(g->guest), log);
	guest_stop(g->guest);
	g->guest = NULL;
	g->goes_on = true;
	g->restarts++;
	snprintf(text, sizeof(text), "the rest of the plan runs in a new guest (%u of at most %d)",
		 g->restarts, RESTARTS);
	if (!err)
		err = tell_note(g->s, text);
	return err ? err : next_guest(g);
}

/* No new guest came up for the rest. */
static int end_without(struct in_guest *g)
{
	snprintf(g->s->cut, sizeof(g->s->cut), "no new guest: %.400s", g->error);
	return session_finish(g->s, relay_cut(&g->relay, BROKEN, g->s->cut, NULL));
}

static int run(struct in_guest *g)
{
	enum guest_end end = watch(g);

	while (may_go_on(g, end)) {
		if (go_on(g))
			return end_without(g);
		end = watch(g);
	}
	return end == GUEST_DONE || !end ? end_done(g) : end_cut(g, end);
}

/* The journal was reopened: the relay knows what is left, and the reports what was. */
static int resume(struct in_guest *g)
{
	int err = relay_resume(&g->relay, g->error);

	if (!err)
		session_tell_old(g->s);
	g->goes_on = true;
	return err;
}

static int begin(struct in_guest *g)
{
	int err = relay_init(&g->relay, g->s);

	snprintf(g->error, sizeof(g->error), "%s", strerror(-err));
	if (!err && g->s->options->resume)
		err = resume(g);
	return err ? err : next_guest(g);
}

int session_guest_run(struct session *s)
{
	struct in_guest g = { .s = s };
	int status, err = session_first_event(s);

	if (err)
		return RIG_BROKE;
	err = begin(&g);
	if (err) {
		s->up_err = err;
		snprintf(s->up_error, sizeof(s->up_error), "%s", g.error);
		status = session_end_early(s, err, g.error);
	} else {
		status = run(&g);
	}
	s->bench.engine = NULL;
	guest_stop(g.guest);
	relay_free(&g.relay);
	return status;
}

int session_guest_dry(struct session *s, const char *dir)
{
	struct in_guest g = { .s = s, .dry = true };
	int status = RIG_BROKE, err = start(&g, dir);
	enum guest_end end;

	if (err) {
		fprintf(stderr, "nvrig run: %s\n", g.error);
		return RIG_BROKE;
	}
	end = watch(&g);
	if (end == GUEST_DONE)
		status = guest_status(g.guest);
	else
		fprintf(stderr, "nvrig run: %s\n", guest_reason(g.guest));
	guest_stop(g.guest);
	return s->tally.stopped ? RIG_STOPPED : status;
}
