/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Locals that put themselves away. Not for suites: a case leaves by longjmp, which runs none. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_ptr(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_close_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define _cleanup_(f)	 __attribute__((cleanup(f)))
#define _cleanup_free_	 _cleanup_(cleanup_free_ptr)
#define _cleanup_close_	 _cleanup_(cleanup_close_fd)
#define _cleanup_fclose_ _cleanup_(cleanup_close_file)

#define ARRAY_SIZE(a)	 (sizeof(a) / sizeof((a)[0]))

#endif
