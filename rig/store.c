// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/store.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig/stack_read.h"
#include "stack/guest.h"

/* ---- which there are ---- */

int store_names(const char *dir, char ***ret_names)
{
	return config_names(dir, "stores", ret_names);
}

void store_names_free(char **names)
{
	config_names_free(names);
}

static int unknown(const char *dir, const char *name, char *error)
{
	char near[80];

	config_nearest(dir, "stores", name, near, sizeof(near));
	snprintf(error, CONFIG_ERROR, "unknown store '%.60s'%s (nvrig list --stores)", name, near);
	return -ENOENT;
}

/* ---- a file ---- */

static int check(cfg_t *s, const struct store *st, const char *path, char *error)
{
	bool node = !strcmp(st->kind, STORE_NODE);

	if (node && (st->node[0] != '/' || !st->n_parts))
		return stack_refuse(error, path, s->line,
				    "a store of kind node wants node, an absolute path, and parts "
				    "that make it");
	if (!node && (st->node[0] || st->n_parts || st->on[0] || st->memory || st->modules.n ||
		      st->programs.n))
		return stack_refuse(error, path, s->line,
				    "node, on, memory, modules, programs and parts: want kind = node");
	if ((st->bad_at | st->bad_bytes) % STACK_BAD_UNIT)
		return stack_refuse(error, path, s->line,
				    "bad-from, bad-bytes: want whole sectors of 512 bytes");
	if (node && st->bad_bytes)
		return stack_refuse(error, path, s->line,
				    "bad-bytes: wants kind = file; a node has a layer for it: error");
	if (node && config_said(s, "format"))
		return stack_refuse(error, path, s->line, "format: wants kind = file");
	return 0;
}

static int read_parts(cfg_t *s, struct store *st, const char *path, char *error)
{
	unsigned n = cfg_size(s, "part");

	if (n > STORE_PARTS)
		return stack_refuse(error, path, s->line, "at most 8 parts are possible");
	for (unsigned i = 0; i < n; i++)
		if (stack_read_part(cfg_getnsec(s, "part", i), &st->part[i], path, error))
			return -EINVAL;
	st->n_parts = n;
	return 0;
}

static int read_store(cfg_t *s, struct store *st, const char *path, char *error)
{
	st->line = s->line;
	strcpy(st->about, config_text(s, "about"));
	strcpy(st->kind, config_text(s, "kind"));
	strcpy(st->on, config_text(s, "on"));
	strcpy(st->node, config_text(s, "node"));
	strcpy(st->format, config_text(s, "format"));
	st->size = config_number(s, "size");
	st->bad_at = config_number(s, "bad-from");
	st->bad_bytes = config_number(s, "bad-bytes");
	st->memory = config_number(s, "memory");
	st->keeps_data = config_bool(s, "keeps-data");
	if (stack_read_words(s, "modules", &st->modules, path, error) ||
	    stack_read_words(s, "programs", &st->programs, path, error) ||
	    read_parts(s, st, path, error))
		return -EINVAL;
	return check(s, st, path, error);
}

static cfg_t *find_section(cfg_t *file, const char *name)
{
	for (unsigned i = 0; i < cfg_size(file, "store"); i++)
		if (!strcmp(cfg_title(cfg_getnsec(file, "store", i)), name))
			return cfg_getnsec(file, "store", i);
	return NULL;
}

int store_load(const char *dir, const char *name, struct store *ret, char *error)
{
	char root[PATH_MAX - 64], path[PATH_MAX];
	struct store st = { .n_parts = 0 };
	cfg_t *file, *s;
	int err = config_choose_dir(dir, root, sizeof(root));

	if (err || !*name || strlen(name) >= sizeof(st.name) || strchr(name, '/'))
		return unknown(dir, name, error);
	snprintf(path, sizeof(path), "%s/stores/%s.conf", root, name);
	if (access(path, F_OK))
		return unknown(dir, name, error);
	err = config_load(path, &config_store, &file, error);
	if (err)
		return err;
	strcpy(st.name, name);
	snprintf(st.where, sizeof(st.where), "%.280s", path);
	s = find_section(file, name);
	if (s) {
		err = read_store(s, &st, path, error);
	} else {
		snprintf(error, CONFIG_ERROR, "%.400s:1: holds no store \"%.40s\"", path, name);
		err = -EINVAL;
	}
	cfg_free(file);
	if (!err)
		*ret = st;
	return err;
}

const char *store_lacks(const char *dir, const char *name)
{
	static char text[CONFIG_ERROR];
	static struct stack_config c;

	c = (struct stack_config){ .kind = STACK_GUEST, .binary = STORE_QEMU, .back = { .store = "" } };
	snprintf(c.back.store, sizeof(c.back.store), "%s", name);
	if (store_apply(dir, name, &c, text))
		return text;
	return guest_lacks(&c);
}
