/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One client: its messages, in order, each answered. */
#ifndef SERVE_CLIENT_H
#define SERVE_CLIENT_H

#include "serve/ask.h"
#include "serve/device.h"
#include "vfio_user/sock.h"

struct client {
	int sock; /* -1: none */
	struct device *d;
	struct vu_msg msg;
	struct vu_msg late; /* by fault; size 0: none */
	struct ask ask;
	uint8_t *out;	 /* VU_DATA_MAX bytes for an answer, not the client's own */
	bool greeted;	 /* the version is agreed on */
	bool offer_step; /* the clock may be stepped, if the client knows how */
	bool step;	 /* and it does */
	uint64_t since_ns;
	uint64_t messages, errors;
};

/*
 * Handles one message if there is one. 1: it was handled; 0: there is none; or -errno and a reason
 * for the hang-up.
 */
int client_step(struct client *c, const char **ret_reason);
/* After a hang-up: did its last message lack bytes? */
bool client_was_cut(const struct client *c);
/* Closes and frees what it has; the device is not told. */
void client_end(struct client *c);

#endif
