// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/resv.h"

#include <stddef.h>

#include "spec/wire.h"

#define REF_BASE "Base 2.1 Reservations (Command Behavior in the Presence of a Reservation)"
#define REF_NVM	 "NVM CS 1.0 Reservations (Command Behavior in the Presence of a Reservation)"
#define REF_ZNS	 "ZNS CS 1.1 Reservations (Command Behavior in the Presence of a Reservation)"

#define IO(id_, opcode_, group_)                                                                   \
	{ id_, false, nvme_cmd_##opcode_, RESV_ANY_ACTION, RESV_GROUP_##group_, REF_NVM }
#define ZNS(id_, opcode_, group_)                                                                  \
	{ id_, false, nvme_zns_cmd_##opcode_, RESV_ANY_ACTION, RESV_GROUP_##group_, REF_ZNS }
#define ACT(id_, opcode_, action_, group_)                                                         \
	{ id_, false, nvme_cmd_##opcode_, action_, RESV_GROUP_##group_, REF_BASE }
#define ADMIN(id_, opcode_, group_)                                                                \
	{ id_, true, nvme_admin_##opcode_, RESV_ANY_ACTION, RESV_GROUP_##group_, REF_BASE }

/* clang-format off */
const struct spec_resv_command spec_resv_commands[] = {
	IO("read", read, READ),
	IO("compare", compare, READ),
	IO("verify", verify, READ),
	IO("write", write, WRITE),
	IO("write-uncorrectable", write_uncor, WRITE),
	IO("write-zeroes", write_zeroes, WRITE),
	IO("dsm", dsm, WRITE),
	IO("copy", copy, COPY),
	ACT("flush", flush, RESV_ANY_ACTION, WRITE),
	ZNS("zone-receive", mgmt_recv, READ),
	ZNS("zone-append", append, WRITE),
	ZNS("zone-send", mgmt_send, WRITE),
	ACT("acquire", resv_acquire, 0, ACQUIRE),
	ACT("preempt", resv_acquire, 1, CHANGE),
	ACT("preempt-abort", resv_acquire, 2, CHANGE),
	ACT("release", resv_release, RESV_ANY_ACTION, CHANGE),
	ACT("register", resv_register, RESV_ANY_ACTION, OTHER),
	ACT("report", resv_report, RESV_ANY_ACTION, OTHER),
	ADMIN("format", format_nvm, WRITE),
	ADMIN("namespace-management", ns_mgmt, WRITE),
	ADMIN("namespace-attachment", ns_attach, WRITE),
	ADMIN("sanitize", sanitize_nvm, WRITE),
	ADMIN("security-send", security_send, WRITE),
	ADMIN("security-receive", security_recv, READ),
	{ NULL },
};

/*
 * The specification's table: A allowed, C conflict. Columns in pairs, non-registrant and registrant
 * that does not hold it, of Write Exclusive, Exclusive Access, the Write Exclusive and the
 * Exclusive Access types for registrants.
 */
static const char rules[][9] = {
	[RESV_GROUP_READ] =    "AACCAACA",
	[RESV_GROUP_WRITE] =   "CCCCCACA",
	[RESV_GROUP_COPY] =    "CCCCCACA",
	[RESV_GROUP_ACQUIRE] = "CCCCCCCC",
	[RESV_GROUP_CHANGE] =  "CACACACA",
	[RESV_GROUP_OTHER] =   "AAAAAAAA",
};
/* clang-format on */

static unsigned column(enum spec_resv_type type)
{
	unsigned exclusive_access = type % 2 == 0, registrants = type >= SPEC_RESV_WERO;

	return 4 * registrants + 2 * exclusive_access;
}

bool spec_resv_allows(enum spec_resv_group group, enum spec_resv_type type,
		      enum spec_resv_role role)
{
	if (role == RESV_HOLDER)
		return group != RESV_GROUP_ACQUIRE;
	return rules[group][column(type) + (role == RESV_REGISTRANT)] == 'A';
}

const char *spec_resv_type_name(enum spec_resv_type type)
{
	static const char *const names[SPEC_RESV_TYPES] = {
		[SPEC_RESV_WE] = "Write Exclusive",
		[SPEC_RESV_EA] = "Exclusive Access",
		[SPEC_RESV_WERO] = "Write Exclusive - Registrants Only",
		[SPEC_RESV_EARO] = "Exclusive Access - Registrants Only",
		[SPEC_RESV_WEAR] = "Write Exclusive - All Registrants",
		[SPEC_RESV_EAAR] = "Exclusive Access - All Registrants",
	};

	return names[type];
}

const char *spec_resv_role_name(enum spec_resv_role role)
{
	static const char *const names[RESV_ROLES] = { "outsider", "registrant", "holder" };

	return names[role];
}
