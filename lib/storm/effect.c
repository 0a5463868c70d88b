// SPDX-License-Identifier: GPL-2.0-or-later
/* What commands do to the blocks that are followed. Source: NVM CS 1.0 NVM Command Set Commands. */
#include <inttypes.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "storm/flight.h"

#define FUSE	   0x03u
#define DEALLOCATE (1u << 2)

struct range {
	const struct facts_ns *ns;
	uint64_t lba, n;
};

const struct facts_ns *effect_ns(const struct player *p, const struct sqe *e)
{
	uint32_t nsid = le32_get(e->nsid);

	for (unsigned i = 0; i < p->st->areas; i++)
		if (p->st->area[i].ns->nsid == nsid)
			return p->st->area[i].ns;
	return NULL;
}

static struct range range_of(const struct player *p, const struct sqe *e)
{
	return (struct range){ effect_ns(p, e),
			       le32_get(e->cdw10) | (uint64_t)le32_get(e->cdw11) << 32,
			       (le32_get(e->cdw12) & 0xffff) + 1ull };
}

static bool is_write(const struct flight *f)
{
	return f->step->queue && f->sqe.opcode == nvme_cmd_write;
}

/* Content of its own, zeroes, or none. */
static bool writes_plainly(const struct flight *f, uint64_t *ret_id)
{
	if (!f->step->queue)
		return false;
	*ret_id = f->sqe.opcode == nvme_cmd_write_zeroes ? BLOCKS_ZEROES : f->id;
	return f->sqe.opcode == nvme_cmd_write || f->sqe.opcode == nvme_cmd_write_zeroes;
}

static bool is_deallocate(const struct flight *f)
{
	return f->step->queue && f->sqe.opcode == nvme_cmd_dsm &&
	       le32_get(f->sqe.cdw11) & DEALLOCATE;
}

bool effect_is_alone(const struct player *p, const struct script_step *s)
{
	uint8_t op = s->sqe.opcode;

	if (data_in_sandbox(p, s) || s->sqe.flags & FUSE)
		return true;
	return s->queue && (op == nvme_cmd_write_uncor || op == nvme_cmd_copy);
}

/* ---- the regions that a range meets ---- */

typedef void region_fn(struct player *p, struct blocks *b, const struct range *r, uint64_t id,
		       enum blocks_end how);

static void begin_one(struct player *p, struct blocks *b, const struct range *r, uint64_t id,
		      enum blocks_end how)
{
	(void)p;
	(void)how;
	blocks_begin(b, r->lba, r->n, id);
}

static void end_one(struct player *p, struct blocks *b, const struct range *r, uint64_t id,
		    enum blocks_end how)
{
	blocks_end(b, r->lba, r->n, id, how, p->now);
}

static void forget_one(struct player *p, struct blocks *b, const struct range *r, uint64_t id,
		       enum blocks_end how)
{
	(void)p;
	(void)id;
	(void)how;
	blocks_forget(b, r->lba, r->n);
}

static void spoil_one(struct player *p, struct blocks *b, const struct range *r, uint64_t id,
		      enum blocks_end how)
{
	(void)p;
	(void)id;
	(void)how;
	blocks_spoil(b, r->lba, r->n);
}

static void each_region(struct player *p, const struct range *r, region_fn *fn, uint64_t id,
			enum blocks_end how)
{
	for (unsigned i = 0; i < p->regions; i++)
		if (p->region[i].ns == r->ns)
			fn(p, p->region[i].blocks, r, id, how);
}

/* Every range of a Dataset Management, twice: a deallocated block reads as zeroes or as ones. */
static void each_dsm(struct player *p, const struct flight *f, region_fn *fn, enum blocks_end how)
{
	const struct nvme_dsm_range *d = (const struct nvme_dsm_range *)f->given;

	for (size_t i = 0; d && (i + 1) * sizeof(*d) <= f->len; i++) {
		struct range r = { effect_ns(p, &f->sqe), le64_get(d[i].slba), le32_get(d[i].nlb) };

		each_region(p, &r, fn, BLOCKS_ZEROES, how);
		each_region(p, &r, fn, BLOCKS_ONES, how);
	}
}

/* ---- begin and end ---- */

void effect_begin(struct player *p, struct flight *f)
{
	struct range r = range_of(p, &f->sqe);
	uint64_t id;

	f->changes = r.ns && (f->buf || f->sqe.opcode == nvme_cmd_write_zeroes);
	if (!f->changes)
		return;
	if (writes_plainly(f, &id))
		each_region(p, &r, begin_one, id, BLOCKS_DONE);
	else if (is_deallocate(f))
		each_dsm(p, f, begin_one, BLOCKS_DONE);
	else
		f->changes = false;
}

static void end_change(struct player *p, struct flight *f, enum blocks_end how)
{
	struct range r = range_of(p, &f->sqe);
	uint64_t id;

	if (!f->changes)
		return;
	f->changes = false;
	if (writes_plainly(f, &id))
		each_region(p, &r, end_one, id, how);
	else
		each_dsm(p, f, end_one, how == BLOCKS_DONE ? BLOCKS_MAYBE : how);
}

/* Those that run alone, and whatever writes from the sandbox or as half of a pair. */
static void end_alone(struct player *p, const struct flight *f, uint16_t status, bool refused)
{
	struct range r = range_of(p, &f->sqe);

	if (!f->step->queue || !r.ns || refused)
		return;
	if (f->sqe.opcode == nvme_cmd_write_uncor)
		each_region(p, &r, status == SC_SUCCESS ? spoil_one : forget_one, 0, BLOCKS_DONE);
	else if (f->sqe.opcode == nvme_cmd_copy)
		for (unsigned i = 0; i < p->regions; i++) /* its length is the sum of its ranges */
			blocks_forget(p->region[i].blocks, 0, UINT64_MAX);
	else if (!f->buf)
		each_region(p, &r, forget_one, 0, BLOCKS_DONE);
}

static void look_at_read(struct player *p, const struct flight *f)
{
	struct range r = range_of(p, &f->sqe);
	const uint8_t *data = data_got(p, f);
	uint64_t lba, want;

	for (unsigned i = 0; i < p->regions && !player_stopped(p); i++) {
		uint64_t got;

		if (p->region[i].ns != r.ns ||
		    blocks_match(p->region[i].blocks, r.lba, r.n, data, f->since, &lba, &want))
			continue;
		memcpy(&got, data + (lba - r.lba) * r.ns->lba_bytes, sizeof(got));
		player_wrong(p, f, PLAY_DATA, "",
			     "LBA %" PRIu64 " of namespace %u begins with %016" PRIX64
			     "h; of what it may hold, one block begins with %016" PRIX64 "h",
			     lba, r.ns->nsid, got, want);
	}
}

void effect_end(struct player *p, struct flight *f, uint16_t status, bool refused)
{
	bool cut = f->victim && (status == SC_ABORT_REQUESTED || status == SC_SQ_DELETION);

	if (f->sqe.flags & FUSE) /* half of a pair whose other half is not ours */
		cut = true;
	end_change(p, f,
		   status == SC_SUCCESS && !cut ? BLOCKS_DONE
		   : refused && !cut		? BLOCKS_NONE
		   : cut			? BLOCKS_MAYBE
						: BLOCKS_TORN);
	if (!is_write(f) || !f->buf)
		end_alone(p, f, status, refused);
	if (status == SC_SUCCESS && f->step->queue && f->sqe.opcode == nvme_cmd_read && f->buf &&
	    effect_ns(p, &f->sqe))
		look_at_read(p, f);
}

void effect_cut(struct player *p, struct flight *f)
{
	end_change(p, f, BLOCKS_MAYBE);
	end_alone(p, f, SC_ABORT_REQUESTED, false);
}

/* ---- statuses that hang on content ---- */

static bool is_followed(const struct blocks *b, const struct range *r)
{
	return r->lba >= blocks_first(b) && r->lba + r->n <= blocks_first(b) + blocks_count(b);
}

/* May one of them be unreadable? Of those that are not followed nothing is known. */
static bool may_be_spoilt(const struct player *p, const struct range *r, uint64_t since)
{
	for (unsigned i = 0; i < p->regions; i++)
		if (p->region[i].ns == r->ns && is_followed(p->region[i].blocks, r))
			return blocks_spoilt(p->region[i].blocks, r->lba, r->n, since);
	return true;
}

static bool compare_forbids(struct player *p, const struct flight *f, uint16_t status, char *why,
			    size_t len)
{
	struct range r = range_of(p, &f->sqe);
	bool equal = true, differs = true;

	for (unsigned i = 0; i < p->regions; i++) {
		const struct blocks *b = p->region[i].blocks;
		bool e, d;

		if (p->region[i].ns != r.ns || !is_followed(b, &r))
			continue;
		blocks_compare(b, r.lba, r.n, f->id, f->since, &e, &d);
		equal &= e;
		differs &= d;
	}
	if (status == SC_SUCCESS && !equal)
		snprintf(why, len, "the blocks do not hold what it compared");
	else if (status == SC_COMPARE_FAILURE && !differs)
		snprintf(why, len, "the blocks hold exactly what it compared");
	else
		return false;
	return true;
}

bool effect_forbids(struct player *p, const struct flight *f, uint16_t status, char *why,
		    size_t len)
{
	struct range r = range_of(p, &f->sqe);

	if (!f->step->queue || !r.ns || !f->buf || f->sqe.flags & FUSE)
		return false;
	if (status == SC_UNRECOVERED_READ && !may_be_spoilt(p, &r, f->since) &&
	    (f->sqe.opcode == nvme_cmd_read || f->sqe.opcode == nvme_cmd_compare)) {
		snprintf(why, len, "no block of it was marked by Write Uncorrectable");
		return p->st->facts->caps.emulated;
	}
	if (f->sqe.opcode == nvme_cmd_compare)
		return compare_forbids(p, f, status, why, len);
	return false;
}
