// SPDX-License-Identifier: GPL-2.0-or-later
/* Events of a run in a guest that may lie: what reaches the journal is one run, in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "event/event.h"
#include "rig/relay.h"
#include "tests/unit.h"

static char top[] = "/tmp/rig-test-relay-XXXXXX";
static struct stack_config stack = { .name = "t", .kind = STACK_GUEST };
static struct session s;
static struct relay r;

static void begin(void)
{
	char error[JOURNAL_ERROR];

	s = (struct session){ .stack = &stack };
	CU_ASSERT_EQUAL_FATAL(journal_create(&s.journal, top, error), 0);
	s.sink = (struct sink){ .journal = &s.journal };
	CU_ASSERT_EQUAL_FATAL(relay_init(&r, &s), 0);
}

static void hear(const char *line)
{
	struct json_object *e = event_decode(line, strlen(line));

	CU_ASSERT_PTR_NOT_NULL_FATAL(e);
	relay_event(&r, e);
	json_object_put(e);
}

/* Lines of a file of the run that hold those words. */
static unsigned lines(const char *name, const char *words)
{
	char path[PATH_MAX + 32], *save = NULL;
	struct bytes b;
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/%s", s.journal.dir, name);
	if (bytes_load(path, 1 << 20, &b))
		return 0;
	for (char *l = strtok_r((char *)b.at, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		n += strstr(l, words) != NULL;
	bytes_free(&b);
	return n;
}

static void end(void)
{
	relay_free(&r);
	journal_close(&s.journal);
}

#define BEGIN	    "{\"type\":\"run_begin\",\"run\":\"theirs\",\"host\":\"theirs\",\"seq\":77}"
#define PLAN(c)	    "{\"type\":\"plan\",\"seq\":5,\"case\":\"" c "\"}"
#define OPEN(c)	    "{\"type\":\"case_begin\",\"case\":\"" c "\"}"
#define CLOSE(c, v) "{\"type\":\"case_end\",\"case\":\"" c "\",\"verdict\":\"" v "\"}"

static void honest(void)
{
	begin();
	hear("{\"type\":\"format\"}");
	hear(BEGIN);
	hear(PLAN("a.b"));
	hear(PLAN("a.c"));
	hear(OPEN("a.b"));
	hear("{\"type\":\"check\",\"case\":\"a.b\",\"ok\":true}");
	hear(CLOSE("a.b", "PASS"));
	hear(CLOSE("a.c", "N/A"));
	hear("{\"type\":\"run_end\",\"exit_status\":2}");
	CU_ASSERT_EQUAL(r.noises, 0);
	CU_ASSERT(r.ended);
	CU_ASSERT_EQUAL(r.inner_status, 2);
	CU_ASSERT_EQUAL(json_object_object_length(r.planned), 0);
	CU_ASSERT_EQUAL(s.tally.count[PASS], 1);
	CU_ASSERT_EQUAL(s.tally.count[NA], 1);
	CU_ASSERT_EQUAL(lines("events.jsonl", "theirs"), 0);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"stack\":\"t\""), 1);
	CU_ASSERT_EQUAL(lines("events.jsonl", "run_end"), 0);	 /* ours comes later */
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"seq\":5,"), 1); /* stamped by us */
	CU_ASSERT_EQUAL(lines("plan.jsonl", "\"case\""), 2);
	CU_ASSERT_EQUAL(lines("plan.jsonl", "seq"), 0);
	end();
}

static void lies(void)
{
	begin();
	hear(PLAN("a.early"));
	hear("{\"type\":\"fact\",\"name\":\"x\"}");
	hear(BEGIN);
	hear(BEGIN);
	hear(PLAN("a.b"));
	hear(PLAN("a.b"));
	hear(PLAN("a.c"));
	hear("{\"type\":\"plan\"}");
	CU_ASSERT_EQUAL(r.noises, 5);
	hear(OPEN("a.nowhere"));
	hear(OPEN("a.b"));
	hear(OPEN("a.c"));
	hear(PLAN("a.late"));
	hear("{\"type\":\"check\",\"case\":\"a.c\",\"ok\":true}");
	hear(CLOSE("a.c", "PASS"));
	hear(CLOSE("a.b", "SPLENDID"));
	hear("{\"type\":\"resume\"}");
	hear("{\"type\":\"agent.done\"}");
	CU_ASSERT_EQUAL(r.noises, 13);
	hear(CLOSE("a.b", "FAIL"));
	hear(CLOSE("a.b", "PASS"));
	hear("{\"type\":\"run_end\"}");
	hear(CLOSE("a.c", "PASS"));
	CU_ASSERT_EQUAL(r.noises, 15);
	CU_ASSERT_EQUAL(s.tally.count[FAIL], 1);
	CU_ASSERT_EQUAL(s.tally.count[PASS], 0);
	CU_ASSERT_EQUAL(lines("events.jsonl", "case_end"), 1);
	CU_ASSERT_EQUAL(json_object_object_length(r.planned), 1);
	end();
}

static void kernel_words(void)
{
	begin();
	relay_finding(&r, "WARNING: at boot");
	CU_ASSERT(!s.tally.broke);
	hear(BEGIN);
	hear(PLAN("a.b"));
	hear(PLAN("a.c"));
	hear(PLAN("a.d"));
	hear(OPEN("a.b"));
	relay_finding(&r, "WARNING: first");
	relay_finding(&r, "WARNING: second");
	hear(CLOSE("a.b", "PASS"));
	CU_ASSERT_EQUAL(s.tally.count[FAIL], 1);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"reason\":\"guest kernel: WARNING: first\""), 1);
	hear(OPEN("a.c"));
	hear(CLOSE("a.c", "PASS"));
	CU_ASSERT_EQUAL(s.tally.count[PASS], 1);
	CU_ASSERT(!s.tally.broke);
	relay_finding(&r, "WARNING: between");
	CU_ASSERT(s.tally.broke);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"from\":\"guest kernel\""), 4);
	end();
}

static void cut(void)
{
	begin();
	hear(BEGIN);
	hear(PLAN("a.b"));
	hear("{\"type\":\"plan\",\"case\":\"a.b\",\"attempt\":2}");
	hear(PLAN("a.c[x]"));
	hear(OPEN("a.b"));
	CU_ASSERT_EQUAL(relay_cut(&r, FAIL, "guest kernel: panic", "trace"), 0);
	CU_ASSERT_EQUAL(s.tally.count[FAIL], 1);
	CU_ASSERT_EQUAL(s.tally.count[NOTRUN], 2);
	CU_ASSERT(!s.tally.broke);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"type\":\"engine\",\"case\":\"a.b\""), 1);
	CU_ASSERT_EQUAL(lines("events.jsonl", "the guest ended in a.b: guest kernel: panic"), 2);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"attempt\":2,\"verdict\":\"NOTRUN\""), 1);
	CU_ASSERT_EQUAL(lines("events.jsonl", "\"case\":\"a.c[x]\",\"verdict\":\"NOTRUN\""), 1);
	end();
	begin();
	hear(BEGIN);
	hear(PLAN("a.b"));
	CU_ASSERT_EQUAL(relay_cut(&r, FAIL, "gone", NULL), 0);
	CU_ASSERT_EQUAL(s.tally.count[FAIL], 0);
	CU_ASSERT(s.tally.broke);
	end();
}

static const struct unit units[] = {
	{ "honest", honest },
	{ "lies", lies },
	{ "kernel words", kernel_words },
	{ "cut", cut },
};

UNIT_MAIN_IN(top, "relay", units)
