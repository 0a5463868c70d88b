/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the player: commands in flight, their data, and what they do to the blocks that are
 * followed. */
#ifndef STORM_FLIGHT_H
#define STORM_FLIGHT_H

#include "nvme/prp.h"
#include "spec/oracle.h"
#include "storm/blocks.h"
#include "storm/play.h"

#define FLIGHTS	      96u
#define FLIGHT_BYTES  (128u << 10) /* more data than that go to the sandbox */
#define SANDBOX_PAGES 8u
#define DSM_RANGES    256u

/* A followed part of a namespace. */
struct region {
	const struct facts_ns *ns;
	struct blocks *blocks;
};

struct flight {
	bool used, victim; /* an Abort aimed at it */
	const struct script_step *step;
	size_t index;
	struct sqe sqe; /* as it was put */
	uint16_t qid, cid;
	struct buf *buf;
	struct prp_list *list;
	uint64_t *pages; /* of POINTER_LIST */
	uint8_t *given;	 /* the data of one that gives some, in one piece */
	size_t len;	 /* of the data; they lie at buf->data + offset but for POINTER_LIST */
	struct oracle_ask ask;
	struct oracle_ticket ticket;
	uint64_t since, id, deadline_ns;
	bool alone, changes; /* begun on the blocks, to be ended */
	bool atomic;
};

struct player {
	const struct play_stage *st;
	const struct script *script;
	struct play_result *r;
	struct ctrl *c;
	struct sq *sq[SCRIPT_QUEUES_MAX + 1]; /* NULL while it is not up */
	struct flight flight[FLIGHTS];
	unsigned in_flight; /* event requests apart */
	struct oracle_state oracle;
	bool wants_atomic; /* nobody has said that AWUN need not hold */
	struct region region[2 * PLAY_AREAS];
	unsigned regions;
	struct buf *sandbox;
	size_t index;	  /* of the step under way */
	uint8_t *scratch; /* FLIGHT_BYTES */
	uint64_t now;	  /* counts what happens */
	uint64_t last_id;
	uint16_t last_cid[SCRIPT_QUEUES_MAX + 1];
};

/* What went wrong with one of them, NULL: with none. tag: what tells it from others of its class.
 */
__attribute__((format(printf, 5, 6))) void player_wrong(struct player *p, const struct flight *f,
							enum play_class class, const char *tag,
							const char *fmt, ...);
static inline bool player_stopped(const struct player *p)
{
	return p->r->stopped;
}

/* ---- data.c: what a command carries, and where ---- */

/* Do its data, or whatever it takes for them, lie in the sandbox? */
bool data_in_sandbox(const struct player *p, const struct script_step *s);
/* Lays out the data and the data pointer of a command about to be put. 0 or -ENOMEM. */
int data_lay(struct player *p, struct flight *f);
/* What came back, in one piece: of POINTER_LIST in p->scratch. */
const uint8_t *data_got(struct player *p, const struct flight *f);
/* Are the canaries as they were? */
bool data_intact(const struct player *p, const struct flight *f);
void data_free(struct player *p, struct flight *f);

/* ---- effect.c: what it does to the blocks ---- */

/* Must nothing else be in flight with it? */
bool effect_is_alone(const struct player *p, const struct script_step *s);
/* Does it say whether AWUN need hold (Write Atomicity Normal)? */
bool effect_sets_atomicity(const struct script_step *s);
void effect_begin(struct player *p, struct flight *f);
/* It completed: the blocks are as its end says, and what it brought is looked at. */
void effect_end(struct player *p, struct flight *f, uint16_t status, bool refused);
/* It was cut off. */
void effect_cut(struct player *p, struct flight *f);
/* Statuses that the blocks make legal or not, beside the oracle: true, and the sentence. */
bool effect_forbids(struct player *p, const struct flight *f, uint16_t status, char *why,
		    size_t len);
/* The namespace of the command, when it is followed; *ret_range when it has one. */
const struct facts_ns *effect_ns(const struct player *p, const struct sqe *e);

#endif
