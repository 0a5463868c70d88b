// SPDX-License-Identifier: GPL-2.0-or-later
/* Bringing a stack up: what goes wrong is said in words, and nothing is left behind. */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/clock.h"
#include "stack/qemu.h"
#include "stack/stack.h"
#include "target/target.h"
#include "tests/unit.h"

static char dir[64];

static struct stack_config good(void)
{
	return (struct stack_config){
		.name = "test",
		.kind = "qemu-qtest",
		.binary = "qemu-system-x86_64",
		.memory_bytes = 32 << 20,
		.disk_bytes = 16 << 20,
		.accel = "tcg",
		.cache = "writeback",
		.addr = "05.0",
		.device = "serial=TEST",
		.ns = { { 1, "logical_block_size=512" },
			{ 3, "logical_block_size=4096,physical_block_size=4096" } },
		.n_ns = 2,
		.start_s = 20,
	};
}

static bool have_qemu(void)
{
	char path[256];

	return !capture_find("qemu-system-x86_64", path, sizeof(path));
}

/* Entries of a directory whose names begin so. */
static unsigned count(const char *where, const char *prefix)
{
	DIR *d = opendir(where);
	unsigned n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		n += e->d_name[0] != '.' && !strncmp(e->d_name, prefix, strlen(prefix));
	if (d)
		closedir(d);
	return n;
}

static bool gone(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		if (kill(pid, 0) && errno == ESRCH)
			return true;
		usleep(10000);
	}
	return false;
}

/* A program of a few shell lines that stands in for QEMU. */
static void fake(struct stack_config *c, const char *script)
{
	FILE *f;

	snprintf(c->binary, sizeof(c->binary), "%s/fake", dir);
	unlink(c->binary);
	f = fopen(c->binary, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	chmod(c->binary, 0700);
}

#define SAYS_VERSION "[ \"$1\" = --version ] && { echo QEMU emulator version 9.1.2; exit 0; }\n"

static void fails(const struct stack_config *c, const char *where, int want, const char *words)
{
	struct stack *s = (struct stack *)1;
	char error[512] = "";
	int err = stack_up(c, where, &s, error);

	if (err != want || !strstr(error, words))
		fprintf(stderr, "got %d '%s', want %d '%s'\n", err, error, want, words);
	CU_ASSERT_EQUAL(err, want);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, words));
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_EQUAL(count(where, "rig-ns"), 0);
	CU_ASSERT_EQUAL(count(where, "rig-qtest"), 0);
}

static void not_installed(void)
{
	struct stack_config c = good();

	strcpy(c.binary, "qemu-system-of-nowhere");
	fails(&c, dir, -ENOENT, "not installed; on Debian: apt-get install qemu-system-x86");
	CU_ASSERT_PTR_NOT_NULL(strstr(stack_lacks(&c), "not installed"));
	strcpy(c.binary, "/etc/passwd");
	fails(&c, dir, -ENOENT, "not installed");
}

static void too_old(void)
{
	struct stack_config c = good();

	fake(&c, "echo 'QEMU emulator version 2.12.1 (old)'");
	fails(&c, dir, -ENOTSUP, "QEMU 2.12.1, too old: 6.2 or later");
	CU_ASSERT_PTR_NOT_NULL(strstr(stack_lacks(&c), "2.12.1"));
	fake(&c, "echo hello");
	fails(&c, dir, -EPROTO, "says 'hello'");
	fake(&c, "echo QEMU emulator version 9.0.0; exit 3");
	fails(&c, dir, -EPROTO, "not a QEMU that works");
}

static void versions(void)
{
	struct qemu_version v;

	CU_ASSERT(!qemu_parse_version("QEMU emulator version 7.2.22 (Debian 1:7.2)", &v));
	CU_ASSERT(v.major == 7 && v.minor == 2 && v.micro == 22);
	CU_ASSERT(!qemu_parse_version("QEMU emulator version 10.1", &v) && v.major == 10);
	CU_ASSERT_EQUAL(qemu_parse_version("version 7.2.22", &v), -EPROTO);
	CU_ASSERT_EQUAL(qemu_parse_version("QEMU emulator version x", &v), -EPROTO);
	CU_ASSERT_EQUAL(qemu_parse_version("", &v), -EPROTO);
}

static void dies_at_start(void)
{
	struct stack_config c = good();

	fake(&c, SAYS_VERSION "echo first; echo 'the disk is on fire' >&2; exit 7");
	fails(&c, dir, -ECHILD,
	      "exited with status 7 before it answered: first the disk is on fire");
	fake(&c, SAYS_VERSION "kill -ABRT $$");
	fails(&c, dir, -ECONNABORTED, "died: SIGABRT before it answered");
	fake(&c, SAYS_VERSION "exit 0");
	fails(&c, dir, -ECHILD, "exited with status 0 before it answered: it said nothing");
}

/* It hangs, also when asked to end: both have their limits. */
static void hangs_at_start(void)
{
	struct stack_config c = good();
	uint64_t begun = clock_mono_ns();

	c.start_s = 1;
	fake(&c, SAYS_VERSION "trap '' TERM; echo $$ >&2; while :; do sleep 0.2; done");
	fails(&c, dir, -ETIMEDOUT, "does not answer within 1 s");
	CU_ASSERT(clock_mono_ns() - begun < 8 * NS_PER_S);
}

static void bad_config(void)
{
	struct stack_config c = good();

	strcpy(c.kind, "abacus");
	fails(&c, dir, -ENOTSUP, "no kind 'abacus'");
	c = good();
	c.n_ns = 0;
	fails(&c, dir, -EINVAL, "namespaces");
	if (!have_qemu())
		return;
	c = good();
	fails(&c, "/nonexistent/dir", -ENOENT, "/nonexistent/dir");
	fails(&c, "/proc", -ENOENT, "/proc");
	strcpy(c.device, "serial=TEST,nonsense=1");
	fails(&c, dir, -ECHILD, "nonsense");
	c = good();
	strcpy(c.extra, "-machine  abacus");
	fails(&c, dir, -ECHILD, "unsupported machine type");
}

static bool opens(const struct stack *s)
{
	char error[256];
	struct target *t;
	uint64_t version = 0;
	int err = target_open(stack_target(s), &t, error);

	if (err) {
		fprintf(stderr, "%s\n", error);
		return false;
	}
	t->ops->reg_read(t, 8, 32, &version);
	target_close(t);
	return version == 0x10400;
}

static void up_die_restart_down(void)
{
	struct stack_config c = good();
	struct stack_death d;
	struct stack *s;
	char error[512] = "";
	pid_t first, second;

	if (!have_qemu())
		return;
	CU_ASSERT_EQUAL_FATAL(stack_up(&c, dir, &s, error), 0);
	CU_ASSERT(!strncmp(stack_engine(s), "QEMU ", 5));
	CU_ASSERT(stack_alive(s, &d));
	CU_ASSERT(opens(s) && opens(s));
	first = stack_pid(s);
	kill(first, SIGSEGV);
	CU_ASSERT(gone(first));
	usleep(50000);
	CU_ASSERT(!stack_alive(s, &d));
	CU_ASSERT(d.died && d.signal == SIGSEGV);
	CU_ASSERT_STRING_EQUAL(d.text, "qemu-system-x86_64 died: SIGSEGV");
	CU_ASSERT(!opens(s));
	CU_ASSERT_EQUAL_FATAL(stack_restart(s, error), 0);
	CU_ASSERT(stack_alive(s, NULL) && opens(s));
	second = stack_pid(s);
	CU_ASSERT_EQUAL(count(dir, "rig-ns"), 2);
	stack_down(s);
	CU_ASSERT(gone(second));
	CU_ASSERT_EQUAL(count(dir, "rig-ns") + count(dir, "rig-qtest"), 0);
}

/* A name that no socket can have, with a comma that QEMU would take for its own. */
static void long_name(void)
{
	struct stack_config c = good();
	unsigned before = count("/tmp", "rig-q");
	char where[256], log[300], error[512] = "";
	struct stack *s;

	if (!have_qemu())
		return;
	memset(where, 0, sizeof(where));
	snprintf(where, sizeof(where), "%s/", dir);
	memset(where + strlen(where), 'x', 120);
	strcat(where, ",y");
	CU_ASSERT_EQUAL(mkdir(where, 0700), 0);
	CU_ASSERT_EQUAL_FATAL(stack_up(&c, where, &s, error), 0);
	CU_ASSERT(opens(s));
	stack_down(s);
	CU_ASSERT_EQUAL(count("/tmp", "rig-q"), before);
	snprintf(log, sizeof(log), "%s/rig-qemu.log", where);
	unlink(log);
	CU_ASSERT_EQUAL(rmdir(where), 0);
}

/* kill -9 of whoever brought the stack up: no process, no socket, no disk is left. */
static void rig_killed(void)
{
	struct stack_config c = good();
	pid_t rig, qemu = 0;
	int pipes[2];

	if (!have_qemu())
		return;
	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	rig = fork();
	if (!rig) {
		char error[512];
		struct stack *s;

		if (!stack_up(&c, dir, &s, error))
			qemu = stack_pid(s);
		if (write(pipes[1], &qemu, sizeof(qemu)) < 0)
			_exit(1);
		pause();
	}
	close(pipes[1]);
	CU_ASSERT_EQUAL(read(pipes[0], &qemu, sizeof(qemu)), sizeof(qemu));
	close(pipes[0]);
	CU_ASSERT_FATAL(qemu > 0);
	CU_ASSERT_EQUAL(count(dir, "rig-ns"), 2);
	kill(rig, SIGKILL);
	waitpid(rig, NULL, 0);
	CU_ASSERT(gone(qemu));
	for (int i = 0; i < 500 && count(dir, "rig-ns") + count(dir, "rig-qtest"); i++)
		usleep(10000);
	CU_ASSERT_EQUAL(count(dir, "rig-ns") + count(dir, "rig-qtest"), 0);
}

/* The store is kept when asked for, and is the same when the stack comes up again. */
static void kept_disk(void)
{
	struct stack_config c = good();
	char path[128], error[512] = "";
	struct stack *s;
	struct stat st;

	if (!have_qemu())
		return;
	c.keep_disk = true;
	CU_ASSERT_EQUAL_FATAL(stack_up(&c, dir, &s, error), 0);
	stack_down(s);
	CU_ASSERT_EQUAL(count(dir, "rig-ns"), 2);
	snprintf(path, sizeof(path), "%s/rig-ns1.img", dir);
	CU_ASSERT(!stat(path, &st) && st.st_size == 16 << 20);
	unlink(path);
	snprintf(path, sizeof(path), "%s/rig-ns3.img", dir);
	unlink(path);
}

/* A socket that somebody else serves is left alone. */
static void socket_taken(void)
{
	struct stack_config c = good();
	char error[512] = "";
	struct stack *a, *b;

	if (!have_qemu())
		return;
	CU_ASSERT_EQUAL_FATAL(stack_up(&c, dir, &a, error), 0);
	CU_ASSERT_EQUAL(stack_up(&c, dir, &b, error), -EADDRINUSE);
	CU_ASSERT(stack_alive(a, NULL) && opens(a));
	stack_down(a);
}

static int make_dir(void)
{
	strcpy(dir, "/tmp/rig-test-stack-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/rig-qemu.log", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/fake", dir);
	unlink(path);
	return rmdir(dir); /* fails when something was left */
}

static const struct unit units[] = {
	{ "not installed", not_installed },
	{ "too old", too_old },
	{ "versions", versions },
	{ "dies at start", dies_at_start },
	{ "hangs at start", hangs_at_start },
	{ "bad config", bad_config },
	{ "up die restart down", up_die_restart_down },
	{ "long name", long_name },
	{ "rig killed", rig_killed },
	{ "kept disk", kept_disk },
	{ "socket taken", socket_taken },
};

int main(void)
{
	if (!have_qemu())
		puts("no qemu-system-x86_64 here: what needs it is left out");
	return unit_main_with("stack", make_dir, remove_dir, units, ARRAY_SIZE(units));
}
