/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind "tcp:": HOST:PORT/NQN?OPTIONS. */
#ifndef TARGET_TCP_ADDRESS_H
#define TARGET_TCP_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "tcp/fabrics.h"

struct target;

struct tcp_address {
	char host[128], port[8];
	char nqn[NQN_BYTES]; /* "": the one that is discovered */
	char hostnqn[NQN_BYTES];
	uint8_t hostid[16];
	char engine[64];
	bool hdgst, ddgst, step, no_flow_control;
	uint64_t queues; /* most I/O queues that are made */
	uint64_t kato_ms, timeout_ms, mem;
	uint64_t align; /* bytes, of data that come */
};

extern const char tcp_address_help[];

/* 0, or -EINVAL and the target's error. */
int tcp_address_parse(struct target *t, const char *text, struct tcp_address *ret);

#endif
