// SPDX-License-Identifier: GPL-2.0-or-later
/* Data and PRP Lists in the Controller Memory Buffer, and what must not be there. */
#include <inttypes.h>
#include <string.h>

#include "io_area.h"
#include "queue_parts.h"

#define PAGE	   4096u
#define PAGES	   4u /* of a transfer that has a list */
#define ROOM_LEAST (4ull * PAGE)
#define TAG_DISK   0x11
#define TAG_SENT   0x22

struct bench {
	struct rig *r;
	const struct rig_cmb *cmb;
	const struct facts_ns *ns;
	struct sq *q;
	size_t page;
	uint64_t room; /* whole pages of the buffer from `base` on */
	struct far base;
	uint64_t lba;
	uint32_t blocks; /* of a transfer of PAGES pages */
	uint8_t *disk, *sent, *got;
};

static struct bench *bench(struct rig *r)
{
	struct bench *b = rig_mem(r, sizeof(*b));
	size_t bytes;

	rig_ctrl_off(r);
	b->r = r;
	b->cmb = rig_cmb(r);
	b->ns = rig_ns(r);
	b->q = rig_queue(r);
	b->page = rig_ctrl(r)->page;
	bytes = PAGES * b->page;
	b->base = far_at(&b->cmb->far, -b->cmb->far.iova & (b->page - 1));
	b->room = b->cmb->bytes - (b->base.off - b->cmb->far.off);
	if (b->room < (PAGES + 2) * b->page)
		rig_na(r, "a buffer of %" PRIu64 " bytes: too small for this case", b->cmb->bytes);
	if (b->ns->lba_bytes > bytes || rig_mdts(r) < bytes)
		rig_na(r, "no transfer of %u pages", PAGES);
	b->blocks = (uint32_t)(bytes / b->ns->lba_bytes);
	b->lba = 8 * b->blocks;
	b->disk = rig_mem(r, bytes);
	b->sent = rig_mem(r, bytes);
	b->got = rig_mem(r, bytes);
	rig_stamp(b->disk, b->lba, b->blocks, b->ns->lba_bytes, TAG_DISK);
	rig_stamp(b->sent, b->lba, b->blocks, b->ns->lba_bytes, TAG_SENT);
	rig_io_ok(r, b->q, cmd_write(b->ns->nsid, b->lba, b->blocks, b->disk, bytes));
	return b;
}

/* Bytes of n blocks. */
static size_t bytes_of(const struct bench *b, uint32_t n)
{
	return (size_t)n * b->ns->lba_bytes;
}

/* n blocks whose data pointer is the case's own. */
static struct cmd read_of(const struct bench *b, uint32_t n)
{
	struct cmd c = cmd_read(b->ns->nsid, b->lba, n, NULL, bytes_of(b, n));

	return c;
}

static struct cmd write_of(const struct bench *b, uint32_t n)
{
	return cmd_write(b->ns->nsid, b->lba, n, NULL, bytes_of(b, n));
}

static void point(struct cmd *c, uint64_t prp1, uint64_t prp2)
{
	c->sqe.prp1 = le64_from(prp1);
	c->sqe.prp2 = le64_from(prp2);
}

static void check_disk(const struct bench *b, const char *what, const uint8_t *want)
{
	rig_io_ok(b->r, b->q, cmd_read(b->ns->nsid, b->lba, b->blocks, b->got, PAGES * b->page));
	CHECK_MEM(b->r, what, b->got, want, PAGES * b->page);
}

/* Works, or is refused: the flag of CMBSZ or CMBLOC says which. */
static bool check_allowed(const struct bench *b, const char *what, struct cpl cpl, bool allowed)
{
	char text[128];

	snprintf(text, sizeof(text), "%s, %s: status", what, allowed ? "allowed" : "ruled out");
	if (allowed)
		return CHECK_STATUS_OF(b->r, text, cpl, SC_SUCCESS);
	CHECK_STATUS_OF(b->r, text, cpl, SC_CMB_INVALID_USE);
	return false;
}

static void fill(const struct bench *b, uint8_t value)
{
	memset(b->got, value, PAGES * b->page);
	rig_far_store(b->r, &b->base, 0, b->got, PAGES * b->page);
}

/* ---- data ---- */

/* As many blocks as there are pages' worth, at an offset into the first page. */
static uint32_t blocks_at(const struct bench *b, size_t offset)
{
	return (uint32_t)((2 * b->page - offset) / b->ns->lba_bytes);
}

static void read_at(const struct bench *b, uint64_t at, size_t offset)
{
	uint32_t n = blocks_at(b, offset);
	struct cmd c = read_of(b, n);
	struct cpl cpl;

	fill(b, 0x3c);
	point(&c, b->base.iova + at + offset, b->base.iova + at + b->page);
	cpl = rig_io(b->r, b->q, c);
	if (!check_allowed(b, "Read into the buffer", cpl, b->cmb->sz & CMBSZ_RDS))
		return;
	rig_far_load(b->r, &b->base, at + offset, b->got, bytes_of(b, n));
	CHECK_MEM(b->r, "blocks in the buffer, read through the BAR", b->got, b->disk,
		  bytes_of(b, n));
	if (offset) {
		rig_far_load(b->r, &b->base, at, b->got, offset);
		CHECK_TRUE(b->r, b->got[0] == 0x3c || at, "what is before them is as it was");
	}
}

static void read_into(struct bench *b)
{
	uint64_t last = b->room / b->page * b->page - 2 * b->page;

	read_at(b, 0, 0);
	read_at(b, 0, 4);
	read_at(b, 0, b->page - b->page / 2);
	read_at(b, last, 0);
	check_disk(b, "the blocks afterwards", b->disk);
}

static void write_at(const struct bench *b, uint64_t at, size_t offset)
{
	uint32_t n = blocks_at(b, offset);
	struct cmd c = write_of(b, n);

	rig_io_ok(b->r, b->q, cmd_write(b->ns->nsid, b->lba, b->blocks, b->disk, PAGES * b->page));
	rig_far_store(b->r, &b->base, at + offset, b->sent, bytes_of(b, n));
	point(&c, b->base.iova + at + offset, b->base.iova + at + b->page);
	if (!check_allowed(b, "Write from the buffer", rig_io(b->r, b->q, c),
			   b->cmb->sz & CMBSZ_WDS)) {
		check_disk(b, "the blocks after a Write that was refused", b->disk);
		return;
	}
	rig_io_ok(b->r, b->q, cmd_read(b->ns->nsid, b->lba, n, b->got, bytes_of(b, n)));
	CHECK_MEM(b->r, "blocks written from the buffer", b->got, b->sent, bytes_of(b, n));
}

static void write_from(struct bench *b)
{
	uint64_t last = b->room / b->page * b->page - 2 * b->page;

	write_at(b, 0, 0);
	write_at(b, 0, 4);
	write_at(b, last, 0);
}

/* The first page in host memory, the second in the buffer; and the other way. */
static void mixed_data(struct bench *b)
{
	bool allowed = b->cmb->loc & CMBLOC_CDMMMS;
	struct buf *host = rig_buf(b->r, b->page);
	uint32_t n = blocks_at(b, 0);

	if (!(b->cmb->sz & CMBSZ_RDS))
		rig_na(b->r, "CMBSZ.RDS is 0: no data from the controller go to the buffer");
	for (unsigned inside = 0; inside < 2; inside++) {
		uint64_t page[2] = { host->iova, b->base.iova };
		struct cmd c = read_of(b, n);

		point(&c, page[inside], page[!inside]);
		if (!check_allowed(b, "Read into host memory and the buffer", rig_io(b->r, b->q, c),
				   allowed))
			continue;
		rig_far_load(b->r, &b->base, 0, b->got, b->page);
		CHECK_MEM(b->r, "the half in the buffer", b->got, b->disk + !inside * b->page,
			  b->page);
		CHECK_MEM(b->r, "the half in host memory", host->data, b->disk + inside * b->page,
			  b->page);
	}
}

/* ---- lists ---- */

/* Entries for the pages of the host's buffer but the first, from `at` on in memory like `list`. */
static void put_entry(const struct bench *b, const struct far *list, struct buf *host, uint64_t at,
		      uint64_t entry)
{
	__le64 v = le64_from(entry);

	if (list)
		rig_far_store(b->r, list, at, &v, sizeof(v));
	else
		memcpy(host->data + at, &v, sizeof(v));
}

static void check_read(const struct bench *b, struct sq *q, struct cmd c, const struct buf *data,
		       const char *what, bool allowed)
{
	if (check_allowed(b, what, rig_io(b->r, q, c), allowed))
		CHECK_MEM(b->r, "the blocks", data->data, b->disk, PAGES * b->page);
}

/* One list page in the buffer, its command on queue q. */
static void ask_list(const struct bench *b, struct sq *q, const char *what, bool allowed)
{
	struct buf *data = rig_buf(b->r, PAGES * b->page);
	struct cmd c = read_of(b, b->blocks);

	for (unsigned i = 1; i < PAGES; i++)
		put_entry(b, &b->base, NULL, (i - 1) * 8, data->iova + i * b->page);
	point(&c, data->iova, b->base.iova);
	check_read(b, q, c, data, what, allowed);
}

static void list(struct bench *b)
{
	ask_list(b, b->q, "PRP List in the buffer, its command in host memory",
		 (b->cmb->sz & CMBSZ_LISTS) && (b->cmb->loc & CMBLOC_CDPCILS));
}

/* The I/O queue pair anew, its submission queue behind the pages that lists and data take. */
static struct sq *far_queue(const struct bench *b)
{
	struct far far = far_at(&b->base, PAGES * b->page);
	uint32_t entries = rig_queue_fit(b->r, 8);
	struct cpl cpl;
	struct sq *q;

	if (!(b->cmb->sz & CMBSZ_SQS))
		return b->q;
	CHECK_STATUS(b->r, rig_admin(b->r, cmd_delete_sq(1)), SC_SUCCESS);
	q = rig_sq_alloc(b->r, 1, entries, b->q->cq);
	sq_free(b->q);
	sq_place(q, &far);
	if (sq_create(q, &cpl))
		rig_fail(b->r, "no submission queue in the buffer, which CMBSZ.SQS allows");
	return q;
}

static void list_and_command(struct bench *b)
{
	b->q = far_queue(b);
	ask_list(b, b->q, "PRP List and its command in the buffer", b->cmb->sz & CMBSZ_LISTS);
}

/*
 * A list of two pages: the first has room for one entry and the pointer. far_first: that page is
 * in the buffer and the other is not.
 */
static void ask_mixed(const struct bench *b, bool far_first, bool allowed)
{
	struct buf *data = rig_buf(b->r, PAGES * b->page), *host = rig_buf(b->r, b->page);
	const struct far *first = far_first ? &b->base : NULL,
			 *second = far_first ? NULL : &b->base;
	uint64_t first_at = far_first ? b->base.iova : host->iova;
	uint64_t second_at = far_first ? host->iova : b->base.iova;
	struct cmd c = read_of(b, b->blocks);

	put_entry(b, first, host, b->page - 16, data->iova + b->page);
	put_entry(b, first, host, b->page - 8, second_at);
	put_entry(b, second, host, 0, data->iova + 2 * b->page);
	put_entry(b, second, host, 8, data->iova + 3 * b->page);
	point(&c, data->iova, first_at + b->page - 16);
	check_read(b, b->q, c, data,
		   far_first ? "PRP List that goes on in host memory"
			     : "PRP List that goes on in the buffer",
		   allowed);
}

static void mixed_lists(struct bench *b)
{
	if (!(b->cmb->sz & CMBSZ_LISTS))
		rig_na(b->r, "CMBSZ.LISTS is 0: no list may lie in the buffer");
	b->q = far_queue(b);
	ask_mixed(b, true, b->cmb->loc & CMBLOC_CDPMLS);
	ask_mixed(b, false, b->cmb->loc & CMBLOC_CDPMLS);
}

/* A list in the buffer whose data are there as well. */
static void list_and_data(struct bench *b)
{
	uint64_t pages = b->room / b->page;
	struct cmd c = read_of(b, b->blocks);

	if (pages < 2 * PAGES || !(b->cmb->sz & CMBSZ_RDS) || !(b->cmb->sz & CMBSZ_LISTS))
		rig_na(b->r, "not both lists and data from the controller may lie in the buffer");
	b->q = far_queue(b);
	for (unsigned i = 0; i < PAGES; i++) /* from the end, backwards */
		put_entry(b, &b->base, NULL, i * 8, b->base.iova + (pages - 1 - i) * b->page);
	point(&c, b->base.iova + (pages - 1) * b->page, b->base.iova + 8);
	if (!check_allowed(b, "PRP List and data in the buffer", rig_io(b->r, b->q, c), true))
		return;
	for (unsigned i = 0; i < PAGES; i++) {
		rig_far_load(b->r, &b->base, (pages - 1 - i) * b->page, b->got, b->page);
		CHECK_MEM(b->r, "a page of the blocks", b->got, b->disk + i * b->page, b->page);
	}
}

static const struct data_row {
	const char *name;
	void (*run)(struct bench *b);
} rows[] = {
	{ "read-into", read_into },
	{ "write-from", write_from },
	{ "mixed-data", mixed_data },
	{ "list", list },
	{ "list-and-command", list_and_command },
	{ "mixed-lists", mixed_lists },
	{ "list-and-data", list_and_data },
};

static void cmb_data(struct rig *r)
{
	const struct data_row *row = rig_row(r);

	row->run(bench(r));
}

static const struct rig_case cases[] = {
	{ .id = "cmb-data",
	  .rule = "Data and lists in the Controller Memory Buffer work where CMBSZ and CMBLOC "
		  "allow "
		  "them, and are refused where they rule them out.",
	  .ref = "Base 2.2 Controller Memory Buffer; Base 2.2 Offset 38h: CMBLOC; Base 2.2 Offset "
		 "3Ch: CMBSZ",
	  .needs = NEED_QUEUES | NEED_BARS,
	  .harm = HARM_DATA,
	  .na = rig_na_cmb,
	  .fault =
		  "cmb-rds-unchecked cmb-wds-unchecked cmb-mixed-data-accepted cmb-lists-unchecked "
		  "cmb-mixed-lists-accepted cmb-list-far-accepted cmb-dma-lands-off",
	  .run = cmb_data,
	  ROWS(rows) },
};

SUITE(dptr_cmb_suite, CONFORMANCE, "dptr", cases);
