// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Derived from the table of asynchronous events: each that a host can bring about is told as the
 * table has it, once until its log page is read with RAE 0, and not while it is masked.
 */
#include <string.h>

#include "ana.h"
#include "derived.h"
#include "ns_made.h"
#include "resv_host.h"
#include "spec/event.h"
#include "spec/log.h"
#include "temperature.h"

#define OWN_BYTES    (1u << 20)
#define ENTRY_BYTES  64u /* of the Error Information log: one is enough */
#define OTHER_BYTES  512u
#define NEVER_A_TAIL 0xffffu
#define CDW10_RAE    (1u << 15)

/* An event while a case brings it about. */
struct made {
	struct rig *r;
	const struct spec_event *e;
	const struct way *way;
	struct ctrl *at; /* the controller that tells of it */
	unsigned times;	 /* that it was brought about */
	unsigned kelvin;
	uint32_t id; /* an NSID, or an ANA group */
	struct sq *q;
	struct resv *v;
};

struct way {
	const char *event;
	enum rig_harm harm;
	unsigned needs;
	const char *fault;
	const char *(*na)(const struct facts *f);
	void (*begin)(struct made *m);
	void (*make)(struct made *m);
	void (*undo)(struct made *m); /* so that it can be made anew; NULL: nothing is to do */
};

/* ---- how events are brought about ---- */

static void temperature_begin(struct made *m)
{
	m->kelvin = temperature_watch(m->r);
}

static void temperature_undo(struct made *m)
{
	temperature_uncross(m->r, m->kelvin);
	rig_wait(m->r, HELD_NS);
}

static void temperature_make(struct made *m)
{
	temperature_undo(m);
	temperature_cross(m->r, m->kelvin);
}

static void doorbell_begin(struct made *m)
{
	m->q = rig_queue_pair(m->r, 1, rig_queue_fit(m->r, 4));
}

static void doorbell_make(struct made *m)
{
	sq_ring_value(m->q, NEVER_A_TAIL);
	rig_wait(m->r, HELD_NS);
	if (rig_reg32(m->r, REG_CSTS) & CSTS_CFS) {
		rig_reset(m->r);
		rig_na(m->r, "an invalid doorbell value ends in CSTS.CFS");
	}
}

static void namespace_begin(struct made *m)
{
	m->id = ns_own(m->r, OWN_BYTES);
	ns_watch(m->r);
}

static void namespace_make(struct made *m)
{
	REQUIRE_STATUS(m->r, ns_attach(m->r, m->id, m->times % 2 == 0), SC_SUCCESS);
}

static void ana_begin(struct made *m)
{
	m->id = ana_identify(m->r, m->at, rig_ns(m->r)->nsid, NULL);
}

static void ana_make(struct made *m)
{
	static const struct ana_row rows[] = { ANA_ROWS };
	static const struct ana_row optimized = { "optimized", NVME_ANA_STATE_OPTIMIZED,
						  NVME_CTRL_ANACAP_OPT, SC_SUCCESS, false };

	ana_enter(m->r, m->at, m->id, m->times % 2 ? &optimized : &rows[0]);
}

static void telemetry_make(struct made *m)
{
	rig_control_on(m->r, m->at, "telemetry");
}

static const char *na_telemetry(const struct facts *f)
{
	return le32_get(f->id.oaes) >> 10 & 1 ? NULL : "OAES bit 10 is 0: telemetry is not told of";
}

static void reservation_begin(struct made *m)
{
	m->v = resv_new(m->r);
	m->at = m->v->d->c[1];
}

/* Whoever is registered hears that another host cleared it all. */
static void reservation_make(struct made *m)
{
	resv_both_register(m->v);
	REQUIRE_STATUS(m->r, resv_release(m->v, 0, RESV_CLEAR, 0, RESV_KEY0), SC_SUCCESS);
}

static void reservation_undo(struct made *m)
{
	resv_drain(m->v);
}

#define ONCE "aer-repeats-before-read aer-retain-ignored aer-never-unmasked "

static const struct way ways[] = {
	{ "temperature", HARM_SETTINGS, 0,
	  ONCE "temp-event-missing temp-event-wrong-log aer-config-ignored", NULL,
	  temperature_begin, temperature_make, temperature_undo },
	{ "doorbell-value", HARM_NONE, 0, ONCE "tail-invalid-no-event", NULL, doorbell_begin,
	  doorbell_make, NULL },
	{ "namespace", HARM_WEAR, 0,
	  ONCE "ns-event-missing ns-event-wrong-log ns-event-unasked detach-untold", ns_na_changes,
	  namespace_begin, namespace_make, NULL },
	{ "ana", HARM_SETTINGS, NEED_CONTROL,
	  ONCE "ana-event-missing ana-event-wrong-log ns-event-unasked", ana_na, ana_begin,
	  ana_make, NULL },
	{ "telemetry", HARM_SETTINGS, NEED_CONTROL, ONCE "telemetry-untold ns-event-unasked",
	  na_telemetry, NULL, telemetry_make, NULL },
	{ "reservation", HARM_DATA, NEED_PEER, ONCE "resv-event-missing resv-mask-ignored", resv_na,
	  reservation_begin, reservation_make, reservation_undo },
};

/* ---- the question ---- */

static void make(struct made *m)
{
	m->way->make(m);
	m->times++;
}

static void read_log(struct made *m, bool retain)
{
	const struct spec_log *log = spec_log(m->e->lid);
	size_t len = log && log->bytes		       ? log->bytes
		     : m->e->lid == NVME_LOG_LID_ERROR ? ENTRY_BYTES
						       : OTHER_BYTES;
	struct cmd c = cmd_get_log(m->e->lid, NSID_ALL, 0, rig_mem(m->r, len), len);

	if (retain)
		c.sqe.cdw10 = le32_from(le32_get(c.sqe.cdw10) | CDW10_RAE);
	rig_admin_ok_on(m->r, m->at, c);
}

/* Its condition is no more, and its log page is read. */
static void clear(struct made *m)
{
	if (m->way->undo)
		m->way->undo(m);
	read_log(m, false);
}

static bool can_mask(const struct made *m)
{
	return m->e->mask || m->e->config != EVENT_ALWAYS;
}

static void enable(struct made *m, bool on)
{
	struct cmd c;

	if (m->e->mask)
		c = cmd_set_features(m->e->mask, false, m->v->nsid, on ? 0 : 0xe);
	else
		c = cmd_set_features(NVME_FEAT_FID_ASYNC_EVENT, false, 0,
				     on ? 1u << m->e->config : 0);
	rig_admin_ok_on(m->r, m->at, c);
}

static void check_told(struct made *m, const char *when)
{
	struct cpl cpl = { .dw0 = 0 };

	REQUIRE_TRUE(m->r, rig_event_try_on(m->r, m->at, &cpl, EVENT_NS), "%s is told of %s",
		     m->e->name, when);
	CHECK_STATUS(m->r, cpl, SC_SUCCESS);
	CHECK_EQ(m->r, "event type, information and log page", cpl.dw0 & EVENT_DW0_MASK,
		 spec_event_dw0(m->e));
	rig_aer_held_on(m->r, m->at);
}

static void check_untold(struct made *m, const char *when)
{
	struct cpl cpl = { .dw0 = 0 };
	bool came = rig_event_try_on(m->r, m->at, &cpl, HELD_NS);

	REQUIRE_TRUE(m->r, !came, "%s is not told of %s (an AER came back with Dword 0 %08Xh)",
		     m->e->name, when, came ? cpl.dw0 : 0);
}

static void ask_masked(struct made *m)
{
	enable(m, false);
	read_log(m, false);
	rig_aer_held_on(m->r, m->at);
	make(m);
	check_untold(m, "while it is masked");
	clear(m);
	enable(m, true);
}

static void ask_event(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct made m = { .r = r, .e = row->of, .way = &ways[row->kind], .at = rig_ctrl(r) };

	if (m.e->oaes >= 0 && !(le32_get(rig_facts(r)->id.oaes) >> m.e->oaes & 1))
		rig_na(r, "OAES bit %d is 0: %s is not claimed", m.e->oaes, m.e->name);
	rig_keep_feature(r, NVME_FEAT_FID_ASYNC_EVENT, 0, 0);
	if (m.way->begin)
		m.way->begin(&m);
	if (can_mask(&m)) {
		ask_masked(&m);
	} else {
		read_log(&m, false);
		rig_aer_held_on(r, m.at);
	}
	make(&m);
	check_told(&m, "when it comes about");
	make(&m);
	check_untold(&m, "again before its log page is read");
	read_log(&m, true);
	make(&m);
	check_untold(&m, "again after its log page was read with RAE 1");
	clear(&m);
	make(&m);
	check_told(&m, "again after its log page was read with RAE 0");
}

static void events(struct derived *d)
{
	for (const struct spec_event *e = spec_events; e->id; e++)
		for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
			if (strcmp(ways[i].event, e->id))
				continue;
			derived_case(d,
				     (struct rig_case){ .ref = e->ref,
							.needs = NEED_QUEUES | ways[i].needs,
							.harm = ways[i].harm,
							.fault = ways[i].fault,
							.na = ways[i].na,
							.run = ask_event },
				     "event.%s", e->id);
			derived_rule(d,
				     "%s is told of once until log page %02Xh is read with RAE 0, "
				     "and not where it is masked.",
				     e->name, e->lid);
			derived_row(d, (struct derived_row){ .of = e, .kind = i }, "life");
		}
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = { events, NULL };

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_event_suite, CONFORMANCE, "derived", derive);
