// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm/script.h"

#include <errno.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "nvme/cmd.h"
#include "spec/command.h"

#define TYPE	   "nvrig-replay"
#define VERSION	   1u
#define LINE_MAX_  8192u
#define TOLD_STEPS 64u /* of a longer script the fields are not told, which nothing reads */
#define FILE_MAX   (SCRIPT_STEPS_MAX * 1024ull)

int script_add(struct script *s, const struct script_step *step)
{
	if (s->n == s->room) {
		size_t room = s->room ? s->room * 2 : 64;
		struct script_step *grown = realloc(s->step, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->step = grown;
		s->room = room;
	}
	s->step[s->n++] = *step;
	return 0;
}

int script_pick(struct script *ret, const struct script *from, const bool *keep)
{
	int err = 0;

	*ret = *from;
	ret->step = NULL;
	ret->n = ret->room = 0;
	for (size_t i = 0; !err && i < from->n; i++)
		if (keep[i])
			err = script_add(ret, &from->step[i]);
	if (err)
		script_free(ret);
	return err;
}

void script_free(struct script *s)
{
	free(s->step);
	s->step = NULL;
	s->n = s->room = 0;
}

/* ---- words ---- */

static const char *const kinds[] = {
	[SCRIPT_COMMAND] = "command", [SCRIPT_WAIT] = "wait", [SCRIPT_RESET] = "reset"
};
static const char *const pointers[] = {
	[POINTER_PRP] = "prp", [POINTER_LIST] = "list", [POINTER_SANDBOX] = "sandbox"
};

const char *script_pointer_name(enum script_pointer p)
{
	return pointers[p];
}

static int find(const char *const *words, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(words[i], word))
			return (int)i;
	return -1;
}

/* ---- saving ---- */

static void hex(char *text, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)bytes)[i]);
}

static void add_field(void *fields, const char *name, uint64_t value)
{
	event_u64(fields, name, value);
}

static void save_fields(struct json_object *o, const struct script_step *s)
{
	struct json_object *fields = json_object_new_object();

	spec_decode(s->queue == 0, &s->sqe, add_field, fields);
	json_object_object_add(o, "fields", fields);
}

static void save_command(struct json_object *o, const struct script_step *s)
{
	char text[2 * sizeof(struct sqe) + 1];

	event_u64(o, "queue", s->queue);
	hex(text, &s->sqe, sizeof(s->sqe));
	event_str(o, "sqe", text);
	event_str(o, "pointer", pointers[s->pointer]);
	event_u64(o, "offset", s->offset);
	if (s->aims_at != SCRIPT_NOBODY)
		event_u64(o, "aims_at", s->aims_at);
}

static int put_line(FILE *f, struct json_object *o)
{
	const char *text = o ? json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN) : NULL;
	int err = !text ? -ENOMEM : fprintf(f, "%s\n", text) < 0 ? -EIO : 0;

	json_object_put(o);
	return err;
}

static int save_header(const struct script *s, FILE *f)
{
	struct json_object *o = event_new(TYPE);

	event_u64(o, "version", VERSION);
	event_u64(o, "steps", s->n);
	event_strf(o, "seed", "%" PRIu64, s->seed);
	event_str(o, "target", s->target[0] ? s->target : NULL);
	event_str(o, "why", s->why[0] ? s->why : NULL);
	return put_line(f, o);
}

int script_save(const struct script *s, FILE *f)
{
	bool short_enough = s->n <= TOLD_STEPS;
	int err = save_header(s, f);
	char name[24];

	for (size_t i = 0; !err && i < s->n; i++) {
		struct json_object *o = json_object_new_object();

		event_u64(o, "step", s->step[i].number);
		event_str(o, "do", kinds[s->step[i].kind]);
		if (s->step[i].kind == SCRIPT_COMMAND) {
			save_command(o, &s->step[i]);
			event_str(o, "name",
				  cmd_name(!s->step[i].queue, s->step[i].sqe.opcode, name));
			if (short_enough)
				save_fields(o, &s->step[i]);
		}
		err = put_line(f, o);
	}
	return !err && fflush(f) ? -EIO : err;
}

/* ---- loading: the file may be anything ---- */

struct loader {
	const char *name;
	unsigned line;
	char *error;
};

__attribute__((format(printf, 2, 3))) static int wrong(const struct loader *l, const char *fmt, ...)
{
	va_list ap;
	int at = snprintf(l->error, SCRIPT_ERROR, "%.200s:%u: ", l->name, l->line);

	va_start(ap, fmt);
	vsnprintf(l->error + at, (size_t)(SCRIPT_ERROR - at), fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* A whole number that stands there and is at most `most`. */
static int number(const struct loader *l, const struct json_object *o, const char *key,
		  uint64_t most, uint64_t *ret)
{
	struct json_object *v;
	int64_t n;

	if (!json_object_object_get_ex(o, key, &v) || !json_object_is_type(v, json_type_int))
		return wrong(l, "no whole number \"%s\"", key);
	n = json_object_get_int64(v);
	if (n < 0 || (uint64_t)n > most)
		return wrong(l, "\"%s\" is %" PRId64 ", and at most %" PRIu64 " can be", key, n,
			     most);
	*ret = (uint64_t)n;
	return 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int load_sqe(const struct loader *l, const struct json_object *o, struct sqe *ret)
{
	const char *text = event_get_str(o, "sqe");

	if (strlen(text) != 2 * sizeof(*ret))
		return wrong(l, "\"sqe\" is not %zu hex digits", 2 * sizeof(*ret));
	for (size_t i = 0; i < sizeof(*ret); i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return wrong(l, "\"sqe\" has something that is no lower case hex digit");
		((uint8_t *)ret)[i] = (uint8_t)(high << 4 | low);
	}
	ret->cid = 0;
	ret->mptr = ret->prp1 = ret->prp2 = 0;
	return 0;
}

static int load_command(const struct loader *l, const struct json_object *o, struct script_step *s)
{
	uint64_t queue, offset, aims_at = SCRIPT_NOBODY;
	int pointer = find(pointers, ARRAY_SIZE(pointers), event_get_str(o, "pointer")), err;

	if (pointer < 0)
		return wrong(l, "\"pointer\" is none of prp, list, sandbox");
	err = number(l, o, "queue", SCRIPT_QUEUES_MAX, &queue);
	err = err ? err : number(l, o, "offset", 4092, &offset);
	if (!err && offset % 4)
		err = wrong(l, "\"offset\" is %" PRIu64 ", which is no multiple of 4", offset);
	if (!err && json_object_object_get_ex(o, "aims_at", NULL))
		err = number(l, o, "aims_at", SCRIPT_NOBODY - 1, &aims_at);
	if (err)
		return err;
	s->queue = (uint8_t)queue;
	s->pointer = (enum script_pointer)pointer;
	s->offset = (uint16_t)offset;
	s->aims_at = (uint32_t)aims_at;
	return load_sqe(l, o, &s->sqe);
}

static int load_step(const struct loader *l, const struct json_object *o, struct script *s)
{
	struct script_step step = { .aims_at = SCRIPT_NOBODY };
	int kind = find(kinds, ARRAY_SIZE(kinds), event_get_str(o, "do"));
	uint64_t n;
	int err = number(l, o, "step", SCRIPT_NOBODY - 1, &n);

	if (err)
		return err;
	if (kind < 0)
		return wrong(l, "\"do\" is none of command, wait, reset");
	step.number = (uint32_t)n;
	step.kind = (enum script_kind)kind;
	err = kind == SCRIPT_COMMAND ? load_command(l, o, &step) : 0;
	return err ? err : script_add(s, &step);
}

static int load_header(const struct loader *l, const struct json_object *o, struct script *s,
		       uint64_t *ret_steps)
{
	uint64_t version;
	int err;

	if (strcmp(event_get_str(o, "type"), TYPE))
		return wrong(l, "this is no replay file: its first line has no \"type\": \"%s\"",
			     TYPE);
	err = number(l, o, "version", INT64_MAX, &version);
	if (!err && version != VERSION)
		return wrong(l,
			     "a replay file of version %" PRIu64 ", and this nvrig reads version "
			     "%u; take the nvrig that wrote it, or a newer one",
			     version, VERSION);
	err = err ? err : number(l, o, "steps", SCRIPT_STEPS_MAX, ret_steps);
	if (err)
		return err;
	s->seed = strtoull(event_get_str(o, "seed"), NULL, 10);
	snprintf(s->why, sizeof(s->why), "%s", event_get_str(o, "why"));
	snprintf(s->target, sizeof(s->target), "%s", event_get_str(o, "target"));
	return 0;
}

static int load_line(const struct loader *l, const char *text, size_t len, struct script *s,
		     uint64_t *steps)
{
	struct json_tokener *tok = json_tokener_new_ex(8);
	struct json_object *o = NULL;
	int err;

	if (!tok)
		return -ENOMEM;
	if (len <= LINE_MAX_)
		o = json_tokener_parse_ex(tok, text, (int)len);
	if (len > LINE_MAX_)
		err = wrong(l, "a line of %zu bytes; no step is as long", len);
	else if (!o || !json_object_is_type(o, json_type_object) ||
		 json_tokener_get_parse_end(tok) != len)
		err = wrong(l, "no JSON object");
	else if (l->line == 1)
		err = load_header(l, o, s, steps);
	else
		err = load_step(l, o, s);
	json_object_put(o);
	json_tokener_free(tok);
	return err;
}

int script_parse(const char *name, const char *text, size_t len, struct script *ret,
		 char error[SCRIPT_ERROR])
{
	struct loader l = { name, 0, error };
	const char *end = text + len;
	uint64_t steps = 0;
	int err = 0;

	*ret = (struct script){ .seed = 0 };
	while (!err && text < end) {
		const char *eol = memchr(text, '\n', (size_t)(end - text));
		size_t n = (size_t)((eol ? eol : end) - text);

		l.line++;
		err = l.line > 1 && ret->n == steps
			      ? wrong(&l,
				      "more than the %" PRIu64 " steps that the first line "
				      "counts",
				      steps)
			      : load_line(&l, text, n, ret, &steps);
		text += n + 1;
	}
	if (!err && (!l.line || ret->n != steps))
		err = wrong(&l,
			    "cut short: %zu steps, and the first line counts %" PRIu64
			    "; get a whole copy",
			    ret->n, steps);
	if (err == -ENOMEM)
		snprintf(error, SCRIPT_ERROR, "%.200s: out of memory", name);
	if (err)
		script_free(ret);
	return err;
}

/* The whole file, or NULL and *ret_err. */
static char *read_all(FILE *f, size_t *ret_len, int *ret_err)
{
	size_t room = 1 << 16, len = 0, n;
	char *text = malloc(room);

	*ret_err = -ENOMEM;
	while (text && (n = fread(text + len, 1, room - len, f)) > 0) {
		char *grown;

		len += n;
		if (len < room)
			continue;
		grown = room < FILE_MAX ? realloc(text, room * 2) : NULL;
		if (!grown) {
			*ret_err = room < FILE_MAX ? -ENOMEM : -EFBIG;
			free(text);
			return NULL;
		}
		text = grown;
		room *= 2;
	}
	if (text && ferror(f)) {
		*ret_err = errno ? -errno : -EIO;
		free(text);
		return NULL;
	}
	*ret_len = len;
	return text;
}

int script_load(const char *path, struct script *ret, char error[SCRIPT_ERROR])
{
	FILE *f = fopen(path, "re");
	size_t len;
	char *text;
	int err;

	*ret = (struct script){ .seed = 0 };
	if (!f) {
		err = -errno;
		snprintf(error, SCRIPT_ERROR, "%.300s: %s", path, strerror(-err));
		return err;
	}
	errno = 0;
	text = read_all(f, &len, &err);
	fclose(f);
	if (!text) {
		snprintf(error, SCRIPT_ERROR, "%.300s: %s", path, strerror(-err));
		return err;
	}
	err = script_parse(path, text, len, ret, error);
	free(text);
	return err;
}
