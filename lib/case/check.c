// SPDX-License-Identifier: GPL-2.0-or-later
#include <CUnit/CUnit.h>
#include <CUnit/TestRun.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "case/running.h"

#define FAILED_SHOWN 16 /* events of failed checks at one place; the rest are counted */
#define SHOWN_BYTES  16

static struct site *site_of(struct rig *r, const struct check_site *s)
{
	for (unsigned i = 0; i < r->sites; i++)
		if (r->site[i].line == s->line && r->site[i].file == s->file)
			return &r->site[i];
	if (r->sites == RIG_SITES)
		return NULL;
	r->site[r->sites] = (struct site){ .file = s->file, .line = s->line };
	return &r->site[r->sites++];
}

const char *check_file(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static void write_check(struct rig *r, const struct check_site *s, bool held, bool should,
			const char *what, const char *got, const char *op, const char *want)
{
	struct json_object *e = event_new("check");

	event_bool(e, "ok", held);
	event_str(e, "level", should ? "should" : "must");
	event_str(e, "what", what);
	if (got[0] || want[0]) {
		event_str(e, "got", got);
		event_str(e, "op", op);
		event_str(e, "want", want);
	}
	event_str(e, "file", check_file(s->file));
	event_u64(e, "line", (uint64_t)s->line);
	event_write(r->run->event_fd, e);
	json_object_put(e);
}

static void keep_reason(char *to, const char *what, const char *got, const char *op,
			const char *want)
{
	if (got[0] || want[0])
		snprintf(to, RIG_TEXT, "%.200s: got %.120s, want %s%s%.120s", what, got,
			 strcmp(op, "==") ? op : "", strcmp(op, "==") ? " " : "", want);
	else
		snprintf(to, RIG_TEXT, "%.500s", what);
}

bool check_done(struct rig *r, const struct check_site *s, bool held, const char *what,
		const char *got, const char *op, const char *want)
{
	bool should = (s->should || r->run->c->level == SHOULD) && !s->hard;
	struct site *site = site_of(r, s);
	bool show = true;

	if (r->done_checking)
		return held;
	r->checks++;
	r->body_checks += r->in_body;
	if (site)
		show = held ? site->passed++ == 0 : site->failed++ < FAILED_SHOWN;
	if (show)
		write_check(r, s, held, should, what, got, op, want);
	if (held)
		return true;
	if (should && !r->advice++)
		keep_reason(r->advice_text, what, got, op, want);
	if (should && !s->required)
		return false;
	if (!should && !r->failed++)
		keep_reason(r->reason, what, got, op, want);
	/* the evidence is CUnit's condition text; fatal leaves the case as CUnit leaves it */
	CU_assertImplementation(CU_FALSE, (unsigned)s->line, what, s->file, "",
				s->required ? CU_TRUE : CU_FALSE);
	return false;
}

bool check_u64(struct rig *r, const struct check_site *s, const char *what, uint64_t got,
	       enum check_op op, uint64_t want)
{
	static const char *const names[] = { "==", "!=", "<", "<=", ">", ">=" };
	char got_text[64], want_text[64];
	bool held = false;

	switch (op) {
	case OP_EQ:
		held = got == want;
		break;
	case OP_NE:
		held = got != want;
		break;
	case OP_LT:
		held = got < want;
		break;
	case OP_LE:
		held = got <= want;
		break;
	case OP_GT:
		held = got > want;
		break;
	case OP_GE:
		held = got >= want;
		break;
	}
	snprintf(got_text, sizeof(got_text), "%" PRIu64 " (%" PRIX64 "h)", got, got);
	snprintf(want_text, sizeof(want_text), "%" PRIu64 " (%" PRIX64 "h)", want, want);
	return check_done(r, s, held, what, got_text, names[op], want_text);
}

bool check_true(struct rig *r, const struct check_site *s, bool held, const char *fmt, ...)
{
	char text[RIG_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return check_done(r, s, held, text, held ? "held" : "not so", "==", "held");
}

bool check_text(struct rig *r, const struct check_site *s, const char *what, bool held,
		const char *got, const char *want)
{
	return check_done(r, s, held, what, got, "==", want);
}

static void hex(char *to, const uint8_t *from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 3 * i, "%02X ", from[i]);
	to[n ? 3 * n - 1 : 0] = 0;
}

bool check_mem(struct rig *r, const struct check_site *s, const char *what, const void *got,
	       const void *want, size_t len)
{
	const uint8_t *g = got, *w = want;
	char got_text[96], want_text[96], text[RIG_TEXT];
	size_t first = len, differ = 0, n;

	if (!memcmp(g, w, len))
		return check_done(r, s, true, what, "equal", "==", "equal");
	for (size_t i = 0; i < len; i++) {
		if (g[i] == w[i])
			continue;
		if (first == len)
			first = i;
		differ++;
	}
	n = len - first < SHOWN_BYTES ? len - first : SHOWN_BYTES;
	hex(got_text, g + first, n);
	hex(want_text, w + first, n);
	snprintf(text, sizeof(text), "%.300s: byte %zu of %zu is the first of %zu that differ",
		 what, first, len, differ);
	return check_done(r, s, false, text, got_text, "==", want_text);
}
