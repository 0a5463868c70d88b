// SPDX-License-Identifier: GPL-2.0-or-later
/* SGLs with something in them that is reserved, out of place, too short, too long or without end.
 */
#include <stdio.h>
#include <string.h>

#include "dptr_sgl.h"

#define TOP   (UINT64_MAX - 15) /* sixteen bytes from here the address space ends */
#define EXTRA 4096u

static uint32_t claimed(const struct rig *r)
{
	return le32_get(rig_facts(r)->id.sgls);
}

/* ---- sgl-bad-type ---- */

/* Where the bent descriptor is. */
enum where { IN_COMMAND, FIRST, BEHIND_OTHERS, PLACES };

static const char *const where_text[] = { "in the command", "first of its segment",
					  "behind valid ones" };

struct bad_row {
	const char *name;
	void (*ask)(struct sgl_bench *s, const struct bad_row *row, bool write);
	uint8_t id;
	uint16_t want;
	bool should;	/* no shall names the status */
	uint32_t claim; /* of SGLS: where it is set, this is no error */
	int add;	/* to the address or length of a pointer */
};

/* Segments in memory of three descriptors each: the last has data blocks alone, 0 segments are one
 * block in the command. */
static void lay_segments(struct sgl_bench *s, unsigned segments)
{
	s->plan = (struct sgl_plan){ .per_segment = 3 };
	strew(s, 2 * segments + 1, s->b->max < 2 ? 1 : 2);
}

static void lay_for(struct sgl_bench *s, enum where where)
{
	lay_segments(s, (unsigned)where);
}

/* How many segments it takes to have a pointer of this type in the first of them. */
static unsigned segments_for(const struct bad_row *row)
{
	return row->id >> 4 == SGL_SEGMENT ? 3 : 2;
}

static void send(struct sgl_bench *s, struct cmd c, const struct bad_row *row, const char *where)
{
	const struct check_site site = { __FILE__, __LINE__, .should = row->should };
	char what[256];

	snprintf(what, sizeof(what), "%s %s: %s", row->name, where, s->b->what);
	check_status_of(s->b->r, &site, what, rig_io(s->b->r, s->b->q, c), &row->want, 1);
	strew_check_elsewhere(s);
	strew_drop(s);
}

/* The descriptor at this place of a list that lay_for() laid. */
static struct sgl_desc descriptor_at(struct sgl_bench *s, const struct cmd *c, enum where where)
{
	if (where == IN_COMMAND)
		return sgl_get(&c->sqe);
	return where == FIRST ? sgl_segment(s->list, 0, NULL)[0] : sgl_segment(s->list, 1, NULL)[1];
}

static void put_at(struct sgl_bench *s, struct cmd *c, enum where where, struct sgl_desc d)
{
	if (where == IN_COMMAND)
		sgl_put(&c->sqe, d);
	else if (where == FIRST)
		sgl_segment(s->list, 0, NULL)[0] = d;
	else
		sgl_segment(s->list, 1, NULL)[1] = d;
}

/* A data block with another type or sub type. */
static void ask_type(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	for (enum where w = IN_COMMAND; w < PLACES; w++) {
		struct sgl_desc d;
		struct cmd c;

		lay_for(s, w);
		c = strew_cmd(s, write, rig_rand(s->b->r));
		d = descriptor_at(s, &c, w);
		d.id = row->id;
		put_at(s, &c, w, d);
		send(s, c, row, where_text[w]);
	}
}

/* A pointer with another sub type: the one in the command, the one that ends a segment. */
static void ask_pointer_type(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	struct sgl_desc d;
	struct cmd c;

	lay_segments(s, segments_for(row) - 1);
	c = strew_cmd(s, write, rig_rand(s->b->r));
	d = sgl_get(&c.sqe);
	d.id = row->id;
	sgl_put(&c.sqe, d);
	send(s, c, row, where_text[IN_COMMAND]);
	lay_segments(s, segments_for(row));
	c = strew_cmd(s, write, rig_rand(s->b->r));
	sgl_segment(s->list, 0, NULL)[2].id = row->id;
	send(s, c, row, "at the end of a segment");
}

/* The pointer of the first segment changes places with what is before it. */
static void ask_order(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	for (unsigned slot = 0; slot < 2; slot++) {
		struct sgl_desc *seg, swap;
		struct cmd c;

		lay_segments(s, segments_for(row));
		c = strew_cmd(s, write, rig_rand(s->b->r));
		seg = sgl_segment(s->list, 0, NULL);
		swap = seg[slot];
		seg[slot] = seg[2];
		seg[2] = swap;
		send(s, c, row, slot ? "in the middle of a segment" : where_text[FIRST]);
	}
}

/* What the command calls a last segment ends with a pointer to another. */
static void ask_after_last(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	struct sgl_desc d;
	struct cmd c;

	lay_segments(s, segments_for(row));
	c = strew_cmd(s, write, rig_rand(s->b->r));
	d = sgl_get(&c.sqe);
	d.id = SGL_LAST_SEGMENT << 4;
	sgl_put(&c.sqe, d);
	send(s, c, row, "in a last segment");
}

/* A data block that ends past 2^64. */
static void ask_data_wraps(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	for (enum where w = IN_COMMAND; w < PLACES; w++) {
		struct sgl_desc d;
		struct cmd c;

		lay_for(s, w);
		c = strew_cmd(s, write, rig_rand(s->b->r));
		d = sgl_data(TOP, 64);
		if (w == IN_COMMAND)
			d.len = le32_from((uint32_t)strew_bytes(s));
		put_at(s, &c, w, d);
		send(s, c, row, where_text[w]);
	}
}

static void ask_pointer_wraps(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	struct sgl_desc d = sgl_pointer(row->id >> 4 == SGL_LAST_SEGMENT, TOP, 2);
	struct cmd c;

	lay_segments(s, segments_for(row) - 1);
	c = strew_cmd(s, write, rig_rand(s->b->r));
	sgl_put(&c.sqe, d);
	send(s, c, row, where_text[IN_COMMAND]);
	lay_segments(s, segments_for(row));
	c = strew_cmd(s, write, rig_rand(s->b->r));
	sgl_segment(s->list, 0, NULL)[2] = d;
	send(s, c, row, "at the end of a segment");
}

/* A segment whose length or address is none; the list is bent in the command alone. */
static void ask_segment_length(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	struct sgl_desc d;
	struct cmd c;

	lay_for(s, FIRST);
	c = strew_cmd(s, write, rig_rand(s->b->r));
	d = sgl_get(&c.sqe);
	d.len = le32_from(row->add ? (uint32_t)((int)le32_get(d.len) + row->add) : 0);
	sgl_put(&c.sqe, d);
	send(s, c, row, where_text[IN_COMMAND]);
}

static void ask_segment_address(struct sgl_bench *s, const struct bad_row *row, bool write)
{
	struct sgl_desc d;
	struct cmd c;

	lay_for(s, FIRST);
	c = strew_cmd(s, write, rig_rand(s->b->r));
	d = sgl_get(&c.sqe);
	d.addr = le64_from(le64_get(d.addr) + (uint64_t)row->add);
	sgl_put(&c.sqe, d);
	send(s, c, row, where_text[IN_COMMAND]);
}

static const struct bad_row bad_rows[] = {
	{ "keyed", ask_type, 0x40, SC_SGL_TYPE_INVALID, false, NVME_CTRL_SGLS_KEYED, 0 },
	{ "transport", ask_type, 0x50, SC_SGL_TYPE_INVALID, false, NVME_CTRL_SGLS_TPORT, 0 },
	{ "bucket-unclaimed", ask_type, 0x10, SC_SGL_TYPE_INVALID, false, NVME_CTRL_SGLS_BIT_BUCKET,
	  0 },
	{ "type-6", ask_type, 0x60, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "type-9", ask_type, 0x90, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "type-e", ask_type, 0xe0, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "data-offset", ask_type, 0x01, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "data-subtype-2", ask_type, 0x02, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "data-subtype-9", ask_type, 0x09, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "data-subtype-a", ask_type, 0x0a, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "data-subtype-f", ask_type, 0x0f, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "bucket-subtype-1", ask_type, 0x11, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "segment-offset", ask_pointer_type, 0x21, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "segment-subtype-f", ask_pointer_type, 0x2f, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "last-segment-offset", ask_pointer_type, 0x31, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "last-segment-subtype-2", ask_pointer_type, 0x32, SC_SGL_TYPE_INVALID, false, 0, 0 },
	{ "segment-not-last", ask_order, 0x20, SC_SGL_COUNT_INVALID, false, 0, 0 },
	{ "last-segment-not-last", ask_order, 0x30, SC_SGL_COUNT_INVALID, false, 0, 0 },
	{ "segment-in-last", ask_after_last, 0x20, SC_SGL_SEGMENT_INVALID, false, 0, 0 },
	{ "last-segment-in-last", ask_after_last, 0x30, SC_SGL_SEGMENT_INVALID, false, 0, 0 },
	{ "data-past-2^64", ask_data_wraps, 0x00, SC_SGL_DATA_LENGTH_INVALID, false, 0, 0 },
	{ "segment-past-2^64", ask_pointer_wraps, 0x20, SC_SGL_DATA_LENGTH_INVALID, false, 0, 0 },
	{ "last-segment-past-2^64", ask_pointer_wraps, 0x30, SC_SGL_DATA_LENGTH_INVALID, false, 0,
	  0 },
	{ "segment-length-0", ask_segment_length, 0x30, SC_SGL_SEGMENT_INVALID, true, 0, 0 },
	{ "segment-length-1-more", ask_segment_length, 0x30, SC_SGL_SEGMENT_INVALID, true, 0, 1 },
	{ "segment-length-8-less", ask_segment_length, 0x30, SC_SGL_SEGMENT_INVALID, true, 0, -8 },
	{ "segment-address-1", ask_segment_address, 0x30, SC_SGL_SEGMENT_INVALID, true, 0, 1 },
	{ "segment-address-4", ask_segment_address, 0x30, SC_SGL_SEGMENT_INVALID, true, 0, 4 },
};

static void sgl_bad_type(struct rig *r)
{
	const struct bad_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct sgl_bench *s = sgl_bench_new(r, ns, 2 * ns->lba_bytes);

	if (claimed(r) & row->claim)
		rig_na(r, "SGLS is %08Xh: the type is supported", claimed(r));
	row->ask(s, row, false);
	row->ask(s, row, true);
}

/* ---- sgl-dwords ---- */

static const char *na_no_dwords(const struct facts *f)
{
	uint32_t sgls = le32_get(f->id.sgls);

	return (sgls & NVME_CTRL_SGLS_SUPPORTED) == 2
		       ? NULL
		       : rig_na_text("SGLS is %08Xh: no SGLs with dword granularity", sgls);
}

static const struct dword_row {
	const char *name;
	unsigned address, length;
} dword_rows[] = { { "address-1", 1, 0 },
		   { "address-2", 2, 0 },
		   { "address-3", 3, 0 },
		   { "length-1", 0, 1 },
		   { "length-2", 0, 2 } };

/* Two blocks of memory, the second with odd bits; bits 1:0 count as 00b where they are no error,
 * and a list may then be too short. */
static void ask_dwords(struct sgl_bench *s, const struct dword_row *row, bool write)
{
	uint64_t tag = rig_rand(s->b->r);
	struct sgl_desc *d;
	struct cpl cpl;
	struct cmd c;

	s->plan = (struct sgl_plan){ .apart = true };
	strew(s, 2, 1);
	c = strew_cmd(s, write, tag);
	d = sgl_segment(s->list, 0, NULL);
	d[1].addr = le64_from(le64_get(d[1].addr) + row->address);
	d[1].len = le32_from(le32_get(d[1].len) - row->length);
	cpl = rig_io(s->b->r, s->b->q, c);
	if (row->length)
		CHECK_STATUS_OF(s->b->r, s->b->what, cpl, SC_SGL_GRANULARITY_INVALID,
				SC_INVALID_FIELD, SC_SGL_DATA_LENGTH_INVALID);
	else
		CHECK_STATUS_OF(s->b->r, s->b->what, cpl, SC_SGL_GRANULARITY_INVALID,
				SC_INVALID_FIELD, SC_SUCCESS);
	if (cpl.status == SC_SUCCESS && !row->length)
		strew_check(s, write, tag);
	else
		strew_check_elsewhere(s);
	strew_drop(s);
}

static void sgl_dwords(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	struct sgl_bench *s = sgl_bench_new(r, ns, ns->lba_bytes);

	ask_dwords(s, rig_row(r), false);
	ask_dwords(s, rig_row(r), true);
}

/* ---- sgl-length ---- */

static const struct length_row {
	const char *name;
	unsigned pieces, per_segment;
	bool in_granules; /* how much is missing or too much: granules, else blocks */
	int amount;
	unsigned own; /* what is too much are descriptors of their own */
} lengths[] = {
	{ "granule-short", 1, 0, true, -1, 0 },
	{ "block-short", 1, 0, false, -1, 0 },
	{ "granule-short-in-segment", 4, 0, true, -1, 0 },
	{ "block-short-in-segments", 5, 3, false, -1, 0 },
	{ "nothing", 1, 0, false, -2, 0 },
	{ "granule-long", 1, 0, true, 1, 0 },
	{ "block-long", 1, 0, false, 1, 0 },
	{ "granule-long-in-segments", 5, 3, true, 1, 0 },
	{ "one-descriptor-long", 4, 0, false, 1, 1 },
	{ "one-segment-long", 2, 3, false, 1, 3 },
};

/* The list as the row has it, for a transfer of two blocks; what is too much is poison that stays.
 */
static void lay_length(struct sgl_bench *s, const struct length_row *row)
{
	uint32_t lba = s->b->ns->lba_bytes;
	uint32_t n = row->in_granules ? s->granule : row->amount == -2 ? 2 * lba : lba;
	struct piece *last;

	s->plan = (struct sgl_plan){ .per_segment = row->per_segment };
	strew(s, row->pieces, 2);
	/* more than the block that may be taken away, and room behind for one that comes to it */
	last = &s->piece[s->n - 1];
	for (unsigned i = 0; i < s->n; i++)
		s->piece[i].len = i == s->n - 1 ? 2 * lba - (s->n - 1) * s->granule : s->granule;
	strew_places(s);
	/* not over the small pieces, which stand at the beginning */
	if (last->at < s->b->page || last->at + last->len + EXTRA + lba > s->b->mem->len)
		last->at = s->b->page * (s->b->npages / 2);
	for (unsigned i = 0; i + 1 < s->n; i++)
		s->piece[i].at = (i + 1) * 64;
	if (row->amount < 0)
		last->len -= n < last->len ? n : last->len;
	else if (!row->own)
		last->len += n;
	for (unsigned i = 0; i < row->own; i++)
		strew_insert(s, s->n, (struct piece){ .at = 1024 * (i + 2), .len = 512 });
}

static void ask_short(struct sgl_bench *s, const struct length_row *row, bool write)
{
	struct cmd c;

	lay_length(s, row);
	c = strew_cmd(s, write, rig_rand(s->b->r));
	CHECK_STATUS_OF(s->b->r, s->b->what, rig_io(s->b->r, s->b->q, c),
			SC_SGL_DATA_LENGTH_INVALID);
	strew_check_elsewhere(s);
	strew_drop(s);
}

/* Where SGLS claims longer lists they work; elsewhere they should, or fail with one status. */
static void ask_long(struct sgl_bench *s, const struct length_row *row, bool write)
{
	bool claims = claimed(s->b->r) & NVME_CTRL_SGLS_OVERSIZE;
	const struct check_site site = { __FILE__, __LINE__, .should = !claims };
	static const uint16_t want[] = { SC_SUCCESS };
	uint64_t tag = rig_rand(s->b->r);
	struct cpl cpl;
	struct cmd c;

	lay_length(s, row);
	c = strew_cmd(s, write, tag);
	cpl = rig_io(s->b->r, s->b->q, c);
	check_status_of(s->b->r, &site, s->b->what, cpl, want, 1);
	if (cpl.status == SC_SUCCESS) {
		strew_check(s, write, tag);
	} else {
		ADVISE_STATUS_OF(s->b->r, s->b->what, cpl, SC_SGL_DATA_LENGTH_INVALID);
		strew_check_elsewhere(s);
	}
	strew_drop(s);
}

static void sgl_length(struct rig *r)
{
	const struct length_row *row = rig_row(r);
	const struct facts_ns *ns;
	unsigned asked = 0;

	for (unsigned at = 0; (ns = rig_ns_next(r, &at));) {
		struct sgl_bench *s = sgl_bench_new(r, ns, 4 * (EXTRA + ns->lba_bytes));

		for (unsigned write = 0; write < 2 && s->b->max >= 2; write++, asked++)
			(row->amount < 0 ? ask_short : ask_long)(s, row, write);
	}
	if (!asked)
		rig_na(r, "transfers of at most %zu bytes: not two blocks", rig_mdts(r));
}

/* ---- sgl-hostile ---- */

enum trap {
	LOOP_OF_ONE,
	LOOP_OF_TWO,
	NO_SEGMENT,
	NO_LAST_SEGMENT,
	NO_DATA,
	SEGMENT_OF_4_GIB,
	ALL_ONES
};

static const struct hostile_row {
	const char *name;
	enum trap trap;
	bool hole; /* needs an address that leads nowhere */
} hostiles[] = {
	{ "loops", LOOP_OF_ONE, false }, /* and of two */
	{ "segment-unmapped", NO_SEGMENT, true },
	{ "last-segment-unmapped", NO_LAST_SEGMENT, true },
	{ "data-unmapped", NO_DATA, true },
	{ "segment-of-4-gib", SEGMENT_OF_4_GIB, false },
	{ "all-ones", ALL_ONES, false },
};

/* A segment of nothing but NULL descriptors; returns the place of its pointer. */
static struct sgl_desc *emptied(struct sgl_bench *s, unsigned i)
{
	unsigned n;
	struct sgl_desc *seg = sgl_segment(s->list, i, &n);

	memset(seg, 0, n * sizeof(*seg));
	return &seg[n - 1];
}

static void set_trap(struct sgl_bench *s, struct cmd *c, enum trap trap)
{
	uint64_t hole = rig_target(s->b->r)->caps.hole;
	uint64_t second = sgl_segment_buf(s->list, 1)->iova;
	struct sgl_desc d = sgl_get(&c->sqe), *end = emptied(s, 0);

	switch (trap) {
	case LOOP_OF_ONE:
		*end = d;
		break;
	case LOOP_OF_TWO:
		*end = sgl_pointer(false, second, 3);
		*emptied(s, 1) = d;
		break;
	case NO_SEGMENT:
	case NO_LAST_SEGMENT:
		*end = sgl_pointer(trap == NO_LAST_SEGMENT, hole, 3);
		break;
	case NO_DATA:
		*end = sgl_data(hole, (uint32_t)strew_bytes(s));
		break;
	case SEGMENT_OF_4_GIB:
		emptied(s, 1);
		*end = sgl_pointer(true, second, 0xfffffff);
		break;
	case ALL_ONES:
		memset(&d, 0xff, sizeof(d));
		sgl_put(&c->sqe, d);
		break;
	}
}

static void ask_trap(struct sgl_bench *s, enum trap trap, bool write)
{
	struct bench *b = s->b;
	struct cpl cpl = { .status = SC_SUCCESS };
	bool answered;
	struct cmd c;

	lay_for(s, BEHIND_OTHERS);
	c = strew_cmd(s, write, rig_rand(b->r));
	set_trap(s, &c, trap);
	rig_put(b->r, b->q, c);
	rig_ring(b->r, b->q);
	answered = rig_try(b->r, b->q->cq, &cpl, BENCH_ANSWER_NS);
	if (!answered) {
		rig_reset(b->r);
		b->q = rig_queue(b->r);
	}
	ADVISE_TRUE(b->r, answered, "a command with such a list completes: %s", b->what);
	if (answered && (trap != NO_DATA || write)) /* what it writes it need not know lost */
		CHECK_ERROR(b->r, cpl);
	strew_check_elsewhere(s);
	bench_check_usable(b);
}

static void sgl_hostile(struct rig *r)
{
	const struct hostile_row *row = rig_row(r);
	const struct facts_ns *ns = rig_ns(r);
	struct sgl_bench *s = sgl_bench_new(r, ns, 2 * ns->lba_bytes);

	if (row->hole && !(rig_facts(r)->caps.has & NEED_HOLE))
		rig_skip(r, "needs", "an address that leads nowhere");
	ask_trap(s, row->trap, false);
	ask_trap(s, row->trap, true);
	if (row->trap == LOOP_OF_ONE)
		ask_trap(s, LOOP_OF_TWO, true);
}

static const struct rig_case cases[] = {
	{ .id = "sgl-bad-type",
	  .rule = "A descriptor of a type, sub type or place that is not allowed, or that ends "
		  "past "
		  "2^64, fails the command with the status for it.",
	  .ref = SGL_REF "; Base 2.2 Generic Command Status Definition",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-type-unchecked sgl-subtype-unchecked sgl-bucket-unclaimed "
		   "sgl-pointer-anywhere sgl-last-segment-goes-on sgl-segment-unchecked "
		   "sgl-length-wraps sgl-errors-as-field",
	  .na = na_no_sgl,
	  .run = sgl_bad_type,
	  ROWS(bad_rows) },
	{ .id = "sgl-dwords",
	  .rule = "Where SGLs are in dwords, other addresses and lengths are refused or taken for "
		  "dwords.",
	  .ref = "Base 2.2 Scatter Gather List (SGL) (SGL Data Block descriptor)",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-dwords-unchecked",
	  .na = na_no_dwords,
	  .run = sgl_dwords,
	  ROWS(dword_rows) },
	{ .id = "sgl-length",
	  .rule = "An SGL shorter than the transfer fails with Data SGL Length Invalid; of a "
		  "longer "
		  "one only the transfer's length is used, or it is refused where SGLS does not "
		  "claim it.",
	  .ref = SGL_REF,
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-short-accepted sgl-short-overruns sgl-long-refused sgl-long-overruns "
		   "sgl-errors-as-field",
	  .na = na_no_sgl,
	  .run = sgl_length,
	  ROWS(lengths) },
	{ .id = "sgl-hostile",
	  .rule = "A list that has no end or leads nowhere fails its command, in bounded time, and "
		  "harms nothing else.",
	  .ref = "Base 2.2 Scatter Gather List (SGL), Memory Error Handling",
	  .needs = NEED_QUEUES,
	  .harm = HARM_DATA,
	  .fault = "sgl-loop-forever dma-fault-success",
	  .na = na_no_sgl,
	  .run = sgl_hostile,
	  ROWS(hostiles) },
};

SUITE(dptr_sgl_bent_suite, CONFORMANCE, "dptr", cases);
