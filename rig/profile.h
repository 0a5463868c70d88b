/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a drive family, as data: files in configs/drives. Exactly one profile matches a
 * drive, or none, and then the empty one named "generic" stands in.
 */
#ifndef RIG_PROFILE_H
#define RIG_PROFILE_H

#include <stddef.h>

struct profile_patterns {
	char **at;
	size_t n; /* 0: any will do */
};

/* A deviation that is known: a FAIL of these cases is shown as KNOWN. */
struct profile_known {
	char *cases; /* pattern over "area.id" or "area.id[row]"; without [row] it is every row */
	struct profile_patterns firmware, engine; /* engine: over target_caps.engine, "QEMU 7.2*" */
	char *what;	/* pattern over what goes wrong; "": whatever it is, but the engine's end */
	char *reason;
	char *ref;   /* ticket or finding; may be "" */
	char *until; /* "YYYY-MM-DD", the last day on which it counts; "" for ever */
};

struct profile {
	char *name;
	char *path;  /* the file it came from; "" for generic */
	char *model; /* patterns */
	char *firmware;
	struct profile_patterns pci; /* over "vvvv:dddd" */
	struct profile_known *known;
	size_t n_known;
	char today[11]; /* UTC, when it was loaded: what `until` is compared with */
};

/*
 * The profile of a drive. dir: the directory that holds drives/, NULL: where config_find_dir()
 * looks. model, firmware: as Identify Controller has them, trailing blanks are ignored; pci:
 * "1b36:0010" or NULL when unknown, then it is not compared. error: 512 bytes.
 * -EINVAL: a file is wrong ("file:line: what"); -EEXIST: two match, both named.
 */
int profile_load(const char *dir, const char *model, const char *firmware, const char *pci,
		 struct profile **ret, char *error);
void profile_free(struct profile *p);

/*
 * The entry for that case, or NULL. The most specific is not sought: the first in the file wins.
 * engine may be NULL or "": then only entries for any engine count. what: one thing that went
 * wrong, "status: got 000h Successful Completion, want ..." or "engine died: SIGSEGV" (known only
 * by an entry whose `what` says so); NULL: nothing did, and entries with a `what` do not count.
 */
const struct profile_known *profile_known(const struct profile *p, const char *case_name,
					  const char *firmware, const char *engine,
					  const char *what);

#endif
