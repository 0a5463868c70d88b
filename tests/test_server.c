// SPDX-License-Identifier: GPL-2.0-or-later
/* Stacks of kind server: a program that serves comes up, is set up, ends, and leaves nothing. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stack/stack.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-test-server-XXXXXX";

static struct stack_config config(const char *command, const char *setup)
{
	struct stack_config c = { .name = "t",
				  .kind = STACK_SERVER,
				  .start_s = 10,
				  .life = "$RIG_DIR/up",
				  .target = "vfio-user:$RIG_DIR/up?dir=$RIG_DIR" };

	snprintf(c.command, sizeof(c.command), "%s", command);
	snprintf(c.setup, sizeof(c.setup), "%s", setup);
	return c;
}

/* The directory of a stack that is up, from its target. */
static void directory(const struct stack *s, char ret[64])
{
	snprintf(ret, 64, "%s", strstr(stack_target(s), "?dir=") + strlen("?dir="));
}

static bool goes(const char *path)
{
	const struct timespec tick = { .tv_nsec = 10 * 1000 * 1000 };

	for (int i = 0; i < 500 && !access(path, F_OK); i++)
		nanosleep(&tick, NULL);
	return access(path, F_OK);
}

static void up_and_down(void)
{
	struct stack_config c = config("sleep 1000", "touch $RIG_DIR/more; test -x \"$NVRIG\"; "
						     "touch $RIG_DIR/up");
	char error[512] = "", dir[64], want[160];
	struct stack_death d;
	struct stack *s;

	CU_ASSERT_EQUAL_FATAL(stack_up(&c, top, &s, error), 0);
	directory(s, dir);
	snprintf(want, sizeof(want), "vfio-user:%s/up?dir=%s", dir, dir);
	CU_ASSERT_STRING_EQUAL(stack_target(s), want);
	CU_ASSERT_STRING_EQUAL(stack_engine(s), "sleep");
	CU_ASSERT_TRUE(stack_alive(s, &d));
	kill(stack_pid(s), SIGKILL);
	for (int i = 0; i < 500 && stack_alive(s, &d); i++)
		nanosleep(&(const struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
	CU_ASSERT_TRUE(d.died);
	CU_ASSERT_STRING_EQUAL(d.text, "sleep died: SIGKILL");
	CU_ASSERT_EQUAL(stack_restart(s, error), 0);
	CU_ASSERT_TRUE(stack_alive(s, &d));
	CU_ASSERT_EQUAL(access(dir, F_OK), 0);
	stack_down(s);
	CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
}

static void fails(struct stack_config c, int want_err, const char *want)
{
	char error[512] = "";
	struct stack *s;

	CU_ASSERT_EQUAL(stack_up(&c, top, &s, error), want_err);
	CU_ASSERT_PTR_NULL(s);
	if (!strstr(error, want))
		printf("\n%s\n", error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, want));
}

static void does_not_come_up(void)
{
	struct stack_config late = config("sleep 1000", "");

	late.start_s = 1;
	fails(config("sleep 1000", "echo one; echo no such bdev >&2; exit 3"), -EIO,
	      "setup of t failed: no such bdev");
	fails(config("sh -c 'echo no core; exit 3'", ""), -ECHILD, "status 3");
	fails(config("sh -c 'echo no core; exit 3'", ""), -ECHILD, "no core");
	fails(config("/nowhere/at-all", ""), -ECHILD, "at-all exited with status 127");
	fails(late, -ETIMEDOUT, "does not answer within 1 s");
	snprintf(late.setup, sizeof(late.setup), "sleep 100");
	fails(late, -ETIMEDOUT, "setup of t does not end");
}

static void is_not_there(void)
{
	struct stack_config c = config("sleep 1", "");

	CU_ASSERT_PTR_NULL(stack_lacks(&c));
	c.programs.n = 1;
	strcpy(c.programs.word[0], "no-such-program");
	strcpy(c.without, "build it");
	CU_ASSERT_STRING_EQUAL(stack_lacks(&c), "no-such-program is not installed: build it");
}

/* Who has it up is killed: the program ends, and its directory goes. */
static void dies_with_us(void)
{
	struct stack_config c = config("sleep 1000", "touch $RIG_DIR/up");
	char error[512], dir[64] = "";
	int pipes[2];
	pid_t child;

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	child = fork();
	if (!child) {
		struct stack *s;

		if (stack_up(&c, top, &s, error))
			_exit(1);
		directory(s, dir);
		(void)!write(pipes[1], dir, sizeof(dir));
		pause();
		_exit(0);
	}
	close(pipes[1]);
	CU_ASSERT_EQUAL(read(pipes[0], dir, sizeof(dir)), sizeof(dir));
	close(pipes[0]);
	CU_ASSERT_EQUAL(access(dir, F_OK), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CU_ASSERT_TRUE(goes(dir));
}

static const struct unit units[] = {
	{ "up and down", up_and_down },
	{ "does not come up", does_not_come_up },
	{ "is not there", is_not_there },
	{ "dies with us", dies_with_us },
};

UNIT_MAIN_IN(top, "server", units)
