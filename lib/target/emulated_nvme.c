// SPDX-License-Identifier: GPL-2.0-or-later
/* NVMe controllers: by PCI function, or by what the kernel's own target exports. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "target/emulated_internal.h"

static bool join(char ret[PATH_MAX], const char *a, const char *b)
{
	return snprintf(ret, PATH_MAX, "%s/%s", a, b) < PATH_MAX;
}

/* ---- the kernel's target ---- */

static void look_at_store(const struct looking *l, const char *store, struct emulated *ret)
{
	const struct looking below = { l->root, l->depth + 1 };
	struct stat st;
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", l->root, store);
	if (l->depth >= EMULATED_DEPTH)
		emulated_say(ret, false, "%.40s: exported and exported again", store);
	else if (stat(path, &st))
		emulated_say(ret, false, "%.60s: %s", store, strerror(errno));
	else if (S_ISREG(st.st_mode))
		emulated_say(ret, true, "a file, %.60s", store);
	else
		emulated_number(&below, st.st_mode, st.st_rdev, ret);
}

/* A controller lent as it is has no namespaces of the target's own. */
static bool is_lent(const struct looking *l, const char *subsystem, struct emulated *ret)
{
	char word[SYSFS_WORD];

	if (strcmp(sysfs_word(subsystem, "passthru/enable", word), "1"))
		return false;
	look_at_store(l, sysfs_word(subsystem, "passthru/device_path", word), ret);
	return true;
}

static void look_at_namespaces(const struct looking *l, const char *dir, struct emulated *ret)
{
	char one[PATH_MAX], store[SYSFS_WORD];
	struct dirent *e;
	DIR *d = opendir(dir);

	emulated_say(ret, d != NULL, d ? "no namespaces" : "namespaces that cannot be looked at");
	while (d && ret->yes && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !join(one, dir, e->d_name))
			continue;
		sysfs_word(one, "device_path", store);
		if (store[0] && strcmp(store, "(null)"))
			look_at_store(l, store, ret);
	}
	if (d)
		closedir(d);
}

bool emulated_nvmet(const struct looking *l, const char *nqn, struct emulated *ret)
{
	char dir[PATH_MAX], namespaces[PATH_MAX];
	struct stat st;

	snprintf(dir, sizeof(dir), "%s/sys/kernel/config/nvmet/subsystems/%s", l->root, nqn);
	if (!nqn[0] || strchr(nqn, '/') || stat(dir, &st))
		return false;
	if (!is_lent(l, dir, ret) && join(namespaces, dir, "namespaces"))
		look_at_namespaces(l, namespaces, ret);
	return true;
}

/* ---- fabrics ---- */

static bool is_here(const char *transport, const char *address)
{
	return !strcmp(transport, "loop") || strstr(address, "traddr=127.") ||
	       strstr(address, "traddr=::1,") || strstr(address, "traddr=localhost");
}

bool emulated_is_guest(const struct looking *l)
{
	char dir[PATH_MAX], line[1024];

	snprintf(dir, sizeof(dir), "%s/proc/cmdline", l->root);
	_cleanup_fclose_ FILE *f = fopen(dir, "re");

	return f && fgets(line, sizeof(line), f) && strstr(line, " rdinit=/bin/nvrig ") &&
	       strstr(line, " -- agent");
}

static void look_at_fabrics(const struct looking *l, const char *path, const char *transport,
			    struct emulated *ret)
{
	char nqn[SYSFS_WORD], address[SYSFS_WORD], model[SYSFS_WORD];
	struct emulated store;

	sysfs_word(path, "subsysnqn", nqn);
	sysfs_word(path, "address", address);
	sysfs_word(path, "model", model);
	if (is_here(transport, address) && emulated_nvmet(l, nqn, &store))
		emulated_say(ret, store.yes, "the kernel's target on this machine over %.60s",
			     store.what);
	else if (emulated_is_guest(l) && !strcmp(model, "Linux"))
		emulated_say(ret, true, "the kernel's target of another guest, by %.8s", transport);
	else
		emulated_say(ret, false, "%.30s by %.8s, %.40s: what is behind it cannot be seen",
			     model, transport, address);
}

/* ---- controllers ---- */

void emulated_ctrl(const struct looking *l, const char *path, struct emulated *ret)
{
	char transport[SYSFS_WORD], name[PATH_MAX], function[PATH_MAX];
	const char *base = strrchr(path, '/');
	struct emulated found;

	sysfs_word(path, "transport", transport);
	if (strcmp(transport, "pcie") && transport[0])
		look_at_fabrics(l, path, transport, &found);
	else if (join(name, path, "device") && realpath(name, function))
		emulated_function(function, &found);
	else
		emulated_say(&found, false, "gone");
	emulated_say(ret, found.yes, "%.16s: %.90s", base ? base + 1 : path, found.what);
}

/* "nvme3", and neither "nvme3n1" nor "nvme-subsys3". */
static bool is_ctrl_name(const char *name)
{
	unsigned n;
	char rest;

	return sscanf(name, "nvme%u%c", &n, &rest) == 1;
}

void emulated_nvme(const struct looking *l, const char *path, struct emulated *ret)
{
	char one[PATH_MAX], ctrl[PATH_MAX];
	struct dirent *e;
	bool any = false;
	DIR *d;

	if (is_ctrl_name(strrchr(path, '/') ? strrchr(path, '/') + 1 : path)) {
		emulated_ctrl(l, path, ret);
		return;
	}
	d = opendir(path);
	while (d && (e = readdir(d)) && (!any || ret->yes)) {
		if (!is_ctrl_name(e->d_name) || !join(one, path, e->d_name))
			continue;
		any = true;
		if (realpath(one, ctrl))
			emulated_ctrl(l, ctrl, ret);
		else
			emulated_say(ret, false, "%.16s: gone", e->d_name);
	}
	if (d)
		closedir(d);
	if (!any)
		emulated_say(ret, false, "%.60s: no controllers",
			     strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
}
