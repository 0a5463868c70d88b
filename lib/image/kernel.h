/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel that guests boot: one that was fetched into the cache, or the machine's own. QEMU
 * boots the ELF file inside it by PVH, without unpacking it under emulation, so it is unpacked
 * here, once.
 */
#ifndef IMAGE_KERNEL_H
#define IMAGE_KERNEL_H

#include <stddef.h>

#define KERNEL_PATH 512

struct kernel {
	char release[80];	   /* "6.1.0-56-cloud-amd64" */
	char vmlinuz[KERNEL_PATH]; /* as it was packed */
	char modules[KERNEL_PATH]; /* .../lib/modules/RELEASE */
	char root[KERNEL_PATH];	   /* below which both lie: programs may be there too; "" is / */
};

/* Where fetched packages and unpacked kernels are kept: $NVRIG_CACHE, $XDG_CACHE_HOME/nvrig,
 * ~/.cache/nvrig. -ENAMETOOLONG, -ENOENT (no home). Not made. */
int kernel_cache(char *ret_dir, size_t size);

/* Below it, the root of unpacked packages. */
int kernel_fetched(char *ret_dir, size_t size);

/*
 * The newest of those that were fetched, else the one the machine runs, else the newest in /boot.
 * -ENOENT with the sentence in error (512 bytes), which says how to get one.
 */
int kernel_find(struct kernel *ret, char *error);

/* The path of its ELF file, unpacked into the cache when it is not there. 0 or -errno with error.
 */
int kernel_unpacked(const struct kernel *k, char *ret_path, size_t size, char *error);

/*
 * The file of a program in the packages that were fetched, else by PATH (also sbin); of an absolute
 * path, which may also be that of a plugin, the file there. 0 or -ENOENT.
 */
int kernel_program(const char *name, char *ret_path, size_t size);

#endif
