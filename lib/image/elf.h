/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a guest's image needs to know of ELF files (64 bits, little-endian): which libraries a
 * program wants, and what a kernel module says of itself. Every offset of the file is checked.
 * Source: System V ABI, "Object Files" and "Program Loading and Dynamic Linking".
 */
#ifndef IMAGE_ELF_H
#define IMAGE_ELF_H

#include <stdbool.h>

#include "base/bytes.h"

/* ELF64, little-endian, x86-64? */
bool elf_is(const struct bytes *b);

/* The program interpreter's path, NULL: none. Within b. */
const char *elf_interpreter(const struct bytes *b);

/*
 * Calls fn for every DT_NEEDED name. *ret_runpath: DT_RUNPATH, else DT_RPATH, or NULL. Strings are
 * within b. 0, fn's first value that is not 0, or -EPROTO: offsets that lead out of the file.
 */
int elf_needed(const struct bytes *b, int (*fn)(void *ctx, const char *name), void *ctx,
	       const char **ret_runpath);

/* A section's bytes (within b). 0, -ENOENT, -EPROTO. */
int elf_section(const struct bytes *b, const char *name, struct bytes *ret);

/*
 * Takes off what no loader looks at: everything behind the last byte that is loaded (symbols, debug
 * information, section headers). For programs and libraries, not for modules.
 */
void elf_strip(struct bytes *b);

#endif
