// SPDX-License-Identifier: GPL-2.0-or-later
/* The client of QEMU's monitor against a peer that may say anything. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "stack/qmp.h"
#include "tests/unit.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": [\"oob\"]}}\r\n"
#define SOON	 (5 * NS_PER_S)

struct seen {
	struct qmp *q;
	int peer;
	unsigned ends, events;
	enum qmp_end end;
	bool had_value, asks_again;
	char text[QMP_TEXT], event[64], device[64];
};

static void take_event(void *ctx, const char *name, struct json_object *data)
{
	struct seen *s = ctx;
	struct json_object *device;

	s->events++;
	snprintf(s->event, sizeof(s->event), "%s", name);
	if (data && json_object_object_get_ex(data, "device", &device))
		snprintf(s->device, sizeof(s->device), "%s", json_object_get_string(device));
}

static void take_answer(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct seen *s = ctx;

	s->ends++;
	s->end = end;
	s->had_value = value != NULL;
	snprintf(s->text, sizeof(s->text), "%s", text);
	if (!s->asks_again)
		return;
	s->asks_again = false;
	CU_ASSERT_EQUAL(qmp_ask(s->q, "again", NULL, SOON, take_answer, s),
			end == QMP_GONE ? -EPIPE : 0);
}

static void begin_within(struct seen *s, uint64_t ready_ns)
{
	const struct qmp_ops ops = { s, take_event };
	int fds[2];

	*s = (struct seen){ .peer = -1 };
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s->peer = fds[1];
	s->q = qmp_open(fds[0], ready_ns, &ops);
	CU_ASSERT_PTR_NOT_NULL_FATAL(s->q);
}

static void finish(struct seen *s)
{
	qmp_close(s->q);
	close(s->peer);
}

static void say(struct seen *s, const char *text)
{
	CU_ASSERT_EQUAL(write(s->peer, text, strlen(text)), (ssize_t)strlen(text));
	qmp_step(s->q);
}

/* What it was told until now. */
static const char *told(struct seen *s)
{
	static char text[4096];
	ssize_t n = recv(s->peer, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void begin(struct seen *s)
{
	begin_within(s, SOON);
	say(s, GREETING);
	CU_ASSERT_STRING_EQUAL(told(s), "{\"execute\":\"qmp_capabilities\",\"id\":1}\n");
	say(s, "{\"return\": {}, \"id\": 1}\r\n");
}

static void ask(struct seen *s)
{
	CU_ASSERT_EQUAL(qmp_ask(s->q, "stop", NULL, SOON, take_answer, s), 0);
}

static void good(void)
{
	struct seen s;
	struct json_object *arguments = json_object_new_object();

	begin(&s);
	json_object_object_add(arguments, "id", json_object_new_string("n0"));
	CU_ASSERT_EQUAL(qmp_ask(s.q, "device_del", arguments, SOON, take_answer, &s), 0);
	CU_ASSERT_STRING_EQUAL(
		told(&s),
		"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"n0\"},\"id\":2}\n");
	say(&s, "{\"timestamp\":{},\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"n0\"}}\r\n");
	CU_ASSERT_EQUAL(s.events, 1);
	CU_ASSERT_STRING_EQUAL(s.event, "DEVICE_DELETED");
	CU_ASSERT_STRING_EQUAL(s.device, "n0");
	CU_ASSERT_EQUAL(s.ends, 0);
	say(&s, "{\"return\": {}, \"id\": 2}\n");
	CU_ASSERT(s.ends == 1 && s.end == QMP_OK && s.had_value);
	say(&s, "{\"event\":\"STOP\"}\n");
	CU_ASSERT_STRING_EQUAL(s.event, "STOP");
	CU_ASSERT_PTR_NULL(qmp_gone(s.q));
	finish(&s);
}

/* What is asked before QEMU spoke is not sent to what may be anything. */
static void asked_early(void)
{
	struct seen s;

	begin_within(&s, SOON);
	ask(&s);
	qmp_step(s.q);
	CU_ASSERT_STRING_EQUAL(told(&s), "");
	say(&s, "{\"return\": {}, \"id\": 2}\n"); /* no answer before the greeting */
	CU_ASSERT_EQUAL(s.ends, 0);
	say(&s, GREETING);
	CU_ASSERT_STRING_EQUAL(told(&s), "{\"execute\":\"qmp_capabilities\",\"id\":1}\n"
					 "{\"execute\":\"stop\",\"id\":2}\n");
	say(&s, "{\"return\": {}, \"id\": 1}\n{\"return\": {}, \"id\": 2}\n");
	CU_ASSERT_EQUAL(s.ends, 1);
	finish(&s);
}

static void split_bytes(void)
{
	static const char line[] = "{\"return\": {\"a\": [1, 2]}, \"id\": 2}\r\n";
	struct seen s;

	begin(&s);
	ask(&s);
	for (const char *c = line; *c; c++)
		say(&s, (char[]){ *c, 0 });
	CU_ASSERT(s.ends == 1 && s.end == QMP_OK && s.had_value);
	finish(&s);
}

static void errors(void)
{
	struct seen s;

	begin(&s);
	ask(&s);
	say(&s, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"not\\u0007 found\\n\"}, "
		"\"id\": 2}\n");
	CU_ASSERT(s.ends == 1 && s.end == QMP_ERROR && !s.had_value);
	CU_ASSERT_STRING_EQUAL(s.text, "not  found ");
	ask(&s);
	say(&s, "{\"error\": {\"desc\": 7}, \"id\": 3}\n");
	CU_ASSERT(s.ends == 2 && s.end == QMP_ERROR && s.text[0]);
	finish(&s);
}

static void garbage(void)
{
	static const char *const lines[] = {
		"not JSON\n", "{\n", "[]\n", "\n", "null\n", "{\"return\": {}}\n",
		"{\"return\": {}, \"id\": \"2\"}\n", "{\"return\": {}, \"id\": 77}\n",
		"{\"return\": {}, \"id\": -1}\n", "{\"return\": {}, \"error\": {}, \"id\": 2}\n",
		"{\"error\": 5, \"id\": 2}\n", "{\"id\": 2}\n", "{\"event\": 3}\n",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]\n", "{\"id\":2,\"return\":\n",
	};
	struct seen s;

	begin(&s);
	ask(&s);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		say(&s, lines[i]);
	CU_ASSERT_EQUAL(write(s.peer, "\0\377{\n", 4), 4);
	qmp_step(s.q);
	CU_ASSERT_EQUAL(s.ends, 0);
	CU_ASSERT_EQUAL(s.events, 0);
	CU_ASSERT_PTR_NULL(qmp_gone(s.q));
	say(&s, "{\"return\": null, \"id\": 2}\n");
	CU_ASSERT(s.ends == 1 && s.end == QMP_OK && !s.had_value);
	finish(&s);
}

/* Fed until it is gone, or far more than it should take. */
static void flood(const char *text)
{
	size_t len = strlen(text), sent = 0;
	struct seen s;

	begin(&s);
	CU_ASSERT_EQUAL(qmp_ask(s.q, "stop", NULL, 600 * NS_PER_S, take_answer, &s), 0);
	for (size_t bytes = 0; !qmp_gone(s.q) && bytes < 8 * QMP_JUNK_MAX;) {
		ssize_t n = send(s.peer, text + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		bytes += n > 0 ? (size_t)n : 0;
		sent = (sent + (n > 0 ? (size_t)n : 0)) % len;
		qmp_step(s.q);
	}
	CU_ASSERT_PTR_NOT_NULL_FATAL(qmp_gone(s.q));
	CU_ASSERT_PTR_NOT_NULL(strstr(qmp_gone(s.q), "without an end"));
	CU_ASSERT(s.ends == 1 && s.end == QMP_GONE);
	CU_ASSERT_EQUAL(qmp_fd(s.q), -1);
	CU_ASSERT_EQUAL(qmp_ask(s.q, "stop", NULL, SOON, take_answer, &s), -EPIPE);
	finish(&s);
}

static void floods(void)
{
	flood("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	flood("\n");
	flood("{\"return\": {}, \"id\": 4711}\n");
}

/* One line that is too long takes nothing with it. */
static void long_line(void)
{
	static char line[QMP_LINE_MAX + 10000];
	size_t sent = 0;
	struct seen s;

	begin(&s);
	ask(&s);
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	while (sent < sizeof(line)) {
		ssize_t n = send(s.peer, line + sent, sizeof(line) - sent, MSG_DONTWAIT);

		sent += n > 0 ? (size_t)n : 0;
		qmp_step(s.q);
	}
	for (int i = 0; i < 8; i++)
		qmp_step(s.q);
	CU_ASSERT_PTR_NULL(qmp_gone(s.q));
	say(&s, "{\"return\": {}, \"id\": 2}\n");
	CU_ASSERT_EQUAL(s.ends, 1);
	finish(&s);
}

static void late(void)
{
	struct seen s;

	begin(&s);
	CU_ASSERT_EQUAL(qmp_ask(s.q, "stop", NULL, 20 * NS_PER_MS, take_answer, &s), 0);
	qmp_step(s.q);
	CU_ASSERT_EQUAL(s.ends, 0);
	usleep(30000);
	qmp_step(s.q);
	CU_ASSERT(s.ends == 1 && s.end == QMP_LATE && s.text[0]);
	say(&s, "{\"return\": {}, \"id\": 2}\n");
	CU_ASSERT_EQUAL(s.ends, 1);
	ask(&s);
	say(&s, "{\"return\": {}, \"id\": 3}\n");
	CU_ASSERT(s.ends == 2 && s.end == QMP_OK);
	finish(&s);
}

static void no_greeting(void)
{
	struct seen s;

	begin_within(&s, 20 * NS_PER_MS);
	ask(&s);
	say(&s, "{\"event\": \"STOP\"}\n");
	usleep(30000);
	qmp_step(s.q);
	CU_ASSERT_EQUAL(s.events, 0);
	CU_ASSERT(s.ends == 1 && s.end == QMP_GONE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qmp_gone(s.q));
	CU_ASSERT_PTR_NOT_NULL(strstr(qmp_gone(s.q), "did not say"));
	finish(&s);
}

static void hang_up(void)
{
	struct seen s;

	begin(&s);
	ask(&s);
	s.asks_again = true;
	say(&s, "{\"return\": {}, \"id\"");
	close(s.peer);
	qmp_step(s.q);
	CU_ASSERT(s.ends == 1 && s.end == QMP_GONE);
	CU_ASSERT_PTR_NOT_NULL(strstr(s.text, "hung up"));
	s.peer = -1;
	finish(&s);
}

static void many(void)
{
	struct seen s;

	begin(&s);
	for (int i = 0; i < QMP_PENDING_MAX; i++)
		ask(&s);
	CU_ASSERT_EQUAL(qmp_ask(s.q, "stop", NULL, SOON, take_answer, &s), -EBUSY);
	CU_ASSERT_EQUAL(qmp_ask(s.q, "stop", json_object_new_object(), SOON, take_answer, &s),
			-EBUSY);
	s.asks_again = true; /* from within the answer, whose place is free again */
	say(&s, "{\"return\": {}, \"id\": 9}\n{\"return\": {}, \"id\": 2}\n");
	CU_ASSERT_EQUAL(s.ends, 2);
	CU_ASSERT_PTR_NOT_NULL(strstr(told(&s), "{\"execute\":\"again\",\"id\":10}\n"));
	finish(&s);
	qmp_close(NULL);
}

static const struct unit units[] = {
	{ "good", good },	      { "asked early", asked_early }, { "split bytes", split_bytes },
	{ "errors", errors },	      { "garbage", garbage },	      { "floods", floods },
	{ "long line", long_line },   { "late", late },		      { "no greeting", no_greeting },
	{ "hang up", hang_up },	      { "many", many },
};

UNIT_MAIN("qmp", units)
