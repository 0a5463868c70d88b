// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "event/event.h"
#include "rig/journal.h"
#include "rig/journal_read.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-test-journal-XXXXXX";

static void create(struct journal *j)
{
	char error[JOURNAL_ERROR] = "";
	struct json_object *e = journal_format(), *stamped = NULL;

	CU_ASSERT_EQUAL_FATAL(journal_create(j, top, error), 0);
	CU_ASSERT_EQUAL(journal_append(j, e, &stamped), 0);
	json_object_put(stamped);
	json_object_put(e);
}

static int append(struct journal *j, const char *text)
{
	struct json_object *e = event_new("note"), *stamped = NULL;
	int err;

	event_str(e, "text", text);
	event_u64(e, "seq", 4711); /* replaced */
	err = journal_append(j, e, &stamped);
	if (!err)
		CU_ASSERT_EQUAL(event_get_u64(stamped, "seq"), j->seq - 1);
	json_object_put(stamped);
	json_object_put(e);
	return err;
}

static void count_event(void *ctx, struct json_object *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

static void on_disk(void)
{
	char error[JOURNAL_ERROR] = "", link[300], to[300] = "";
	unsigned events = 0;
	struct journal j;
	struct stat st;
	off_t end;
	FILE *f;

	create(&j);
	CU_ASSERT_EQUAL(append(&j, "one"), 0);
	CU_ASSERT_EQUAL(append(&j, "two"), 0);
	CU_ASSERT_EQUAL(journal_sync(&j), 0);
	CU_ASSERT_EQUAL(fstat(j.events_fd, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 077, 0);
	CU_ASSERT_EQUAL(st.st_size, j.end);
	f = journal_file(&j, "run.json");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fclose(f);
	CU_ASSERT_PTR_NULL(journal_file(&j, "run.json")); /* never written over */
	CU_ASSERT_EQUAL(faccessat(j.dir_fd, "cases", W_OK, 0), 0);
	snprintf(link, sizeof(link), "%s/latest", top);
	CU_ASSERT_EQUAL(readlink(link, to, sizeof(to)), -1); /* moved last */
	{
		int fd = openat(j.dir_fd, "events.jsonl", O_RDONLY);

		CU_ASSERT_EQUAL(journal_load(fd, count_event, &events, &end, error), 0);
		close(fd);
	}
	CU_ASSERT_EQUAL(events, 3);
	journal_close(&j);
	memset(to, 0, sizeof(to));
	CU_ASSERT_TRUE(readlink(link, to, sizeof(to) - 1) > 0);
	CU_ASSERT_STRING_EQUAL(to, j.id);
}

/* Whatever length the last line was cut at, the run goes on where it was. */
static void cut_anywhere(void)
{
	char error[JOURNAL_ERROR] = "", path[PATH_MAX + 32];
	struct journal j;
	off_t whole, two;

	create(&j);
	append(&j, "one");
	two = j.end;
	append(&j, "two");
	whole = j.end;
	close(j.events_fd);
	close(j.dir_fd);
	snprintf(path, sizeof(path), "%s/events.jsonl", j.dir);
	for (off_t len = whole; len >= two; len--) {
		unsigned events = 0;
		uint64_t cut = 99;
		struct journal again;

		CU_ASSERT_EQUAL(truncate(path, len), 0);
		CU_ASSERT_EQUAL_FATAL(
			journal_reopen(&again, j.dir, count_event, &events, &cut, error), 0);
		CU_ASSERT_EQUAL(events, len == whole ? 3 : 2);
		CU_ASSERT_EQUAL(cut, len == whole ? 0 : (uint64_t)(len - two));
		CU_ASSERT_EQUAL(again.seq, events);
		CU_ASSERT_STRING_EQUAL(again.id, j.id);
		CU_ASSERT_EQUAL(append(&again, "two"), 0);
		close(again.events_fd);
		close(again.dir_fd);
	}
}

static void no_journal(void)
{
	static const struct {
		const char *content;
		const char *error;
	} rows[] = {
		{ "", "events.jsonl:1: no journal of nvrig" },
		{ "garbage\n", "events.jsonl:1: no event" },
		{ "{\"type\":\"note\",\"seq\":0}\n", "events.jsonl:1: no journal of nvrig" },
		{ "{\"seq\":0,\"type\":\"format\",\"name\":\"nvrig-events\",\"major\":2}\n",
		  "events.jsonl:1: written by a newer nvrig: nvrig-events 2.0" },
		{ "{\"seq\":0,\"type\":\"format\",\"name\":\"nvrig-events\",\"major\":1}\n"
		  "{\"seq\":2,\"type\":\"note\"}\n",
		  "events.jsonl:2: its seq does not follow" },
	};
	char error[JOURNAL_ERROR], path[300];
	struct journal j;
	unsigned events;
	uint64_t cut;

	snprintf(path, sizeof(path), "%s/other", top);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(journal_reopen(&j, path, count_event, &events, &cut, error), -ENOENT);
	CU_ASSERT_EQUAL(journal_reopen(&j, "/no/such", count_event, &events, &cut, error), -ENOENT);
	snprintf(path, sizeof(path), "%s/other/events.jsonl", top);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FILE *f = fopen(path, "w");

		CU_ASSERT_PTR_NOT_NULL_FATAL(f);
		fputs(rows[i].content, f);
		fclose(f);
		path[strlen(path) - strlen("/events.jsonl")] = 0;
		CU_ASSERT_EQUAL(journal_reopen(&j, path, count_event, &events, &cut, error),
				-EPROTO);
		CU_ASSERT_EQUAL(strncmp(error, rows[i].error, strlen(rows[i].error)), 0);
		strcat(path, "/events.jsonl");
	}
}

static void one_runner_at_a_time(void)
{
	char error[JOURNAL_ERROR] = "";
	struct journal j, second;
	unsigned events = 0;
	uint64_t cut;

	create(&j);
	CU_ASSERT_EQUAL(journal_reopen(&second, j.dir, count_event, &events, &cut, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "its runner is still at work"));
	journal_close(&j);
}

/* The disk is full in the middle of a line: the journal ends with the line before it. */
static void disk_full(void)
{
	struct rlimit old, full;
	char error[JOURNAL_ERROR] = "", big[3000];
	unsigned events = 0;
	uint64_t cut = 99;
	struct journal j, again;
	off_t end;

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = 0;
	create(&j);
	append(&j, "one");
	end = j.end;
	signal(SIGXFSZ, SIG_IGN);
	CU_ASSERT_EQUAL(getrlimit(RLIMIT_FSIZE, &old), 0);
	full = (struct rlimit){ (rlim_t)end + 1000, old.rlim_max };
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &full), 0);
	CU_ASSERT_EQUAL(append(&j, big), -EFBIG);
	CU_ASSERT_EQUAL(j.err, -EFBIG);
	CU_ASSERT_EQUAL(append(&j, "small, and yet not taken"), -EFBIG);
	CU_ASSERT_EQUAL(setrlimit(RLIMIT_FSIZE, &old), 0);
	CU_ASSERT_EQUAL(lseek(j.events_fd, 0, SEEK_END), end);
	journal_close(&j);
	CU_ASSERT_EQUAL_FATAL(journal_reopen(&again, j.dir, count_event, &events, &cut, error), 0);
	CU_ASSERT_EQUAL(events, 2);
	CU_ASSERT_EQUAL(cut, 0);
	journal_close(&again);
}

static void nowhere_to_write(void)
{
	char error[JOURNAL_ERROR] = "";
	struct journal j;

	CU_ASSERT_EQUAL(journal_create(&j, "/proc/no/where", error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "--out DIR"));
	CU_ASSERT_TRUE(journal_create(&j, "/proc/self", error) < 0);
	CU_ASSERT_EQUAL(journal_create(&j, "/dev/null", error), -ENOTDIR);
}

static bool exists(struct journal *j, const char *name)
{
	return faccessat(j->dir_fd, name, F_OK, 0) == 0;
}

static void logs(void)
{
	struct journal j;
	int out, err;

	create(&j);
	CU_ASSERT_EQUAL(journal_logs_open(&j, &out, &err), 0);
	journal_logs_keep(&j, 0, "queue.silent", &out, &err);
	CU_ASSERT_FALSE(exists(&j, "cases/0000-queue.silent"));
	CU_ASSERT_EQUAL(write(err, "words\n", 6), 6);
	journal_logs_keep(&j, 7, "queue.loud[a b/c]", &out, &err);
	CU_ASSERT_TRUE(exists(&j, "cases/0007-queue.loud-a-b-c/err.log"));
	CU_ASSERT_FALSE(exists(&j, "cases/0007-queue.loud-a-b-c/out.log"));
	CU_ASSERT_EQUAL(write(out, "more\n", 5), 5);
	journal_logs_keep(&j, 8, "../../x", &out, &err);
	CU_ASSERT_TRUE(exists(&j, "cases/0008-..-..-x/out.log"));
	CU_ASSERT_FALSE(exists(&j, "cases/0008-..-..-x/err.log"));
	journal_logs_close(&j, &out, &err);
	CU_ASSERT_FALSE(exists(&j, "cases/.out"));
	journal_close(&j);
}

static void discarded(void)
{
	char error[JOURNAL_ERROR] = "";
	struct journal j;

	CU_ASSERT_EQUAL_FATAL(journal_create(&j, top, error), 0);
	fclose(journal_file(&j, "run.json"));
	journal_discard(&j);
	CU_ASSERT_EQUAL(access(j.dir, F_OK), -1);
}

static const struct unit units[] = {
	{ "on disk", on_disk },
	{ "cut anywhere", cut_anywhere },
	{ "no journal", no_journal },
	{ "one runner at a time", one_runner_at_a_time },
	{ "disk full", disk_full },
	{ "nowhere to write", nowhere_to_write },
	{ "logs", logs },
	{ "discarded", discarded },
};

UNIT_MAIN_IN(top, "journal", units)
