// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NVMe-MI Receive of what can be read without effect. The text of the Management Interface was not
 * at hand in full when this was written: what it demands is advice, that the command completes is
 * not.
 */
#include <string.h>

#include "kit/kit.h"

#define MESSAGE_TYPE   0x4u /* MCTP: NVM Express Management Messages */
#define COMMAND_SET    0x1u /* NMIMT: Management Interface Command Set */
#define READ_STRUCTURE 0x00u
#define RESERVED       0xbfu
#define ROOM	       4096u
#define BYTES	       32u /* of the structures asked for */

static const char *na_mi(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_NVME_MI
		       ? NULL
		       : "OACS bit 6 is 0: no NVMe-MI Send and Receive";
}

static const struct mi_row {
	const char *name;
	uint8_t opcode, dtyp;
} mi_rows[] = { { "subsystem", READ_STRUCTURE, 0 },
		{ "port", READ_STRUCTURE, 1 },
		{ "structure-reserved", READ_STRUCTURE, 0x7f },
		{ "opcode-reserved", RESERVED, 0 } };

static struct cpl receive(struct rig *r, const struct mi_row *row, struct buf *b)
{
	struct cmd c = cmd_raw(nvme_admin_nvme_mi_recv, 0);

	c.sqe.cdw10 = le32_from(COMMAND_SET << 11 | MESSAGE_TYPE);
	c.sqe.cdw11 = le32_from(row->opcode);
	c.sqe.cdw12 = le32_from((uint32_t)row->dtyp << 24);
	c.dir = CMD_IN;
	rig_prp(r, &c, b, 0, b->len);
	return rig_admin(r, c);
}

/* Tunneled Status 7:0; of a read the Response Data Length is in the response, 23:8. */
static void check_structure(struct rig *r, const struct mi_row *row, struct cpl cpl,
			    const uint8_t *data)
{
	ADVISE_EQ(r, "Tunneled Status", cpl.dw0 & 0xff, 0);
	ADVISE_EQ(r, "Response Data Length", cpl.dw0 >> 8 & 0xffff, BYTES);
	if (row->dtyp)
		ADVISE_TRUE(r, data[0] <= 2, "port type %u is one that is defined", data[0]);
	else
		ADVISE_TRUE(r, data[1] >= 1, "the version of NVMe-MI is %u.%u, from 1.0 on",
			    data[1], data[2]);
}

static void mi_passthru(struct rig *r)
{
	const struct mi_row *row = rig_row(r);
	struct buf *b = rig_buf(r, ROOM);
	uint8_t *before = rig_mem(r, ROOM);
	struct cpl cpl;

	memcpy(before, b->data, ROOM);
	cpl = receive(r, row, b);
	if (!ADVISE_STATUS(r, cpl, SC_SUCCESS))
		return;
	if (row->opcode == READ_STRUCTURE && row->dtyp <= 1) {
		check_structure(r, row, cpl, b->data);
		return;
	}
	ADVISE_TRUE(r, cpl.dw0 & 0xff, "what is reserved has a Tunneled Status other than success");
	CHECK_TRUE(r, !memcmp(b->data, before, ROOM) || !(cpl.dw0 & 0xff),
		   "a message that fails has no response data");
}

static const struct rig_case cases[] = {
	{ .id = "passthru",
	  .rule = "NVMe-MI Receive of a read answers with a response; one that is reserved has an "
		  "error of its own, and the command completes.",
	  .ref = "Base 2.0 NVMe-MI Receive command; NVMe-MI 1.1 NVMe-MI Receive command, Read "
		 "NVMe-MI Data Structure",
	  .needs = NEED_CTRL,
	  .fault = "mi-response-empty mi-length-zero mi-opcode-any mi-opcode-hangs",
	  .na = na_mi,
	  .run = mi_passthru,
	  ROWS(mi_rows) },
};

SUITE(mi_suite, CONFORMANCE, "mi", cases);
