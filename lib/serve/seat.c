// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/seat.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/fault.h"

#define GREET_NS  (5 * NS_PER_S)    /* for a client to say its version */
#define LOOK_NS	  (500 * NS_PER_US) /* shadow doorbells are looked at as often */
#define IDLE_NS	  (100 * NS_PER_MS)
#define BURST	  64u	  /* messages between two looks at the clock and at the stop */
#define TICKS_MAX 100000u /* of the model between two looks at the socket */

/* ---- time ---- */

static void keep_base(struct seat *s)
{
	s->base_ns = clock_mono_ns() - model_now(s->d.m);
}

static void pass_time(struct seat *s)
{
	uint64_t now = clock_mono_ns() - s->base_ns;

	if (s->c.step || s->d.stopped)
		return;
	ask_begin(&s->c.ask);
	for (unsigned i = 0; i < TICKS_MAX && model_now(s->d.m) < now; i++)
		model_relax(s->d.m, now - model_now(s->d.m));
	device_look(&s->d);
}

static uint64_t pause_ns(const struct seat *s)
{
	uint64_t now = model_now(s->d.m), due = model_next(s->d.m);

	if (s->c.ask.n_held || s->c.ask.broken)
		return 0;
	if (s->c.step)
		return IDLE_NS;
	/* a watch is short, and no message will say when what is watched changes */
	if (due <= now || model_watches(s->d.m))
		return 0;
	return doorbells_pause(&s->d.doorbells, due - now < LOOK_NS ? due - now : LOOK_NS);
}

/* ---- memory by message ---- */

/* Refused, and by fault taken for done. */
static bool is_overheard(const struct seat *s, int err)
{
	return err && !s->c.ask.broken && SERVE_FAULT(&s->d, FAR_REFUSAL_IGNORED);
}

static bool is_unasked(const struct seat *s)
{
	return !s->o->by_message && SERVE_FAULT(&s->d, FAR_MEMORY_UNASKED);
}

static int far_take(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct seat *s = ctx;
	int err = is_unasked(s) ? -EFAULT : ask_take(&s->c.ask, addr, to, len);

	if (!is_overheard(s, err))
		return err;
	memset(to, 0, len);
	return 0;
}

static int far_put(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct seat *s = ctx;
	int err = is_unasked(s) ? -EFAULT : ask_put(&s->c.ask, addr, from, len);

	return is_overheard(s, err) ? 0 : err;
}

/* ---- the client ---- */

static void sit_down(struct seat *s, int fd)
{
	s->c = (struct client){ .sock = fd,
				.d = &s->d,
				.out = s->out,
				.ask = { .sock = fd, .twin = -1 },
				.offer_step = s->o->step,
				.since_ns = clock_mono_ns() };
	s->d.mem.by_message = s->o->by_message;
	s->d.mem.far = (struct memory_far){ far_take, far_put, s };
}

/* Of each client's own: one that is gone may still have them mapped. */
static int map_doorbells(struct seat *s)
{
	return s->o->map_doorbells ? doorbells_open(&s->d.doorbells, s->d.m) : 0;
}

static int stand_up(struct seat *s)
{
	bool cut = client_was_cut(&s->c);

	s->d.mem.far = (struct memory_far){ 0 };
	client_end(&s->c);
	doorbells_close(&s->d.doorbells);
	device_leave(&s->d);
	if (s->c.step) {
		s->c.step = false;
		keep_base(s);
	}
	return cut && SERVE_FAULT(&s->d, HALF_MESSAGE_ENDS_SERVER) ? -EPIPE : 0;
}

/* By fault: whoever else comes is hung up on, at the cost of the one who is served. */
static void turn_away(struct seat *s, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	close(fd);
	model_flr(s->d.m);
}

/* 0, or -errno and why it is over. */
static int hear(struct seat *s, const char **reason)
{
	for (unsigned i = 0; i < BURST; i++) {
		int n = client_step(&s->c, reason);

		if (n <= 0)
			return n;
		pass_time(s);
	}
	return 0;
}

/* One look at all there is: 0, or not when it is over. */
static int turn(struct seat *s, int stop_fd, const char **reason)
{
	struct pollfd p[2] = { { .fd = stop_fd, .events = POLLIN },
			       { .fd = s->c.sock, .events = POLLIN } };
	struct timespec ts = { .tv_nsec = (long)pause_ns(s) };

	if (ppoll(p, 2, &ts, NULL) < 0 && errno != EINTR) {
		*reason = strerror(errno);
		return -errno;
	}
	if (p[0].revents) {
		*reason = "the server stops";
		return -EINTR;
	}
	if (p[1].revents || s->c.ask.n_held || s->c.ask.broken)
		return hear(s, reason);
	if (s->c.greeted || clock_mono_ns() - s->c.since_ns <= GREET_NS)
		return 0;
	*reason = "said nothing";
	return -ETIMEDOUT;
}

int seat_serve(struct seat *s, int fd, int stop_fd, int listener, const char **reason)
{
	if (s->d.left_enabled) {
		s->d.left_enabled = false;
		close(fd);
		return -EAGAIN;
	}
	sit_down(s, fd);
	*reason = "";
	if (map_doorbells(s)) {
		*reason = "no memory for its doorbells";
		return stand_up(s);
	}
	do {
		if (SERVE_FAULT(&s->d, SECOND_CLIENT_RESETS))
			turn_away(s, listener);
		pass_time(s);
	} while (!turn(s, stop_fd, reason));
	return stand_up(s);
}

int seat_open(struct seat *s, const struct serve_options *o, char *error)
{
	int err;

	*s = (struct seat){ .o = o, .c = { .sock = -1, .ask = { .sock = -1, .twin = -1 } } };
	s->out = malloc(VU_DATA_MAX);
	if (!s->out) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	err = device_open(&s->d, o->model, error);
	if (!err)
		keep_base(s);
	return err;
}

void seat_close(struct seat *s)
{
	device_close(&s->d);
	free(s->out);
	*s = (struct seat){ .o = s->o };
}
