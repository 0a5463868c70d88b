// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The discovery service, and what it says of the subsystem under test.
 * Source: Base 2.2 Discovery Controller, Discovery Log Page.
 */
#include <string.h>

#include "wire.h"

#define RECORDS_MAX 64u /* that are looked at */

struct wire *wire_discovery(struct rig *r)
{
	struct wire *w = wire_dial(r);
	struct connect c = { .sqsize_z = WIRE_ENTRIES - 1 };
	struct connect_data who = wire_who(w, CNTLID_DYNAMIC);
	struct cqe e;

	who.cntlid = le16_from(CNTLID_DYNAMIC); /* whatever model the subsystem has */
	memset(who.subnqn, 0, sizeof(who.subnqn));
	memcpy(who.subnqn, DISCOVERY_NQN, sizeof(DISCOVERY_NQN));
	wire_greet(w, 0);
	e = wire_connect(w, &c, &who);
	if (wire_status(&e)) {
		wire_hang_up(w);
		return NULL;
	}
	w->cntlid = (uint16_t)le32_get(e.dw0);
	wire_enable(w);
	return w;
}

void wire_discovery_log(struct wire *w, uint64_t off, void *to, size_t len)
{
	struct sqe e = { .opcode = nvme_admin_get_log_page,
			 .cdw10 = le32_from((uint32_t)(len / 4 - 1) << 16 | DISCOVERY_LID),
			 .cdw12 = le32_from((uint32_t)off) };

	wire_exec_ok(w, e, to, len);
}

uint8_t wire_treq(struct rig *r)
{
	struct wire *w = wire_discovery(r);
	struct discovery_header h;
	struct discovery_entry e;
	uint8_t treq = 0xff;
	bool found = false;

	if (!w)
		return 0;
	wire_discovery_log(w, 0, &h, sizeof(h));
	for (uint64_t i = 0; i < le64_get(h.numrec) && i < RECORDS_MAX; i++) {
		wire_discovery_log(w, DISCOVERY_HEADER + i * DISCOVERY_ENTRY, &e, sizeof(e));
		if (strncmp(e.subnqn, w->f.nqn, NQN_BYTES))
			continue;
		found = true;
		treq &= e.treq;
	}
	wire_hang_up(w);
	return found ? treq : 0;
}
