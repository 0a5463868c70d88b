/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that are kept when they have booted and restored the next time: of the same kernel, image,
 * QEMU and command line, named by a hash of all that, in the cache. Such a guest has no job in its
 * image; it gets it over the port, booted or restored, when its drive is in its slot.
 */
#ifndef STACK_GUEST_SNAP_H
#define STACK_GUEST_SNAP_H

#include <json-c/json.h>
#include <stdbool.h>

#include "stack/stack.h"

#define GUEST_SNAP_MAX	 8	      /* states in the cache; the oldest go */
#define GUEST_SNAP_BYTES (1ull << 30) /* of them all */
#define GUEST_SNAP_ENV	 "NVRIG_SNAPSHOT" /* "no": never */

struct guest;
struct guest_job;
struct guest_snap;

/*
 * Why a guest of that configuration is not kept, for that job: NULL: it may be; "": nobody asked for
 * it. Under KVM a boot takes a second, and a state may want the very processor.
 */
const char *guest_snap_lacks(const struct stack_config *cfg, const struct guest_job *job,
			     const char *accel);
struct guest_snap *guest_snap_new(void);
void guest_snap_free(struct guest_snap *s);
/* What is told to the guest in the end. 0 or -ENOMEM. */
int guest_snap_take_job(struct guest_snap *s, struct json_object *job);
/* Starts QEMU: a state that is restored, where there is one. 0 or -errno with error. */
int guest_snap_start(struct guest *g, char *error);
/* As of a part: kept, not kept, restored, broken. */
void guest_snap_say(struct guest *g, const char *state, const char *text);
bool guest_snap_boots(const struct guest_snap *s); /* it is neither restored nor up */
bool guest_snap_told(const struct guest_snap *s); /* it has its job */
/* What is next; ended: QEMU has. True: the guest was begun anew, without its state. */
bool guest_snap_step(struct guest *g, bool ended);

#endif
