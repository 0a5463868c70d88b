// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stack of kind server: a program of this machine that serves controllers on a socket, SPDK's target
 * above all, or this program. It has a short directory of its own, $RIG_DIR, for sockets.
 */
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/cleanup.h"
#include "stack/stack_internal.h"

#define SHELL	     "/bin/sh"
#define DIR_VARIABLE "$RIG_DIR"
#define SAID_BYTES   2048
#define EXPORTS	     "RIG_DIR=$1 NVRIG=$2; export RIG_DIR NVRIG; "

/* ---- words ---- */

/* Text with the directory in its places. 0 or -ENAMETOOLONG. */
static int expand(const struct stack *s, const char *text, char *ret, size_t size)
{
	size_t n = 0;

	while (*text) {
		bool here = !strncmp(text, DIR_VARIABLE, strlen(DIR_VARIABLE));
		size_t more = here ? strlen(s->own_dir) : 1;

		if (n + more >= size)
			return -ENAMETOOLONG;
		memcpy(ret + n, here ? s->own_dir : text, more);
		n += more;
		text += here ? strlen(DIR_VARIABLE) : 1;
	}
	ret[n] = 0;
	return 0;
}

/* "exec nvmf_tgt -m 1" -> "nvmf_tgt" */
static void first_word(const char *command, char *ret, size_t size)
{
	size_t n = strcspn(command, " \t\n");
	const char *slash = memrchr(command, '/', n);
	const char *from = slash ? slash + 1 : command;

	snprintf(ret, size, "%.*s", (int)(n - (size_t)(from - command)), from);
}

/* ---- made ---- */

static int make(struct stack *s, char *error)
{
	int err = tmp_dir_short("server", s->own_dir);

	if (err)
		return stack_fail(error, err, "a directory for sockets: %s", strerror(-err));
	first_word(s->cfg.command, s->program, sizeof(s->program));
	snprintf(s->engine, sizeof(s->engine), "%.63s", s->program);
	if (expand(s, s->cfg.target, s->target, sizeof(s->target)) ||
	    expand(s, s->cfg.life, s->socket, sizeof(s->socket)))
		return stack_fail(error, -ENAMETOOLONG, "stack %s: target or life is too long",
				  s->cfg.name);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	return ftw->level ? remove(path) : 0;
}

static void clear(const struct stack *s)
{
	if (s->own_dir[0])
		nftw(s->own_dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static int renew(struct stack *s, char *error)
{
	(void)error;
	clear(s);
	return 0;
}

/* What is known by name goes also when the rig is killed; the rest with the stack. */
static void list_paths(const struct stack *s, const char *ret[KEEPER_PATHS])
{
	unsigned n = 0;

	clear(s);
	ret[n++] = s->socket;
	if (s->own_dir[0])
		ret[n++] = s->own_dir;
	ret[n] = NULL;
}

/* ---- up ---- */

static bool answers(struct stack *s)
{
	return !access(s->socket, F_OK);
}

/* The last line of what it said, if any. */
static void last_line(char *said)
{
	size_t n = strlen(said);
	char *line;

	while (n && said[n - 1] == '\n')
		said[--n] = 0;
	line = strrchr(said, '\n');
	if (line)
		memmove(said, line + 1, strlen(line));
}

/* What is asked of the program once it runs: its commands wait for it themselves. */
static int set_up(struct stack *s, const char *self, char *error)
{
	char script[sizeof(s->cfg.setup) + sizeof(EXPORTS)], said[SAID_BYTES] = "";
	const char *argv[] = { SHELL, "-c", script, SHELL, s->own_dir, self, NULL };
	int err;

	if (!s->cfg.setup[0])
		return 0;
	snprintf(script, sizeof(script), EXPORTS "%s", s->cfg.setup);
	err = capture((char *const *)argv, s->cfg.start_s * 1000, said, sizeof(said));
	if (!err)
		return 0;
	if (!stack_alive(s, NULL))
		return stack_await(s, answers, error); /* which says how it ended */
	last_line(said);
	return stack_fail(error, err, "setup of %.60s %s%s%.300s (log: %.80s)", s->cfg.name,
			  err == -ETIMEDOUT ? "does not end" : "failed", said[0] ? ": " : "", said,
			  s->log);
}

static int start(struct stack *s, char *error)
{
	char script[sizeof(s->cfg.command) + sizeof(EXPORTS) + 8], self[PATH_MAX] = "";
	const char *argv[] = { SHELL, "-c", script, SHELL, s->own_dir, self, NULL };
	struct keeper_job job = { .argv = (char *const *)argv,
				  .log_fd = s->log_fd,
				  .paths = { s->socket, s->own_dir } };
	int err;

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return stack_fail(error, -errno, "/proc/self/exe: %s", strerror(errno));
	snprintf(script, sizeof(script), EXPORTS "exec %s", s->cfg.command);
	err = keeper_start(&s->keeper, &job);
	if (err)
		return stack_fail(error, err, "starting %s: %s", s->program, strerror(-err));
	err = set_up(s, self, error);
	return err ? err : stack_await(s, answers, error);
}

/* ---- the kind ---- */

static const char *lacks(const struct stack_config *cfg, char error[STACK_ERROR])
{
	char path[PATH_MAX];

	for (unsigned i = 0; i < cfg->programs.n; i++) {
		if (!capture_find(cfg->programs.word[i], path, sizeof(path)))
			continue;
		stack_fail(error, 0, "%s is not installed%s%s", cfg->programs.word[i],
			   cfg->without[0] ? ": " : "", cfg->without);
		return error;
	}
	return NULL;
}

const struct stack_kind stack_kind_server = {
	.name = STACK_SERVER,
	.make = make,
	.start = start,
	.renew = renew,
	.paths = list_paths,
	.lacks = lacks,
};
