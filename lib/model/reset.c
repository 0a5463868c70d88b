// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Enable, disable, shutdown, and who is reset by what.
 * Source: Base 2.0 Controller Level Reset, Memory-based Transport Controller Initialization and
 * Shutdown; Base 2.2 CC, CSTS.
 */
#include "model/ana.h"
#include "model/core.h"
#include "model/resv.h"
#include "model/firmware.h"
#include "model/sanitize.h"
#include "model/directive.h"
#include "model/selftest.h"
#include "model/virt.h"
#include "model/zns.h"

#define CC_WRITABLE	      0x00fffff0u /* IOCQES down to CSS; EN apart; CRIME needs CAP.CRMS.CRIMS */
#define CSS_BY_PROFILE	      6u
#define CC_KEPT_WHILE_ENABLED (CC_CSS(7) | CC_MPS(15) | CC_AMS(7))
#define SHST(v)		      ((uint32_t)(v) << 2)
#define SHST_MASK	      SHST(3)
#define SLOW_NS		      ((CAP_TO_UNITS * 500ull + 1000) * 1000000ull)

static unsigned cc_mps(uint32_t cc)
{
	return cc >> 7 & 15;
}

static unsigned cc_shn(uint32_t cc)
{
	return cc >> 14 & 3;
}

bool core_running(const struct model *m)
{
	return m->core->state == CORE_READY && !(m->core->csts & CSTS_CFS) &&
	       !(m->core->csts & SHST(2)) && pci_master_enabled(m);
}

bool core_alive(const struct model *m)
{
	if (m->core->wedged)
		return false;
	return core_running(m) || (m->core->marks.off_runs && pci_master_enabled(m));
}

bool core_by_profile(const struct model *m)
{
	return (m->core->cc >> 4 & 7) == CSS_BY_PROFILE && m->opt.iocss;
}

/* What CC asks for cannot be: page size, command set, arbitration, admin queues of one entry. */
static bool config_is_bad(const struct model *m)
{
	uint32_t cc = m->core->cc, aqa = m->core->aqa;

	if (cc_mps(cc) > m->opt.mpsmax && !FAULT(m, MPS_UNCHECKED))
		return true;
	if ((cc >> 4 & 7) && !core_by_profile(m) && !FAULT(m, CSS_UNCHECKED))
		return true;
	if ((cc >> 11 & 7) && !arbitrate_is_weighted(m) && !FAULT(m, AMS_UNCHECKED))
		return true;
	if ((!(cc >> 16 & 15) || !(cc >> 20 & 15)) && FAULT(m, ENTRY_SIZES_NEEDED_TO_ENABLE))
		return true;
	return (!(aqa & 0xfff) || !(aqa >> 16)) && !FAULT(m, ADMIN_SIZE_ONE_ACCEPTED);
}

static void start(struct model *m)
{
	struct model_core *core = m->core;

	if ((core->csts & SHST_MASK) && !FAULT(m, SHST_SURVIVES_RESET))
		core->csts &= ~SHST_MASK;
	core->shutdown_due = NEVER;
	core->state = CORE_STARTING;
	core->state_due = m->sub->now + READY_NS;
	core->marks.enables++;
	if (core->marks.enables > 1 && FAULT(m, SLOW_READY))
		core->state_due = m->sub->now + SLOW_NS;
	if (FAULT(m, NEVER_READY))
		core->state_due = NEVER;
}

static void started(struct model *m)
{
	struct model_core *core = m->core;

	core->state_due = NEVER;
	core->moved = true;
	if (config_is_bad(m) || (core->marks.enables > 1 && FAULT(m, CFS_ON_ENABLE))) {
		core_fatal(m);
		return;
	}
	core->page = 4096u << cc_mps(core->cc);
	queue_admin_create(m);
	core->state = CORE_READY;
	core->csts |= CSTS_RDY;
}

static void stopped(struct model *m)
{
	struct model_core *core = m->core;

	core->moved = true;
	core->state = CORE_OFF;
	core->state_due = NEVER;
	core->csts &= ~CSTS_RDY;
	if (core->cc & CC_EN)
		start(m);
}

void core_level_reset(struct model *m, enum model_reset kind)
{
	struct model_core *core = m->core;

	core_drop_all(m, kind);
	core->alive_expired = false;
	core->cc = 0;
	core->intm = core->intm && FAULT(m, INTMS_SURVIVES_RESET) ? core->intm : 0;
	if ((core->csts & CSTS_CFS) && !FAULT(m, CFS_SURVIVES_RESET))
		core->csts &= ~CSTS_CFS;
	if ((core->csts & SHST_MASK) && !FAULT(m, SHST_SURVIVES_RESET))
		core->csts &= ~SHST_MASK;
	core->csts &= CSTS_RDY | CSTS_NSSRO | CSTS_CFS | SHST_MASK;
	core->shutdown_due = NEVER;
	boot_reset(m);
	cmb_reset(m, kind);
	pmr_reset(m, kind);
	if (kind != MODEL_RESET_CC) {
		core->aqa = 0;
		core->asq = core->acq = 0;
		core->csts &= kind == MODEL_RESET_FLR ? CSTS_NSSRO : 0;
		core->state = CORE_OFF;
		core->state_due = NEVER;
		core->wedged = false;
		core->marks.toggled = false;
	}
	features_reset(m, kind);
	keepalive_restart(m);
	logs_reset(m, kind);
	media_reset(m, kind);
	resv_reset(m, kind);
	zns_reset(m, kind);
	dbbuf_reset(m, kind);
	firmware_reset(m, kind);
	selftest_reset(m, kind);
	sanitize_reset(m, kind);
	virt_reset(m);
	directives_reset(m);
	ana_reset(m, kind);
}

/* CC.EN 1 to 0. AQA, ASQ and ACQ stay. */
static void disable(struct model *m)
{
	struct model_core *core = m->core;
	uint32_t aqa = core->aqa;

	if (model_other(m) && FAULT(m, RESET_REACHES_PEER))
		core_drop_all(model_other(m), MODEL_RESET_CC);
	core_level_reset(m, MODEL_RESET_CC);
	if (FAULT(m, AQA_LOST_OVER_RESET))
		aqa = 0;
	core->aqa = aqa;
	if (FAULT(m, ASQ_LOST_OVER_RESET))
		core->asq = core->acq = 0;
	core->marks.toggled |= core->state == CORE_STARTING && FAULT(m, FAST_TOGGLE_STICKS);
	core->state = CORE_STOPPING;
	core->state_due = m->sub->now + READY_NS;
	if (FAULT(m, RDY_STUCK_ON_DISABLE) || (core->marks.toggled && core->csts & CSTS_RDY))
		core->state_due = NEVER;
}

static void shut_down(struct model *m)
{
	struct model_core *core = m->core;

	core->csts = (core->csts & ~SHST_MASK) | SHST(1);
	core->shutdown_due = m->sub->now + SHUTDOWN_NS;
	if (model_other(m) && FAULT(m, SHUTDOWN_REACHES_PEER))
		model_other(m)->core->csts |= SHST(1);
	if (FAULT(m, SHST_STUCK) || (FAULT(m, SHUTDOWN_WAITS_FOR_HOST) && core->running) ||
	    (FAULT(m, SHST_STUCK_WHILE_DISABLED) && !(core->cc & CC_EN)))
		core->shutdown_due = NEVER;
}

/* Commands still held back by a full completion queue are not completed any more. */
static void shut_down_done(struct model *m)
{
	struct model_core *core = m->core;

	core->shutdown_due = NEVER;
	for (unsigned i = 0; i < core->nslots; i++)
		engine_drop(m, &core->slot[i]);
	if (model_has_io_queues(m) && FAULT(m, SHUTDOWN_LOSES_WRITES))
		media_reset(m, MODEL_POWER_OFF);
	if (cc_shn(core->cc) == 1)
		media_reset(m, MODEL_SHUTDOWN);
	zns_initial(m);
	logs_reset(m, MODEL_SHUTDOWN);
	virt_reset(m);
	core->csts = (core->csts & ~SHST_MASK) | SHST(2);
	core->moved = true;
}

void core_cc_write(struct model *m, uint32_t value)
{
	struct model_core *core = m->core;
	uint32_t was = core->cc;
	uint32_t fixed = was & CC_EN ? CC_KEPT_WHILE_ENABLED : 0;
	uint32_t more = value & ~(CC_WRITABLE | CC_EN);
	uint32_t writable = more && FAULT(m, CC_RESERVED_BITS_STICK) ? 0xfffffffeu : CC_WRITABLE;
	uint32_t cc = (value & writable & ~fixed) | (was & fixed) | (value & CC_EN);
	bool shuts = cc_shn(cc) != cc_shn(was) && (cc_shn(cc) == 1 || cc_shn(cc) == 2);

	if (virt_is_offline(m))
		return;
	if ((was & CC_EN) && !(value & CC_EN)) {
		disable(m);
		return;
	}
	if ((was & CC_EN) && FAULT(m, CC_REWRITE_DROPS_QUEUES))
		core_drop_all(m, MODEL_RESET_CC);
	if ((was & CC_EN) && FAULT(m, MPS_CHANGES_LIVE))
		core->page = 4096u << cc_mps(value);
	core->cc = cc;
	if (!(was & CC_EN) && (value & CC_EN) && core->state == CORE_OFF)
		start(m);
	if (shuts)
		shut_down(m);
}

void core_step_state(struct model *m)
{
	struct model_core *core = m->core;

	if (core->state_due <= m->sub->now) {
		if (core->state == CORE_STARTING)
			started(m);
		else if (core->state == CORE_STOPPING)
			stopped(m);
	}
	if (core->shutdown_due <= m->sub->now)
		shut_down_done(m);
	boot_step(m);
	pmr_step(m);
	keepalive_step(m);
	selftest_step(m);
	sanitize_step(m);
}

uint64_t core_state_next(const struct model *m)
{
	const struct model_core *core = m->core;

	uint64_t due = core->state_due < core->shutdown_due ? core->state_due : core->shutdown_due;

	if (core->boot.due < due)
		due = core->boot.due;
	if (selftest_due(m) < due)
		due = selftest_due(m);
	if (pmr_next(m) < due)
		due = pmr_next(m);
	if (sanitize_due(m) < due)
		due = sanitize_due(m);
	return core->alive_due < due ? core->alive_due : due;
}

void model_flr(struct model *m)
{
	struct model_core *core = m->core;
	uint32_t cc = core->cc, aqa = core->aqa, shst = core->csts & SHST_MASK;

	core_level_reset(m, MODEL_RESET_FLR);
	if (model_other(m) && FAULT(m, FLR_REACHES_PEER))
		core_drop_all(model_other(m), MODEL_RESET_FLR);
	if (FAULT(m, FLR_KEEPS_SHST))
		core->csts |= shst;
	if (FAULT(m, FLR_KEEPS_CC))
		core->cc = cc & ~CC_EN;
	if (FAULT(m, FLR_KEEPS_AQA))
		core->aqa = aqa;
	pci_function_reset(m);
	if (!FAULT(m, FLR_KEEPS_MSIX))
		irq_reset(m);
}

static void subsystem_reset_one(struct model *m, bool activates)
{
	uint32_t aqa = m->core->aqa;

	m->core->marks.keep_queues = FAULT(m, NSSR_KEEPS_QUEUES);
	core_level_reset(m, MODEL_RESET_FLR);
	zns_initial(m);
	m->core->marks.keep_queues = false;
	if (!FAULT(m, CMBMSC_KEPT_OVER_NSSR))
		cmb_reset(m, MODEL_POWER_ON);
	if (FAULT(m, NSSR_KEEPS_AQA))
		m->core->aqa = aqa;
	pci_reset(m);
	irq_reset(m);
	m->core->csts |= activates || FAULT(m, NSSRO_NOT_SET) ? 0 : CSTS_NSSRO;
}

/*
 * Every link of the subsystem goes down with it, so configuration space is lost as well. It is not
 * told of by NSSRO where it makes another firmware image run.
 */
void core_subsystem_reset(struct model *m)
{
	struct model_subsystem *s = m->sub;
	bool activates = firmware_waits(m);

	for (unsigned i = 0; i < s->n; i++)
		if (s->ctrl[i] == m || !FAULT(m, NSSR_SPARES_PEER))
			subsystem_reset_one(s->ctrl[i], activates);
}
