// SPDX-License-Identifier: GPL-2.0-or-later
/* Data pointers at every page size, up to MDTS, and of admin commands. */
#include <string.h>

#include "dptr_sgl.h"

#define PRP_REF                                                                                    \
	"Base 2.0 Physical Region Page Entry and List; "                                           \
	"Base 2.2 Physical Region Page Entry and List"

/* ---- mdts ---- */

static const struct mdts_row {
	const char *name;
	bool write, sgl;
} mdts_rows[] = { { "read", false, false },
		  { "write", true, false },
		  { "sgl-read", false, true },
		  { "sgl-write", true, true } };

static const char *na_no_mdts(const struct facts *f)
{
	return f->mdts_bytes ? NULL : "MDTS is 0: the size of a transfer has no limit";
}

/* One block too many. That it moved nothing is advice: the text lets a failed command move data. */
static void ask_too_much(struct bench *b, bool write)
{
	uint64_t tag = rig_rand(b->r);
	struct cmd c;

	lay_straight(b, 0, b->max);
	bench_stamp(b, tag);
	plain_write(b, b->max);
	lay_straight(b, 0, b->max + 1);
	c = bench_cmd(b, write);
	bench_point(b, &c);
	bench_poison(b);
	CHECK_STATUS_OF(b->r, b->what, rig_io(b->r, b->q, c), SC_INVALID_FIELD);
	ADVISE_TRUE(b->r, !memcmp(b->mem->data, b->want, b->mem->len),
		    "a transfer beyond MDTS moves nothing to the host");
	plain_read(b, b->max);
	rig_check_stamp(b->r, CHECK_SITE(0, 1), b->line, FIRST_LBA, b->max, b->ns->lba_bytes, tag);
}

/* The same by SGL. What a Read puts into a bit bucket is of the transfer as well. */
static void ask_too_much_sgl(struct sgl_bench *s, bool write, bool bucket)
{
	struct bench *b = s->b;
	struct cmd c;

	strew_one(s, b->page, b->max + 1);
	if (bucket) {
		s->piece[0].len -= b->ns->lba_bytes;
		strew_insert(s, 0, (struct piece){ .len = b->ns->lba_bytes, .bucket = true });
	}
	c = bench_cmd(b, write);
	strew_point(s, &c);
	bench_poison(b);
	CHECK_STATUS_OF(b->r, b->what, rig_io(b->r, b->q, c), SC_INVALID_FIELD);
	strew_check_elsewhere(s);
	strew_drop(s);
}

static void ask_limit_sgl(struct rig *r, const struct facts_ns *ns, bool write)
{
	struct sgl_bench *s = sgl_bench_new(r, ns, rig_mdts(r));

	strew_one(s, s->b->page, s->b->max);
	(write ? ask_strewn_write : ask_strewn_read)(s);
	ask_too_much_sgl(s, write, false);
	if (!write && le32_get(rig_facts(r)->id.sgls) & NVME_CTRL_SGLS_BIT_BUCKET)
		ask_too_much_sgl(s, write, true);
}

static void mdts_limit(struct rig *r)
{
	const struct mdts_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	if (row->sgl && na_no_sgl(rig_facts(r)))
		rig_na(r, "%s", na_no_sgl(rig_facts(r)));

	if (rig_mdts(r) > rig_target(r)->caps.dma_bytes / 8)
		rig_skip(r, "needs", "eight times MDTS (%zu bytes) of DMA memory", rig_mdts(r));
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct bench *b = bench_new(r, ns, rig_mdts(r));

		if (!b->max || b->max > 0xffff || FIRST_LBA + b->max >= ns->nsze)
			continue; /* one more cannot be asked for: NLB has 16 bits */
		if (row->sgl) {
			ask_limit_sgl(r, ns, row->write);
		} else {
			lay_straight(b, 0, b->max);
			(row->write ? ask_write : ask_read)(b);
			ask_too_much(b, row->write);
		}
		asked++;
	}
	if (!asked)
		rig_na(r, "MDTS (%zu bytes) is beyond what one command can ask for", rig_mdts(r));
}

/* ---- mps-sweep ---- */

static const char *na_one_mps(const struct facts *f)
{
	if (CAP_MPSMAX(f->cap) > CAP_MPSMIN(f->cap))
		return NULL;
	return rig_na_text("CAP.MPSMIN and MPSMAX are both %u: one page size",
			   (unsigned)CAP_MPSMIN(f->cap));
}

/* One of each kind: offset, second page, list, chain, list to the end of its page. */
static void ask_kinds(struct bench *b)
{
	uint32_t lba = b->ns->lba_bytes, two = (uint32_t)(2 * b->page / lba);
	size_t end = b->page > lba ? b->page - lba / 2 : b->page / 2;

	lay_scattered(b, end, 1);
	ask_both(b);
	if (b->max >= two) {
		lay_scattered(b, 0, two);
		ask_both(b);
	}
	if (b->max > two) {
		lay_scattered(b, 4, b->max);
		ask_both(b);
	}
	ask_list(b, 2, 3, false);
	ask_list(b, 2, 2, false);
}

/* The limit is counted in pages of CAP.MPSMIN, whatever CC.MPS is. False: it cannot be asked. */
static bool ask_limit(struct rig *r, const struct facts_ns *ns)
{
	struct bench *b;

	if (!rig_facts(r)->mdts_bytes || rig_mdts(r) > rig_target(r)->caps.dma_bytes / 8)
		return false;
	b = bench_new(r, ns, rig_mdts(r));
	if (!b->max || b->max > 0xffff || FIRST_LBA + b->max >= ns->nsze)
		return false;
	lay_straight(b, 0, b->max);
	ask_both(b);
	ask_too_much(b, false);
	return true;
}

static const struct sweep_row {
	const char *name;
	bool limit;
} sweeps[] = { { "placement", false }, { "mdts", true } };

/* How many namespaces were asked about. */
static unsigned ask_page_size(struct rig *r, unsigned mps)
{
	const struct sweep_row *row = rig_row(r);
	struct ctrl_config cfg = ctrl_defaults(rig_ctrl_off(r));
	const struct facts_ns *ns;
	unsigned asked = 0;

	cfg.mps = mps;
	if (rig_target(r)->caps.dma_bytes >> (12 + mps) < 512) {
		rig_note(r, "pages of 2^%u bytes: too large for this target's DMA memory",
			 12 + mps);
		return 0;
	}
	rig_ctrl_with(r, &cfg);
	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		if (row->limit) {
			asked += ask_limit(r, ns);
			continue;
		}
		ask_kinds(bench_new(r, ns, 5 * rig_ctrl(r)->page));
		asked++;
	}
	return asked;
}

static void mps_sweep(struct rig *r)
{
	uint64_t cap = rig_facts(r)->cap;
	unsigned first = (unsigned)CAP_MPSMIN(cap) + 1, last = (unsigned)CAP_MPSMAX(cap);
	unsigned asked = ask_page_size(r, last);

	for (unsigned mps = first; mps < last; mps++)
		if (rig_effort(r) != EFFORT_QUICK)
			asked += ask_page_size(r, mps);
	if (!asked)
		rig_na(r, "no other page size can be asked about here: MDTS %zu bytes",
		       rig_mdts(r));
}

/* ---- admin-prp ---- */

static const struct admin_row {
	const char *name;
	bool log;
	int offset; /* below 0: from the end of the page */
	unsigned pages;
} admin_rows[] = {
	{ "identify-0", false, 0, 1 },	     { "identify-4", false, 4, 2 },
	{ "identify-512", false, 512, 2 },   { "identify-page-4", false, -4, 2 },
	{ "log-list-4", true, 4, 3 },	     { "log-list-512", true, 512, 5 },
	{ "log-list-page-4", true, -4, 17 },
};

#define ADMIN_PAGES 40u

/* The Error Information log is as long as ELPE says and may change between two reads; this one is
 * constant, and one 4 KiB page long. */
static struct cmd admin_cmd(const struct admin_row *row, void *data, size_t len)
{
	if (row->log)
		return cmd_get_log(NVME_LOG_LID_CMD_EFFECTS, NSID_ALL, 0, data, len);
	return cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, data);
}

/* Every second page of the buffer, from its end backwards: no two follow each other. */
static size_t admin_page(unsigned i, size_t page)
{
	return (ADMIN_PAGES - 2 - 2 * i) * page;
}

/* Runs the command through `n` pages; what it put there comes back in one piece of 4,096 bytes. */
static void through_pages(struct rig *r, const struct admin_row *row, size_t offset, uint8_t *ret)
{
	size_t page = rig_ctrl(r)->page, len = row->log ? row->pages * page - offset : 4096;
	struct buf *b = rig_buf(r, ADMIN_PAGES * page);
	uint8_t *before = rig_mem(r, b->len);
	struct cmd c = admin_cmd(row, NULL, len);
	struct prp_list *list;
	uint64_t iova[ADMIN_PAGES];

	for (unsigned i = 0; i < row->pages; i++)
		iova[i] = b->iova + admin_page(i, page) + (i ? 0 : offset);
	rig_prp_plan(r, &c, &(struct prp_plan){ iova, row->pages, 0, false }, &list);
	memcpy(before, b->data, b->len);
	CHECK_STATUS(r, rig_admin(r, c), SC_SUCCESS);
	for (size_t done = 0, i = 0, n; i < row->pages; i++, done += n) {
		size_t off = i ? 0 : offset, at = admin_page((unsigned)i, page) + off;

		n = page - off < len - done ? page - off : len - done;
		if (done < 4096)
			memcpy(ret + done, b->data + at, n < 4096 - done ? n : 4096 - done);
		memcpy(before + at, b->data + at, n);
	}
	CHECK_MEM(r, "memory outside the transfer", b->data, before, b->len);
}

static void admin_prp(struct rig *r)
{
	const struct admin_row *row = rig_row(r);
	size_t page = rig_ctrl(r)->page, offset;
	uint8_t *want = rig_mem(r, 4096), *got = rig_mem(r, 4096);

	offset = row->offset < 0 ? page - (size_t)-row->offset : (size_t)row->offset;
	if (page != 4096 || row->pages * page > rig_mdts(r))
		rig_na(r, "pages of %zu bytes and MDTS of %zu", page, rig_mdts(r));
	if (row->log && !(rig_facts(r)->id.lpa & NVME_CTRL_LPA_CMD_EFFECTS))
		rig_na(r, "LPA is %02Xh: no Commands Supported and Effects log",
		       rig_facts(r)->id.lpa);
	if (row->log && row->pages > 4 && !(rig_facts(r)->id.lpa & NVME_CTRL_LPA_EXTENDED))
		rig_na(r, "LPA bit 2 is 0: a log is asked for in pieces of at most 16 KiB");
	rig_admin_ok(r, admin_cmd(row, want, 4096));
	through_pages(r, row, offset, got);
	CHECK_MEM(r, "data through the pages, against those in one piece", got, want, 4096);
}

static const struct rig_case cases[] = {
	{ .id = "mdts",
	  .rule = "A transfer of exactly MDTS works; one block more fails with Invalid Field in "
		  "Command.",
	  .ref = "Base 2.0 Identify Controller data structure; "
		 "Base 2.1 Identify Controller Data Structure, I/O Command Set Independent (MDTS)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "mdts-off-by-one mdts-moves-data-first sgl-mdts-unchecked psdt-accepted "
		   "io-fuzz-writes-outside",
	  .na = na_no_mdts,
	  .run = mdts_limit,
	  ROWS(mdts_rows) },
	{ .id = "mps-sweep",
	  .rule = "PRPs mean the same at every page size the controller has, and MDTS stays what "
		  "it is.",
	  .ref = "Base 2.2 Controller Configuration (MPS), Controller Capabilities (MPSMIN, "
		 "MPSMAX)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "mdts-scaled-by-mps prp1-offset-dropped list-last-entry-dropped "
		   "chain-slot-as-data exact-end-as-chain prp2-direct-ignored "
		   "list-start-offset-dropped mdts-off-by-one list-sorted",
	  .na = na_one_mps,
	  .run = mps_sweep,
	  ROWS(sweeps) },
	{ .id = "admin-prp",
	  .rule = "Admin commands honour the offset of PRP1, PRP2 and PRP lists as I/O does.",
	  .ref = PRP_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_NONE,
	  .fault = "admin-prp2-ignored list-sorted",
	  .run = admin_prp,
	  ROWS(admin_rows) },
};

SUITE(dptr_size_suite, CONFORMANCE, "dptr", cases);
