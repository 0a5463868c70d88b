// SPDX-License-Identifier: GPL-2.0-or-later
/* Copy of blocks with protection information: rows of pi.other-commands. */
#include <string.h>

#include "pi_bench.h"

/* Of one bench to another, as one source range. */
struct pi_copy {
	struct pi_bench *from, *to;
	unsigned prinfor, prinfow, format;
};

static struct pi_copy copy_of(struct pi_bench *b, unsigned prinfor, unsigned prinfow)
{
	struct pi_copy c = { b, pi_bench_beside(b), prinfor, prinfow, b->s.guard_bytes > 2 };

	pi_fill(c.to);
	pi_store(c.to);
	pi_fill(b);
	return c;
}

/* One source range: the entry of format 0h, or that of format 1h. */
static void put_entry(const struct pi_copy *c, uint8_t *entry)
{
	struct pi_dwords d = pi_dwords(&c->from->s, c->from->storage, c->from->ref);

	le64_put(entry + 8, c->from->lba);
	le16_put(entry + 16, (uint16_t)(c->from->blocks - 1));
	if (!c->format)
		le32_put(entry + 24, d.cdw14);
	le16_put(entry + (c->format ? 36 : 28), c->from->app);
	le16_put(entry + (c->format ? 38 : 30), 0xffff);
}

static struct cpl run(struct pi_copy *c)
{
	struct cmd cmd = cmd_raw(nvme_cmd_copy, c->to->ns->nsid);
	struct pi_dwords d = pi_dwords(&c->to->s, c->to->storage, c->to->ref);

	cmd.dir = CMD_OUT;
	cmd.data_len = c->format ? 40 : 32;
	cmd.data = rig_mem(c->to->r, cmd.data_len);
	put_entry(c, cmd.data);
	cmd.sqe.cdw2 = le32_from(d.cdw2);
	cmd.sqe.cdw3 = le32_from(d.cdw3);
	cmd.sqe.cdw10 = le32_from((uint32_t)c->to->lba);
	cmd.sqe.cdw11 = le32_from((uint32_t)(c->to->lba >> 32));
	cmd.sqe.cdw12 = le32_from(c->prinfow << 26 | c->prinfor << 12 | c->format << 8);
	cmd.sqe.cdw14 = le32_from(d.cdw14);
	cmd.sqe.cdw15 = le32_from(0xffff0000u | c->to->app);
	return rig_io(c->to->r, c->to->q, cmd);
}

/* Is it a Copy that the limits and formats of this controller allow? */
static bool can_copy(struct pi_bench *b)
{
	uint16_t ocfs = le16_get(rig_facts(b->r)->id.ocfs);

	if (!(ocfs >> (b->s.guard_bytes > 2) & 1))
		pi_skip(b, "OCFS is %04Xh: no format for its guard", ocfs);
	else if (b->blocks > le16_get(b->ns->id.mssrl) || b->blocks > le32_get(b->ns->id.mcl) ||
		 b->lba + 4 * b->blocks > b->ns->nsze)
		pi_skip(b, "MSSRL, MCL or the namespace is too small");
	return !b->skipped;
}

static void check_status_is(struct pi_copy *c, const char *what, uint16_t status)
{
	CHECK_STATUS_OF(c->to->r,
			pi_says(c->to, "Copy of %s, PRINFOR %Xh, PRINFOW %Xh: status", what,
				c->prinfor, c->prinfow),
			run(c), status);
}

static void check_unwritten(struct pi_copy *c)
{
	const uint8_t *data = pi_copy_data(c->to), *meta = pi_copy_meta(c->to);

	if (!pi_load(c->to))
		return;
	CHECK_MEM(c->to->r, pi_says(c->to, "data of the target"), c->to->data, data,
		  (size_t)c->to->blocks * c->to->s.lba_bytes);
	CHECK_MEM(c->to->r, pi_says(c->to, "metadata of the target"), c->to->meta, meta,
		  (size_t)c->to->blocks * c->to->s.ms);
}

static void check_data(struct pi_copy *c)
{
	CHECK_MEM(c->to->r, pi_says(c->to, "data of the target"), c->to->data, c->from->data,
		  (size_t)c->to->blocks * c->to->s.lba_bytes);
}

/* Both halves pass it on: the target has the source's, tags and all. */
void pi_copy_passes(struct pi_bench *b)
{
	struct pi_copy c;

	if (!can_copy(b))
		return;
	c = copy_of(b, PRCHK_GUARD | PRCHK_APP, PRCHK_GUARD | PRCHK_APP);
	c.to->app = b->app;
	pi_store(b);
	check_status_is(&c, "valid blocks", SC_SUCCESS);
	if (!pi_load(c.to))
		return;
	check_data(&c);
	CHECK_MEM(b->r, pi_says(b, "metadata of the target"), c.to->meta, b->meta,
		  (size_t)b->blocks * b->s.ms);
}

/* The read half checks, the write half makes it anew with the tags of the command. */
void pi_copy_makes(struct pi_bench *b)
{
	struct pi_copy c;

	if (!can_copy(b))
		return;
	c = copy_of(b, PRACT | PRCHK_GUARD | PRCHK_APP, PRACT);
	pi_store(b);
	check_status_is(&c, "valid blocks", SC_SUCCESS);
	if (!pi_load(c.to))
		return;
	check_data(&c);
	pi_check_valid(c.to);
	pi_check_passed(c.to, b->meta);
}

void pi_copy_checks_source(struct pi_bench *b)
{
	struct pi_copy c;

	if (!can_copy(b))
		return;
	c = copy_of(b, PRCHK_GUARD, 0);
	pi_info(b, b->blocks - 1)[0] ^= 1;
	pi_store(b);
	check_status_is(&c, "a bad Guard", SC_GUARD_CHECK);
	c.prinfor = PRACT | PRCHK_GUARD;
	c.prinfow = PRACT;
	check_status_is(&c, "a bad Guard", SC_GUARD_CHECK);
	c.prinfor = PRCHK_APP;
	c.prinfow = 0;
	b->app ^= 0x0110;
	check_status_is(&c, "a wrong Application Tag", SC_APP_TAG_CHECK);
}

void pi_copy_checks_target(struct pi_bench *b)
{
	struct pi_copy c;

	if (!can_copy(b))
		return;
	c = copy_of(b, 0, PRCHK_GUARD);
	pi_info(b, 0)[0] ^= 1;
	pi_store(b);
	check_status_is(&c, "a bad Guard", SC_GUARD_CHECK);
	c.prinfow = PRCHK_APP;
	c.to->app = b->app ^ 0x0110;
	check_status_is(&c, "a wrong Application Tag", SC_APP_TAG_CHECK);
}

/* PRACT of one half alone. */
void pi_copy_mixed(struct pi_bench *b)
{
	struct pi_copy c;

	if (!can_copy(b))
		return;
	c = copy_of(b, PRACT, 0);
	pi_store(b);
	check_status_is(&c, "valid blocks", SC_INVALID_FIELD);
	check_unwritten(&c);
	c.prinfor = 0;
	c.prinfow = PRACT;
	check_status_is(&c, "valid blocks", SC_INVALID_FIELD);
	check_unwritten(&c);
}

/* A descriptor format that the controller has, for the other size of guard. */
void pi_copy_format(struct pi_bench *b)
{
	uint16_t ocfs = le16_get(rig_facts(b->r)->id.ocfs);
	struct pi_copy c;

	if ((ocfs & 3) != 3)
		pi_skip(b, "OCFS is %04Xh: not both formats", ocfs);
	if (b->skipped || !can_copy(b))
		return;
	c = copy_of(b, 0, 0);
	c.format = !c.format;
	pi_store(b);
	check_status_is(&c, "valid blocks by the other format", SC_INVALID_NS);
	check_unwritten(&c);
}
