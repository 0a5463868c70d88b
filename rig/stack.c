// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "rig/config.h"
#include "rig/stack_guest.h"

static int choose_dir(const char *dir, char *ret_dir, size_t size)
{
	if (!dir)
		return config_find_dir(ret_dir, size);
	return (size_t)snprintf(ret_dir, size, "%s", dir) < size ? 0 : -ENAMETOOLONG;
}

int stack_config_names(const char *dir, char ***ret_names)
{
	char root[PATH_MAX], **paths;
	size_t n;
	int err = choose_dir(dir, root, sizeof(root));

	if (!err)
		err = config_list(root, "stacks", &paths, &n);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		char *base = strrchr(paths[i], '/') + 1;

		memmove(paths[i], base, strlen(base) + 1);
		paths[i][strlen(paths[i]) - strlen(".conf")] = 0;
	}
	*ret_names = paths;
	return 0;
}

void stack_config_names_free(char **names)
{
	size_t n = 0;

	while (names && names[n])
		n++;
	config_free_paths(names, n);
}

static int unknown(const char *dir, const char *name, char *error)
{
	char **names = NULL;
	const char *near = NULL;
	size_t n = 0;
	int err = stack_config_names(dir, &names);

	if (err) {
		snprintf(error, CONFIG_ERROR,
			 "no directory with stack configurations: %s (NVRIG_CONFIGS "
			 "names another)",
			 strerror(-err));
		return err;
	}
	while (names[n])
		n++;
	near = text_nearest_of(name, (const char *const *)names, n);
	snprintf(error, CONFIG_ERROR, "unknown stack '%.60s'%s%s%s", name,
		 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	stack_config_names_free(names);
	return -ENOENT;
}

static int read_namespaces(cfg_t *s, struct stack_config *ret, const char *path, char *error)
{
	unsigned n = cfg_size(s, "namespace");
	unsigned least = strcmp(ret->kind, STACK_GUEST) ? 1 : 0;

	if (n < least || n > STACK_NS_MAX) {
		snprintf(error, CONFIG_ERROR, "%.400s:%d: %u namespaces, want %u to %d", path,
			 s->line, n, least, STACK_NS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++) {
		cfg_t *ns = cfg_getnsec(s, "namespace", i);
		uint64_t nsid;

		if (text_number(cfg_title(ns), &nsid) || !nsid || nsid > 0xfffffffe) {
			snprintf(error, CONFIG_ERROR,
				 "%.400s:%d: namespace '%.40s': its title is its NSID", path,
				 ns->line, cfg_title(ns));
			return -EINVAL;
		}
		ret->ns[i].nsid = (uint32_t)nsid;
		strcpy(ret->ns[i].options, config_text(ns, "options"));
	}
	ret->n_ns = n;
	return 0;
}

/* The tables hold every text to what its field can take. */
static int read_stack(cfg_t *s, struct stack_config *ret, const char *path, char *error)
{
	strcpy(ret->about, config_text(s, "about"));
	strcpy(ret->kind, config_text(s, "kind"));
	strcpy(ret->binary, config_text(s, "binary"));
	strcpy(ret->accel, config_text(s, "accel"));
	strcpy(ret->cache, config_text(s, "cache"));
	strcpy(ret->addr, config_text(s, "address"));
	strcpy(ret->device, config_text(s, "device"));
	strcpy(ret->subsystem_options, config_text(s, "subsystem-options"));
	strcpy(ret->peer, config_text(s, "peer"));
	strcpy(ret->extra, config_text(s, "extra"));
	ret->subsystem = config_bool(s, "subsystem");
	ret->memory_bytes = config_number(s, "memory");
	ret->disk_bytes = config_number(s, "disk");
	ret->keep_disk = config_bool(s, "keep-disk");
	ret->start_s = (unsigned)(config_duration_ns(s, "start") / NS_PER_S);
	if (ret->memory_bytes % 4096 || ret->disk_bytes % 4096) {
		snprintf(error, CONFIG_ERROR, "%.400s:%d: memory and disk: want multiples of 4 KiB",
			 path, s->line);
		return -EINVAL;
	}
	if (!ret->subsystem && (ret->peer[0] || ret->subsystem_options[0])) {
		snprintf(error, CONFIG_ERROR,
			 "%.400s:%d: peer and subsystem-options: want subsystem = yes", path,
			 s->line);
		return -EINVAL;
	}
	if (stack_guest_read(s, ret, path, error))
		return -EINVAL;
	return read_namespaces(s, ret, path, error);
}

static cfg_t *find_section(cfg_t *file, const char *name)
{
	for (unsigned i = 0; i < cfg_size(file, "stack"); i++)
		if (!strcmp(cfg_title(cfg_getnsec(file, "stack", i)), name))
			return cfg_getnsec(file, "stack", i);
	return NULL;
}

int stack_config_load(const char *dir, const char *name, struct stack_config *ret, char *error)
{
	char root[PATH_MAX - 64], path[PATH_MAX];
	struct stack_config config = { 0 };
	cfg_t *file, *s;
	int err = choose_dir(dir, root, sizeof(root));

	if (err || !*name || strlen(name) >= sizeof(config.name) || strchr(name, '/'))
		return unknown(dir, name, error);
	snprintf(path, sizeof(path), "%s/stacks/%.32s.conf", root, name);
	if (access(path, F_OK))
		return unknown(dir, name, error);
	err = config_load(path, &config_stack, &file, error);
	if (err)
		return err;
	strcpy(config.name, name);
	s = find_section(file, name);
	if (s) {
		err = read_stack(s, &config, path, error);
	} else {
		snprintf(error, CONFIG_ERROR, "%.400s:1: holds no stack \"%.40s\"", path, name);
		err = -EINVAL;
	}
	cfg_free(file);
	if (!err)
		*ret = config;
	return err;
}
