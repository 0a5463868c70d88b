// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as a whole: its making and its end. */
#include <errno.h>
#include <stdlib.h>

#include "model/core.h"
#include "model/firmware.h"
#include "model/option.h"
#include "model/selftest.h"
#include "model/virt.h"

struct model *model_new(const struct model_bus *bus)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->bus = *bus;
	option_defaults(&m->opt);
	return m;
}

static void core_free(struct model_core *core)
{
	if (!core)
		return;
	free(core->sq);
	free(core->cq);
	free(core->slot);
	free(core->data.piece);
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
	core->alive_due = NEVER;
	if (core->sq && core->cq && core->slot)
		return core;
	core_free(core);
	return NULL;
}

static void free_rooms(struct model *m)
{
	virt_free(m->virt);
	selftest_free(m->selftest);
	firmware_free(m->firmware);
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
	keepalive_claim(m);
	m->core = core_new(m);
	m->pci = pci_new(m);
	m->irq = irq_new(m);
	m->events = events_new(m);
	m->features = features_new(m);
	m->logs = logs_new(m);
	m->media = media_new(m);
	m->dbbuf = dbbuf_new(m);
	m->firmware = firmware_new(m);
	m->selftest = selftest_new(m);
	m->virt = virt_new(m);
	return m->core && m->pci && m->irq && m->events && m->features && m->logs && m->media &&
	       m->dbbuf && m->firmware && m->selftest && m->virt;
}

int model_settle(struct model *m, char *why, size_t len)
{
	int err = preset_check(m, why, len);

	return err ? err : claim_settle(m, why, len);
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
		m->firmware = NULL;
		m->selftest = NULL;
		m->virt = NULL;
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
