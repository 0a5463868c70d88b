/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child process that does one thing and may do anything: it writes lines to a pipe, and has a
 * deadline. It leads a process group of its own, dies with its parent, reads from /dev/null, and
 * has no signal blocked. The parent never touches a device; this does.
 */
#ifndef RIG_WORKER_H
#define RIG_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "event/event.h"

#define WORKER_PATIENCE_NS (10 * NS_PER_S)
#define WORKER_BYTES_MAX   (16ull << 20) /* of events, and of each log; more is a worker gone mad */

struct worker_job {
	/* In the child. What it returns is the child's exit status. */
	int (*body)(int event_fd, void *arg);
	void *arg;
	int out_fd, err_fd;   /* its standard output and error; -1: /dev/null */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint64_t patience_ns; /* how long it may take to die of SIGKILL; 0: WORKER_PATIENCE_NS */
};

enum worker_end {
	WORKER_RUNS,
	WORKER_EXITED, /* with status */
	WORKER_DIED,   /* by signal */
	WORKER_LATE,   /* killed at its deadline */
	WORKER_FLOOD,  /* killed: more than WORKER_BYTES_MAX */
	WORKER_KILLED, /* by worker_kill */
};

struct worker {
	pid_t pid;
	int fd, pidfd; /* poll both for POLLIN */
	int out_fd, err_fd;
	uint64_t deadline_ns;
	enum worker_end end;
	int status, signal; /* with EXITED, DIED */
	bool stuck;	    /* SIGKILL did not end it: it is in the kernel, and left there */
	uint64_t patience_ns, killed_ns;
	uint64_t bytes;
	char *line; /* what came of a line that is not whole yet */
	size_t len, size;
	bool skipping; /* the line passed EVENT_LINE_MAX: its rest is junk too */
	size_t junk;   /* bytes that were no event, not told yet */
};

/* For every event (its owner stays the worker), and for bytes that were none (e is NULL). */
typedef void worker_event_fn(void *ctx, struct json_object *e, size_t junk);

/* 0 or -errno. The child exists or does not; worker_step takes it from here. */
int worker_start(struct worker *w, const struct worker_job *job);

/*
 * Reads what there is, hands out whole events, looks at the deadline and whether the child is
 * gone. Does not wait. True once it has ended: it is reaped, its group killed, all it wrote handed
 * out, its memory freed; `end` says how. A child that sleeps in the kernel where no signal reaches
 * it is given up after its patience: true too, `stuck`, and not reaped.
 */
bool worker_step(struct worker *w, worker_event_fn *fn, void *ctx);

/* Kills its process group; the end comes by worker_step. */
void worker_kill(struct worker *w);

/*
 * Steps until the end, or until stop_fd (-1: none) is readable: then it is killed first.
 */
void worker_wait(struct worker *w, int stop_fd, worker_event_fn *fn, void *ctx);

/* Milliseconds for poll(2) until the worker wants a look without having written: at most 1000. */
int worker_timeout_ms(const struct worker *w);

/* "SIGSEGV"; "signal 64" into buf of 16 bytes for one without a name. */
const char *worker_signal_name(int signal, char buf[16]);

#endif
