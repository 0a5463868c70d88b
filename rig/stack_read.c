// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stack_read.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "rig/stack_guest.h"

int stack_refuse(char *error, const char *path, int line, const char *what)
{
	snprintf(error, CONFIG_ERROR, "%.380s:%d: %s", path, line, what);
	return -EINVAL;
}

bool stack_says(const struct stack_reading *r, const char *key)
{
	return !r->refines || config_said(r->section, key);
}

static void text(const struct stack_reading *r, const char *key, char *to)
{
	if (stack_says(r, key))
		strcpy(to, config_text(r->section, key));
}

static void number(const struct stack_reading *r, const char *key, uint64_t *to)
{
	if (stack_says(r, key))
		*to = config_number(r->section, key);
}

static void flag(const struct stack_reading *r, const char *key, bool *to)
{
	if (stack_says(r, key))
		*to = config_bool(r->section, key);
}

static int refuse(const struct stack_reading *r, const char *what)
{
	return stack_refuse(r->error, r->path, r->section->line, what);
}

static int read_namespaces(const struct stack_reading *r)
{
	cfg_t *s = r->section;
	struct stack_config *to = r->to;
	unsigned n = cfg_size(s, "namespace");
	unsigned least = strcmp(to->kind, STACK_QTEST) ? 0 : 1;

	if (r->refines && !n)
		return 0;
	if (n && !strcmp(to->kind, STACK_SERVER))
		return refuse(r, "namespace: a server has its own");
	if (n < least || n > STACK_NS_MAX) {
		snprintf(r->error, CONFIG_ERROR, "%.400s:%d: %u namespaces, want %u to %d", r->path,
			 s->line, n, least, STACK_NS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++) {
		cfg_t *ns = cfg_getnsec(s, "namespace", i);
		uint64_t nsid;

		if (text_number(cfg_title(ns), &nsid) || !nsid || nsid > 0xfffffffe) {
			snprintf(r->error, CONFIG_ERROR,
				 "%.400s:%d: namespace '%.40s': its title is its NSID", r->path,
				 ns->line, cfg_title(ns));
			return -EINVAL;
		}
		to->ns[i].nsid = (uint32_t)nsid;
		strcpy(to->ns[i].options, config_text(ns, "options"));
	}
	to->n_ns = n;
	return 0;
}

static void read_values(const struct stack_reading *r)
{
	struct stack_config *to = r->to;

	text(r, "about", to->about);
	text(r, "binary", to->binary);
	text(r, "accel", to->accel);
	text(r, "cache", to->cache);
	text(r, "front", to->front);
	text(r, "address", to->addr);
	text(r, "device", to->device);
	text(r, "subsystem-options", to->subsystem_options);
	text(r, "peer", to->peer);
	text(r, "extra", to->extra);
	flag(r, "subsystem", &to->subsystem);
	flag(r, "keep-disk", &to->keep_disk);
	number(r, "memory", &to->memory_bytes);
	number(r, "disk", &to->disk_bytes);
	if (stack_says(r, "start"))
		to->start_s = (unsigned)(config_duration_ns(r->section, "start") / NS_PER_S);
}

/* A controller that comes later has no namespaces of their own: nvme-ns cannot be plugged in. */
static int check_hotplug(const struct stack_reading *r)
{
	const struct stack_config *c = r->to;

	if (!c->hotplug || (c->n_ns == 1 && !c->subsystem && !strcmp(c->front, STACK_NVME)))
		return 0;
	return refuse(r, "hotplug: wants front = nvme, one namespace and no subsystem");
}

int stack_read(struct stack_reading *r)
{
	struct stack_config *to = r->to;
	int err;

	if (r->refines && strcmp(to->kind, config_text(r->section, "kind")))
		return refuse(r, "its base is of another kind");
	strcpy(to->kind, config_text(r->section, "kind"));
	strcpy(to->format, "raw");
	read_values(r);
	if (to->memory_bytes % 4096 || to->disk_bytes % 4096)
		return refuse(r, "memory and disk: want multiples of 4 KiB");
	if (!to->subsystem && (to->peer[0] || to->subsystem_options[0]))
		return refuse(r, "peer and subsystem-options: want subsystem = yes");
	if (stack_guest_read(r))
		return -EINVAL;
	err = read_namespaces(r);
	return err ? err : check_hotplug(r);
}
