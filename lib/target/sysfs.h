/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attributes of sysfs and configfs: small files of one line. */
#ifndef TARGET_SYSFS_H
#define TARGET_SYSFS_H

#define SYSFS_WORD 160

/* The file `name` below dir without the blanks at its end; "" when there is none. Cut at the end. */
const char *sysfs_word(const char *dir, const char *name, char ret[SYSFS_WORD]);

#endif
