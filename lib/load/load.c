// SPDX-License-Identifier: GPL-2.0-or-later
#include "load/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "load/meter.h"

#define TICK_NS	    (200 * NS_PER_MS)
#define ROUNDS_LOOK 16u /* rounds between two looks at the clock, where nothing is waited for */
#define PAGE	    4096ull

/* One queue. */
struct lane {
	struct block_io *io;
	struct block_io **idle;
	unsigned n_idle;
	uint64_t seed, sent;	    /* I/Os made so far */
	uint64_t first_step, steps; /* its part, in units of an I/O */
};

struct running {
	struct target *t;
	const struct load_spec *s;
	struct load_result *res;
	struct rung *g;
	struct meter meter;
	struct dma data;
	struct lane *lane;
	struct block_io **batch, **done;
	struct block_io *ios;
	struct block_io **idles;
	unsigned total;	 /* I/Os in flight at most */
	uint32_t blocks; /* of an I/O */
	uint64_t first_lba;
	uint64_t write_area; /* where in data that begins which is written */
	uint64_t counted;    /* I/Os since counting began */
	bool counting;
	uint64_t wait; /* ticks of looking in vain and of waiting */
	/* when counting began */
	uint64_t tick0, real0, device0, cpu0;
};

/* ---- what is sent ---- */

static uint64_t mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Number i of a seed's sequence. */
static uint64_t draw(uint64_t seed, uint64_t i)
{
	return mix(seed + (i + 1) * 0x9e3779b97f4a7c15ull);
}

static uint64_t below(uint64_t random, uint64_t n)
{
	__extension__ unsigned __int128 product = (unsigned __int128)random * n;

	return (uint64_t)(product >> 64);
}

static enum load_dir direction(const struct load_spec *s, uint64_t random)
{
	if (s->read_percent == 0 || s->read_percent == 100)
		return s->read_percent ? LOAD_READ : LOAD_WRITE;
	return mix(random) % 100 < s->read_percent ? LOAD_READ : LOAD_WRITE;
}

static struct block_io *make(struct running *r, struct lane *l)
{
	struct block_io *io = l->idle[--l->n_idle];
	uint64_t random = draw(l->seed, l->sent), step;
	enum load_dir dir = direction(r->s, random);

	step = r->s->random ? below(random, l->steps) : l->sent % l->steps;
	l->sent++;
	io->op = dir == LOAD_READ ? BLOCK_READ : BLOCK_WRITE;
	io->fua = r->s->fua && dir == LOAD_WRITE;
	io->lba = r->first_lba + (l->first_step + step) * r->blocks;
	io->data_offset = (size_t)(io - r->ios) * ((r->s->bytes + PAGE - 1) & ~(PAGE - 1)) +
			  (dir == LOAD_WRITE ? r->write_area : 0);
	return io;
}

/* With a number of I/Os to do, no more than that are begun. */
static unsigned make_batch(struct running *r)
{
	uint64_t begun = r->counted + rung_inflight(r->g), left = UINT64_MAX;
	unsigned n = 0;

	if (r->counting && r->s->ios)
		left = r->s->ios > begun ? r->s->ios - begun : 0;
	for (unsigned q = 0; q < r->s->queues; q++)
		while (r->lane[q].n_idle && n < left)
			r->batch[n++] = make(r, &r->lane[q]);
	return n;
}

/* ---- calls, timed ---- */

static int submit(struct running *r, unsigned n)
{
	struct meter_call call;
	int taken;

	if (!n)
		return 0;
	call = meter_begin(&r->meter);
	taken = rung_io_submit(r->g, r->batch, n);
	if (taken > 0)
		meter_count(&r->meter, &r->res->cost.submit, meter_end(&r->meter, &call),
			    (unsigned)taken);
	if (taken >= 0 && (unsigned)taken < n) /* the rest cannot be sent: why? */
		taken = rung_io_submit(r->g, r->batch + taken, 1);
	return taken < 0 ? taken : 0;
}

static int look(struct running *r)
{
	struct meter_call call = meter_begin(&r->meter);
	int got = rung_io_reap(r->g, r->done, r->total, 0);
	uint64_t took = meter_end(&r->meter, &call);

	if (got > 0)
		meter_count(&r->meter, &r->res->cost.reap, took, (unsigned)got);
	else
		r->wait += took;
	return got;
}

static int wait_some(struct running *r)
{
	uint64_t begin = ticks_now(r->meter.tsc);
	int err = rung_io_reap(r->g, r->done, 0, target_now(r->t) + r->s->patience_ns);

	r->wait += ticks_now(r->meter.tsc) - begin;
	return err;
}

/* ---- what came of it ---- */

static void count_status(struct load_result *res, uint16_t status)
{
	res->errors++;
	for (unsigned i = 0; i < LOAD_STATUSES; i++)
		if (!res->status[i].count || res->status[i].status == status) {
			res->status[i].status = status;
			res->status[i].count++;
			return;
		}
}

static void account(struct running *r, unsigned n)
{
	struct load_result *res = r->res;

	for (unsigned i = 0; i < n; i++) {
		struct block_io *io = r->done[i];
		struct lane *l = &r->lane[io->queue];
		enum load_dir dir = io->op == BLOCK_READ ? LOAD_READ : LOAD_WRITE;

		l->idle[l->n_idle++] = io;
		if (io->result) {
			count_status(res, io->status);
			continue;
		}
		res->bytes[dir] += r->s->bytes;
		hist_add(&res->lat[dir], io->complete_ns - io->submit_ns);
	}
	r->counted += n;
}

static uint64_t cpu_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void count_begin(struct running *r)
{
	const char *doorbells = r->res->doorbells;

	memset(r->res, 0, sizeof(*r->res));
	r->res->doorbells = doorbells;
	r->wait = 0;
	meter_restart(&r->meter);
	r->counted = 0;
	r->counting = true;
	r->cpu0 = cpu_ns();
	r->device0 = target_now(r->t);
	r->real0 = clock_mono_ns();
	r->tick0 = ticks_now(r->meter.tsc);
}

static void count_end(struct running *r)
{
	uint64_t ticks = ticks_now(r->meter.tsc) - r->tick0;
	struct load_cost *c = &r->res->cost;
	double rate;

	r->res->real_ns = clock_mono_ns() - r->real0;
	r->res->device_ns = target_now(r->t) - r->device0;
	rate = ticks ? (double)r->res->real_ns / (double)ticks : 0;
	c->cpu = (double)(cpu_ns() - r->cpu0);
	c->submit.ns *= rate;
	c->reap.ns *= rate;
	c->way_in = (double)r->meter.way_in * rate;
	c->wait = (double)r->wait * rate;
	c->rings = r->meter.rings;
}

/* ---- the loop ---- */

static int go_round(struct running *r, bool *ret_waited)
{
	int got, err = submit(r, make_batch(r));

	if (err)
		return err;
	got = look(r);
	*ret_waited = !got;
	if (!got) {
		err = wait_some(r);
		got = err < 0 ? err : look(r);
	}
	if (got > 0)
		account(r, (unsigned)got);
	return got < 0 ? got : 0;
}

static bool is_over(const struct running *r, uint64_t now)
{
	if (!r->counting)
		return false;
	return (r->s->run_ns && now - r->real0 >= r->s->run_ns) ||
	       (r->s->ios && r->counted >= r->s->ios);
}

static bool told_to_stop(struct running *r, uint64_t now, load_tick *tick, void *ctx)
{
	struct load_progress p = { .ios = r->counted,
				   .errors = r->res->errors,
				   .done_ns = now - r->real0,
				   .warming = !r->counting };

	r->res->cut = tick && tick(ctx, &p);
	return r->res->cut;
}

static int loop(struct running *r, load_tick *tick, void *ctx)
{
	uint64_t begin = clock_mono_ns(), now = begin, told = begin;
	bool waited = false;
	int err = 0;

	r->real0 = begin;
	if (!r->s->warm_up_ns) {
		count_begin(r);
		now = r->real0;
	}
	for (unsigned i = 0; !err && !is_over(r, now); i++) {
		err = go_round(r, &waited);
		if (!waited && i % ROUNDS_LOOK)
			continue;
		now = clock_mono_ns();
		if (!r->counting && now - begin >= r->s->warm_up_ns) {
			count_begin(r);
			now = r->real0;
		}
		if (now - told < TICK_NS)
			continue;
		told = now;
		if (told_to_stop(r, now, tick, ctx))
			break;
	}
	if (!r->counting)
		count_begin(r);
	count_end(r);
	return err;
}

static int drain(struct running *r)
{
	while (rung_inflight(r->g)) {
		int got =
			rung_io_reap(r->g, r->done, r->total, target_now(r->t) + r->s->patience_ns);

		if (got < 0)
			return got;
	}
	return 0;
}

/* ---- beginning and end ---- */

static void fill(const struct running *r)
{
	uint64_t *word = r->data.va;

	for (size_t i = 0; i < r->data.len / 8; i++)
		word[i] = draw(r->s->seed, i);
}

static int open_memory(struct running *r)
{
	uint64_t each = (r->s->bytes + PAGE - 1) & ~(PAGE - 1), area = each * r->total;
	bool mixed = r->s->read_percent && r->s->read_percent < 100;
	int err;

	r->ios = calloc(r->total, sizeof(*r->ios));
	r->idles = calloc(r->total, sizeof(struct block_io *));
	r->batch = calloc(r->total, sizeof(struct block_io *));
	r->done = calloc(r->total, sizeof(struct block_io *));
	r->lane = calloc(r->s->queues, sizeof(*r->lane));
	if (!r->ios || !r->idles || !r->batch || !r->done || !r->lane)
		return target_fail(r->t, -ENOMEM, "out of memory");
	err = rung_dma_alloc(r->g, area * (mixed ? 2 : 1), &r->data);
	if (err)
		return err;
	r->write_area = mixed ? area : 0;
	fill(r);
	return 0;
}

static void open_lane(struct running *r, unsigned q)
{
	const struct load_spec *s = r->s;
	uint64_t steps = s->length / s->bytes;
	struct lane *l = &r->lane[q];

	*l = (struct lane){ .io = r->ios + (size_t)q * s->depth,
			    .idle = r->idles + (size_t)q * s->depth,
			    .seed = draw(s->seed, q),
			    .steps = s->random ? steps : steps / s->queues };
	l->first_step = s->random ? 0 : q * l->steps;
	for (unsigned i = 0; i < s->depth; i++) {
		l->io[i] = (struct block_io){
			.queue = (uint16_t)q, .nsid = s->nsid, .blocks = r->blocks, .data = &r->data
		};
		l->idle[l->n_idle++] = &l->io[i];
	}
}

static void release(struct running *r)
{
	rung_close(r->g); /* the device is quiet before its memory goes */
	if (r->data.va)
		r->t->ops->dma_unmap(r->t, &r->data);
	free(r->ios);
	free(r->idles);
	free(r->batch);
	free(r->done);
	free(r->lane);
}

static int open_all(struct running *r, const struct facts *f)
{
	struct io_options o = { .queues = r->s->queues,
				.depth = r->s->depth,
				.bytes_max = r->s->bytes };
	uint32_t lba_bytes = 0;
	int err = rung_open(r->t, f, &o, &r->g);

	if (err)
		return err;
	r->res->doorbells = rung_doorbells(r->g);
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].nsid == r->s->nsid)
			lba_bytes = f->ns[i].lba_bytes;
	if (!lba_bytes)
		return target_fail(r->t, -EINVAL, "no namespace %u", r->s->nsid);
	r->total = r->s->depth * r->s->queues;
	r->blocks = r->s->bytes / lba_bytes;
	r->first_lba = r->s->from / lba_bytes;
	err = open_memory(r);
	for (unsigned q = 0; !err && q < r->s->queues; q++)
		open_lane(r, q);
	return err;
}

int load_run(struct target *t, const struct facts *f, const struct load_spec *s, load_tick *tick,
	     void *ctx, struct load_result *ret, char ret_error[LOAD_ERROR])
{
	struct running r = { .t = t, .s = s, .res = ret };
	int err;

	memset(ret, 0, sizeof(*ret));
	t->error[0] = 0;
	err = open_all(&r, f);
	if (!err) {
		meter_on(&r.meter, t);
		err = loop(&r, tick, ctx);
		err = err ? err : drain(&r);
		meter_off(&r.meter, t);
	}
	if (err)
		snprintf(ret_error, LOAD_ERROR, "%s", t->error[0] ? t->error : strerror(-err));
	release(&r);
	return err;
}
