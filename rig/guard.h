/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * May this drive be changed? Ten guards, G1 to G10, in one table: each looks at one thing and says
 * what it found. All of them are asked before a case above harm `none` runs on a device of this
 * machine; one that refuses ends the run before it began (exit status 3), one that cannot find out
 * refuses and says what would let it know. There is no force.
 *
 * What is emulated, has no line in the bench file and is used by nobody needs less: nothing of
 * value is there and it has no owner (struct guard_ask.light).
 */
#ifndef RIG_GUARD_H
#define RIG_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "case/case.h"
#include "rig/bench_file.h"
#include "rig/guard_drive.h"

#define GUARD_TEXT 400

enum guard_verdict {
	GUARD_PASS,
	GUARD_REFUSE,
	GUARD_WAIVED, /* it refuses, and --override took it back */
	GUARD_NA,     /* does not apply to that drive or that harm */
};

struct guard_finding {
	enum guard_verdict verdict;
	char text[GUARD_TEXT]; /* evidence; of a refusal who holds it and what to do */
};

struct stop;

/* What the operator said. */
struct guard_words {
	const char *const *confirm; /* serials in full, --confirm */
	size_t n_confirm;
	const char *const *override; /* "G5:SERIAL", --override */
	size_t n_override;
	bool ask; /* there is a terminal to ask on */
	struct stop *stop; /* ends the question; NULL: signals end the process */
};

/* What every guard is given. */
struct guard_ask {
	const char *root; /* stands before /proc, /sys and /dev, for tests; "" is this machine */
	const struct guard_drive *drive;
	const struct bench_drive *line; /* of the bench file; NULL: it has none for this drive */
	const char *why_no_line;	/* then in words: no file, no such drive, a wrong file */
	bool light;
	enum rig_harm harm; /* the highest that would be done */
	uint64_t bytes;	    /* that would be written, by estimate */
	const struct guard_words *words;
	const char *results; /* directory of the run; NULL: none is made */
	int pid;	     /* of the run: its own descriptors are not another's */
	unsigned refused;    /* by those before in guard_all, a bit each */
};

struct guard {
	const char *id, *name, *rule;
	bool waivable;
	bool aside; /* looks at devices or processes, which may hang: in a child with a deadline */
	void (*look)(const struct guard_ask *a, struct guard_finding *ret);
};

extern const struct guard guard_all[]; /* in the order they are asked; ends with id NULL */
#define GUARD_MAX 10

const char *guard_verdict_name(enum guard_verdict v);

/* What a guard says; a refusal is the last word, a pass may be said over by the next. */
__attribute__((format(printf, 2, 3))) void guard_pass(struct guard_finding *f, const char *fmt,
						      ...);
__attribute__((format(printf, 2, 3))) void guard_refuse(struct guard_finding *f, const char *fmt,
							...);
__attribute__((format(printf, 2, 3))) void guard_na(struct guard_finding *f, const char *fmt, ...);

/*
 * Asks the guards whose place in guard_all has its bit in `which`, all of them however many refuse;
 * told after each, in the order of the table. Bits of those that refuse.
 */
#define GUARD_EACH  ((1u << GUARD_MAX) - 1)
#define GUARD_AGAIN (1u << 0 | 1u << 2) /* before each case: G1 and G3 */
unsigned guard_look(const struct guard_ask *a, unsigned which,
		    void (*tell)(void *ctx, const struct guard *g, const struct guard_finding *f),
		    void *ctx);

/* Is "G5:SERIAL" a word that --override takes? 0, or -EINVAL with the sentence (256 bytes). */
int guard_check_override(const char *word, char *ret_error);

/* ---- the looking itself, a file each ---- */

void guard_identity(const struct guard_ask *a, struct guard_finding *ret);
void guard_bench(const struct guard_ask *a, struct guard_finding *ret);
void guard_use(const struct guard_ask *a, struct guard_finding *ret);
void guard_machine(const struct guard_ask *a, struct guard_finding *ret);
void guard_contents(const struct guard_ask *a, struct guard_finding *ret);
void guard_name(const struct guard_ask *a, struct guard_finding *ret);
void guard_alone(const struct guard_ask *a, struct guard_finding *ret);
void guard_budget(const struct guard_ask *a, struct guard_finding *ret);
void guard_fit(const struct guard_ask *a, struct guard_finding *ret);
void guard_window(const struct guard_ask *a, struct guard_finding *ret);

#endif
