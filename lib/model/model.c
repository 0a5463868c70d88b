// SPDX-License-Identifier: GPL-2.0-or-later
/* The model as a whole: its making and its end. */
#include <errno.h>
#include <stdlib.h>

#include "model/ana.h"
#include "model/core.h"
#include "model/directive.h"
#include "model/fabrics.h"
#include "model/firmware.h"
#include "model/log.h"
#include "model/option.h"
#include "model/resv.h"
#include "model/sanitize.h"
#include "model/selftest.h"
#include "model/virt.h"

struct model *model_new(const struct model_bus *bus)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->sub = calloc(1, sizeof(*m->sub));
	if (!m->sub) {
		free(m);
		return NULL;
	}
	m->sub->ctrl[m->sub->n++] = m;
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
	directives_free(m->directives);
	dbbuf_free(m->dbbuf);
	logs_free(m->logs);
	features_free(m->features);
	events_free(m->events);
	cmb_free(m->cmb);
	pmr_free(m->pmr);
	irq_free(m->irq);
	pci_free(m->pci);
	core_free(m->core);
}

/* Every controller but the first, and what they share. */
static void free_subsystem(struct model_subsystem *s)
{
	struct model *first = s->ctrl[0];

	while (s->n > 1) {
		struct model *m = s->ctrl[--s->n];

		free_rooms(m);
		free(m);
	}
	free_rooms(first);
	resv_state_free(first->resv);
	media_free(first->media);
	firmware_free(first->firmware);
	selftest_free(first->selftest);
	virt_free(first->virt);
	ana_free(first->ana);
	sanitize_free(first->sanitize);
}

/* What the controller does not share. */
static bool build_rooms(struct model *m)
{
	m->core = core_new(m);
	m->pci = pci_new(m);
	m->irq = irq_new(m);
	m->cmb = cmb_new(m);
	m->pmr = pmr_new(m);
	m->events = events_new(m);
	m->features = features_new(m);
	m->logs = logs_new(m);
	m->dbbuf = dbbuf_new(m);
	m->directives = directives_new(m);
	return m->core && m->pci && m->irq && m->cmb && m->pmr && m->events && m->features &&
	       m->logs && m->dbbuf && m->directives;
}

static bool build_shared(struct model *first)
{
	first->media = media_new(first);
	first->resv = resv_state_new(first);
	first->firmware = firmware_new(first);
	first->selftest = selftest_new(first);
	first->virt = virt_new(first);
	first->ana = ana_new(first);
	first->sanitize = sanitize_new(first);
	return first->media && first->resv && first->firmware && first->selftest && first->virt &&
	       first->ana && first->sanitize;
}

/* One more controller, made like the first, and never a primary one. */
static struct model *controller_new(const struct model *first)
{
	struct model_subsystem *s = first->sub;
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	memcpy(m->fault, first->fault, sizeof(m->fault));
	m->message_based = first->message_based;
	m->cntlid_first = first->cntlid_first;
	m->bus = first->bus;
	m->sub = s;
	m->index = s->n;
	m->opt = first->opt;
	m->opt.oacs &= ~(unsigned)NVME_CTRL_OACS_VIRT_MGMT;
	m->media = first->media;
	m->resv = first->resv;
	m->firmware = first->firmware;
	m->selftest = first->selftest;
	m->virt = first->virt;
	m->ana = first->ana;
	m->sanitize = first->sanitize;
	m->preset = first->preset;
	s->ctrl[s->n++] = m;
	return m;
}

/* The options are settled when power first comes, so the rooms are furnished then. */
static bool build_subsystem(struct model *first)
{
	struct model_subsystem *s = first->sub;

	keepalive_claim(first);
	if (!build_shared(first) || !build_rooms(first))
		return false;
	while (s->n < first->opt.controllers) {
		struct model *m = controller_new(first);

		if (!m || !build_rooms(m))
			return false;
	}
	return true;
}

int model_settle(struct model *m, char *why, size_t len)
{
	int err = m->message_based ? fabrics_settle(m, why, len) : 0;

	if (!err)
		err = preset_check(m, why, len);
	return err ? err : claim_settle(m, why, len);
}

static void power_all(struct model_subsystem *s, enum model_reset kind)
{
	for (unsigned i = 0; i < s->n; i++) {
		core_level_reset(s->ctrl[i], kind);
		pci_reset(s->ctrl[i]);
		irq_reset(s->ctrl[i]);
	}
}

int model_power_on(struct model *m)
{
	if (!m->core && !build_subsystem(m)) {
		free_subsystem(m->sub);
		m->core = NULL;
		m->pci = NULL;
		m->irq = NULL;
		m->cmb = NULL;
		m->pmr = NULL;
		m->events = NULL;
		m->features = NULL;
		m->logs = NULL;
		m->media = NULL;
		m->resv = NULL;
		m->dbbuf = NULL;
		m->firmware = NULL;
		m->selftest = NULL;
		m->sanitize = NULL;
		m->virt = NULL;
		m->directives = NULL;
		m->ana = NULL;
		return m->opt.store[0] ? -EIO : -ENOMEM;
	}
	power_all(m->sub, MODEL_POWER_ON);
	return 0;
}

void model_power_off(struct model *m)
{
	power_all(m->sub, MODEL_POWER_OFF);
}

struct model *model_peer(struct model *m)
{
	return m->sub->n > 1 ? m->sub->ctrl[1] : NULL;
}

int model_control(struct model *m, const char *what)
{
	if (!strncmp(what, "ana ", 4))
		return ana_control(m, what + 4);
	if (strcmp(what, "telemetry") || !(m->opt.lpa & NVME_CTRL_LPA_TELEMETRY))
		return -EINVAL;
	log_telemetry_save(m);
	return 0;
}

unsigned model_node_bits(const struct model *m)
{
	return m->opt.node;
}

unsigned model_card_bits(const struct model *m)
{
	return m->opt.emmc;
}

bool model_has_secondary(const struct model *m)
{
	return m->opt.secondary;
}

uint16_t model_cntlid(const struct model *m)
{
	return (uint16_t)(m->index + (m->cntlid_first ? m->cntlid_first : 1));
}

void model_free(struct model *m)
{
	if (!m)
		return;
	free_subsystem(m->sub);
	free(m->sub);
	free(m);
}
