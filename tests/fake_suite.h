/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases that pass, fail, crash, hang and lie, on no device: what the planner and the runner are
 * tested with. event_fd is set by fake_run_case, for the cases that write to it themselves.
 */
#ifndef TESTS_FAKE_SUITE_H
#define TESTS_FAKE_SUITE_H

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <unistd.h>

#include "case/case.h"
#include "nvme/facts.h"

static int fake_fd = -1;

static int fake_run_case(const struct case_run *run)
{
	fake_fd = run->event_fd;
	return case_run(run);
}

static void raw(const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fake_fd, bytes, n);

		if (done < 0)
			_exit(99);
		bytes += done;
		n -= (size_t)done;
	}
}

static void line(const char *text)
{
	raw(text, strlen(text));
	raw("\n", 1);
}

static void passes(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
}

static void fails(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	CHECK_EQ(r, "two", 3, 2);
}

static void advises(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	ADVISE_EQ(r, "nice", 0, 1);
}

static void leaves_na(struct rig *r)
{
	rig_na(r, "ONCS bit 3 is 0");
}

static void leaves_skip(struct rig *r)
{
	rig_skip(r, "tool", "no hammer");
}

static void checks_nothing(struct rig *r)
{
	(void)r;
}

static void crashes(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	CHECK_EQ(r, "two", 2, 2);
	abort();
}

static void fails_then_crashes(struct rig *r)
{
	CHECK_EQ(r, "two", 3, 2);
	abort();
}

static void fails_then_hangs(struct rig *r)
{
	CHECK_EQ(r, "two", 3, 2);
	for (;;)
		pause();
}

static void hangs(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	for (;;)
		pause();
}

/* A child that outlives its worker, holds the pipe and cannot be asked. */
static void leaves_child(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	if (fork() == 0)
		for (;;)
			pause();
}

/*
 * A process that SIGKILL ends and that its parent still cannot reap, as one asleep in the kernel: a
 * debugger that does not listen holds it, until that ends after two seconds.
 */
static void stuck(struct rig *r)
{
	pid_t worker = getpid();
	int ready[2];
	char byte = 0;

	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	if (pipe(ready))
		_exit(99);
	if (fork() == 0) {
		setsid();
		byte = !ptrace(PTRACE_SEIZE, worker, NULL, NULL);
		if (write(ready[1], &byte, 1) == 1)
			sleep(2);
		_exit(0);
	}
	CHECK_EQ(r, "told", (uint64_t)read(ready[0], &byte, 1), 1);
	CHECK_EQ(r, "held", (uint64_t)byte, 1);
	for (;;)
		pause();
}

static void exits(struct rig *r)
{
	CHECK_EQ(r, "one", 1, 1);
	_exit(7);
}

static void babbles(struct rig *r)
{
	static const char nul[] = "{\"type\":\"no\0te\"}";

	CHECK_EQ(r, "one", 1, 1);
	line("this is no event");
	line("{\"type\":17}");
	line("{\"type\":\"note\",\"text\":NaN}");
	line("{\"type\":\"case_end\",\"verdict\":\"PASS\"}");
	line("{\"type\":\"note\",\"seq\":9999,\"case\":\"other\",\"text\":\"mine\"}");
	raw(nul, sizeof(nul));
	line("");
	raw("{\"type\":\"note\"", 14); /* and no end */
}

static void babbles_long(struct rig *r)
{
	static char big[1 << 20];

	memset(big, 'x', sizeof(big));
	raw(big, sizeof(big));
	line("");
	CHECK_EQ(r, "one", 1, 1);
}

static void floods(struct rig *r)
{
	(void)r;
	for (;;)
		line("{\"type\":\"note\",\"text\":\"0123456789012345678901234567890123456789\"}");
}

static void lies(struct rig *r)
{
	CHECK_EQ(r, "two", 3, 2);
	line("{\"type\":\"verdict\",\"verdict\":\"PASS\",\"checks\":5,\"failed\":0,\"advice\":0}");
	_exit(0);
}

static void lies_with_none(struct rig *r)
{
	(void)r;
	line("{\"type\":\"verdict\",\"verdict\":\"PASS\",\"checks\":0,\"failed\":0,\"advice\":0}");
	_exit(0);
}

static void talks(struct rig *r)
{
	printf("to standard output\n");
	fprintf(stderr, "to standard error\n");
	CHECK_EQ(r, "stdin is empty", (uint64_t)getchar(), (uint64_t)EOF);
}

/* Every attempt has a seed of its own. */
static void wavers(struct rig *r)
{
	CHECK_EQ(r, "coin", rig_rand(r) & 1, 1);
}

static const struct fake_row {
	const char *name;
	uint64_t value;
} fake_rows[] = { { "first", 1 }, { "second", 2 }, { "third", 3 } };

static void has_rows(struct rig *r)
{
	const struct fake_row *row = rig_row(r);

	CHECK_LE(r, "value", row->value, 2);
}

static const char *never(const struct facts *f)
{
	return f->nn ? "the drive has namespaces" : NULL;
}

#define FAKE(name_, run_)                                                                          \
	{                                                                                          \
		.id = name_, .rule = "A rule.", .ref = "Base 2.0 Section", .run = run_             \
	}

static const struct rig_case fake_good[] = {
	FAKE("passes", passes),
	FAKE("advises", advises),
	{ .id = "rows",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .run = has_rows,
	  ROWS(fake_rows) },
	{ .id = "needs",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .run = passes,
	  .needs = NEED_QUEUES | NEED_HOLE },
	{ .id = "harms",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .run = passes,
	  .harm = HARM_FOREVER },
	{ .id = "never",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .run = passes,
	  .na = never,
	  .harm = HARM_FOREVER },
};

static const struct rig_case fake_bad[] = {
	FAKE("fails", fails),
	FAKE("na", leaves_na),
	FAKE("skip", leaves_skip),
	FAKE("checks-nothing", checks_nothing),
	FAKE("crashes", crashes),
	FAKE("fails-then-crashes", fails_then_crashes),
	FAKE("fails-then-hangs", fails_then_hangs),
	FAKE("hangs", hangs),
	FAKE("leaves-child", leaves_child),
	FAKE("exits", exits),
	FAKE("babbles", babbles),
	FAKE("babbles-long", babbles_long),
	FAKE("floods", floods),
	FAKE("lies", lies),
	FAKE("lies-with-none", lies_with_none),
	FAKE("talks", talks),
	FAKE("wavers", wavers),
	{ .id = "stuck",
	  .rule = "A rule.",
	  .ref = "Base 2.0 Section",
	  .run = stuck,
	  .harm = HARM_FOREVER },
	FAKE("last", passes),
};

static const struct rig_suite fake_good_suite = { CONFORMANCE, "good", fake_good,
						  ARRAY_SIZE(fake_good), NULL };
static const struct rig_suite fake_bad_suite = { CONFORMANCE, "bad", fake_bad, ARRAY_SIZE(fake_bad),
						 NULL };

static const struct rig_suite *const fake_suites[]
	__attribute__((unused)) = { &fake_good_suite, &fake_bad_suite, NULL };
static int (*const fake_runner)(const struct case_run *) __attribute__((unused)) = fake_run_case;

#endif
