/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A storm's script: the commands it sends, as data. Addresses and command identifiers stand in it
 * symbolically, so that a script can be cut, kept in a file, and played on any controller.
 *
 * The file is text: a header object on the first line, one object a step on each of the others
 * (docs/replay.md). The header counts the steps, so that a file that was cut is noticed.
 */
#ifndef STORM_SCRIPT_H
#define STORM_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "spec/wire.h"

#define SCRIPT_STEPS_MAX  1000000u /* of a file */
#define SCRIPT_QUEUES_MAX 4u	   /* I/O queues that a script may use */
#define SCRIPT_NOBODY	  UINT32_MAX
#define SCRIPT_WHY	  512

enum script_kind {
	SCRIPT_COMMAND,
	SCRIPT_WAIT,  /* until nothing is in flight but asynchronous event requests */
	SCRIPT_RESET, /* Controller Reset with whatever is in flight */
};

/* Where the data of a command lie. */
enum script_pointer {
	POINTER_PRP,	 /* in one piece, `offset` bytes into a page */
	POINTER_LIST,	 /* pages in descending order, `offset` bytes into the first */
	POINTER_SANDBOX, /* in a sandbox that has no end, wherever the controller takes it to be */
};

struct script_step {
	uint32_t number; /* as drawn; it stays when other steps are taken out */
	enum script_kind kind;
	uint8_t queue; /* 0: admin, 1..: I/O */
	enum script_pointer pointer;
	uint16_t offset;  /* dword-aligned, below 4096 */
	uint32_t aims_at; /* an Abort's victim: the number of its step, or SCRIPT_NOBODY */
	struct sqe sqe;	  /* CID, MPTR, PRP1 and PRP2 are 0: they are found when it is played */
};

struct script {
	uint64_t seed;
	char why[SCRIPT_WHY]; /* what went wrong when it was found; "" for a fresh one */
	char target[256];     /* where */
	struct script_step *step;
	size_t n, room;
};

/* 0 or -ENOMEM. */
int script_add(struct script *s, const struct script_step *step);
/* Takes a copy of the n steps of `from` whose place in it `keep` holds. */
int script_pick(struct script *ret, const struct script *from, const bool *keep);
void script_free(struct script *s);

int script_save(const struct script *s, FILE *f);

/*
 * Reads a file, which may be anything. 0; -EINVAL with the file, the line and what is wrong in
 * error (512 bytes); -ENOMEM; -errno of reading it. On failure *ret is empty.
 */
#define SCRIPT_ERROR 512
int script_load(const char *path, struct script *ret, char error[SCRIPT_ERROR]);
/* The same from text; name stands for the path in errors. */
int script_parse(const char *name, const char *text, size_t len, struct script *ret,
		 char error[SCRIPT_ERROR]);

const char *script_pointer_name(enum script_pointer p);

#endif
