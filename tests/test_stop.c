// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `nvrig run` stopped at random times by SIGINT and SIGTERM, as by Ctrl-C (to the whole group of
 * processes) and as by kill (to it alone), and killed: nobody is left, and the run can go on.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/event.h"
#include "rig/journal_read.h"
#include "rig/verbs.h"
#include "base/capture.h"
#include "unit.h"

#ifdef __SANITIZE_ADDRESS__
#define TRIES 3
#else
#define TRIES 10
#endif

static char top[] = "/tmp/nvrig-test-stop-XXXXXX";
static unsigned runs, seed = 1;

/* ---- the program ---- */

/* In a session of its own, so that its group is all that it started. */
static pid_t start(const char *const *words)
{
	pid_t pid = fork();
	char *argv[16] = { (char *)"nvrig" };
	int null;

	if (pid)
		return pid;
	setsid();
	alarm(60);
	/* Looking for leaks at the end of each worker takes most of the time; other tests do. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	for (int i = 1; *words && i < 15; i++)
		argv[i] = (char *)*words++;
	execv(NVRIG_PROGRAM, argv);
	_exit(127);
}

static int finish(pid_t pid)
{
	int status;

	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

/* Orphans of the program become our children: as long as there is one, somebody is left. */
static bool nobody_left(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return true;
		usleep(10000);
	}
	return false;
}

/* ---- its journal ---- */

struct seen {
	unsigned ends, run_ends, notrun, lost;
	bool ended; /* the last event is run_end */
};

static void note(void *ctx, struct json_object *e)
{
	const char *verdict = event_get_str(e, "verdict");
	struct seen *s = ctx;

	s->ended = !strcmp(event_type(e), "run_end");
	s->run_ends += s->ended;
	s->ends += !strcmp(event_type(e), "case_end");
	s->notrun += !strcmp(verdict, "NOTRUN");
	s->lost += !strcmp(verdict, "LOST");
}

static bool find_run(const char *out, char *ret, size_t size)
{
	char pattern[PATH_MAX];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/2*", out);
	if (glob(pattern, 0, NULL, &found))
		return false;
	snprintf(ret, size, "%s", found.gl_pathv[0]);
	globfree(&found);
	return true;
}

static struct seen read_journal(const char *dir)
{
	char path[PATH_MAX + 32], error[JOURNAL_ERROR] = "";
	struct seen s = { 0 };
	off_t end;
	int fd;

	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	fd = open(path, O_RDONLY);
	CU_ASSERT_EQUAL(journal_load(fd, note, &s, &end, error), 0);
	close(fd);
	return s;
}

/* Is there a journal, and does it have an event of that type by now? */
static bool began(const char *out, const char *type)
{
	char dir[PATH_MAX - 64], path[PATH_MAX];
	static char text[65536];
	ssize_t n = 0;
	int fd;

	if (!find_run(out, dir, sizeof(dir)))
		return false;
	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text));
		close(fd);
	}
	return n > 0 && memmem(text, (size_t)n, type, strlen(type));
}

static void wait_until_begun(const char *out, const char *type)
{
	for (int i = 0; i < 4000 && !began(out, type); i++)
		usleep(5000);
}

static void reports(const char *dir)
{
	const char *const words[] = { "report", dir, "--to", "junit", NULL };

	CU_ASSERT_EQUAL(finish(start(words)), RIG_GOOD);
}

/* ---- stopped ---- */

/* With QEMU there is nothing to be left out before it is up: wait for the first case. */
static void stop_one(const char *const *words, const char *out, int signal, bool group,
		     unsigned most_ms)
{
	bool stack = !strcmp(words[1], "--stack");
	pid_t pid = start(words);
	char dir[PATH_MAX - 64];
	struct seen s;

	wait_until_begun(out, stack ? "\"case_begin\"" : "\"format\"");
	usleep((useconds_t)rand_r(&seed) % (most_ms * 1000));
	kill(group ? -pid : pid, signal);
	CU_ASSERT_EQUAL(finish(pid), RIG_STOPPED);
	CU_ASSERT_TRUE(nobody_left());
	CU_ASSERT_TRUE_FATAL(find_run(out, dir, sizeof(dir)));
	s = read_journal(dir);
	CU_ASSERT_TRUE(s.ended);
	CU_ASSERT_EQUAL(s.run_ends, 1);
	CU_ASSERT_TRUE(s.notrun > 0);
	reports(dir);
}

static void stop_model(int signal)
{
	for (unsigned i = 0; i < TRIES; i++) {
		char out[64];
		/* some 4,000 instances, one of which may be in the middle of anything */
		const char *const words[] = { "run",   "model:", "--effort", "quick",
					      "--out", out,	 "-q",	     NULL };

		snprintf(out, sizeof(out), "%s/%u", top, runs++);
		stop_one(words, out, signal, i % 2, 150);
	}
}

static void interrupted(void)
{
	stop_model(SIGINT);
}

static void terminated(void)
{
	stop_model(SIGTERM);
}

static void stack_stopped(void)
{
	static const int signals[] = { SIGINT, SIGTERM };
	char out[64], qemu[256], pattern[PATH_MAX];
	/* cases that a good QEMU passes: a FAIL would outrank the signal */
	const char *const words[] = { "run",
				      "--stack",
				      "qemu-qtest",
				      "--repeat",
				      "1000",
				      "--case",
				      "io.read-write-verify",
				      "--out",
				      out,
				      "-q",
				      NULL };
	glob_t found;

	if (capture_find("qemu-system-x86_64", qemu, sizeof(qemu))) {
		puts("no qemu-system-x86_64 here: left out");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		snprintf(out, sizeof(out), "%s/%u", top, runs++);
		stop_one(words, out, signals[i], i == 0, 500);
		/* the stack took its disks and its socket with it */
		snprintf(pattern, sizeof(pattern), "%s/2*/stack/rig-[nq][st]*", out);
		CU_ASSERT_EQUAL(glob(pattern, 0, NULL, &found), GLOB_NOMATCH);
	}
}

/* ---- killed ---- */

static void killed(void)
{
	char out[64], dir[PATH_MAX - 64];
	const char *const run[] = { "run", "model:", "--effort", "quick", "--suite",
				    "reg", "--out",  out,	 "-q",	  NULL };
	const char *const resume[] = { "run", "--resume", dir, "-q", NULL };

	for (unsigned i = 0; i < 3; i++) {
		unsigned planned;
		struct seen s;
		pid_t pid;

		snprintf(out, sizeof(out), "%s/%u", top, runs++);
		pid = start(run);
		wait_until_begun(out, "\"case_begin\"");
		usleep((useconds_t)rand_r(&seed) % 60000);
		kill(pid, SIGKILL);
		finish(pid);
		CU_ASSERT_TRUE(nobody_left());
		CU_ASSERT_TRUE_FATAL(find_run(out, dir, sizeof(dir)));
		reports(dir);
		s = read_journal(dir);
		planned = s.ends;
		CU_ASSERT_FALSE(s.ended);
		finish(start(resume));
		s = read_journal(dir);
		CU_ASSERT_TRUE(s.ended);
		CU_ASSERT_TRUE(s.lost <= 1);
		CU_ASSERT_EQUAL(s.notrun, 0);
		CU_ASSERT_TRUE(s.ends > planned);
		reports(dir);
	}
}

static const struct unit units[] = {
	{ "SIGINT", interrupted },
	{ "SIGTERM", terminated },
	{ "a stack, stopped", stack_stopped },
	{ "SIGKILL, and on", killed },
};

int main(void)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1))
		return 2;
	return unit_main_in(top, "stop", units, ARRAY_SIZE(units));
}
