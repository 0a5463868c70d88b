/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bytes of a stack come to rest: configs/stores/NAME.conf holds one section, store
 * "NAME". A store of kind node is made by parts in the guest; one may lie on another, so that
 * faults are layers: "null-mem+flakey". A store of kind file is what QEMU shows as disks.
 */
#ifndef RIG_STORE_H
#define RIG_STORE_H

#include "stack/stack.h"

#define STORE_NODE     "node"
#define STORE_FILE     "file"
#define STORE_MARK     '@' /* in a stack's name, before the store: nvmet-tcp@lvm-thin */
#define STORE_LINK     "/dev/rig-store" /* in the guest, a link to the topmost node */
#define STORE_DEPTH    8
#define STORE_NAME     32
#define STORE_PARTS    8
#define STORE_QEMU     "qemu-system-x86_64" /* with which store_lacks() looks */

struct store {
	char name[STORE_NAME];
	char about[128];
	char kind[8];
	char on[STORE_NAME]; /* what it lies on unless one is named; "": on none */
	char node[STACK_NODE];
	uint64_t size;	 /* of the node, in bytes; 0: any */
	uint64_t memory; /* bytes that the guest has for it beyond its stack's own */
	bool keeps_data;
	char format[16];
	uint64_t bad_at, bad_bytes; /* of kind file: what fails */
	struct stack_words modules, programs;
	struct stack_part part[STORE_PARTS];
	unsigned n_parts;
	char where[288]; /* its file, and the line of its section, for errors */
	int line;
};

/*
 * dir as for stack_config_load(); error: CONFIG_ERROR bytes. -ENOENT: no store of that name, the
 * nearest is suggested; -EINVAL and others: its file is wrong ("file:line: what").
 */
int store_load(const char *dir, const char *name, struct store *ret, char *error);

/* As stack_config_names(). */
int store_names(const char *dir, char ***ret_names);
void store_names_free(char **names);

/*
 * Gives the stack the store that `words` name, from the bottom to the top ("loop+lvm-thin"): its
 * parts before those that are there, its modules and programs. Its kind is that of the stack's own
 * store, else -EDOM. 0 or -errno with error, as store_load().
 */
int store_apply(const char *dir, const char *words, struct stack_config *to, char *error);

/*
 * NULL when this machine can make the store (with what it lies on), else the sentence why not (a
 * static buffer).
 */
const char *store_lacks(const char *dir, const char *name);

#endif
