// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The runner, from outside: this program starts itself as a small nvrig on the fake suites, does to
 * it what may happen, and reads its journal.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "fake_rig.h"
#include "rig/journal_read.h"
#include "rig/judge.h"
#include "rig/worker.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-test-runner-XXXXXX";
static unsigned runs;

/* ---- a run and what its journal says ---- */

struct seen {
	char dir[PATH_MAX];
	int status; /* of the runner; 1000 + signal */
	struct json_object *events;
};

static pid_t start(const char *const words[], char dir[PATH_MAX])
{
	char out[100], *argv[16] = { (char *)"test_runner" };
	int n = 1, null;
	pid_t pid;

	snprintf(out, sizeof(out), "%s/%u", top, runs++);
	mkdir(out, 0700);
	if (!strcmp(words[0], "run"))
		strcpy(dir, out);
	argv[n++] = (char *)words[0];
	argv[n++] = dir;
	for (int i = 1; words[i]; i++)
		argv[n++] = (char *)words[i];
	pid = fork();
	if (pid)
		return pid;
	null = open("/dev/null", O_WRONLY);
	dup2(null, STDOUT_FILENO);
	execv("/proc/self/exe", argv);
	_exit(98);
}

/* The run's directory is the one in OUT that is no link. */
static void find_run(char dir[PATH_MAX])
{
	char name[256] = "";
	struct dirent *d;
	DIR *out = opendir(dir);

	while (out && (d = readdir(out)))
		if (d->d_name[0] != '.' && d->d_type == DT_DIR)
			strcpy(name, d->d_name);
	if (out)
		closedir(out);
	strcat(dir, "/");
	strcat(dir, name);
}

static void add_event(void *ctx, struct json_object *e)
{
	json_object_array_add(ctx, json_object_get(e));
}

static void read_journal(struct seen *s)
{
	char path[PATH_MAX + 32], error[JOURNAL_ERROR] = "";
	off_t end;
	int fd;

	s->events = json_object_new_array();
	snprintf(path, sizeof(path), "%s/events.jsonl", s->dir);
	fd = open(path, O_RDONLY);
	CU_ASSERT_TRUE_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(journal_load(fd, add_event, s->events, &end, error), 0);
	close(fd);
}

static void finish(pid_t pid, struct seen *s)
{
	int status;

	waitpid(pid, &status, 0);
	s->status = WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static struct seen run(const char *const words[])
{
	struct seen s = { .status = -1 };

	finish(start(words, s.dir), &s);
	find_run(s.dir);
	read_journal(&s);
	return s;
}

#define RUN(...) run((const char *const[]){ "run", __VA_ARGS__, NULL })

static struct seen resume(const char *dir, const char *const words[])
{
	struct seen s = { .status = -1 };

	strcpy(s.dir, dir);
	finish(start(words, s.dir), &s);
	read_journal(&s);
	return s;
}

static struct json_object *nth(const struct seen *s, size_t i)
{
	return json_object_array_get_idx(s->events, i);
}

/* The last event of a type, of a case or (NULL) of none. */
static struct json_object *last(const struct seen *s, const char *type, const char *name)
{
	for (size_t i = json_object_array_length(s->events); i-- > 0;)
		if (!strcmp(event_type(nth(s, i)), type) &&
		    !strcmp(event_get_str(nth(s, i), "case"), name ? name : ""))
			return nth(s, i);
	return NULL;
}

static size_t count(const struct seen *s, const char *type)
{
	size_t n = 0;

	for (size_t i = 0; i < json_object_array_length(s->events); i++)
		n += !strcmp(event_type(nth(s, i)), type);
	return n;
}

/* Is there a note of the runner that begins so? */
static bool noted(const struct seen *s, const char *text)
{
	for (size_t i = 0; i < json_object_array_length(s->events); i++)
		if (!strcmp(event_get_str(nth(s, i), "from"), "runner") &&
		    !strncmp(event_get_str(nth(s, i), "text"), text, strlen(text)))
			return true;
	return false;
}

static void done(struct seen *s)
{
	json_object_put(s->events);
}

static void expect(const struct seen *s, const char *name, const char *verdict, const char *reason,
		   const char *error)
{
	struct json_object *e = last(s, "case_end", name);

	CU_ASSERT_PTR_NOT_NULL(e);
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), verdict);
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "reason"), reason);
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "error"), error);
	if (strcmp(event_get_str(e, "verdict"), verdict) ||
	    strcmp(event_get_str(e, "reason"), reason) || strcmp(event_get_str(e, "error"), error))
		printf("%s: %s '%s' '%s'\n", name, event_get_str(e, "verdict"),
		       event_get_str(e, "reason"), event_get_str(e, "error"));
}

static void pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000l }, NULL);
}

/* Until the journal of the run below dir says that the case began. dir becomes the run's. */
static bool wait_for(char dir[PATH_MAX], const char *name)
{
	char word[CASE_NAME + 64], text[65536];

	snprintf(word, sizeof(word), "\"type\":\"case_begin\",\"case\":\"%s\"", name);
	for (int i = 0; i < 500; i++) {
		char run_dir[PATH_MAX], path[PATH_MAX + 32];
		int fd;
		ssize_t n;

		pause_ms(20);
		strcpy(run_dir, dir);
		find_run(run_dir);
		snprintf(path, sizeof(path), "%s/events.jsonl", run_dir);
		fd = open(path, O_RDONLY);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		close(fd);
		text[n > 0 ? n : 0] = 0;
		if (strstr(text, word)) {
			strcpy(dir, run_dir);
			return true;
		}
	}
	return false;
}

/* ---- the verdicts ---- */

static const char *const two_of_three = "two: got 3 (3h), want 2 (2h)";

static void verdicts(void)
{
	struct seen s = RUN("deadline=1");
	char reason[200];

	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	expect(&s, "good.passes", "PASS", "", "");
	expect(&s, "good.advises", "PASS", "advice: nice: got 0 (0h), want 1 (1h)", "");
	expect(&s, "good.rows[second]", "PASS", "", "");
	expect(&s, "good.rows[third]", "FAIL", "value: got 3 (3h), want <= 2 (2h)", "");
	expect(&s, "good.harms", "SKIP", "harm: needs --allow forever", "");
	expect(&s, "bad.fails", "FAIL", two_of_three, "");
	expect(&s, "bad.na", "N/A", "ONCS bit 3 is 0", "");
	expect(&s, "bad.skip", "SKIP", "tool: no hammer", "");
	expect(&s, "bad.checks-nothing", "BROKEN", "no check ran", "");
	expect(&s, "bad.crashes", "BROKEN", "worker died: SIGABRT after check 2", "died");
	snprintf(reason, sizeof(reason), "%s; then worker died: SIGABRT after check 1",
		 two_of_three);
	expect(&s, "bad.fails-then-crashes", "FAIL", reason, "");
	snprintf(reason, sizeof(reason), "%s; then deadline: 1 s", two_of_three);
	expect(&s, "bad.fails-then-hangs", "FAIL", reason, "");
	expect(&s, "bad.hangs", "BROKEN", "deadline: 1 s", "timeout");
	expect(&s, "bad.leaves-child", "PASS", "", "");
	expect(&s, "bad.exits", "BROKEN", "worker died: exit status 7 after check 1", "died");
	expect(&s, "bad.lies", "FAIL", two_of_three, "");
	expect(&s, "bad.lies-with-none", "BROKEN", "no check ran", "");
	expect(&s, "bad.last", "PASS", "", "");
	done(&s);
}

static void babble(void)
{
	struct seen s = RUN("case=bad.babbles*", "case=bad.last");
	struct json_object *mine = NULL;

	/* the verdict's own line came after half a line of babble, and is lost in it */
	expect(&s, "bad.babbles", "BROKEN", "worker ended without a verdict after check 1", "died");
	expect(&s, "bad.babbles-long", "PASS", "", "");
	expect(&s, "bad.last", "PASS", "", "");
	CU_ASSERT_TRUE(noted(&s, "worker wrote 56 bytes that are no event"));
	CU_ASSERT_TRUE(noted(&s, "worker wrote 1048577 bytes that are no event"));
	CU_ASSERT_TRUE(noted(&s, "worker sent an event of type case_end, which it may not"));
	for (size_t i = 0; i < json_object_array_length(s.events); i++)
		if (!strcmp(event_get_str(nth(&s, i), "text"), "mine"))
			mine = nth(&s, i);
	/* an event that names another case and another place is put where it belongs */
	CU_ASSERT_PTR_NOT_NULL_FATAL(mine);
	CU_ASSERT_STRING_EQUAL(event_get_str(mine, "case"), "bad.babbles");
	CU_ASSERT_TRUE(event_get_u64(mine, "seq") < json_object_array_length(s.events));
	done(&s);
}

static void flood(void)
{
	struct seen s = RUN("case=bad.floods", "case=bad.last");

	expect(&s, "bad.floods", "BROKEN", "worker wrote more than 16 MiB", "died");
	expect(&s, "bad.last", "PASS", "", "");
	done(&s);
}

static void logs(void)
{
	struct seen s = RUN("case=bad.talks", "case=bad.last");
	char path[PATH_MAX + 64], text[64] = "";
	FILE *f;

	expect(&s, "bad.talks", "PASS", "", "");
	snprintf(path, sizeof(path), "%s/cases/0000-bad.talks/err.log", s.dir);
	f = fopen(path, "r");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT_PTR_NOT_NULL(fgets(text, sizeof(text), f));
	CU_ASSERT_STRING_EQUAL(text, "to standard error\n");
	fclose(f);
	snprintf(path, sizeof(path), "%s/cases/0001-bad.last", s.dir);
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	done(&s);
}

static void known(void)
{
	struct seen s = RUN("known", "case=bad.fails", "case=good.passes", "case=bad.last");
	struct json_object *e;

	CU_ASSERT_EQUAL(s.status, RIG_GOOD);
	expect(&s, "bad.fails", "KNOWN", two_of_three, "");
	e = last(&s, "case_end", "bad.fails");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "known"), "ticket 4711");
	expect(&s, "good.passes", "PASS", "", "");
	e = last(&s, "case_end", "good.passes");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "known"), "ticket 4711");
	CU_ASSERT_TRUE(noted(&s, "known deviation did not show: ticket 4711"));
	done(&s);
}

#define WARN "4,1,2,-;WARNING: CPU: 0 PID: 1 at drivers/x.c"

/* What the kernel says stands with the case, and a warning of its is a finding. */
static void kernel_says(void)
{
	struct seen s = RUN("says=6,1,2,-;nvme nvme0: plain", "case=good.passes");
	struct json_object *e = last(&s, "note", "good.passes");

	CU_ASSERT_EQUAL(s.status, RIG_GOOD);
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "from"), "kernel");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "text"), "nvme nvme0: plain");
	json_object_put(s.events);

	s = RUN("says=" WARN, "case=good.passes", "case=bad.fails", "case=bad.na");
	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	e = last(&s, "case_end", "good.passes");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), "FAIL");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "reason"),
			       "kernel: WARNING: CPU: 0 PID: 1 at drivers/x.c");
	e = last(&s, "case_end", "bad.na");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), "FAIL");
	/* one that failed keeps its own reason */
	e = last(&s, "case_end", "bad.fails");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), "FAIL");
	CU_ASSERT(strncmp(event_get_str(e, "reason"), "kernel:", 7));
	json_object_put(s.events);

	/* what is known of the drive does not make a warning good, but a profile can know it */
	s = RUN("known", "says=" WARN, "case=bad.fails", "case=good.advises");
	e = last(&s, "case_end", "bad.fails");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), "KNOWN");
	CU_ASSERT(!strncmp(event_get_str(e, "reason"), "kernel:", 7));
	e = last(&s, "case_end", "good.advises");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "verdict"), "FAIL");
	json_object_put(s.events);
}

/* Between two cases nobody is to blame; plain words are not told there. */
static void kernel_says_between(void)
{
	struct seen s = RUN("says-after=" WARN, "case=good.passes", "case=good.advises");
	struct json_object *e = last(&s, "note", NULL);

	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "from"), "kernel");
	CU_ASSERT_STRING_EQUAL(event_get_str(last(&s, "case_end", "good.advises"), "verdict"),
			       "PASS");
	json_object_put(s.events);
	s = RUN("says-after=6,1,2,-;plain", "case=good.passes", "case=good.advises");
	CU_ASSERT_EQUAL(s.status, RIG_GOOD);
	CU_ASSERT_PTR_NULL(last(&s, "note", NULL));
	json_object_put(s.events);
}

/* What is known explains neither a worker that crashed nor one that was late. */
static void known_and_broken(void)
{
	struct seen s = RUN("known", "deadline=1", "case=bad.fails-then-*", "case=bad.last");
	char reason[200];

	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	snprintf(reason, sizeof(reason), "%s; then worker died: SIGABRT after check 1",
		 two_of_three);
	expect(&s, "bad.fails-then-crashes", "BROKEN", reason, "died");
	snprintf(reason, sizeof(reason), "%s; then deadline: 1 s", two_of_three);
	expect(&s, "bad.fails-then-hangs", "BROKEN", reason, "timeout");
	done(&s);
}

static void repeated(void)
{
	struct seen s = RUN("repeat=3", "case=good.passes", "case=bad.na");

	CU_ASSERT_EQUAL(s.status, RIG_GOOD);
	CU_ASSERT_EQUAL(count(&s, "case_end"), 6);
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "case_end", "bad.na"), "attempt"), 3);
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "run_end", NULL), "pass"), 3);
	done(&s);
}

/* The fake rig's seed is always the same, and so is how often the coin falls. */
static void unstable(void)
{
	struct seen s = RUN("repeat=8", "case=bad.wavers", "case=bad.last");
	struct json_object *end = last(&s, "run_end", NULL);

	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	CU_ASSERT(event_get_u64(end, "fail") > 0 && event_get_u64(end, "fail") < 8);
	CU_ASSERT_EQUAL(event_get_u64(end, "pass") + event_get_u64(end, "fail"), 16);
	CU_ASSERT_EQUAL(event_get_u64(end, "unstable"), 1);
	done(&s);
}

static void nothing_ran(void)
{
	struct seen s = RUN("case=bad.na", "case=good.harms");

	CU_ASSERT_EQUAL(s.status, RIG_NOTHING_RAN);
	done(&s);
}

/* What a controller that never answered does not claim is not settled. */
static void dead_controller(void)
{
	struct seen s = RUN("dead", "case=bad.na", "case=bad.last");

	expect(&s, "bad.na", "SKIP",
	       "target: the controller did not answer the probe, so this is not settled: ONCS bit "
	       "3 is 0",
	       "");
	expect(&s, "bad.last", "PASS", "", "");
	done(&s);
}

static void fail_fast(void)
{
	struct seen s = RUN("fail-fast", "case=bad.fails", "case=bad.last");

	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	expect(&s, "bad.last", "NOTRUN", "--fail-fast: bad.fails was FAIL", "notrun");
	done(&s);
}

/* ---- what is under the cases ---- */

static void engine_dies(void)
{
	struct seen s = RUN("dies=good.passes", "case=good.passes", "case=bad.last");
	struct json_object *e;

	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	expect(&s, "good.passes", "FAIL", "engine died: SIGABRT", "");
	expect(&s, "bad.last", "PASS", "", "");
	e = last(&s, "engine", "good.passes");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "signal"), "SIGABRT");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "log"), "assertion failed\n");
	CU_ASSERT_STRING_EQUAL(event_get_str(last(&s, "stack", NULL), "state"), "restarted");
	done(&s);
}

static void engine_stays_dead(void)
{
	struct seen s = RUN("dies=good.passes", "no-restart", "case=good.passes", "case=bad.last");

	CU_ASSERT_EQUAL(s.status, RIG_DRIVE_FAILED);
	expect(&s, "bad.last", "NOTRUN", "the stack did not come back: no spare engine", "notrun");
	done(&s);
}

static void engine_mute(void)
{
	struct seen s = RUN("silent=bad.hangs", "dies=none", "deadline=1", "case=bad.hangs",
			    "case=bad.last");

	expect(&s, "bad.hangs", "FAIL",
	       "engine stopped answering: no answer; seen by the case: deadline: 1 s", "");
	expect(&s, "bad.last", "PASS", "", "");
	done(&s);
}

static void drive_does_not_come_back(void)
{
	struct seen s = RUN("silent=bad.fails", "case=bad.fails", "case=bad.last");

	expect(&s, "bad.fails", "FAIL", two_of_three, "");
	expect(&s, "bad.last", "SKIP",
	       "target: the device did not come back after bad.fails: no answer", "");
	done(&s);
}

/* ---- trouble of the rig ---- */

static void disk_full(void)
{
	struct seen s = RUN("full", "case=good.*", "case=bad.last");

	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	CU_ASSERT_PTR_NULL(last(&s, "run_end", NULL));
	CU_ASSERT_PTR_NOT_NULL(last(&s, "case_end", "good.passes"));
	CU_ASSERT_PTR_NULL(last(&s, "case_end", "bad.last"));
	done(&s);
}

/* What SIGKILL does not end is left alone, and so is the device. */
static void worker_stuck(void)
{
	struct seen s = RUN("stuck", "deadline=1", "case=bad.stuck", "case=bad.last");
	struct json_object *rest = last(&s, "case_end", "bad.last");

	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	expect(&s, "bad.stuck", "BROKEN", "deadline: 1 s, then stuck in the kernel", "timeout");
	CU_ASSERT_STRING_EQUAL(event_get_str(rest, "verdict"), "NOTRUN");
	CU_ASSERT_PTR_NOT_NULL(
		strstr(event_get_str(rest, "reason"), "the worker of bad.stuck (process "));
	done(&s);
}

static void stopped_by(int signal)
{
	struct seen s = { .status = -1 };
	pid_t pid = start((const char *const[]){ "run", "case=good.passes", "case=bad.hangs",
						 "case=bad.last", NULL },
			  s.dir);

	CU_ASSERT_TRUE(wait_for(s.dir, "bad.hangs"));
	kill(pid, signal);
	finish(pid, &s);
	read_journal(&s);
	CU_ASSERT_EQUAL(s.status, RIG_STOPPED);
	expect(&s, "good.passes", "PASS", "", "");
	expect(&s, "bad.hangs", "NOTRUN", "stopped by signal", "notrun");
	expect(&s, "bad.last", "NOTRUN", "stopped by signal", "notrun");
	CU_ASSERT_PTR_NOT_NULL(last(&s, "run_end", NULL));
	done(&s);

	/* what was not run runs now */
	s = resume(s.dir, (const char *const[]){ "resume", "case=good.passes", "case=bad.hangs",
						 "case=bad.last", "deadline=1", NULL });
	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	expect(&s, "bad.hangs", "BROKEN", "deadline: 1 s", "timeout");
	expect(&s, "bad.last", "PASS", "", "");
	CU_ASSERT_EQUAL(count(&s, "run_end"), 2);
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "run_end", NULL), "notrun"), 0);
	done(&s);
}

static void stopped(void)
{
	stopped_by(SIGINT);
	stopped_by(SIGTERM);
}

/* kill -9 of the runner in a case: that case is lost, what was is kept, the rest runs. */
static void killed(void)
{
	static const char *const words[] = { "resume", "case=good.passes", "case=bad.hangs",
					     "case=bad.last", NULL };
	struct seen s = { .status = -1 };
	pid_t pid = start((const char *const[]){ "run", "case=good.passes", "case=bad.hangs",
						 "case=bad.last", NULL },
			  s.dir);
	char path[PATH_MAX + 32];
	FILE *f;

	CU_ASSERT_TRUE(wait_for(s.dir, "bad.hangs"));
	kill(pid, SIGKILL);
	finish(pid, &s);
	CU_ASSERT_EQUAL(s.status, 1000 + SIGKILL);
	snprintf(path, sizeof(path), "%s/events.jsonl", s.dir);
	f = fopen(path, "a");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs("{\"seq\":9,\"t\":\"20", f);
	fclose(f);
	s = resume(s.dir, words);
	CU_ASSERT_EQUAL(s.status, RIG_BROKE);
	expect(&s, "good.passes", "PASS", "", "");
	expect(&s, "bad.hangs", "LOST",
	       "the run was cut in this case: its journal has no end of it", "lost");
	expect(&s, "bad.last", "PASS", "", "");
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "resume", NULL), "cut_bytes"), 16);
	CU_ASSERT_STRING_EQUAL(event_get_str(last(&s, "resume", NULL), "lost"), "bad.hangs");
	CU_ASSERT_EQUAL(count(&s, "case_end"), 3);
	CU_ASSERT_EQUAL(count(&s, "plan"), 3);
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "run_end", NULL), "pass"), 2);
	CU_ASSERT_EQUAL(event_get_u64(last(&s, "run_end", NULL), "lost"), 1);
	done(&s);
}

/* A worker that crashed is down, whatever the case had found before. */
static void down(void)
{
	static const struct worker ends[] = {
		{ .end = WORKER_EXITED },
		{ .end = WORKER_DIED, .signal = SIGSEGV },
		{ .end = WORKER_LATE },
		{ .end = WORKER_KILLED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
		const struct witness w = { .checks = 2, .failed = 1, .said = i ? 0 : FAIL };
		struct outcome o = { .checks = 0 };

		judge_end(&w, &ends[i], 1, &o);
		CU_ASSERT_EQUAL(o.verdict, FAIL);
		CU_ASSERT_PTR_NULL(o.error);
		CU_ASSERT_EQUAL(o.down, i == 1 || i == 2);
	}
}

/* No process of ours is left: every worker was in a group that was killed. */
static void nobody_left(void)
{
	CU_ASSERT_EQUAL(waitpid(-1, NULL, WNOHANG), -1);
	CU_ASSERT_EQUAL(errno, ECHILD);
}

static const struct unit units[] = {
	{ "verdicts", verdicts },
	{ "babble", babble },
	{ "flood", flood },
	{ "logs", logs },
	{ "known deviations", known },
	{ "known deviations and trouble", known_and_broken },
	{ "the kernel says", kernel_says },
	{ "the kernel says between", kernel_says_between },
	{ "repeated", repeated },
	{ "unstable", unstable },
	{ "nothing ran", nothing_ran },
	{ "dead controller", dead_controller },
	{ "fail fast", fail_fast },
	{ "engine dies", engine_dies },
	{ "engine stays dead", engine_stays_dead },
	{ "engine mute", engine_mute },
	{ "worker stuck", worker_stuck },
	{ "drive does not come back", drive_does_not_come_back },
	{ "disk full", disk_full },
	{ "stopped", stopped },
	{ "killed", killed },
	{ "down", down },
	{ "nobody left", nobody_left },
};

int main(int argc, char **argv)
{
	if (argc > 2)
		return fake_rig_main(argc - 1, argv + 1);
	return unit_main_in(top, "runner", units, ARRAY_SIZE(units));
}
