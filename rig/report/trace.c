// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the failing cases sent and what came back, a line a command: from the command, completion,
 * register and reset events that stand before a case's end.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rig/report/formats.h"
#include "rig/report/story.h"
#include "rig/report/text.h"

#define KEPT_MAX   1000 /* lines of one case; a worker that wrote more is no witness */
#define DATA_SHOWN 32	/* bytes a line */

struct trace_report {
	FILE *out;
	struct json_object *kept; /* events of the case that runs */
	bool any;		  /* a case was shown */
	int error;
};

static void *trace_open(FILE *out, const struct report_style *style)
{
	struct trace_report *t = calloc(1, sizeof(*t));

	(void)style;
	if (!t)
		return NULL;
	t->out = out;
	t->kept = json_object_new_array();
	if (!t->kept) {
		free(t);
		return NULL;
	}
	return t;
}

static bool is_evidence(const struct json_object *e)
{
	static const char *const types[] = { "command", "completion", "register", "reset" };

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(event_type(e), types[i]))
			return true;
	return check_failed(e);
}

/* ---- one line ---- */

/* Of the other controller of the subsystem. */
static bool to_peer(const struct json_object *e)
{
	return !strcmp(event_get_str(e, "controller"), "peer");
}

static bool has(const struct json_object *e, const char *key)
{
	return json_object_object_get_ex(e, key, NULL);
}

/* Small numbers as they are, others as the specification writes bits. */
static void put_number(FILE *out, uint64_t v)
{
	fprintf(out, v < 10 ? "%" PRIX64 : "%" PRIX64 "h", v);
}

static void put_fields(FILE *out, const struct json_object *e)
{
	struct json_object *fields;

	if (!json_object_object_get_ex(e, "fields", &fields) ||
	    !json_object_is_type(fields, json_type_object))
		return;
	json_object_object_foreach (fields, name, value) {
		if (!json_object_is_type(value, json_type_int))
			continue; /* NAME_str beside a number past 2^53 */
		fputc(' ', out);
		put_line(out, name, 32);
		fputc('=', out);
		put_number(out, json_object_get_uint64(value));
	}
}

static void put_answer(FILE *out, const struct json_object *e)
{
	if (!has(e, "status")) {
		fputs(" -> no completion", out);
		return;
	}
	fputs(" -> ", out);
	put_line(out, event_get_str(e, "status_text"), 96);
	fprintf(out, ", dw0 %08" PRIX64 "h", event_get_u64(e, "dw0"));
	if (has(e, "took_ns"))
		fprintf(out, ", %" PRIu64 ".%03" PRIu64 " us", event_get_u64(e, "took_ns") / 1000,
			event_get_u64(e, "took_ns") % 1000);
}

static void put_data(FILE *out, const struct json_object *e, const char *key, const char *title)
{
	const char *hex = event_get_str(e, key);
	size_t n = strspn(hex, "0123456789abcdef");

	if (!*hex)
		return;
	fprintf(out, "%28s%s", "", title);
	for (size_t i = 0; i + 1 < n && i < 2 * (size_t)DATA_SHOWN; i += 2)
		fprintf(out, " %.2s", hex + i);
	fputs(n > 2 * (size_t)DATA_SHOWN ? " ...\n" : "\n", out);
}

static void put_command(FILE *out, const struct json_object *e)
{
	fprintf(out, "SQ %-5" PRIu64 " CID %-5" PRIu64 " ", event_get_u64(e, "sqid"),
		event_get_u64(e, "cid"));
	put_line(out, event_get_str(e, "name"), 48);
	put_fields(out, e);
	put_answer(out, e);
	fputs(has(e, "from") ? " (health)\n" : "\n", out);
	put_data(out, e, "data_out", "out");
	put_data(out, e, "data_in", "in ");
}

static void put_completion(FILE *out, const struct json_object *e)
{
	fprintf(out, "SQ %-5" PRIu64 " CID %-5" PRIu64 " completion of no command seen",
		event_get_u64(e, "sqid"), event_get_u64(e, "cid"));
	put_answer(out, e);
	fputc('\n', out);
}

static void put_register(FILE *out, const struct json_object *e)
{
	const char *name = event_get_str(e, "name");

	if (*name)
		put_line(out, name, 48);
	else
		fprintf(out, "register %" PRIX64 "h", event_get_u64(e, "offset"));
	fprintf(out, " = %0*" PRIX64 "h", (int)(event_get_u64(e, "width") & 0xff) / 4,
		event_get_u64(e, "value"));
	fputs(has(e, "from") ? " (health)\n" : "\n", out);
}

static void put_event(struct trace_report *t, const struct json_object *e)
{
	uint64_t ns = event_get_u64(e, "at_ns");
	char buf[TOLD_LINE];

	if (!strcmp(event_type(e), "check")) {
		fputs("  ", t->out);
		put_line(t->out, told_line(e, buf, sizeof(buf)), TOLD_LINE);
		fputc('\n', t->out);
		return;
	}
	fprintf(t->out, "%7" PRIu64 ".%06" PRIu64 " ms ", ns / 1000000, ns % 1000000);
	fputs(to_peer(e) ? "peer " : "", t->out);
	if (!strcmp(event_type(e), "command"))
		put_command(t->out, e);
	else if (!strcmp(event_type(e), "completion"))
		put_completion(t->out, e);
	else if (!strcmp(event_type(e), "register"))
		put_register(t->out, e);
	else
		fputs("Function Level Reset\n", t->out);
}

/* ---- one case ---- */

static bool is_record(const struct json_object *e)
{
	return strcmp(event_type(e), "check") != 0;
}

static void put_case(struct trace_report *t, const struct json_object *end)
{
	const char *reason = event_get_str(end, "reason");
	uint64_t attempt = event_get_u64(end, "attempt");
	size_t n = json_object_array_length(t->kept);
	bool seen[2] = { false, false }; /* a record of the controller, of its peer */

	fputs(t->any ? "\n" : "", t->out);
	t->any = true;
	put_line(t->out, event_get_str(end, "verdict"), 16);
	fputc(' ', t->out);
	put_line(t->out, event_get_str(end, "case"), 256);
	if (attempt)
		fprintf(t->out, " attempt %" PRIu64, attempt);
	fputs(*reason ? ": " : "", t->out);
	put_line(t->out, reason, TOLD_LINE);
	fputc('\n', t->out);
	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(t->kept, i);

		if (is_record(e) && !seen[to_peer(e)]) {
			seen[to_peer(e)] = true;
			if (event_get_u64(e, "number"))
				fprintf(t->out, "  %" PRIu64 " earlier ones%s are not kept\n",
					event_get_u64(e, "number"),
					to_peer(e) ? " of the peer" : "");
		}
		put_event(t, e);
	}
	if (!seen[0] && !seen[1])
		fputs("  nothing was kept: no trace was asked for, no controller was opened, or "
		      "the worker was gone before it could tell\n",
		      t->out);
}

static bool is_shown(const struct trace_report *t, const struct json_object *end)
{
	static const char *const wrong[] = { "FAIL", "KNOWN", "BROKEN", "LOST" };
	size_t n = json_object_array_length(t->kept);

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		if (!strcmp(event_get_str(end, "verdict"), wrong[i]))
			return true;
	for (size_t i = 0; i < n; i++)
		if (is_record(json_object_array_get_idx(t->kept, i)))
			return true;
	return false;
}

static void trace_event(void *state, const struct json_object *e)
{
	struct trace_report *t = state;
	const char *type = event_type(e);
	bool end = !strcmp(type, "case_end");

	if (is_evidence(e) && json_object_array_length(t->kept) < KEPT_MAX) {
		struct json_object *keep = json_object_get((struct json_object *)(uintptr_t)e);

		if (json_object_array_add(t->kept, keep)) {
			json_object_put(keep);
			t->error = -ENOMEM;
		}
	}
	if (end && is_shown(t, e))
		put_case(t, e);
	if (end || !strcmp(type, "case_begin"))
		json_object_array_del_idx(t->kept, 0, json_object_array_length(t->kept));
}

static int trace_close(void *state)
{
	struct trace_report *t = state;
	int err = t->error;

	if (!t->any)
		fputs("no case failed, and none was traced\n", t->out);
	if (fflush(t->out) || ferror(t->out))
		err = errno ? -errno : -EIO;
	json_object_put(t->kept);
	free(t);
	return err;
}

const struct report_ops report_trace = {
	.name = "trace",
	.help = "what the failing cases sent and what came back, a line a command",
	.streams = true,
	.open = trace_open,
	.event = trace_event,
	.close = trace_close,
};
