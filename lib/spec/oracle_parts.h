/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between oracle.c, which asks what holds for every command, and what asks of some. */
#ifndef SPEC_ORACLE_PARTS_H
#define SPEC_ORACLE_PARTS_H

#include "base/cleanup.h"
#include "spec/command.h"
#include "spec/oracle.h"

/* One question under way. */
struct asked {
	const struct oracle_state *s;
	const struct spec_ctrl *c;
	const struct oracle_ask *a;
	const struct sqe *e;
	const struct spec_command *command;
	uint32_t nsid;
	struct oracle_answer *ret;
};

static inline uint32_t asked_dword(const struct asked *q, unsigned i)
{
	const __le32 *dw = &q->e->cdw10;

	return le32_get(dw[i - 10]);
}

static inline bool asked_doubts(const struct asked *q, enum oracle_part part)
{
	return q->s->doubt >> part & 1;
}

/* A field of the command by name; 0 where it has none of that name. */
uint64_t asked_field(const struct asked *q, const char *name);

/* This error is legal. */
void asked_may(const struct asked *q, uint16_t status, const char *why);
/* Something is wrong for sure: no success, and this error is one that says so. */
void asked_must(const struct asked *q, uint16_t status, const char *why, const char *ref);
/* Wrong for sure, and the code is the controller's choice (this one recommended). */
void asked_fails(const struct asked *q, uint16_t should, const char *why, const char *ref);

/* A field of `e` by its table; true: its value is one of the legal ones. */
bool asked_value(const struct asked *q, const struct spec_field *f);

/* The namespace of a command on one of them: NULL when there is none; what it gets is noted. */
const struct spec_ns *asked_namespace(const struct asked *q, bool all_too);
/* Bytes that move through the data pointer: limits, and what a bad pointer may get. */
void asked_data(const struct asked *q, uint64_t bytes);

void oracle_admin(const struct asked *q);
void oracle_io(const struct asked *q);

#endif
