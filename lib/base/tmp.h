/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories for what lasts no longer than its user, who removes them. */
#ifndef BASE_TMP_H
#define BASE_TMP_H

#include <stddef.h>

#define TMP_SHORT 64 /* bytes of a short one's name: a socket's path has 107 */

/* Makes $TMPDIR/nvrig-WHAT-XXXXXX. 0 or -errno; then ret is "". */
int tmp_dir(const char *what, char *ret, size_t size);

/*
 * As above, short, and of letters, digits and "/._-" alone, as commands and targets' addresses want
 * it: in /tmp where $TMPDIR is not so. what: 8 characters at most.
 */
int tmp_dir_short(const char *what, char ret[TMP_SHORT]);

#endif
