// SPDX-License-Identifier: GPL-2.0-or-later
#include "pi_bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "io_area.h"

#define FIRST	   64u /* the blocks of a bench begin here */
#define CTRATT_MEM (1u << 16)
#define SKEW_MAX   4096u

/* ---- which namespaces ---- */

/* Without metadata the bit means nothing: a Format may have set it. */
static bool is_extended(const struct facts_ns *ns)
{
	return ns->ms && ns->id.flbas >> 4 & 1;
}

bool pi_fits_separate(const struct facts_ns *ns)
{
	return ns->ms && !is_extended(ns);
}

bool pi_fits_extended(const struct facts_ns *ns)
{
	return is_extended(ns);
}

bool pi_fits_protected(const struct facts_ns *ns)
{
	return ns->id.dps & 7;
}

bool pi_fits_protected_extended(const struct facts_ns *ns)
{
	return pi_fits_protected(ns) && is_extended(ns);
}

bool pi_fits_unprotected(const struct facts_ns *ns)
{
	return !(ns->id.dps & 7);
}

bool pi_fits_ref(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);

	return (s.type == 1 || s.type == 2) && pi_ref_bits(&s);
}

bool pi_fits_storage(const struct facts_ns *ns)
{
	return pi_fits_protected(ns) && ns->sts && ns->lbstm;
}

static const char *na_unless(const struct facts *f, bool (*fits)(const struct facts_ns *ns),
			     const char *why)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (!f->ns[i].csi && fits(&f->ns[i]))
			return NULL;
	return why;
}

static bool has_metadata(const struct facts_ns *ns)
{
	return ns->ms;
}

const char *pi_na_metadata(const struct facts *f)
{
	return na_unless(f, has_metadata, "no namespace has metadata");
}

const char *pi_na_protected(const struct facts *f)
{
	return na_unless(f, pi_fits_protected, "no namespace has protection information");
}

static void need_command(struct rig *r, uint8_t opcode)
{
	for (unsigned i = 0; opcode && i < IO_OPS; i++)
		if (io_ops[i].opcode == opcode)
			io_need(r, &io_ops[i]);
}

bool pi_has_command(struct rig *r, uint8_t opcode)
{
	for (unsigned i = 0; i < IO_OPS; i++)
		if (io_ops[i].opcode == opcode)
			return io_supported(r, &io_ops[i]);
	return true;
}

void pi_run_row(struct rig *r)
{
	const struct pi_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	need_command(r, row->opcode);
	for (unsigned at = 0; (ns = rig_ns_that(r, &at, row->fits));) {
		struct pi_bench *b = pi_bench_new(r, ns, PI_BLOCKS);

		row->ask(b);
		asked += !b->skipped;
	}
	if (!asked)
		rig_na(r, "no namespace has what the question is about");
}

/* ---- a bench ---- */

uint32_t pi_most_blocks(struct rig *r, const struct facts_ns *ns)
{
	const struct facts *f = rig_facts(r);
	bool counts = is_extended(ns) && !(le32_get(f->id.ctratt) & CTRATT_MEM);
	uint64_t n = f->mdts_bytes / (ns->lba_bytes + (counts ? ns->ms : 0u));

	return !f->mdts_bytes || n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

static void choose_tags(struct pi_bench *b)
{
	unsigned bits = b->s.type ? pi_ref_bits(&b->s) : 32;

	b->app = (uint16_t)(0x1000 + rig_rand_below(b->r, 0xe000)); /* neither 0h nor FFFFh */
	b->storage = pi_cut(rig_rand(b->r), b->s.sts);
	/* half of the range at most, so that it rolls over only where a row wants it */
	b->ref = b->s.type == 1 ? pi_cut(b->lba, bits)
				: pi_cut(rig_rand(b->r) | 0x100, bits ? bits - 1 : 0);
}

static struct pi_bench *bench_at(struct rig *r, const struct facts_ns *ns, uint64_t lba,
				 uint32_t blocks)
{
	struct pi_bench *b = rig_mem(r, sizeof(*b));
	uint32_t most = pi_most_blocks(r, ns);

	b->r = r;
	b->ns = ns;
	b->s = rig_shape(ns);
	b->extended = is_extended(ns);
	b->q = rig_queue(r);
	b->lba = lba;
	b->blocks = blocks < most ? blocks : most;
	if (!b->blocks || b->lba + b->blocks > ns->nsze)
		rig_na(r, "NSID %u has %" PRIu64 " blocks: too small", ns->nsid, ns->nsze);
	b->data = rig_mem(r, (size_t)b->blocks * ns->lba_bytes);
	b->meta = rig_mem(r, (size_t)b->blocks * ns->ms + 1);
	if (ns->ms && !b->extended)
		b->separate = rig_buf(r, (size_t)b->blocks * ns->ms + SKEW_MAX + 8);
	choose_tags(b);
	return b;
}

struct pi_bench *pi_bench_new(struct rig *r, const struct facts_ns *ns, uint32_t blocks)
{
	return bench_at(r, ns, FIRST, blocks);
}

struct pi_bench *pi_bench_beside(const struct pi_bench *b)
{
	return bench_at(b->r, b->ns, b->lba + 2 * b->blocks, b->blocks);
}

uint64_t pi_ref_at(const struct pi_bench *b, uint32_t i)
{
	return pi_cut(b->ref + (b->s.type == 3 ? 0 : i), pi_ref_bits(&b->s));
}

uint8_t *pi_meta(struct pi_bench *b, uint32_t i)
{
	return b->meta + (size_t)i * b->s.ms;
}

uint8_t *pi_data(struct pi_bench *b, uint32_t i)
{
	return b->data + (size_t)i * b->s.lba_bytes;
}

uint8_t *pi_info(struct pi_bench *b, uint32_t i)
{
	return pi_meta(b, i) + pi_at(&b->s);
}

void pi_protect_block(struct pi_bench *b, uint32_t i)
{
	struct pi_tuple t = { .app = b->app, .storage = b->storage };

	if (!b->s.type)
		return;
	t.guard = pi_guard(&b->s, pi_data(b, i), pi_meta(b, i));
	t.ref = pi_ref_at(b, i);
	pi_put(&b->s, pi_meta(b, i), &t);
}

void pi_protect(struct pi_bench *b)
{
	for (uint32_t i = 0; i < b->blocks; i++)
		pi_protect_block(b, i);
}

void pi_fill(struct pi_bench *b)
{
	rig_stamp(b->data, b->lba, b->blocks, b->s.lba_bytes, rig_rand(b->r));
	for (size_t i = 0; i < (size_t)b->blocks * b->s.ms; i++)
		b->meta[i] = (uint8_t)rig_rand(b->r);
	pi_protect(b);
}

const char *pi_says(struct pi_bench *b, const char *fmt, ...)
{
	size_t at = (size_t)snprintf(b->text, sizeof(b->text),
				     "NSID %u, %u+%u bytes, Type %u: ", b->ns->nsid, b->s.lba_bytes,
				     b->s.ms, b->s.type);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->text + at, sizeof(b->text) - at, fmt, ap);
	va_end(ap);
	return b->text;
}

void pi_skip(struct pi_bench *b, const char *fmt, ...)
{
	char why[120];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	rig_note(b->r, "%s", pi_says(b, "not asked: %s", why));
	b->skipped = true;
}

/* ---- commands ---- */

struct pi_io pi_io(const struct pi_bench *b, uint8_t opcode, unsigned prinfo)
{
	return (struct pi_io){ .opcode = opcode,
			       .prinfo = prinfo,
			       .app = b->app,
			       .mask = 0xffff,
			       .storage = b->storage,
			       .ref = b->ref,
			       .blocks = b->blocks };
}

struct pi_io pi_io_one(const struct pi_bench *b, uint8_t opcode, unsigned prinfo, uint32_t i)
{
	struct pi_io io = pi_io(b, opcode, prinfo);

	io.from = i;
	io.blocks = 1;
	io.ref = pi_ref_at(b, i);
	return io;
}

bool pi_bench_strips(const struct pi_bench *b, unsigned prinfo)
{
	return b->s.type && (prinfo & PRACT) && b->s.ms == pi_bytes(&b->s);
}

static void set_fields(const struct pi_bench *b, const struct pi_io *io, struct cmd *c)
{
	uint32_t cdw12 = le32_get(c->sqe.cdw12) | io->prinfo << 26 | (io->stc ? 1u << 24 : 0);
	struct pi_dwords d = { 0, 0, 0 };

	if (b->s.type)
		d = pi_dwords(&b->s, io->storage, io->ref);
	c->sqe.cdw2 = le32_from(d.cdw2);
	c->sqe.cdw3 = le32_from(d.cdw3);
	c->sqe.cdw12 = le32_from(cdw12 | io->cdw12);
	c->sqe.cdw14 = le32_from(d.cdw14);
	c->sqe.cdw15 = le32_from((uint32_t)io->mask << 16 | io->app);
}

/* Between the two arrays and blocks as they lie in an extended transfer. */
static void weave(struct pi_bench *b, const struct pi_io *io, uint8_t *host, bool from_host)
{
	size_t n = b->s.lba_bytes, ms = b->s.ms;

	for (uint32_t i = io->from; i < io->from + io->blocks; i++, host += n + ms) {
		if (from_host) {
			memcpy(pi_data(b, i), host, n);
			memcpy(pi_meta(b, i), host + n, ms);
		} else {
			memcpy(host, pi_data(b, i), n);
			memcpy(host + n, pi_meta(b, i), ms);
		}
	}
}

static struct cpl run_extended(struct pi_bench *b, const struct pi_io *io, struct cmd c)
{
	struct cpl cpl;

	c.data_len = (size_t)io->blocks * (b->s.lba_bytes + b->s.ms);
	c.data = rig_mem(b->r, c.data_len);
	weave(b, io, c.data, false);
	cpl = rig_io(b->r, b->q, c);
	if (c.dir == CMD_IN && cpl.status == SC_SUCCESS)
		weave(b, io, c.data, true);
	return cpl;
}

/* Where no metadata move, those that lie where MPTR leads stay as they are. */
static struct cpl run_separate(struct pi_bench *b, const struct pi_io *io, struct cmd c)
{
	bool moves = !pi_bench_strips(b, io->prinfo);
	size_t len = moves ? (size_t)io->blocks * b->s.ms : 0;
	uint8_t *at = b->separate->data + b->skew, *before = rig_mem(b->r, b->separate->len);
	struct cpl cpl;

	buf_poison(b->separate, (uint8_t)rig_rand(b->r));
	if (c.dir == CMD_OUT)
		memcpy(at, pi_meta(b, io->from), len);
	memcpy(before, b->separate->data, b->separate->len);
	c.sqe.mptr = le64_from(b->separate->iova + b->skew);
	cpl = rig_io(b->r, b->q, c);
	if (c.dir == CMD_IN)
		check_untouched(b->r, CHECK_SITE(0, 0), b->separate, before, b->skew,
				b->skew + len);
	if (c.dir == CMD_IN && cpl.status == SC_SUCCESS)
		memcpy(pi_meta(b, io->from), at, len);
	return cpl;
}

static struct cpl run(struct pi_bench *b, const struct pi_io *io, struct cmd c)
{
	if (!c.data_len || !b->s.ms || (b->extended && pi_bench_strips(b, io->prinfo)))
		return rig_io(b->r, b->q, c);
	return b->extended ? run_extended(b, io, c) : run_separate(b, io, c);
}

/* What a Read that fails leaves in memory is not the bench's. */
static struct cpl run_read(struct pi_bench *b, const struct pi_io *io, struct cmd c)
{
	uint8_t *data = pi_data(b, io->from);
	struct cpl cpl;

	c.data = rig_mem(b->r, c.data_len);
	cpl = run(b, io, c);
	if (cpl.status == SC_SUCCESS && !(b->extended && !pi_bench_strips(b, io->prinfo)))
		memcpy(data, c.data, c.data_len);
	return cpl;
}

/* All of it but where a Read's data go, and metadata. */
static struct cmd build(struct pi_bench *b, const struct pi_io *io)
{
	size_t len = (size_t)io->blocks * b->s.lba_bytes;
	struct cmd c = cmd_verify(b->ns->nsid, b->lba + io->from, io->blocks);

	if (io->opcode == nvme_cmd_read)
		c = cmd_read(b->ns->nsid, b->lba + io->from, io->blocks, NULL, len);
	else if (io->opcode == nvme_cmd_write || io->opcode == nvme_cmd_compare)
		c = cmd_write(b->ns->nsid, b->lba + io->from, io->blocks, pi_data(b, io->from),
			      len);
	c.sqe.opcode = io->opcode;
	set_fields(b, io, &c);
	return c;
}

struct cpl pi_run(struct pi_bench *b, struct pi_io io)
{
	struct cmd c = build(b, &io);

	return c.dir == CMD_IN ? run_read(b, &io, c) : run(b, &io, c);
}

struct cmd pi_command(struct pi_bench *b, struct pi_io io)
{
	struct cmd c = build(b, &io);
	bool moves = c.data_len && b->s.ms && !pi_bench_strips(b, io.prinfo);

	if (moves && b->extended) {
		c.data_len = (size_t)io.blocks * (b->s.lba_bytes + b->s.ms);
		c.data = rig_mem(b->r, c.data_len);
		weave(b, &io, c.data, false);
	} else if (c.dir == CMD_IN) {
		c.data = rig_mem(b->r, c.data_len);
	}
	if (moves && b->separate) {
		memcpy(b->separate->data, pi_meta(b, io.from), (size_t)io.blocks * b->s.ms);
		c.sqe.mptr = le64_from(b->separate->iova);
	}
	return c;
}

void pi_store(struct pi_bench *b)
{
	struct cpl cpl = pi_run(b, pi_io(b, nvme_cmd_write, 0));
	char text[STATUS_TEXT];

	if (cpl.status != SC_SUCCESS)
		rig_broken(b->r, "set-up: unchecked Write to NSID %u ended with %s", b->ns->nsid,
			   status_text(cpl.status, text));
}

bool pi_load(struct pi_bench *b)
{
	memset(b->data, 0xee, (size_t)b->blocks * b->s.lba_bytes);
	memset(b->meta, 0xee, (size_t)b->blocks * b->s.ms);
	return CHECK_STATUS_OF(b->r, pi_says(b, "unchecked Read: status"),
			       pi_run(b, pi_io(b, nvme_cmd_read, 0)), SC_SUCCESS);
}

/* ---- what is checked ---- */

uint8_t *pi_copy_meta(const struct pi_bench *b)
{
	size_t len = (size_t)b->blocks * b->s.ms;
	uint8_t *p = rig_mem(b->r, len);

	memcpy(p, b->meta, len);
	return p;
}

uint8_t *pi_copy_data(const struct pi_bench *b)
{
	size_t len = (size_t)b->blocks * b->s.lba_bytes;
	uint8_t *p = rig_mem(b->r, len);

	memcpy(p, b->data, len);
	return p;
}

/* What is stored is valid for the data and the tags of the bench. */
void pi_check_valid(struct pi_bench *b)
{
	for (uint32_t i = 0; i < b->blocks; i++) {
		struct pi_tuple t;

		pi_get(&b->s, pi_meta(b, i), &t);
		CHECK_EQ(b->r, pi_says(b, "Guard of block %u", i), t.guard,
			 pi_guard(&b->s, pi_data(b, i), pi_meta(b, i)));
		CHECK_EQ(b->r, pi_says(b, "Application Tag of block %u", i), t.app, b->app);
		if (b->s.sts)
			CHECK_EQ(b->r, pi_says(b, "Storage Tag of block %u", i), t.storage,
				 b->storage);
		/* for Type 3 no text says what the computed tag is */
		if (b->s.type != 3 && pi_ref_bits(&b->s))
			CHECK_EQ(b->r, pi_says(b, "Reference Tag of block %u", i), t.ref,
				 pi_ref_at(b, i));
	}
}

/* Metadata that are no protection information came as they were sent. */
void pi_check_passed(struct pi_bench *b, const uint8_t *sent)
{
	unsigned at = pi_at(&b->s), behind = at + pi_bytes(&b->s);

	for (uint32_t i = 0; i < b->blocks; i++) {
		const uint8_t *want = sent + (size_t)i * b->s.ms, *got = pi_meta(b, i);

		if (at)
			CHECK_MEM(b->r, pi_says(b, "metadata of block %u, in front", i), got, want,
				  at);
		if (behind < b->s.ms)
			CHECK_MEM(b->r, pi_says(b, "metadata of block %u, behind", i), got + behind,
				  want + behind, b->s.ms - behind);
	}
}

void pi_expect(struct pi_bench *b, const char *what, struct pi_io io, uint16_t status)
{
	char name[24];

	CHECK_STATUS_OF(b->r,
			pi_says(b, "%s of %s, PRINFO %Xh: status", cmd_name(false, io.opcode, name),
				what, io.prinfo),
			pi_run(b, io), status);
}
