// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Admin commands: who serves which, and Abort.
 * Source: Base 2.0 Admin Command Set; Base 2.2 Common Command Format (NSID); Base 2.1 Abort
 * command.
 */
#include "base/cleanup.h"
#include "model/ana.h"
#include "model/claim.h"
#include "model/core.h"
#include "model/resv.h"

#define AT_NSID	    4u
#define NOT_ABORTED 1u /* Abort, DW0 bit 0 */

void mcmd_fail(struct mcmd *c, uint16_t status, uint16_t error_location)
{
	c->status = status;
	c->dnr = true;
	c->error_location = error_location;
}

bool admin_nsid_wrong(struct mcmd *c)
{
	if (!c->nsid || c->m->opt.vs < VS(2, 0, 0))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, AT_NSID);
	return true;
}

static const struct {
	uint8_t opcode;
	void (*run)(struct mcmd *c);
} admin_commands[] = {
	{ nvme_admin_delete_sq, admin_delete_sq },
	{ nvme_admin_create_sq, admin_create_sq },
	{ nvme_admin_get_log_page, admin_get_log },
	{ nvme_admin_delete_cq, admin_delete_cq },
	{ nvme_admin_create_cq, admin_create_cq },
	{ nvme_admin_identify, admin_identify },
	{ nvme_admin_abort_cmd, admin_abort },
	{ nvme_admin_set_features, admin_set_features },
	{ nvme_admin_get_features, admin_get_features },
	{ nvme_admin_async_event, admin_async_event },
	{ nvme_admin_fw_commit, admin_fw_commit },
	{ nvme_admin_fw_download, admin_fw_download },
	{ nvme_admin_dev_self_test, admin_self_test },
	{ nvme_admin_virtual_mgmt, admin_virt },
	{ nvme_admin_ns_mgmt, admin_ns_mgmt },
	{ nvme_admin_sanitize_nvm, admin_sanitize },
	{ nvme_admin_ns_attach, admin_ns_attach },
	{ nvme_admin_format_nvm, admin_format },
	{ nvme_admin_keep_alive, admin_keep_alive },
	{ nvme_admin_directive_send, admin_directive_send },
	{ nvme_admin_directive_recv, admin_directive_recv },
	{ nvme_admin_security_send, admin_security_send },
	{ nvme_admin_security_recv, admin_security_recv },
	{ nvme_admin_get_lba_status, admin_lba_status },
	{ nvme_admin_nvme_mi_send, admin_mi_send },
	{ nvme_admin_nvme_mi_recv, admin_mi_recv },
	{ nvme_admin_dbbuf, admin_dbbuf },
};

void admin_command(struct mcmd *c)
{
	for (size_t i = 0; i < ARRAY_SIZE(admin_commands); i++) {
		if (admin_commands[i].opcode == c->e.opcode && claim_admin(c->m, c->e.opcode)) {
			if (!ana_refuses_admin(c) && !resv_conflict(c))
				admin_commands[i].run(c);
			return;
		}
	}
	if (FAULT(c->m, ADMIN_RESERVED_ACCEPTED))
		return;
	mcmd_fail(c,
		  FAULT(c->m, ADMIN_RESERVED_WRONG_STATUS) ? SC_INVALID_FIELD : SC_INVALID_OPCODE,
		  0);
}

/* Only what has not begun its work can be aborted. */
static bool can_abort(struct model *m, struct slot *s)
{
	return s && (s->state == SLOT_RUNNING || (s->state == SLOT_HELD && events_abort(m, s)));
}

/* How many Aborts are under way, this one among them. */
static unsigned aborts_running(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 0; i < m->core->nslots; i++)
		n += m->core->slot[i].state == SLOT_RUNNING && !m->core->slot[i].c.sqid &&
		     m->core->slot[i].c.e.opcode == nvme_admin_abort_cmd;
	return n;
}

static bool abort_is_lost(const struct mcmd *c, uint16_t sqid, uint16_t cid)
{
	if (!sqid && cid == c->cid && FAULT(c->m, ABORT_OF_SELF_HANGS))
		return true;
	return aborts_running(c->m) > c->m->opt.acl + 1 && FAULT(c->m, ABORT_PAST_LIMIT_LOST);
}

void admin_abort(struct mcmd *c)
{
	struct model *m = c->m;
	uint16_t sqid = (uint16_t)mcmd_cdw10(c), cid = (uint16_t)(mcmd_cdw10(c) >> 16);
	struct slot *s = engine_find(m, sqid, cid, engine_slot_of(c));

	if (admin_nsid_wrong(c))
		return;
	if (le32_get(c->e.cdw11) && FAULT(m, ADMIN_FUZZ_ILLEGAL_STATUS)) {
		mcmd_fail(c, 0x3f, 0xffff);
		return;
	}
	if (abort_is_lost(c, sqid, cid)) {
		c->held = true;
		return;
	}
	if (!can_abort(m, s)) {
		c->dw0 = FAULT(m, ABORT_NOT_FOUND_CLEAR) ? 0 : NOT_ABORTED;
		return;
	}
	if (sqid ? FAULT(m, ABORT_LIES) : FAULT(m, AER_ABORT_LIES))
		return;
	s->twice = FAULT(m, ABORT_COMPLETES_TWICE) && sqid;
	s->c.status = FAULT(m, AER_ABORT_AS_SUCCESS) && !sqid ? SC_SUCCESS : SC_ABORT_REQUESTED;
	engine_complete(m, s);
}
