// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The NVM Command Set. Each command: namespace, range, data pointer, in that order; nothing is
 * changed until all of it is known to be good. Sources: NVM CS 1.0 NVM Command Set Commands,
 * Base 2.0 Flush command.
 */
#include "base/cleanup.h"
#include "model/ana.h"
#include "model/claim.h"
#include "model/directive.h"
#include "model/feature.h"
#include "model/log.h"
#include "model/media.h"
#include "model/nvm.h"
#include "model/resv.h"
#include "model/sanitize.h"
#include "model/pi.h"
#include "model/selftest.h"
#include "model/shape.h"
#include "model/zns.h"

#define FUSE_MASK	      0x3u
#define FLUSH_NOT_ALL	      0x4u /* VWC bits 2:1 */
#define CDW12_DTYPE	      (0xfu << 20)
#define CDW12_FUA	      (1u << 30)
#define CDW12_PRACT	      (1u << 29)
#define CDW12_DEAC	      (1u << 25)
#define CDW12_LR	      (1u << 31)
#define CDW13_FREQUENCY	      0xfu
#define DSM_AD		      (1u << 2)
#define DSM_ATTRIBUTES	      0x7u
#define DSM_RANGES	      256u
#define WRITE_ZEROES_RESERVED 0x00ff0000u

static uint64_t range_bytes(const struct nvm_range *r)
{
	return r->n << media_lbads(r->ns);
}

static uint32_t cdw12(const struct mcmd *c)
{
	return le32_get(c->e.cdw12);
}

/* ---- namespace and range ---- */

/* It may succeed when it is sent again: DNR is 0. */
static bool format_runs(struct mcmd *c, const struct media_ns *ns)
{
	if (!media_is_busy(c->m, ns) || FAULT(c->m, FORMAT_MIXES))
		return false;
	mcmd_fail(c, SC_FORMAT_IN_PROGRESS, MCMD_AT(4, 0));
	c->dnr = FAULT(c->m, FORMAT_IN_PROGRESS_FINAL);
	return true;
}

/* The active namespace of the command, or NULL and the status set. */
struct media_ns *nvm_find_ns(struct mcmd *c)
{
	struct model *m = c->m;
	bool old = m->opt.vs < VS(2, 0, 0);
	bool inactive = c->nsid && c->nsid <= media_nn(m);
	struct media_ns *ns = media_ns(m, c->nsid);

	if (!ns && (FAULT(m, NSID_ANY_ACCEPTED) || (!c->nsid && FAULT(m, NSID_ZERO_AS_ONE))))
		ns = media_ns(m, 1);
	if (!ns && FAULT(m, PRIVATE_NS_REACHED))
		ns = media_allocated(m, c->nsid);
	if (ns && shape_is_extended_pi(m, media_shape(ns)) && !feature_many_formats(m) &&
	    !FAULT(m, LBAFEE_NOT_NEEDED)) {
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
		return NULL;
	}
	if (ns && format_runs(c, ns))
		return NULL;
	if (ns)
		return ns;
	if (inactive || (c->nsid == NSID_ALL && !old))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	else
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
	return NULL;
}

/* What the faults in the range check let through, and where it then goes. */
static bool range_let_through(struct model *m, struct nvm_range *r)
{
	uint64_t size = media_blocks(r->ns);
	unsigned lbads = media_lbads(r->ns);
	uint64_t start = r->lba << lbads;

	if (r->n <= size && r->lba == size + 1 - r->n && FAULT(m, LBA_END_OFF_BY_ONE))
		return true;
	if (r->lba + r->n < r->lba && r->n <= size && FAULT(m, LBA_SUM_OVERFLOW)) {
		r->lba = 0;
		return true;
	}
	if (FAULT(m, LBA_SHIFT_OVERFLOW) && start >> lbads != r->lba &&
	    (start >> lbads) + r->n <= size) {
		r->lba = start >> lbads;
		return true;
	}
	return false;
}

bool nvm_range_fits(struct model *m, struct nvm_range *r)
{
	uint64_t size = media_blocks(r->ns);

	return (r->n <= size && r->lba <= size - r->n) || range_let_through(m, r);
}

void nvm_fail_range(struct mcmd *c, uint64_t lba)
{
	c->error_lba = lba;
	mcmd_fail(c, SC_LBA_OUT_OF_RANGE, MCMD_AT(40, 0));
}

/* Where the faults cdw3-counts and lba-aliased put a good range. */
static void bend_range(const struct mcmd *c, struct nvm_range *r)
{
	uint64_t size = media_blocks(r->ns), cdw3 = le32_get(c->e.cdw3);
	uint64_t last = size / 4 * 3;

	if (cdw3 && c->e.opcode == nvme_cmd_write && cdw3 < size - r->lba - r->n &&
	    FAULT(c->m, CDW3_COUNTS))
		r->lba += cdw3;
	if (r->lba >= last && FAULT(c->m, LBA_ALIASED))
		r->lba -= last;
}

bool nvm_find_range(struct mcmd *c, struct nvm_range *r)
{
	r->ns = nvm_find_ns(c);
	r->lba = le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
	r->n = (cdw12(c) & 0xffff) + 1;
	if (!r->ns)
		return false;
	c->error_lba = r->lba;
	if (!nvm_range_fits(c->m, r)) {
		nvm_fail_range(c, r->lba);
		return false;
	}
	if (!zns_admits(c, r))
		return false;
	bend_range(c, r);
	return true;
}

bool nvm_holds_nothing(struct mcmd *c, const struct nvm_range *r)
{
	uint64_t n;

	if (!feature_dulbe(c->m, media_nsid(r->ns)) || FAULT(c->m, DULBE_IGNORED) ||
	    (c->e.opcode != nvme_cmd_read && FAULT(c->m, DULBE_READ_ALONE)))
		return false;
	n = r->n > 1 && FAULT(c->m, DULBE_FIRST_BLOCK_ALONE) ? 1 : r->n;
	if (!media_find_unwritten(r->ns, r->lba, n, &c->error_lba))
		return false;
	mcmd_fail(c, SC_UNWRITTEN_BLOCK, MCMD_NOWHERE);
	return true;
}

bool nvm_unreadable(struct mcmd *c, const struct nvm_range *r)
{
	if (nvm_holds_nothing(c, r))
		return true;
	if (!media_find_bad(r->ns, r->lba, r->n, &c->error_lba))
		return false;
	smart_media_error(c->m);
	mcmd_fail(c, SC_UNRECOVERED_READ, MCMD_NOWHERE);
	return true;
}

bool nvm_through(const struct mcmd *c)
{
	bool fua = (cdw12(c) & CDW12_FUA) && !FAULT(c->m, FUA_IGNORED);

	return fua || !feature_write_cache(c->m);
}

void nvm_count(struct mcmd *c, enum smart_kind kind, const struct nvm_range *r)
{
	smart_count(c->m, kind, r->n, media_lbads(r->ns));
}

/* ---- the commands ---- */

static void run_flush(struct mcmd *c)
{
	struct model *m = c->m;
	bool all = c->nsid == NSID_ALL;
	struct media_ns *ns = all ? NULL : nvm_find_ns(c);

	if (all && ((m->opt.vwc & NVME_CTRL_VWC_FLUSH) == FLUSH_NOT_ALL ||
		    FAULT(m, FLUSH_WRONG_BROADCAST))) {
		mcmd_fail(c, SC_INVALID_NS, MCMD_AT(4, 0));
		return;
	}
	if (c->status)
		return;
	if (!FAULT(m, FLUSH_NOOP)) {
		if (all)
			media_flush_all(m);
		else
			media_flush(ns);
	}
	smart_count(m, SMART_FLUSH, 0, 9);
}

/* A fault's doing: the part of a refused Write that lies inside the namespace. */
static void store_rejected(struct mcmd *c, struct nvm_range *r)
{
	uint64_t size = media_blocks(r->ns);
	uint64_t fit = r->lba < size ? size - r->lba : 0;
	size_t len = fit << media_lbads(r->ns);
	void *data = fit && fit < r->n ? media_bounce(c->m, len) : NULL;

	if (data && !mcmd_from_host(c, data, 0, len, range_bytes(r)))
		media_write(r->ns, r->lba, fit, data, nvm_through(c));
}

/* Access frequency, of the fault access-hints-refused. */
static bool hints_refused(struct mcmd *c)
{
	if (!(le32_get(c->e.cdw13) & CDW13_FREQUENCY) || !FAULT(c->m, ACCESS_HINTS_REFUSED))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(52, 0));
	return true;
}

/* By fault: blocks on both sides of a boundary that there would be, were NABO 0. */
static bool is_cut_wrongly(const struct mcmd *c, const struct nvm_range *r)
{
	uint64_t size = c->m->opt.nabsn + 1;

	return c->m->opt.nabsn && r->lba / size != (r->lba + r->n - 1) / size &&
	       FAULT(c->m, ATOMIC_OFFSET_IGNORED);
}

/* What the faults make of a Write once its data are there; true: that was all. */
static bool write_bent(struct mcmd *c, const struct nvm_range *r, const uint8_t *data)
{
	struct model *m = c->m;
	unsigned lbads = media_lbads(r->ns);

	if (model_commands_running(m) >= 32 && FAULT(m, DEPTH_DROPS_WRITE))
		return true;
	if (r->n == 5 && r->lba + 5 < media_blocks(r->ns) && FAULT(m, NLB_PLUS_ONE))
		media_zero(r->ns, r->lba + 5, 1, nvm_through(c));
	if (!FAULT(m, WRITES_MIX) && !FAULT(m, WRITES_MIX_ACROSS) && !is_cut_wrongly(c, r))
		return false;
	if (!media_overlaps_last(m, r->ns, r->lba, r->n, FAULT(m, WRITES_MIX_ACROSS)))
		return false;
	for (uint64_t i = 0; i < r->n; i += 2)
		media_write(r->ns, r->lba + i, 1, data + (i << lbads), nvm_through(c));
	return true;
}

/* What the host gives of protection information is checked, or made anew. */
static bool settle_pi(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b)
{
	struct pi_terms t = pi_terms(c);

	if (!media_pi(r->ns)->type && t.prinfo && FAULT(c->m, PRINFO_REFUSED_WITHOUT_PI))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(51, 2));
	if (!media_pi(r->ns)->type)
		return c->status != SC_SUCCESS;
	if (t.prinfo & PRACT) {
		if (pi_strips(r->ns, t.prinfo) || !FAULT(c->m, PRACT_KEEPS_HOST_PI))
			pi_insert(c, r->ns, r->n, b->data, b->meta, &t);
		return false;
	}
	return pi_refuses(c, r->ns, r->lba, &t) ||
	       pi_fails(c, r->ns, r->lba, r->n, b->data, b->meta, &t);
}

void nvm_write(struct mcmd *c)
{
	struct nvm_blocks b;
	struct nvm_range r;
	uint64_t kept;

	if (hints_refused(c))
		return;

	if (!nvm_find_range(c, &r)) {
		if (r.ns && FAULT(c->m, REJECTED_WRITE_STORES))
			store_rejected(c, &r);
		return;
	}
	if (nvm_fetch(c, &r, &b) || write_bent(c, &r, b.data) || settle_pi(c, &r, &b))
		return;
	if ((cdw12(c) & CDW12_DTYPE) && FAULT(c->m, DIRECTIVE_LOSES_DATA))
		return;
	kept = r.n - (r.n > 8 && c->sqid > 1 && FAULT(c->m, LAST_LBA_DROPPED));
	media_write(r.ns, r.lba, kept, b.data, nvm_through(c));
	if (b.meta)
		media_write_meta(r.ns, r.lba, kept, b.meta, nvm_through(c));
	nvm_count(c, SMART_WRITE, &r);
}

/* Half of the first block, for the one fault that lets a reset leave such a thing. */
void nvm_cut_off(struct mcmd *c)
{
	struct nvm_range r;
	size_t half;
	uint8_t *data;

	if (!FAULT(c->m, RESET_INFLIGHT_TORN_WRITE) || !c->sqid || c->e.opcode != nvme_cmd_write ||
	    !nvm_find_range(c, &r))
		return;
	half = 1ull << media_lbads(r.ns) >> 1;
	data = media_bounce(c->m, half * 2);
	if (!data || mcmd_from_host(c, data, 0, half, range_bytes(&r)))
		return;
	memcpy(data + half, media_view(c->m, r.ns, r.lba, 1) + half, half);
	media_write(r.ns, r.lba, 1, data, true);
}

static size_t sent_bytes(struct mcmd *c, const struct nvm_range *r)
{
	size_t sent = range_bytes(r);

	if (r->n > 8 && c->sqid > 1 && FAULT(c->m, READ_STALE_TAIL))
		sent -= 16;
	if ((cdw12(c) & CDW12_LR) && FAULT(c->m, LIMITED_RETRY_SHORT))
		sent -= 1ull << media_lbads(r->ns);
	if (FAULT(c->m, FORMAT_OF_LAST_NS))
		sent = media_bent_bytes(c->m, r->ns, r->n);
	return sent;
}

/* By fault: what a Read makes of protection information that it should hand over as it is. */
static void bend_read_pi(struct mcmd *c, const struct nvm_range *r, struct nvm_blocks *b,
			 const struct pi_terms *t)
{
	const struct media_pi *pi = media_pi(r->ns);

	if (pi->type && (t->prinfo & PRACT) && FAULT(c->m, PRACT_READ_ZEROES_PI))
		for (uint64_t i = 0; i < r->n; i++)
			memset(b->meta + i * media_ms(r->ns) + pi->at, 0, pi->bytes);
}

static void run_read(struct mcmd *c)
{
	struct pi_terms t = pi_terms(c);
	struct nvm_blocks b;
	struct nvm_range r;

	if (hints_refused(c) || !nvm_find_range(c, &r))
		return;
	if (nvm_check_host(c, &r) || nvm_unreadable(c, &r) || pi_refuses(c, r.ns, r.lba, &t))
		return;
	if (cdw12(c) & CDW12_FUA)
		media_flush_range(r.ns, r.lba, r.n);
	if (nvm_load(c, &r, &b) || nvm_pi_bad_read(c, &r, &b, &t))
		return;
	bend_read_pi(c, &r, &b, &t);
	if (!nvm_send(c, &r, &b, sent_bytes(c, &r)))
		nvm_count(c, SMART_READ, &r);
}

/*
 * WZSL and WUSL: a power of two in pages of CAP.MPSMIN, which is 0 here. Where ONCS claims the
 * command they are a recommendation, where it does not they are the claim.
 */
static bool above_limit(struct mcmd *c, const struct nvm_range *r, unsigned oncs, unsigned exponent)
{
	if (c->m->opt.oncs & oncs || nvm_counted_bytes(c->m, r) <= 4096ull << exponent)
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(48, 0));
	return true;
}

static void run_write_uncorrectable(struct mcmd *c)
{
	struct nvm_range r;

	if (!nvm_find_range(c, &r) ||
	    above_limit(c, &r, NVME_CTRL_ONCS_WRITE_UNCORRECTABLE, c->m->opt.wusl) ||
	    FAULT(c->m, UNCORRECTABLE_NOOP))
		return;
	media_mark_bad(r.ns, r.lba, r.n);
	feature_lba_tracked(c->m);
	if (r.lba + r.n < media_blocks(r.ns) && FAULT(c->m, UNCORRECTABLE_NEIGHBOUR))
		media_mark_bad(r.ns, r.lba + r.n, 1);
}

/* Valid protection information over zeroes. */
static void insert_zeroes_pi(struct mcmd *c, const struct nvm_range *r)
{
	struct pi_terms t = pi_terms(c);
	struct nvm_blocks b;

	if (nvm_blocks_new(c, r, &b))
		return;
	memset(b.data, 0, range_bytes(r));
	pi_insert(c, r->ns, r->n, b.data, b.meta, &t);
	media_write_meta(r->ns, r->lba, r->n, b.meta, nvm_through(c));
}

/* Deallocated blocks read as zeroes as well (DLFEAT); their protection information is another. */
static void zero(struct mcmd *c, const struct nvm_range *r)
{
	bool has_pi = media_pi(r->ns)->type;

	if (has_pi && (cdw12(c) & CDW12_DEAC)) {
		media_deallocate(c->m, r->ns, r->lba, r->n);
		return;
	}
	media_zero(r->ns, r->lba, r->n, nvm_through(c));
	if (has_pi && (cdw12(c) & CDW12_PRACT) && !FAULT(c->m, WRITE_ZEROES_PRACT_IGNORED))
		insert_zeroes_pi(c, r);
}

static bool zeroes_refused(struct mcmd *c, const struct nvm_range *r)
{
	struct pi_terms t = pi_terms(c);

	return pi_refuses(c, r->ns, r->lba, &t);
}

static void run_write_zeroes(struct mcmd *c)
{
	struct model *m = c->m;
	struct nvm_range r;

	if (!nvm_find_range(c, &r) ||
	    above_limit(c, &r, NVME_CTRL_ONCS_WRITE_ZEROES, m->opt.wzsl) || zeroes_refused(c, &r))
		return;
	if (cdw12(c) & WRITE_ZEROES_RESERVED && FAULT(m, IO_FUZZ_ILLEGAL_STATUS)) {
		c->status = 0x3f;
		return;
	}
	if (FAULT(m, WRITE_ZEROES_16_BIT))
		r.n = (uint16_t)r.n;
	if (r.lba + r.n < media_blocks(r.ns) && FAULT(m, WRITE_ZEROES_NEIGHBOUR))
		r.n++;
	if (r.n)
		zero(c, &r);
	if (media_nsid(r.ns) != 1 && FAULT(m, NS_ZEROES_CROSS))
		media_zero(media_ns(m, 1), r.lba, 1, nvm_through(c));
}

static void deallocate(struct model *m, struct nvm_range r)
{
	uint64_t end = r.lba + r.n;

	if (FAULT(m, DISCARD_ROUNDS_OUTWARDS)) {
		r.lba &= ~7ull;
		end = (end + 7) & ~7ull;
		if (end > media_blocks(r.ns))
			end = media_blocks(r.ns);
	}
	media_deallocate(m, r.ns, r.lba, end - r.lba);
}

/* One range of the list; a length of zero is no range. */
static struct nvm_range dsm_range(struct media_ns *ns, const struct nvme_dsm_range *d)
{
	return (struct nvm_range){ .ns = ns, .lba = le64_get(d->slba), .n = le32_get(d->nlb) };
}

static bool dsm_refused(struct mcmd *c)
{
	uint32_t attributes = le32_get(c->e.cdw11) & DSM_ATTRIBUTES;

	if (!FAULT(c->m, DSM_HINTS_REFUSED) || !(attributes & (attributes - 1)))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(44, 0));
	return true;
}

static void run_dsm(struct mcmd *c)
{
	struct nvme_dsm_range list[DSM_RANGES];
	unsigned n = (mcmd_cdw10(c) & 0xff) + 1;
	size_t len = n * sizeof(list[0]);
	struct media_ns *ns = nvm_find_ns(c);

	if (!ns || dsm_refused(c) || mcmd_check_data(c, len) ||
	    mcmd_from_host(c, list, 0, len, len))
		return;
	if (!(le32_get(c->e.cdw11) & DSM_AD))
		return; /* hints, of which nothing is made */
	for (unsigned i = 0; i < n; i++) {
		struct nvm_range r = dsm_range(ns, &list[i]);

		if (r.n && !nvm_range_fits(c->m, &r)) {
			nvm_fail_range(c, r.lba);
			return;
		}
		if (!zns_may_deallocate(c, &r))
			return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct nvm_range r = dsm_range(ns, &list[i]);

		r.n += !r.n && FAULT(c->m, DSM_ZERO_LENGTH_AS_ONE);
		if (r.n && nvm_range_fits(c->m, &r))
			deallocate(c->m, r);
	}
}

static const struct nvm_op {
	uint8_t opcode;
	void (*run)(struct mcmd *c);
	bool writes;
} ops[] = {
	{ nvme_cmd_flush, run_flush, false },
	{ nvme_cmd_write, nvm_write, true },
	{ nvme_cmd_read, run_read, false },
	{ nvme_cmd_write_uncor, run_write_uncorrectable, true },
	{ nvme_cmd_compare, nvm_compare, false },
	{ nvme_cmd_write_zeroes, run_write_zeroes, true },
	{ nvme_cmd_dsm, run_dsm, true },
	{ nvme_cmd_verify, nvm_verify, false },
	{ nvme_cmd_copy, nvm_copy, true },
	{ nvme_cmd_resv_register, nvm_resv_register, false },
	{ nvme_cmd_resv_report, nvm_resv_report, false },
	{ nvme_cmd_resv_acquire, nvm_resv_acquire, false },
	{ nvme_cmd_resv_release, nvm_resv_release, false },
	{ nvme_zns_cmd_mgmt_send, zns_send, true },
	{ nvme_zns_cmd_mgmt_recv, zns_receive, false },
	{ nvme_zns_cmd_append, zns_append, true },
};

/* By fault: what is no plain Write gets by. */
static bool is_protected(const struct mcmd *c, const struct nvm_op *op)
{
	bool plain = op->opcode == nvme_cmd_write;

	if (op->opcode == nvme_zns_cmd_mgmt_send && FAULT(c->m, ZNS_PROTECTED_MANAGED))
		return false;
	return op->writes && feature_write_protected(c->m, c->nsid) &&
	       (plain || !FAULT(c->m, WRITE_PROTECT_LEAKS));
}

static void run(struct mcmd *c, const struct nvm_op *op)
{
	if (zns_fused(c))
		return;
	op->run(c);
	zns_after(c);
	if (op->writes && !c->status)
		sanitize_written(c->m);
}

void nvm_command(struct mcmd *c)
{
	const struct nvm_op *op = NULL;

	for (unsigned i = 0; i < ARRAY_SIZE(ops) && !op; i++)
		if (ops[i].opcode == c->e.opcode && claim_io(c->m, c->e.opcode))
			op = &ops[i];
	smart_activity(c->m);
	feature_io_begins(c->m);
	if (selftest_runs(c->m) && FAULT(c->m, DST_HOLDS_IO))
		mcmd_fail(c, SC_NS_NOT_READY, MCMD_NOWHERE);
	else if (op && (ana_refuses_io(c) || resv_conflict(c)))
		return;
	else if (op && is_protected(c, op))
		mcmd_fail(c, SC_NS_WRITE_PROTECTED, MCMD_AT(0, 0));
	else if (op && op->opcode != nvme_cmd_dsm && op->writes && directive_refuses(c))
		return;
	else if (op)
		run(c, op);
	else if (!FAULT(c->m, IO_OPCODE_ACCEPTED))
		mcmd_fail(c,
			  FAULT(c->m, IO_OPCODE_WRONG_STATUS) ? SC_INVALID_FIELD
							      : SC_INVALID_OPCODE,
			  MCMD_AT(0, 0));
	if (op && op->opcode == nvme_cmd_write)
		directive_done(c);
}
