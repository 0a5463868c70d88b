// SPDX-License-Identifier: GPL-2.0-or-later
#include "event/event.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define EXACT_MAX   ((1ull << 53) - 1) /* the last integer that every JSON reader keeps */
#define DEPTH_MAX   16
#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

#define PRINT_FLAGS (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

struct json_object *event_new(const char *type)
{
	struct json_object *e = json_object_new_object();

	event_str(e, "type", type);
	return e;
}

/* Takes the value, also when there is nowhere to put it. */
static void add(struct json_object *e, const char *key, struct json_object *value)
{
	if (!e || !value || json_object_object_add(e, key, value))
		json_object_put(value);
}

/* Length of the well-formed UTF-8 sequence at s (RFC 3629), 0 when there is none. */
static size_t utf8_length(const unsigned char *s)
{
	static const struct {
		unsigned char lead_min, lead_max, next_min, next_max, length;
	} forms[] = {
		{0x20,	0x7e, 0x00, 0xff, 1},
		       { 0xc2, 0xdf, 0x80, 0xbf, 2},
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3},
		       { 0xe1, 0xec, 0x80, 0xbf, 3},
		{ 0xed, 0xed, 0x80, 0x9f, 3},
		       { 0xee, 0xef, 0x80, 0xbf, 3},
		{ 0xf0, 0xf0, 0x90, 0xbf, 4},
		       { 0xf1, 0xf3, 0x80, 0xbf, 4},
		{ 0xf4, 0xf4, 0x80, 0x8f, 4},
	};

	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		if (s[0] < forms[i].lead_min || s[0] > forms[i].lead_max)
			continue;
		if (forms[i].length == 1)
			return 1;
		if (s[1] < forms[i].next_min || s[1] > forms[i].next_max)
			return 0;
		for (size_t k = 2; k < forms[i].length; k++)
			if ((s[k] & 0xc0) != 0x80)
				return 0;
		return forms[i].length;
	}
	return 0;
}

static bool is_text(unsigned char c)
{
	return c == '\n' || c == '\t';
}

/* What of s may stand in an event; new memory. A log's line ends and tabs are text. */
static char *clean(const char *s)
{
	const unsigned char *in = (const unsigned char *)s;
	char *out = malloc(strlen(s) * strlen(REPLACEMENT) + 1), *o = out;

	if (!out)
		return NULL;
	while (*in) {
		size_t n = is_text(*in) ? 1 : utf8_length(in);

		if (n)
			o = mempcpy(o, in, n);
		else
			o = stpcpy(o, REPLACEMENT);
		in += n ? n : 1;
	}
	*o = 0;
	return out;
}

void event_str(struct json_object *e, const char *key, const char *value)
{
	_cleanup_free_ char *text = e && value ? clean(value) : NULL;

	if (text)
		add(e, key, json_object_new_string(text));
}

void event_strf(struct json_object *e, const char *key, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	event_str(e, key, text);
}

void event_u64(struct json_object *e, const char *key, uint64_t value)
{
	char name[64], text[24];

	if (!e)
		return;
	add(e, key, json_object_new_uint64(value));
	if (value <= EXACT_MAX)
		return;
	snprintf(name, sizeof(name), "%s_str", key);
	snprintf(text, sizeof(text), "%" PRIu64, value);
	event_str(e, name, text);
}

void event_bool(struct json_object *e, const char *key, bool value)
{
	if (e)
		add(e, key, json_object_new_boolean(value));
}

void event_real(struct json_object *e, const char *key, double value)
{
	if (e && isfinite(value))
		add(e, key, json_object_new_double(value));
}

const char *event_get_str(const struct json_object *e, const char *key)
{
	struct json_object *v;

	if (!e || !json_object_object_get_ex(e, key, &v) ||
	    !json_object_is_type(v, json_type_string))
		return "";
	return json_object_get_string(v);
}

const char *event_type(const struct json_object *e)
{
	return event_get_str(e, "type");
}

uint64_t event_get_u64(const struct json_object *e, const char *key)
{
	struct json_object *v;

	if (!e || !json_object_object_get_ex(e, key, &v) || !json_object_is_type(v, json_type_int))
		return 0;
	return json_object_get_uint64(v);
}

bool event_get_bool(const struct json_object *e, const char *key)
{
	struct json_object *v;

	return e && json_object_object_get_ex(e, key, &v) &&
	       json_object_is_type(v, json_type_boolean) && json_object_get_boolean(v);
}

static int write_all(int fd, const char *bytes, size_t len)
{
	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

int event_write(int fd, struct json_object *e)
{
	_cleanup_free_ char *line = NULL;
	const char *text;
	size_t len;

	text = e ? json_object_to_json_string_length(e, PRINT_FLAGS, &len) : NULL;
	line = text ? malloc(len + 1) : NULL;
	if (!line)
		return -ENOMEM;
	memcpy(line, text, len);
	line[len] = '\n';
	return write_all(fd, line, len + 1);
}

/*
 * json-c reads NaN and Infinity, which are no JSON; what was read is printed again, so they end
 * here. So does a key or a string with a NUL in it: it would be cut somewhere on the way.
 */
static bool is_sane(struct json_object *v)
{
	switch (json_object_get_type(v)) {
	case json_type_double:
		return isfinite(json_object_get_double(v));
	case json_type_string:
		return strlen(json_object_get_string(v)) == (size_t)json_object_get_string_len(v);
	case json_type_array:
		for (size_t i = 0; i < json_object_array_length(v); i++)
			if (!is_sane(json_object_array_get_idx(v, i)))
				return false;
		return true;
	case json_type_object: {
		json_object_object_foreach (v, key, value) {
			(void)key;
			if (!is_sane(value))
				return false;
		}
		return true;
	}
	default:
		return true;
	}
}

struct json_object *event_decode(const char *line, size_t len)
{
	struct json_tokener *tok;
	struct json_object *e;
	bool whole;

	if (len == 0 || len > EVENT_LINE_MAX || line[0] != '{')
		return NULL;
	tok = json_tokener_new_ex(DEPTH_MAX);
	if (!tok)
		return NULL;
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	e = json_tokener_parse_ex(tok, line, (int)len);
	whole = json_tokener_get_error(tok) == json_tokener_success &&
		json_tokener_get_parse_end(tok) == len;
	json_tokener_free(tok);
	if (e && whole && *event_type(e) && is_sane(e))
		return e;
	json_object_put(e);
	return NULL;
}
