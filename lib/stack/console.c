// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/console.h"

#include <string.h>

#include "base/bytes.h"
#include "base/cleanup.h"

/*
 * Words of Linux. Stalls that its watchdogs report (RCU, soft lockup) are not among them: under an
 * emulated processor on a busy machine they tell of the machine.
 */
static const struct {
	const char *words;
	enum console_kind kind;
} known[] = {
	{ "Kernel panic - not syncing", CONSOLE_PANIC },
	{ "BUG: soft lockup", CONSOLE_PLAIN },
	{ "BUG: workqueue lockup", CONSOLE_PLAIN },
	{ "BUG: ", CONSOLE_FINDING },
	{ "Oops: ", CONSOLE_FINDING },
	{ "kernel BUG at ", CONSOLE_FINDING },
	{ "general protection fault", CONSOLE_FINDING },
	{ "WARNING: CPU: ", CONSOLE_FINDING },
	{ "WARNING: possible ", CONSOLE_FINDING },
	{ "UBSAN: ", CONSOLE_FINDING },
	{ "blocked for more than", CONSOLE_FINDING },
	{ "controller is down; will reset", CONSOLE_DRIVER },
	{ "timeout, reset controller", CONSOLE_DRIVER },
	{ "timeout, aborting", CONSOLE_DRIVER },
	{ "timeout, disable controller", CONSOLE_DRIVER },
	{ ": starting error recovery", CONSOLE_DRIVER }, /* fabrics, the host */
	{ ": timeout request ", CONSOLE_DRIVER },
	{ "failed nvme_keep_alive_end_io", CONSOLE_DRIVER },
	{ " fatal error occurred!", CONSOLE_DRIVER }, /* fabrics, the target */
	{ " keep-alive timer (", CONSOLE_DRIVER },
};

enum console_kind console_judge(const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (strstr(line, known[i].words))
			return known[i].kind;
	return CONSOLE_PLAIN;
}

/* Behind the kernel's time stamp, "[    7.946008] ": the same words are the same line. */
static const char *words(const char *line)
{
	size_t n = *line == '[' ? strspn(line + 1, " 0123456789.") : 0;

	return n && line[n + 1] == ']' ? line + n + 2 + (line[n + 2] == ' ') : line;
}

static void end_line(struct console *c,
		     void (*fn)(void *ctx, enum console_kind kind, const char *line), void *ctx)
{
	const char *said;

	c->line[c->len] = 0;
	said = words(c->line);
	if (*said) {
		memcpy(c->last, said, strlen(said) + 1);
		fn(ctx, console_judge(said), said);
	}
	c->len = 0;
}

static void keep(struct console *c, const char *data, size_t n)
{
	static const char cut[] = "\n[nvrig: the rest is not kept]\n";

	if (c->file < 0 || !n || c->bytes > CONSOLE_BYTES)
		return;
	c->bytes += n;
	if (c->bytes > CONSOLE_BYTES) {
		data = cut;
		n = sizeof(cut) - 1;
	}
	if (bytes_write(c->file, data, n))
		c->file = -1; /* a full disk: the journal will say so */
}

void console_take(struct console *c, const char *data, size_t n,
		  void (*fn)(void *ctx, enum console_kind kind, const char *line), void *ctx)
{
	for (size_t from = 0, to; from < n; from = to + 1) { /* without the terminal's returns */
		const char *cr = memchr(data + from, '\r', n - from);

		to = cr ? (size_t)(cr - data) : n;
		keep(c, data + from, to - from);
	}
	for (size_t i = 0; i < n; i++) {
		if (data[i] == '\n')
			end_line(c, fn, ctx);
		else if (c->len < sizeof(c->line) - 1 && (unsigned char)data[i] >= ' ')
			c->line[c->len++] = data[i];
	}
}
