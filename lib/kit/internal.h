/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KIT_INTERNAL_H
#define KIT_INTERNAL_H

#include "kit/kit.h"

struct kit {
	struct rig *r;
	struct target *t;
	struct ctrl *c;	     /* NULL until the body asks for it */
	struct sq *ordinary; /* rig_queue() */
	bool asked_lbafee, has_lbafee; /* rig_ns_reach() */
	bool health_off;
	char health_why[160];
};

struct kit *kit_of(struct rig *r);

/* Turns an error of lib/nvme into the verdict it stands for: the device's or the rig's. */
__attribute__((noreturn)) void kit_trouble(struct rig *r, int err, const char *doing);

/* ctrl.audit of every controller that a case opens. */
void kit_audit(void *ctx, const char *rule, const char *text);

/*
 * Writes the controller's trace as command, completion, register and reset events; records from
 * number `health` on are the rig's own questions after the case.
 */
void kit_tell_trace(struct kit *k, uint64_t health);

#endif
