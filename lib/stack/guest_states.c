// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest_states.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "image/kernel.h"
#include "stack/guest_snap.h"

#define DIRECTORY "guests"
#define LEAST	  (1u << 20) /* bytes: less is no state of a guest */

static int directory(char *ret, size_t size)
{
	int err = kernel_cache(ret, size - sizeof("/" DIRECTORY));

	if (err)
		return err;
	mkdir(ret, 0700);
	strcat(ret, "/" DIRECTORY);
	return mkdir(ret, 0700) && errno != EEXIST ? -errno : 0;
}

/* ---- the name ---- */

static int add_image(EVP_MD_CTX *h, int fd)
{
	struct stat st;
	void *at;
	int good;

	if (fstat(fd, &st) || !st.st_size)
		return -EIO;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	good = EVP_DigestUpdate(h, at, (size_t)st.st_size);
	munmap(at, (size_t)st.st_size);
	return good ? 0 : -EIO;
}

static int add_program(EVP_MD_CTX *h, const char *program, const char *version)
{
	struct stat st;
	char text[256];

	if (stat(program, &st))
		return -errno;
	snprintf(text, sizeof(text), "%.64s %lld %lld.%ld %llu", version,
		 (long long)st.st_size, (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, (unsigned long long)st.st_ino);
	return EVP_DigestUpdate(h, text, strlen(text) + 1) ? 0 : -EIO;
}

int states_path(const char *program, const char *version, char *const *argv, int image_fd,
		char ret_path[STATES_PATH])
{
	EVP_MD_CTX *h = EVP_MD_CTX_new();
	unsigned char sum[EVP_MAX_MD_SIZE];
	char dir[STATES_PATH - 64], name[33];
	int err = directory(dir, sizeof(dir));

	if (!err && (!h || !EVP_DigestInit_ex(h, EVP_sha256(), NULL)))
		err = -ENOMEM;
	for (; !err && *argv; argv++)
		err = EVP_DigestUpdate(h, *argv, strlen(*argv) + 1) ? 0 : -EIO;
	if (!err)
		err = add_program(h, program, version);
	if (!err)
		err = add_image(h, image_fd);
	if (!err && !EVP_DigestFinal_ex(h, sum, NULL))
		err = -EIO;
	EVP_MD_CTX_free(h);
	if (err)
		return err;
	hex_from(sum, 16, name);
	snprintf(ret_path, STATES_PATH, "%s/%s.state", dir, name);
	return 0;
}

int states_quote(const char *path, char *ret, size_t size)
{
	size_t n = 0;

	if (size < 3)
		return -ENAMETOOLONG;
	ret[n++] = '\'';
	for (; *path; path++) {
		if (n + 6 > size)
			return -ENAMETOOLONG;
		if (*path == '\'') {
			memcpy(ret + n, "'\\''", 4);
			n += 4;
		} else {
			ret[n++] = *path;
		}
	}
	ret[n++] = '\'';
	ret[n] = 0;
	return 0;
}

/* ---- which there are ---- */

bool states_use(const char *path)
{
	struct stat st;

	if (stat(path, &st) || st.st_size < (off_t)LEAST)
		return false;
	utimensat(AT_FDCWD, path, NULL, 0);
	return true;
}

static int all(const char *dir, const char *end, glob_t *ret)
{
	char pattern[STATES_PATH + 16];

	snprintf(pattern, sizeof(pattern), "%.639s/*.%.8s", dir, end);
	return glob(pattern, 0, NULL, ret);
}

/* Only who has the lock makes parts: others are of one that was killed. */
static void remove_parts(const char *dir)
{
	glob_t g;

	if (all(dir, "part", &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++)
		unlink(g.gl_pathv[i]);
	globfree(&g);
}

static const char *oldest(const glob_t *g, unsigned *ret_n, uint64_t *ret_bytes)
{
	struct timespec first = { 0 };
	const char *found = NULL;
	struct stat st;

	*ret_n = 0;
	*ret_bytes = 0;
	for (size_t i = 0; i < g->gl_pathc; i++) {
		if (stat(g->gl_pathv[i], &st))
			continue;
		++*ret_n;
		*ret_bytes += (uint64_t)st.st_size;
		if (found && (st.st_mtim.tv_sec > first.tv_sec ||
			      (st.st_mtim.tv_sec == first.tv_sec &&
			       st.st_mtim.tv_nsec >= first.tv_nsec)))
			continue;
		first = st.st_mtim;
		found = g->gl_pathv[i];
	}
	return found;
}

static void bound(const char *dir)
{
	const char *old;
	uint64_t bytes;
	unsigned n;
	glob_t g;

	if (all(dir, "state", &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		old = oldest(&g, &n, &bytes);
		if (!old || (n <= GUEST_SNAP_MAX && bytes <= GUEST_SNAP_BYTES))
			break;
		unlink(old);
	}
	globfree(&g);
}

/* ---- to make one ---- */

int states_begin(const char *path, char ret_part[STATES_PATH], int *ret_lock)
{
	char dir[STATES_PATH - 64], lock[STATES_PATH];
	int fd, err = directory(dir, sizeof(dir));

	ret_part[0] = 0;
	if (err)
		return err;
	snprintf(lock, sizeof(lock), "%s/lock", dir);
	fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) || !access(path, F_OK)) {
		close(fd);
		return -EBUSY;
	}
	remove_parts(dir);
	snprintf(ret_part, STATES_PATH, "%s/%d.part", dir, getpid());
	*ret_lock = fd;
	return 0;
}

int states_keep(const char *part, const char *path)
{
	char dir[STATES_PATH];

	if (rename(part, path))
		return -errno;
	snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(path, '/') - path), path);
	bound(dir);
	return 0;
}
