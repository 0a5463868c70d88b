// SPDX-License-Identifier: GPL-2.0-or-later
/* run.json: what a run was asked for, and what it was made with. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "rig/config.h"
#include "rig/digest.h"
#include "rig/session_tell.h"
#include "rig/versions.h"

static void add_boot_id(struct json_object *o)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	char id[64];

	if (!f || !fgets(id, sizeof(id), f))
		return;
	id[strcspn(id, "\n")] = 0;
	event_str(o, "boot_id", id);
}

static void add_machine(struct json_object *o)
{
	struct utsname u;

	if (uname(&u))
		return;
	event_str(o, "host", u.nodename);
	event_strf(o, "kernel", "%s %s %s", u.sysname, u.release, u.machine);
}

static struct json_object *words(int argc, char **argv)
{
	struct json_object *list = json_object_new_array();

	for (int i = 0; i < argc; i++)
		json_object_array_add(list, json_object_new_string(argv[i]));
	return list;
}

/* ---- configuration ---- */

/* New object: where the file is, its bytes and their SHA-256; NULL when it cannot be read. */
static struct json_object *file_object(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	_cleanup_free_ char *text = malloc(CONFIG_BYTES_MAX + 1);
	struct json_object *o;
	char digest[DIGEST_TEXT];
	size_t n;

	if (!f || !text)
		return NULL;
	n = fread(text, 1, CONFIG_BYTES_MAX, f);
	if (ferror(f) || digest_text(text, n, digest))
		return NULL;
	text[n] = 0;
	o = json_object_new_object();
	event_str(o, "path", path);
	event_str(o, "sha256", digest);
	event_str(o, "text", text);
	return o;
}

/*
 * Which profile is the drive's is known when it was probed, and run.json comes before that: all
 * that may match are here, run_begin names the one that did.
 */
static void add_profiles(struct json_object *o, const char *dir)
{
	struct json_object *list = json_object_new_array();
	char **paths = NULL;
	size_t n = 0;

	if (!config_list(dir, "drives", &paths, &n))
		for (size_t i = 0; i < n; i++)
			json_object_array_add(list, file_object(paths[i]));
	config_free_paths(paths, n);
	json_object_object_add(o, "profiles", list);
}

static void add_stack_file(struct json_object *o, const char *dir, const char *name)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/stacks/%s.conf", dir, name) < 0)
		path = NULL;
	if (path)
		json_object_object_add(o, "file", file_object(path));
}

static struct json_object *stack_object(const struct stack_config *c)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "name", c->name);
	event_str(o, "kind", c->kind);
	event_str(o, "binary", c->binary);
	event_u64(o, "memory_bytes", c->memory_bytes);
	event_u64(o, "disk_bytes", c->disk_bytes);
	event_str(o, "device", c->device);
	event_str(o, "extra", c->extra);
	return o;
}

static void add_configs(const struct session *s, struct json_object *o)
{
	struct json_object *stack = s->stack ? stack_object(s->stack) : NULL;
	char dir[PATH_MAX];
	bool found = !config_find_dir(dir, sizeof(dir));

	if (found)
		add_profiles(o, dir);
	if (found && stack)
		add_stack_file(stack, dir, s->stack->name);
	if (stack)
		json_object_object_add(o, "stack", stack);
}

/* ---- the file ---- */

/* To the disk and closed. 0 or -errno; takes the object. */
static int save(FILE *f, struct json_object *o)
{
	int err = 0;

	if (fprintf(f, "%s\n",
		    json_object_to_json_string_ext(
			    o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
				       JSON_C_TO_STRING_NOSLASHESCAPE)) < 0 ||
	    fflush(f) || fsync(fileno(f)))
		err = -errno;
	json_object_put(o);
	if (fclose(f) && !err)
		err = -errno;
	return err;
}

int tell_run_json(struct session *s)
{
	FILE *f = journal_file(&s->journal, "run.json");
	struct json_object *o;
	char t[CLOCK_TEXT];

	if (!f)
		return -errno;
	o = json_object_new_object();
	clock_utc_text(t);
	event_str(o, "run", s->journal.id);
	event_str(o, "begun", t);
	event_str(o, "version", NVRIG_VERSION);
	event_str(o, "revision", versions_revision());
	json_object_object_add(o, "arguments", words(s->argc, s->argv));
	json_object_object_add(o, "options", json_object_get(s->options->asked));
	json_object_object_add(o, "libraries", versions_libraries());
	add_configs(s, o);
	add_machine(o);
	add_boot_id(o);
	return save(f, o);
}
