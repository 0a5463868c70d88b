// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <glob.h>
#include <string.h>
#include <unistd.h>

#include "agent/internal.h"
#include "base/cleanup.h"
#include "event/event.h"
#include "stack/protocol.h"

static void send_file(struct link *l, const char *path, const char *name)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char data[PROTOCOL_CHUNK];
	uint64_t sent = 0;
	ssize_t n;

	while (fd >= 0 && sent < PROTOCOL_FILE_MAX && (n = read(fd, data, sizeof(data))) > 0) {
		struct json_object *more = json_object_new_object();

		event_str(more, "name", name);
		link_bytes(l, "agent.file", more, data, (size_t)n);
		sent += (uint64_t)n;
	}
}

static void send_below(struct link *l, char *dir)
{
	char *paths[] = { dir, NULL };
	size_t skip = strlen(dir) + 1;
	FTS *f = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *e;

	while (f && (e = fts_read(f)))
		if (e->fts_info == FTS_F && e->fts_pathlen > skip && e->fts_name[0] != '.')
			send_file(l, e->fts_path, e->fts_path + skip);
	if (f)
		fts_close(f);
}

void collect(struct link *l, const char *pattern)
{
	glob_t g;

	if (!*pattern || glob(pattern, GLOB_NOSORT, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++)
		send_below(l, g.gl_pathv[i]);
	globfree(&g);
}
