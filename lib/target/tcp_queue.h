/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One queue of a controller behind NVMe/TCP, which is one connection, from the host's side. What is
 * wrong with what comes is told to the controller's side (H2CTermReq) and ends the connection.
 *
 * Nothing is allocated once the queue is open, but where a PDU is longer than any before it.
 */
#ifndef TARGET_TCP_QUEUE_H
#define TARGET_TCP_QUEUE_H

#include "tcp/fabrics.h"
#include "tcp/link.h"

struct tcp_queue;

/* How a connection is made; text and bytes are the caller's. */
struct tcp_way {
	const char *host, *port;
	bool hdgst, ddgst;
	unsigned hpda;	     /* bytes, a multiple of 4 up to 128 */
	uint32_t maxr2t;     /* R2Ts of a command outstanding at a time, 1-based */
	uint64_t timeout_ns; /* real time, of every exchange */
};

/* A command under way. */
struct tcp_flight {
	bool used, ours, done; /* ours: not of the queue in memory */
	bool unread;	       /* nobody waits for it */
	bool bad_data, has_last;
	uint16_t cid;
	unsigned direction; /* sqe_direction() */
	uint8_t *data;
	size_t len;
	uint32_t in_at, out_at; /* bytes that came, that R2Ts asked for */
	struct cqe cqe;
};

struct tcp_command {
	struct sqe sqe; /* SGL1 and, where there are data, PSDT are made here */
	uint8_t *data;	/* stays until it completes */
	size_t len;
	uint32_t position; /* of the queue in memory, once this has been fetched */
	bool ours, unread;
};

struct tcp_queue {
	struct tcp_link link;
	uint16_t qid;
	uint32_t entries;
	bool no_flow_control;
	uint32_t tail, head;	/* of the controller's queue: told, and seen in SQHD */
	uint32_t *position;	/* per entry of that */
	uint32_t seen_position; /* of the last one fetched */
	struct tcp_flight *flight;
	unsigned flights, in_flight;
	uint32_t *slot_of; /* by CID: its flight and 1 more, 0: none */
	unsigned next_free;
	uint16_t next_cid;   /* of commands that are ours */
	uint32_t maxh2cdata; /* bytes */
	uint32_t capsule;    /* most in-capsule data */
	uint64_t timeout_ns;
	int broken;
	char error[200];
	/* a completion that is not ours; its SQHD is of the queue in memory */
	void (*complete)(void *ctx, struct tcp_queue *q, const struct cqe *e);
	void *ctx;
};

/*
 * Connects and greets: no command has been sent. entries: of the queue that Connect is to make.
 * 0 or -errno with q->error in words; tcp_queue_close() in either case.
 */
int tcp_queue_open(struct tcp_queue *q, const struct tcp_way *w, uint16_t qid, uint32_t entries);
void tcp_queue_close(struct tcp_queue *q);

/* A connected socket and nothing said on it. 0 or -errno, error (200 bytes) in words. */
int tcp_dial(const struct tcp_way *w, int *ret_fd, char *error);

/* How many commands the controller's queue has room for. */
uint32_t tcp_queue_room(const struct tcp_queue *q);
/* Queues it for the socket. 0; -ENOSPC: no room; -errno of the connection. */
int tcp_queue_send(struct tcp_queue *q, const struct tcp_command *c);
int tcp_queue_flush(struct tcp_queue *q);
/* Takes all that has come. 0 or -errno; the queue is then broken for good. */
int tcp_queue_pump(struct tcp_queue *q);
/*
 * A command of ours in two halves, for who lets the device work between them: *ret_cid names it.
 * take: 1 and the completion, 0: it has not come.
 */
int tcp_queue_begin(struct tcp_queue *q, const struct sqe *e, void *data, size_t len,
		    uint16_t *ret_cid);
int tcp_queue_take(struct tcp_queue *q, uint16_t cid, struct cqe *ret);
/* One command of ours, waited for. 0 with any status. */
int tcp_queue_exec(struct tcp_queue *q, const struct sqe *e, void *data, size_t len,
		   struct cqe *ret);

#endif
