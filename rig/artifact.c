// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/artifact.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"

#define FOLDER	  "artifacts"
#define NAME_MAX_ 200

/* The words come from a worker: a file name of the letters that names have, and no folder. */
static void file_name(char ret[NAME_MAX_], const struct json_object *e)
{
	static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	char words[NAME_MAX_];
	size_t at = 0;

	snprintf(words, sizeof(words), "%.120s.%.60s", event_get_str(e, "case"),
		 event_get_str(e, "name"));
	for (const char *w = words; *w; w++) {
		char c = strchr(good, *w) ? *w : *w == '.' || *w == '[' ? '.' : *w == ']' ? 0 : '-';

		if (c && (c != '.' || at))
			ret[at++] = c;
	}
	ret[at] = 0;
}

static int write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		len -= (size_t)n;
	}
	return 0;
}

int artifact_event(int dir_fd, const struct json_object *e)
{
	const char *text = event_get_str(e, "text");
	_cleanup_close_ int folder = -1, fd = -1;
	char name[NAME_MAX_];

	if (strcmp(event_type(e), "artifact"))
		return 0;
	if (mkdirat(dir_fd, FOLDER, 0777) && errno != EEXIST)
		return -errno;
	folder = openat(dir_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return -errno;
	file_name(name, e);
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
	return fd < 0 ? -errno : write_all(fd, text, strlen(text));
}
