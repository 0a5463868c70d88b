/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may come of a command: of an SQE, what the controller claims and what was done to it before,
 * the statuses that it may end in. Pure: no device, no clock, no memory of its own; made from the
 * tables of spec/command.h, spec/feature.h and spec/log.h.
 *
 * It never calls a legal controller illegal. Where a command is wrong in several ways every code
 * that applies is legal (Base 2.2 Status Field Definition); what the text leaves open is open; what
 * the oracle cannot know (data it was not given, state it does not follow) makes its answer wider.
 *
 * Use, one command at a time or many in flight:
 *
 *	oracle_begin(&s, &ctrl);                     after each reset that brought it up again
 *	oracle_sent(&s, &ask, &ticket);              when the command is put
 *	oracle_ended(&s, &ask, &ticket, status, dw0, &answer);  when it completes: judges, then
 *learns if (oracle_verdict(&answer, status) == ORACLE_ILLEGAL) ...
 *
 * A command that was in flight together with one that changes what its answer hangs on is judged
 * as if that were unknown.
 */
#ifndef SPEC_ORACLE_H
#define SPEC_ORACLE_H

#include "spec/claim.h"
#include "spec/status.h"

#define ORACLE_QUEUES	256 /* identifiers that are followed; beyond: unknown */
#define ORACLE_STATUSES 32

/* What answers hang on, and some commands change. */
enum oracle_part {
	ORACLE_OF_QUEUES,   /* I/O queues, Number of Queues */
	ORACLE_OF_FEATURES, /* current values, write protection */
	ORACLE_OF_EVENTS,   /* outstanding event requests, contexts of logs */
	ORACLE_OF_NS,	    /* which namespaces there are, and their formats */
	ORACLE_OF_MEDIA,    /* sanitize, format, self-test: what prohibits other commands */
	ORACLE_PARTS
};

struct oracle_state {
	const struct spec_ctrl *ctrl;
	uint32_t page; /* bytes, of CC.MPS */
	/* CC.IOSQES and CC.IOCQES are what the NVM command set has: 6 and 4. True after begin. */
	bool plain_entries;
	/* I/O queues; the admin queue is not among them. doubt has ORACLE_OF_QUEUES set when more
	 * may exist than are here. */
	bool sq[ORACLE_QUEUES], cq[ORACLE_QUEUES];
	uint16_t cq_of[ORACLE_QUEUES]; /* by SQ */
	unsigned nsq, ncq;	       /* allocated by Number of Queues; 0: not since the reset */
	unsigned aers;		       /* outstanding Asynchronous Event Requests, at most */
	bool pel_context;	       /* of the Persistent Event log */
	bool hmb;		       /* host memory is enabled */
	bool acre;		       /* Host Behavior Support: Command Interrupted may come */
	bool lbafee;		       /* the same: extended formats */
	uint8_t protect[SPEC_NS_MAX];  /* write protection state, by place in ctrl->ns */
	uint32_t doubt;		       /* bits 1 << enum oracle_part: not known now */
	/* for oracle_sent and oracle_ended */
	uint32_t in_flight[ORACLE_PARTS], changes[ORACLE_PARTS];
};

/* How sound the data pointer is, as the one who built it knows. */
enum oracle_dptr {
	ORACLE_DPTR_GOOD, /* leads to memory of the right length (PRPs, or SGLs where PSDT says so)
			   */
	ORACLE_DPTR_ODD,  /* not known, or bent: what a bad pointer may end in is legal, too */
};

/* A command as it is sent. */
struct oracle_ask {
	bool admin; /* sent to the admin queue */
	const struct sqe *e;
	/* What the host gives along, from its first byte: ranges, a feature's data. NULL: unknown.
	 */
	const void *data;
	size_t data_len;
	enum oracle_dptr dptr;
	bool cid_in_use; /* its CID is that of a command in flight on this queue */
	bool fused;	 /* it stands next to the other half, rightly so */
};

struct oracle_status {
	uint16_t status;
	const char *why; /* a static string: "CNS: reserved value" */
};

struct oracle_answer {
	bool success;	 /* it may succeed */
	bool any_error;	 /* it may fail with a code of the controller's choice */
	bool open;	 /* the text leaves it open: anything defined is legal */
	bool may_hold;	 /* it may stay outstanding, with no limit in time */
	const char *why; /* why it may not succeed; "" where it may */
	const char *ref; /* where that is said; "" */
	unsigned n;
	struct oracle_status status[ORACLE_STATUSES]; /* errors that are legal, by name */
};

enum oracle_verdict {
	ORACLE_LEGAL,
	/* What any command may end in for reasons that no SQE shows: internal and transfer errors,
	 * media errors, not ready, aborted, vendor's own. Legal; a quiet bench has no cause for it.
	 */
	ORACLE_EXCUSED,
	ORACLE_ILLEGAL,
};

/* As after a reset and CC.EN = 1: no queues, defaults. Also the first call on a zeroed state. */
void oracle_begin(struct oracle_state *s, const struct spec_ctrl *c, uint32_t page_bytes);

/* What may come of this command in this state. */
void oracle_judge(const struct oracle_state *s, const struct oracle_ask *a,
		  struct oracle_answer *ret);
enum oracle_verdict oracle_verdict(const struct oracle_answer *a, uint16_t status);

/* What the controller's state is after this one ended so. */
void oracle_learn(struct oracle_state *s, const struct oracle_ask *a, uint16_t status,
		  uint32_t dw0);

/* The parts of the state as they were when a command was sent. */
struct oracle_ticket {
	uint32_t doubt;
	uint32_t changes[ORACLE_PARTS];
};

void oracle_sent(struct oracle_state *s, const struct oracle_ask *a, struct oracle_ticket *ret);
void oracle_ended(struct oracle_state *s, const struct oracle_ask *a, const struct oracle_ticket *t,
		  uint16_t status, uint32_t dw0, struct oracle_answer *ret);
/* It was dropped by a reset, or is never waited for again: what it would have changed is unknown.
 */
void oracle_lost(struct oracle_state *s, const struct oracle_ask *a);

/* "success" or "002h Invalid Field in Command (CNS: reserved value), any error, ..." */
#define ORACLE_TEXT 400
const char *oracle_text(const struct oracle_answer *a, char buf[ORACLE_TEXT]);

#endif
