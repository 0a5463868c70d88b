/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plays a script on a controller and judges what comes back: every status against the oracle
 * (spec/oracle.h), every block read against what it may hold (storm/blocks.h), every buffer's
 * canaries, every CQE by the queue's audit, and that the controller answers at all.
 */
#ifndef STORM_PLAY_H
#define STORM_PLAY_H

#include "nvme/ctrl.h"
#include "nvme/facts.h"
#include "spec/claim.h"
#include "storm/script.h"

#define PLAY_AREAS 8u /* namespaces that are followed */
#define PLAY_TEXT  640

/* Namespaces whose blocks are followed: of the NVM command set, without metadata, and ours. */
struct play_stage {
	struct ctrl *c;
	const struct facts *facts;
	struct spec_ctrl claims;
	unsigned queues; /* I/O queue pairs, at most SCRIPT_QUEUES_MAX */
	struct {
		const struct facts_ns *ns;
		uint64_t first; /* LBAs first..first + blocks - 1, and the last `blocks` ones */
		uint32_t blocks;
	} area[PLAY_AREAS];
	unsigned areas;
};

/*
 * Looks at the controller and lays out the areas. others: namespaces besides the scratch one may
 * be written to. -ENOTSUP: no namespace has room for one.
 */
int play_stage(struct ctrl *c, const struct facts *f, bool others, struct play_stage *ret);

/* What was wrong, in classes that a shrunk script must stay in. */
enum play_class {
	PLAY_GOOD,
	PLAY_STATUS, /* a status that the command may not end in */
	PLAY_DATA,   /* a block holds what nobody wrote there */
	PLAY_CANARY, /* memory of others was written */
	PLAY_AUDIT,  /* a CQE that may not be */
	PLAY_SILENT, /* a command without completion, a controller without life */
};

const char *play_class_name(enum play_class c);

#define PLAY_FINDINGS 8u
#define PLAY_KEY      96

/* One thing that went wrong. Two of the same key are the same thing. */
struct play_finding {
	enum play_class class;
	uint32_t number;    /* of the step, SCRIPT_NOBODY: of none */
	size_t index;	    /* its place in the script; how far it came, of none */
	char key[PLAY_KEY]; /* "status Read 000h range": class, command, what tells it from others
			     */
	char text[PLAY_TEXT];
};

struct play_result {
	struct play_finding finding[PLAY_FINDINGS];
	unsigned findings;
	bool stopped; /* before its end: after what went wrong nothing can be said of the rest */
	uint64_t commands, succeeded, refused, excused, events;
	uint64_t oracle_ns, total_ns; /* of this machine's time */
	char why_not[PLAY_TEXT];      /* with -ENOTSUP */
};

/* The finding of that key, NULL: there is none. */
const struct play_finding *play_found(const struct play_result *r, const char *key);

/*
 * Plays it from a Controller Reset on. A status that may not be is noted and the play goes on;
 * anything else that is wrong ends it. 0, or -errno of the rig: -ENOMEM; -ENOTSUP, when the script
 * uses more queues than there are, with the sentence in ret->why_not.
 */
int play(const struct play_stage *st, const struct script *s, struct play_result *ret);

#endif
