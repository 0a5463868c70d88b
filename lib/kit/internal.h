/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef KIT_INTERNAL_H
#define KIT_INTERNAL_H

#include "kit/kit.h"
#include "target/door.h"

struct kit {
	struct rig *r;
	const char *address;
	struct door_token token;
	struct target *t; /* NULL: rig_reopen() could not open it again */
	struct ctrl *c;	     /* NULL until the body asks for it */
	struct ctrl *peer;   /* likewise; the other controller of the subsystem */
	struct sq *ordinary; /* rig_queue() */
	bool asked_lbafee, has_lbafee; /* rig_ns_reach() */
	struct sq *peer_ordinary;
	struct rig_cmb cmb;  /* rig_cmb(); far.on: enabled */
	uint64_t cmbmsc;     /* as it was */
	bool health_off;
	char health_why[160];
};

struct kit *kit_of(struct rig *r);

/* Turns an error of lib/nvme into the verdict it stands for: the device's or the rig's. */
__attribute__((noreturn)) void kit_trouble(struct rig *r, int err, const char *doing);

/* The same; CSTS in the reason is that of c. */
__attribute__((noreturn)) void kit_trouble_on(struct rig *r, struct ctrl *c, int err,
					      const char *doing);

/* Where c's ordinary queue pair is remembered. */
struct sq **kit_ordinary(struct kit *k, const struct ctrl *c);
/* Both controllers' queues and commands are gone, by power or a subsystem reset. */
void kit_forget(struct kit *k);

/* ctrl.audit of every controller that a case opens. */
void kit_audit(void *ctx, const char *rule, const char *text);
void kit_audit_peer(void *ctx, const char *rule, const char *text);

/*
 * Writes the controllers' traces as command, completion, register and reset events, in the order of
 * time; records from number `health` of each on are the rig's own questions after the case.
 */
void kit_tell_trace(struct kit *k, uint64_t health, uint64_t peer_health);

#endif
