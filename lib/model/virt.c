// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Virtualization Management, and the resources that are behind it. None of the flexible ones is
 * for the primary controller itself.
 * Sources: Base 2.2 Virtualization Enhancements; Base 2.1 Virtualization Management command; Base
 * 2.0 Primary Controller Capabilities Structure, Secondary Controller List.
 */
#include "model/virt.h"

#include <stdlib.h>

#include "model/core.h"

#define SECONDARIES 3u
#define PRIMARY_ID  1u
#define FIRST_ID    16u /* Controller Identifiers of those that are accounts, from here on */
#define FLEXIBLE    12u /* of either kind */
#define MOST	    6u	/* that one secondary controller may have */
#define VQ_LEAST    2u	/* an Admin Queue and an I/O Queue */
#define VI_LEAST    1u

enum { PRIMARY_FLEXIBLE = 1, OFFLINE = 7, ASSIGN, ONLINE };
enum { VQ, VI, KINDS };

struct secondary {
	bool online;
	uint16_t have[KINDS];
};

struct model_virt {
	struct secondary s[SECONDARIES];
};

struct model_virt *virt_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_virt));
}

void virt_free(struct model_virt *v)
{
	free(v);
}

static unsigned assigned(const struct model_virt *v, unsigned kind)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SECONDARIES; i++)
		n += v->s[i].have[kind];
	return n;
}

/* The controller behind a secondary one, NULL: an account alone. */
static struct model *body_of(const struct model *m, unsigned i)
{
	return m->opt.secondary && !i ? m->sub->ctrl[1] : NULL;
}

static uint16_t id_of(const struct model *m, unsigned i)
{
	const struct model *body = body_of(m, i);

	return body ? model_cntlid(body) : (uint16_t)(FIRST_ID + i);
}

bool virt_is_offline(const struct model *m)
{
	return m->opt.secondary && m->index && !m->virt->s[0].online &&
	       !FAULT(m, VIRT_OFFLINE_ALIVE);
}

uint16_t virt_account(const struct model *m, unsigned n)
{
	n += m->opt.secondary;
	return m->sub->ctrl[0]->opt.oacs & NVME_CTRL_OACS_VIRT_MGMT && n < SECONDARIES ? id_of(m, n)
										       : 0;
}

/* What it has is what its registers and its capabilities tell; none: as before. */
static void equip(struct model *m, unsigned i)
{
	const struct secondary *s = &m->virt->s[i];
	struct model *body = body_of(m, i);

	if (!body)
		return;
	if (s->have[VQ] >= VQ_LEAST)
		body->opt.nsq = body->opt.ncq = s->have[VQ] - 1u + FAULT(m, VIRT_QUEUES_TOO_MANY);
	if (s->have[VI] >= VI_LEAST)
		body->opt.vectors = s->have[VI];
	pci_msix_changed(body);
}

static void take_offline(struct model *m, unsigned i)
{
	struct secondary *s = &m->virt->s[i];

	if (body_of(m, i) && s->online && !FAULT(m, VIRT_OFFLINE_ALIVE))
		core_level_reset(body_of(m, i), MODEL_RESET_FLR);
	s->online = false;
	if (!FAULT(m, VIRT_OFFLINE_KEEPS_RESOURCES))
		memset(s->have, 0, sizeof(s->have));
}

void virt_reset(struct model *m)
{
	for (unsigned i = 0; !m->index && m->virt && i < SECONDARIES; i++)
		if (m->virt->s[i].online && !FAULT(m, VIRT_RESET_KEEPS_ONLINE))
			take_offline(m, i);
}

/* ---- what Identify tells ---- */

void identify_primary(struct mcmd *c, uint8_t *page)
{
	struct nvme_primary_ctrl_cap *cap = (struct nvme_primary_ctrl_cap *)page;
	struct model *m = c->m;

	if (admin_nsid_wrong(c))
		return;
	cap->cntlid = le16_from(PRIMARY_ID);
	cap->crt = 1 << VQ | 1 << VI;
	cap->vqfrt = le32_from(FLEXIBLE);
	cap->vqrfa = le32_from(assigned(m->virt, VQ) + (FAULT(m, VIRT_ASSIGNED_WRONG) ? 1 : 0));
	cap->vqprt =
		le16_from(FAULT(m, VIRT_PRIVATE_QUEUE_MISSING) ? 1 : (uint16_t)(m->opt.nsq + 1));
	cap->vqfrsm = le16_from(FAULT(m, VIRT_MOST_ABOVE_TOTAL) ? FLEXIBLE + 1 : MOST);
	cap->vqgran = le16_from(1);
	cap->vifrt = le32_from(FLEXIBLE);
	cap->virfa = le32_from(assigned(m->virt, VI));
	cap->viprt = le16_from((uint16_t)m->opt.vectors);
	cap->vifrsm = le16_from(MOST);
	cap->vigran = le16_from(1);
}

static void fill(struct model *m, struct nvme_secondary_ctrl *e, unsigned i)
{
	const struct secondary *s = &m->virt->s[i];

	e->scid = le16_from(id_of(m, i));
	e->pcid = le16_from(PRIMARY_ID + (FAULT(m, VIRT_OTHER_PRIMARY) ? 1 : 0));
	e->scs = FAULT(m, VIRT_STATE_STUCK) ? 0 : s->online;
	e->scs |= FAULT(m, VIRT_STATE_RESERVED) ? 0x2 : 0;
	e->nvq = le16_from(s->have[VQ]);
	e->nvi = le16_from(s->have[VI]);
}

void identify_secondaries(struct mcmd *c, uint8_t *page)
{
	struct nvme_secondary_ctrl_list *list = (struct nvme_secondary_ctrl_list *)page;
	unsigned from = mcmd_cdw10(c) >> 16;

	if (admin_nsid_wrong(c))
		return;
	for (unsigned i = 0; i < SECONDARIES; i++)
		if (id_of(c->m, i) >= from + FAULT(c->m, VIRT_LIST_GT))
			fill(c->m, &list->sc_entry[list->num++], i);
	if (list->num > 1 && FAULT(c->m, VIRT_LIST_UNSORTED)) {
		struct nvme_secondary_ctrl first = list->sc_entry[0];

		list->sc_entry[0] = list->sc_entry[1];
		list->sc_entry[1] = first;
	}
}

/* ---- Virtualization Management ---- */

#define AT_ACT	  MCMD_AT(40, 0)
#define AT_RT	  MCMD_AT(41, 0)
#define AT_CNTLID MCMD_AT(42, 0)
#define AT_NR	  MCMD_AT(44, 0)

static void assign(struct mcmd *c, unsigned i, unsigned kind, unsigned n)
{
	struct model *m = c->m;
	struct secondary *s = &m->virt->s[i];
	unsigned others = kind < KINDS ? assigned(m->virt, kind) - s->have[kind] : 0;

	if (kind >= KINDS && !FAULT(m, VIRT_RESOURCE_TYPE_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_RT);
	else if (s->online && !FAULT(m, VIRT_ASSIGN_WHILE_ONLINE))
		mcmd_fail(c, SC_SECONDARY_STATE_INVALID, AT_CNTLID);
	else if (n > MOST && !FAULT(m, VIRT_TOO_MANY_ACCEPTED))
		mcmd_fail(c, SC_RESOURCE_COUNT_INVALID, AT_NR);
	else if (n + others > FLEXIBLE && !FAULT(m, VIRT_TOO_MANY_ACCEPTED))
		mcmd_fail(c, SC_RESOURCE_ID_INVALID, AT_NR);
	if (c->status || kind >= KINDS)
		return;
	s->have[kind] = (uint16_t)n;
	c->dw0 = n;
	equip(m, i);
}

static void bring_online(struct mcmd *c, unsigned i)
{
	struct secondary *s = &c->m->virt->s[i];
	bool enough = s->have[VQ] >= VQ_LEAST && s->have[VI] >= VI_LEAST;

	if (!s->online && !enough && !FAULT(c->m, VIRT_ONLINE_WITHOUT_RESOURCES))
		mcmd_fail(c, SC_SECONDARY_STATE_INVALID, AT_CNTLID);
	else if (s->online && FAULT(c->m, VIRT_AGAIN_REFUSED))
		mcmd_fail(c, SC_SECONDARY_STATE_INVALID, AT_CNTLID);
	else
		s->online = true;
}

static void manage_secondary(struct mcmd *c, unsigned action)
{
	unsigned id = mcmd_cdw10(c) >> 16, i = 0;

	while (i < SECONDARIES && id_of(c->m, i) != id)
		i++;
	if (i >= SECONDARIES && FAULT(c->m, VIRT_CNTLID_UNCHECKED))
		return;
	if (i >= SECONDARIES)
		mcmd_fail(c, SC_CNTLID_INVALID, AT_CNTLID);
	else if (action == ASSIGN)
		assign(c, i, mcmd_cdw10(c) >> 8 & 7, le32_get(c->e.cdw11) & 0xffff);
	else if (action == ONLINE)
		bring_online(c, i);
	else if (!c->m->virt->s[i].online && FAULT(c->m, VIRT_AGAIN_REFUSED))
		mcmd_fail(c, SC_SECONDARY_STATE_INVALID, AT_CNTLID);
	else
		take_offline(c->m, i);
}

/* The primary controller itself: nothing is set aside for it, and Dword 0 says that. */
static void manage_primary(struct mcmd *c)
{
	if (mcmd_cdw10(c) >> 16 != PRIMARY_ID && !FAULT(c->m, VIRT_CNTLID_UNCHECKED))
		mcmd_fail(c, SC_CNTLID_INVALID, AT_CNTLID);
	else if ((mcmd_cdw10(c) >> 8 & 7) >= KINDS && !FAULT(c->m, VIRT_RESOURCE_TYPE_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_RT);
	else if ((le32_get(c->e.cdw11) & 0xffff) > FLEXIBLE && !FAULT(c->m, VIRT_TOO_MANY_ACCEPTED))
		mcmd_fail(c, SC_RESOURCE_ID_INVALID, AT_NR);
}

void admin_virt(struct mcmd *c)
{
	unsigned action = mcmd_cdw10(c) & 0xf;

	if (admin_nsid_wrong(c))
		return;
	if (action == PRIMARY_FLEXIBLE)
		manage_primary(c);
	else if (action >= OFFLINE && action <= ONLINE)
		manage_secondary(c, action);
	else if (!FAULT(c->m, VIRT_ACTION_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, AT_ACT);
}
