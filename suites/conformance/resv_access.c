// SPDX-License-Identifier: GPL-2.0-or-later
/* Reservations: what they allow whom, by type, role and command. */
#include <string.h>

#include "io_area.h"
#include "resv_host.h"
#include "spec/resv.h"

#define FIRST 64u

enum op { READ, WRITE, FLUSH, COMPARE, VERIFY, ZEROES, UNCORRECTABLE, DSM, COPY };

static const struct what {
	const char *io; /* the name in io_ops; NULL: Flush */
	enum spec_resv_group group;
} ops[] = {
	[READ] = { "read", RESV_GROUP_READ },
	[WRITE] = { "write", RESV_GROUP_WRITE },
	[FLUSH] = { NULL, RESV_GROUP_WRITE },
	[COMPARE] = { "compare", RESV_GROUP_READ },
	[VERIFY] = { "verify", RESV_GROUP_READ },
	[ZEROES] = { "write-zeroes", RESV_GROUP_WRITE },
	[UNCORRECTABLE] = { "write-uncorrectable", RESV_GROUP_WRITE },
	[DSM] = { "dataset-management", RESV_GROUP_WRITE },
	[COPY] = { "copy-to", RESV_GROUP_COPY },
};

static const struct access_row {
	const char *name;
	unsigned type;
	enum spec_resv_role role;
	enum op op;
} access_rows[] = {
#define OF(type_name, type, role_name, role)                                                       \
	{ type_name "-" role_name "-read", type, role, READ },                                     \
		{ type_name "-" role_name "-write", type, role, WRITE },                           \
		{ type_name "-" role_name "-flush", type, role, FLUSH },                           \
		{ type_name "-" role_name "-compare", type, role, COMPARE },                       \
		{ type_name "-" role_name "-verify", type, role, VERIFY },                         \
		{ type_name "-" role_name "-write-zeroes", type, role, ZEROES },                   \
		{ type_name "-" role_name "-write-uncorrectable", type, role, UNCORRECTABLE },     \
		{ type_name "-" role_name "-dataset-management", type, role, DSM },                \
	{                                                                                          \
		type_name "-" role_name "-copy", type, role, COPY                                  \
	}
#define TYPE(name, type)                                                                           \
	OF(name, type, "holder", RESV_HOLDER), OF(name, type, "registrant", RESV_REGISTRANT),      \
		OF(name, type, "outsider", RESV_OUTSIDER)
	TYPE("we", RESV_WE),	 TYPE("ea", RESV_EA),	  TYPE("wero", RESV_WERO),
	TYPE("earo", RESV_EARO), TYPE("wear", RESV_WEAR), TYPE("eaar", RESV_EAAR),
#undef TYPE
#undef OF
};

static bool is_allowed(const struct access_row *row)
{
	enum spec_resv_group group = ops[row->op].group;

	return spec_resv_allows(group, (enum spec_resv_type)row->type, row->role);
}

static const struct io_op *find_op(const char *name)
{
	for (size_t i = 0; i < IO_OPS; i++)
		if (!strcmp(io_ops[i].name, name))
			return &io_ops[i];
	return NULL;
}

static struct cmd make(struct rig *r, const struct access_row *row, const struct facts_ns *ns)
{
	const struct io_op *op;

	if (!ops[row->op].io)
		return cmd_flush(ns->nsid);
	op = find_op(ops[row->op].io);
	io_need(r, op);
	return io_cmd(r, op, ns, FIRST, 1);
}

static void access_matrix(struct rig *r)
{
	const struct access_row *row = rig_row(r);
	struct resv *v = resv_new(r);
	unsigned by = row->role != RESV_HOLDER;
	uint64_t tag = duo_write(v->d, 0, FIRST, 1);
	struct cmd c = make(r, row, v->d->ns);
	struct cpl cpl;

	duo_write(v->d, 0, 32, 1); /* what Copy reads */
	RESV_DONE(v, resv_register(v, 0, RESV_REGISTER, 0, RESV_KEY0));
	if (row->role == RESV_REGISTRANT)
		RESV_DONE(v, resv_register(v, 1, RESV_REGISTER, 0, RESV_KEY1));
	resv_hold(v, row->type);
	cpl = rig_io(r, v->d->q[by], c);
	if (!is_allowed(row)) {
		RESV_CONFLICT(v, cpl);
		duo_check(v->d, 0, FIRST, 1, tag);
	} else if (row->op == COMPARE) { /* with what is not there */
		CHECK_STATUS(r, cpl, SC_COMPARE_FAILURE);
	} else {
		RESV_DONE(v, cpl);
	}
	duo_write(v->d, 0, FIRST, 1);
}

static const struct rig_case cases[] = {
	{ .id = "access-matrix",
	  .rule = "A reservation forbids each command to whom the table says, and nobody else.",
	  .ref = "Base 2.2 Reservation Types (Command Behavior in the Presence of a Reservation); "
		 "NVM CS 1.0 Reservations",
	  .needs = NEED_QUEUES | NEED_PEER,
	  .harm = HARM_DATA,
	  .fault = "resv-holder-excluded resv-registrant-excluded resv-registrant-reads "
		   "resv-registrant-writes resv-outsider-reads resv-outsider-writes "
		   "resv-flush-unchecked resv-compare-as-write resv-copy-unchecked "
		   "resv-dsm-unchecked",
	  .na = resv_na,
	  .run = access_matrix,
	  ROWS(access_rows) },
};

SUITE(resv_access_suite, CONFORMANCE, "resv", cases);
