// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/measure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/plan.h"
#include "rig/measure_guard.h"
#include "rig/stop.h"
#include "rig/worker.h"
#include "target/door.h"

#define CELL_SLACK_NS (30 * NS_PER_S) /* to bring the controller up and down */
#define OPEN_NS	      (60 * NS_PER_S)

/* ---- in the worker ---- */

struct job {
	const char *target;
	const struct measure *m;
	struct guard_drive *drive; /* that the guards let be written to; NULL: none */
	int fd;
	unsigned cell;
};

static int trouble(const struct job *j, enum rig_exit status, const char *text)
{
	struct json_object *e = event_new("bench_trouble");

	event_u64(e, "status", status);
	event_strf(e, "error", "%.120s: %.300s", j->target, text);
	event_write(j->fd, e);
	json_object_put(e);
	return 0;
}

static bool tick(void *ctx, const struct load_progress *p)
{
	struct job *j = ctx;
	struct json_object *e = event_new("bench_progress");
	const struct load_spec *s = &j->m->cell[j->cell].spec;
	double done = s->run_ns ? (double)p->done_ns / (double)s->run_ns
				: (double)p->ios / (double)s->ios;

	event_u64(e, "cell", j->cell);
	event_bool(e, "warming", p->warming);
	event_real(e, "done", p->warming ? 0 : done);
	event_u64(e, "errors", p->errors);
	event_real(e, "iops", p->done_ns ? (double)p->ios * 1e9 / (double)p->done_ns : 0);
	event_write(j->fd, e);
	json_object_put(e);
	return p->done_ns > j->m->limit_ns;
}

static void add(struct json_object *o, const char *key, struct json_object *value)
{
	json_object_object_add(o, key, value);
}

/* Where too few samples lie beyond it there is no percentile: null. */
static struct json_object *latencies(const struct hist *h)
{
	static const struct {
		const char *name;
		unsigned ppm;
	} ranks[] = { { "p50", 500000 },
		      { "p90", 900000 },
		      { "p99", 990000 },
		      { "p999", 999000 },
		      { "p9999", 999900 } };
	struct json_object *o = json_object_new_object();
	uint64_t v;

	event_u64(o, "min", h->min);
	event_real(o, "mean", hist_mean(h));
	for (size_t i = 0; i < ARRAY_SIZE(ranks); i++)
		if (hist_percentile(h, ranks[i].ppm, &v))
			event_u64(o, ranks[i].name, v);
		else
			add(o, ranks[i].name, NULL);
	event_u64(o, "max", h->max);
	return o;
}

static struct json_object *half(const struct load_result *r, enum load_dir dir)
{
	struct json_object *o = json_object_new_object();
	double seconds = (double)r->real_ns / 1e9;

	event_u64(o, "ios", r->lat[dir].count);
	event_u64(o, "bytes", r->bytes[dir]);
	event_real(o, "iops", (double)r->lat[dir].count / seconds);
	event_real(o, "mb_s", (double)r->bytes[dir] / seconds / 1e6);
	add(o, "latency_ns", latencies(&r->lat[dir]));
	return o;
}

static struct json_object *statuses(const struct load_result *r)
{
	struct json_object *list = json_object_new_array();
	char text[STATUS_TEXT];

	for (unsigned i = 0; i < LOAD_STATUSES && r->status[i].count; i++) {
		struct json_object *o = json_object_new_object();

		event_u64(o, "status", r->status[i].status);
		event_str(o, "text", status_text(r->status[i].status, text));
		event_u64(o, "count", r->status[i].count);
		json_object_array_add(list, o);
	}
	return list;
}

static double per(double sum, uint64_t n)
{
	return n ? sum / (double)n : 0;
}

static struct json_object *calls(const struct load_calls *c)
{
	struct json_object *o = json_object_new_object();

	event_real(o, "per_io", per(c->ns, c->ios));
	event_real(o, "per_call", per(c->ns, c->calls));
	event_u64(o, "calls", c->calls);
	event_u64(o, "interrupted", c->interrupted);
	return o;
}

static struct json_object *costs(const struct load_result *r)
{
	uint64_t ios = r->lat[LOAD_READ].count + r->lat[LOAD_WRITE].count + r->errors;
	const struct load_cost *c = &r->cost;
	struct json_object *o = json_object_new_object();

	add(o, "submit", calls(&c->submit));
	add(o, "reap", calls(&c->reap));
	event_real(o, "way_in_per_io", per(c->way_in, ios));
	event_real(o, "wait_per_io", per(c->wait, ios));
	event_real(o, "cpu_per_io", per(c->cpu, ios));
	event_u64(o, "register_writes", c->rings);
	return o;
}

static struct json_object *cell_event(const struct job *j, const struct target *t,
				      const struct load_spec *s, const struct load_result *r)
{
	struct json_object *e = event_new("bench_cell");
	uint64_t ios = r->lat[LOAD_READ].count + r->lat[LOAD_WRITE].count;

	event_str(e, "target", j->target);
	event_str(e, "engine", t->caps.engine);
	event_u64(e, "cell", j->cell);
	event_str(e, "rw", j->m->cell[j->cell].rw);
	event_u64(e, "block_bytes", s->bytes);
	event_u64(e, "depth", s->depth);
	event_u64(e, "queues", s->queues);
	event_u64(e, "read_percent", s->read_percent);
	event_bool(e, "fua", s->fua);
	event_u64(e, "nsid", s->nsid);
	event_u64(e, "region_from", s->from);
	event_u64(e, "region_bytes", s->length);
	event_u64(e, "seed", s->seed);
	event_str(e, "doorbells", r->doorbells);
	event_u64(e, "real_ns", r->real_ns);
	event_u64(e, "device_ns", r->device_ns);
	event_bool(e, "stepped", t->caps.stepped);
	event_u64(e, "ios", ios);
	event_u64(e, "errors", r->errors);
	add(e, "statuses", statuses(r));
	if (r->real_ns)
		event_real(e, "iops", (double)ios * 1e9 / (double)r->real_ns);
	if (r->lat[LOAD_READ].count)
		add(e, "read", half(r, LOAD_READ));
	if (r->lat[LOAD_WRITE].count)
		add(e, "write", half(r, LOAD_WRITE));
	add(e, "cost_ns", costs(r));
	return e;
}

/* What befell the device or the way to it: the drive failed, or is not there any more. */
static enum rig_exit status_of(int err)
{
	return err == -EPROTO || err == -ETIMEDOUT || err == -EIO ? RIG_DRIVE_FAILED : RIG_BROKE;
}

static bool run_cell(struct job *j, struct target *t, const struct facts *f,
		     const struct load_spec *s, struct load_result *r)
{
	char error[LOAD_ERROR];
	int err = load_run(t, f, s, tick, j, r, error);
	struct json_object *e = cell_event(j, t, s, r);

	if (err)
		event_str(e, "error", error);
	else if (r->cut)
		event_str(e, "error", "ended at the time limit, before its I/Os were done");
	event_write(j->fd, e);
	json_object_put(e);
	if (err)
		trouble(j, status_of(err), error);
	return !err;
}

/* As a case that harms data: emulated devices alone, and one of this machine if that was said. */
static bool may_write(struct job *j, const struct facts *f)
{
	if (!f->caps.emulated) {
		trouble(j, RIG_REFUSED,
			"writes are for emulated devices that nobody uses, and there may be a real "
			"drive behind this one; --rw=randread and --rw=read change nothing");
		return false;
	}
	if (harm_default(f) < HARM_DATA && j->m->allow < HARM_DATA) {
		trouble(j, RIG_REFUSED,
			"what this device of this machine holds would be overwritten: --allow data "
			"says that it may");
		return false;
	}
	if (!target_may_harm(&f->caps)) {
		trouble(j, RIG_REFUSED, "the guards did not let it be written to");
		return false;
	}
	return true;
}

/* Every cell, before the first one begins. */
static int check_cells(struct job *j, const struct facts *f,
		       struct load_spec spec[])
{
	char error[LOAD_ERROR];

	for (unsigned i = 0; i < j->m->cells; i++) {
		spec[i] = j->m->cell[i].spec;
		if (load_check(f, &spec[i], error)) {
			trouble(j, f->alive ? RIG_USAGE : RIG_BROKE, error);
			return -EINVAL;
		}
		if (spec[i].read_percent < 100 && !may_write(j, f))
			return -EPERM;
	}
	return 0;
}

static int run_cells(struct job *j, struct target *t, struct facts *f)
{
	_cleanup_free_ struct load_spec *spec = calloc(j->m->cells, sizeof(*spec));
	_cleanup_free_ struct load_result *r = calloc(1, sizeof(*r));
	struct door_token token = { .alive = true };
	int err = spec && r ? facts_gather(t, f) : -ENOMEM;

	if (err)
		return trouble(j, RIG_BROKE, t->error[0] ? t->error : strerror(-err));
	f->caps.cleared = j->drive && guard_drive_is(j->drive, j->target, t->caps.dev);
	if (check_cells(j, f, spec))
		return 0;
	if (f->caps.cleared)
		door_show(t, &token);
	for (j->cell = 0; j->cell < j->m->cells; j->cell++)
		if (!run_cell(j, t, f, &spec[j->cell], r))
			break;
	return 0;
}

static int body(int event_fd, void *arg)
{
	struct job *j = arg;
	_cleanup_free_ struct facts *f = calloc(1, sizeof(*f));
	char error[256] = "out of memory";
	struct target *t = NULL;
	int err = f ? target_open(j->target, &t, error) : -ENOMEM;

	j->fd = event_fd;
	if (err)
		return trouble(j, err == -EINVAL || err == -EPROTONOSUPPORT ? RIG_USAGE : RIG_BROKE,
			       error);
	run_cells(j, t, f);
	target_close(t);
	return 0;
}

/* ---- around it ---- */

struct listener {
	measure_tell *tell;
	void *ctx;
	enum rig_exit status;
	unsigned cells;
	char *error;
};

static void hear(void *ctx, struct json_object *e, size_t junk)
{
	struct listener *l = ctx;

	(void)junk;
	if (!e)
		return;
	if (!strcmp(event_type(e), "bench_trouble")) {
		l->status = (enum rig_exit)event_get_u64(e, "status");
		snprintf(l->error, MEASURE_ERROR, "%s", event_get_str(e, "error"));
		return;
	}
	if (!strcmp(event_type(e), "bench_cell")) {
		l->cells++;
		if (event_get_u64(e, "errors") && l->status == RIG_GOOD)
			l->status = RIG_DRIVE_FAILED;
		if (*event_get_str(e, "error") && l->status == RIG_GOOD)
			l->status = RIG_STOPPED;
	}
	l->tell(l->ctx, e);
}

static enum rig_exit judge(const struct listener *l, const struct worker *w, const char *target,
			   unsigned cells)
{
	char name[16];

	if (w->end == WORKER_KILLED)
		snprintf(l->error, MEASURE_ERROR, "stopped by signal");
	else if (w->end == WORKER_LATE)
		snprintf(l->error, MEASURE_ERROR, "%.200s: the worker did not end in time", target);
	else if (w->end == WORKER_DIED)
		snprintf(l->error, MEASURE_ERROR, "%.200s: the worker died: %s", target,
			 worker_signal_name(w->signal, name));
	else if (w->end != WORKER_EXITED || w->status || (l->cells < cells && !l->error[0]))
		snprintf(l->error, MEASURE_ERROR, "%.200s: the worker ended with status %d", target,
			 w->status);
	else
		return l->status;
	return w->end == WORKER_KILLED ? RIG_STOPPED : RIG_BROKE;
}

static uint64_t time_limit(const struct measure *m)
{
	uint64_t sum = OPEN_NS;

	for (unsigned i = 0; i < m->cells; i++) {
		const struct load_spec *s = &m->cell[i].spec;

		sum += s->warm_up_ns + (s->run_ns ? s->run_ns : m->limit_ns) + s->patience_ns +
		       CELL_SLACK_NS;
	}
	return sum;
}

enum rig_exit measure_target(const char *target, const struct measure *m, struct stop *stop,
			     measure_tell *tell, void *ctx, char ret_error[MEASURE_ERROR])
{
	struct job j = { .target = target, .m = m };
	struct listener l = { .tell = tell, .ctx = ctx, .error = ret_error };
	struct worker_job job = { .body = body, .arg = &j, .out_fd = -1, .err_fd = -1 };
	struct worker w;
	int err;

	if (measure_guard(target, m, stop, &j.drive, ret_error))
		return stop_asked(stop) ? RIG_STOPPED : RIG_REFUSED;
	job.deadline_ns = clock_mono_ns() + time_limit(m);
	err = worker_start(&w, &job);
	if (err) {
		snprintf(ret_error, MEASURE_ERROR, "no worker: %s", strerror(-err));
		measure_guard_drop(j.drive);
		return RIG_BROKE;
	}
	worker_wait(&w, stop_fd(stop), hear, &l);
	measure_guard_drop(j.drive);
	return judge(&l, &w, target, m->cells);
}
