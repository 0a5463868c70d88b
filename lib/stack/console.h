/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a guest's kernel says on its console, line by line: what of it is a finding, and the end. */
#ifndef STACK_CONSOLE_H
#define STACK_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

#define CONSOLE_LINE  256
#define CONSOLE_BYTES (8u << 20) /* of the file that keeps it; more is told, and dropped */

enum console_kind {
	CONSOLE_PLAIN,
	CONSOLE_DRIVER,	 /* a driver had to abort, reset or connect again: a finding, unless it was made to */
	CONSOLE_FINDING, /* an oops, BUG, WARN, hung task */
	CONSOLE_PANIC,
};

/* What a line is; the time stamp before it does not matter. */
enum console_kind console_judge(const char *line);

struct console {
	int file; /* -1: kept nowhere */
	uint64_t bytes;
	char line[CONSOLE_LINE];
	size_t len;
	char last[CONSOLE_LINE]; /* the last whole line that was not empty */
};

/* Takes what came, keeps it, and calls fn for every line, cut at CONSOLE_LINE - 1 bytes and without
 * its time stamp. */
void console_take(struct console *c, const char *data, size_t n,
		  void (*fn)(void *ctx, enum console_kind kind, const char *line), void *ctx);

#endif
