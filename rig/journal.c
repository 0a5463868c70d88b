// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/journal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "rig/journal_read.h"

#define EVENTS	 "events.jsonl"
#define OUT_PART "cases/.out" /* the logs of the case that runs */
#define ERR_PART "cases/.err"

static int fail(char error[JOURNAL_ERROR], const char *path, const char *hint)
{
	int err = errno;

	snprintf(error, JOURNAL_ERROR, "%.300s: %s; %s", path, strerror(err), hint);
	return -err;
}

/* ---- the name ---- */

/* The host's name as far as a file name takes it. */
static void host_slug(char *to, size_t size)
{
	if (gethostname(to, size))
		snprintf(to, size, "host");
	to[size - 1] = 0;
	to[strcspn(to, ".")] = 0;
	for (char *c = to; *c; c++)
		if (!isalnum((unsigned char)*c))
			*c = '-';
}

static void random_letters(char *to, size_t n)
{
	static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char r[16];

	if (getrandom(r, n, 0) != (ssize_t)n)
		for (size_t i = 0; i < n; i++)
			r[i] = (unsigned char)(clock_mono_ns() >> i);
	for (size_t i = 0; i < n; i++)
		to[i] = base32[r[i] % 32];
	to[n] = 0;
}

static void make_id(char *to, size_t size)
{
	char when[32], host[40], letters[8];
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(when, sizeof(when), "%Y%m%dT%H%M%SZ", &tm);
	host_slug(host, sizeof(host));
	random_letters(letters, 6);
	snprintf(to, size, "%s-%s-%s", when, host, letters);
}

/* ---- making one ---- */

#define OUT_HINT "choose another place with --out DIR or $NVRIG_RUNS"

static int make_dirs(struct journal *j, const char *out, char error[JOURNAL_ERROR])
{
	if (mkdir(out, 0777) && errno != EEXIST)
		return fail(error, out, OUT_HINT);
	make_id(j->id, sizeof(j->id));
	if (snprintf(j->dir, sizeof(j->dir), "%s/%s", out, j->id) >= (int)sizeof(j->dir)) {
		errno = ENAMETOOLONG;
		return fail(error, out, OUT_HINT);
	}
	if (mkdir(j->dir, 0700))
		return fail(error, j->dir, OUT_HINT);
	j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir_fd < 0 || mkdirat(j->dir_fd, "cases", 0700) ||
	    mkdirat(j->dir_fd, "reports", 0700))
		return fail(error, j->dir, OUT_HINT);
	return 0;
}

struct json_object *journal_format(void)
{
	struct json_object *e = event_new("format");

	event_str(e, "name", "nvrig-events");
	event_u64(e, "major", JOURNAL_MAJOR);
	event_u64(e, "minor", JOURNAL_MINOR);
	return e;
}

int journal_create(struct journal *j, const char *out, char ret_error[JOURNAL_ERROR])
{
	int err;

	*j = (struct journal){ .dir_fd = -1, .events_fd = -1 };
	err = make_dirs(j, out, ret_error);
	if (err)
		goto close_all;
	j->events_fd =
		openat(j->dir_fd, EVENTS, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
	if (j->events_fd < 0 || flock(j->events_fd, LOCK_EX | LOCK_NB)) {
		err = fail(ret_error, j->dir, OUT_HINT);
		goto close_all;
	}
	return 0;

close_all:
	if (j->events_fd >= 0)
		close(j->events_fd);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	return err;
}

FILE *journal_file(struct journal *j, const char *name)
{
	int fd = openat(j->dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (fd >= 0 && !f)
		close(fd);
	return f;
}

/* ---- going on with one ---- */

struct reopening {
	struct journal *j;
	void (*fn)(void *ctx, struct json_object *e);
	void *ctx;
};

static void take_old(void *ctx, struct json_object *e)
{
	struct reopening *r = ctx;

	r->j->seq = event_get_u64(e, "seq") + 1;
	r->fn(r->ctx, e);
}

static int reopen_events(struct journal *j, struct reopening *r, uint64_t *ret_cut_bytes,
			 char error[JOURNAL_ERROR])
{
	struct stat st;
	int err;

	j->events_fd = openat(j->dir_fd, EVENTS, O_RDWR | O_APPEND | O_CLOEXEC);
	if (j->events_fd < 0)
		return fail(error, j->dir, "is it the directory of a run?");
	if (flock(j->events_fd, LOCK_EX | LOCK_NB)) {
		errno = EBUSY;
		return fail(error, j->dir, "its runner is still at work: wait, or stop it");
	}
	err = journal_load(j->events_fd, take_old, r, &j->end, error);
	if (err)
		return err;
	if (fstat(j->events_fd, &st))
		return fail(error, j->dir, "is it the directory of a run?");
	*ret_cut_bytes = (uint64_t)(st.st_size - j->end);
	if (st.st_size != j->end && ftruncate(j->events_fd, j->end))
		return fail(error, j->dir, "the half-written last line must go");
	return 0;
}

int journal_reopen(struct journal *j, const char *dir, void (*fn)(void *ctx, struct json_object *e),
		   void *ctx, uint64_t *ret_cut_bytes, char ret_error[JOURNAL_ERROR])
{
	struct reopening r = { j, fn, ctx };
	const char *slash;
	int err;

	*j = (struct journal){ .dir_fd = -1, .events_fd = -1 };
	/* resolved, so that `latest` and a final slash name the run */
	if (!realpath(dir, j->dir))
		return fail(ret_error, dir, "name the directory of a run");
	slash = strrchr(j->dir, '/');
	snprintf(j->id, sizeof(j->id), "%.*s", (int)sizeof(j->id) - 1, slash ? slash + 1 : j->dir);
	j->dir_fd = open(j->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = j->dir_fd < 0 ? fail(ret_error, dir, "name the directory of a run")
			    : reopen_events(j, &r, ret_cut_bytes, ret_error);
	if (!err)
		return 0;
	if (j->events_fd >= 0)
		close(j->events_fd);
	if (j->dir_fd >= 0)
		close(j->dir_fd);
	return err;
}

/* ---- events ---- */

/* The stamps first, whatever the event says of itself under their names. */
static struct json_object *stamp(uint64_t seq, struct json_object *e)
{
	struct json_object *s = json_object_new_object();
	char t[CLOCK_TEXT];

	if (!s)
		return NULL;
	clock_utc_text(t);
	event_u64(s, "seq", seq);
	event_str(s, "t", t);
	event_u64(s, "mono_ns", clock_mono_ns());
	json_object_object_foreach (e, key, value) {
		if (!strcmp(key, "seq") || !strcmp(key, "t") || !strcmp(key, "mono_ns"))
			continue;
		json_object_object_add(s, key, json_object_get(value));
	}
	return s;
}

int journal_append(struct journal *j, struct json_object *e, struct json_object **ret)
{
	struct json_object *stamped;

	if (j->err)
		return j->err;
	stamped = stamp(j->seq, e);
	j->err = stamped ? event_write(j->events_fd, stamped) : -ENOMEM;
	if (j->err) {
		json_object_put(stamped);
		/* half a line would make the next reader think of a crash */
		(void)!ftruncate(j->events_fd, j->end);
		return j->err;
	}
	j->seq++;
	j->end = lseek(j->events_fd, 0, SEEK_CUR);
	*ret = stamped;
	return 0;
}

int journal_sync(struct journal *j)
{
	if (!j->err && fdatasync(j->events_fd))
		j->err = -errno;
	return j->err;
}

/* ---- logs ---- */

int journal_logs_open(struct journal *j, int *ret_out_fd, int *ret_err_fd)
{
	const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC;
	int out, err;

	if (j->dir_fd < 0) {
		*ret_out_fd = *ret_err_fd = -1;
		return 0;
	}
	out = openat(j->dir_fd, OUT_PART, flags, 0600);
	err = out < 0 ? -1 : openat(j->dir_fd, ERR_PART, flags, 0600);
	if (err < 0) {
		int e = -errno;

		if (out >= 0)
			close(out);
		*ret_out_fd = *ret_err_fd = -1;
		return e;
	}
	*ret_out_fd = out;
	*ret_err_fd = err;
	return 0;
}

/* cases/0007-queue.delete-bad-id-admin */
static void case_dir(char *to, size_t size, unsigned index, const char *name)
{
	size_t n = (size_t)snprintf(to, size, "cases/%04u-", index);

	for (; *name && n < size - 1; name++) {
		if (isalnum((unsigned char)*name) || *name == '.' || *name == '_')
			to[n++] = *name;
		else if (*name != ']')
			to[n++] = '-';
	}
	to[n] = 0;
}

static void keep_one(struct journal *j, const char *dir, const char *name, const char *part,
		     int *fd)
{
	char to[PATH_MAX];
	struct stat st;

	if (*fd < 0 || fstat(*fd, &st) || !st.st_size)
		return;
	mkdirat(j->dir_fd, dir, 0700);
	snprintf(to, sizeof(to), "%s/%s", dir, name);
	renameat(j->dir_fd, part, j->dir_fd, to);
	close(*fd);
	*fd = -1;
}

void journal_logs_keep(struct journal *j, unsigned index, const char *case_name, int *out_fd,
		       int *err_fd)
{
	char dir[256];

	case_dir(dir, sizeof(dir), index, case_name);
	keep_one(j, dir, "out.log", OUT_PART, out_fd);
	keep_one(j, dir, "err.log", ERR_PART, err_fd);
	if (*out_fd >= 0 && *err_fd >= 0)
		return;
	if (*out_fd >= 0)
		close(*out_fd);
	if (*err_fd >= 0)
		close(*err_fd);
	journal_logs_open(j, out_fd, err_fd);
}

void journal_logs_close(struct journal *j, int *out_fd, int *err_fd)
{
	if (*out_fd >= 0)
		close(*out_fd);
	if (*err_fd >= 0)
		close(*err_fd);
	*out_fd = *err_fd = -1;
	unlinkat(j->dir_fd, OUT_PART, 0);
	unlinkat(j->dir_fd, ERR_PART, 0);
}

/* ---- the end ---- */

static void move_latest(const struct journal *j)
{
	char out[PATH_MAX], link[PATH_MAX + 16], part[PATH_MAX + 32];
	char *slash;

	snprintf(out, sizeof(out), "%s", j->dir);
	slash = strrchr(out, '/');
	if (!slash)
		return;
	*slash = 0;
	snprintf(link, sizeof(link), "%s/latest", out);
	snprintf(part, sizeof(part), "%s/.latest-%ld", out, (long)getpid());
	if (!symlink(j->id, part) && rename(part, link))
		unlink(part);
}

void journal_discard(struct journal *j)
{
	unlinkat(j->dir_fd, "run.json", 0);
	unlinkat(j->dir_fd, EVENTS, 0);
	unlinkat(j->dir_fd, "cases", AT_REMOVEDIR);
	unlinkat(j->dir_fd, "reports", AT_REMOVEDIR);
	close(j->events_fd);
	close(j->dir_fd);
	j->events_fd = j->dir_fd = -1;
	rmdir(j->dir);
}

void journal_close(struct journal *j)
{
	journal_sync(j);
	close(j->events_fd);
	fsync(j->dir_fd);
	close(j->dir_fd);
	j->events_fd = j->dir_fd = -1;
	move_latest(j);
}
