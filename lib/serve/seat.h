/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device and the client that has it: one thread's business, from the client's first message to
 * its last. */
#ifndef SERVE_SEAT_H
#define SERVE_SEAT_H

#include "serve/client.h"
#include "serve/serve.h"

struct seat {
	const struct serve_options *o;
	struct device d;
	struct client c;
	uint8_t *out;
	uint64_t base_ns; /* real time less the device's */
};

/* 0, or -errno and why (256 bytes). seat_close() also after an error. */
int seat_open(struct seat *s, const struct serve_options *o, char *error);
void seat_close(struct seat *s);

/*
 * Serves the client on fd, which becomes its own, until it is gone or stop_fd is readable; *reason
 * then says how it went, and s->c how many messages there were. listener: the socket that others
 * come to, which concerns faults alone. 0; by fault -EPIPE: the server ends; -EAGAIN: the client
 * was shut out.
 */
int seat_serve(struct seat *s, int fd, int stop_fd, int listener, const char **reason);

#endif
