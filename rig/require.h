/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * `--require N|ID`: what must have run for a run to be good, so that a bench that quietly skips
 * more and more is noticed. A case ran when the drive was judged: PASS, FAIL or KNOWN.
 */
#ifndef RIG_REQUIRE_H
#define RIG_REQUIRE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rig/plan.h"

#define REQUIRE_MAX 64

struct require {
	const char *id[REQUIRE_MAX]; /* "area.id": any of its rows; "area.id[row]" */
	bool ran[REQUIRE_MAX];
	unsigned n;
	uint64_t least, judged; /* instances; a repeated one counts once */
};

/* One value of the option; the word is kept. 0; -E2BIG: more than REQUIRE_MAX. */
int require_add(struct require *r, const char *word);

/* The first id that names no case of the plan, in words with the nearest name. */
bool require_unknown(const struct require *r, const struct plan *all, char *ret_text, size_t size);

void require_event(struct require *r, const struct json_object *e);

/*
 * The i-th thing that is missing, in words; false: there are no more. Every case_end that holds
 * was given to require_event before.
 */
bool require_missed(const struct require *r, unsigned i, char *ret_text, size_t size);

#endif
