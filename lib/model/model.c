// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as a whole: its options, its making and its end. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/core.h"

#define QUEUES_MAX 64u

const char *const model_option_keys[] = { "fault", "mqes",  "queues",  "mdts", "mpsmax",
					  "aerl",  "acl",   "vectors", "ns",   "size",
					  "vs",	   "dstrd", "store",   NULL };

struct option {
	const char *key;
	uint64_t min, max;
	size_t offset; /* of an unsigned in struct model */
};

static const struct option options[] = {
	{ "mqes", 1, 65535, offsetof(struct model, opt.mqes) },
	{ "mdts", 0, 15, offsetof(struct model, opt.mdts) },
	{ "mpsmax", 0, 8, offsetof(struct model, opt.mpsmax) },
	{ "aerl", 0, 255, offsetof(struct model, opt.aerl) },
	{ "acl", 0, 255, offsetof(struct model, opt.acl) },
	{ "vectors", 2, 2048, offsetof(struct model, opt.vectors) },
	{ "ns", 1, 32, offsetof(struct model, opt.ns) },
	{ "dstrd", 0, 8, offsetof(struct model, opt.dstrd) },
};

static int number_in(const char *value, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (text_number(value, ret) || *ret < min || *ret > max)
		return -EINVAL;
	return 0;
}

static int set_faults(struct model *m, const char *list)
{
	while (*list) {
		char name[64];
		size_t n = strcspn(list, "+&");
		int i;

		if (n >= sizeof(name))
			return -EINVAL;
		memcpy(name, list, n);
		name[n] = 0;
		i = fault_find(name);
		if (i < 0)
			return -EINVAL;
		m->fault[i] = true;
		list += n + (list[n] != 0);
	}
	return 0;
}

static int set_version(struct model *m, const char *value)
{
	static const char *const published[] = { "1.0", "1.1", "1.2", "1.3", "1.4", "2.0" };

	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		if (strcmp(value, published[i]))
			continue;
		m->opt.vs = VS((uint32_t)(value[0] - '0'), (uint32_t)(value[2] - '0'), 0);
		return 0;
	}
	return -EINVAL;
}

static int set_store(struct model *m, const char *value)
{
	if (strlen(value) >= sizeof(m->opt.store))
		return -EINVAL;
	strcpy(m->opt.store, value);
	return 0;
}

static int set_queues(struct model *m, const char *value)
{
	uint64_t n;

	if (number_in(value, 1, QUEUES_MAX, &n))
		return -EINVAL;
	m->opt.nsq = m->opt.ncq = (unsigned)n;
	return 0;
}

int model_option(struct model *m, const char *key, const char *value)
{
	uint64_t n;

	if (!strcmp(key, "fault"))
		return set_faults(m, value);
	if (!strcmp(key, "vs"))
		return set_version(m, value);
	if (!strcmp(key, "store"))
		return set_store(m, value);
	if (!strcmp(key, "queues"))
		return set_queues(m, value);
	if (!strcmp(key, "size"))
		return number_in(value, 1 << 20, 1ull << 40, &m->opt.ns_bytes);
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		if (strcmp(key, options[i].key))
			continue;
		if (number_in(value, options[i].min, options[i].max, &n))
			return -EINVAL;
		*(unsigned *)((char *)m + options[i].offset) = (unsigned)n;
		return 0;
	}
	return -ENOENT;
}

struct model *model_new(const struct model_bus *bus)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->bus = *bus;
	m->opt.mqes = 1023;
	m->opt.nsq = m->opt.ncq = 8;
	m->opt.mdts = 7;
	m->opt.mpsmax = 4;
	m->opt.aerl = 3;
	m->opt.acl = 3;
	m->opt.vectors = 9;
	m->opt.ns = 2;
	m->opt.ns_bytes = 64ull << 20;
	m->opt.vs = VS(2, 0, 0);
	return m;
}

static void core_free(struct model_core *core)
{
	if (!core)
		return;
	free(core->sq);
	free(core->cq);
	free(core->slot);
	free(core->prp);
	free(core);
}

static struct model_core *core_new(const struct model *m)
{
	struct model_core *core = calloc(1, sizeof(*core));

	if (!core)
		return NULL;
	core->nslots = RUNNING_MAX + 1 + m->opt.aerl + 2; /* the last may be half a pair */
	core->sq = calloc(m->opt.nsq + 1, sizeof(*core->sq));
	core->cq = calloc(m->opt.ncq + 1, sizeof(*core->cq));
	core->slot = calloc(core->nslots, sizeof(*core->slot));
	core->page = 4096;
	core->state_due = core->shutdown_due = core->boot.due = NEVER;
	if (core->sq && core->cq && core->slot)
		return core;
	core_free(core);
	return NULL;
}

static void free_rooms(struct model *m)
{
	dbbuf_free(m->dbbuf);
	media_free(m->media);
	logs_free(m->logs);
	features_free(m->features);
	events_free(m->events);
	irq_free(m->irq);
	pci_free(m->pci);
	core_free(m->core);
}

/* The options are settled when power first comes, so the rooms are furnished then. */
static bool build_rooms(struct model *m)
{
	m->core = core_new(m);
	m->pci = pci_new(m);
	m->irq = irq_new(m);
	m->events = events_new(m);
	m->features = features_new(m);
	m->logs = logs_new(m);
	m->media = media_new(m);
	m->dbbuf = dbbuf_new(m);
	return m->core && m->pci && m->irq && m->events && m->features && m->logs && m->media &&
	       m->dbbuf;
}

int model_power_on(struct model *m)
{
	if (!m->core && !build_rooms(m)) {
		free_rooms(m);
		m->core = NULL;
		m->pci = NULL;
		m->irq = NULL;
		m->events = NULL;
		m->features = NULL;
		m->logs = NULL;
		m->media = NULL;
		m->dbbuf = NULL;
		return m->opt.store[0] ? -EIO : -ENOMEM;
	}
	core_level_reset(m, MODEL_POWER_ON);
	pci_reset(m);
	irq_reset(m);
	return 0;
}

void model_power_off(struct model *m)
{
	core_level_reset(m, MODEL_POWER_OFF);
	pci_reset(m);
	irq_reset(m);
}

void model_free(struct model *m)
{
	if (!m)
		return;
	free_rooms(m);
	free(m);
}
