/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RIG_GUEST_FILES_H
#define RIG_GUEST_FILES_H

#include "stack/guest.h"

/* Our configurations, for the nvrig in a guest: into /etc/nvrig/configs there. */
struct guest_files_list {
	struct image_file *file;
	unsigned n;
};

/* 0, or -errno: there is no configs/, or no memory. */
int guest_files_make(struct guest_files_list *ret);
/* One more, of bytes that are then the list's, freed with it. 0 or -ENOMEM: they stay the caller's. */
int guest_files_add_text(struct guest_files_list *l, const char *path, char *text, size_t size);
void guest_files_free(struct guest_files_list *l);

#endif
