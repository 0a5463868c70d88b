// SPDX-License-Identifier: GPL-2.0-or-later
#include "kit/kit.h"

#define OACS_DIRECTIVES (1u << 5)
#define DTYPE(t)	((uint32_t)(t) << 20) /* Dword 12 */
#define DSPEC(s)	((uint32_t)(s) << 16) /* Dword 13 */
#define BLOCKS		4u

/* ---- io-unsupported ---- */

static const struct type_row {
	const char *name;
	uint8_t dtype;
} types[] = { { "streams", 1 }, { "reserved", 0xf } };

static const char *na_directives(const struct facts *f)
{
	if (le16_get(f->id.oacs) & OACS_DIRECTIVES)
		return "OACS bit 5 is 1: directives are supported";
	return f->has_scratch ? NULL : "no active namespace of the NVM command set";
}

/* What a data pattern may not do, whatever the directive: get lost behind a success. */
static void check_outcome(struct rig *r, struct sq *q, uint64_t tag)
{
	const struct facts_ns *ns = rig_ns(r);
	size_t bytes = (size_t)BLOCKS * ns->lba_bytes;
	uint8_t *back = rig_mem(r, bytes);

	rig_io_ok(r, q, cmd_read(ns->nsid, 0, BLOCKS, back, bytes));
	rig_check_stamp(r, &(const struct check_site){ __FILE__, __LINE__, false, false, true },
			back, 0, BLOCKS, ns->lba_bytes, tag);
}

static void io_unsupported(struct rig *r)
{
	const struct type_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	size_t bytes = (size_t)BLOCKS * ns->lba_bytes;
	uint64_t before = rig_rand(r), after = rig_rand(r);
	uint8_t *data = rig_mem(r, bytes);
	struct sq *q = rig_queue(r);
	struct cpl cpl;
	struct cmd c;

	rig_stamp(data, 0, BLOCKS, ns->lba_bytes, before);
	rig_io_ok(r, q, cmd_write(ns->nsid, 0, BLOCKS, data, bytes));
	rig_stamp(data, 0, BLOCKS, ns->lba_bytes, after);
	c = cmd_write(ns->nsid, 0, BLOCKS, data, bytes);
	c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | DTYPE(row->dtype));
	c.sqe.cdw13 = le32_from(DSPEC(1));
	cpl = rig_io(r, q, c);
	CHECK_STATUS(r, cpl, SC_SUCCESS, SC_INVALID_FIELD);
	check_outcome(r, q, cpl.status == SC_SUCCESS ? after : before);
}

static const struct rig_case cases[] = {
	{ .id = "io-unsupported",
	  .rule = "A Write with a directive that is not supported ignores it, or does nothing.",
	  .ref = "Base 2.0 Directives",
	  .needs = NEED_COMMAND,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "directive-loses-data",
	  .na = na_directives,
	  .run = io_unsupported,
	  ROWS(types) },
};

SUITE(directive_suite, CONFORMANCE, "directive", cases);
