// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The commands on reservations. Source: Base 2.2 Reservations (Registering to Clearing a
 * Reservation), Reservation Register, Acquire and Release command.
 */
#include "model/resv.h"

#include "model/core.h"
#include "model/feature.h"
#include "model/nvm.h"
#include "model/resv_state.h"

#define CPTPL_CLEAR 2u
#define CPTPL_SET   3u

/* ---- registrants ---- */

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

static unsigned count(const struct resv_ns *v)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RESV_HOSTS; i++)
		n += v->reg[i].used;
	return n;
}

static void drop_reservation(struct resv_ns *v)
{
	v->type = 0;
	for (unsigned i = 0; i < RESV_HOSTS; i++)
		v->reg[i].holds = false;
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
	ret->me = resv_registrant(ret->v, &ret->host);
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
	if (a->me->holds && FAULT(c->m, RESV_REPLACE_RELEASES))
		drop_reservation(a->v);
}

/* The last holder is gone: so is the reservation. */
static void unregister(struct mcmd *c, struct asked *a)
{
	struct registrant *me = a->me;
	uint8_t type = a->v->type;
	bool last = me && resv_holds(a->v, me) && (!resv_is_all(type) || count(a->v) == 1);

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
	if (resv_is_registrants_only(type) && !FAULT(c->m, RESV_RELEASED_UNTOLD))
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
	bool mine = resv_holds(a->v, a->me), same = a->v->type == a->type;

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
	return resv_is_all(a->v->type) && !a->other ? true : r->key == a->other;
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
	if (resv_is_all(a->v->type))
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

	if (was && !resv_is_all(was) && !takes && !a->other &&
	    !FAULT(c->m, RESV_PREEMPT_ZERO_ACCEPTED)) {
		invalid(c, 40);
		return;
	}
	if (resv_is_all(was) && a->other && !matches_any(a) &&
	    !FAULT(c->m, RESV_PREEMPT_UNKNOWN_ACCEPTED)) {
		conflict(c);
		return;
	}
	unregister_victims(c, a);
	if (a->me->key == a->other && FAULT(c->m, RESV_PREEMPT_SELF_UNREGISTERS))
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
	if (!type || (!resv_holds(a->v, a->me) && !FAULT(c->m, RESV_RELEASED_BY_OTHER)))
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
