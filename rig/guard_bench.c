// SPDX-License-Identifier: GPL-2.0-or-later
/* G2, G6 and G10: what was said of the drive, in the bench file and by the operator. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard.h"
#include "rig/guard_tree.h"
#include "rig/plan.h"
#include "rig/stop.h"

/* ---- G2 ---- */

#define CLOCK_SET "2026-01-01" /* a clock that says less was never set */

static void today(char ret[11])
{
	time_t now = time(NULL);
	struct tm tm;

	ret[0] = 0;
	if (gmtime_r(&now, &tm))
		strftime(ret, 11, "%Y-%m-%d", &tm);
}

void guard_bench(const struct guard_ask *a, struct guard_finding *ret)
{
	const struct bench_drive *l = a->line;
	char date[11];

	if (a->light) {
		guard_pass(ret, "emulated, and of nobody's: %s", a->drive->emulated.what);
		return;
	}
	if (!l) {
		guard_refuse(ret, "%s", a->why_no_line);
		return;
	}
	today(date);
	if (l->until[0] && strcmp(date, CLOCK_SET) < 0)
		guard_refuse(
			ret,
			"drive '%s' of the bench file may be changed until %s, and the clock of "
			"this machine, which says %s, is not set",
			l->alias, l->until, date[0] ? date : "nothing");
	if (l->until[0] && strcmp(date, l->until) > 0)
		guard_refuse(ret,
			     "drive '%s' of the bench file was to be changed until %s; whoever "
			     "lends it may set another day",
			     l->alias, l->until);
	else if (a->harm > l->may)
		guard_refuse(ret,
			     "drive '%s' of the bench file has may = %s, and the run wants %s: "
			     "--allow %s, or another line",
			     l->alias, harm_name(l->may), harm_name(a->harm), harm_name(l->may));
	else if (l->emulated && !a->drive->emulated.yes)
		guard_refuse(ret,
			     "drive '%s' of the bench file is said to be emulated, and this is "
			     "%s",
			     l->alias, a->drive->emulated.what);
	else
		guard_pass(ret, "drive '%s', may = %s%s%s", l->alias, harm_name(l->may),
			   l->owner[0] ? ", of " : "", l->owner);
}

/* ---- G6 ---- */

#define LAST 6

/* What was typed, without its newline. False: a signal came. */
static bool read_line(struct stop *stop, char *line, size_t size)
{
	struct pollfd p[] = { { .fd = STDIN_FILENO, .events = POLLIN },
			      { .fd = stop_fd(stop), .events = POLLIN } };
	ssize_t n;

	while (poll(p, ARRAY_SIZE(p), -1) < 0 && errno == EINTR)
		;
	if (p[1].revents || stop_asked(stop))
		return false;
	n = read(STDIN_FILENO, line, size - 1);
	line[n > 0 ? n : 0] = 0;
	line[strcspn(line, "\n")] = 0;
	return true;
}

static void ask_for_it(const struct guard_ask *a, struct guard_finding *ret)
{
	const char *serial = a->drive->serial;
	size_t n = strlen(serial);
	const char *last = serial + (n > LAST ? n - LAST : 0);
	char line[80];

	fprintf(stderr,
		"%s (%s, %s) is about to be changed: harm %s.\nType the last %zu characters of its "
		"serial number to go on: ",
		a->line ? a->line->alias : a->drive->name, a->drive->name, a->drive->model,
		harm_name(a->harm), strlen(last));
	fflush(stderr);
	if (!read_line(a->words->stop, line, sizeof(line))) {
		fputc('\n', stderr);
		guard_refuse(ret, "stopped by a signal before anybody named it");
	} else if (*last && !strcasecmp(line, last))
		guard_pass(ret, "the operator typed the end of its serial");
	else
		guard_refuse(ret, "what was typed is not the end of its serial; read it from the "
				  "drive's label, or from `nvrig drive ls`");
}

void guard_name(const struct guard_ask *a, struct guard_finding *ret)
{
	const char *serial = a->drive->serial;

	if (a->light) {
		guard_na(ret, "emulated: --allow is word enough");
		return;
	}
	for (size_t i = 0; i < a->words->n_confirm; i++)
		if (*serial && !strcmp(a->words->confirm[i], serial)) {
			guard_pass(ret, "--confirm %s", serial);
			return;
		}
	if (a->words->n_confirm)
		guard_refuse(ret,
			     "--confirm %.40s is not the serial of %s, which is in the bench "
			     "file and on its label",
			     a->words->confirm[0], a->drive->name);
	else if (a->words->ask && a->refused)
		guard_refuse(ret, "nobody was asked for it, as it is refused already");
	else if (a->words->ask)
		ask_for_it(a, ret);
	else
		guard_refuse(ret,
			     "nobody named %s by its serial: there is no terminal to ask on, so "
			     "say --confirm SERIAL, whole; no other option answers this",
			     a->drive->name);
}

/* ---- G10 ---- */

static int on_battery(void *ctx, const char *dir, const char *name)
{
	char path[PATH_MAX], word[SYSFS_WORD];

	(void)ctx;
	if (!tree_join(path, dir, name) || strcmp(sysfs_word(path, "type", word), "Battery") ||
	    !strcmp(sysfs_word(path, "scope", word), "Device"))
		return 0;
	return !strcmp(sysfs_word(path, "status", word), "Discharging");
}

static bool is_within(const struct bench_drive *l, int hour)
{
	if (l->from_hour <= l->to_hour)
		return hour >= l->from_hour && hour < l->to_hour;
	return hour >= l->from_hour || hour < l->to_hour;
}

void guard_window(const struct guard_ask *a, struct guard_finding *ret)
{
	char dir[PATH_MAX];
	time_t now = time(NULL);
	struct tm tm;

	if (a->light || a->words->ask) {
		guard_na(ret, a->light ? "emulated" : "an operator is at the terminal");
		return;
	}
	if (tree_at(dir, a->root, "/sys/class/power_supply") &&
	    tree_each(dir, on_battery, NULL) == 1)
		guard_refuse(ret, "this machine is on battery; plug it in");
	else if (!a->line || a->line->from_hour < 0)
		guard_pass(ret, "no hours are said, not on battery");
	else if (!localtime_r(&now, &tm))
		guard_refuse(ret, "the local time cannot be told");
	else if (!is_within(a->line, tm.tm_hour))
		guard_refuse(ret,
			     "it is %02d:%02d, and runs without a terminal begin from %d to %d "
			     "(hours, bench file)",
			     tm.tm_hour, tm.tm_min, a->line->from_hour, a->line->to_hour);
	else
		guard_pass(ret, "%02d:%02d, within %d-%d", tm.tm_hour, tm.tm_min,
			   a->line->from_hour, a->line->to_hour);
}
