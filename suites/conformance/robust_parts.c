// SPDX-License-Identifier: GPL-2.0-or-later
#include "robust_parts.h"

void robust_check_alive(struct rig *r)
{
	void *data = rig_mem(r, 4096);

	CHECK_STATUS_OF(r, "Identify afterwards: status",
			rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, data)), SC_SUCCESS);
}

void robust_check_recovers(struct rig *r)
{
	uint32_t csts = rig_reg32(r, REG_CSTS);

	CHECK_NE(r, "CSTS (all ones: the controller is gone)", csts, 0xffffffffu);
	if (csts & CSTS_CFS)
		rig_note(r, "CSTS.CFS is 1 before the reset");
	rig_reset(r);
	robust_check_alive(r);
	CHECK_STATUS(r, rig_io(r, rig_queue(r), cmd_flush(rig_ns(r)->nsid)), SC_SUCCESS);
}
