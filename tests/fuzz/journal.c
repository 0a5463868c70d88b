// SPDX-License-Identifier: GPL-2.0-or-later
/* A run's events.jsonl, and every report made of what can be read of it. */
#include <sys/mman.h>

#include "event/event.h"
#include "rig/journal_read.h"
#include "rig/report/report.h"
#include "tests/fuzz/fuzz.h"

static void keep(void *ctx, struct json_object *e)
{
	MUST(event_type(e));
	json_object_array_add(ctx, json_object_get(e));
}

static void tell(const struct report_ops *ops, const struct json_object *all, unsigned style)
{
	const struct report_style how = { .verbose = style & 1, .colour = style & 2 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	void *report = ops->open(out, &how);

	MUST(report);
	for (size_t i = 0; i < json_object_array_length(all); i++)
		ops->event(report, json_object_array_get_idx(all, i));
	MUST(!ops->close(report));
	fclose(out);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct json_object *all = json_object_new_array();
	char error[JOURNAL_ERROR] = "";
	off_t end = -1;
	int err;

	if (fd < 0)
		fd = memfd_create("journal", MFD_CLOEXEC);
	MUST(fd >= 0 && !ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	err = journal_load(fd, keep, all, &end, error);
	MUST(err <= 0 && (!err || error[0]) && memchr(error, 0, sizeof(error)));
	MUST(err || (end >= 0 && (size_t)end <= size));
	for (size_t i = 0; report_all[i]; i++)
		tell(report_all[i], all, (unsigned)size);
	json_object_put(all);
	return 0;
}
