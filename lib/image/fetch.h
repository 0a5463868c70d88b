/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IMAGE_FETCH_H
#define IMAGE_FETCH_H

/*
 * Gets Debian's kernel for virtual machines and a static busybox from the machine's own package
 * sources, and unpacks them into the cache. Nothing is installed, nothing outside the cache
 * changes. say (or NULL) hears what is being done. 0, or -errno with error (512 bytes).
 */
int fetch_guest(void (*say)(const char *text), char *error);

#endif
