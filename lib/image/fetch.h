/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef IMAGE_FETCH_H
#define IMAGE_FETCH_H

#define FETCH_KERNEL "linux-image-cloud-amd64"

/*
 * Gets a kernel of Debian's (the one that the package `meta` depends on today: FETCH_KERNEL is the
 * one for virtual machines, which lacks drivers for what those do not have) and a static busybox from the machine's own package
 * sources, and unpacks them into the cache. Nothing is installed, nothing outside the cache
 * changes. say (or NULL) hears what is being done. 0, or -errno with error (512 bytes).
 */
int fetch_guest(const char *meta, void (*say)(const char *text), char *error);

#endif
