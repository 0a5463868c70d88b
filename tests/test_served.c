// SPDX-License-Identifier: GPL-2.0-or-later
/* What serves a controller beside a guest: it comes up, it ends, and nothing of it is left. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "stack/guest.h"
#include "stack/served.h"
#include "unit.h"

#define WAIT_TICKS 500

static int log_fd;

static void tick(void)
{
	nanosleep(&(const struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
}

static bool goes(const char *path)
{
	for (int i = 0; i < WAIT_TICKS && !access(path, F_OK); i++)
		tick();
	return access(path, F_OK) && errno == ENOENT;
}

static void up_and_down(void)
{
	char error[STACK_ERROR] = "", how[128];
	struct served s = { 0 };
	char socket[sizeof(s.socket)], dir[sizeof(s.dir)];

	CU_ASSERT_EQUAL(served_start(&s, NVRIG_PROGRAM, "model:preset=minimal", log_fd, 30, error),
			0);
	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_EQUAL(access(s.socket, F_OK), 0);
	CU_ASSERT_FALSE(served_ended(&s, how, sizeof(how)));
	strcpy(socket, s.socket);
	strcpy(dir, s.dir);
	served_stop(&s);
	CU_ASSERT_NOT_EQUAL(access(socket, F_OK), 0);
	CU_ASSERT_NOT_EQUAL(access(dir, F_OK), 0);
	CU_ASSERT_FALSE(served_ended(&s, how, sizeof(how)));
	served_stop(&s);
}

static void refuses(const char *program, const char *what, unsigned start_s, int want_err,
		    const char *want)
{
	char error[STACK_ERROR] = "";
	struct served s = { 0 };
	int err = served_start(&s, program, what, log_fd, start_s, error);

	CU_ASSERT_EQUAL(err, want_err);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, want));
	CU_ASSERT_EQUAL(s.dir[0], 0);
	CU_ASSERT_EQUAL(s.keeper.pid, 0);
}

static void does_not_come_up(void)
{
	refuses(NVRIG_PROGRAM, "model:presets=none", 30, -ECHILD, "ended with status");
	refuses("/bin/false", "model:", 30, -ECHILD, "ended with status 1");
	refuses("/nowhere/nvrig", "model:", 30, -ECHILD, "ended with status");
	refuses(NULL, "model:", 1, -ETIMEDOUT, "not served within 1 s");
}

static void ends_by_itself(void)
{
	char error[STACK_ERROR] = "", how[128] = "";
	struct served s = { 0 };

	CU_ASSERT_EQUAL_FATAL(served_start(&s, NVRIG_PROGRAM, "model:", log_fd, 30, error), 0);
	kill(keeper_program(&s.keeper), SIGKILL);
	for (int i = 0; i < WAIT_TICKS && !served_ended(&s, how, sizeof(how)); i++)
		tick();
	CU_ASSERT_STRING_EQUAL(how, "what serves the controller died: SIGKILL");
	served_stop(&s);
}

/* Who started it is killed: it ends, its socket and its directory go. */
static void dies_with_us(void)
{
	struct served s = { 0 };
	char error[STACK_ERROR];
	int pipes[2];
	pid_t child;

	CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
	child = fork();
	if (!child) {
		if (served_start(&s, NVRIG_PROGRAM, "model:", log_fd, 30, error))
			_exit(1);
		(void)!write(pipes[1], &s, sizeof(s));
		pause();
		_exit(0);
	}
	close(pipes[1]);
	CU_ASSERT_EQUAL(read(pipes[0], &s, sizeof(s)), sizeof(s));
	close(pipes[0]);
	CU_ASSERT_EQUAL(access(s.socket, F_OK), 0);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CU_ASSERT_TRUE(goes(s.socket));
	CU_ASSERT_TRUE(goes(s.dir));
}

static const struct unit units[] = {
	{ "up and down", up_and_down },
	{ "does not come up", does_not_come_up },
	{ "ends by itself", ends_by_itself },
	{ "dies with us", dies_with_us },
};

/* Started as one that serves it is deaf. */
int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "serve"))
		pause();
	log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	return unit_main("served", units, ARRAY_SIZE(units));
}
