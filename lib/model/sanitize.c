// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sanitize: the command, the operation and what it leaves, what it keeps out, its log.
 * Sources: Base 2.1 Sanitize command, Sanitize Operations, Sanitize Status, Sanitize Config; NVM CS
 * 1.0 Sanitize Operations. The media are not verified afterwards (SANICAP.VERS is 0).
 */
#include "model/sanitize.h"

#include <stdlib.h>

#include "base/clock.h"
#include "model/core.h"
#include "model/feature.h"
#include "model/firmware.h"
#include "model/media.h"
#include "model/selftest.h"

#define BLOCK_ERASE_S	 2u
#define CRYPTO_S	 1u
#define PASS_S		 1u
#define MODIFY_S	 1u /* more for NDAS where NODMMAS is 10b */
#define PASSES_MOST	 16u
#define NOT_TOLD	 0xffffffffu
#define PROGRESS_NONE	 0xffffu

#define SANACT(cdw10)	 ((cdw10)&7u)
#define AUSE		 (1u << 3)
#define OWPASS(cdw10)	 ((cdw10) >> 4 & 0xfu)
#define OIPBP		 (1u << 8)
#define NDAS		 (1u << 9)
#define EMVS		 (1u << 10) /* since 2.1 */

#define SANITIZE_EVENT	 6u /* Asynchronous Event Type: I/O command specific */
#define EVENT_DONE	 1u
#define EVENT_UNEXPECTED 2u

enum { ACT_EXIT = 1, ACT_BLOCK = 2, ACT_OVERWRITE = 3, ACT_CRYPTO = 4 };
enum sanitize_state { IDLE, RUNNING, FAILED };

struct model_sanitize {
	enum sanitize_state state;
	unsigned sos; /* SSTAT bits 2:0 */
	bool gde, unexpected;
	uint32_t cdw10, pattern; /* of the last one that was started */
	unsigned index;		 /* of the controller that started it */
	unsigned passes;	 /* completed */
	uint64_t begun, due;
};

struct model_sanitize *sanitize_new(struct model *m)
{
	struct model_sanitize *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->due = NEVER;
	s->gde = !m->opt.store[0]; /* fresh from the factory, where there is no past */
	return s;
}

void sanitize_free(struct model_sanitize *s)
{
	free(s);
}

uint64_t sanitize_due(const struct model *m)
{
	return m->sanitize->due;
}

void sanitize_written(struct model *m)
{
	if (m->sanitize->gde && !FAULT(m, SANITIZE_GDE_STAYS))
		m->sanitize->gde = false;
}

static bool is_modified(const struct model *m, uint32_t cdw10)
{
	return (cdw10 & NDAS) && m->opt.sanicap >> 30 == 2;
}

static unsigned passes_of(uint32_t cdw10)
{
	return OWPASS(cdw10) ? OWPASS(cdw10) : PASSES_MOST;
}

static unsigned seconds_of(const struct model *m, uint32_t cdw10)
{
	unsigned more = is_modified(m, cdw10) ? MODIFY_S : 0;

	switch (SANACT(cdw10)) {
	case ACT_BLOCK:
		return BLOCK_ERASE_S + more;
	case ACT_CRYPTO:
		return CRYPTO_S + more;
	default:
		return passes_of(cdw10) * PASS_S + more;
	}
}

/* ---- the operation ---- */

/* What the last pass leaves. */
static uint32_t last_pattern(const struct model_sanitize *s)
{
	/* inverted between passes so that the last one is the pattern itself */
	return s->pattern;
}

static bool deallocates(const struct model_sanitize *s, const struct model *m)
{
	return !(s->cdw10 & NDAS) || m->opt.sanicap & SANICAP_NDI;
}

static void clean(struct model *m)
{
	const struct model_sanitize *s = m->sanitize;
	bool pattern = SANACT(s->cdw10) == ACT_OVERWRITE && !deallocates(s, m);
	uint32_t first = FAULT(m, SANITIZE_FIRST_NS_ALONE) ? 1 : media_highest(m);

	for (uint32_t nsid = 1; nsid <= first && !FAULT(m, SANITIZE_NOOP); nsid++) {
		struct media_ns *ns = media_allocated(m, nsid);

		if (ns)
			media_sanitize(m, ns, pattern, last_pattern(s));
	}
	for (unsigned i = 0; i < m->sub->n; i++)
		pmr_erase(m->sub->ctrl[i]);
}

/* By the controller alone that took the command. */
static void report(struct model *m)
{
	const struct model_sanitize *s = m->sanitize;
	bool plain = !s->unexpected || FAULT(m, SANITIZE_EVENT_PLAIN);

	for (unsigned i = 0; i < m->sub->n && !FAULT(m, SANITIZE_EVENT_MISSING); i++)
		if (i == s->index || FAULT(m, SANITIZE_EVENT_EVERYWHERE))
			model_event(m->sub->ctrl[i], SANITIZE_EVENT,
				    plain ? EVENT_DONE : EVENT_UNEXPECTED, NVME_LOG_LID_SANITIZE);
}

static void finish(struct model *m, bool failed)
{
	struct model_sanitize *s = m->sanitize;

	s->due = NEVER;
	s->unexpected = !failed && (s->cdw10 & NDAS) && m->opt.sanicap & SANICAP_NDI;
	s->state = failed ? FAILED : IDLE;
	s->sos = failed ? 3 : s->unexpected ? 4 : 1;
	if (SANACT(s->cdw10) == ACT_OVERWRITE && !failed)
		s->passes = passes_of(s->cdw10);
	if (!failed) {
		clean(m);
		s->gde = true;
	}
	m->core->moved = true;
	report(m);
}

void sanitize_reset(struct model *m, enum model_reset kind)
{
	struct model_sanitize *s = m->sanitize;
	bool level = kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;

	if (s->state == RUNNING &&
	    ((level && FAULT(m, SANITIZE_ENDED_BY_RESET)) ||
	     (kind == MODEL_POWER_OFF && FAULT(m, SANITIZE_ENDED_BY_POWER)))) {
		s->state = IDLE;
		s->sos = 0;
		s->due = NEVER;
	}
	if (s->cdw10 && level && FAULT(m, SANITIZE_LOG_LOST))
		s->cdw10 = 0;
}

void sanitize_step(struct model *m)
{
	struct model_sanitize *s = m->sanitize;

	if (s->due <= model_now(m))
		finish(m, m->opt.sanfail >> SANACT(s->cdw10) & 1);
}

static void begin(struct mcmd *c)
{
	struct model *m = c->m;
	struct model_sanitize *s = m->sanitize;

	*s = (struct model_sanitize){
		.state = RUNNING,
		.sos = 2,
		.cdw10 = mcmd_cdw10(c),
		.pattern = le32_get(c->e.cdw11),
		.index = m->index,
		.begun = model_now(m),
		.due = model_now(m) + seconds_of(m, mcmd_cdw10(c)) * NS_PER_S,
	};
	for (unsigned i = 0; i < m->sub->n; i++)
		model_event_log_read(m->sub->ctrl[i], NVME_LOG_LID_SANITIZE);
	if (!FAULT(m, SANITIZE_SPARES_SELF_TEST))
		selftest_abort(m, NVME_ST_RESULT_ABORTED_SANITIZE, NSID_ALL);
}

/* ---- the command ---- */

static bool is_offered(const struct model *m, unsigned act)
{
	static const uint8_t bit[8] = { [ACT_CRYPTO] = 1, [ACT_BLOCK] = 2, [ACT_OVERWRITE] = 4 };

	return act == ACT_EXIT || m->opt.sanicap & bit[act];
}

/* NDAS where it is inhibited, and no warning is enough. */
static bool ndas_wrong(const struct mcmd *c)
{
	return mcmd_cdw10(c) & NDAS && c->m->opt.sanicap & SANICAP_NDI &&
	       !feature_sanitize_warns(c->m) && !FAULT(c->m, SANITIZE_NODRM_IGNORED);
}

static bool has_memory_enabled(const struct model *m)
{
	for (unsigned i = 0; i < m->sub->n; i++)
		if (pmr_enabled(m->sub->ctrl[i]))
			return true;
	return false;
}

static bool is_protected(const struct model *m)
{
	for (uint32_t nsid = 1; nsid <= media_highest(m); nsid++)
		if (feature_write_protected(m, nsid))
			return true;
	return false;
}

static void fields(struct mcmd *c)
{
	uint32_t cdw10 = mcmd_cdw10(c);
	unsigned act = SANACT(cdw10);

	if (!is_offered(c->m, act) && !FAULT(c->m, SANITIZE_ACTION_UNCHECKED))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	else if (act != ACT_EXIT && (ndas_wrong(c) || (cdw10 & EMVS)))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(41, cdw10 & EMVS ? 2 : 1));
	else if (is_protected(c->m) && !FAULT(c->m, SANITIZE_PROTECTED_ACCEPTED))
		mcmd_fail(c, SC_NS_WRITE_PROTECTED, MCMD_NOWHERE);
	else if (has_memory_enabled(c->m) && !FAULT(c->m, SANITIZE_PMR_ACCEPTED))
		mcmd_fail(c, SC_SANITIZE_PMR, MCMD_NOWHERE);
	else if (firmware_waits(c->m))
		mcmd_fail(c, SC_FW_NEEDS_CONTROLLER_RESET, MCMD_NOWHERE);
}

/* After a failure without AUSE nothing but another operation without it helps. */
static bool is_stuck(const struct mcmd *c)
{
	const struct model_sanitize *s = c->m->sanitize;
	uint32_t cdw10 = mcmd_cdw10(c);

	return s->state == FAILED && !(s->cdw10 & AUSE) &&
	       (SANACT(cdw10) == ACT_EXIT || (cdw10 & AUSE)) &&
	       !FAULT(c->m, SANITIZE_RESTRICTED_LEFT);
}

void admin_sanitize(struct mcmd *c)
{
	struct model_sanitize *s = c->m->sanitize;

	if (admin_nsid_wrong(c))
		return;
	fields(c);
	if (c->status)
		return;
	if (is_stuck(c))
		mcmd_fail(c, SC_SANITIZE_FAILED, MCMD_AT(40, 0));
	else if (SANACT(mcmd_cdw10(c)) != ACT_EXIT)
		begin(c);
	else if (s->state == FAILED)
		s->state = IDLE;
}

/* ---- what it keeps out: Base 2.1 Sanitize Operation Restrictions ---- */

static bool log_is_allowed(const struct mcmd *c)
{
	switch (mcmd_cdw10(c) & 0xff) {
	case NVME_LOG_LID_ERROR:
	case NVME_LOG_LID_SMART:
	case NVME_LOG_LID_CHANGED_NS:
	case NVME_LOG_LID_ANA:
	case NVME_LOG_LID_RESERVATION:
	case NVME_LOG_LID_SANITIZE:
		return true;
	default:
		return FAULT(c->m, SANITIZE_LOGS_OPEN);
	}
}

static bool admin_is_allowed(const struct mcmd *c, bool running)
{
	switch (c->e.opcode) {
	case nvme_admin_abort_cmd:
	case nvme_admin_async_event:
	case nvme_admin_create_cq:
	case nvme_admin_create_sq:
	case nvme_admin_delete_cq:
	case nvme_admin_delete_sq:
	case nvme_admin_get_features:
	case nvme_admin_keep_alive:
		return true;
	case nvme_admin_identify:
		return !FAULT(c->m, SANITIZE_IDENTIFY_CLOSED);
	case nvme_admin_get_log_page:
		return log_is_allowed(c);
	case nvme_admin_set_features:
		return (mcmd_cdw10(c) & 0xff) != NVME_FEAT_FID_WRITE_PROTECT;
	case nvme_admin_sanitize_nvm:
		return !running || FAULT(c->m, SANITIZE_TWICE);
	default:
		return FAULT(c->m, SANITIZE_ADMIN_OPEN);
	}
}

/* Flush has nothing to do where there is no cache; where there is one it would have to write. */
static bool io_is_allowed(const struct mcmd *c)
{
	if (c->e.opcode == nvme_cmd_flush)
		return !feature_write_cache(c->m);
	return (c->e.opcode == nvme_cmd_read && FAULT(c->m, SANITIZE_READS_OPEN)) ||
	       (c->e.opcode != nvme_cmd_read && FAULT(c->m, SANITIZE_WRITES_OPEN));
}

bool sanitize_forbids(struct mcmd *c)
{
	const struct model_sanitize *s = c->m->sanitize;
	bool running = s->state == RUNNING;

	if (s->state == IDLE || (FAULT(c->m, SANITIZE_ONE_CONTROLLER) && c->m->index != s->index) ||
	    (c->sqid ? io_is_allowed(c) : admin_is_allowed(c, running)))
		return false;
	if (FAULT(c->m, SANITIZE_WRONG_STATUS))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_NOWHERE);
	else
		mcmd_fail(c, running || !c->sqid ? SC_SANITIZE_IN_PROGRESS : SC_SANITIZE_FAILED,
			  MCMD_NOWHERE);
	c->dnr = false;
	return true;
}

bool sanitize_busy(const struct model *m)
{
	return m->sanitize->state != IDLE;
}

bool sanitize_hides_lba(const struct model *m)
{
	return sanitize_busy(m) && !FAULT(m, SANITIZE_LBA_SHOWN);
}

/* ---- log page 81h ---- */

static uint16_t progress(const struct model *m)
{
	const struct model_sanitize *s = m->sanitize;

	if (s->state != RUNNING)
		return FAULT(m, SANITIZE_PROGRESS_IDLE_ZERO) ? 0 : PROGRESS_NONE;
	if (FAULT(m, SANITIZE_PROGRESS_FALLS))
		return (uint16_t)((s->due - model_now(m)) * 0xffff / (s->due - s->begun));
	return (uint16_t)((model_now(m) - s->begun) * 0xffff / (s->due - s->begun));
}

static unsigned passes_done(const struct model *m)
{
	const struct model_sanitize *s = m->sanitize;

	if (s->state != RUNNING || SANACT(s->cdw10) != ACT_OVERWRITE)
		return s->passes;
	return (unsigned)((model_now(m) - s->begun) / (PASS_S * NS_PER_S));
}

static uint32_t estimate(const struct model *m, unsigned bit, unsigned seconds, bool modified)
{
	if (!(m->opt.sanicap & bit) || (modified && m->opt.sanicap >> 30 != 2))
		return NOT_TOLD;
	return modified ? seconds + MODIFY_S : seconds;
}

size_t sanitize_log(struct model *m, uint8_t *page)
{
	struct nvme_sanitize_log_page *log = (struct nvme_sanitize_log_page *)page;
	const struct model_sanitize *s = m->sanitize;
	unsigned sstat = s->sos | passes_done(m) << 3 | (unsigned)s->gde << 8;

	if (FAULT(m, SANITIZE_PASSES_UNTOLD))
		sstat &= ~(0x1fu << 3);
	if (FAULT(m, SANITIZE_STATUS_RESERVED))
		sstat |= 7;
	log->sprog = le16_from(progress(m));
	log->sstat = le16_from((uint16_t)sstat);
	log->scdw10 = le32_from(FAULT(m, SANITIZE_CDW10_LOST) ? 0 : s->cdw10);
	log->eto = le32_from(estimate(m, 4, PASSES_MOST * PASS_S, false));
	log->etbe = le32_from(estimate(m, 2, BLOCK_ERASE_S, false));
	log->etce = le32_from(estimate(m, 1, CRYPTO_S, false));
	log->etond = le32_from(estimate(m, 4, PASSES_MOST * PASS_S, true));
	log->etbend = le32_from(estimate(m, 2, BLOCK_ERASE_S, true));
	log->etcend = le32_from(estimate(m, 1, CRYPTO_S, true));
	return sizeof(*log);
}
