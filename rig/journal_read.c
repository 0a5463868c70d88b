// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/journal_read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"

int journal_open_run(const char *run)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;
	int fd;

	if (stat(run, &st))
		return -errno;
	if (asprintf(&path, "%s%s", run, S_ISDIR(st.st_mode) ? "/events.jsonl" : "") < 0)
		return -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int refuse(char error[JOURNAL_ERROR], uint64_t line, const char *why)
{
	snprintf(error, JOURNAL_ERROR, "events.jsonl:%" PRIu64 ": %s", line, why);
	return -EPROTO;
}

static int check_format(struct json_object *e, char error[JOURNAL_ERROR])
{
	uint64_t major = event_get_u64(e, "major");
	char why[160];

	if (strcmp(event_type(e), "format") || strcmp(event_get_str(e, "name"), "nvrig-events"))
		return refuse(error, 1, "no journal of nvrig");
	if (major <= JOURNAL_MAJOR)
		return 0;
	snprintf(why, sizeof(why),
		 "written by a newer nvrig: nvrig-events %" PRIu64 ".%" PRIu64
		 ", and this one reads up to major %d",
		 major, event_get_u64(e, "minor"), JOURNAL_MAJOR);
	return refuse(error, 1, why);
}

static int take_line(const char *text, size_t len, uint64_t line,
		     void (*fn)(void *ctx, struct json_object *e), void *ctx,
		     char error[JOURNAL_ERROR])
{
	struct json_object *e = event_decode(text, len);
	int err = 0;

	if (!e)
		return refuse(error, line, "no event");
	if (line == 1)
		err = check_format(e, error);
	else if (event_get_u64(e, "seq") != line - 1)
		err = refuse(error, line, "its seq does not follow on the line before");
	if (!err)
		fn(ctx, e);
	json_object_put(e);
	return err;
}

int journal_load(int fd, void (*fn)(void *ctx, struct json_object *e), void *ctx, off_t *ret_end,
		 char ret_error[JOURNAL_ERROR])
{
	_cleanup_fclose_ FILE *f = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	uint64_t line = 0;
	ssize_t n;
	int err = 0, copy = dup(fd);

	*ret_end = 0;
	f = copy < 0 || lseek(copy, 0, SEEK_SET) < 0 ? NULL : fdopen(copy, "r");
	if (!f) {
		err = -errno;
		if (copy >= 0)
			close(copy);
		snprintf(ret_error, JOURNAL_ERROR, "events.jsonl: %s", strerror(-err));
		return err;
	}
	while (!err && (n = getline(&text, &size, f)) > 0 && text[n - 1] == '\n') {
		err = take_line(text, (size_t)n - 1, ++line, fn, ctx, ret_error);
		if (!err)
			*ret_end += n;
	}
	if (!err && !line)
		err = refuse(ret_error, 1, "no journal of nvrig");
	return err;
}
