/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where events go: the journal first, then whoever wants to be told. */
#ifndef RIG_SINK_H
#define RIG_SINK_H

#include <json-c/json.h>

#include "rig/journal.h"

struct sink {
	struct journal *journal;
	void (*tell)(void *ctx, const struct json_object *e); /* NULL: nobody */
	void *ctx;
};

/*
 * Journals the event and tells it as it was journalled; what could not be journalled is told to
 * nobody, so that reports agree with the journal. Takes the event (NULL: out of memory). 0 or
 * -errno.
 */
int sink_event(struct sink *s, struct json_object *e);

/* The same, and on the disk when it returns 0. */
int sink_event_sync(struct sink *s, struct json_object *e);

#endif
