// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "event/event.h"
#include "unit.h"

static char *written(struct json_object *e, size_t *ret_len)
{
	static char buf[8192];
	int fds[2];
	ssize_t n;

	CU_ASSERT_FATAL(pipe(fds) == 0);
	CU_ASSERT_EQUAL(event_write(fds[1], e), 0);
	n = read(fds[0], buf, sizeof(buf) - 1);
	close(fds[0]);
	close(fds[1]);
	buf[n > 0 ? n : 0] = 0;
	*ret_len = n > 0 ? (size_t)n : 0;
	return buf;
}

static void there_and_back(void)
{
	struct json_object *e = event_new("sample"), *back;
	size_t len;
	char *text;

	event_str(e, "metric", "iops/s");
	event_str(e, "none", NULL);
	event_strf(e, "label", "%s-%d", "x", 7);
	event_u64(e, "small", (1ull << 53) - 1);
	event_u64(e, "large", UINT64_MAX);
	event_bool(e, "ok", true);
	event_real(e, "value", 1.5);
	event_real(e, "nan", NAN);
	event_real(e, "inf", INFINITY);
	text = written(e, &len);
	CU_ASSERT_EQUAL(text[len - 1], '\n');
	CU_ASSERT_PTR_NULL(memchr(text, '\n', len - 1));
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"iops/s\""));
	CU_ASSERT_PTR_NULL(strstr(text, "nan"));
	CU_ASSERT_PTR_NULL(strstr(text, "inf"));
	CU_ASSERT_PTR_NULL(strstr(text, "none"));
	CU_ASSERT_PTR_NULL(strstr(text, "small_str"));
	back = event_decode(text, len - 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(back);
	CU_ASSERT_STRING_EQUAL(event_type(back), "sample");
	CU_ASSERT_STRING_EQUAL(event_get_str(back, "label"), "x-7");
	CU_ASSERT_EQUAL(event_get_u64(back, "large"), UINT64_MAX);
	CU_ASSERT_STRING_EQUAL(event_get_str(back, "large_str"), "18446744073709551615");
	CU_ASSERT_TRUE(event_get_bool(back, "ok"));
	CU_ASSERT_TRUE(json_object_equal(e, back));
	json_object_put(back);
	json_object_put(e);
}

static void bytes_of_a_drive(void)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
		{ "plain", "plain" },
		{ "\x01x\x7f", "\xef\xbf\xbdx\xef\xbf\xbd" },
		{ "a\nb\tc\r", "a\nb\tc\xef\xbf\xbd" },
		{ "\xc3\xa9", "\xc3\xa9" },
		{ "\xc3", "\xef\xbf\xbd" },
		{ "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
		{ "\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
		{ "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json_object *e = event_new("note"), *back;
		size_t len;
		char *text;

		event_str(e, "text", rows[i].in);
		text = written(e, &len);
		back = event_decode(text, len - 1);
		CU_ASSERT_PTR_NOT_NULL_FATAL(back);
		CU_ASSERT_STRING_EQUAL(event_get_str(back, "text"), rows[i].out);
		json_object_put(back);
		json_object_put(e);
	}
}

static void not_events(void)
{
	static const char *const rows[] = {
		"",
		"x",
		"{",
		"{}",
		"[]",
		"null",
		"17",
		"\"type\"",
		"{\"type\":17}",
		"{\"type\":\"\"}",
		"{\"type\":null}",
		"{\"type\":\"a\"} x",
		"{\"type\":\"a\"}{}",
		"{'type':'a'}",
		"{\"type\":\"a\",}",
		"{\"type\":\"a\",\"v\":NaN}",
		"{\"type\":\"a\",\"v\":[Infinity]}",
		"{\"type\":\"a\",\"v\":{\"w\":-Infinity}}",
		"{\"type\":\"a\",\"v\":\"\xff\"}",
		"{\"type\":\"a\",\"v\":\"a\\u0000b\"}",
		" {\"type\":\"a\"}",
		"{\"type\":\"a\"",
	};
	char deep[600] = "{\"type\":\"a\",\"v\":";
	char *big = malloc(EVENT_LINE_MAX + 2);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct json_object *e = event_decode(rows[i], strlen(rows[i]));

		CU_ASSERT_PTR_NULL(e);
		if (e)
			printf("taken: %s\n", rows[i]);
		json_object_put(e);
	}
	for (int i = 0; i < 200; i++)
		strcat(deep, "[");
	CU_ASSERT_PTR_NULL(event_decode(deep, strlen(deep)));
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, ' ', EVENT_LINE_MAX + 1);
	memcpy(big, "{\"type\":\"a\"", 11);
	big[EVENT_LINE_MAX - 1] = '}';
	json_object_put(event_decode(big, EVENT_LINE_MAX));
	big[EVENT_LINE_MAX] = ' ';
	CU_ASSERT_PTR_NULL(event_decode(big, EVENT_LINE_MAX + 1));
	free(big);
}

/* Any bytes: an event or none, never a crash. What is taken can be written. */
static void noise(void)
{
	static const char alphabet[] = "{}[]\",:\\ua0\x01\xff typecheck17.e-+nulltruefalse";
	char text[200];
	int null = open("/dev/null", O_WRONLY);

	srand(17);
	for (int i = 0; i < 200000; i++) {
		size_t n = (size_t)rand() % sizeof(text);
		struct json_object *e;

		for (size_t k = 0; k < n; k++)
			text[k] = alphabet[(size_t)rand() % sizeof(alphabet)];
		if (i % 2 && n > 13)
			memcpy(text, "{\"type\":\"a\",\"", 13);
		e = event_decode(text, n);
		if (e)
			CU_ASSERT_EQUAL(event_write(null, e), 0);
		json_object_put(e);
	}
	close(null);
}

static void nothing_there(void)
{
	struct json_object *e = event_new("note");

	event_str(NULL, "a", "b");
	event_strf(NULL, "a", "%d", 1);
	event_u64(NULL, "a", UINT64_MAX);
	event_bool(NULL, "a", true);
	event_real(NULL, "a", 1);
	CU_ASSERT_STRING_EQUAL(event_type(NULL), "");
	CU_ASSERT_STRING_EQUAL(event_get_str(e, "absent"), "");
	CU_ASSERT_EQUAL(event_get_u64(e, "type"), 0);
	CU_ASSERT_FALSE(event_get_bool(e, "type"));
	CU_ASSERT_EQUAL(event_write(1, NULL), -ENOMEM);
	CU_ASSERT_EQUAL(event_write(-1, e), -EBADF);
	json_object_put(e);
}

static const struct unit units[] = {
	{ "there and back", there_and_back }, { "bytes of a drive", bytes_of_a_drive },
	{ "what is no event", not_events },   { "noise", noise },
	{ "nothing there", nothing_there },
};
UNIT_MAIN("event", units)
