// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations: registering and acquiring. */
#include <stdio.h>

#include "resv_host.h"

/* ---- register ---- */

static void registers(struct resv *v)
{
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	resv_check_key(v, 0, RESV_KEY0);
	RESV_DONE(v, resv_register(v, 1, RESV_REGISTER, 0, RESV_KEY0)); /* one key, two hosts */
	resv_check_key(v, 1, RESV_KEY0);
}

static void same_key(struct resv *v)
{
	resv_both_register(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	resv_check_key(v, 0, RESV_KEY0);
}

static void other_key(struct resv *v)
{
	resv_both_register(v);
	RESV_CONFLICT(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_NEW_KEY));
	resv_check_key(v, 0, RESV_KEY0);
}

static void iekey_ignored(struct resv *v)
{
	resv_both_register(v);
	resv_need_iekey(v);
	RESV_CONFLICT(v, resv_register(v, 0, RESV_REGISTER | RESV_IEKEY, 0, RESV_NEW_KEY));
}

static void replaces(struct resv *v)
{
	resv_both_register(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REPLACE, RESV_KEY0, RESV_NEW_KEY));
	resv_check_key(v, 0, RESV_NEW_KEY);
	resv_check_key(v, 1, RESV_KEY1);
}

static void replace_wrong(struct resv *v)
{
	resv_both_register(v);
	RESV_CONFLICT(v, resv_register(v, 0, RESV_REPLACE, RESV_KEY1, RESV_NEW_KEY));
	resv_check_key(v, 0, RESV_KEY0);
}

static void replace_forced(struct resv *v)
{
	resv_both_register(v);
	resv_need_iekey(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REPLACE | RESV_IEKEY, RESV_KEY1, RESV_NEW_KEY));
	resv_check_key(v, 0, RESV_NEW_KEY);
}

static void replace_keeps(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_register(v, 0, RESV_REPLACE, RESV_KEY0, RESV_NEW_KEY));
	resv_check_held(v, RESV_WE);
}

static void unregisters(struct resv *v)
{
	struct resv_state s;

	resv_both_register(v);
	RESV_DONE(v, resv_register(v, 0, RESV_UNREGISTER, RESV_KEY0, 0));
	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "registrants", s.n, 1);
	CHECK_TRUE(v->r, !resv_find(v, &s, 0), "the host is no registrant any more");
}

static void unregister_wrong(struct resv *v)
{
	resv_both_register(v);
	RESV_CONFLICT(v, resv_register(v, 0, RESV_UNREGISTER, RESV_KEY1, 0));
	resv_check_key(v, 0, RESV_KEY0);
}

static void unregister_forced(struct resv *v)
{
	struct resv_state s;

	resv_both_register(v);
	resv_need_iekey(v);
	RESV_DONE(v, resv_register(v, 0, RESV_UNREGISTER | RESV_IEKEY, RESV_KEY1, 0));
	resv_report(v, 0, &s);
	CHECK_TRUE(v->r, !resv_find(v, &s, 0), "the host is no registrant any more");
}

static void unregister_outsider(struct resv *v)
{
	RESV_CONFLICT(v, resv_register(v, 0, RESV_UNREGISTER, RESV_KEY0, 0));
}

static void unregister_releases(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_EA);
	RESV_DONE(v, resv_register(v, 0, RESV_UNREGISTER, RESV_KEY0, 0));
	resv_check_held(v, 0);
}

static void cptpl(struct resv *v)
{
	struct resv_state s;

	resv_need_ptpl(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(3), 0, RESV_KEY0));
	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "PTPLS after CPTPL 11b", s.ptpls, 1);
	RESV_DONE(v, resv_register(v, 1, RESV_REGISTER, 0, RESV_KEY1));
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "PTPLS after CPTPL 00b", s.ptpls, 1);
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER | RESV_CPTPL(2), 0, RESV_KEY0));
	resv_report(v, 0, &s);
	CHECK_EQ(v->r, "PTPLS after CPTPL 10b", s.ptpls, 0);
}

static void generation(struct resv *v)
{
	struct resv_state s;
	uint32_t was;

	resv_report(v, 0, &s);
	was = s.generation;
	resv_both_register(v);
	RESV_DONE(v, resv_register(v, 0, RESV_REPLACE, RESV_KEY0, RESV_NEW_KEY));
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "the generation after three Registers", s.generation, was + 3u);
	RESV_CONFLICT(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "the generation after one that failed", s.generation, was + 3u);
}

static const struct resv_row register_rows[] = {
	{ "register", registers },
	{ "same-key", same_key },
	{ "other-key", other_key },
	{ "iekey-ignored", iekey_ignored },
	{ "replace", replaces },
	{ "replace-wrong-key", replace_wrong },
	{ "replace-iekey", replace_forced },
	{ "replace-keeps-reservation", replace_keeps },
	{ "unregister", unregisters },
	{ "unregister-wrong-key", unregister_wrong },
	{ "unregister-iekey", unregister_forced },
	{ "unregister-outsider", unregister_outsider },
	{ "unregister-releases", unregister_releases },
	{ "cptpl", cptpl },
	{ "generation", generation },
};

/* ---- acquire-types ---- */

/* RESCAP has the type: it is held by whoever asked. RESCAP does not: Invalid Field. */
static void ask_type(struct resv *v, unsigned type)
{
	const struct resv_entry *e;
	struct resv_state s;
	struct cpl cpl;

	resv_both_register(v);
	cpl = resv_acquire(v, 0, RESV_ACQUIRE, type, RESV_KEY0, 0);
	if (!(v->caps >> type & 1)) {
		RESV_INVALID(v, cpl);
		resv_check_held(v, 0);
		return;
	}
	RESV_DONE(v, cpl);
	resv_report(v, 1, &s);
	CHECK_EQ(v->r, "the reservation type in the report", s.type, type);
	e = resv_find(v, &s, 0);
	CHECK_TRUE(v->r, e && e->holds, "the host that acquired it is marked as holder");
	e = resv_find(v, &s, 1);
	CHECK_TRUE(v->r, e && e->holds == (type >= RESV_WEAR),
		   "the other registrant is %s as holder",
		   type >= RESV_WEAR ? "marked" : "not marked");
}

static void type_we(struct resv *v)
{
	ask_type(v, RESV_WE);
}

static void type_ea(struct resv *v)
{
	ask_type(v, RESV_EA);
}

static void type_wero(struct resv *v)
{
	ask_type(v, RESV_WERO);
}

static void type_earo(struct resv *v)
{
	ask_type(v, RESV_EARO);
}

static void type_wear(struct resv *v)
{
	ask_type(v, RESV_WEAR);
}

static void type_eaar(struct resv *v)
{
	ask_type(v, RESV_EAAR);
}

static void reserved_type(struct resv *v)
{
	const unsigned types[] = { 0, 7, 8, 0x80, 0xff };

	resv_both_register(v);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		RESV_INVALID(v, resv_acquire(v, 0, RESV_ACQUIRE, types[i], RESV_KEY0, 0));
	resv_check_held(v, 0);
}

static void reserved_action(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	for (uint32_t action = 3; action < 8; action++)
		RESV_INVALID(v, resv_acquire(v, 0, action, RESV_WE, RESV_KEY0, RESV_KEY1));
	resv_check_held(v, 0);
}

static void acquire_iekey(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	RESV_INVALID(v, resv_acquire(v, 0, RESV_ACQUIRE | RESV_IEKEY, RESV_WE, RESV_KEY0, 0));
	resv_check_held(v, 0);
}

static void acquire_outsider(struct resv *v)
{
	resv_need_type(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 0, RESV_ACQUIRE, RESV_WE, RESV_KEY0, 0));
	resv_check_held(v, 0);
}

static void acquire_wrong_key(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 0, RESV_ACQUIRE, RESV_WE, RESV_KEY1, 0));
	resv_check_held(v, 0);
}

static void second_host(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 1, RESV_ACQUIRE, RESV_WE, RESV_KEY1, 0));
	resv_check_held(v, RESV_WE);
}

static void other_type(struct resv *v)
{
	resv_both_register(v);
	resv_need_type(v, RESV_EA);
	resv_hold(v, RESV_WE);
	RESV_CONFLICT(v, resv_acquire(v, 0, RESV_ACQUIRE, RESV_EA, RESV_KEY0, 0));
	resv_check_held(v, RESV_WE);
}

static void own_type_again(struct resv *v)
{
	resv_both_register(v);
	resv_hold(v, RESV_WE);
	RESV_DONE(v, resv_acquire(v, 0, RESV_ACQUIRE, RESV_WE, RESV_KEY0, 0));
	resv_check_held(v, RESV_WE);
}

static const struct resv_row acquire_rows[] = {
	{ "write-exclusive", type_we },
	{ "exclusive-access", type_ea },
	{ "write-exclusive-registrants", type_wero },
	{ "exclusive-access-registrants", type_earo },
	{ "write-exclusive-all", type_wear },
	{ "exclusive-access-all", type_eaar },
	{ "reserved-type", reserved_type },
	{ "reserved-action", reserved_action },
	{ "iekey", acquire_iekey },
	{ "outsider", acquire_outsider },
	{ "wrong-key", acquire_wrong_key },
	{ "second-host", second_host },
	{ "other-type", other_type },
	{ "own-type-again", own_type_again },
};

static const struct rig_case cases[] = {
	{ .id = "register",
	  .rule = "A host registers, replaces and unregisters its key, and no other's.",
	  .ref = "Base 2.2 Registering; Base 2.2 Unregistering; Base 2.2 Reservation Register "
		 "command; Base 2.2 Reservation Report command (GEN)",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-same-key-refused resv-other-key-registers resv-iekey-on-register "
		   "resv-replace-unchecked resv-iekey-checked resv-replace-releases "
		   "resv-unregister-unchecked resv-outsider-unregisters resv-unregister-keeps "
		   "resv-cptpl-lost resv-generation-stuck",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(register_rows) },
	{ .id = "acquire-types",
	  .rule = "A registrant acquires what nobody holds, of any type that RESCAP names.",
	  .ref = "Base 2.2 Acquiring a Reservation; Base 2.2 Reservation Acquire command",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-type-unchecked resv-acquire-action-accepted resv-acquire-iekey-accepted "
		   "resv-outsider-acquires resv-acquire-key-unchecked resv-second-host-acquires "
		   "resv-holder-changes-type resv-acquire-again-refused resv-report-no-holder",
	  .na = resv_na,
	  .run = resv_ask_row,
	  ROWS(acquire_rows) },
};

SUITE(resv_suite, CONFORMANCE, "resv", cases);
