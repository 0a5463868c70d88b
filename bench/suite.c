// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the rig costs. usage: build/dev/bench/suite [NVRIG] [quick|normal|soak]
 *
 * The core suite as a user runs it (nvrig in a child), on the model and on QEMU; the share of the
 * wall time that the rig's own code runs (user CPU of runner and workers; QEMU is a process of its
 * own and is not counted, nor is the system's CPU, which perf shows to be yields and socket calls
 * while the device is waited for); the cost of an event written; admin commands a second. The
 * model runs inside the worker, so for it the share says nothing and is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <libgen.h>
#include <linux/limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "event/event.h"
#include "nvme/ctrl.h"
#include "rig/journal.h"
#include "rig/stack.h"
#include "stack/stack.h"

#define EVENTS	       20000
#define ADMIN_COMMANDS 5000

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NS_PER_S;
}

static double cpu_seconds(const struct timeval *t)
{
	return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void remove_tree(const char *dir)
{
	nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Cases that ended, from the run's journal. */
static unsigned count_cases(const char *out)
{
	char path[PATH_MAX + 32], *line = NULL;
	unsigned n = 0;
	size_t size = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/latest/events.jsonl", out);
	f = fopen(path, "r");
	while (f && getline(&line, &size, f) > 0)
		n += strstr(line, "\"type\":\"case_end\"") != NULL;
	free(line);
	if (f)
		fclose(f);
	return n;
}

static void run_suite(const char *nvrig, const char *name, const char *target, const char *effort,
		      const char *dir, bool own_share)
{
	char out[PATH_MAX];
	struct rusage usage;
	uint64_t begin = clock_mono_ns(), wall;
	unsigned cases;
	int status;
	pid_t pid;

	snprintf(out, sizeof(out), "%s/%s", dir, name);
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		execl(nvrig, nvrig, "run", target, "--effort", effort, "--out", out, "-q",
		      (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status) ||
	    WEXITSTATUS(status) == 127) {
		printf("%-12s suite                  could not be run\n", name);
		return;
	}
	wall = clock_mono_ns() - begin;
	cases = count_cases(out);
	printf("%-12s suite, %-6s         %8.2f s   %u cases, %.2f ms a case, exit %d\n", name,
	       effort, seconds(wall), cases, cases ? seconds(wall) * 1000 / cases : 0.0,
	       WEXITSTATUS(status));
	if (own_share)
		printf("%-12s rig's own share       %8.1f %%   %.2f s of user CPU (and %.2f s of "
		       "system CPU, mostly waiting for the device: sockets, yields)\n",
		       name, 100 * cpu_seconds(&usage.ru_utime) / seconds(wall),
		       cpu_seconds(&usage.ru_utime), cpu_seconds(&usage.ru_stime));
}

static void admin_rate(const char *name, const char *target)
{
	struct target *t;
	struct ctrl *c = NULL;
	uint8_t data[4096];
	struct cmd cmd = cmd_identify(1, 0, data);
	struct ctrl_config cfg;
	struct cpl cpl;
	char error[256];
	uint64_t begin, wall;
	int err = target_open(target, &t, error);

	if (err) {
		printf("%-12s admin commands         %s\n", name, error);
		return;
	}
	err = ctrl_open(t, &c);
	if (!err) {
		cfg = ctrl_defaults(c);
		err = ctrl_enable(c, &cfg, NULL);
	}
	begin = clock_mono_ns();
	for (unsigned i = 0; !err && i < ADMIN_COMMANDS; i++)
		err = ctrl_admin(c, &cmd, &cpl);
	wall = clock_mono_ns() - begin;
	if (err)
		printf("%-12s admin commands         %s\n", name, strerror(-err));
	else
		printf("%-12s admin commands        %8.0f /s  Identify, one at a time\n", name,
		       ADMIN_COMMANDS / seconds(wall));
	ctrl_close(c);
	target_close(t);
}

static void event_cost(const char *dir)
{
	char error[JOURNAL_ERROR];
	uint64_t begin, wall, synced;
	struct journal j;

	if (journal_create(&j, dir, error)) {
		printf("journal: %s\n", error);
		return;
	}
	begin = clock_mono_ns();
	for (unsigned i = 0; i < EVENTS; i++) {
		struct json_object *e = event_new("check"), *stamped = NULL;

		event_str(e, "case", "queue.delete-bad-id[admin]");
		event_bool(e, "ok", true);
		event_str(e, "what", "status");
		event_str(e, "got", "101h Invalid Queue Identifier");
		event_str(e, "want", "101h Invalid Queue Identifier");
		event_u64(e, "line", i);
		journal_append(&j, e, &stamped);
		json_object_put(stamped);
		json_object_put(e);
	}
	wall = clock_mono_ns() - begin;
	printf("%-12s event written         %8.2f us\n", "journal", seconds(wall) * 1e6 / EVENTS);
	begin = clock_mono_ns();
	for (unsigned i = 0; i < 50; i++) {
		struct json_object *e = event_new("case_begin"), *stamped = NULL;

		journal_append(&j, e, &stamped);
		json_object_put(stamped);
		json_object_put(e);
		journal_sync(&j);
	}
	synced = clock_mono_ns() - begin;
	printf("%-12s event on disk         %8.2f us  begin records, with fdatasync\n", "journal",
	       seconds(synced) * 1e6 / 50);
	journal_close(&j);
}

static void on_qemu(const char *nvrig, const char *effort, const char *dir)
{
	struct stack_config cfg;
	char error[512] = "no directory", sub[PATH_MAX];
	struct stack *s;

	if (stack_config_load(NULL, "qemu-qtest", &cfg, error)) {
		printf("qemu-qtest: %s\n", error);
		return;
	}
	snprintf(sub, sizeof(sub), "%s/stack", dir);
	if (mkdir(sub, 0700) || stack_up(&cfg, sub, &s, error)) {
		printf("qemu-qtest: %s\n", error);
		return;
	}
	admin_rate("qemu-qtest", stack_target(s));
	run_suite(nvrig, "qemu-qtest", stack_target(s), effort, dir, true);
	stack_down(s);
}

int main(int argc, char **argv)
{
	char beside[PATH_MAX], dir[] = "/tmp/nvrig-bench-XXXXXX";
	const char *nvrig = argc > 1 ? argv[1] : beside;
	const char *effort = argc > 2 ? argv[2] : "normal";
	ssize_t n = readlink("/proc/self/exe", beside, sizeof(beside) - 16);

	if (n < 0 || !mkdtemp(dir))
		return 2;
	beside[n] = 0;
	strcat(dirname(dirname(beside)), "/nvrig");
	event_cost(dir);
	admin_rate("model", "model:");
	run_suite(nvrig, "model", "model:", effort, dir, false);
	run_suite(nvrig, "model", "model:", "quick", dir, false);
	on_qemu(nvrig, effort, dir);
	remove_tree(dir);
	return 0;
}
