// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/bench_edit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "rig/config.h"
#include "rig/plan.h"

static void put_text(FILE *out, const char *key, const char *value)
{
	if (!*value)
		return;
	fprintf(out, "\t%s = \"", key);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fputc('\\', out);
		fputc(*value, out);
	}
	fputs("\"\n", out);
}

void bench_edit_print(FILE *out, const struct bench_drive *d)
{
	fprintf(out, "drive \"%s\" {\n", d->alias);
	put_text(out, "serial", d->serial);
	put_text(out, "model", d->model);
	fprintf(out, "\tmay = %s\n", harm_name(d->may));
	put_text(out, "until", d->until);
	put_text(out, "owner", d->owner);
	if (d->wear_bytes)
		fprintf(out, "\twear = %llu\n", (unsigned long long)d->wear_bytes);
	if (d->mine)
		fputs("\tcontents = mine\n", out);
	if (d->emulated)
		fputs("\temulated = yes\n", out);
	fputs("}\n", out);
}

/* ---- the file ---- */

static int say(const char *path, int err, char *error)
{
	snprintf(error, BENCH_FILE_ERROR, "%.300s: %s", path, strerror(-err));
	return err;
}

static void make_dir(const char *path)
{
	char dir[PATH_MAX], *slash;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	if (!slash || slash == dir)
		return;
	*slash = 0;
	mkdir(dir, 0755);
}

static int write_new(const char *path, const char *text, size_t size, char *error)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644), err;

	if (fd < 0)
		return say(path, -errno, error);
	err = fchmod(fd, 0644) ? -errno : bytes_write(fd, text, size);
	if (!err && fsync(fd))
		err = -errno;
	close(fd);
	return err ? say(path, err, error) : 0;
}

/* What is to be read in the new file: of that drive one more, or one less, and of others none. */
struct change {
	const char *alias;
	bool there;
};

/* Whatever was taken for the end of a section: the new file says what it should, or is not used. */
static int check(const char *old_path, const char *new_path, const struct change *c, char *error)
{
	struct bench_file old, new = { .n = 0 };
	int err = bench_file_load(old_path, &old, error);

	if (err)
		return err;
	err = bench_file_load(new_path, &new, error);
	if (!err && (new.n + !c->there != old.n + c->there ||
		     (bench_file_alias(&new, c->alias) != NULL) != c->there)) {
		snprintf(error, BENCH_FILE_ERROR,
			 "%.300s: it would not say the same of the other drives: %s \"%.60s\" by hand",
			 old_path, c->there ? "add" : "remove", c->alias);
		err = -EINVAL;
	}
	bench_file_free(&old);
	bench_file_free(&new);
	return err;
}

static int replace(const char *path, const char *text, size_t size, const struct change *c,
		   char *error)
{
	char beside[PATH_MAX];
	int err;

	if (snprintf(beside, sizeof(beside), "%s.new", path) >= (int)sizeof(beside))
		return say(path, -ENAMETOOLONG, error);
	make_dir(path);
	unlink(beside); /* of an nvrig that was killed here */
	err = write_new(beside, text, size, error);
	if (!err)
		err = check(path, beside, c, error);
	if (!err)
		err = rename(beside, path) ? say(path, -errno, error) : 0;
	if (err)
		unlink(beside);
	return err;
}

static int load(const char *path, struct bytes *ret, char *error)
{
	int err = bytes_load(path, CONFIG_BYTES_MAX, ret);

	if (err == -ENOENT) {
		*ret = (struct bytes){ .at = calloc(1, 1) };
		err = ret->at ? 0 : -ENOMEM;
	}
	return err ? say(path, err, error) : 0;
}

int bench_edit_add(const char *path, const struct bench_drive *d, char *error)
{
	const struct change more = { d->alias, true };
	_cleanup_free_ char *text = NULL;
	struct bytes old;
	size_t size;
	FILE *out;
	int err = load(path, &old, error);

	if (err)
		return err;
	out = open_memstream(&text, &size);
	if (!out) {
		bytes_free(&old);
		return say(path, -ENOMEM, error);
	}
	fwrite(old.at, 1, old.size, out);
	if (old.size && old.at[old.size - 1] != '\n')
		fputc('\n', out);
	bench_edit_print(out, d);
	err = fclose(out) ? say(path, -ENOMEM, error) : replace(path, text, size, &more, error);
	bytes_free(&old);
	return err;
}

/* ---- one section of the text ---- */

/* Behind a string or a comment that begins at s; s where there is none. */
static const char *skip(const char *s)
{
	const char *end;

	if (*s == '"' || *s == '\'') {
		for (end = s + 1; *end && *end != *s; end++)
			end += *end == '\\' && end[1];
		return *end ? end + 1 : end;
	}
	if (*s == '#' || !strncmp(s, "//", 2))
		return s + strcspn(s, "\n");
	if (strncmp(s, "/*", 2))
		return s;
	end = strstr(s + 2, "*/");
	return end ? end + 2 : s + strlen(s);
}

/* Behind the brace that closes the section which begins at s. */
static const char *section_end(const char *s)
{
	int depth = 0;

	while (*s) {
		const char *next = skip(s);

		if (next != s) {
			s = next;
			continue;
		}
		depth += *s == '{';
		if (*s++ == '}' && !--depth)
			return s + (*s == '\n');
	}
	return s;
}

#define BLANK " \t\r\n"

static bool is_section(const char *s, const char *alias)
{
	size_t n = strlen(alias);
	char quote;

	if (strncmp(s, "drive", 5))
		return false;
	s += 5 + strspn(s + 5, BLANK);
	quote = *s == '"' || *s == '\'' ? *s++ : 0;
	return !strncmp(s, alias, n) && (quote ? s[n] == quote : s[n] && strchr(BLANK "{", s[n]));
}

static const char *find(const char *text, const char *alias)
{
	for (const char *s = text; *s;) {
		const char *next = skip(s);

		if (next != s)
			s = next;
		else if (is_section(s, alias))
			return s;
		else if (!strncmp(s, "drive", 5))
			s = section_end(s);
		else
			s++;
	}
	return NULL;
}

int bench_edit_remove(const char *path, const char *alias, char *error)
{
	const struct change less = { alias, false };
	struct bytes old;
	const char *at, *end;
	size_t before;
	int err = load(path, &old, error);

	if (err)
		return err;
	at = find((const char *)old.at, alias);
	if (!at) {
		snprintf(error, BENCH_FILE_ERROR, "%.300s has no drive \"%.60s\"", path, alias);
		err = -ENOENT;
	} else {
		end = section_end(at);
		before = (size_t)(at - (const char *)old.at);
		memmove(old.at + before, end, strlen(end) + 1);
		err = replace(path, (const char *)old.at, strlen((const char *)old.at), &less,
			      error);
	}
	bytes_free(&old);
	return err;
}
