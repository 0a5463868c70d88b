// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/capture.h"
#include "base/cleanup.h"
#include "image/kernel.h"
#include "stack/guest_argv.h"

#define STUB_BYTES 65536u
#define STUB_RESET 0xfff0u /* where the processor begins, 16 bytes below the firmware's end */
#define STUB_MS	   3000
#define KERNEL_MS  8000 /* TCG takes half of it, so what takes longer is no gain */
#define EXIT_PORT  0xf4
#define EXIT_WORD  0x15
#define EXIT_CODE  (EXIT_WORD << 1 | 1) /* what isa-debug-exit makes of it */

/* mov al, 15h; out f4h, al; hlt */
static const uint8_t stub[] = { 0xb0, EXIT_WORD, 0xe6, EXIT_PORT, 0xf4 };

static int make_stub(void)
{
	int fd = memfd_create("rig-stub", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, STUB_BYTES) ||
	    pwrite(fd, stub, sizeof(stub), STUB_RESET) != sizeof(stub)) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* By KVM, on the machine and the processors of a guest. */
#define BY_KVM                                                                                     \
	(char[]){ "-nodefaults" }, (char[]){ "-no-user-config" }, (char[]){ "-display" },          \
		(char[]){ "none" }, (char[]){ "-nic" }, (char[]){ "none" },                        \
		(char[]){ "-machine" }, (char[]){ GUEST_MACHINE }, (char[]){ "-cpu" },             \
		(char[]){ "max" }, (char[]){ "-smp" }, (char[]){ "2" }, (char[]){ "-accel" },      \
		(char[])                                                                           \
	{                                                                                          \
		"kvm"                                                                              \
	}

static int try_stub(const char *qemu)
{
	_cleanup_close_ int fd = make_stub();
	char bios[64], text[256];
	char *argv[] = { (char *)(uintptr_t)qemu,
			 BY_KVM,
			 (char[]){ "-m" },
			 (char[]){ "16" },
			 (char[]){ "-bios" },
			 bios,
			 (char[]){ "-device" },
			 (char[]){ "isa-debug-exit,iobase=0xf4,iosize=1" },
			 NULL };
	int status = 0, err;

	if (fd < 0)
		return -EIO;
	snprintf(bios, sizeof(bios), "/proc/%d/fd/%d", getpid(), fd);
	err = capture_status(argv, STUB_MS, text, sizeof(text), &status);
	if (err)
		return err;
	return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_CODE ? 0 : -EIO;
}

/* Without an initrd it finds no root, panics by that, and its reboot ends QEMU. */
static int try_kernel(const char *qemu, const char *elf)
{
	char text[4096];
	char *argv[] = { (char *)(uintptr_t)qemu,
			 BY_KVM,
			 (char[]){ "-m" },
			 (char[]){ "256" },
			 (char[]){ "-no-reboot" },
			 (char[]){ "-serial" },
			 (char[]){ "stdio" },
			 (char[]){ "-kernel" },
			 (char *)(uintptr_t)elf,
			 (char[]){ "-append" },
			 (char[]){
				 "console=ttyS0 quiet panic=-1 cryptomgr.notests mitigations=off" },
			 NULL };
	int err = capture(argv, KERNEL_MS, text, sizeof(text));

	return err || strstr(text, "Kernel panic") ? err : -EIO;
}

/* 0 when both ran, -EACCES (/dev/kvm), -ETIMEDOUT, -EIO. */
static int try_kvm(const char *qemu, const char *elf)
{
	int err;

	if (access("/dev/kvm", R_OK | W_OK))
		return -EACCES;
	err = try_stub(qemu);
	return err ? err : try_kernel(qemu, elf);
}

/* ---- kept until the next boot ---- */

/* "BOOT-ID PROGRAM KERNEL": the answer is of all three. */
static int question(const char *qemu, const char *elf, char *text, size_t size)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char boot[64] = "";
	int n;

	if (!f || !fgets(boot, sizeof(boot), f))
		return -EIO;
	boot[strcspn(boot, "\n")] = 0;
	n = snprintf(text, size, "%s %s %s ", boot, qemu, elf);
	return n < (int)size ? 0 : -ENAMETOOLONG;
}

static bool remembered(const char *path, const char *what, bool *ret_kvm)
{
	struct bytes b;
	size_t n = strlen(what);
	bool found;

	if (bytes_load(path, PATH_MAX, &b))
		return false;
	found = b.size >= n + 3 && !memcmp(b.at, what, n);
	if (found)
		*ret_kvm = !memcmp(b.at + n, "kvm", 3);
	bytes_free(&b);
	return found;
}

static void remember(const char *path, const char *what, bool kvm)
{
	char part[KERNEL_PATH + 48];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(part, sizeof(part), "%s.%d", path, getpid());
	f = fopen(part, "we");
	if (!f)
		return; /* no cache: asked again the next time */
	fprintf(f, "%s%s\n", what, kvm ? "kvm" : "tcg");
	if (fflush(f) || rename(part, path))
		unlink(part);
}

const char *accel_choose(const char *qemu, const char *elf, const char *asked)
{
	char path[KERNEL_PATH + 16] = "", what[2 * PATH_MAX + 80];
	bool kvm = false;

	if (strcmp(asked, "auto"))
		return strcmp(asked, "kvm") ? "tcg" : "kvm";
	if (access("/dev/kvm", R_OK | W_OK))
		return "tcg";
	if (kernel_cache(path, KERNEL_PATH) || question(qemu, elf, what, sizeof(what)))
		return try_kvm(qemu, elf) ? "tcg" : "kvm";
	strcat(path, "/accelerator");
	if (!remembered(path, what, &kvm)) {
		kvm = !try_kvm(qemu, elf);
		remember(path, what, kvm);
	}
	return kvm ? "kvm" : "tcg";
}
