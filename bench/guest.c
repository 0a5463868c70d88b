// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a guest costs: bytes and time of its image, then of whole boots the wall and CPU seconds
 * from launch until the agent speaks, its parts are up, and a command has ended. Guests are those
 * of configs/stacks; QEMU's CPU time is told with ours, the keeper having waited for it. Those that
 * can be kept are booted, kept once, and restored. usage: guest [BOOTS [STACK...]]
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "stack/guest.h"
#include "stack/guest_snap.h"

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

/* ppid and CPU time of a process; false: it is gone. */
static bool process(const char *pid, int *ret_parent, double *ret_s)
{
	unsigned long user, system;
	char path[300], line[512];
	_cleanup_fclose_ FILE *f = NULL;
	const char *end;

	snprintf(path, sizeof(path), "/proc/%s/stat", pid);
	f = fopen(path, "re");
	end = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!end || sscanf(end + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu",
			   ret_parent, &user, &system) != 3)
		return false;
	*ret_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
	return true;
}

/* Of us and of what runs below us at this moment: a keeper a guest, and its QEMU. */
static double cpu_now_s(void)
{
	double s = cpu_s(), one;
	DIR *d = opendir("/proc");
	int parent, grand;

	for (struct dirent *e; d && (e = readdir(d));) {
		double ignored;
		char above[16];

		if (e->d_name[0] < '0' || e->d_name[0] > '9' || !process(e->d_name, &parent, &one))
			continue;
		snprintf(above, sizeof(above), "%d", parent);
		if (parent == getpid() || (process(above, &grand, &ignored) && grand == getpid()))
			s += one;
	}
	if (d)
		closedir(d);
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
	const char *name, *how;
	uint64_t begun;
	double up_s, parts_s;
	double cpu_s, up_cpu_s, parts_cpu_s;
};

static void hear_up(void *ctx, const char *kernel)
{
	struct boot *b = ctx;

	(void)kernel;
	b->up_s = b->parts_s = since(b->begun);
	b->up_cpu_s = b->parts_cpu_s = cpu_now_s() - b->cpu_s;
}

static void hear_part(void *ctx, const char *name, const char *state, const char *text)
{
	struct boot *b = ctx;

	(void)text;
	if (!strcmp(name, "snapshot") && strcmp(state, "not kept"))
		b->how = strcmp(state, "kept") ? "restored" : "kept";
	if (strcmp(state, "up"))
		return;
	b->parts_s = since(b->begun);
	b->parts_cpu_s = cpu_now_s() - b->cpu_s;
}

static void boot(const struct stack_config *c, const struct stack_config *behind, const char *rig,
		 const char *dir)
{
	struct guest_job job = { .argv = (const char *const[]){ "true", NULL },
				 .rig = rig,
				 .behind = behind };
	struct boot b = { .name = c->name, .how = "booted", .begun = clock_mono_ns(), .cpu_s = cpu_s() };
	struct guest_ops ops = { .ctx = &b, .up = hear_up, .part = hear_part };
	enum guest_end end = GUEST_RUNS;
	struct guest *g;
	char error[STACK_ERROR];

	if (guest_start(c, &job, dir, &ops, &g, error)) {
		printf("%-12s %s\n", c->name, error);
		return;
	}
	while (!end)
		end = guest_step(g, -1);
	if (end != GUEST_DONE)
		printf("%-12s %s\n", c->name, guest_reason(g));
	guest_stop(g);
	printf("%-12s %-8s agent %6.2f s  parts %6.2f s  end %6.2f s  CPU: agent %5.2f s  parts %5.2f s "
	       " "
	       "end %5.2f s\n",
	       c->name, b.how, b.up_s, b.parts_s, since(b.begun), b.up_cpu_s, b.parts_cpu_s,
	       cpu_s() - b.cpu_s);
}

static void stack(const char *name, unsigned boots, const char *rig, const char *dir)
{
	static struct stack_config c, behind;
	char error[512];
	int two;

	if (stack_config_load(NULL, name, &c, error) ||
	    (two = stack_guest_behind(&c, &behind, error)) < 0) {
		printf("%s\n", error);
		return;
	}
	image(&c, rig);
	setenv(GUEST_SNAP_ENV, "no", 1);
	for (unsigned i = 0; i < boots; i++)
		boot(&c, two ? &behind : NULL, rig, dir);
	unsetenv(GUEST_SNAP_ENV);
	for (unsigned i = 0; c.snapshot && i <= boots; i++)
		boot(&c, two ? &behind : NULL, rig, dir);
}

int main(int argc, char **argv)
{
	static const char *const all[] = { "guest-model", "guest-qemu", "guest-plug", "nvmet-tcp",
					   "guest-tcp" };
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
