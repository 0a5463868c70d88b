/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's monitor in its machine's form, QMP (QEMU docs/interop/qmp-spec): requests with an id and a
 * deadline, answers, events. One thread, and nothing here waits. What QEMU says is hostile: lines
 * are bounded, and what is none of the protocol's is counted and, past a bound, ends it.
 */
#ifndef STACK_QMP_H
#define STACK_QMP_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#define QMP_LINE_MAX	(128u << 10) /* bytes of one line; a longer one means nothing */
#define QMP_JUNK_MAX	(1u << 20)   /* bytes that mean nothing, then it is as good as gone */
#define QMP_PENDING_MAX 8
#define QMP_TEXT	160

enum qmp_end {
	QMP_OK,
	QMP_ERROR, /* refused, in QEMU's words */
	QMP_LATE,  /* no answer within its time; one that comes later is dropped */
	QMP_GONE,  /* the monitor is gone, or was no monitor */
};

struct qmp;

/* Objects and strings are QEMU's and end with the call. data: NULL where an event has none. */
struct qmp_ops {
	void *ctx;
	void (*event)(void *ctx, const char *name, struct json_object *data);
};

/*
 * How a request ended, once for each: value is what was returned (NULL unless QMP_OK), text why not
 * ("" if QMP_OK): printable, of QMP_TEXT bytes at most.
 */
typedef void qmp_answer(void *ctx, enum qmp_end end, struct json_object *value, const char *text);

/*
 * Over our end of a socket pair, which is its own from now on and does not wait. QEMU has ready_ns
 * to say who it is. NULL: out of memory; then the descriptor is closed.
 */
struct qmp *qmp_open(int fd, uint64_t ready_ns, const struct qmp_ops *ops);
/* Requests without an end have none any more: nobody is called. NULL is fine. */
void qmp_close(struct qmp *q);

/*
 * Asks, or queues what is asked before QEMU is ready. Takes the arguments, NULL: none. timeout_ns:
 * from now. fn is called from qmp_step alone. 0, -EBUSY: too many are under way, -EPIPE: it is
 * gone, -ENOMEM; then fn is never called.
 */
int qmp_ask(struct qmp *q, const char *command, struct json_object *arguments, uint64_t timeout_ns,
	    qmp_answer *fn, void *ctx);

/* What has come is heard, a bounded part of it at a time, and what is due has its end. */
void qmp_step(struct qmp *q);

/* For poll(2), readable; -1: it is gone. */
int qmp_fd(const struct qmp *q);
/* NULL, or why it is gone. */
const char *qmp_gone(const struct qmp *q);

#endif
