/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was last sent to a controller and what came back: a ring of fixed-size records that lives in
 * struct ctrl. Filled where every SQE is put and every CQE taken, so that a case that builds its
 * own commands is seen like any other. Nothing is allocated, nothing is decoded: a record is copied
 * bytes, and whoever wants to read it pays then.
 */
#ifndef NVME_TRACE_H
#define NVME_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/oracle.h"

#define TRACE_RECORDS 64
#define TRACE_DATA    64 /* bytes kept of a command's data, from their beginning */

struct ctrl;
struct sq;
struct cq;

enum trace_kind {
	TRACE_COMMAND,
	TRACE_COMPLETION, /* a CQE that belongs to no command that is still in the ring */
	TRACE_REGISTER, /* a register written, or a doorbell with a value that is not its queue's */
	TRACE_RESET,	/* Function Level Reset */
};

struct trace_record {
	enum trace_kind kind;
	uint64_t at_ns; /* put, written, or seen: target clock */

	/* COMMAND, and of these sqid, completed, done_ns and cqe COMPLETION */
	struct sqe sqe;
	struct cqe cqe;
	bool completed;
	uint64_t done_ns;
	uint16_t sqid, cqid;
	bool own_pointer;    /* the case laid out the data pointer itself */
	uint32_t data_len;   /* as submitted; 0: own_pointer, or none */
	uint8_t out_n, in_n; /* bytes of data that follow */
	bool cid_in_use;     /* by another command of this queue, then or later */
	struct oracle_ticket ticket;
	uint8_t out[TRACE_DATA], in[TRACE_DATA];

	/* REGISTER */
	uint64_t off, value;
	unsigned width;
};

struct trace {
	uint64_t begin_ns;
	uint64_t n; /* records ever made; the last TRACE_RECORDS are kept */
	struct trace_record record[TRACE_RECORDS];
};

/* An SQE was put into its slot. Data that go out are looked up behind PRP1 or the SGL's address. */
void trace_put(struct sq *q, const struct sqe *e, uint64_t now_ns);
/* The library laid out the data pointer of the command put last, for len bytes (0: it did not). */
void trace_data_len(struct ctrl *c, size_t len);
/* A CQE was taken from q, before anything is believed of it. */
void trace_completed(struct cq *q, const struct cqe *e);
void trace_register(struct ctrl *c, uint64_t off, unsigned width, uint64_t value);
void trace_reset(struct ctrl *c);

/* Record number i of those ever made, NULL when it is no longer kept or was never made. */
const struct trace_record *trace_at(const struct trace *t, uint64_t i);

#endif
