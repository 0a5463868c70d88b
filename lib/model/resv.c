// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Source: Base 2.2 Reservations (Registering to Clearing a Reservation, Command Behavior in the
 * Presence of a Reservation), Reservation Register, Acquire and Release command; NVM CS 1.0
 * Reservations.
 */
#include "model/resv.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "model/core.h"
#include "model/feature.h"
#include "model/nvm.h"
#include "model/resv_state.h"

#define CPTPL_CLEAR 2u
#define CPTPL_SET   3u

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

static struct registrant *registrant_of(struct resv_ns *v, const struct resv_host *host)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		if (v->reg[i].used && resv_is_host(&v->reg[i].host, host))
			return &v->reg[i];
	return NULL;
}

static struct registrant *add(struct resv_ns *v, const struct resv_host *host, uint64_t key)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++) {
		if (v->reg[i].used)
			continue;
		v->reg[i] = (struct registrant){ .host = *host, .key = key, .used = true };
		return &v->reg[i];
	}
	return NULL;
}

static bool is_all(unsigned type)
{
	return type == NVME_RESERVATION_RTYPE_WEAR || type == NVME_RESERVATION_RTYPE_EAAR;
}

static bool is_registrants_only(unsigned type)
{
	return type == NVME_RESERVATION_RTYPE_WERO || type == NVME_RESERVATION_RTYPE_EARO;
}

static bool is_write_exclusive(unsigned type)
{
	return type % 2;
}

static bool holds(const struct resv_ns *v, const struct registrant *r)
{
	return r && v->type && (r->holds || is_all(v->type));
}

static unsigned count(const struct resv_ns *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RESV_HOSTS; i++)
		n += v->reg[i].used;
	return n;
}

/* ---- notices ---- */

/* To every controller of that host. */
static void tell_host(struct mcmd *c, const struct resv_host *host, enum resv_notice what)
{
	struct model *m;

	for (unsigned i = 0; (m = resv_controller(c->m, host, i)); i = m->index + 1)
		resv_notify(m, c->nsid, what);
}

static void tell_others(struct mcmd *c, struct resv_ns *v, const struct registrant *me,
			enum resv_notice what)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		if (v->reg[i].used && &v->reg[i] != me)
			tell_host(c, &v->reg[i].host, what);
}

/* ---- state ---- */

static void drop_reservation(struct resv_ns *v)
{
	v->type = 0;
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		v->reg[i].holds = false;
}

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
	for (uint32_t nsid = 1; nsid <= MEDIA_NS_MAX; nsid++) {
		bool keeps;

		/* not a page of state is touched for the thousand that are not there */
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
	me = registrant_of(v, &host);
	if (holds(v, me))
		return FAULT(m, RESV_HOLDER_EXCLUDED) && group == RESV_WRITES;
	if (me && is_registrants_only(v->type))
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
	for (uint32_t nsid = 1; nsid <= MEDIA_NS_MAX; nsid++)
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

/* ---- the commands ---- */

struct asked {
	struct resv_ns *v;
	struct resv_host host;
	struct registrant *me; /* NULL: no registrant */
	unsigned action, type;
	bool iekey;
	uint64_t crkey, other; /* the data: CRKEY, and NRKEY or PRKEY */
};

/* Reads the command and its data; false and the status set when that cannot be. */
static bool read_asked(struct mcmd *c, size_t len, struct asked *ret)
{
	uint32_t cdw10 = mcmd_cdw10(c);
	uint8_t data[16] = { 0 };

	if (!nvm_find_ns(c) || mcmd_check_data(c, len) || mcmd_from_host(c, data, 0, len, len))
		return false;
	*ret = (struct asked){
		.v = resv_of(c->m, c->nsid),
		.action = cdw10 & 7,
		.iekey = cdw10 >> 3 & 1,
		.type = cdw10 >> 8 & 0xff,
		.crkey = le64_at(data),
		.other = le64_at(data + 8),
	};
	resv_host_of(c->m, &ret->host);
	ret->me = registrant_of(ret->v, &ret->host);
	ret->v->used = true;
	return true;
}

static void conflict(struct mcmd *c)
{
	mcmd_fail(c, SC_RESERVATION_CONFLICT, MCMD_NOWHERE);
}

static void invalid(struct mcmd *c, unsigned byte)
{
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(byte, 0));
}

static void count_generation(struct mcmd *c, struct resv_ns *v)
{
	v->generation += !FAULT(c->m, RESV_GENERATION_STUCK);
}

static void register_key(struct mcmd *c, struct asked *a)
{
	bool same = a->me && a->me->key == a->other;
	bool forced = a->iekey && FAULT(c->m, RESV_IEKEY_ON_REGISTER);

	if (a->me && (!same || FAULT(c->m, RESV_SAME_KEY_REFUSED)) && !forced &&
	    !FAULT(c->m, RESV_OTHER_KEY_REGISTERS)) {
		conflict(c);
		return;
	}
	if (!a->me)
		a->me = add(a->v, &a->host, a->other);
	if (a->me)
		a->me->key = a->other;
	else
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
}

static void replace_key(struct mcmd *c, struct asked *a)
{
	bool unchecked = (a->iekey && !FAULT(c->m, RESV_IEKEY_CHECKED)) ||
			 (a->me && FAULT(c->m, RESV_REPLACE_UNCHECKED));

	if (!unchecked && (!a->me || a->me->key != a->crkey)) {
		conflict(c);
		return;
	}
	if (!a->me)
		a->me = add(a->v, &a->host, a->other);
	if (!a->me) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	a->me->key = a->other;
	if (FAULT(c->m, RESV_REPLACE_RELEASES) && a->me->holds)
		drop_reservation(a->v);
}

/* The last holder is gone: so is the reservation. */
static void unregister(struct mcmd *c, struct asked *a)
{
	struct registrant *me = a->me;
	uint8_t type = a->v->type;
	bool last = me && holds(a->v, me) && (!is_all(type) || count(a->v) == 1);

	if (!me && (FAULT(c->m, RESV_OUTSIDER_UNREGISTERS) || a->iekey))
		return;
	if (!me || (me->key != a->crkey && !(a->iekey && !FAULT(c->m, RESV_IEKEY_CHECKED)) &&
		    !FAULT(c->m, RESV_UNREGISTER_UNCHECKED))) {
		conflict(c);
		return;
	}
	*me = (struct registrant){ .used = false };
	if (!last || FAULT(c->m, RESV_UNREGISTER_KEEPS))
		return;
	drop_reservation(a->v);
	if (is_registrants_only(type) && !FAULT(c->m, RESV_RELEASED_UNTOLD))
		tell_others(c, a->v, NULL, RESV_RELEASED);
}

void nvm_resv_register(struct mcmd *c)
{
	static void (*const actions[])(struct mcmd *, struct asked *) = { register_key, unregister,
									  replace_key };
	unsigned cptpl = mcmd_cdw10(c) >> 30;
	struct asked a;

	if (!read_asked(c, 16, &a))
		return;
	if (a.action > 2 || cptpl == 1) {
		invalid(c, a.action > 2 ? 40 : 43);
		return;
	}
	actions[a.action](c, &a);
	if (c->status)
		return;
	if (cptpl >= CPTPL_CLEAR && resv_caps(c->m) & NVME_NS_RESCAP_PTPL &&
	    !FAULT(c->m, RESV_CPTPL_LOST))
		feature_set_ptpl(c->m, c->nsid, cptpl == CPTPL_SET);
	count_generation(c, a.v);
}

/* A type that RESCAP names. */
static bool type_wrong(const struct mcmd *c, unsigned type)
{
	return !type || type > NVME_RESERVATION_RTYPE_EAAR || !(resv_caps(c->m) >> type & 1);
}

static void take(struct asked *a)
{
	drop_reservation(a->v);
	a->v->type = (uint8_t)a->type;
	a->me->holds = true;
}

static void acquire(struct mcmd *c, struct asked *a)
{
	bool mine = holds(a->v, a->me), same = a->v->type == a->type;

	if (a->v->type && !mine && !FAULT(c->m, RESV_SECOND_HOST_ACQUIRES))
		conflict(c);
	else if (mine && (same ? FAULT(c->m, RESV_ACQUIRE_AGAIN_REFUSED)
			       : !FAULT(c->m, RESV_HOLDER_CHANGES_TYPE)))
		conflict(c);
	else if (!mine || !same)
		take(a);
}

/* Ends what the host's controllers have under way on the namespace. */
static void abort_commands(struct mcmd *c, const struct resv_host *host)
{
	struct model *m;

	for (unsigned i = 0; (m = resv_controller(c->m, host, i)); i = m->index + 1)
		engine_preempt(m, c->nsid);
}

static bool is_victim(const struct asked *a, const struct registrant *r)
{
	if (!r->used || r == a->me)
		return false;
	return is_all(a->v->type) && !a->other ? true : r->key == a->other;
}

static void unregister_victims(struct mcmd *c, struct asked *a)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++) {
		struct registrant *r = &a->v->reg[i];
		struct resv_host host = r->host;

		if (!is_victim(a, r) || FAULT(c->m, RESV_PREEMPT_KEEPS_VICTIM))
			continue;
		*r = (struct registrant){ .used = false };
		if (!FAULT(c->m, RESV_PREEMPTED_UNTOLD))
			tell_host(c, &host, RESV_REG_PREEMPTED);
		if (a->action == 2)
			abort_commands(c, &host);
	}
}

static bool matches_any(const struct asked *a)
{
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		if (a->v->reg[i].used && a->v->reg[i].key == a->other)
			return true;
	return false;
}

/* PRKEY names the holder, or all of them. */
static bool names_holder(const struct asked *a)
{
	if (is_all(a->v->type))
		return !a->other;
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		if (a->v->reg[i].used && a->v->reg[i].holds && a->v->reg[i].key == a->other)
			return true;
	return false;
}

static void preempt(struct mcmd *c, struct asked *a)
{
	uint8_t was = a->v->type;
	bool takes = was && names_holder(a);

	if (was && !is_all(was) && !takes && !a->other &&
	    !FAULT(c->m, RESV_PREEMPT_ZERO_ACCEPTED)) {
		invalid(c, 40);
		return;
	}
	if (is_all(was) && a->other && !matches_any(a) &&
	    !FAULT(c->m, RESV_PREEMPT_UNKNOWN_ACCEPTED)) {
		conflict(c);
		return;
	}
	unregister_victims(c, a);
	if (FAULT(c->m, RESV_PREEMPT_SELF_UNREGISTERS) && a->me->key == a->other)
		a->me->used = false;
	if (takes && !FAULT(c->m, RESV_PREEMPT_TAKES_NOT))
		take(a);
	if (takes && was != a->v->type)
		tell_others(c, a->v, a->me, RESV_RELEASED);
	count_generation(c, a->v);
}

void nvm_resv_acquire(struct mcmd *c)
{
	struct asked a;

	if (!read_asked(c, 16, &a))
		return;
	if ((a.iekey && !FAULT(c->m, RESV_ACQUIRE_IEKEY_ACCEPTED)) ||
	    (a.action > 2 && !FAULT(c->m, RESV_ACQUIRE_ACTION_ACCEPTED)))
		invalid(c, 40);
	else if (type_wrong(c, a.type) && !FAULT(c->m, RESV_TYPE_UNCHECKED))
		invalid(c, 41);
	else if (!a.me && FAULT(c->m, RESV_OUTSIDER_ACQUIRES) && add(a.v, &a.host, a.crkey))
		c->status = SC_SUCCESS;
	else if (!a.me || (a.me->key != a.crkey && !FAULT(c->m, RESV_ACQUIRE_KEY_UNCHECKED)))
		conflict(c);
	else if (a.action == 0)
		acquire(c, &a);
	else
		preempt(c, &a);
}

static void release(struct mcmd *c, struct asked *a)
{
	uint8_t type = a->v->type;

	if (!type && FAULT(c->m, RESV_RELEASE_NONE_FAILS)) {
		conflict(c);
		return;
	}
	if (!type || (!holds(a->v, a->me) && !FAULT(c->m, RESV_RELEASED_BY_OTHER)))
		return;
	if (type != a->type && !FAULT(c->m, RESV_RELEASE_TYPE_UNCHECKED)) {
		invalid(c, 41);
		return;
	}
	drop_reservation(a->v);
	if (type > NVME_RESERVATION_RTYPE_EA && !FAULT(c->m, RESV_RELEASED_UNTOLD))
		tell_others(c, a->v, a->me, RESV_RELEASED);
}

static void clear_all(struct mcmd *c, struct asked *a)
{
	if (!FAULT(c->m, RESV_CLEAR_UNTOLD))
		tell_others(c, a->v, a->me, RESV_PREEMPTED);
	if (FAULT(c->m, RESV_CLEAR_KEEPS_OTHERS))
		*a->me = (struct registrant){ .used = false };
	else
		memset(a->v->reg, 0, sizeof(a->v->reg));
	drop_reservation(a->v);
	count_generation(c, a->v);
}

void nvm_resv_release(struct mcmd *c)
{
	struct asked a;

	if (!read_asked(c, 8, &a))
		return;
	if ((a.iekey && !FAULT(c->m, RESV_RELEASE_IEKEY_ACCEPTED)) || a.action > 1)
		invalid(c, 40);
	else if (!a.me || (a.me->key != a.crkey && !FAULT(c->m, RESV_RELEASE_KEY_UNCHECKED)))
		conflict(c);
	else if (a.action == 0)
		release(c, &a);
	else
		clear_all(c, &a);
}
