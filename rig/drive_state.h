/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How an NVMe drive is set, as far as a run may leave it otherwise: features, the formats and sizes
 * of its namespaces, the schedulers of its disks. Taken before the first case, compared after each
 * case that harms and at the end, and put back.
 */
#ifndef RIG_DRIVE_STATE_H
#define RIG_DRIVE_STATE_H

#include <json-c/json.h>
#include <stdbool.h>

#include "rig/guard_drive.h"

#define STATE_FEATURES 16
#define STATE_NS       64
#define STATE_TEXT     200

struct drive_ns {
	uint32_t nsid, format; /* as Format NVM has it in Dword 10 */
	uint64_t nsze;
	uint8_t ids[24]; /* NGUID and EUI64; 0: it has none */
};

struct drive_state {
	char serial[GUARD_NAME], model[GUARD_NAME]; /* as it answers Identify */
	struct {
		uint8_t fid;
		bool known;
		uint32_t value;
	} feature[STATE_FEATURES];
	unsigned n_features;
	struct drive_ns ns[STATE_NS];
	unsigned n_ns;
	struct {
		char name[GUARD_NAME], scheduler[32];
	} disk[STATE_NS];
	unsigned n_disks;
};

/* Asks it. 0 or -errno. Touches the device: in a child. */
int state_take(const struct guard_drive *d, struct drive_state *ret);

/* Are they of one drive? Nothing of another's is compared, or put back. */
bool state_is_of(const struct drive_state *a, const struct drive_state *b);

/* The i-th difference in words, "feature 06h is 0h, and was 1h"; false past the last. */
bool state_differs(const struct drive_state *was, const struct drive_state *is, unsigned i,
		   char text[STATE_TEXT]);

/* Puts back features and schedulers; of namespaces: drive_layout.h. */
void state_put_back(const struct guard_drive *d, const struct drive_state *was,
		    const struct drive_state *is);

/* For the run's directory. NULL: out of memory. load: false, it is none. */
struct json_object *state_save(const struct drive_state *s);
bool state_load(struct json_object *o, struct drive_state *ret);

#endif
