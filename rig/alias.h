/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An alias of the bench file as an address: where the drive of that serial is today. */
#ifndef RIG_ALIAS_H
#define RIG_ALIAS_H

#include <stdbool.h>
#include <stddef.h>

#define ALIAS_ERROR 512

/* A word with a colon is an address itself. */
bool alias_is(const char *word);

/*
 * 0 with "kernel:/dev/nvme1". -ENOENT: the bench file has no such alias, and error names the
 * nearest; -ENODEV: the drive is not in this machine; -EEXIST: two drives answer to it; -EINVAL,
 * -EPERM: the bench file.
 */
int alias_find(const char *word, char *ret_address, size_t size, char error[ALIAS_ERROR]);

#endif
