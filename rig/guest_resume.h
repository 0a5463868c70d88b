/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a run in a guest needs in order to go on there: run.json, plan.jsonl and as much of the
 * journal as says which cases have their end, below GUEST_RESUME_DIR in the image.
 */
#ifndef RIG_GUEST_RESUME_H
#define RIG_GUEST_RESUME_H

#include "rig/guest_files.h"

#define GUEST_RESUME_DIR "/root/resumed"

/*
 * Adds the files of the run in dir to those of the image. options: what the run in the guest was
 * asked for, as its run.json is to say. 0, or -errno with error (512 bytes).
 */
int guest_resume_files(struct guest_files_list *l, const char *dir, struct json_object *options,
		       char *error);

#endif
