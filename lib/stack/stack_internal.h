/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by stack.c (the life of a stack), its kinds, stack_qtest.c and stack_server.c, and guests. */
#ifndef STACK_STACK_INTERNAL_H
#define STACK_STACK_INTERNAL_H

#include "base/tmp.h"
#include "stack/keeper.h"
#include "stack/stack.h"

#define PATH_BYTES 4096

struct stack {
	const struct stack_kind *kind;
	struct stack_config cfg;
	char program[256];
	char dir[PATH_BYTES];
	char own_dir[TMP_SHORT]; /* for sockets, where the kind needs one; "": none */
	char socket[108];
	char disk[STACK_NS_MAX][PATH_BYTES];
	char log[PATH_BYTES];
	int ram_fd, bios_fd, log_fd;
	off_t log_from; /* where the log of the present program begins */
	char engine[64];
	char target[512];
	struct keeper keeper;
	struct stack_death death;
};


struct stack_kind {
	const char *name; /* of the configuration */
	/* What the program needs and outlives it: files, sockets' places. 0 or -errno with error. */
	int (*make)(struct stack *s, char *error);
	/* The program, until it answers. */
	int (*start)(struct stack *s, char *error);
	/* Before it is started once more, with the same store. */
	int (*renew)(struct stack *s, char *error);
	/* All that it makes which has a name: paths, then NULL. */
	void (*paths)(const struct stack *s, const char *ret[KEEPER_PATHS]);
	/* As stack_lacks(). */
	const char *(*lacks)(const struct stack_config *cfg, char error[STACK_ERROR]);
};

extern const struct stack_kind stack_kind_qtest, stack_kind_server;

/* Into error (STACK_ERROR bytes); returns err. */
__attribute__((format(printf, 3, 4))) int stack_fail(char *error, int err, const char *fmt, ...);
/* The name of the program, without its place. */
const char *stack_program(const struct stack *s);
/* Waits for `answers`, for start_s at most; then error says what became of it. */
int stack_await(struct stack *s, bool (*answers)(struct stack *s), char *error);

#endif
