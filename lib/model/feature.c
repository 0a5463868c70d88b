// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Features: one table says what each is, default, saved and current values are kept alike, and
 * the few that are more than a dword have functions of their own in feature_special.c.
 * Sources: Base 2.0 Get Features command, Set Features command, Feature Values.
 */
#include "model/feature_table.h"

#include <stdlib.h>

#include "model/bend.h"
#include "model/claim.h"
#include "model/core.h"
#include "model/media.h"
#include "model/resv.h"
#include "model/zns.h"

static uint16_t check_power(struct mcmd *c, uint32_t v)
{
	if (FAULT(c->m, POWER_STATE_UNCHECKED))
		return SC_SUCCESS;
	return (v & 0x1f) <= c->m->opt.npss ? SC_SUCCESS : SC_INVALID_FIELD;
}

#define EVENT_TYPE_NOTICE 2u
#define EVENT_LBA_STATUS  5u
#define LSIRI_UNIT_NS	  100000000ull

/* Two temperatures, the lighter one below the heavier, each of them within limits; 0 is none. */
static uint16_t check_thermal(struct mcmd *c, uint32_t v)
{
	unsigned light = v >> 16, heavy = v & 0xffff;
	bool in_limits = (!light || (light >= TMT_MIN && light <= TMT_MAX)) &&
			 (!heavy || (heavy >= TMT_MIN && heavy <= TMT_MAX));

	if (FAULT(c->m, THERMAL_ORDER_UNCHECKED))
		return SC_SUCCESS;
	return in_limits && (!light || !heavy || light < heavy) ? SC_SUCCESS : SC_INVALID_FIELD;
}

/* The first combination of command sets is the only one (Identify CNS 1Ch). */
static uint16_t check_profile(struct mcmd *c, uint32_t v)
{
	if (!core_by_profile(c->m) || FAULT(c->m, IOCS_COMBINATION_ACCEPTED))
		return SC_SUCCESS;
	return v & 0x1ff ? SC_IOCS_COMBINATION : SC_SUCCESS;
}

/* Only where a namespace can keep reservations over a loss of power. */
static uint16_t check_ptpl(struct mcmd *c, uint32_t v)
{
	bool can = resv_caps(c->m) & NVME_NS_RESCAP_PTPL;

	return (v & 1) && !can ? SC_INVALID_FIELD : SC_SUCCESS;
}

/* Protection until it is lifted is all there is: NWPC. */
static uint16_t check_write_protect(struct mcmd *c, uint32_t v)
{
	(void)c;
	return v > 1 ? SC_INVALID_FIELD : SC_SUCCESS;
}

static void protection_changed(struct model *m, uint32_t was)
{
	(void)was;
	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++)
		if (feature_write_protected(m, nsid))
			zns_protected(m, nsid);
}

static void cache_changed(struct model *m, uint32_t was)
{
	(void)was;
	if (!feature_write_cache(m) && FAULT(m, CACHE_DROPPED_WHEN_OFF))
		media_reset(m, MODEL_POWER_OFF);
	else if (!feature_write_cache(m))
		media_flush_all(m);
}

/* A condition that holds when its event is enabled is reported then. */
static void events_changed(struct model *m, uint32_t was)
{
	if (feature_async_config(m) & ~was & NVME_SMART_CRIT_TEMPERATURE)
		smart_report_if_hot(m);
}

static void keep_alive_changed(struct model *m, uint32_t was);

static const struct feature features[] = {
	{ .fid = 0x01, .def = 0x3, .mask = 0xffffff07, .saveable = true },
	{ .fid = 0x02, .mask = 0xff, .check = check_power },
	{ .fid = 0x04, .get = feature_get_temp, .set = feature_set_temp },
	{ .fid = ERROR_RECOVERY, .mask = 0xffff, .per_ns = true, .saveable = true },
	{ .fid = 0x06, .def = 0x1, .mask = 0x1, .changed = cache_changed },
	{ .fid = 0x07, .get = feature_get_queues, .set = feature_set_queues },
	{ .fid = 0x08, .mask = 0xffff },
	{ .fid = 0x09, .get = feature_get_vector, .set = feature_set_vector },
	{ .fid = 0x0a, .mask = 0x1, .saveable = true },
	/* SMART warnings; the notices that OAES claims are added in mask_of(). */
	{ .fid = EVENT_CONFIG, .mask = 0x3f, .changed = events_changed },
	{ .fid = 0x0c, .since = VS(1, 1, 0), .get = feature_get_apst, .set = feature_set_apst },
	{ .fid = 0x0d, .since = VS(1, 2, 0), .get = feature_get_hmb, .set = feature_set_hmb },
	{ .fid = 0x0e, .get = feature_get_timestamp, .set = feature_set_timestamp },
	{ .fid = KEEP_ALIVE, .mask = 0xffffffff, .changed = keep_alive_changed },
	{ .fid = 0x10, .since = VS(1, 3, 0), .mask = 0xffffffff, .check = check_thermal },
	/* No interval is the least between two reads: LSIPI is 0, and LSIRI to begin with. */
	{ .fid = LBA_STATUS, .since = VS(1, 4, 0), .mask = 0xffff },
	{ .fid = 0x16, .get = feature_get_behavior, .set = feature_set_behavior },
	{ .fid = SANITIZE_CONFIG, .since = VS(1, 4, 0), .mask = 0x1, .saveable = true },
	{ .fid = 0x19, .since = VS(2, 0, 0), .mask = 0x1ff, .check = check_profile },
	{ .fid = 0x81,
	  .since = VS(1, 2, 1),
	  .get = feature_get_host_id,
	  .set = feature_set_host_id },
	{ .fid = 0x82, .since = VS(1, 1, 0), .mask = 0xe, .per_ns = true },
	{ .fid = 0x83,
	  .since = VS(1, 1, 0),
	  .mask = 0x1,
	  .per_ns = true,
	  .persistent = true,
	  .check = check_ptpl },
	{ .fid = 0x84,
	  .since = VS(1, 4, 0),
	  .mask = 0x7,
	  .per_ns = true,
	  .persistent = true,
	  .check = check_write_protect,
	  .changed = protection_changed },
	/* The vendor's own: the edition of the model, to be looked at. */
	{ .fid = 0xc0, .def = 1, .fixed = true },
};
static_assert(ARRAY_SIZE(features) == FEATURES, "FEATURES counts the table");

static const struct feature *feature_find(uint8_t fid)
{
	for (unsigned i = 0; i < FEATURES; i++)
		if (features[i].fid == fid)
			return &features[i];
	return NULL;
}

bool feature_exists(const struct model *m, uint8_t fid, bool *ret_per_ns)
{
	const struct feature *f = feature_find(fid);

	if (!f || m->opt.vs < f->since || !claim_feature(m, fid))
		return false;
	*ret_per_ns = f->per_ns;
	return true;
}

/*
 * The value of a feature of the controller, or of one namespace. What a namespace keeps over every
 * reset is the same through each controller; the first one holds it.
 */
static struct feature_value *value_of(const struct model *m, const struct feature *f, uint32_t nsid)
{
	bool shared = (f->per_ns && f->persistent) || f->fid == SANITIZE_CONFIG;
	unsigned row = (unsigned)(f - features);

	return &(shared ? m->sub->ctrl[0] : m)
			->features->value[(f->per_ns ? nsid : 0) * FEATURES + row];
}

static uint32_t current(const struct model *m, uint8_t fid)
{
	return value_of(m, feature_find(fid), 0)->current;
}

/* Of the controller, and of each namespace that there was. */
static size_t rows(const struct model *m)
{
	return (media_highest(m) + 1u) * FEATURES;
}

struct model_features *features_new(struct model *m)
{
	struct model_features *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->value = calloc((MEDIA_NS_MAX + 1u) * FEATURES, sizeof(*f->value));
	f->uncoalesced = calloc(m->opt.vectors + 1u, sizeof(*f->uncoalesced));
	if (!f->value || !f->uncoalesced) {
		features_free(f);
		return NULL;
	}
	for (size_t i = 0; i < rows(m); i++)
		f->value[i].saved = f->value[i].current = features[i % FEATURES].def;
	feature_special_reset(m, f);
	return f;
}

void features_free(struct model_features *f)
{
	if (!f)
		return;
	free(f->value);
	free(f->uncoalesced);
	free(f);
}

/* Has a reset anything to put back? */
static bool is_moved(const struct model *m)
{
	for (size_t i = 0; i < rows(m); i++)
		if (m->features->value[i].current != m->features->value[i].saved)
			return true;
	return feature_special_moved(m);
}

static bool all_survives(const struct model *m, enum model_reset kind, bool level)
{
	return (level && FAULT(m, UNSAVED_SURVIVES_RESET)) ||
	       (kind == MODEL_RESET_FLR && FAULT(m, UNSAVED_SURVIVES_FLR)) ||
	       (kind == MODEL_POWER_ON && FAULT(m, UNSAVED_SURVIVES_POWER_LOSS));
}

/* What was never saved has its default as saved value. */
static void put_back(struct model *m, size_t i, bool level)
{
	const struct feature *f = &features[i % FEATURES];
	struct feature_value *v = &m->features->value[i];

	if (v->current != v->saved && level && bend_survives(m, f->fid))
		return;
	if (f->persistent && v->current != f->def && level && bend_forgets(m, f->fid))
		v->saved = f->def;
	v->current = v->saved != f->def && FAULT(m, SAVED_LOST_AT_RESET) ? f->def : v->saved;
}

void features_reset(struct model *m, enum model_reset kind)
{
	bool level = kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;

	if (kind == MODEL_SHUTDOWN || kind == MODEL_POWER_OFF ||
	    (is_moved(m) && all_survives(m, kind, level)))
		return;
	for (size_t i = 0; i < rows(m); i++)
		put_back(m, i, level);
	if (!level || !feature_special_moved(m) || !FAULT(m, UNSAVED_TABLES_SURVIVE_RESET))
		feature_special_reset(m, m->features);
	m->features->lba_alert_due = 0;
}

void features_new_ns(struct model *m, uint32_t nsid)
{
	for (unsigned row = 0; row < FEATURES; row++) {
		struct feature_value *v = &m->features->value[nsid * FEATURES + row];

		v->saved = v->current = features[row].def;
	}
}

void features_tick(struct model *m)
{
	struct model_features *f = m->features;

	/* the Timestamp is reckoned from the model's time when it is read */
	if (!f->lba_alert_due || model_now(m) < f->lba_alert_due)
		return;
	f->lba_alert_due = 0;
	model_event(m, EVENT_TYPE_NOTICE, EVENT_LBA_STATUS, NVME_LOG_LID_LBA_STATUS);
}

/* There are tracked LBAs: the host hears of them when LSIRI has passed. */
void feature_lba_tracked(struct model *m)
{
	uint64_t lsiri = current(m, LBA_STATUS) & 0xffff;

	if (m->opt.oacs & NVME_CTRL_OACS_LBA_STATUS && !m->features->lba_alert_due)
		m->features->lba_alert_due = model_now(m) + 1 + lsiri * LSIRI_UNIT_NS;
}

/* ---- what others ask ---- */

uint32_t feature_arbitration(const struct model *m)
{
	return current(m, 0x01);
}

unsigned feature_threshold(const struct model *m)
{
	return current(m, 0x08) & 0xff;
}

uint32_t feature_async_config(const struct model *m)
{
	return current(m, 0x0b);
}

uint32_t feature_keep_alive(const struct model *m)
{
	return current(m, KEEP_ALIVE);
}

void feature_connected(struct model *m, uint32_t kato_ms, const uint8_t hostid[16])
{
	value_of(m, feature_find(KEEP_ALIVE), 0)->current = keepalive_round(m, kato_ms);
	memcpy(m->features->host_id, hostid, sizeof(m->features->host_id));
	m->features->host_id_extended = true;
}

static void keep_alive_changed(struct model *m, uint32_t was)
{
	struct feature_value *v = value_of(m, feature_find(KEEP_ALIVE), 0);

	(void)was;
	v->current = keepalive_round(m, v->current);
	keepalive_restart(m);
}

bool feature_write_cache(const struct model *m)
{
	return m->opt.vwc & NVME_CTRL_VWC_PRESENT && current(m, 0x06) & 1;
}

bool feature_dulbe(const struct model *m, uint32_t nsid)
{
	return value_of(m, feature_find(ERROR_RECOVERY), nsid)->current & DULBE;
}

bool feature_sanitize_warns(const struct model *m)
{
	return m->opt.vs >= VS(1, 4, 0) && current(m, SANITIZE_CONFIG);
}

bool feature_write_protected(const struct model *m, uint32_t nsid)
{
	return media_allocated(m, nsid) && value_of(m, feature_find(0x84), nsid)->current;
}

uint32_t feature_resv_mask(const struct model *m, uint32_t nsid)
{
	return value_of(m, feature_find(0x82), nsid)->current;
}

bool feature_ptpl(const struct model *m, uint32_t nsid)
{
	return value_of(m, feature_find(0x83), nsid)->current & 1;
}

void feature_set_ptpl(struct model *m, uint32_t nsid, bool on)
{
	struct feature_value *v = value_of(m, feature_find(0x83), nsid);

	v->current = v->saved = on;
}

void feature_io_begins(struct model *m)
{
	struct feature_value *v = value_of(m, feature_find(0x02), 0);

	if ((v->current & 0x1f) == POWER_IDLE && !FAULT(m, POWER_STAYS_IDLE))
		v->current = (v->current & ~0x1fu) | m->features->operational;
}

/* ---- the commands ---- */

static const struct feature *find_or_fail(struct mcmd *c)
{
	const struct feature *f = feature_find(mcmd_cdw10(c) & 0xff);
	bool get = c->e.opcode == nvme_admin_get_features;

	if (f && (c->m->opt.vs < f->since || !claim_feature(c->m, f->fid) ||
		  (get && f->fid == 0x09 && FAULT(c->m, FEATURE_MANDATORY_MISSING))))
		f = NULL;
	if (!f && !FAULT(c->m, FEATURE_RESERVED_ACCEPTED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	return f;
}

/* The NSID of a namespace's feature is that of an active namespace. */
static bool ns_wrong(struct mcmd *c)
{
	bool invalid = !c->nsid || (c->nsid > media_nn(c->m) && c->nsid != NSID_ALL);

	if (media_ns(c->m, c->nsid))
		return false;
	mcmd_fail(c, invalid ? SC_INVALID_NS : SC_INVALID_FIELD, MCMD_AT(4, 0));
	return true;
}

static bool get_nsid_wrong(struct mcmd *c, const struct feature *f)
{
	if (f->per_ns)
		return ns_wrong(c);
	if (c->nsid <= media_nn(c->m) || c->nsid == NSID_ALL)
		return false;
	mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	return true;
}

static bool set_nsid_wrong(struct mcmd *c, const struct feature *f)
{
	if (c->nsid == NSID_ALL)
		return false;
	if (f->per_ns)
		return ns_wrong(c);
	if (!c->nsid || FAULT(c->m, FEATURE_NSID_IGNORED))
		return false;
	mcmd_fail(c, SC_FEATURE_NOT_PER_NS, MCMD_AT(4, 0));
	return true;
}

static bool has_select(const struct model *m)
{
	return m->opt.oncs & NVME_CTRL_ONCS_SAVE_FEATURES;
}

static bool is_saveable(const struct model *m, const struct feature *f)
{
	return f->saveable && has_select(m);
}

void admin_get_features(struct mcmd *c)
{
	unsigned select = mcmd_cdw10(c) >> 8 & 7;
	const struct feature *f = find_or_fail(c);

	smart_activity(c->m);
	if (!f)
		return;
	if (select > FEATURE_CAPABILITIES && FAULT(c->m, SELECT_RESERVED_ACCEPTED))
		select = FEATURE_CURRENT;
	if (select > (has_select(c->m) ? FEATURE_CAPABILITIES : FEATURE_CURRENT)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(41, 0));
		return;
	}
	if (get_nsid_wrong(c, f))
		return;
	if (select == FEATURE_CAPABILITIES) {
		c->dw0 = is_saveable(c->m, f) | f->per_ns << 1 | (unsigned)!f->fixed << 2;
		if (FAULT(c->m, CAPS_SAVEABLE_HIDDEN))
			c->dw0 &= ~1u;
	} else if (f->get) {
		f->get(c, select);
	} else {
		const struct feature_value *v = value_of(c->m, f, c->nsid);

		if (select == FEATURE_DEFAULT && FAULT(c->m, SELECT_DEFAULT_MOVES))
			select = FEATURE_CURRENT;
		c->dw0 = select == FEATURE_DEFAULT ? f->def
			 : select == FEATURE_SAVED ? v->saved
						   : v->current;
	}
}

static bool has_dulbe(const struct model *m, const struct feature *f)
{
	return f->fid == ERROR_RECOVERY && m->opt.dae && !FAULT(m, DULBE_CANNOT_BE_SET);
}

static uint32_t mask_of(const struct model *m, const struct feature *f)
{
	return f->mask | (f->fid == EVENT_CONFIG ? m->opt.oaes : has_dulbe(m, f) ? DULBE : 0);
}

static void store(struct mcmd *c, const struct feature *f, uint32_t nsid, bool save)
{
	struct feature_value *v = value_of(c->m, f, nsid);
	uint32_t was = v->current;

	if (f->check == check_profile && !core_by_profile(c->m))
		return; /* not in force, and so without effect */
	v->current = le32_get(c->e.cdw11) & mask_of(c->m, f);
	if (f->fid == 0x0a && FAULT(c->m, FEATURE_RESERVED_STORED))
		v->current = le32_get(c->e.cdw11);
	if (f->fid == 0x0b && FAULT(c->m, EVENT_CONFIG_UNSUPPORTED_STORED))
		v->current = le32_get(c->e.cdw11);
	if (f->fid == 0x0b && FAULT(c->m, EVENT_CONFIG_LOST))
		v->current &= NVME_SMART_CRIT_TEMPERATURE;
	if (f->fid == 0x82 && FAULT(c->m, RESV_MASK_LOST))
		v->current = was;
	if (save || f->persistent)
		v->saved = v->current;
	if (f->fid == 0x02 && (v->current & 0x1f) != POWER_IDLE)
		c->m->features->operational = v->current & 0x1f;
	if (f->changed)
		f->changed(c->m, was);
}

static void store_all(struct mcmd *c, const struct feature *f, bool save)
{
	if (f->fid == 0x08 && FAULT(c->m, FEATURE_SET_LOST))
		return;
	if (f->fid == 0x08 && FAULT(c->m, FEATURE_SET_MOVES_OTHER))
		value_of(c->m, feature_find(0x0a), 0)->current = 1;
	if (!f->per_ns || c->nsid != NSID_ALL) {
		store(c, f, c->nsid, save);
		return;
	}
	for (uint32_t nsid = 1; nsid <= media_highest(c->m); nsid++)
		if (media_ns(c->m, nsid) &&
		    (nsid == 1 || !FAULT(c->m, FEATURE_BROADCAST_FIRST_ONLY)))
			store(c, f, nsid, save);
}

static void set(struct mcmd *c, const struct feature *f, bool save)
{
	uint16_t status = SC_SUCCESS;

	if (f->fixed && !FAULT(c->m, NOT_CHANGEABLE_ACCEPTED)) {
		mcmd_fail(c, SC_FEATURE_NOT_CHANGEABLE, MCMD_AT(40, 0));
		return;
	}
	if (f->set) {
		f->set(c);
		return;
	}
	if (f->check)
		status = f->check(c, le32_get(c->e.cdw11));
	if (status)
		mcmd_fail(c, status, MCMD_AT(44, 0));
	if (!status || FAULT(c->m, FEATURE_FAILED_SET_STORES))
		store_all(c, f, save);
}

void admin_set_features(struct mcmd *c)
{
	bool save = mcmd_cdw10(c) >> 31;
	const struct feature *f = find_or_fail(c);

	smart_activity(c->m);
	if ((mcmd_cdw10(c) & 0xff) == KEEP_ALIVE && FAULT(c->m, KATO_WITHOUT_KAS))
		c->status = SC_SUCCESS;
	if (!f || set_nsid_wrong(c, f))
		return;
	if (!save || is_saveable(c->m, f)) {
		set(c, f, save);
		if (c->status == SC_SUCCESS && f->fid == LBA_STATUS)
			c->dw0 = current(c->m, LBA_STATUS);
		return;
	}
	if (FAULT(c->m, FEATURE_SAVE_ACCEPTED) || FAULT(c->m, FEATURE_SAVE_REFUSED_STORES))
		set(c, f, false);
	if (!FAULT(c->m, FEATURE_SAVE_ACCEPTED))
		mcmd_fail(c, SC_FID_NOT_SAVEABLE, MCMD_AT(43, 7));
}
