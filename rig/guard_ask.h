/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guards ask an NVMe drive itself, through its own node: commands that change nothing
 * (Identify, Get Log Page), by Linux's passthrough. Bytes that come back are hostile.
 */
#ifndef RIG_GUARD_ASK_H
#define RIG_GUARD_ASK_H

#include "rig/guard_drive.h"

struct guard_answer {
	char serial[21], model[41]; /* trimmed */
	unsigned warning_kelvin;    /* WCTEMP; 0: it tells none */
	bool self_test, sanitize;   /* it has them */
};

struct guard_health {
	uint8_t warning; /* Critical Warning */
	unsigned kelvin;
	uint64_t written_bytes;	  /* Data Units Written */
	bool self_test, sanitize; /* one is running */
};

/* 0, or -errno with the sentence (GUARD_ERROR bytes): whom, and what would help. */
int guard_ask_identify(const struct guard_drive *d, struct guard_answer *ret, char *error);
/* Identify, 4096 bytes; Get Features, the current value. 0 or -errno. */
int guard_ask_identify_page(const struct guard_drive *d, uint8_t cns, uint32_t nsid, void *page);
int guard_ask_feature(const struct guard_drive *d, uint8_t fid, uint32_t *ret);
/* The one command here that changes something: Set Features, not saved over power. 0 or -errno. */
int guard_set_feature(const struct guard_drive *d, uint8_t fid, uint32_t value);
int guard_ask_health(const struct guard_drive *d, struct guard_health *ret, char *error);

#endif
