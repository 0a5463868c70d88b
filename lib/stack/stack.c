// SPDX-License-Identifier: GPL-2.0-or-later
/* The life of a stack, whatever its kind: up, watched, restarted, down. */
#include "stack/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/guest.h"
#include "stack/stack_internal.h"

static const struct stack_kind *const kinds[] = { &stack_kind_qtest, &stack_kind_server };

int stack_fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, STACK_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

const char *stack_program(const struct stack *s)
{
	const char *slash = strrchr(s->program, '/');

	return slash ? slash + 1 : s->program;
}

/* ---- what it says ---- */

static void read_log_tail(struct stack *s, char *text, size_t size)
{
	struct stat st;
	off_t from;
	ssize_t n;

	text[0] = 0;
	if (fstat(s->log_fd, &st))
		return;
	from = st.st_size - s->log_from > (off_t)size - 1 ? st.st_size - (off_t)size + 1
							  : s->log_from;
	n = pread(s->log_fd, text, size - 1, from);
	text[n > 0 ? n : 0] = 0;
}

/* Its last words on one line. */
static void last_words(const char *text, char *line, size_t size)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == '\n')
		n--;
	if (n >= size) {
		text += n - size + 1;
		n = size - 1;
	}
	for (size_t i = 0; i < n; i++)
		line[i] = text[i] < ' ' ? ' ' : text[i];
	line[n] = 0;
	if (n == size - 1)
		memcpy(line, "...", 3);
}

static void describe_death(struct stack *s, int status)
{
	struct stack_death *d = &s->death;

	d->died = true;
	if (WIFSIGNALED(status)) {
		const char *name = sigabbrev_np(WTERMSIG(status));

		d->signal = WTERMSIG(status);
		snprintf(d->text, sizeof(d->text), "%.200s died: SIG%s", stack_program(s),
			 name ? name : "?");
	} else {
		d->exit_status = WEXITSTATUS(status);
		snprintf(d->text, sizeof(d->text), "%.200s exited with status %d", stack_program(s),
			 d->exit_status);
	}
	read_log_tail(s, d->log_tail, sizeof(d->log_tail));
}

bool stack_alive(struct stack *s, struct stack_death *ret)
{
	int status;

	if (!s->death.died && keeper_ended(&s->keeper, &status))
		describe_death(s, status);
	if (s->death.died && ret)
		*ret = s->death;
	return !s->death.died;
}

/* ---- up ---- */

int stack_await(struct stack *s, bool (*answers)(struct stack *s), char *error)
{
	const struct timespec pause = { .tv_nsec = 10 * NS_PER_MS };
	uint64_t deadline = clock_mono_ns() + s->cfg.start_s * NS_PER_S;
	char line[240];

	while (stack_alive(s, NULL)) {
		if (answers(s))
			return 0;
		if (clock_mono_ns() >= deadline)
			return stack_fail(error, -ETIMEDOUT,
				    "%s%s%s%s does not answer within %u s; its log: %.200s",
				    stack_program(s), s->cfg.accel[0] ? " (accel " : "",
				    s->cfg.accel, s->cfg.accel[0] ? ")" : "", s->cfg.start_s,
				    s->log);
		nanosleep(&pause, NULL);
	}
	last_words(s->death.log_tail, line, sizeof(line));
	return stack_fail(error, s->death.signal ? -ECONNABORTED : -ECHILD,
		    "%.60s before it answered: %s (log: %.150s)", s->death.text,
		    line[0] ? line : "it said nothing", s->log);
}

static int open_log(struct stack *s, char *error)
{
	int n = snprintf(s->log, PATH_BYTES, "%s/%s", s->dir,
			 s->kind == &stack_kind_qtest ? "rig-qemu.log" : "rig-server.log");

	s->log_fd =
		n >= PATH_BYTES ? -1 : open(s->log, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	return s->log_fd < 0 ? stack_fail(error, -errno, "%.400s: %s", s->log, strerror(errno)) : 0;
}

static int start(struct stack *s, char *error)
{
	s->log_from = lseek(s->log_fd, 0, SEEK_END);
	return s->kind->start(s, error);
}

static const struct stack_kind *find_kind(const struct stack_config *cfg, char *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (!strcmp(cfg->kind, kinds[i]->name))
			return kinds[i];
	if (!strcmp(cfg->kind, STACK_GUEST))
		stack_fail(error, 0, "stack %s is a guest, which is no controller by itself",
			   cfg->name);
	else
		stack_fail(error, 0, "stack %s: no kind '%s'; there are qemu-qtest, server and guest",
			   cfg->name, cfg->kind);
	return NULL;
}

int stack_up(const struct stack_config *cfg, const char *dir, struct stack **ret, char *error)
{
	const struct stack_kind *kind = find_kind(cfg, error);
	struct stack *s;
	int err = 0;

	*ret = NULL;
	if (!kind)
		return -ENOTSUP;
	s = calloc(1, sizeof(*s));
	if (!s)
		return stack_fail(error, -ENOMEM, "out of memory");
	s->kind = kind;
	s->cfg = *cfg;
	s->ram_fd = s->bios_fd = s->log_fd = -1;
	if (!realpath(dir, s->dir))
		err = stack_fail(error, -errno, "%.400s: %s", dir, strerror(errno));
	if (!err)
		err = open_log(s, error);
	if (!err)
		err = kind->make(s, error);
	if (!err)
		err = start(s, error);
	if (err) {
		stack_down(s);
		return err;
	}
	*ret = s;
	return 0;
}

int stack_restart(struct stack *s, char *error)
{
	int err;

	keeper_stop(&s->keeper);
	memset(&s->death, 0, sizeof(s->death));
	err = s->kind->renew(s, error);
	if (!err)
		err = start(s, error);
	if (err)
		keeper_stop(&s->keeper);
	return err;
}

static void remove_made(struct stack *s)
{
	const char *paths[KEEPER_PATHS];

	s->kind->paths(s, paths);
	for (unsigned i = 0; paths[i]; i++)
		if (*paths[i] && paths[i] != s->own_dir)
			unlink(paths[i]);
	if (s->own_dir[0])
		rmdir(s->own_dir);
}

void stack_down(struct stack *s)
{
	if (!s)
		return;
	keeper_stop(&s->keeper);
	remove_made(s);
	for (int *fd = (int[]){ s->ram_fd, s->bios_fd, s->log_fd, -2 }; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	free(s);
}

/* ---- what there is to say ---- */

const char *stack_target(const struct stack *s)
{
	return s->target;
}

const char *stack_engine(const struct stack *s)
{
	return s->engine;
}

pid_t stack_pid(const struct stack *s)
{
	return keeper_program(&s->keeper);
}

const char *stack_lacks(const struct stack_config *cfg)
{
	static char error[STACK_ERROR];
	const struct stack_kind *kind;

	if (!strcmp(cfg->kind, STACK_GUEST))
		return guest_lacks(cfg);
	kind = find_kind(cfg, error);
	return kind ? kind->lacks(cfg, error) : error;
}
