// SPDX-License-Identifier: GPL-2.0-or-later
/* run.json tells, before any device, what a run will be made with. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event/event.h"
#include "rig/digest.h"
#include "rig/session_tell.h"
#include "rig/stack.h"
#include "rig/versions.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-test-run-json-XXXXXX";

#define DRIVE "# tabs\tand \"quotes\"\ndrive \"a\" {\n\tmodel = \"A*\"\n}\n"
#define STACK "stack \"s\" {\n\tkind = \"qemu-qtest\"\n}\n"

static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static void put_dir(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	CU_ASSERT_EQUAL_FATAL(mkdir(path, 0700), 0);
}

/* FIPS 180-4 has these two examples. */
static void digests(void)
{
	char text[DIGEST_TEXT];

	CU_ASSERT_EQUAL(digest_text("", 0, text), 0);
	CU_ASSERT_STRING_EQUAL(text,
			       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	CU_ASSERT_EQUAL(digest_text("abc", 3, text), 0);
	CU_ASSERT_STRING_EQUAL(text,
			       "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* 40 hex digits, or the word that says that nobody knows. */
static void revision(void)
{
	const char *r = versions_revision();
	size_t hex = strspn(r, "0123456789abcdef");

	CU_ASSERT(!strcmp(r, "unknown") ||
		  ((hex == 40 || hex == 64) && (!r[hex] || !strcmp(r + hex, "-dirty"))));
}

static struct json_object *member(struct json_object *o, const char *key)
{
	struct json_object *m = NULL;

	CU_ASSERT(json_object_object_get_ex(o, key, &m));
	return m;
}

static void is_file(struct json_object *o, const char *text)
{
	char digest[DIGEST_TEXT];

	CU_ASSERT_PTR_NOT_NULL_FATAL(o);
	digest_text(text, strlen(text), digest);
	CU_ASSERT_STRING_EQUAL(event_get_str(o, "text"), text);
	CU_ASSERT_STRING_EQUAL(event_get_str(o, "sha256"), digest);
}

static struct json_object *made(void)
{
	char word[] = "run", target[] = "model:", error[JOURNAL_ERROR], path[PATH_MAX + 16];
	char *argv[] = { word, target, NULL };
	struct stack_config stack = { .name = "s", .kind = "qemu-qtest" };
	struct run_options options = { .asked = json_object_new_object() };
	struct session s = { .options = &options, .argc = 2, .argv = argv, .stack = &stack };

	event_u64(options.asked, "seed", 4711);
	CU_ASSERT_EQUAL_FATAL(journal_create(&s.journal, top, error), 0);
	CU_ASSERT_EQUAL(tell_run_json(&s), 0);
	CU_ASSERT_NOT_EQUAL(tell_run_json(&s), 0); /* never written over */
	snprintf(path, sizeof(path), "%s/run.json", s.journal.dir);
	journal_close(&s.journal);
	options_free(&options);
	return json_object_from_file(path);
}

static void whole(void)
{
	struct json_object *run, *profiles;

	put_dir("drives");
	put_dir("stacks");
	put("drives/a.conf", DRIVE);
	put("stacks/s.conf", STACK);
	setenv("NVRIG_CONFIGS", top, 1);
	run = made();
	CU_ASSERT_PTR_NOT_NULL_FATAL(run);
	profiles = member(run, "profiles");
	CU_ASSERT_EQUAL_FATAL(json_object_array_length(profiles), 1);
	is_file(json_object_array_get_idx(profiles, 0), DRIVE);
	is_file(member(member(run, "stack"), "file"), STACK);
	CU_ASSERT_EQUAL(json_object_array_length(member(run, "arguments")), 2);
	CU_ASSERT_EQUAL(event_get_u64(member(run, "options"), "seed"), 4711);
	CU_ASSERT_EQUAL(strlen(event_get_str(run, "boot_id")), 36);
	CU_ASSERT_STRING_EQUAL(event_get_str(run, "revision"), versions_revision());
	json_object_object_foreach (member(run, "libraries"), name, version) {
		CU_ASSERT(*name && *json_object_get_string(version));
	}
	json_object_put(run);
}

static const struct unit units[] = {
	{ "SHA-256", digests },
	{ "revision", revision },
	{ "run.json", whole },
};

UNIT_MAIN_IN(top, "run.json", units)
