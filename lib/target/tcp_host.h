/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An association with a controller behind NVMe/TCP, from the host's side: the admin connection and
 * those of I/O queues, properties, Keep Alive. Source: Base 2.2 Fabrics Command Set, Keep Alive.
 */
#ifndef TARGET_TCP_HOST_H
#define TARGET_TCP_HOST_H

#include "target/qtest_ram.h"
#include "target/tcp_address.h"
#include "target/tcp_front.h"

#define TCP_QUEUES 65u /* QIDs 0 to 64 */
#define TCP_ADMIN_ENTRIES                                                                          \
	32u /* what every target takes: Base 2.2 Discovery Log Page Entry, ASQSZ */

struct tcp_host {
	struct tcp_address a;
	struct ram ram;
	int arena_fd;
	struct tcp_memory memory;
	struct tcp_front front[TCP_QUEUES];
	uint16_t cntlid;
	bool refuses_dynamic; /* it was CNTLID that it refused last */
	bool is_static;	      /* controllers are asked for: it refused one that is just made */
	uint32_t capsule;     /* most in-capsule data of an I/O command: IOCCSZ */
	bool knows_capsule;
	uint32_t cc;	/* as it was set last */
	bool connected; /* the admin queue */
	bool resetting; /* CC.EN was cleared: the association ends once CSTS.RDY is */
	uint32_t aqa;	/* what is no property here, kept for the queues in memory */
	uint64_t asq, acq;
	bool case_has_kato; /* a command has set the Keep Alive Timer: it is not ours any more */
	uint64_t alive_ns;  /* when the last Keep Alive was sent */
	uint64_t clock_ns;  /* the device's time, where it is stepped */
	uint64_t ahead_ns;  /* of what this association's device says */
	unsigned steps;
	uint64_t moved_ns;
	char error[256];
};

struct tcp_way tcp_host_way(const struct tcp_host *h);

/* The admin queue, where there is none. 0 or -errno with h->error. */
int tcp_host_connect(struct tcp_host *h);
/* Everything that is connected goes, without a word. */
void tcp_host_hang_up(struct tcp_host *h);
/* I/O queues alone. */
void tcp_host_drop_queues(struct tcp_host *h);

/* The Connect command on an open queue: 0 with its status and DWORD 0, or -errno. */
int tcp_host_send_connect(struct tcp_host *h, struct tcp_queue *q, const struct connect *c,
			  struct cqe *ret);

/* How much data an I/O command's capsule may have: asks the controller once. */
int tcp_host_find_capsule(struct tcp_host *h);

/* 0 with the status, or -errno. */
int tcp_host_get(struct tcp_host *h, uint32_t off, unsigned width, uint64_t *ret,
		 uint16_t *ret_status);
int tcp_host_set(struct tcp_host *h, uint32_t off, unsigned width, uint64_t value,
		 uint16_t *ret_status);

/* Sends what waits, takes what came, keeps alive. 0 or -errno with h->error. */
int tcp_host_pump(struct tcp_host *h);
/* Lets ns pass on the device's clock, where that is ours to step. */
int tcp_host_step(struct tcp_host *h, uint64_t ns);
uint64_t tcp_host_now(const struct tcp_host *h);

/* The subsystem's name into h->a.nqn, from the discovery service. 0 or -errno with h->error. */
int tcp_discover(struct tcp_host *h);

#endif
