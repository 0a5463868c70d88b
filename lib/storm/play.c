// SPDX-License-Identifier: GPL-2.0-or-later
#include "storm/play.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "spec/command.h"
#include "storm/flight.h"

#define ENTRIES	     32u
#define ANSWER_NS    (10 * NS_PER_S)
#define SETTLE_NS    NS_PER_S
#define RELAX_NS     (200 * NS_PER_US)
#define PIECE_BLOCKS 8u
#define ID_LBA_BITS  24
#define AER_OP	     nvme_admin_async_event
#define FUSE	     0x03u

/* ---- what went wrong ---- */

static const char *place_of(const struct flight *f, char text[40])
{
	if (f->step->number == SCRIPT_NOBODY)
		return "around the script";
	snprintf(text, 40, "step %u", f->step->number);
	return text;
}

void player_wrong(struct player *p, const struct flight *f, enum play_class class, const char *tag,
		  const char *fmt, ...)
{
	struct play_finding w = { class, SCRIPT_NOBODY, p->index, "", "" };
	char name[24] = "", place[40];
	int at = 0;
	va_list ap;

	if (p->r->stopped)
		return;
	p->r->stopped = class != PLAY_STATUS;
	if (f) {
		w.number = f->step->number;
		w.index = f->index;
		cmd_name(!f->step->queue, f->step->sqe.opcode, name);
		at = snprintf(w.text, PLAY_TEXT, "%s, %s on SQ %u: ", place_of(f, place), name,
			      f->qid);
	}
	va_start(ap, fmt);
	vsnprintf(w.text + at, (size_t)(PLAY_TEXT - at), fmt, ap);
	va_end(ap);
	snprintf(w.key, sizeof(w.key), "%s %s %.40s", play_class_name(class), name, tag);
	if (p->r->findings < PLAY_FINDINGS && !play_found(p->r, w.key))
		p->r->finding[p->r->findings++] = w;
	p->r->stopped |= p->r->findings == PLAY_FINDINGS;
}

static void heard(void *ctx, const char *rule, const char *text)
{
	if (strncmp(rule, "should:", 7))
		player_wrong(ctx, NULL, PLAY_AUDIT, rule, "%s: %s", rule, text);
}

/* ---- completions ---- */

static struct flight *find(struct player *p, uint16_t qid, uint16_t cid)
{
	for (unsigned i = 0; i < FLIGHTS; i++)
		if (p->flight[i].used && p->flight[i].qid == qid && p->flight[i].cid == cid)
			return &p->flight[i];
	return NULL;
}

static bool may_wait(const struct flight *f)
{
	return !f->step->queue && f->sqe.opcode == AER_OP;
}

static void land(struct player *p, struct flight *f)
{
	data_free(p, f);
	p->in_flight -= !may_wait(f);
	f->used = false;
}

static bool is_named(const struct oracle_answer *a, uint16_t status)
{
	for (unsigned i = 0; i < a->n; i++)
		if (a->status[i].status == status)
			return true;
	return false;
}

static void judge(struct player *p, struct flight *f, const struct cpl *cpl,
		  struct oracle_answer *ret)
{
	char text[STATUS_TEXT], want[ORACLE_TEXT], why[160], tag[64];
	uint64_t begin = clock_mono_ns();
	enum oracle_verdict v;

	oracle_ended(&p->oracle, &f->ask, &f->ticket, cpl->status, cpl->dw0, ret);
	v = oracle_verdict(ret, cpl->status);
	snprintf(tag, sizeof(tag), "%03Xh %.40s", cpl->status, ret->why);
	p->r->oracle_ns += clock_mono_ns() - begin;
	p->r->succeeded += cpl->status == SC_SUCCESS;
	p->r->refused += cpl->status != SC_SUCCESS && v == ORACLE_LEGAL;
	p->r->excused += v == ORACLE_EXCUSED;
	if (f->victim && cpl->status == SC_ABORT_REQUESTED)
		return;
	if (v == ORACLE_ILLEGAL)
		player_wrong(p, f, PLAY_STATUS, tag, "status: got %s, want %s%s%s%s",
			     status_text(cpl->status, text), oracle_text(ret, want),
			     *ret->ref ? " [" : "", ret->ref, *ret->ref ? "]" : "");
	else if (effect_forbids(p, f, cpl->status, why, sizeof(why)))
		player_wrong(p, f, PLAY_STATUS, tag, "status: got %s, and %s",
			     status_text(cpl->status, text), why);
}

static void complete(struct player *p, const struct cpl *cpl)
{
	struct flight *f = find(p, cpl->sqid, cpl->cid);
	struct oracle_answer a;
	bool refused;

	if (!f) { /* the queue's audit has said more */
		player_wrong(p, NULL, PLAY_AUDIT, "unknown",
			     "a completion of CID %u on SQ %u, which is not "
			     "in flight",
			     cpl->cid, cpl->sqid);
		return;
	}
	p->now++;
	p->r->events += may_wait(f) && cpl->status == SC_SUCCESS;
	judge(p, f, cpl, &a);
	if (!data_intact(p, f))
		player_wrong(p, f, PLAY_CANARY, "", "memory beside its data was written to");
	refused = is_named(&a, cpl->status) && cpl->status != SC_UNRECOVERED_READ;
	effect_end(p, f, cpl->status, refused);
	land(p, f);
}

/* Whatever has completed. True: something had. */
static bool reap(struct player *p)
{
	bool any = false;
	struct cpl cpl;

	for (unsigned q = 0; q <= p->st->queues; q++) {
		struct cq *cq = p->sq[q]->cq;
		bool moved = false;

		while (!player_stopped(p) && cq_next(cq, &cpl)) {
			complete(p, &cpl);
			moved = true;
		}
		if (moved)
			cq_ring(cq);
		any |= moved;
	}
	return any;
}

static const struct flight *overdue(const struct player *p)
{
	uint64_t now = target_now(p->c->t);

	for (unsigned i = 0; i < FLIGHTS; i++)
		if (p->flight[i].used && !may_wait(&p->flight[i]) &&
		    now >= p->flight[i].deadline_ns)
			return &p->flight[i];
	return NULL;
}

static void ring_all(struct player *p)
{
	for (unsigned q = 0; q <= p->st->queues; q++)
		if (p->sq[q]->rung != p->sq[q]->tail)
			sq_ring(p->sq[q]);
}

/* Until at most `most` are in flight, or something is wrong. */
static void wait_for(struct player *p, unsigned most)
{
	const struct flight *late;

	if (player_stopped(p))
		return;
	ring_all(p);
	while (p->in_flight > most && !player_stopped(p)) {
		if (reap(p))
			continue;
		if (p->c->t->ops->relax(p->c->t, RELAX_NS)) {
			player_wrong(p, NULL, PLAY_SILENT, "", "the controller is gone: %s",
				     p->c->t->error);
			return;
		}
		late = overdue(p);
		if (late && !reap(p))
			player_wrong(p, late, PLAY_SILENT, "", "no completion within %u s",
				     (unsigned)(ANSWER_NS / NS_PER_S));
	}
}

/* ---- commands ---- */

static struct flight *take_flight(struct player *p)
{
	for (unsigned i = 0; i < FLIGHTS; i++)
		if (!p->flight[i].used)
			return &p->flight[i];
	return NULL;
}

static uint64_t fresh_id(struct player *p, const struct sqe *e)
{
	return ++p->last_id << ID_LBA_BITS | (le32_get(e->cdw10) & ((1u << ID_LBA_BITS) - 1));
}

/* A Compare brings along what the first block holds, as a write of one piece left it. */
static uint64_t id_for(struct player *p, const struct script_step *s)
{
	const struct facts_ns *ns = effect_ns(p, &s->sqe);
	uint64_t lba = le32_get(s->sqe.cdw10) | (uint64_t)le32_get(s->sqe.cdw11) << 32, id;

	if (s->queue && s->sqe.opcode == nvme_cmd_compare)
		for (unsigned i = 0; i < p->regions; i++)
			if (p->region[i].ns == ns && blocks_guess(p->region[i].blocks, lba, &id))
				return id;
	return fresh_id(p, &s->sqe);
}

static void aim(struct player *p, const struct script_step *s, struct sqe *e)
{
	uint32_t sqid = s->aims_at % (p->st->queues + 1), cid = p->last_cid[sqid];

	for (unsigned i = 0; i < FLIGHTS; i++) {
		struct flight *f = &p->flight[i];

		if (!f->used || f->step->number != s->aims_at)
			continue;
		f->victim = true;
		sqid = f->qid;
		cid = f->cid;
	}
	e->cdw10 = le32_from(cid << 16 | sqid);
}

static int put(struct player *p, const struct script_step *s, size_t index)
{
	struct flight *f = take_flight(p);
	struct sq *q = p->sq[s->queue];
	uint64_t begin;
	int err;

	if (!f || !sq_room(q))
		return -EAGAIN;
	*f = (struct flight){ .used = true,
			      .step = s,
			      .index = index,
			      .sqe = s->sqe,
			      .qid = q->qid,
			      .alone = effect_is_alone(p, s) };
	f->id = id_for(p, s);
	f->ask = (struct oracle_ask){ .admin = !s->queue, .e = &f->sqe };
	err = data_lay(p, f);
	if (err) {
		data_free(p, f);
		f->used = false;
		return err;
	}
	if (s->aims_at != SCRIPT_NOBODY && !s->queue && s->sqe.opcode == nvme_admin_abort_cmd)
		aim(p, s, &f->sqe);
	f->ask.data = f->given;
	f->ask.data_len = f->given ? f->len : 0;
	f->since = ++p->now;
	f->deadline_ns = target_now(p->c->t) + ANSWER_NS;
	begin = clock_mono_ns();
	oracle_sent(&p->oracle, &f->ask, &f->ticket);
	p->r->oracle_ns += clock_mono_ns() - begin;
	effect_begin(p, f);
	p->wants_atomic &= !effect_sets_atomicity(s);
	f->cid = sq_put(q, &f->sqe);
	f->sqe.cid = le16_from(f->cid);
	p->last_cid[s->queue] = f->cid;
	p->in_flight += !may_wait(f);
	p->r->commands++;
	return 0;
}

/* Behind half of a fused pair, so that it need not wait for the other half. */
static int put_flush_behind(struct player *p, const struct script_step *s, size_t index,
			    struct script_step *room)
{
	*room = (struct script_step){ .number = s->number,
				      .queue = s->queue,
				      .aims_at = SCRIPT_NOBODY,
				      .sqe = cmd_flush(p->st->area[0].ns->nsid).sqe };
	return put(p, room, index);
}

static int send(struct player *p, const struct script_step *s, size_t index)
{
	bool alone = effect_is_alone(p, s), follow = s->queue && s->sqe.flags & FUSE;
	struct script_step flush;
	int err;

	if (follow && p->sq[s->queue]->size < 3)
		return 0; /* no room for what must follow */
	if (alone)
		wait_for(p, 0);
	while (!player_stopped(p)) {
		err = put(p, s, index);
		if (err != -EAGAIN)
			break;
		if (!p->in_flight) { /* the queue is full of event requests that wait */
			p->r->excused++;
			return 0;
		}
		wait_for(p, p->in_flight - 1);
	}
	if (player_stopped(p) || err)
		return player_stopped(p) ? 0 : err;
	if (follow)
		err = put_flush_behind(p, s, index, &flush);
	if (alone)
		wait_for(p, 0); /* before flush goes out of scope, too */
	return err;
}

/* ---- the controller ---- */

static int create_queues(struct player *p)
{
	uint32_t entries = CAP_MQES(p->c->cap) + 1u < ENTRIES ? CAP_MQES(p->c->cap) + 1u : ENTRIES;
	struct cpl cpl = { .status = 0 };
	char text[STATUS_TEXT];
	int err = ctrl_queue_count(p->c, 64);

	for (uint16_t q = 1; !err && q <= p->st->queues; q++) {
		err = queue_pair_create(p->c, q, entries, false, 0, &p->sq[q], &cpl);
		if (err == -EIO)
			player_wrong(p, NULL, PLAY_AUDIT, "queues", "queue pair %u is refused: %s",
				     q, status_text(cpl.status, text));
	}
	return err;
}

/* Must Writes up to AWUN be atomic? So it is unless Write Atomicity Normal says otherwise (DN). */
static int ask_atomicity(struct player *p)
{
	struct cmd get = cmd_get_features(NVME_FEAT_FID_WRITE_ATOMIC, 0, 0, 0);
	struct cpl cpl;
	int err = ctrl_admin(p->c, &get, &cpl);

	p->wants_atomic = !err && cpl.status == SC_SUCCESS && !(cpl.dw0 & 1);
	return err;
}

/* The oracle hears of what the library did. */
static void tell_oracle(struct player *p)
{
	oracle_begin(&p->oracle, &p->st->claims, (uint32_t)p->c->page);
	p->oracle.plain_entries = true;
	p->oracle.nsq = p->c->nsq;
	p->oracle.ncq = p->c->ncq;
	for (unsigned q = 1; q <= p->st->queues; q++) {
		p->oracle.sq[q] = p->oracle.cq[q] = true;
		p->oracle.cq_of[q] = (uint16_t)q;
	}
}

/* A Controller Reset with whatever is in flight. */
static int start(struct player *p)
{
	struct ctrl_config cfg = ctrl_defaults(p->c);
	int err;

	for (unsigned i = 0; i < FLIGHTS; i++)
		if (p->flight[i].used)
			effect_cut(p, &p->flight[i]);
	cfg.admin_sq_entries = cfg.admin_cq_entries = ENTRIES;
	memset(p->sq, 0, sizeof(p->sq)); /* enabling frees them, even where it fails */
	err = ctrl_enable(p->c, &cfg, NULL);
	for (unsigned i = 0; i < FLIGHTS; i++) {
		data_free(p, &p->flight[i]);
		p->flight[i].used = false;
	}
	p->in_flight = 0;
	err = err ? err : ask_atomicity(p);
	err = err ? err : create_queues(p);
	if (!err)
		p->sq[0] = p->c->asq;
	if (err == -ETIMEDOUT || err == -EIO || err == -ENODEV) {
		player_wrong(p, NULL, PLAY_SILENT, "",
			     "a Controller Reset does not bring it up: %s", strerror(-err));
		return 0;
	}
	if (!err)
		tell_oracle(p);
	return err;
}

/* ---- the areas ---- */

static int add_region(struct player *p, const struct facts_ns *ns, uint64_t first, uint32_t n)
{
	struct blocks *b = n ? blocks_new(first, n, ns->lba_bytes) : NULL;

	if (!b)
		return n ? -ENOMEM : 0;
	p->region[p->regions++] = (struct region){ ns, b };
	return 0;
}

static int lay_regions(struct player *p)
{
	int err = 0;

	for (unsigned i = 0; !err && i < p->st->areas; i++) {
		const struct facts_ns *ns = p->st->area[i].ns;
		uint32_t n = p->st->area[i].blocks;

		err = add_region(p, ns, p->st->area[i].first, n);
		err = err ? err : add_region(p, ns, ns->nsze - n, n);
	}
	return err;
}

/* Pieces that any controller takes. */
static uint32_t piece_of(const struct player *p, const struct region *g, uint32_t done)
{
	uint64_t mdts = p->st->facts->mdts_bytes;
	uint32_t most = PIECE_BLOCKS, left = blocks_count(g->blocks) - done;

	if (mdts && mdts / g->ns->lba_bytes < most)
		most = (uint32_t)(mdts / g->ns->lba_bytes);
	most = most ? most : 1;
	return most < left ? most : left;
}

/* Writes or reads every followed block, as steps that belong to no script. */
static int pass(struct player *p, struct script_step *step, bool write)
{
	int err = 0;

	for (unsigned i = 0; i < p->regions; i++) {
		struct region *g = &p->region[i];
		uint32_t n;

		for (uint32_t done = 0;
		     !err && !player_stopped(p) && done < blocks_count(g->blocks); done += n) {
			uint64_t lba = blocks_first(g->blocks) + done;

			n = piece_of(p, g, done);
			*step = (struct script_step){ .number = SCRIPT_NOBODY,
						      .queue = 1,
						      .aims_at = SCRIPT_NOBODY };
			step->sqe = write ? cmd_write(g->ns->nsid, lba, n, NULL, 0).sqe
					  : cmd_read(g->ns->nsid, lba, n, NULL, 0).sqe;
			err = send(p, step, p->index);
			wait_for(p, 0);
		}
	}
	return err;
}

static void look_alive(struct player *p, struct script_step *step)
{
	*step = (struct script_step){ .number = SCRIPT_NOBODY,
				      .aims_at = SCRIPT_NOBODY,
				      .sqe = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL).sqe };
	if (!send(p, step, p->index))
		wait_for(p, 0);
}

/* ---- the play ---- */

static int run_step(struct player *p, size_t i)
{
	const struct script_step *s = &p->script->step[i];

	switch (s->kind) {
	case SCRIPT_COMMAND:
		return send(p, s, i);
	case SCRIPT_WAIT:
		wait_for(p, 0);
		return 0;
	case SCRIPT_RESET:
		ring_all(p);
		return start(p);
	}
	return -EINVAL;
}

static bool too_wide(struct player *p)
{
	for (size_t i = 0; i < p->script->n; i++)
		if (p->script->step[i].queue > p->st->queues) {
			snprintf(p->r->why_not, PLAY_TEXT,
				 "the script uses I/O queue %u, and the controller allocates %u",
				 p->script->step[i].queue, p->st->queues);
			return true;
		}
	return false;
}

static int run(struct player *p)
{
	struct script_step own; /* of the player itself, one at a time */
	int err = start(p);

	err = err ? err : pass(p, &own, true);
	for (size_t i = 0; !err && !player_stopped(p) && i < p->script->n; i++) {
		p->index = i;
		err = run_step(p, i);
		if (err || player_stopped(p))
			break; /* of a start that failed there are no queues */
		if (i % 8 == 7)
			ring_all(p);
		reap(p);
	}
	if (!err)
		wait_for(p, 0);
	err = err || player_stopped(p) ? err : pass(p, &own, false);
	if (!err && !player_stopped(p))
		look_alive(p, &own);
	return err;
}

static bool is_up(const struct player *p)
{
	for (unsigned i = 0; i < p->r->findings; i++)
		if (p->r->finding[i].class == PLAY_SILENT)
			return false;
	return p->sq[0];
}

/* True: something completed, which nobody judges any more. */
static bool drop_completed(struct player *p)
{
	bool any = false;
	struct cpl cpl;

	for (unsigned q = 0; q <= p->st->queues; q++) {
		struct cq *cq = p->sq[q]->cq;

		for (uint32_t n = cq->size; n && cq_next(cq, &cpl); n--) {
			struct flight *f = find(p, cpl.sqid, cpl.cid);

			if (f)
				land(p, f);
			any = true;
		}
		cq_ring(cq);
	}
	return any;
}

/*
 * What goes wrong ends the play with commands in flight. They get their time to complete: the reset
 * behind them is the player's, and no script asks what becomes of them in one.
 */
static void settle(struct player *p)
{
	uint64_t end_ns = target_now(p->c->t) + SETTLE_NS;

	if (!p->in_flight || !is_up(p))
		return;
	ring_all(p);
	while (p->in_flight && target_now(p->c->t) < end_ns)
		if (!drop_completed(p) && p->c->t->ops->relax(p->c->t, RELAX_NS))
			return;
}

static void leave(struct player *p)
{
	settle(p);
	ctrl_disable(p->c, NULL); /* nothing may be in flight when memory goes */
	for (unsigned i = 0; i < FLIGHTS; i++)
		data_free(p, &p->flight[i]);
	for (unsigned i = 0; i < p->regions; i++)
		blocks_free(p->region[i].blocks);
	buf_free(p->c, p->sandbox);
	free(p->scratch);
	free(p);
}

int play(const struct play_stage *st, const struct script *s, struct play_result *ret)
{
	struct player *p = calloc(1, sizeof(*p));
	void (*audit)(void *, const char *, const char *) = st->c->audit;
	void *audit_ctx = st->c->audit_ctx;
	uint64_t begin = clock_mono_ns();
	bool judges = st->c->judges;
	int err;

	*ret = (struct play_result){ .findings = 0 };
	if (!p)
		return -ENOMEM;
	p->st = st;
	p->script = s;
	p->r = ret;
	p->c = st->c;
	p->c->audit = heard;
	p->c->audit_ctx = p;
	p->c->judges = false; /* it is done here, with more that is known */
	p->sandbox = buf_alloc(p->c, SANDBOX_PAGES * p->c->page, p->c->page);
	p->scratch = malloc(FLIGHT_BYTES);
	err = !p->sandbox || !p->scratch ? -ENOMEM : lay_regions(p);
	if (!err && too_wide(p))
		err = -ENOTSUP;
	err = err ? err : run(p);
	leave(p);
	st->c->audit = audit;
	st->c->audit_ctx = audit_ctx;
	st->c->judges = judges;
	ret->total_ns = clock_mono_ns() - begin;
	return err;
}
