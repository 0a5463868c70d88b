/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_JOURNAL_READ_H
#define RIG_JOURNAL_READ_H

#include <json-c/json.h>
#include <sys/types.h>

#include "rig/journal.h"

/* A run's journal to read: its directory or events.jsonl itself. Descriptor or -errno. */
int journal_open_run(const char *run);

/*
 * Calls fn for every event of a journal, from its beginning. A last line without its newline is a
 * record that was never whole: left out. *ret_end is where the last whole one ends. -EPROTO for
 * what is no journal of ours, has a higher major, a gap in seq or a line that is no event;
 * ret_error names the line.
 */
int journal_load(int fd, void (*fn)(void *ctx, struct json_object *e), void *ctx, off_t *ret_end,
		 char ret_error[JOURNAL_ERROR]);

#endif
