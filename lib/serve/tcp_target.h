/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model behind a small NVMe/TCP target: one subsystem and its discovery service on one address.
 * There is one controller, so one host has it at a time, and what it stores stays for the next one;
 * with `fresh` every host (by NQN and identifier) has a controller of its own, as it was made when
 * that host first came.
 *
 * Time is real; with `step` it stands still for a host from its first vendor specific Fabrics
 * command on that lets it pass (tcp/fabrics.h), which is nvrig's with ?clock=step.
 *
 * Source: TCP Transport 1.0; Base 2.2 Fabrics Command Set.
 */
#ifndef SERVE_TCP_TARGET_H
#define SERVE_TCP_TARGET_H

#include "serve/serve.h"

struct tserve;

/* o->tcp: where to listen, "ADDR:PORT"; port 0: any, which SERVE_READY then tells. Errors and calls
 * otherwise as serve_open(), serve_run(), serve_close(). */
int tserve_open(struct tserve **ret, const struct serve_options *o, char *error);
int tserve_run(struct tserve *s, int stop_fd, serve_tell *tell, void *ctx);
void tserve_close(struct tserve *s);

#endif
