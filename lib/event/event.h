/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one record type: a JSON object on a line. docs/events.md lists every type and field.
 * lib/event is a library of its own (style.md put it in rig/) because workers encode checks with
 * it and reports link nothing else.
 */
#ifndef EVENT_EVENT_H
#define EVENT_EVENT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENT_LINE_MAX (256u * 1024) /* a longer line is no event */

/* {"type":TYPE}; the caller owns it. NULL: out of memory. */
struct json_object *event_new(const char *type);

/* Setters that cope with NULL objects and NULL strings (left out). Invalid UTF-8 and control
 * bytes in strings are made U+FFFD, so that a drive's bytes can never break a line. */
void event_str(struct json_object *e, const char *key, const char *value);
__attribute__((format(printf, 3, 4))) void event_strf(struct json_object *e, const char *key,
						      const char *fmt, ...);
void event_u64(struct json_object *e, const char *key, uint64_t value); /* + KEY_str past 2^53-1 */
void event_bool(struct json_object *e, const char *key, bool value);
void event_real(struct json_object *e, const char *key, double value); /* not finite: left out */

const char *event_type(const struct json_object *e); /* "" when it has none */
const char *event_get_str(const struct json_object *e, const char *key); /* "" when absent */
uint64_t event_get_u64(const struct json_object *e, const char *key);	 /* 0 when absent */
bool event_get_bool(const struct json_object *e, const char *key);

/* One line with its newline, written by one write(2) (continued when cut). 0 or -errno. */
int event_write(int fd, struct json_object *e);

/*
 * Decodes one line (without newline). NULL: no JSON object, no "type" string, or past
 * EVENT_LINE_MAX. The line may be anything: it may come from a worker that lost its mind.
 */
struct json_object *event_decode(const char *line, size_t len);

#endif
