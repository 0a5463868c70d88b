// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Derived from the table of reservations: every command that it lists, under every type, from the
 * holder, from another registrant and from an outsider.
 */
#include <stdio.h>
#include <string.h>

#include "derived.h"
#include "format_op.h"
#include "io_area.h"
#include "resv_host.h"
#include "spec/resv.h"

#define FIRST  64u
#define SOURCE 32u /* what a Copy reads */

/* One type, one role, one command. */
struct asked {
	struct resv *v;
	const struct spec_resv_command *c;
	enum spec_resv_type type;
	enum spec_resv_role role;
	unsigned by; /* which controller it comes through */
};

/* ---- the commands ---- */

static const struct io_op *op_of(const struct spec_resv_command *c)
{
	for (size_t i = 0; !c->admin && i < IO_OPS; i++)
		if (io_ops[i].opcode == c->opcode)
			return &io_ops[i];
	return NULL;
}

/* Another type than the one held, so that the holder is refused as well. */
static unsigned other_type(const struct asked *a)
{
	for (unsigned t = SPEC_RESV_WE; t < SPEC_RESV_TYPES; t++)
		if (t != a->type && a->v->caps >> t & 1)
			return t;
	return 0;
}

static struct cpl send_reservation(const struct asked *a)
{
	uint64_t own = a->by ? RESV_KEY1 : RESV_KEY0, other = a->by ? RESV_KEY0 : RESV_KEY1;
	unsigned action = a->c->action < 0 ? 0 : (unsigned)a->c->action;
	struct resv_state s;

	switch (a->c->opcode) {
	case nvme_cmd_resv_acquire:
		return resv_acquire(a->v, a->by, action, action ? a->type : other_type(a), own,
				    action ? other : 0);
	case nvme_cmd_resv_release:
		return resv_release(a->v, a->by, RESV_RELEASE, a->type, own);
	case nvme_cmd_resv_register:
		return resv_register(a->v, a->by, RESV_REGISTER, 0, own);
	default:
		resv_report(a->v, a->by, &s); /* it must succeed */
		return (struct cpl){ .status = SC_SUCCESS };
	}
}

static struct cpl send_format(const struct asked *a)
{
	struct nvme_id_ns id;

	rig_id_ns(a->v->r, a->v->nsid, &id);
	return rig_admin_on(a->v->r, a->v->d->c[a->by],
			    cmd_format(a->v->nsid, cmd_format_now(&id)));
}

static struct cpl send(const struct asked *a)
{
	const struct io_op *op = op_of(a->c);

	if (a->c->admin)
		return send_format(a);
	if (op)
		return rig_io(a->v->r, a->v->d->q[a->by],
			      io_cmd(a->v->r, op, a->v->d->ns, FIRST, 1));
	if (a->c->opcode == nvme_cmd_flush)
		return rig_io(a->v->r, a->v->d->q[a->by], cmd_flush(a->v->nsid));
	return send_reservation(a);
}

static bool can_send(const struct spec_resv_command *c)
{
	static const uint8_t others[] = { nvme_cmd_flush, nvme_cmd_resv_acquire,
					  nvme_cmd_resv_release, nvme_cmd_resv_register,
					  nvme_cmd_resv_report };

	return c->admin ? c->opcode == nvme_admin_format_nvm
			: op_of(c) || memchr(others, c->opcode, sizeof(others));
}

/* ---- the question ---- */

/* The first controller's host holds it; the second one's is registered, or is not. */
static void set_up(const struct asked *a)
{
	resv_nobody(a->v);
	if (a->role == RESV_OUTSIDER)
		REQUIRE_STATUS(a->v->r, resv_register(a->v, 0, RESV_REGISTER, 0, RESV_KEY0),
			       SC_SUCCESS);
	else
		resv_both_register(a->v);
	resv_hold(a->v, a->type);
}

static void ask_one(const struct asked *a)
{
	bool allowed = spec_resv_allows(a->c->group, a->type, a->role);
	bool compare = !a->c->admin && a->c->opcode == nvme_cmd_compare;
	uint64_t tag;
	char what[128];
	struct cpl cpl;

	if (a->c->admin && allowed)
		return; /* it is asked whom it is kept from, not to cost a format more */
	if (a->c->group == RESV_GROUP_ACQUIRE && !other_type(a))
		return;
	set_up(a);
	tag = duo_write(a->v->d, 0, FIRST, 1);
	snprintf(what, sizeof(what), "%s of the %s under %s: status", a->c->id,
		 spec_resv_role_name(a->role), spec_resv_type_name(a->type));
	cpl = send(a);
	if (allowed)
		CHECK_STATUS_OF(a->v->r, what, cpl, compare ? SC_COMPARE_FAILURE : SC_SUCCESS);
	else
		CHECK_STATUS_OF(a->v->r, what, cpl, SC_RESERVATION_CONFLICT);
	resv_nobody(a->v);
	if (!allowed)
		duo_check(a->v->d, 0, FIRST, 1, tag);
}

static void ask_access(struct rig *r)
{
	const struct derived_row *row = rig_row(r);
	struct asked a = { .c = row->of };

	a.v = resv_new(r);
	if (op_of(a.c))
		io_need(r, op_of(a.c));
	if (a.c->admin)
		format_keep_all(r);
	duo_write(a.v->d, 0, SOURCE, 1);
	for (unsigned type = SPEC_RESV_WE; type < SPEC_RESV_TYPES; type++)
		for (unsigned role = 0; role < RESV_ROLES; role++) {
			a.type = (enum spec_resv_type)type;
			a.role = (enum spec_resv_role)role;
			a.by = role != RESV_HOLDER;
			if (a.v->caps >> type & 1)
				ask_one(&a);
		}
	duo_write(a.v->d, 0, FIRST, 1);
}

static const char *na_admin(const struct facts *f)
{
	const char *no = resv_na(f);

	return no ? no : format_na(f);
}

static void command_rows(struct derived *d, bool admin)
{
	for (const struct spec_resv_command *c = spec_resv_commands; c->id; c++)
		if (c->admin == admin && can_send(c))
			derived_row(d, (struct derived_row){ .of = c }, "%s", c->id);
}

static void accesses(struct derived *d)
{
	derived_case(d,
		     (struct rig_case){ .ref = "Base 2.1 Reservations (Command Behavior in the "
					       "Presence of a Reservation); NVM CS 1.0 "
					       "Reservations",
					.needs = NEED_PEER,
					.harm = HARM_DATA,
					.fault = "resv-holder-excluded resv-registrant-excluded "
						 "resv-registrant-reads resv-registrant-writes "
						 "resv-outsider-reads resv-outsider-writes "
						 "resv-flush-unchecked resv-compare-as-write "
						 "resv-copy-unchecked resv-dsm-unchecked "
						 "resv-second-host-acquires "
						 "resv-holder-changes-type "
						 "resv-outsider-acquires",
					.na = resv_na,
					.run = ask_access },
		     "reservation.access");
	derived_rule(d, "A reservation of each type keeps each command from whom the table says.");
	command_rows(d, false);
	derived_case(d,
		     (struct rig_case){ .ref = "Base 2.1 Reservations (Command Behavior in the "
					       "Presence of a Reservation)",
					.needs = NEED_PEER,
					.harm = HARM_WEAR,
					.fault = "resv-format-unchecked",
					.na = na_admin,
					.run = ask_access },
		     "reservation.admin");
	derived_rule(d, "A reservation keeps Admin commands that write from whom the table says.");
	command_rows(d, true);
}

static const struct rig_case *derive(size_t *ret_n)
{
	static void (*const generators[])(struct derived * d) = { accesses, NULL };

	return derived_make(generators, ret_n);
}

DERIVED_SUITE(derived_resv_suite, CONFORMANCE, "derived", derive);
