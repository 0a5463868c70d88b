// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/replay_shrink.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/tmp.h"
#include "event/event.h"
#include "storm/shrink.h"

#define TRIALS_MAX 500u

extern char **environ;

struct trials {
	const struct run_options *o;
	char dir[PATH_MAX]; /* candidate, events and run directories; removed at the end */
	unsigned n;
};

/* ---- one trial: `nvrig replay CANDIDATE ...` ---- */

static int save(const struct script *s, const char *path)
{
	FILE *f = fopen(path, "we");
	int err;

	if (!f)
		return -errno;
	err = script_save(s, f);
	return fclose(f) && !err ? -errno : err;
}

static int run_trial(const struct trials *t, const char *candidate, const char *events)
{
	const char *target = options_str(t->o, "target"), *stack = options_str(t->o, "stack");
	char to[PATH_MAX + 32], out[PATH_MAX + 16];
	const char *argv[16] = { "nvrig", "replay", candidate, "--to",	  to,
				 "--out", out,	    "-q",      "--allow", "data" };
	posix_spawn_file_actions_t quiet;
	unsigned n = 10;
	int err, status;
	pid_t pid;

	snprintf(to, sizeof(to), "jsonl=%s", events);
	snprintf(out, sizeof(out), "%s/runs", t->dir);
	if (stack)
		argv[n++] = "--stack";
	argv[n++] = stack ? stack : target;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	err = posix_spawn(&pid, "/proc/self/exe", &quiet, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&quiet);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFSIGNALED(status) ? -EINTR : 0;
}

/* What the trial died or failed of, as a key: "engine died: SIGSEGV", or the class of a finding. */
static void take_event(const struct json_object *e, struct play_result *ret)
{
	struct play_finding *f = &ret->finding[0];
	const char *reason = event_get_str(e, "reason"), *colon;

	if (strcmp(event_type(e), "case_end") || strcmp(event_get_str(e, "verdict"), "FAIL"))
		return;
	ret->findings = 1;
	snprintf(f->text, sizeof(f->text), "%.600s", reason);
	if (!strncmp(reason, "engine ", 7)) {
		snprintf(f->key, sizeof(f->key), "%.*s", (int)strcspn(reason, ";"), reason);
		return;
	}
	colon = strstr(reason, " on SQ "); /* "N steps: step 5, Read on SQ 1: status: got ..." */
	colon = colon ? strchr(colon + 1, ':') : NULL;
	snprintf(f->key, sizeof(f->key), "%.90s", colon ? colon : reason);
}

static void read_events(const char *path, struct play_result *ret)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t len;

	while (f && (len = getline(&line, &room, f)) > 0) {
		struct json_object *e = event_decode(line, (size_t)len - 1);

		if (e)
			take_event(e, ret);
		json_object_put(e);
	}
	free(line);
	if (f)
		fclose(f);
}

static int trial(void *ctx, const struct script *s, struct play_result *ret)
{
	struct trials *t = ctx;
	char candidate[PATH_MAX + 16], events[PATH_MAX + 16];
	int err;

	*ret = (struct play_result){ .findings = 0 };
	snprintf(candidate, sizeof(candidate), "%s/s.replay", t->dir);
	snprintf(events, sizeof(events), "%s/events", t->dir);
	unlink(events);
	err = save(s, candidate);
	err = err ? err : run_trial(t, candidate, events);
	if (err)
		return err;
	read_events(events, ret);
	ret->finding[0].index = s->n - 1;
	if (!t->o->globals.quiet)
		fprintf(stderr, "trial %u: %zu steps: %s\n", t->n, s->n,
			ret->findings ? ret->finding[0].key : "no failure");
	t->n++;
	return 0;
}

static bool goes_on(void *ctx)
{
	const struct trials *t = ctx;

	return t->n < TRIALS_MAX;
}

/* ---- the whole ---- */

static int shrink_in_dir(struct trials *t, struct script *s, const char *path)
{
	struct shrink sh = { trial, goes_on, t, 0 };
	struct play_result r;
	struct play_finding was;
	int err = s->n ? trial(t, s, &r) : 0;

	if (err || !s->n || !r.findings) {
		fprintf(stderr, "nvrig replay: %s\n",
			err ? strerror(-err)
			    : "it does not fail there, so there is nothing to shrink");
		return err ? RIG_BROKE : RIG_NOTHING_RAN;
	}
	was = r.finding[0];
	err = shrink(&sh, s, &was);
	snprintf(s->why, sizeof(s->why), "%.500s", was.text);
	err = err ? err : save(s, path);
	if (err)
		fprintf(stderr, "nvrig replay: %s: %s\n", path, strerror(-err));
	else
		fprintf(stderr, "%s: %zu steps, after %u trials: %s\n", path, s->n, t->n, was.key);
	return err ? RIG_BROKE : RIG_GOOD;
}

static void remove_dir(const char *dir)
{
	const char *argv[] = { "rm", "-rf", dir, NULL };
	pid_t pid;

	if (!posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)argv, environ))
		waitpid(pid, NULL, 0);
}

int replay_shrink(const struct run_options *o, struct script *s, const char *path)
{
	struct trials t = { .o = o };
	int status, err = tmp_dir("shrink", t.dir, sizeof(t.dir));

	if (err) {
		fprintf(stderr, "nvrig replay: a temporary directory: %s\n", strerror(-err));
		return RIG_BROKE;
	}
	status = shrink_in_dir(&t, s, path);
	remove_dir(t.dir);
	return status;
}
