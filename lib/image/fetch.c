// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/fetch.h"

#include <errno.h>
#include <ftw.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/capture.h"
#include "image/kernel.h"

#define ASK_MS	    60000
#define DOWNLOAD_MS 600000
#define UNPACK_MS   300000
#define TEXT_BYTES  65536
#define PATH_BYTES  (KERNEL_PATH + 64)

struct fetch {
	char cache[KERNEL_PATH], part[PATH_BYTES], root[PATH_BYTES];
	char env[256], apt_get[256], apt_cache[256], dpkg_deb[256];
	char meta[128], package[128];
	char text[TEXT_BYTES];
	void (*say)(const char *text);
	char *error;
};

__attribute__((format(printf, 3, 4))) static int fail(struct fetch *f, int err, const char *fmt,
						      ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->error, 512, fmt, ap);
	va_end(ap);
	return err;
}

static int find_programs(struct fetch *f)
{
	const struct {
		const char *name;
		char *to;
	} all[] = { { "env", f->env },
		    { "apt-get", f->apt_get },
		    { "apt-cache", f->apt_cache },
		    { "dpkg-deb", f->dpkg_deb } };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (capture_find(all[i].name, all[i].to, 256))
			return fail(
				f, -ENOENT,
				"%s is not installed: packages are fetched on Debian and its like; "
				"elsewhere a kernel in /boot with its modules does",
				all[i].name);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

static void remove_all(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int make_dirs(struct fetch *f)
{
	int err = kernel_cache(f->cache, sizeof(f->cache));

	if (err)
		return fail(f, err, "no place for a cache: set $NVRIG_CACHE");
	snprintf(f->part, sizeof(f->part), "%s/fetch.%d/root", f->cache, getpid());
	for (char *slash = strchr(f->part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		err = mkdir(f->part, 0755) && errno != EEXIST ? -errno : 0;
		*slash = '/';
		if (err)
			return fail(f, err, "%.300s: %s", f->cache, strerror(-err));
	}
	if (mkdir(f->part, 0755) && errno != EEXIST)
		return fail(f, -errno, "%.300s: %s", f->part, strerror(errno));
	snprintf(f->root, sizeof(f->root), "%s", f->part);
	*strrchr(f->part, '/') = 0;
	return 0;
}

/* The last line of what a program said is why it failed. */
static int blame(struct fetch *f, int err, const char *program)
{
	size_t n = strlen(f->text);
	char *line;

	while (n && f->text[n - 1] == '\n')
		f->text[--n] = 0;
	line = strrchr(f->text, '\n');
	return fail(f, err, "%.60s: %.300s", program,
		    err == -ETIMEDOUT ? "it did not end in time"
		    : line	      ? line + 1
				      : f->text);
}

/* The meta package depends on the kernel of today. */
static int name_kernel(struct fetch *f)
{
	char *argv[] = { f->apt_cache, (char[]){ "depends" }, f->meta, NULL };
	int err = capture(argv, ASK_MS, f->text, sizeof(f->text));
	const char *at = err ? NULL : strstr(f->text, "Depends: linux-image-");

	if (!at || sscanf(at, "Depends: %127[a-z0-9.+-]", f->package) != 1)
		return fail(f, -ENOENT,
			    "apt knows no package %s that depends on a kernel: are its lists there "
			    "(apt-get update)?",
			    f->meta);
	return 0;
}

static int download(struct fetch *f)
{
	char dir[PATH_BYTES + 16];
	char *argv[] = { f->env,
			 dir,
			 f->apt_get,
			 (char[]){ "-qq" },
			 (char[]){ "download" },
			 f->package,
			 (char[]){ "busybox-static" },
			 NULL };
	int err;

	snprintf(dir, sizeof(dir), "--chdir=%s", f->part);
	f->say(f->package);
	err = capture(argv, DOWNLOAD_MS, f->text, sizeof(f->text));
	return err ? blame(f, err, "apt-get download") : 0;
}

/*
 * What stores and stacks run in a guest, with all that it wants and this machine has not: apt-get
 * knows what that is. Nothing is installed. Without it a guest has fewer stores.
 */
static void download_programs(struct fetch *f)
{
	char archives[PATH_BYTES + 40], partial[PATH_BYTES + 16];
	char *argv[] = { f->apt_get,
			 (char[]){ "-qq" },
			 (char[]){ "-y" },
			 (char[]){ "--no-install-recommends" },
			 (char[]){ "--download-only" },
			 (char[]){ "-oDebug::NoLocking=true" },
			 archives,
			 (char[]){ "install" },
			 (char[]){ "dmsetup" },
			 (char[]){ "lvm2" },
			 (char[]){ "nbdkit" },
			 (char[]){ "nbd-client" },
			 NULL };
	char text[512];
	int err;

	snprintf(archives, sizeof(archives), "-oDir::Cache::archives=%s", f->part);
	snprintf(partial, sizeof(partial), "%s/partial", f->part);
	f->say("dmsetup, lvm2, nbdkit, nbd-client, where they are not installed");
	err = mkdir(partial, 0755) ? -errno : capture(argv, DOWNLOAD_MS, f->text, sizeof(f->text));
	if (!err)
		return;
	blame(f, err, "apt-get install --download-only");
	snprintf(text, sizeof(text), "%.400s; stores that want them will say so", f->error);
	f->say(text);
}

static int unpack_all(struct fetch *f)
{
	char pattern[PATH_BYTES + 8];
	int err = 0;
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/*.deb", f->part);
	if (glob(pattern, 0, NULL, &g))
		return fail(f, -ENOENT, "apt-get download left no package");
	for (size_t i = 0; !err && i < g.gl_pathc; i++) {
		char *argv[] = { f->dpkg_deb, (char[]){ "-x" }, g.gl_pathv[i], f->root, NULL };

		err = capture(argv, UNPACK_MS, f->text, sizeof(f->text));
		if (err)
			blame(f, err, "dpkg-deb -x");
	}
	globfree(&g);
	return err;
}

/* In place of what was there before. */
static int put_in_place(struct fetch *f)
{
	char to[KERNEL_PATH], old[PATH_BYTES];

	kernel_fetched(to, sizeof(to));
	snprintf(old, sizeof(old), "%.*s/old", KERNEL_PATH, f->part);
	if (rename(to, old) && errno != ENOENT)
		return fail(f, -errno, "%.300s: %s", to, strerror(errno));
	if (rename(f->root, to))
		return fail(f, -errno, "%.300s: %s", to, strerror(errno));
	f->say(to);
	return 0;
}

static void no_word(const char *text)
{
	(void)text;
}

int fetch_guest(const char *meta, void (*say)(const char *text), char *error)
{
	struct fetch *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return -ENOMEM;
	f->say = say ? say : no_word;
	f->error = error;
	snprintf(f->meta, sizeof(f->meta), "%s", meta);
	err = find_programs(f);
	if (!err)
		err = name_kernel(f);
	if (!err)
		err = make_dirs(f);
	if (!err)
		err = download(f);
	if (!err)
		download_programs(f);
	if (!err)
		err = unpack_all(f);
	if (!err)
		err = put_in_place(f);
	if (f->part[0])
		remove_all(f->part);
	free(f);
	return err;
}
