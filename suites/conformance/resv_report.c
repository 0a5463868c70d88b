// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations: what is reported of them, and what they outlive. */
#include <stdio.h>
#include <string.h>

#include "device.h"
#include "resv_host.h"

#define PAGE 4096u

/* ---- report ---- */

static void check_entry(struct resv *v, const struct resv_state *s, unsigned who, uint64_t key,
			bool holder)
{
	const struct resv_entry *e = resv_find(v, s, who);
	uint16_t cntlid = who ? rig_facts(v->r)->peer.cntlid : le16_get(rig_facts(v->r)->id.cntlid);

	CHECK_TRUE(v->r, e != NULL, "the host of %s is reported with its Host Identifier",
		   rig_ctrl_name(v->r, v->d->c[who]));
	if (!e)
		return;
	CHECK_EQ(v->r, "CNTLID of the registrant", e->cntlid, cntlid);
	CHECK_EQ(v->r, "key of the registrant", e->key, key);
	CHECK_EQ(v->r, "whether it holds the reservation", e->holds, holder);
}

/* Both registrants once, the first as holder, whichever controller is asked. */
static void check_fields(struct resv *v)
{
	struct resv_state s;

	resv_both_register(v);
	resv_hold(v, RESV_WE);
	for (unsigned by = 0; by < 2; by++) {
		resv_report(v, by, &s);
		CHECK_EQ(v->r, "registrants", s.n, 2);
		CHECK_EQ(v->r, "the reservation type", s.type, RESV_WE);
		check_entry(v, &s, 0, RESV_KEY0, true);
		check_entry(v, &s, 1, RESV_KEY1, false);
	}
}

static void fields(struct rig *r)
{
	check_fields(resv_new(r));
}

static void extended_fields(struct rig *r)
{
	check_fields(resv_new_extended(r));
}

/* A part of the structure, and more than there is of it: what is transferred, and no byte more. */
static void lengths(struct rig *r)
{
	struct resv *v = resv_new(r);
	const size_t asked[] = { 4, 24, 44, 72, 76, 1024 };
	struct buf *b = rig_buf(r, PAGE);
	uint8_t *whole = rig_mem(r, PAGE), *before = rig_mem(r, PAGE);
	size_t size = 24 + 2 * 24;

	resv_both_register(v);
	rig_io_ok(r, v->d->q[0], resv_report_cmd(v, whole, size, false));
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		struct cmd c = resv_report_cmd(v, NULL, asked[i], false);
		size_t n = asked[i] < size ? asked[i] : size;

		buf_poison(b, (uint8_t)i);
		memcpy(before, b->data, PAGE);
		rig_prp(r, &c, b, 0, asked[i]);
		CHECK_STATUS(r, rig_io(r, v->d->q[0], c), SC_SUCCESS);
		CHECK_MEM(r, "the part of the structure", b->data, whole, n);
		check_untouched(r, CHECK_SITE(0, 0), b, before, 0, n);
	}
}

static void ask_eds(struct resv *v)
{
	uint8_t *page = rig_mem(v->r, PAGE);

	CHECK_STATUS(v->r, rig_io(v->r, v->d->q[0], resv_report_cmd(v, page, PAGE, !v->extended)),
		     SC_HOST_ID_FORMAT);
}

static void eds_of_64(struct rig *r)
{
	if (rig_facts(r)->vs < VS(2, 0, 0))
		rig_na(r, "VS is before 2.0: the text asks it from there on");
	ask_eds(resv_new(r));
}

static void eds_of_128(struct rig *r)
{
	ask_eds(resv_new_extended(r));
}

static const struct report_row {
	const char *name;
	void (*ask)(struct rig *r);
} report_rows[] = {
	{ "fields", fields },	 { "extended", extended_fields }, { "lengths", lengths },
	{ "eds-64", eds_of_64 }, { "eds-128", eds_of_128 },
};

static void report(struct rig *r)
{
	const struct report_row *row = rig_row(r);

	row->ask(r);
}

/* ---- persistence ---- */

/* After the hosts have their identifiers back: everything, or nothing. */
static void check_state(struct resv *v, bool kept)
{
	struct resv_state s;

	resv_again(v);
	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "registrants", s.n, kept ? 2 : 0);
	CHECK_EQ(v->r, "the reservation type", s.type, kept ? RESV_WE : 0);
	if (kept) {
		check_entry(v, &s, 0, RESV_KEY0, true);
		check_entry(v, &s, 1, RESV_KEY1, false);
	}
}

static void over_reset(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	rig_reset_on(v->r, v->d->c[0]);
	check_state(v, true);
	rig_reset_on(v->r, v->d->c[1]);
	check_state(v, true);
}

static void over_nssr(struct resv *v)
{
	struct device_config *config = device_config_keep(v->r);
	const char *na = device_na_nssr(rig_facts(v->r));

	if (na)
		rig_na(v->r, "%s", na);
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	device_nssr(v->r, config);
	check_state(v, true);
}

static void over_power(struct resv *v, unsigned cptpl)
{
	resv_both_register(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(cptpl), 0, RESV_KEY0));
	resv_hold(v, RESV_WE);
	device_power_cycle(v->r);
	check_state(v, cptpl == 3);
}

static void over_power_lost(struct resv *v)
{
	over_power(v, 2);
}

static void over_power_kept(struct resv *v)
{
	resv_need_ptpl(v);
	over_power(v, 3);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(2), 0, RESV_KEY0));
}

static const struct resv_row persistence_rows[] = {
	{ "controller-reset", over_reset },
	{ "subsystem-reset", over_nssr },
	{ "power-without-ptpl", over_power_lost },
	{ "power-with-ptpl", over_power_kept },
};

static const struct rig_case cases[] = {
	{ .id = "report",
	  .rule = "Reservation Report lists each registrant once, in the form of its identifier.",
	  .ref = "Base 2.2 Reservation Report command",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-report-first-alone resv-report-no-holder resv-report-own-cntlid "
		   "resv-report-overrun resv-report-eds-unchecked",
	  .na = resv_na,
	  .run = report,
	  ROWS(report_rows) },
	{ .id = "persistence",
	  .rule = "Reservations outlive every reset, and a loss of power where PTPL says so.",
	  .ref = "Base 2.2 Reservation Types; Base 2.2 Reservation Register command (CPTPL)",
	  .needs = NEED_QUEUES | NEED_PEER | NEED_CONFIG,
	  .harm = HARM_DATA,
	  .fault = "resv-lost-at-reset resv-ptpl-lost resv-ptpl-ignored",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(persistence_rows) },
};

SUITE(resv_report_suite, CONFORMANCE, "resv", cases);
