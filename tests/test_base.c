// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/tmp.h"
#include "spec/status.h"
#include "unit.h"

static void numbers(void)
{
	static const struct {
		const char *text;
		int err;
		uint64_t value;
	} rows[] = {
		{ "0", 0, 0 },
		{ "17", 0, 17 },
		{ "0x1F", 0, 31 },
		{ "4k", 0, 4000 },
		{ "4Ki", 0, 4096 },
		{ "2Gi", 0, 2ull << 30 },
		{ "18446744073709551615", 0, UINT64_MAX },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "16777216Ti", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "0x", -EINVAL, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t v = 0;

		CU_ASSERT_EQUAL(text_number(rows[i].text, &v), rows[i].err);
		CU_ASSERT_EQUAL(v, rows[i].value);
	}
}

static void nearest(void)
{
	static const char *const words[] = { "queue", "identify", "dptr", "robust" };
	char monster[500];

	memset(monster, 'x', sizeof(monster) - 1);
	monster[sizeof(monster) - 1] = 0;
	CU_ASSERT_STRING_EQUAL(text_nearest_of("quene", words, 4), "queue");
	CU_ASSERT_STRING_EQUAL(text_nearest_of("identfy", words, 4), "identify");
	CU_ASSERT_STRING_EQUAL(text_nearest_of("dptr", words, 4), "dptr");
	CU_ASSERT_PTR_NULL(text_nearest_of("zebra", words, 4));
	CU_ASSERT_PTR_NULL(text_nearest_of("", words, 4));
	(void)text_nearest_of(monster, words, 4); /* bounded, whatever it answers */
}

static void lists(void)
{
	CU_ASSERT_EQUAL(text_in_list("a bb  c", "bb", 2), 1);
	CU_ASSERT_EQUAL(text_in_list("a bb  c", "c", 1), 1);
	CU_ASSERT_EQUAL(text_in_list("a bb  c", "b", 1), 0);
	CU_ASSERT_EQUAL(text_in_list("", "a", 1), 0);
	CU_ASSERT_EQUAL(text_in_list(NULL, "a", 1), 0);
	CU_ASSERT_EQUAL(text_in_list("a", "", 0), 0);
	CU_ASSERT(text_match("queue.*", "queue.sqhd"));
	CU_ASSERT(!text_match("queue", "queue.sqhd"));
}

static void utc(void)
{
	char text[CLOCK_TEXT];

	clock_utc_text(text);
	CU_ASSERT_EQUAL(strlen(text), CLOCK_TEXT - 1);
	CU_ASSERT_EQUAL(text[10], 'T');
	CU_ASSERT_EQUAL(text[29], 'Z');
}

static void statuses(void)
{
	char text[STATUS_TEXT];

	CU_ASSERT_STRING_EQUAL(status_text(SC_QID_INVALID, text), "101h Invalid Queue Identifier");
	CU_ASSERT_STRING_EQUAL(status_name(0x0c5), "Vendor Specific");
	CU_ASSERT_STRING_EQUAL(status_name(0x03f), "Reserved");
	CU_ASSERT(status_is_legal(SC_SUCCESS));
	CU_ASSERT(status_is_legal(0x7ff));
	CU_ASSERT(!status_is_legal(0x03f));
	CU_ASSERT(!status_is_legal(0x104)); /* reserved in the command specific type */
	CU_ASSERT(!status_is_legal(0xffff));
}

/* Where a directory is made with this $TMPDIR (NULL: none); it begins with `begins`, or err. */
static void check_tmp(const char *tmpdir, const char *begins, const char *short_begins)
{
	char dir[200], short_dir[TMP_SHORT];
	int err;

	if (tmpdir)
		setenv("TMPDIR", tmpdir, 1);
	else
		unsetenv("TMPDIR");
	err = tmp_dir("what", dir, sizeof(dir));
	CU_ASSERT_EQUAL(err, begins ? 0 : -ENOENT);
	CU_ASSERT_EQUAL(strncmp(dir, begins ? begins : "", begins ? strlen(begins) : 1), 0);
	if (!err)
		CU_ASSERT_EQUAL(rmdir(dir), 0);
	err = tmp_dir_short("what", short_dir);
	CU_ASSERT_EQUAL(err, short_begins ? 0 : -ENOENT);
	CU_ASSERT_EQUAL(strncmp(short_dir, short_begins ? short_begins : "",
				short_begins ? strlen(short_begins) : 1),
			0);
	if (!err)
		CU_ASSERT_EQUAL(rmdir(short_dir), 0);
}

static void directories(void)
{
	char top[128] = "/tmp/rig-test-base-XXXXXX", odd[160], want[200];
	static const char *const rows[] = { "a b", "a,b", "a?b",
					    "a-name-with-which-no-socket-could-be-bound-in-it" };

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(top));
	check_tmp(NULL, "/tmp/nvrig-what-", "/tmp/nvrig-what-");
	check_tmp("", "/tmp/nvrig-what-", "/tmp/nvrig-what-");
	snprintf(want, sizeof(want), "%s/nvrig-what-", top);
	check_tmp(top, want, want);
	check_tmp("/tmp/rig-of-nowhere", NULL, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		snprintf(odd, sizeof(odd), "%s/%s", top, rows[i]);
		snprintf(want, sizeof(want), "%s/nvrig-what-", odd);
		CU_ASSERT_EQUAL(mkdir(odd, 0700), 0);
		check_tmp(odd, want, "/tmp/nvrig-what-");
		CU_ASSERT_EQUAL(rmdir(odd), 0);
	}
	CU_ASSERT_EQUAL(rmdir(top), 0);
	unsetenv("TMPDIR");
}

static const struct unit units[] = {
	{ "numbers with units", numbers }, { "nearest word", nearest },
	{ "lists and patterns", lists },   { "RFC 3339 time", utc },
	{ "status names", statuses },	   { "temporary directories", directories },
};

UNIT_MAIN("base", units)
