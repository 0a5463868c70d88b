// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest that may do anything, played by this same program in QEMU's place: silence, noise, a
 * panic. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/clock.h"
#include "base/endian.h"
#include "event/event.h"
#include "stack/console.h"
#include "stack/guest.h"
#include "stack/guest_internal.h"
#include "stack/stack.h"
#include "tests/unit.h"

static char top[] = "/tmp/rig-test-guest-XXXXXX";

/* ---- in QEMU's place ---- */

static int fd_of(int argc, char **argv, const char *prefix)
{
	for (int i = 0; i < argc; i++)
		if (!strncmp(argv[i], prefix, strlen(prefix)))
			return atoi(argv[i] + strlen(prefix));
	return -1;
}

static void say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void flood(int fd)
{
	static char noise[65536];

	memset(noise, 'x', sizeof(noise));
	for (int i = 0; i < 1024; i++)
		(void)!write(fd, noise, sizeof(noise));
}

static int fake(const char *mode, int argc, char **argv)
{
	int console = fd_of(argc, argv, "socket,id=console,fd=");
	int port = fd_of(argc, argv, "socket,id=port,fd=");

	if (argc > 0 && !strcmp(argv[0], "--version")) {
		puts("QEMU emulator version 9.1.2");
		return 0;
	}
	say(console, "[    1.000000] booting\r\n");
	if (strcmp(mode, "mute"))
		say(port, "{\"type\":\"agent.ready\",\"kernel\":\"1.0\"}\n");
	if (!strcmp(mode, "good"))
		say(port, "{\"type\":\"agent.out\",\"stream\":1,\"hex\":\"68690a\"}\n"
			  "{\"type\":\"agent.file\",\"name\":\"0001-a/out.log\",\"hex\":\"61\"}\n"
			  "{\"type\":\"check\",\"ok\":true}\n"
			  "{\"type\":\"agent.exit\",\"status\":7}\n{\"type\":\"agent.done\"}\n");
	if (!strcmp(mode, "noise"))
		say(port,
		    "not JSON\n{\"type\":\"agent.magic\"}\n{}\n"
		    "{\"type\":\"agent.file\",\"name\":\"../../evil\",\"hex\":\"61\"}\n"
		    "{\"type\":\"agent.file\",\"name\":\"/etc/evil\",\"hex\":\"61\"}\n"
		    "{\"type\":\"agent.file\",\"name\":\"a\",\"hex\":\"6\"}\n"
		    "{\"type\":\"agent.out\",\"stream\":1,\"hex\":\"zz\"}\n"
		    "{\"type\":\"agent.exit\",\"status\":\"x\"}\n{\"type\":\"agent.done\"}\n");
	if (!strcmp(mode, "flood"))
		flood(port);
	if (!strcmp(mode, "refuses"))
		say(port,
		    "{\"type\":\"agent.failed\",\"text\":\"store: status 1: no such module\"}\n"
		    "{\"type\":\"agent.done\"}\n");
	if (!strcmp(mode, "panics"))
		say(console, "[    2.5] WARNING: CPU: 0 PID: 9 at x.c:1 y\r\n"
			     "[    3.000000] Kernel panic - not syncing: Fatal\r\nmore words\r\n");
	if (!strcmp(mode, "dies"))
		abort();
	if (!strcmp(mode, "refused")) {
		fputs("qemu: no such device\n", stderr);
		return 1;
	}
	if (strcmp(mode, "panics") && strcmp(mode, "off"))
		sleep(60);
	return 0;
}

/* ---- the rig's side ---- */

static struct stack_config config(const char *mode)
{
	struct stack_config c = { .name = "t",
				  .kind = STACK_GUEST,
				  .accel = "tcg",
				  .cache = "writeback",
				  .memory_bytes = 128 << 20,
				  .cpus = 1,
				  .start_s = strcmp(mode, "mute") ? 20 : 1,
				  .silence_s = strcmp(mode, "hangs") ? 20 : 1 };
	char self[512] = "";
	FILE *f;

	(void)!readlink("/proc/self/exe", self, sizeof(self) - 1);
	snprintf(c.binary, sizeof(c.binary), "%s/qemu-%s", top, mode);
	f = fopen(c.binary, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fprintf(f, "#!/bin/sh\nexec %s --fake %s \"$@\"\n", self, mode);
	fclose(f);
	chmod(c.binary, 0700);
	return c;
}

struct heard {
	unsigned ups, events, files, findings;
	size_t junk;
	char output[64], finding[256];
};

static void hear_up(void *ctx, const char *kernel)
{
	((struct heard *)ctx)->ups += !strcmp(kernel, "1.0");
}

static void hear_event(void *ctx, struct json_object *e)
{
	((struct heard *)ctx)->events += !strcmp(event_type(e), "check");
}

static void hear_output(void *ctx, int stream, const void *data, size_t n)
{
	struct heard *h = ctx;

	if (stream == 1 && strlen(h->output) + n < sizeof(h->output))
		strncat(h->output, data, n);
}

static void hear_file(void *ctx, const char *name, const void *data, size_t n)
{
	(void)data;
	((struct heard *)ctx)->files += n == 1 && !strcmp(name, "0001-a/out.log") ? 1 : 100;
}

static void hear_finding(void *ctx, const char *line)
{
	struct heard *h = ctx;

	h->findings++;
	snprintf(h->finding, sizeof(h->finding), "%s", line);
}

static void hear_junk(void *ctx, size_t n)
{
	((struct heard *)ctx)->junk += n;
}

static void ends(const char *mode, enum guest_end want, const char *words, struct heard *h)
{
	struct guest_ops ops = { h,    hear_up,	  NULL,		hear_event, hear_output,
				 NULL, hear_file, hear_finding, hear_junk };
	struct guest_job job = { .argv = (const char *const[]){ "true", NULL },
				 .rig = "/bin/true" };
	struct stack_config c = config(mode);
	uint64_t begun = clock_mono_ns();
	enum guest_end end = GUEST_RUNS;
	char error[STACK_ERROR] = "";
	struct guest *g = NULL;

	*h = (struct heard){ 0 };
	CU_ASSERT_EQUAL_FATAL(guest_start(&c, &job, top, &ops, &g, error), 0);
	while (!end && clock_mono_ns() - begun < 20 * NS_PER_S)
		end = guest_step(g, -1);
	if (end != want || !strstr(guest_reason(g), words))
		fprintf(stderr, "%s: got %d '%s', want %d '%s'\n", mode, end, guest_reason(g), want,
			words);
	CU_ASSERT_EQUAL(end, want);
	CU_ASSERT_PTR_NOT_NULL(strstr(guest_reason(g), words));
	if (want == GUEST_DONE && !strcmp(mode, "good"))
		CU_ASSERT_EQUAL(guest_status(g), 7);
	guest_stop(g);
	CU_ASSERT(clock_mono_ns() - begun < 15 * NS_PER_S);
}

static void good(void)
{
	struct heard h;

	ends("good", GUEST_DONE, "", &h);
	CU_ASSERT_EQUAL(h.ups, 1);
	CU_ASSERT_EQUAL(h.events, 1);
	CU_ASSERT_EQUAL(h.files, 1);
	CU_ASSERT_EQUAL(h.junk, 0);
	CU_ASSERT_STRING_EQUAL(h.output, "hi\n");
}

static void noise(void)
{
	struct heard h;

	ends("noise", GUEST_DONE, "", &h);
	CU_ASSERT_EQUAL(h.files, 0);
	CU_ASSERT(h.junk > 100);
}

static void bad_ends(void)
{
	struct heard h;

	ends("flood", GUEST_FLOOD, "bytes over its port that mean nothing", &h);
	ends("refuses", GUEST_FAILED, "store: status 1: no such module", &h);
	ends("dies", GUEST_DIED, "SIGABRT", &h);
	ends("refused", GUEST_DIED, "status 1: qemu: no such device", &h);
	ends("off", GUEST_DIED, "switched itself off", &h);
	ends("panics", GUEST_PANIC, "guest kernel: Kernel panic - not syncing: Fatal", &h);
	CU_ASSERT_EQUAL(h.findings, 1);
	CU_ASSERT_STRING_EQUAL(h.finding, "WARNING: CPU: 0 PID: 9 at x.c:1 y");
}

static void silence(void)
{
	struct heard h;

	ends("mute", GUEST_SILENT, "did not come up within 1 s; last on its console: booting", &h);
	ends("hangs", GUEST_SILENT, "no sign of life for 1 s; last on its console: booting", &h);
	CU_ASSERT_EQUAL(h.ups, 1);
}

static void names(void)
{
	CU_ASSERT(guest_file_name("a"));
	CU_ASSERT(guest_file_name("0001-x.y_z/out.log"));
	for (const char *const *bad =
		     (const char *const[]){ "", "/a", "a/", ".", "..", "a/../b", ".hidden", "a//b",
					    "a b", "a\nb", "1/2/3/4/5", NULL };
	     *bad; bad++)
		CU_ASSERT(!guest_file_name(*bad));
}

static void console_lines(void)
{
	CU_ASSERT_EQUAL(console_judge("Kernel panic - not syncing: sysrq"), CONSOLE_PANIC);
	CU_ASSERT_EQUAL(console_judge("BUG: kernel NULL pointer dereference"), CONSOLE_FINDING);
	CU_ASSERT_EQUAL(console_judge("nvme nvme0: I/O 3 QID 1 timeout, aborting"),
			CONSOLE_DRIVER);
	CU_ASSERT_EQUAL(console_judge("watchdog: BUG: soft lockup - CPU#0 stuck"), CONSOLE_PLAIN);
	CU_ASSERT_EQUAL(console_judge("nvme nvme0: 2/0/0 default/read/poll queues"), CONSOLE_PLAIN);
}

/* The stacks that know no guest refuse one. */
static void no_controller(void)
{
	struct stack_config c = config("good");
	char error[512] = "";
	struct stack *s;

	CU_ASSERT_EQUAL(stack_up(&c, top, &s, error), -ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "is a guest"));
}

/* ---- a kernel and a busybox that will do ---- */

static void put(const char *name, const void *data, size_t size, unsigned mode)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "w");
	if (!f || fwrite(data, 1, size, f) != size)
		exit(2);
	fclose(f);
	chmod(path, mode);
}

static void make_dir(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	mkdir(path, 0700);
}

static void put_kernel(void)
{
	static const char builtin[] = "kernel/virtio_pci.ko\nkernel/virtio_console.ko\n";
	char gzip[256], packed[512], *argv[] = { gzip, (char[]){ "-c" }, NULL };
	uint8_t file[1 << 20] = { [0x1f1] = 1, [0x1fe] = 0x55, [0x1ff] = 0xaa };
	int in = open("/bin/true", O_RDONLY | O_CLOEXEC), out;
	ssize_t n;

	for (const char *const *d =
		     (const char *const[]){ "debian", "debian/bin", "debian/boot", "debian/lib",
					    "debian/lib/modules", "debian/lib/modules/1.0",
					    "debian/lib/modules/1.0/kernel", NULL };
	     *d; d++)
		make_dir(*d);
	snprintf(packed, sizeof(packed), "%s/packed", top);
	out = open(packed, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (capture_find("gzip", gzip, sizeof(gzip)) || capture_filter(argv, in, out, 5000))
		exit(2);
	n = pread(out, file + 1024, sizeof(file) - 1024, 0);
	close(in);
	close(out);
	memcpy(file + 0x202, "HdrS", 4);
	le32_put(file + 0x24c, (uint32_t)n);
	put("debian/boot/vmlinuz-1.0", file, 1024 + (size_t)n, 0600);
	put("debian/lib/modules/1.0/modules.builtin", builtin, strlen(builtin), 0600);
	put("debian/bin/busybox", "#!/bin/sh\necho sh\n", 18, 0700);
}

static const struct unit units[] = {
	{ "good", good },
	{ "noise", noise },
	{ "bad ends", bad_ends },
	{ "silence", silence },
	{ "names", names },
	{ "console lines", console_lines },
	{ "no controller", no_controller },
};

int main(int argc, char **argv)
{
	int bad;

	if (argc > 2 && !strcmp(argv[1], "--fake"))
		return fake(argv[2], argc - 3, argv + 3);
	if (!mkdtemp(top))
		return 2;
	setenv("NVRIG_CACHE", top, 1);
	put_kernel();
	bad = unit_main("guest", units, ARRAY_SIZE(units));
	return nftw(top, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS) ? 2 : bad;
}
