// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/kmsg.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RECORD	 8192 /* the kernel's longest; a longer one is -EINVAL, and gone */
#define FACILITY 3    /* bits of the level below it; 0 is the kernel's own */

void kmsg_on(struct kmsg *k, int fd)
{
	*k = (struct kmsg){ .fd = fd };
}

const char *kmsg_open(struct kmsg *k)
{
	kmsg_on(k, open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (k->fd < 0)
		return strerror(errno);
	if (lseek(k->fd, 0, SEEK_END) < 0) {
		int err = errno;

		kmsg_close(k);
		return strerror(err);
	}
	return "";
}

void kmsg_close(struct kmsg *k)
{
	if (k->fd >= 0)
		close(k->fd);
	k->fd = -1;
}

/* "nvme3: ..." and "nvme3n1 ..." name nvme3. */
static unsigned name_len(const char *text)
{
	size_t n = strncmp(text, "nvme", 4) ? 0 : 4 + strspn(text + 4, "0123456789");

	return n > 4 ? (unsigned)n : 0;
}

void kmsg_own(struct kmsg *k, const char *behind)
{
	snprintf(k->own, sizeof(k->own), "%.*s", (int)name_len(behind), behind);
}

void kmsg_skip(struct kmsg *k)
{
	if (k->fd >= 0)
		lseek(k->fd, 0, SEEK_END);
}

/* "nvme nvme3: I/O 12 QID 1 timeout, aborting" is of a controller, which may be another's. */
static bool is_of_another(const struct kmsg *k, const char *line)
{
	unsigned n;

	if (strncmp(line, "nvme nvme", 9))
		return false;
	n = name_len(line + 5);
	return n && (n != strlen(k->own) || strncmp(line + 5, k->own, n));
}

/* "6,1234,5678,-;text\n KEY=value": the text, NULL when it is no record of the kernel's own. */
static char *text_of(char *record)
{
	char *text = strchr(record, ';'), *end;
	unsigned long level = strtoul(record, &end, 10);

	if (!text || *record < '0' || *record > '9' || *end != ',' || level >> FACILITY)
		return NULL;
	text[1 + strcspn(text + 1, "\n")] = 0;
	return text + 1;
}

static void take(const struct kmsg *k, char *record, kmsg_fn *fn, void *ctx)
{
	char *text = text_of(record);
	enum console_kind kind;

	if (!text || !*text)
		return;
	if (strlen(text) > KMSG_TEXT)
		text[KMSG_TEXT] = 0;
	kind = console_judge(text);
	fn(ctx, is_of_another(k, text) ? CONSOLE_PLAIN : kind, text, 0);
}

/* One record. 1: there may be more, 0: that was all. */
static int read_one(const struct kmsg *k, kmsg_fn *fn, void *ctx)
{
	char record[RECORD + 1];
	ssize_t n = read(k->fd, record, RECORD);

	if (n < 0 && errno == EPIPE) {
		fn(ctx, CONSOLE_PLAIN, "", 1);
	} else if (n > 0) {
		record[n] = 0;
		take(k, record, fn, ctx);
	}
	return n > 0 || (n < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL));
}

void kmsg_read(struct kmsg *k, kmsg_fn *fn, void *ctx)
{
	unsigned n = 0;

	while (k->fd >= 0 && read_one(k, fn, ctx))
		if (++n == KMSG_MOST) {
			kmsg_skip(k);
			fn(ctx, CONSOLE_PLAIN, "", 1);
			return;
		}
}
