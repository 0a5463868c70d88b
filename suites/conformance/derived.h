/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cases made from the tables of lib/spec. A generator walks a table and adds a case for each thing
 * that can be asked of it, with a row for each value; the body builds a command that is legal but
 * for the one thing the row says, and holds the answer against what the oracle allows.
 *
 * Ids are stable: area "derived", then command or feature, then what is asked, then the value.
 */
#ifndef CONFORMANCE_DERIVED_H
#define CONFORMANCE_DERIVED_H

#include "kit/kit.h"
#include "spec/bend.h"
#include "spec/command.h"
#include "spec/oracle.h"

/* Everything a body needs of its row. */
struct derived_row {
	const char *name; /* first: rows of cases */
	const struct spec_command *command;
	bool admin;
	int when; /* Dword 10 bits 7:0 of the command: CNS, LID, FID; BEND_ANY: the plainest */
	const struct spec_field *field;
	uint64_t value;
	unsigned kind;	/* the generator's own */
	const void *of; /* the generator's own */
	unsigned needs; /* beyond those of the case */
};

/* The list that a generator fills. */
struct derived;

/* Begins a case; the id and the rule are copied. fault: blank-separated names, in addition to the
 * bends that were given by derived_bends(). A case that gets no row is dropped. */
__attribute__((format(printf, 3, 4))) void derived_case(struct derived *d, struct rig_case c,
							const char *id, ...);
__attribute__((format(printf, 3, 4))) void derived_row(struct derived *d, struct derived_row row,
						       const char *name, ...);
/* The rule of the case just begun. */
__attribute__((format(printf, 2, 3))) void derived_rule(struct derived *d, const char *rule, ...);
/* The case just begun names every bend of that fact; how many there are. */
unsigned derived_bends(struct derived *d, bool admin, uint8_t opcode, int when, const char *field,
		       unsigned hows);
#define HOW(how) (1u << BEND_##how)

/* The list of one suite, from generators that ends with NULL; for rig_suite.derive. */
const struct rig_case *derived_make(void (*const *generators)(struct derived *d), size_t *ret_n);

/* How a command is called in ids: "identify", "create-cq". NULL: none of it is derived. */
const char *derived_slug(bool admin, uint8_t opcode);
/* "TMPSEL" as "tmpsel"; of commands derived cases send, the i-th; NULL past the last. */
const struct spec_command *derived_command(size_t i, bool *ret_admin);

/* For .na: the command is of a command set that no active namespace has. NULL: never that. */
const char *(*derived_na_of(const struct spec_command *c))(const struct facts *f);

/* For .row_na, of rows that have a command: the controller does not offer it. */
const char *derived_row_na(const struct facts *f, const void *row);

/* ---- in a body ---- */

/* The plainest legal command of its kind, with what it needs set up. Leaves as N/A where the
 * controller does not offer it. */
struct cmd derived_base(struct rig *r, const struct derived_row *row);
/* What may come of it now, by the oracle. */
void derived_judge(struct rig *r, bool admin, const struct cmd *c, struct oracle_answer *ret);
/*
 * Sends it and checks the status: refused where success is not legal, with a code of the list
 * (demanded, or recommended where the text names none); done where nothing is wrong with it.
 * should: the refusal itself is advice. Leaves as N/A where the text leaves it open. Returns the
 * completion.
 */
struct cpl derived_ask(struct rig *r, bool admin, const struct cmd *c, bool should);

#endif
