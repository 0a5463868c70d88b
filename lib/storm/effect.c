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

/* ---- is it atomic? NVM CS 1.0 Atomic Operation ---- */

/* Do the blocks meet a boundary of the namespace's? */
static bool crosses(const struct nvme_id_ns *id, const struct range *r, uint16_t size_z)
{
	uint64_t size = size_z + 1ull, from = r->lba - le16_get(id->nabo);

	if (!(id->nsfeat & NVME_NS_FEAT_NATOMIC) || !size_z || r->lba < le16_get(id->nabo))
		return false;
	return from / size != (from + r->n - 1) / size;
}

/*
 * A Write of so few blocks (0's based, the controller's and the namespace's word), within a
 * boundary. Whether a Write Zeroes is one of the write commands that the text means is left open,
 * and a Dataset Management is none.
 */
static bool is_small_write(const struct flight *f, const struct range *r, uint16_t of_ctrl,
			   uint16_t of_ns, uint16_t boundary)
{
	bool own = r->ns->id.nsfeat & NVME_NS_FEAT_NATOMIC && of_ns;

	return is_write(f) && r->n <= (own ? of_ns : of_ctrl) + 1ull &&
	       !crosses(&r->ns->id, r, boundary);
}

/* To the commands beside it: AWUN, NAWUN. */
static bool is_atomic(const struct player *p, const struct flight *f, const struct range *r)
{
	return p->wants_atomic &&
	       is_small_write(f, r, le16_get(p->st->facts->id.awun), le16_get(r->ns->id.nawun),
			      le16_get(r->ns->id.nabsn));
}

/* When it is cut off: AWUPF, NAWUPF. Of a larger one the text guarantees nothing. */
static bool is_whole_when_cut(const struct player *p, const struct flight *f, const struct range *r)
{
	return is_small_write(f, r, le16_get(p->st->facts->id.awupf), le16_get(r->ns->id.nawupf),
			      le16_get(r->ns->id.nabspf));
}

/* ---- which run alone ---- */

bool effect_sets_atomicity(const struct script_step *s)
{
	return s->kind == SCRIPT_COMMAND && !s->queue && s->sqe.opcode == nvme_admin_set_features &&
	       (le32_get(s->sqe.cdw10) & 0xff) == NVME_FEAT_FID_WRITE_ATOMIC;
}

bool effect_is_alone(const struct player *p, const struct script_step *s)
{
	uint8_t op = s->sqe.opcode;

	if (data_in_sandbox(p, s) || s->sqe.flags & FUSE || effect_sets_atomicity(s))
		return true;
	return s->queue && (op == nvme_cmd_write_uncor || op == nvme_cmd_copy);
}

/* ---- the regions that a range meets ---- */

typedef void region_fn(struct player *p, struct blocks *b, const struct blocks_change *c,
		       enum blocks_end how);

static void begin_one(struct player *p, struct blocks *b, const struct blocks_change *c,
		      enum blocks_end how)
{
	(void)p;
	(void)how;
	blocks_begin(b, c);
}

static void end_one(struct player *p, struct blocks *b, const struct blocks_change *c,
		    enum blocks_end how)
{
	blocks_end(b, c, how, p->now);
}

static void forget_one(struct player *p, struct blocks *b, const struct blocks_change *c,
		       enum blocks_end how)
{
	(void)p;
	(void)how;
	blocks_forget(b, c->lba, c->n);
}

static void spoil_one(struct player *p, struct blocks *b, const struct blocks_change *c,
		      enum blocks_end how)
{
	(void)p;
	(void)how;
	blocks_spoil(b, c->lba, c->n);
}

static void each_region(struct player *p, const struct facts_ns *ns, const struct blocks_change *c,
			region_fn *fn, enum blocks_end how)
{
	for (unsigned i = 0; i < p->regions; i++)
		if (p->region[i].ns == ns)
			fn(p, p->region[i].blocks, c, how);
}

static struct blocks_change change_of(const struct range *r)
{
	return (struct blocks_change){ .lba = r->lba, .n = r->n };
}

/* Every range of a Dataset Management, twice: a deallocated block reads as zeroes or as ones. */
static void each_dsm(struct player *p, const struct flight *f, region_fn *fn, enum blocks_end how)
{
	const struct nvme_dsm_range *d = (const struct nvme_dsm_range *)f->given;
	const struct facts_ns *ns = effect_ns(p, &f->sqe);

	for (size_t i = 0; d && (i + 1) * sizeof(*d) <= f->len; i++) {
		struct blocks_change c = { .lba = le64_get(d[i].slba),
					   .n = le32_get(d[i].nlb),
					   .id = BLOCKS_ZEROES };

		each_region(p, ns, &c, fn, how);
		c.id = BLOCKS_ONES;
		each_region(p, ns, &c, fn, how);
	}
}

/* ---- begin and end ---- */

void effect_begin(struct player *p, struct flight *f)
{
	struct range r = range_of(p, &f->sqe);
	struct blocks_change c = change_of(&r);

	f->changes = r.ns && (f->buf || f->sqe.opcode == nvme_cmd_write_zeroes);
	if (!f->changes)
		return;
	if (writes_plainly(f, &c.id)) {
		f->atomic = c.atomic = is_atomic(p, f, &r);
		each_region(p, r.ns, &c, begin_one, BLOCKS_DONE);
	} else if (is_deallocate(f)) {
		each_dsm(p, f, begin_one, BLOCKS_DONE);
	} else {
		f->changes = false;
	}
}

static void end_change(struct player *p, struct flight *f, enum blocks_end how)
{
	struct range r = range_of(p, &f->sqe);
	struct blocks_change c = change_of(&r);

	if (!f->changes)
		return;
	f->changes = false;
	c.atomic = f->atomic;
	if (!writes_plainly(f, &c.id))
		each_dsm(p, f, end_one, how == BLOCKS_DONE ? BLOCKS_MAYBE : how);
	else if (how == BLOCKS_MAYBE && !is_whole_when_cut(p, f, &r))
		each_region(p, r.ns, &c, end_one, BLOCKS_TORN);
	else
		each_region(p, r.ns, &c, end_one, how);
}

/* Those that run alone, and whatever writes from the sandbox or as half of a pair. */
static void end_alone(struct player *p, const struct flight *f, uint16_t status, bool refused)
{
	struct range r = range_of(p, &f->sqe);
	struct blocks_change c = change_of(&r);

	if (!f->step->queue || !r.ns || refused)
		return;
	if (f->sqe.opcode == nvme_cmd_write_uncor)
		each_region(p, r.ns, &c, status == SC_SUCCESS ? spoil_one : forget_one,
			    BLOCKS_DONE);
	else if (f->sqe.opcode == nvme_cmd_copy)
		for (unsigned i = 0; i < p->regions; i++) /* its length is the sum of its ranges */
			blocks_forget(p->region[i].blocks, 0, UINT64_MAX);
	else if (!f->buf)
		each_region(p, r.ns, &c, forget_one, BLOCKS_DONE);
}

static void tell_block(struct player *p, const struct flight *f, const struct range *r,
		       const uint8_t *data, const struct blocks_odd *odd)
{
	uint64_t got;

	memcpy(&got, data + (odd->lba - r->lba) * r->ns->lba_bytes, sizeof(got));
	if (odd->torn)
		player_wrong(p, f, PLAY_DATA, "torn",
			     "LBA %" PRIu64 " of namespace %u is torn, and every Write on its way "
			     "there was atomic: from byte %zu on it is not what begins with "
			     "%016" PRIX64 "h any more",
			     odd->lba, r->ns->nsid, odd->at, odd->want);
	else
		player_wrong(p, f, PLAY_DATA, "",
			     "LBA %" PRIu64 " of namespace %u begins with %016" PRIX64
			     "h; of what it may hold, one block begins with %016" PRIX64
			     "h, and byte %zu is not of that",
			     odd->lba, r->ns->nsid, got, odd->want, odd->at);
}

static void look_at_read(struct player *p, const struct flight *f)
{
	struct range r = range_of(p, &f->sqe);
	const uint8_t *data = data_got(p, f);
	struct blocks_odd odd;

	for (unsigned i = 0; i < p->regions && !player_stopped(p); i++)
		if (p->region[i].ns == r.ns &&
		    !blocks_match(p->region[i].blocks, r.lba, r.n, data, f->since, &odd))
			tell_block(p, f, &r, data, &odd);
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
