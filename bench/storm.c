// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a storm costs. usage: build/dev/bench/storm [STEPS] [TARGET...]
 *
 * Commands a second and the oracle's share of the time, on the model and on QEMU (or the targets
 * named), for each kind of storm. The same seed for all: what is compared was sent to each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "rig/stack.h"
#include "stack/stack.h"
#include "storm/draw.h"

#define SEED 1

static const struct {
	const char *name;
	enum draw_kind kind;
} kinds[] = { { "admin", DRAW_ADMIN }, { "io", DRAW_IO }, { "mixed", DRAW_MIXED } };

static void one(const char *what, const char *kind_name, const struct play_stage *st,
		enum draw_kind kind, size_t steps)
{
	struct play_result *res = calloc(1, sizeof(*res));
	uint64_t begin = clock_mono_ns(), drawn_ns;
	struct script s;

	if (!res || draw_script(st, kind, SEED, steps, &s)) {
		free(res);
		return;
	}
	drawn_ns = clock_mono_ns() - begin;
	if (play(st, &s, res))
		printf("%-12s %-6s the rig is in trouble\n", what, kind_name);
	else
		printf("%-12s %-6s %8.0f commands/s, oracle %4.1f %%, drawing %4.1f %%%s%s\n", what,
		       kind_name, (double)res->commands * NS_PER_S / (double)res->total_ns,
		       100.0 * (double)res->oracle_ns / (double)res->total_ns,
		       100.0 * (double)drawn_ns / (double)(res->total_ns + drawn_ns),
		       res->stopped ? "; it ended early: " : "",
		       res->stopped ? res->finding[res->findings - 1].text : "");
	script_free(&s);
	free(res);
}

static void storms(const char *what, const char *address, size_t steps)
{
	struct facts *f = calloc(1, sizeof(*f));
	char error[256] = "out of memory";
	struct target *t = NULL;
	struct play_stage st;
	struct ctrl *c;

	for (size_t i = 0; f && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (target_open(address, &t, error)) {
			printf("%-12s %s\n", what, error);
			break;
		}
		if (!facts_gather(t, f) && !ctrl_open(t, &c)) {
			if (play_stage(c, f, true, &st))
				printf("%-12s has no namespace for it\n", what);
			else
				one(what, kinds[i].name, &st, kinds[i].kind, steps);
			ctrl_close(c);
		}
		target_close(t);
	}
	free(f);
}

static void on_qemu(size_t steps)
{
	char dir[] = "/tmp/nvrig-bench-XXXXXX", error[512], rm[64];
	struct stack_config cfg;
	struct stack *s;

	if (!mkdtemp(dir))
		return;
	if (stack_config_load(NULL, "qemu-qtest", &cfg, error) || stack_up(&cfg, dir, &s, error)) {
		printf("%-12s %s\n", "qemu-qtest", error);
	} else {
		storms("qemu-qtest", stack_target(s), steps);
		stack_down(s);
	}
	snprintf(rm, sizeof(rm), "rm -rf %s", dir);
	if (system(rm))
		printf("%s stays behind\n", dir);
}

int main(int argc, char **argv)
{
	size_t steps = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;

	for (int i = 2; i < argc; i++)
		storms(argv[i], argv[i], steps);
	if (argc > 2)
		return 0;
	storms("model", "model:", steps);
	on_qemu(steps);
	return 0;
}
