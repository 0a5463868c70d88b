/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which records of a journal hold. After a resume a case may end a second time: its last record
 * stands, what it told before that is left out, and so are all run_ends but the last. A record is
 * a beginning up to its end, or an end alone. Two readings: note every event, then ask of every
 * event in the same order.
 */
#ifndef RIG_REPLAY_H
#define RIG_REPLAY_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

struct replay {
	struct json_object *last;  /* case and attempt -> place where its last record starts */
	struct json_object *open;  /* those begun and not ended */
	struct json_object *again; /* those whose last end is NOTRUN */
	uint64_t place, asked, last_run_end;
};

/* 0 or -ENOMEM; freed by replay_free either way. */
int replay_init(struct replay *r);
void replay_free(struct replay *r);

void replay_note(struct replay *r, const struct json_object *e);
/* The run goes on: what ended NOTRUN will end again, and there will be another run_end. */
void replay_go_on(struct replay *r);
bool replay_holds(struct replay *r, const struct json_object *e);

#endif
