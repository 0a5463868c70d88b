// SPDX-License-Identifier: GPL-2.0-or-later
/* The bench file: whose it is, what it says, how it is edited; and the rig's label. */
#include <fcntl.h>
#include <string.h>

#include "fake_drives.h"
#include "rig/bench_edit.h"
#include "rig/guard_label.h"
#include "rig/guard_tree.h"
#include "rig/wear.h"
#include "unit.h"

/* ---- the bench file ---- */

static const char *bench(const char *content, int mode)
{
	static char path[FAKE_PATH];

	put("etc/bench.conf", content);
	fake_path(path, "%s/etc/bench.conf", root);
	chmod(path, (mode_t)mode);
	return path;
}

#define DRIVE "drive \"one\" { serial = \"S1\" model = \"EXAMPLE*\" may = data }\n"

static void bench_files(void)
{
	struct bench_file f;
	char error[BENCH_FILE_ERROR];

	if (geteuid()) { /* nothing that is not root's counts, and that is all there is to see */
		begin();
		CU_ASSERT_EQUAL(bench_file_load(bench(DRIVE, 0644), &f, error), -EPERM);
		return;
	}
	begin();
	CU_ASSERT_EQUAL_FATAL(bench_file_load(bench(DRIVE, 0644), &f, error), 0);
	CU_ASSERT_EQUAL(f.n, 1);
	CU_ASSERT_PTR_NOT_NULL(bench_file_find(&f, "S1", "EXAMPLE 1000"));
	CU_ASSERT_PTR_NULL(bench_file_find(&f, "S", "EXAMPLE 1000"));
	CU_ASSERT_PTR_NULL(bench_file_find(&f, "S1", "OTHER"));
	CU_ASSERT_PTR_NULL(bench_file_find(&f, "", "EXAMPLE 1000"));
	CU_ASSERT_PTR_NOT_NULL(bench_file_alias(&f, "one"));
	bench_file_free(&f);
	CU_ASSERT_EQUAL(bench_file_load(bench(DRIVE, 0664), &f, error), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "others than root may write it"));
	CU_ASSERT_EQUAL(bench_file_load(bench(DRIVE, 0646), &f, error), -EPERM);
	chown(bench(DRIVE, 0644), 1000, 0);
	CU_ASSERT_EQUAL(bench_file_load(bench(DRIVE, 0644), &f, error), -EPERM);
	chown(bench(DRIVE, 0644), 0, 0);
	chmod(root, 0777); /* a directory in which anybody may put another file in its place */
	CU_ASSERT_EQUAL(bench_file_load(bench(DRIVE, 0644), &f, error), -EPERM);
	chmod(root, 0755);
	CU_ASSERT_EQUAL(bench_file_load("/nonexistent/bench.conf", &f, error), 0);
	CU_ASSERT_EQUAL(f.n, 0);
}

static void bench_words(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "drive \"one\" { serial = \"S*\" model = \"E\" may = data }\n",
		  "a pattern may stand" },
		{ "drive \"one\" { serial = \"S1\" }\n", "needs model" },
		{ "drive \"one\" { serial = \"S1\" model = \"E\" mya = data }\n",
		  "did you mean 'may'" },
		{ "drive \"one\" { serial = \"S1\" model = \"E\" may = all }\n", "want one of" },
		{ "drive \"a:b\" { serial = \"S1\" model = \"E\" }\n", "an alias has" },
		{ "drive \"one\" { serial = \"S1\" model = \"E\" hours = \"25-3\" }\n", "hours" },
		{ DRIVE DRIVE, "one" },
	};
	struct bench_file f;
	char error[BENCH_FILE_ERROR];

	if (geteuid())
		return;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		CU_ASSERT_NOT_EQUAL_FATAL(bench_file_load(bench(bad[i].text, 0644), &f, error), 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, bad[i].says));
		if (!strstr(error, bad[i].says))
			printf("\n%s: %s\n", bad[i].says, error);
	}
	begin();
	CU_ASSERT_EQUAL(
		bench_file_load(
			bench("drive \"q\" { serial = \"RIG*\" model = \"QEMU*\" may = wear "
			      "emulated = yes }\n",
			      0644),
			&f, error),
		0);
	CU_ASSERT_PTR_NOT_NULL(bench_file_find(&f, "RIG0012", "QEMU NVMe Ctrl"));
	bench_file_free(&f);
}

/* A drive more and a drive less: all else stays, letter by letter. */
static void edits(void)
{
	const char *const before = "# ours } {\n" DRIVE "/* drive \"two\" { */\n";
	const struct bench_drive two = {
		.alias = "two", .serial = "S\"2", .model = "M", .may = HARM_WEAR
	};
	char error[BENCH_FILE_ERROR], is[FAKE_PATH];
	const char *path;
	struct bench_file f;

	if (geteuid())
		return;
	begin();
	path = bench(before, 0644);
	CU_ASSERT_EQUAL_FATAL(bench_edit_add(path, &two, error), 0);
	CU_ASSERT_EQUAL_FATAL(bench_file_load(path, &f, error), 0);
	CU_ASSERT_EQUAL(f.n, 2);
	CU_ASSERT_PTR_NOT_NULL(bench_file_find(&f, "S\"2", "M"));
	bench_file_free(&f);
	CU_ASSERT_NOT_EQUAL(bench_edit_add(path, &two, error),
			    0); /* twice: then it could not be read */
	CU_ASSERT_EQUAL_FATAL(bench_edit_remove(path, "two", error), 0);
	CU_ASSERT_STRING_EQUAL(fake_read(path, is), before);
	CU_ASSERT_EQUAL(bench_edit_remove(path, "two", error), -ENOENT);
	CU_ASSERT_EQUAL_FATAL(bench_edit_remove(path, "one", error), 0);
	CU_ASSERT_STRING_EQUAL(fake_read(path, is), "# ours } {\n/* drive \"two\" { */\n");
}

/* Each is itself, however it is written; what cannot be taken out whole stays. */
static void edits_of_names_alike(void)
{
#define REST "{ serial = \"S\" model = \"M\" }\n"
	static const struct {
		const char *before, *alias, *after;
	} rows[] = {
		{ "drive ab " REST "drive a " REST, "a", "drive ab " REST },
		{ "drive ab " REST "drive a" REST, "a", "drive ab " REST },
		{ "drive 'ab' " REST "drive\n'a'" REST, "a", "drive 'ab' " REST },
		{ "drive \"ab\" " REST "drive \"a\" " REST, "ab", "drive \"a\" " REST },
		{ "drive a " REST "drive ab " REST, "ab", "drive a " REST },
		{ "drive /* a */ ab " REST "drive a " REST, "ab", NULL },
		{ "drive b { serial = \"S\" model = M{ }\ndrive a " REST, "b", NULL },
	};
	char error[BENCH_FILE_ERROR], is[FAKE_PATH];

	for (size_t i = 0; i < ARRAY_SIZE(rows) && !geteuid(); i++) {
		const char *path, *after = rows[i].after ? rows[i].after : rows[i].before;

		begin();
		path = bench(rows[i].before, 0644);
		CU_ASSERT_EQUAL(bench_edit_remove(path, rows[i].alias, error) == 0,
				rows[i].after != NULL);
		CU_ASSERT_STRING_EQUAL(fake_read(path, is), after);
	}
}

/* ---- small things ---- */

static void labels(void)
{
	char block_of[LABEL_BYTES], path[FAKE_PATH];
	int fd;

	begin();
	label_make("S1", block_of);
	fake_write(fake_path(path, "%s/disk", root), block_of, sizeof(block_of));
	fd = open(path, O_RDWR);
	CU_ASSERT_TRUE(label_found(fd, "S1"));
	CU_ASSERT_FALSE(label_found(fd, "S2")); /* an image that was copied */
	CU_ASSERT_FALSE(label_found(fd, ""));
	CU_ASSERT_EQUAL(ftruncate(fd, 100), 0);
	CU_ASSERT_FALSE(label_found(fd, "S1"));
	close(fd);
}

static void words(void)
{
	char s[] = "a\\040b\\011\\134040\\9\\77", name[32];

	tree_unescape(s);
	CU_ASSERT_STRING_EQUAL(s, "a b\t\\040\\9\\77");
	wear_file_name("../../etc/x y", name, sizeof(name));
	CU_ASSERT_PTR_NULL(strchr(name, '/'));
	CU_ASSERT_NOT_EQUAL(name[0], '.');
}

static const struct unit units[] = {
	{ "whose it is", bench_files },
	{ "what it says", bench_words },
	{ "edits", edits },
	{ "edits of names alike", edits_of_names_alike },
	{ "labels", labels },
	{ "words", words },
};

UNIT_MAIN_IN(top, "the bench file", units)
