// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asymmetric Namespace Access. Sources: Base 2.2 Asymmetric Namespace Access Reporting; Base 2.1
 * Asymmetric Namespace Access (Log Page Identifier 0Ch); NVM CS 1.0 Namespaces, Asynchronous Event
 * Request command.
 */
#include "model/ana.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/log.h"
#include "model/media.h"

#define EVENT_NOTICE 2u
#define INFO_NS	     0u
#define INFO_ANA     3u
#define LSP_RGO	     (1u << 8) /* Dword 10: groups alone */
#define STATE_NONE   5u	       /* a value that is reserved */

struct relation {
	uint8_t state; /* enum nvme_ana_state */
	uint64_t changes;
};

struct model_ana {
	struct ana_side {
		struct relation to[ANA_GROUPS];
		uint64_t changes;
		bool groups_only; /* the log that is read now */
	} side[CONTROLLERS_MAX];
};

static const uint32_t group_ids[ANA_GROUPS] = { 1, 3 };

static const struct {
	const char *name;
	uint8_t state;
	uint16_t status; /* of what cannot be done there; success: everything can */
} states[] = {
	{ "optimized", NVME_ANA_STATE_OPTIMIZED, SC_SUCCESS },
	{ "non-optimized", NVME_ANA_STATE_NONOPTIMIZED, SC_SUCCESS },
	{ "inaccessible", NVME_ANA_STATE_INACCESSIBLE, SC_ANA_INACCESSIBLE },
	{ "persistent-loss", NVME_ANA_STATE_PERSISTENT_LOSS, SC_ANA_PERSISTENT_LOSS },
	{ "change", NVME_ANA_STATE_CHANGE, SC_ANA_TRANSITION },
};

static struct ana_side *side_of(const struct model *m)
{
	return &m->ana->side[m->index];
}

static unsigned place_of(uint32_t nsid)
{
	return (nsid - 1) % ANA_GROUPS;
}

static struct relation *relation_to(const struct model *m, uint32_t nsid)
{
	return &side_of(m)->to[place_of(nsid)];
}

struct model_ana *ana_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_ana));
}

void ana_free(struct model_ana *a)
{
	free(a);
}

void ana_reset(struct model *m, enum model_reset kind)
{
	struct ana_side *s = side_of(m);

	if (m->opt.ana && kind != MODEL_POWER_ON && FAULT(m, ANA_COUNT_OVER_RESET))
		return;
	s->changes = 0;
	for (unsigned i = 0; i < ANA_GROUPS; i++) {
		s->to[i].changes = 1;
		if (kind == MODEL_POWER_ON || kind == MODEL_POWER_OFF)
			s->to[i].state = NVME_ANA_STATE_OPTIMIZED;
	}
}

uint8_t ana_capabilities(const struct model *m)
{
	if (!m->opt.ana)
		return 0;
	return NVME_CTRL_ANACAP_OPT | NVME_CTRL_ANACAP_NON_OPT | NVME_CTRL_ANACAP_INACCESSIBLE |
	       NVME_CTRL_ANACAP_PERSISTENT_LOSS | NVME_CTRL_ANACAP_CHANGE |
	       NVME_CTRL_ANACAP_GRPID_NO_CHG;
}

uint32_t ana_group(const struct model *m, uint32_t nsid)
{
	if (!m->opt.ana)
		return 0;
	return FAULT(m, ANA_GROUP_PAST_MAX) ? ANA_GROUP_MAX + 1 : group_ids[place_of(nsid)];
}

bool ana_hides_capacity(const struct model *m, uint32_t nsid)
{
	uint8_t state = relation_to(m, nsid)->state;

	return m->opt.ana && !FAULT(m, ANA_CAPACITY_TOLD) && media_ns(m, nsid) &&
	       (state == NVME_ANA_STATE_INACCESSIBLE || state == NVME_ANA_STATE_PERSISTENT_LOSS);
}

/* ---- what is refused ---- */

static uint16_t status_at(const struct model *m, uint32_t nsid)
{
	uint8_t state = relation_to(m, nsid)->state;

	if (!media_ns(m, nsid))
		return SC_SUCCESS;
	if (state == NVME_ANA_STATE_NONOPTIMIZED && FAULT(m, ANA_NONOPTIMIZED_REFUSED))
		return SC_ANA_TRANSITION;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		if (states[i].state == state)
			return states[i].status;
	return SC_SUCCESS;
}

static uint16_t status_anywhere(const struct model *m)
{
	uint16_t status = SC_SUCCESS;

	for (uint32_t nsid = 1; nsid <= ANA_NSID_MAX && !status; nsid++)
		status = status_at(m, nsid);
	return status;
}

/* It may be done elsewhere, or later: DNR is 0. */
static bool refuse(struct mcmd *c, uint16_t status)
{
	if (!status)
		return false;
	mcmd_fail(c, FAULT(c->m, ANA_STATUS_TRANSITION) ? SC_ANA_TRANSITION : status, MCMD_NOWHERE);
	c->dnr = false;
	return true;
}

static bool io_slips_through(const struct mcmd *c)
{
	switch (c->e.opcode) {
	case nvme_cmd_read:
		return FAULT(c->m, ANA_READ_SERVED);
	case nvme_cmd_flush:
		return FAULT(c->m, ANA_FLUSH_SERVED);
	case nvme_cmd_write_zeroes:
		return FAULT(c->m, ANA_ZEROES_SERVED);
	default:
		return false;
	}
}

bool ana_refuses_io(struct mcmd *c)
{
	struct model *m = c->m;

	if (!m->opt.ana || io_slips_through(c))
		return false;
	return refuse(c, c->nsid == NSID_ALL ? status_anywhere(m) : status_at(m, c->nsid));
}

/* Reservations, and what is the NVM Command Set's own: LBA Range Type, Error Recovery. */
static bool is_feature_of_media(uint8_t fid)
{
	return fid == NVME_FEAT_FID_LBA_RANGE || fid == NVME_FEAT_FID_ERR_RECOVERY ||
	       fid == NVME_FEAT_FID_RESV_MASK || fid == NVME_FEAT_FID_RESV_PERSIST;
}

bool ana_refuses_admin(struct mcmd *c)
{
	struct model *m = c->m;
	uint8_t fid = mcmd_cdw10(c) & 0xff;
	uint16_t status;

	if (!m->opt.ana || !c->nsid || FAULT(m, ANA_FEATURES_SERVED))
		return false;
	status = c->nsid == NSID_ALL ? status_anywhere(m) : status_at(m, c->nsid);
	switch (c->e.opcode) {
	case nvme_admin_get_features:
		return c->nsid != NSID_ALL && is_feature_of_media(fid) && refuse(c, status);
	case nvme_admin_set_features:
		return (c->nsid == NSID_ALL || status == SC_ANA_PERSISTENT_LOSS ||
			is_feature_of_media(fid)) &&
		       refuse(c, status);
	case nvme_admin_format_nvm:
	case nvme_admin_dev_self_test:
	case nvme_admin_directive_send:
	case nvme_admin_directive_recv:
		return refuse(c, status);
	default:
		return false;
	}
}

/* ---- changes ---- */

static void count(struct model *m, unsigned place)
{
	struct ana_side *s = side_of(m);

	if (FAULT(m, ANA_CHANGES_UNCOUNTED))
		return;
	s->changes++;
	if (!++s->to[place].changes)
		s->to[place].changes = 1;
}

void ana_members_changed(struct model *m, uint32_t nsid)
{
	count(m, place_of(nsid));
	if (m->opt.ana && FAULT(m, ANA_TOLD_OF_ATTACHMENT))
		model_event(m, EVENT_NOTICE, INFO_ANA, NVME_LOG_LID_ANA);
}

/* Members of the group that are attached to this controller. */
static unsigned members(const struct model *m, unsigned place)
{
	unsigned n = 0;

	for (uint32_t nsid = 1; nsid <= ANA_NSID_MAX; nsid++)
		n += place_of(nsid) == place && media_ns(m, nsid);
	return n;
}

static void tell(struct model *m, unsigned place, uint8_t state)
{
	unsigned lid = FAULT(m, ANA_EVENT_WRONG_LOG) ? NVME_LOG_LID_CHANGED_NS : NVME_LOG_LID_ANA;

	if (state == NVME_ANA_STATE_CHANGE || !members(m, place))
		return;
	if (!FAULT(m, ANA_EVENT_MISSING))
		model_event(m, EVENT_NOTICE, INFO_ANA, lid);
	if (FAULT(m, ANA_TOLD_AS_ATTRIBUTE))
		model_event(m, EVENT_NOTICE, INFO_NS, NVME_LOG_LID_CHANGED_NS);
}

static void enter(struct model *m, unsigned place, uint8_t state)
{
	struct relation *r = &side_of(m)->to[place];

	if (r->state == state)
		return;
	r->state = state;
	count(m, place);
	tell(m, place, state);
}

static int enter_named(struct model *m, unsigned place, const char *name)
{
	struct model *other = model_other(m);

	if (side_of(m)->to[place].state == NVME_ANA_STATE_PERSISTENT_LOSS)
		return -EPERM;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		if (strcmp(states[i].name, name))
			continue;
		enter(m, place, states[i].state);
		if (FAULT(m, ANA_STATE_OF_ALL_GROUPS))
			enter(m, !place, states[i].state);
		if (other && FAULT(m, ANA_STATE_OF_SUBSYSTEM))
			enter(other, place, states[i].state);
		return 0;
	}
	return -EINVAL;
}

int ana_control(struct model *m, const char *what)
{
	unsigned group;
	char name[32];

	if (!m->opt.ana || sscanf(what, "%u %31s", &group, name) != 2)
		return -EINVAL;
	for (unsigned i = 0; i < ANA_GROUPS; i++)
		if (group_ids[i] == group)
			return enter_named(m, i, name);
	return -EINVAL;
}

/* ---- the log ---- */

uint16_t ana_log_check(struct mcmd *c, uint64_t lpo, uint64_t bytes)
{
	(void)lpo;
	(void)bytes;
	side_of(c->m)->groups_only =
		(mcmd_cdw10(c) & LSP_RGO) && !FAULT(c->m, ANA_GROUPS_ONLY_IGNORED);
	return SC_SUCCESS;
}

static bool is_listed(const struct model *m, unsigned place, uint32_t nsid)
{
	if (FAULT(m, ANA_NSID_IN_EVERY_GROUP))
		return media_ns(m, nsid);
	if (FAULT(m, ANA_UNATTACHED_LISTED))
		return place_of(nsid) == place && media_allocated(m, nsid);
	return place_of(nsid) == place && media_ns(m, nsid);
}

/* A descriptor follows the list of the one before, so it may begin at any dword. */
static size_t put_group(const struct model *m, unsigned place, uint8_t *at)
{
	struct nvme_ana_group_desc d = { .grpid = le32_from(group_ids[place]) };
	const struct relation *r = &side_of(m)->to[place];
	uint32_t n = 0;

	for (uint32_t nsid = 1; nsid <= ANA_NSID_MAX && !side_of(m)->groups_only; nsid++)
		if (is_listed(m, place, nsid))
			le32_put(at + sizeof(d) + 4 * n++, nsid);
	d.nnsids = le32_from(n);
	d.chgcnt = le64_from(r->changes);
	d.state = FAULT(m, ANA_STATE_RESERVED) ? STATE_NONE : r->state;
	memcpy(at, &d, sizeof(d));
	return sizeof(d) + 4 * n;
}

size_t ana_log(struct model *m, uint8_t *page)
{
	struct nvme_ana_log *log = (struct nvme_ana_log *)page;
	size_t at = sizeof(*log);
	unsigned n = 0;

	for (unsigned i = 0; i < ANA_GROUPS; i++) {
		unsigned place = FAULT(m, ANA_GROUPS_FALL) ? ANA_GROUPS - 1 - i : i;

		if (!members(m, place))
			continue;
		at += put_group(m, place, page + at);
		n++;
	}
	log->chgcnt = le64_from(side_of(m)->changes);
	log->ngrps = le16_from((uint16_t)n);
	return at;
}
