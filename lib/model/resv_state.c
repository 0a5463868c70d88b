// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reservations as they stand, and what they forbid. Source: Base 2.2 Reservations (Command Behavior
 * in the Presence of a Reservation); NVM CS 1.0 Reservations.
 */
#include "model/resv_state.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "model/feature.h"

struct model_resv *resv_state_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_resv));
}

void resv_state_free(struct model_resv *v)
{
	free(v);
}

uint8_t resv_caps(const struct model *m)
{
	return m->opt.oncs & NVME_CTRL_ONCS_RESERVATIONS ? (uint8_t)m->opt.rescap : 0;
}

struct resv_ns *resv_of(const struct model *m, uint32_t nsid)
{
	return &m->resv->ns[nsid - 1];
}

/* ---- hosts ---- */

static bool is_zero(const uint8_t id[16])
{
	static const uint8_t zero[16];

	return !memcmp(id, zero, sizeof(zero));
}

void resv_host_of(const struct model *m, struct resv_host *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->extended = feature_host_id(m, ret->id);
	ret->cntlid = is_zero(ret->id) ? model_cntlid(m) : 0;
}

bool resv_is_host(const struct resv_host *a, const struct resv_host *b)
{
	return !memcmp(a->id, b->id, sizeof(a->id)) && a->cntlid == b->cntlid;
}

struct model *resv_controller(const struct model *m, const struct resv_host *host, unsigned from)
{
	struct resv_host of;

	for (; from < m->sub->n; from++) {
		resv_host_of(m->sub->ctrl[from], &of);
		if (resv_is_host(&of, host))
			return m->sub->ctrl[from];
	}
	return NULL;
}

struct registrant *resv_registrant(struct resv_ns *v, const struct resv_host *host)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		if (v->reg[i].used && resv_is_host(&v->reg[i].host, host))
			return &v->reg[i];
	return NULL;
}

bool resv_is_all(unsigned type)
{
	return type == NVME_RESERVATION_RTYPE_WEAR || type == NVME_RESERVATION_RTYPE_EAAR;
}

bool resv_is_registrants_only(unsigned type)
{
	return type == NVME_RESERVATION_RTYPE_WERO || type == NVME_RESERVATION_RTYPE_EARO;
}

static bool is_write_exclusive(unsigned type)
{
	return type % 2;
}

bool resv_holds(const struct resv_ns *v, const struct registrant *r)
{
	return r && v->type && (r->holds || resv_is_all(v->type));
}

/* ---- state ---- */

static void clear(struct resv_ns *v)
{
	memset(v->reg, 0, sizeof(v->reg));
	v->type = 0;
}

void resv_forget(struct model *m, uint32_t nsid)
{
	memset(resv_of(m, nsid), 0, sizeof(struct resv_ns));
}

void resv_reset(struct model *m, enum model_reset kind)
{
	bool level = kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;

	if (kind != MODEL_SHUTDOWN)
		m->resv->notices[m->index].n = 0;
	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++) {
		bool keeps;

		if (!media_allocated(m, nsid) || !resv_of(m, nsid)->used)
			continue;
		keeps = feature_ptpl(m, nsid) ? !FAULT(m, RESV_PTPL_LOST)
					      : FAULT(m, RESV_PTPL_IGNORED);
		if (kind == MODEL_POWER_OFF && !keeps)
			clear(resv_of(m, nsid));
		if (level && FAULT(m, RESV_LOST_AT_RESET))
			clear(resv_of(m, nsid));
	}
}

/* ---- conflicts ---- */

bool resv_forbids(const struct model *m, uint32_t nsid, enum resv_group group)
{
	struct resv_ns *v = resv_of(m, nsid);
	struct resv_host host;
	struct registrant *me;

	if (!v->type || group == RESV_OTHER)
		return false;
	resv_host_of(m, &host);
	me = resv_registrant(v, &host);
	if (resv_holds(v, me))
		return group == RESV_WRITES && FAULT(m, RESV_HOLDER_EXCLUDED);
	if (me && resv_is_registrants_only(v->type))
		return FAULT(m, RESV_REGISTRANT_EXCLUDED);
	if (group == RESV_READS && is_write_exclusive(v->type))
		return false;
	if (group == RESV_READS)
		return !(me ? FAULT(m, RESV_REGISTRANT_READS) : FAULT(m, RESV_OUTSIDER_READS));
	return !(me ? FAULT(m, RESV_REGISTRANT_WRITES) : FAULT(m, RESV_OUTSIDER_WRITES));
}

static enum resv_group group_of(const struct mcmd *c)
{
	static const struct {
		uint8_t opcode;
		bool io;
		enum resv_group group;
	} groups[] = {
		{ nvme_cmd_flush, true, RESV_WRITES },
		{ nvme_cmd_write, true, RESV_WRITES },
		{ nvme_cmd_read, true, RESV_READS },
		{ nvme_cmd_write_uncor, true, RESV_WRITES },
		{ nvme_cmd_compare, true, RESV_READS },
		{ nvme_cmd_write_zeroes, true, RESV_WRITES },
		{ nvme_cmd_dsm, true, RESV_WRITES },
		{ nvme_cmd_verify, true, RESV_READS },
		{ nvme_cmd_copy, true, RESV_WRITES },
		{ nvme_admin_ns_mgmt, false, RESV_WRITES },
		{ nvme_admin_ns_attach, false, RESV_WRITES },
		{ nvme_admin_format_nvm, false, RESV_WRITES },
		{ nvme_admin_security_send, false, RESV_WRITES },
		{ nvme_admin_security_recv, false, RESV_READS },
		{ nvme_admin_sanitize_nvm, false, RESV_WRITES },
	};

	if (c->e.opcode == nvme_cmd_flush && c->sqid && FAULT(c->m, RESV_FLUSH_UNCHECKED))
		return RESV_OTHER;
	if (c->e.opcode == nvme_cmd_compare && c->sqid && FAULT(c->m, RESV_COMPARE_AS_WRITE))
		return RESV_WRITES;
	if (c->e.opcode == nvme_cmd_copy && c->sqid && FAULT(c->m, RESV_COPY_UNCHECKED))
		return RESV_OTHER;
	if (c->e.opcode == nvme_cmd_dsm && c->sqid && FAULT(c->m, RESV_DSM_UNCHECKED))
		return RESV_OTHER;
	if (c->e.opcode == nvme_admin_format_nvm && !c->sqid && FAULT(c->m, RESV_FORMAT_UNCHECKED))
		return RESV_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		if (groups[i].opcode == c->e.opcode && groups[i].io == !!c->sqid)
			return groups[i].group;
	return RESV_OTHER;
}

static bool forbidden_at(const struct model *m, uint32_t nsid, enum resv_group group)
{
	return media_ns(m, nsid) && resv_forbids(m, nsid, group);
}

static bool forbidden_anywhere(const struct model *m, enum resv_group group)
{
	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++)
		if (forbidden_at(m, nsid, group))
			return true;
	return false;
}

bool resv_conflict(struct mcmd *c)
{
	enum resv_group group = group_of(c);
	bool all = c->nsid == NSID_ALL || (c->e.opcode == nvme_admin_sanitize_nvm && !c->sqid);

	if (group == RESV_OTHER || !resv_caps(c->m) || c->admitted)
		return false;
	if (all ? forbidden_anywhere(c->m, group) : forbidden_at(c->m, c->nsid, group))
		mcmd_fail(c, SC_RESERVATION_CONFLICT, MCMD_NOWHERE);
	return c->status != SC_SUCCESS;
}
