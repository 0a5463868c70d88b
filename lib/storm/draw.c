// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm/draw.h"

#include "base/cleanup.h"
#include "spec/command.h"

#define FUSE	     0x03u
#define PSDT	     0xc0u
#define PAGE	     4096u
#define NSZ	     (1u << 23) /* Write Zeroes of the whole namespace, in later revisions */
#define RESETS_EVERY 400u
#define WAITS_EVERY  60u

struct draw {
	const struct play_stage *st;
	uint64_t rand;
	uint32_t number;
};

static uint64_t any(struct draw *d)
{
	uint64_t z = d->rand += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t below(struct draw *d, uint64_t n)
{
	return n ? any(d) % n : 0;
}

static bool one_in(struct draw *d, unsigned n)
{
	return below(d, n) == 0;
}

#define PICK(d, list) ((list)[below(d, ARRAY_SIZE(list))])

static bool emulated(const struct draw *d)
{
	return d->st->facts->caps.emulated;
}

/* ---- namespaces and ranges ---- */

static const struct facts_ns *some_ns(struct draw *d)
{
	return d->st->area[below(d, d->st->areas)].ns;
}

/* NSIDs that name nothing, or everything. A real drive is asked about the latter in no write. */
static uint32_t wrong_nsid(struct draw *d, bool writes)
{
	const struct facts *f = d->st->facts;
	const uint32_t wrong[] = { 0, f->nn + 1, NSID_ALL - 1, f->inactive_nsid, NSID_ALL };
	size_t n = writes && !emulated(d) ? ARRAY_SIZE(wrong) - 1 : ARRAY_SIZE(wrong);

	return wrong[below(d, n)];
}

static uint64_t some_lba(struct draw *d, const struct facts_ns *ns)
{
	unsigned i = 0;
	uint64_t first, blocks;

	while (d->st->area[i].ns != ns)
		i++;
	first = d->st->area[i].first;
	blocks = d->st->area[i].blocks;
	return one_in(d, 3) ? ns->nsze - 1 - below(d, blocks) : first + below(d, blocks);
}

static uint64_t edge_lba(struct draw *d, const struct facts_ns *ns)
{
	const uint64_t edges[] = { ns->nsze - 1, ns->nsze,   ns->nsze + 1, 1ull << 32, 1ull << 48,
				   1ull << 63,	 ~0ull - 7u, ~0ull,	   0 };

	return PICK(d, edges);
}

static uint32_t some_blocks(struct draw *d)
{
	static const uint32_t few[] = { 1, 1, 2, 3, 4, 5, 7, 8, 8, 9, 16, 17, 31 };

	return PICK(d, few);
}

/* ---- commands as a host would send them ---- */

static void set_range(struct sqe *e, uint64_t lba, uint32_t blocks)
{
	e->cdw10 = le32_from((uint32_t)lba);
	e->cdw11 = le32_from((uint32_t)(lba >> 32));
	e->cdw12 = le32_from((le32_get(e->cdw12) & 0xffff0000u) | ((blocks - 1) & 0xffff));
}

static const struct {
	uint8_t opcode;
	unsigned weight;
} io_mix[] = {
	{ nvme_cmd_read, 30 },	{ nvme_cmd_write, 30 }, { nvme_cmd_compare, 8 },
	{ nvme_cmd_flush, 4 },	{ nvme_cmd_dsm, 4 },	{ nvme_cmd_write_zeroes, 8 },
	{ nvme_cmd_verify, 5 }, { nvme_cmd_copy, 4 },	{ nvme_cmd_write_uncor, 2 },
};

static uint8_t io_opcode(struct draw *d)
{
	unsigned total = 0, at;

	for (size_t i = 0; i < ARRAY_SIZE(io_mix); i++)
		total += io_mix[i].weight;
	at = (unsigned)below(d, total);
	for (size_t i = 0;; i++) {
		if (at < io_mix[i].weight)
			return io_mix[i].opcode;
		at -= io_mix[i].weight;
	}
}

static void plain_io(struct draw *d, struct script_step *s)
{
	const struct facts_ns *ns = some_ns(d);
	uint64_t lba = some_lba(d, ns);
	uint32_t blocks = some_blocks(d);

	s->queue = (uint8_t)(1 + below(d, d->st->queues));
	s->sqe = (struct sqe){ .opcode = io_opcode(d), .nsid = le32_from(ns->nsid) };
	switch (s->sqe.opcode) {
	case nvme_cmd_flush:
		break;
	case nvme_cmd_dsm:
		s->sqe.cdw10 = le32_from((uint32_t)below(d, 6));
		s->sqe.cdw11 = le32_from(one_in(d, 4) ? (uint32_t)below(d, 8) : 4u);
		break;
	case nvme_cmd_copy:
		s->sqe.cdw10 = le32_from((uint32_t)lba);
		s->sqe.cdw11 = le32_from((uint32_t)(lba >> 32));
		s->sqe.cdw12 = le32_from((uint32_t)below(d, 4));
		break;
	default:
		if (lba + blocks > ns->nsze && lba < ns->nsze && !one_in(d, 8))
			blocks = (uint32_t)(ns->nsze - lba);
		set_range(&s->sqe, lba, blocks);
		if (one_in(d, 6))
			s->sqe.cdw12 |= le32_from(1u << 30); /* FUA */
	}
}

/* No namespace's, never saved, nothing that ends the run (no KATO); in force until the reset. */
static const uint8_t settable[] = { 0x01, 0x08, 0x0a, 0x0b, 0x07, 0x00, 0x70 };

static const uint8_t log_ids[] = { 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x12, 0x13, 0x60, 0xbe };
static const uint8_t cns[] = { 0x00, 0x01, 0x02, 0x03, 0x05, 0x06, 0x07, 0x08, 0x10,
			       0x11, 0x12, 0x13, 0x17, 0x19, 0x1c, 0x20, 0x60, 0xff };
/* Reserved in every revision, and Fabrics, which PCIe does not know. */
static const uint8_t reserved_ops[] = { 0x03, 0x07, 0x0b, 0x0e, 0x0f, 0x12,
					0x13, 0x16, 0x17, 0x1b, 0x1f, 0x7f };
static const uint8_t reserved_io[] = { 0x03, 0x06, 0x07, 0x0a, 0x0b, 0x0f, 0x10, 0x13, 0x14 };

static void draw_log(struct draw *d, struct sqe *e)
{
	static const uint32_t dwords[] = { 1, 2, 16, 127, 128, 129, 1024, 1025, 4096 };
	uint32_t n = PICK(d, dwords) - 1;

	e->cdw10 = le32_from(PICK(d, log_ids) | (one_in(d, 2) ? 1u << 15 : 0) | n << 16);
	e->nsid = le32_from(NSID_ALL);
	if (one_in(d, 6))
		e->cdw12 = le32_from((uint32_t)below(d, 4096) & ~3u);
}

/* Queues beside those of the stage, in the sandbox, where nobody rings. */
static void draw_queue(struct draw *d, struct script_step *s)
{
	static const uint8_t ops[] = { nvme_admin_delete_sq, nvme_admin_create_sq,
				       nvme_admin_delete_cq, nvme_admin_create_cq,
				       nvme_admin_create_cq, nvme_admin_create_sq };
	uint32_t spare = d->st->queues + 1u, qid = spare + (uint32_t)below(d, 5);

	s->sqe.opcode = PICK(d, ops);
	s->pointer = POINTER_SANDBOX;
	if (one_in(d, 8))
		qid = one_in(d, 2) ? 0 : 0xffff;
	s->sqe.cdw10 = le32_from(qid | (uint32_t)(1 + below(d, 40)) << 16);
	if (s->sqe.opcode == nvme_admin_create_sq)
		s->sqe.cdw11 = le32_from(1u | (spare + (uint32_t)below(d, 3)) << 16);
	else if (s->sqe.opcode == nvme_admin_create_cq)
		s->sqe.cdw11 = le32_from(1u);
	else
		s->sqe.cdw10 = le32_from(qid);
}

static void draw_identify(struct draw *d, struct sqe *e)
{
	uint32_t which = PICK(d, cns);
	bool of_ns = which != 0x01 && which != 0x06 && which != 0x13 && which < 0x17;

	e->cdw10 = le32_from(which);
	if (of_ns)
		e->nsid = le32_from(some_ns(d)->nsid);
}

static void draw_features(struct draw *d, struct sqe *e)
{
	bool set = e->opcode == nvme_admin_set_features;

	e->cdw10 = le32_from(set ? PICK(d, settable) : (uint32_t)below(d, 0x20));
	if (set)
		e->cdw11 = le32_from((uint32_t)below(d, one_in(d, 2) ? 256 : 8));
	else if (one_in(d, 3))
		e->cdw10 |= le32_from((uint32_t)below(d, 4) << 8);
}

static void plain_admin(struct draw *d, struct script_step *s)
{
	static const uint8_t ops[] = {
		nvme_admin_identify,	 nvme_admin_identify,	  nvme_admin_identify,
		nvme_admin_get_log_page, nvme_admin_get_log_page, nvme_admin_get_log_page,
		nvme_admin_get_features, nvme_admin_get_features, nvme_admin_set_features,
		nvme_admin_set_features, nvme_admin_abort_cmd,	  nvme_admin_abort_cmd,
		nvme_admin_async_event,	 nvme_admin_keep_alive,	  nvme_admin_create_cq,
		nvme_admin_create_sq,
	};

	s->queue = 0;
	s->sqe = (struct sqe){ .opcode = PICK(d, ops) };
	switch (s->sqe.opcode) {
	case nvme_admin_identify:
		draw_identify(d, &s->sqe);
		break;
	case nvme_admin_get_log_page:
		draw_log(d, &s->sqe);
		break;
	case nvme_admin_get_features:
	case nvme_admin_set_features:
		draw_features(d, &s->sqe);
		break;
	case nvme_admin_abort_cmd:
		s->aims_at = d->number > 8 ? d->number - 1 - (uint32_t)below(d, 8) : 0;
		break;
	case nvme_admin_create_cq:
	case nvme_admin_create_sq:
		draw_queue(d, s);
		break;
	}
}

/* ---- bending ---- */

static uint64_t edge(struct draw *d, unsigned width)
{
	uint64_t most = width < 64 ? (1ull << width) - 1 : ~0ull;
	const uint64_t edges[] = { 0,
				   1,
				   most,
				   most - 1,
				   most >> 1,
				   1ull << (width - 1),
				   any(d) & most,
				   1ull << below(d, width) };

	return PICK(d, edges);
}

static void put_field(struct sqe *e, const struct spec_field *f, uint64_t v)
{
	uint8_t *bytes = (uint8_t *)e;

	for (unsigned i = 0; i < f->width; i++) {
		unsigned bit = f->dword * 32u + f->low + i;

		bytes[bit / 8] = (uint8_t)((bytes[bit / 8] & ~(1u << bit % 8)) |
					   (unsigned)(v >> i & 1) << bit % 8);
	}
}

static const struct spec_field *nth_field(const struct spec_field *f, uint64_t n)
{
	for (; f && f->name; f++)
		if (!n--)
			return f;
	return NULL;
}

static size_t count_fields(const struct spec_field *f)
{
	size_t n = 0;

	while (f && f[n].name)
		n++;
	return n;
}

static bool is_write(const struct script_step *s)
{
	return s->queue && (s->sqe.opcode & 3) != 2 && s->sqe.opcode != nvme_cmd_flush;
}

/* A field of the command's own, or bits that no field covers. */
static void bend_own(struct draw *d, struct script_step *s)
{
	const struct spec_command *c = spec_command(!s->queue, s->sqe.opcode);
	size_t n = c ? count_fields(c->fields) : 0;
	const struct spec_field loose = { .name = "CDW",
					  .dword = (uint8_t)(10 + below(d, 6)),
					  .width = 32 };
	const struct spec_field *f =
		n && !one_in(d, 5) ? nth_field(c->fields, below(d, n)) : &loose;

	put_field(&s->sqe, f, edge(d, f->width));
}

static void bend_common(struct draw *d, struct script_step *s)
{
	switch (below(d, 8)) {
	case 0:
		s->sqe.flags |= (uint8_t)(1 + below(d, 3)); /* FUSE */
		break;
	case 1:
		s->sqe.flags |= (uint8_t)((1 + below(d, 3)) << 6); /* PSDT */
		break;
	case 2:
		s->sqe.flags |= (uint8_t)(any(d) & ~(unsigned)(FUSE | PSDT));
		break;
	case 3:
		s->sqe.cdw2 = le32_from((uint32_t)edge(d, 32));
		s->sqe.cdw3 = le32_from((uint32_t)edge(d, 32));
		break;
	default:
		s->sqe.nsid = le32_from(wrong_nsid(d, is_write(s)));
	}
}

static void bend_place(struct draw *d, struct script_step *s)
{
	static const uint32_t counts[] = { 128, 129, 256, 257, 4096, 32768, 65535, 65536 };
	const struct facts_ns *ns = some_ns(d);

	s->sqe.nsid = le32_from(ns->nsid);
	set_range(&s->sqe, one_in(d, 2) ? edge_lba(d, ns) : some_lba(d, ns),
		  one_in(d, 2) ? PICK(d, counts) : some_blocks(d));
}

static void bend(struct draw *d, struct script_step *s)
{
	unsigned how = (unsigned)below(d, 10);

	if (how == 0 && s->queue)
		s->sqe.opcode = PICK(d, reserved_io);
	else if (how == 0)
		s->sqe.opcode = PICK(d, reserved_ops);
	else if (how < 4 && s->queue && s->sqe.opcode != nvme_cmd_dsm)
		bend_place(d, s);
	else if (how < 7)
		bend_common(d, s);
	else
		bend_own(d, s);
}

/* What bending may not do: to the queues of the stage, to what is saved, to the whole namespace. */
static void keep_safe(struct draw *d, struct script_step *s)
{
	uint32_t dw10 = le32_get(s->sqe.cdw10), qid = dw10 & 0xffff;

	if (s->queue) {
		if (s->sqe.opcode == nvme_cmd_write_zeroes)
			s->sqe.cdw12 &= le32_from(~NSZ);
		return;
	}
	switch (s->sqe.opcode) {
	case nvme_admin_delete_sq:
	case nvme_admin_delete_cq:
		if (qid && qid <= d->st->queues)
			s->sqe.cdw10 = le32_from((dw10 & 0xffff0000u) | (d->st->queues + 1u));
		break;
	case nvme_admin_set_features:
		dw10 &= 0x7fffff00u;
		s->sqe.cdw10 = le32_from(dw10 | PICK(d, settable));
		break;
	case nvme_admin_async_event:
		s->aims_at = SCRIPT_NOBODY;
		break;
	}
}

static void point(struct draw *d, struct script_step *s)
{
	if (s->pointer == POINTER_SANDBOX)
		return;
	s->pointer = one_in(d, 3) ? POINTER_LIST : POINTER_PRP;
	s->offset = one_in(d, 2) ? 0 : (uint16_t)(below(d, PAGE) & ~3u);
}

static struct script_step command(struct draw *d, bool io)
{
	struct script_step s = { .number = d->number, .aims_at = SCRIPT_NOBODY };

	if (io)
		plain_io(d, &s);
	else
		plain_admin(d, &s);
	if (one_in(d, 4))
		bend(d, &s);
	keep_safe(d, &s);
	point(d, &s);
	return s;
}

static struct script_step next(struct draw *d, enum draw_kind kind)
{
	struct script_step s = { .number = d->number,
				 .kind = SCRIPT_WAIT,
				 .aims_at = SCRIPT_NOBODY };

	if (one_in(d, WAITS_EVERY))
		return s;
	if (kind == DRAW_MIXED && one_in(d, RESETS_EVERY)) {
		s.kind = SCRIPT_RESET;
		return s;
	}
	return command(d, kind == DRAW_IO || (kind == DRAW_MIXED && !one_in(d, 4)));
}

int draw_script(const struct play_stage *st, enum draw_kind kind, uint64_t seed, size_t steps,
		struct script *ret)
{
	struct draw d = { .st = st, .rand = seed };
	int err = 0;

	*ret = (struct script){ .seed = seed };
	for (; !err && d.number < steps; d.number++) {
		struct script_step s = next(&d, kind);

		err = script_add(ret, &s);
	}
	if (err)
		script_free(ret);
	return err;
}
