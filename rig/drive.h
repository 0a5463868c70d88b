/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `nvrig drive` was asked for, and what it does, a file each. */
#ifndef RIG_DRIVE_H
#define RIG_DRIVE_H

#include "rig/guard.h"
#include "rig/verbs.h"

#define DRIVE_WORDS 16

struct drive_args {
	struct globals globals;
	const char *what, *which; /* the sub-verb; DRIVE, or NULL */
	bool json, dry_run;
	struct bench_drive line; /* what adopt is to write */
	const char *confirm[DRIVE_WORDS];
	struct guard_words words;
};

/* Each returns the exit status. */
int drive_ls(const struct drive_args *a);
/* Until a signal. */
int drive_watch(const struct drive_args *a);
int drive_show(const struct drive_args *a);
int drive_adopt(const struct drive_args *a);
int drive_release(const struct drive_args *a);
int drive_label(const struct drive_args *a);

/*
 * The drive by an alias, an address ("kernel:/dev/nvme0") or its node (/dev/nvme0). 0, or the exit
 * status, said on standard error.
 */
int drive_find(const char *word, struct guard_drive *ret);

/*
 * Asks the guards, and prints what each says, as lines or (list: a JSON array) objects. Bits of
 * those that refuse.
 */
struct json_object;
unsigned drive_guards(const struct guard_ask *a, unsigned which, struct json_object *list);

/* Standard output of a verb with --json: the document, then freed. The exit status. */
int drive_put_json(struct json_object *o, int status);

#endif
