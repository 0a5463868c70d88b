/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a controller behind NVMe/TCP is, for cases that make connections of their own to it and
 * send there what they want. Source: Base 2.2 Connect Command; TCP Transport 1.0.
 */
#ifndef TARGET_FABRIC_H
#define TARGET_FABRIC_H

#include <stdbool.h>
#include <stdint.h>

struct target;

/* Texts are the target's, and good until it is closed. */
struct target_fabric {
	const char *host, *port;
	const char *nqn, *hostnqn; /* NQN_BYTES each, padded with zeros */
	uint8_t hostid[16];
	bool is_static;	     /* static controller model: CNTLID FFFEh for any */
	uint64_t timeout_ns; /* real time that an answer may take */
};

struct fabric_ops {
	/*
	 * Leaves the controller, which others may want now, and tells where it is. The next access
	 * by the target connects anew.
	 */
	int (*leave)(struct target *t, struct target_fabric *ret);
};

#endif
