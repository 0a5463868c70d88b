// SPDX-License-Identifier: GPL-2.0-or-later
/* A stack's parts: a command of the shell, then a sign of life. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/internal.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"

#define WORDS 400 /* of what a command wrote, the last */

struct part {
	const char *name, *up, *life, *down, *below, *node;
	uint64_t size, within_ms;
};

static struct part part_at(const struct json_object *parts, unsigned i)
{
	const struct json_object *o = json_object_array_get_idx(parts, i);

	return (struct part){ .name = event_get_str(o, "name"),
			      .up = event_get_str(o, "up"),
			      .life = event_get_str(o, "life"),
			      .down = event_get_str(o, "down"),
			      .below = event_get_str(o, "below"),
			      .node = event_get_str(o, "node"),
			      .size = event_get_u64(o, "size"),
			      .within_ms = event_get_u64(o, "within_ms") };
}

static void tell(struct link *l, const char *name, const char *state, const char *text)
{
	struct json_object *e = event_new("agent.part");

	event_str(e, "name", name);
	event_str(e, "state", state);
	event_str(e, "text", text);
	link_send(l, e);
}

/* Keeps the end of it. */
static void keep_words(void *ctx, int stream, const char *data, size_t n)
{
	char *words = ctx;
	size_t have = strlen(words), drop;

	(void)stream;
	if (n > WORDS) {
		data += n - WORDS;
		n = WORDS;
	}
	drop = have + n > WORDS ? have + n - WORDS : 0;
	memmove(words, words + drop, have - drop);
	memcpy(words + have - drop, data, n);
	words[have - drop + n] = 0;
	for (char *c = words; *c; c++)
		if (*c == '\n')
			*c = ' ';
}

/* Of a part of a store; for others they are not set. */
static void set_nodes(const struct part *p)
{
	const char *const pairs[][2] = { { "RIG_BELOW", p->below }, { "RIG_NODE", p->node } };

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		if (*pairs[i][1])
			setenv(pairs[i][0], pairs[i][1], 1);
		else
			unsetenv(pairs[i][0]);
}

/* 0, -ETIMEDOUT, or the exit status as a positive number. */
static int run(struct link *l, const struct part *p, const char *command, uint64_t deadline,
	       char words[WORDS + 1])
{
	char *argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" }, (char *)command, NULL };
	struct child c;
	int err;

	words[0] = 0;
	if (!*command)
		return 0;
	set_nodes(p);
	err = child_start(&c, argv, CHILD_PIPES);
	if (err)
		return err;
	while (!c.ended && clock_mono_ns() < deadline)
		child_step(&c, l, keep_words, words);
	err = c.ended ? child_exit_status(&c) : -ETIMEDOUT;
	if (c.ended)
		c.pid = -1; /* what it left running belongs to the part */
	child_close(&c);
	return err;
}

static const char *look_at(const struct part *p, const char *path)
{
	uint64_t size = 0;
	struct stat st;
	_cleanup_close_ int fd = -1;

	if (stat(path, &st))
		return "is not there";
	if (!S_ISBLK(st.st_mode))
		return NULL;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, BLKGETSIZE64, &size) || !size)
		return "has no size";
	return p->size && size != p->size ? "has another size" : NULL;
}

/* NULL: it lives, else what is not there yet. Names may be a pattern, whose first is looked at. */
static const char *look(const struct part *p)
{
	const char *lacks;
	glob_t g;

	if (!*p->life)
		return NULL;
	if (glob(p->life, 0, NULL, &g))
		return "is not there";
	lacks = look_at(p, g.gl_pathv[0]);
	globfree(&g);
	return lacks;
}

static bool up(struct link *l, const struct part *p, char *ret_failed)
{
	uint64_t deadline = clock_mono_ns() + p->within_ms * NS_PER_MS;
	char words[WORDS + 1];
	const char *lacks;
	int err = run(l, p, p->up, deadline, words);

	while (!err && (lacks = look(p))) {
		link_alive(l);
		if (clock_mono_ns() >= deadline) {
			snprintf(ret_failed, 512, "%.40s: %.130s %s after %llu ms", p->name,
				 p->life, lacks, (unsigned long long)p->within_ms);
			return false;
		}
		usleep(10000);
	}
	if (err == -ETIMEDOUT)
		snprintf(ret_failed, 512, "%.40s: not up within %llu ms: %.400s", p->name,
			 (unsigned long long)p->within_ms, words);
	else if (err)
		snprintf(ret_failed, 512, "%.40s: status %d: %.400s", p->name, err, words);
	return !err;
}

unsigned parts_up(struct link *l, const struct json_object *parts, char *ret_failed)
{
	unsigned n = parts ? (unsigned)json_object_array_length(parts) : 0;

	for (unsigned i = 0; i < n; i++) {
		struct part p = part_at(parts, i);
		bool good = up(l, &p, ret_failed);

		tell(l, p.name, good ? "up" : "failed", good ? NULL : ret_failed);
		if (!good)
			return i + 1;
	}
	return n;
}

void parts_down(struct link *l, const struct json_object *parts, unsigned n)
{
	while (n-- > 0) {
		struct part p = part_at(parts, n);
		char words[WORDS + 1], text[512];
		int err = run(l, &p, p.down, clock_mono_ns() + p.within_ms * NS_PER_MS, words);

		snprintf(text, sizeof(text), "%.40s: taking it down: %s %.400s", p.name,
			 err == -ETIMEDOUT ? "no end of it:" : "it failed:", words);
		tell(l, p.name, err ? "failed" : "down", err ? text : NULL);
	}
}
