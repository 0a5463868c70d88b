/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Doorbells that the client stores itself: memory that both see lies over BAR 0 where the doorbell
 * registers are, and the server looks at it. Source: vfio-user protocol,
 * VFIO_USER_DEVICE_GET_REGION_INFO (sparse mmap capability).
 *
 * A doorbell is one, whichever way it is rung: what is rung by message, or becomes 0 with its
 * queue, is put into the memory too, unless the client has stored there since. A store of the value
 * that is there already is not seen.
 */
#ifndef SERVE_DOORBELLS_H
#define SERVE_DOORBELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "vfio_user/proto.h"

struct model;

struct doorbells {
	int fd;		      /* the memory, from the beginning of BAR 0 on; -1: not mapped */
	struct vu_area area; /* of BAR 0, whole pages */
	uint8_t *va;	     /* of the area */
	unsigned n;	     /* doorbells */
	uint32_t *seen;	     /* what was last found in, or put into, the memory */
	uint32_t *taken;     /* what the model last had */
	uint64_t rang_ns;    /* when one was last found rung, CLOCK_MONOTONIC */
};

/* 0, or -errno and nothing is mapped. */
int doorbells_open(struct doorbells *b, struct model *m);
void doorbells_close(struct doorbells *b);

/* Tells the model what the client has stored, and the memory what the model has. */
void doorbells_look(struct doorbells *b, struct model *m);

/* Nanoseconds that the next look may wait, of `most`. */
uint64_t doorbells_pause(const struct doorbells *b, uint64_t most);

/* Is that offset of BAR 0 a doorbell that is mapped? */
bool doorbells_own(const struct doorbells *b, uint64_t off);

#endif
