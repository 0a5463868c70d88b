// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/kernel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/capture.h"
#include "base/cleanup.h"
#include "base/endian.h"
#include "image/elf.h"
#include "image/unpack.h"

#define VMLINUZ_BYTES_MAX (256u << 20)
#define VMLINUX_BYTES_MAX (512u << 20)

/* The setup header of a bzImage: Documentation/arch/x86/boot.rst of the kernel. */
#define SETUP_SECTS    0x1f1
#define BOOT_FLAG      0x1fe
#define HEADER_MAGIC   0x202
#define PAYLOAD_OFFSET 0x248
#define PAYLOAD_LENGTH 0x24c
#define SECTOR	       512

/* ---- places ---- */

static int join(char *to, size_t size, const char *a, const char *b)
{
	return (size_t)snprintf(to, size, "%s%s", a, b) < size ? 0 : -ENAMETOOLONG;
}

int kernel_cache(char *ret_dir, size_t size)
{
	const char *own = getenv("NVRIG_CACHE"), *xdg = getenv("XDG_CACHE_HOME"),
		   *home = getenv("HOME");

	if (own && *own)
		return join(ret_dir, size, own, "");
	if (xdg && *xdg == '/')
		return join(ret_dir, size, xdg, "/nvrig");
	if (!home || *home != '/')
		return -ENOENT;
	return join(ret_dir, size, home, "/.cache/nvrig");
}

int kernel_fetched(char *ret_dir, size_t size)
{
	char cache[KERNEL_PATH];
	int err = kernel_cache(cache, sizeof(cache));

	return err ? err : join(ret_dir, size, cache, "/debian");
}

/* ---- which one ---- */

/* Packages of distributions whose /lib is a link to /usr/lib have it there alone. */
static const char *const lib_dirs[] = { "lib", "usr/lib" };

static bool take(struct kernel *k, const char *root, const char *lib, const char *release)
{
	char kernel[KERNEL_PATH + 8];

	snprintf(k->release, sizeof(k->release), "%s", release);
	snprintf(k->root, sizeof(k->root), "%s", root);
	if (strlen(release) >= sizeof(k->release) ||
	    snprintf(k->vmlinuz, KERNEL_PATH, "%s/boot/vmlinuz-%s", root, release) >= KERNEL_PATH ||
	    snprintf(k->modules, KERNEL_PATH, "%s/%s/modules/%s", root, lib, release) >=
		    KERNEL_PATH)
		return false;
	/* Fedora's, and Debian's after 13, stand beside their modules */
	if (access(k->vmlinuz, R_OK) &&
	    snprintf(k->vmlinuz, KERNEL_PATH, "%s/vmlinuz", k->modules) >= KERNEL_PATH)
		return false;
	snprintf(kernel, sizeof(kernel), "%s/kernel", k->modules);
	return !access(k->vmlinuz, R_OK) && !access(kernel, R_OK | X_OK);
}

/* The newest below ROOT/LIB/modules that has a kernel that we may read. */
static bool take_newest_in(struct kernel *k, const char *root, const char *lib)
{
	char dir[KERNEL_PATH + 16];
	struct dirent **e;
	bool found = false;
	int n;

	snprintf(dir, sizeof(dir), "%s/%s/modules", root, lib);
	n = scandir(dir, &e, NULL, versionsort);
	for (int i = n; i-- > 0;) {
		found = found || (e[i]->d_name[0] != '.' && take(k, root, lib, e[i]->d_name));
		free(e[i]);
	}
	if (n >= 0)
		free(e);
	return found;
}

static bool take_newest(struct kernel *k, const char *root)
{
	struct kernel other;
	bool found = take_newest_in(k, root, lib_dirs[0]);

	if (!take_newest_in(&other, root, lib_dirs[1]))
		return found;
	if (!found || strverscmp(other.release, k->release) > 0)
		*k = other;
	return true;
}

int kernel_find(struct kernel *ret, char *error)
{
	char root[KERNEL_PATH];
	struct utsname u;

	*ret = (struct kernel){ .root = "" };
	if (!uname(&u) && strcmp(u.machine, "x86_64")) {
		snprintf(error, 512, "guests are x86-64, this machine is %.60s", u.machine);
		return -ENOTSUP;
	}
	if (!kernel_fetched(root, sizeof(root)) && take_newest(ret, root))
		return 0;
	if (take(ret, "", lib_dirs[0], u.release) || take_newest(ret, ""))
		return 0;
	snprintf(error, 512,
		 "no kernel for a guest: none with its modules in /boot and /lib/modules that may "
		 "be "
		 "read; `nvrig vm --fetch` gets Debian's (27 MB)");
	return -ENOENT;
}

/* ---- its ELF file ---- */

static int payload(const struct bytes *b, struct bytes *ret)
{
	uint64_t at, n;

	if (b->size < PAYLOAD_LENGTH + 4 || le16_at(b->at + BOOT_FLAG) != 0xaa55 ||
	    memcmp(b->at + HEADER_MAGIC, "HdrS", 4))
		return -EPROTO;
	at = (b->at[SETUP_SECTS] + 1ull) * SECTOR + le32_at(b->at + PAYLOAD_OFFSET);
	n = le32_at(b->at + PAYLOAD_LENGTH);
	if (at > b->size || n > b->size - at || n < 8)
		return -EPROTO;
	*ret = (struct bytes){ b->at + at, n };
	return 0;
}

/* Behind the payload its unpacked size stands, where the format has none itself. */
static void drop_size(struct bytes *p)
{
	const char *program = unpack_program(p);

	if (program && strcmp(program, "gzip"))
		p->size -= 4;
}

static int unpack_elf(const struct kernel *k, const struct bytes *packed, struct bytes *ret,
		      char *error)
{
	char why[512] = "not a bzImage";
	struct bytes p;
	int err = payload(packed, &p);

	if (!err) {
		drop_size(&p);
		err = unpack(&p, VMLINUX_BYTES_MAX, ret, why);
	}
	if (!err && !elf_is(ret)) {
		bytes_free(ret);
		snprintf(why, sizeof(why), "what is in it is no ELF file");
		err = -EPROTO;
	}
	if (err)
		snprintf(error, 512, "kernel %.200s: %.280s", k->vmlinuz, why);
	return err;
}

/* Whole under its name, or not there: others may be at it too. */
static int keep(const char *path, const struct bytes *b)
{
	char part[KERNEL_PATH + 64];
	int fd, err;

	snprintf(part, sizeof(part), "%s.%d", path, getpid());
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	err = bytes_write(fd, b->at, b->size);
	if (close(fd) && !err)
		err = -errno;
	if (!err && rename(part, path))
		err = -errno;
	if (err)
		unlink(part);
	return err;
}

static int make_dirs(const char *path)
{
	char part[KERNEL_PATH];

	snprintf(part, sizeof(part), "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0777) && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

static int name_unpacked(const struct bytes *packed, char *path, size_t size)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	char cache[KERNEL_PATH], hex[17];
	int err = kernel_cache(cache, sizeof(cache));

	SHA256(packed->at, packed->size, sum);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 2 * i, 3, "%02x", sum[i]);
	if (err)
		return err;
	return (size_t)snprintf(path, size, "%s/vmlinux-%s", cache, hex) < size ? 0 : -ENAMETOOLONG;
}

int kernel_unpacked(const struct kernel *k, char *ret_path, size_t size, char *error)
{
	struct bytes packed, elf = { 0 };
	int err = bytes_load(k->vmlinuz, VMLINUZ_BYTES_MAX, &packed);

	if (err) {
		snprintf(error, 512, "%.400s: %s", k->vmlinuz, strerror(-err));
		return err;
	}
	err = name_unpacked(&packed, ret_path, size);
	if (err) {
		snprintf(error, 512, "no place for a cache: set $NVRIG_CACHE");
	} else if (access(ret_path, R_OK)) {
		err = unpack_elf(k, &packed, &elf, error);
		if (!err) {
			err = make_dirs(ret_path);
			err = err ? err : keep(ret_path, &elf);
			if (err)
				snprintf(error, 512, "%.400s: %s", ret_path, strerror(-err));
		}
	}
	bytes_free(&elf);
	bytes_free(&packed);
	return err;
}

int kernel_program(const char *name, char *ret_path, size_t size)
{
	static const char *const places[] = { "/bin", "/usr/bin", "/sbin", "/usr/sbin" };
	char root[KERNEL_PATH];

	if (*name == '/' && !kernel_fetched(root, sizeof(root)) &&
	    (size_t)snprintf(ret_path, size, "%s%s", root, name) < size && !access(ret_path, R_OK))
		return 0;
	if (strchr(name, '/'))
		return (size_t)snprintf(ret_path, size, "%s", name) < size && !access(name, R_OK)
			       ? 0
			       : -ENOENT;
	for (size_t i = 0; !kernel_fetched(root, sizeof(root)) && i < ARRAY_SIZE(places); i++)
		if ((size_t)snprintf(ret_path, size, "%s%s/%s", root, places[i], name) < size &&
		    !capture_find(ret_path, (char[KERNEL_PATH]){ 0 }, KERNEL_PATH))
			return 0;
	if (!capture_find(name, ret_path, size))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if ((size_t)snprintf(ret_path, size, "%s/%s", places[i], name) < size &&
		    !capture_find(ret_path, (char[KERNEL_PATH]){ 0 }, KERNEL_PATH))
			return 0;
	return -ENOENT;
}
