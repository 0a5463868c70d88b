// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest costs: bytes and time of its image, then of whole boots the wall and CPU seconds
 * from launch until the agent speaks, its parts are up, and a command has ended. Guests are those
 * of configs/stacks; QEMU's CPU time is told with ours, the keeper having waited for it. usage:
 * guest [BOOTS [STACK...]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rig/stack.h"
#include "stack/guest.h"

static double cpu_s(void)
{
	double s = 0;

	for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
		struct rusage u;

		getrusage(who, &u);
		s += (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	}
	return s;
}

static double since(uint64_t t)
{
	return (double)(clock_mono_ns() - t) / 1e9;
}

static void image(const struct stack_config *c, const char *rig)
{
	const char *words[STACK_WORDS_MAX];
	struct image i = { .rig = rig, .modules = words, .n_modules = c->modules.n };
	char error[512], elf[KERNEL_PATH];
	uint64_t begun;
	struct kernel k;
	int fd;

	for (unsigned n = 0; n < c->modules.n; n++)
		words[n] = c->modules.word[n];
	if (kernel_find(&k, error) || kernel_unpacked(&k, elf, sizeof(elf), error)) {
		printf("%s\n", error);
		return;
	}
	for (int n = 0; n < 3; n++) {
		fd = memfd_create("bench", MFD_CLOEXEC);
		begun = clock_mono_ns();
		if (image_write(&i, &k, fd, error))
			printf("%s\n", error);
		printf("%-12s image      %6.3f s  %5.1f MB\n", c->name, since(begun),
		       (double)lseek(fd, 0, SEEK_END) / 1e6);
		close(fd);
	}
}

struct boot {
	const char *name;
	uint64_t begun;
	double up_s, parts_s;
};

static void hear_up(void *ctx, const char *kernel)
{
	struct boot *b = ctx;

	(void)kernel;
	b->up_s = b->parts_s = since(b->begun);
}

static void hear_part(void *ctx, const char *name, const char *state, const char *text)
{
	struct boot *b = ctx;

	(void)name;
	(void)text;
	if (!strcmp(state, "up"))
		b->parts_s = since(b->begun);
}

static void boot(const struct stack_config *c, const char *rig, const char *dir)
{
	struct guest_job job = { .argv = (const char *const[]){ "true", NULL }, .rig = rig };
	struct boot b = { .name = c->name, .begun = clock_mono_ns() };
	struct guest_ops ops = { .ctx = &b, .up = hear_up, .part = hear_part };
	double cpu = cpu_s();
	enum guest_end end = GUEST_RUNS;
	struct guest *g;
	char error[GUEST_ERROR];

	if (guest_start(c, &job, dir, &ops, &g, error)) {
		printf("%-12s %s\n", c->name, error);
		return;
	}
	while (!end)
		end = guest_step(g, -1);
	if (end != GUEST_DONE)
		printf("%-12s %s\n", c->name, guest_reason(g));
	guest_stop(g);
	printf("%-12s agent %6.2f s  parts %6.2f s  end %6.2f s  CPU %5.2f s\n", c->name, b.up_s,
	       b.parts_s, since(b.begun), cpu_s() - cpu);
}

static void stack(const char *name, unsigned boots, const char *rig, const char *dir)
{
	struct stack_config c;
	char error[512];

	if (stack_config_load(NULL, name, &c, error)) {
		printf("%s\n", error);
		return;
	}
	image(&c, rig);
	for (unsigned i = 0; i < boots; i++)
		boot(&c, rig, dir);
}

int main(int argc, char **argv)
{
	static const char *const all[] = { "guest-model", "guest-qemu", "nvmet-tcp" };
	unsigned boots = argc > 1 ? (unsigned)atoi(argv[1]) : 3;
	char dir[] = "/tmp/nvrig-bench-XXXXXX", command[64];

	if (!mkdtemp(dir))
		return 1;
	for (int i = 2; i < argc; i++)
		stack(argv[i], boots, NVRIG_PROGRAM, dir);
	for (size_t i = 0; argc < 3 && i < ARRAY_SIZE(all); i++)
		stack(all[i], boots, NVRIG_PROGRAM, dir);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
