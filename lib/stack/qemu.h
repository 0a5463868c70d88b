/* SPDX-License-Identifier: GPL-2.0-or-later */
/* QEMU's command line for a controller without a guest (stack A, qemu-qtest). */
#ifndef STACK_QEMU_H
#define STACK_QEMU_H

#include "stack/qemu_args.h"

#define QEMU_MIN_MAJOR	6
#define QEMU_MIN_MINOR	2
#define QEMU_PACKAGE	"qemu-system-x86"
#define QEMU_BIOS_BYTES 65536u

struct qemu_version {
	unsigned major, minor, micro;
};

/*
 * Finds the program and asks its version. -ENOENT: not installed, -EPROTO: what it says is no
 * version, -ENOTSUP: too old; each with the sentence in error (512 bytes).
 */
int qemu_find(const char *binary, char *ret_path, size_t size, struct qemu_version *ret_version,
	      char *error);

/* Parses "QEMU emulator version 7.2.22 (Debian ...)". 0 or -EPROTO. */
int qemu_parse_version(const char *text, struct qemu_version *ret);

/*
 * Does this QEMU (a path) have every device and property that the configuration sets? It is asked
 * with -device NAME,help; a program that does not answer that is taken to have them, its start
 * will tell. 0, or -ENOTSUP with the sentence in error (512 bytes).
 */
int qemu_offers(const char *program, const struct stack_config *cfg, char *error);

/* Has it a device of that name? As qemu_offers(). */
int qemu_has_device(const char *program, const char *device, char *error);

/* Where the parts lie; paths as QEMU is to open them. */
struct qemu_files {
	const char *program, *socket, *ram, *bios;
	const char *disk[STACK_NS_MAX]; /* one a namespace */
};

/* The whole command line, NULL-terminated, freed with qemu_free. NULL: out of memory. */
char **qemu_argv(const struct stack_config *cfg, const struct qemu_files *f);

#endif
