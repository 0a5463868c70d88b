// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/require.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "event/event.h"
#include "rig/verdict.h"

int require_add(struct require *r, const char *word)
{
	uint64_t least;

	if (!text_number(word, &least)) {
		r->least = least;
		return 0;
	}
	if (r->n == REQUIRE_MAX)
		return -E2BIG;
	r->id[r->n++] = word;
	return 0;
}

static bool names(const char *id, const char *name)
{
	size_t n = strlen(id);

	return !strncmp(id, name, n) && (!name[n] || name[n] == '[');
}

/* ---- before the run ---- */

static const char *nth_case(const void *ctx, size_t i)
{
	const struct plan *p = ctx;

	return i < p->n ? p->item[i].name : NULL;
}

static bool is_planned(const struct plan *p, const char *id)
{
	for (size_t i = 0; i < p->n; i++)
		if (names(id, p->item[i].name))
			return true;
	return false;
}

bool require_unknown(const struct require *r, const struct plan *all, char *ret_text, size_t size)
{
	for (unsigned i = 0; i < r->n; i++) {
		const char *near;

		if (is_planned(all, r->id[i]))
			continue;
		near = text_nearest(r->id[i], nth_case, all);
		snprintf(ret_text, size, "--require: no case '%.80s'; %s%s%s", r->id[i],
			 near ? "did you mean '" : "`nvrig list` names them", near ? near : "",
			 near ? "'?" : "");
		return true;
	}
	return false;
}

/* ---- after it ---- */

void require_event(struct require *r, const struct json_object *e)
{
	enum verdict v;

	if (strcmp(event_type(e), "case_end"))
		return;
	v = verdict_find(event_get_str(e, "verdict"));
	if (v != PASS && v != FAIL && v != KNOWN)
		return;
	r->judged += event_get_u64(e, "attempt") <= 1;
	for (unsigned i = 0; i < r->n; i++)
		r->ran[i] |= names(r->id[i], event_get_str(e, "case"));
}

bool require_missed(const struct require *r, unsigned i, char *ret_text, size_t size)
{
	if (r->judged < r->least && !i--) {
		snprintf(ret_text, size, "--require %llu: only %llu cases ran",
			 (unsigned long long)r->least, (unsigned long long)r->judged);
		return true;
	}
	for (unsigned k = 0; k < r->n; k++)
		if (!r->ran[k] && !i--) {
			snprintf(ret_text, size, "--require %.200s: it did not run", r->id[k]);
			return true;
		}
	return false;
}
