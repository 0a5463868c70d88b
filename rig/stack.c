// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig/config.h"
#include "rig/stack_read.h"
#include "rig/store.h"

#define NAME_BYTES 64
#define DEPTH_MAX  8

int stack_config_names(const char *dir, char ***ret_names)
{
	return config_names(dir, "stacks", ret_names);
}

void stack_config_names_free(char **names)
{
	config_names_free(names);
}

static int unknown(const char *dir, const char *name, char *error)
{
	char near[80], root[PATH_MAX];
	int err = config_choose_dir(dir, root, sizeof(root));

	if (!err && snprintf(root + strlen(root), sizeof(root) - strlen(root), "/stacks") > 0 &&
	    access(root, X_OK))
		err = -errno;
	if (err) {
		snprintf(error, CONFIG_ERROR,
			 "no directory with stack configurations: %s (NVRIG_CONFIGS "
			 "names another)",
			 strerror(-err));
		return err;
	}
	config_nearest(dir, "stacks", name, near, sizeof(near));
	snprintf(error, CONFIG_ERROR, "unknown stack '%.60s'%s", name, near);
	return -ENOENT;
}

/* ---- a file, and those that it takes from ---- */

/* The stacks that are being read, each wanted by the one behind it. */
struct wanted {
	const char *name;
	const struct wanted *by;
	unsigned depth;
};

static int load(const char *root, const struct wanted *w, struct stack_config *ret, char *error);

static cfg_t *find_section(cfg_t *file, const char *name)
{
	for (unsigned i = 0; i < cfg_size(file, "stack"); i++)
		if (!strcmp(cfg_title(cfg_getnsec(file, "stack", i)), name))
			return cfg_getnsec(file, "stack", i);
	return NULL;
}

/* Is it among those that are being read? Then text is the way round. */
static bool goes_round(const struct wanted *w, const char *name, char *text, size_t size)
{
	const struct wanted *i = w;

	while (i && strcmp(i->name, name))
		i = i->by;
	if (!i)
		return false;
	snprintf(text, size, "it wants itself: %.60s wants %.60s%s", w->name, name,
		 i == w ? "" : ", which wants it in the end");
	return true;
}

/* Reads the stack that a key names. 0 or -EINVAL with error. */
static int take_from(const char *root, const struct wanted *by, const struct stack_reading *r,
		     const char *key, struct stack_config *ret)
{
	const char *name = config_text(r->section, key);
	const struct wanted w = { name, by, by->depth + 1 };
	char why[CONFIG_ERROR], text[CONFIG_ERROR];

	if (!goes_round(by, name, why, sizeof(why))) {
		if (w.depth <= DEPTH_MAX && !load(root, &w, ret, why))
			return 0;
		if (w.depth > DEPTH_MAX)
			snprintf(why, sizeof(why), "more than %d stacks, each of the next",
				 DEPTH_MAX);
	}
	snprintf(text, sizeof(text), "%s = '%.60s': %.300s", key, name, why);
	return stack_refuse(r->error, r->path, r->section->line, text);
}

static int take_controller(const char *root, const struct wanted *by, const struct stack_reading *r)
{
	struct stack_config from = { 0 }, *to = r->to;
	int err = take_from(root, by, r, "controller-of", &from);

	if (err)
		return err;
	strcpy(to->addr, from.addr);
	strcpy(to->device, from.device);
	to->subsystem = from.subsystem;
	strcpy(to->subsystem_options, from.subsystem_options);
	strcpy(to->peer, from.peer);
	strcpy(to->extra, from.extra);
	to->disk_bytes = from.disk_bytes;
	memcpy(to->ns, from.ns, sizeof(to->ns));
	to->n_ns = from.n_ns;
	return 0;
}

static int read_section(const char *root, const struct wanted *w, struct stack_reading *r)
{
	int err = 0;

	if (*config_text(r->section, "base")) {
		err = take_from(root, w, r, "base", r->to);
		r->refines = true;
	}
	if (!err && *config_text(r->section, "controller-of")) {
		if (!r->refines)
			return stack_refuse(r->error, r->path, r->section->line,
					    "controller-of: wants a base");
		err = take_controller(root, w, r);
	}
	return err ? err : stack_read(r);
}

static int load(const char *root, const struct wanted *w, struct stack_config *ret, char *error)
{
	char path[PATH_MAX];
	struct stack_reading r = { .to = ret, .path = path, .error = error };
	cfg_t *file;
	int err;

	if (!*w->name || strlen(w->name) >= NAME_BYTES || strchr(w->name, '/'))
		return unknown(root, w->name, error);
	if (snprintf(path, sizeof(path), "%s/stacks/%s.conf", root, w->name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	if (access(path, F_OK))
		return unknown(root, w->name, error);
	err = config_load(path, &config_stack, &file, error);
	if (err)
		return err;
	r.section = find_section(file, w->name);
	if (r.section) {
		err = read_section(root, w, &r);
	} else {
		snprintf(error, CONFIG_ERROR, "%.400s:1: holds no stack \"%.40s\"", path, w->name);
		err = -EINVAL;
	}
	cfg_free(file);
	return err;
}

/* ---- with its store, and with the guest behind it ---- */

/* What is wrong with it is wrong with the stack's file. */
static int own_store(const char *root, struct stack_config *c, char *error)
{
	char store[sizeof(c->back.store)], why[CONFIG_ERROR];
	int err;

	strcpy(store, c->back.store);
	err = store_apply(root, store, c, why);
	if (!err)
		return 0;
	snprintf(error, CONFIG_ERROR, "stack %.60s: store = '%.40s': %.350s", c->name, store, why);
	return err == -ENOENT || err == -EDOM ? -EINVAL : err;
}

static int choose_store(const char *root, struct stack_config *c, const char *store, char *error)
{
	if (!c->back.store[0]) {
		c->back.keeps_data = true;
		if (!store)
			return 0;
		snprintf(error, CONFIG_ERROR, "stack %.60s has no store to choose (%.60s)", c->name,
			 store);
		return -EDOM;
	}
	if (store)
		return store_apply(root, store, c, error);
	return own_store(root, c, error);
}

/* The one behind has the store, if any; that it can be read is known before the run. */
static int check_behind(const char *root, struct stack_config *c, const char *store, char *error)
{
	char name[STACK_NAME], why[CONFIG_ERROR];
	const struct wanted w = { c->behind, NULL, 0 };
	struct stack_config behind = { 0 };
	int err = load(root, &w, &behind, why);

	if (!err && (behind.behind[0] || !behind.network || strcmp(behind.kind, STACK_GUEST))) {
		strcpy(why, "want a guest with network = yes and none behind it");
		err = -EINVAL;
	}
	if (err) {
		snprintf(error, CONFIG_ERROR, "stack %.60s: behind = '%.60s': %.300s", c->name,
			 c->behind, why);
		return err == -ENOENT ? -EINVAL : err;
	}
	if (snprintf(name, sizeof(name), "%.60s%s%.60s", c->behind, store ? "@" : "",
		     store ? store : "") >= (int)sizeof(name))
		return -ENAMETOOLONG;
	strcpy(behind.name, name);
	err = choose_store(root, &behind, store, error);
	if (err)
		return err;
	strcpy(c->behind, name);
	c->back = behind.back;
	c->back.node[0] = c->back.base[0] = 0; /* they are in the other guest */
	return 0;
}

int stack_config_load(const char *dir, const char *name, struct stack_config *ret, char *error)
{
	const char *mark = strchr(name, STORE_MARK);
	char root[PATH_MAX - 64], plain[STACK_NAME];
	struct stack_config config = { 0 };
	const struct wanted w = { plain, NULL, 0 };
	int err = config_choose_dir(dir, root, sizeof(root));

	if (snprintf(plain, sizeof(plain), "%.*s", mark ? (int)(mark - name) : (int)strlen(name),
		     name) >= (int)sizeof(plain) ||
	    strlen(name) >= sizeof(config.name))
		return unknown(dir, "", error);
	err = err ? unknown(dir, name, error) : load(root, &w, &config, error);
	if (err)
		return err;
	strcpy(config.name, name);
	err = (config.behind[0] ? check_behind : choose_store)(root, &config,
							       mark ? mark + 1 : NULL, error);
	if (!err)
		*ret = config;
	return err;
}
