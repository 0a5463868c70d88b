/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zone state machine as data: what each action does to a zone in each state. The model is not
 * made of this table, so an error in one of the two shows.
 *
 * Source: ZNS CS 1.1 Zone State Machine, Zone Send Actions, Writing in Sequential Write Required
 * Zones.
 */
#ifndef SPEC_ZONE_H
#define SPEC_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/status.h"
#include "spec/wire.h"

/* X(constant, value of Zone State, "name") */
#define ZONE_STATES(X)                                                                             \
	X(EMPTY, 0x1, "empty")                                                                     \
	X(IMPLICIT, 0x2, "implicitly-opened")                                                      \
	X(EXPLICIT, 0x3, "explicitly-opened")                                                      \
	X(CLOSED, 0x4, "closed")                                                                   \
	X(READ_ONLY, 0xd, "read-only")                                                             \
	X(FULL, 0xe, "full")                                                                       \
	X(OFFLINE, 0xf, "offline")

enum zone_state {
#define ZONE_ENUM(constant, value, name) ZONE_##constant = value,
	ZONE_STATES(ZONE_ENUM)
#undef ZONE_ENUM
};

/* Zone Send Actions by their value; what is no such action has values past them. */
enum zone_action {
	ZONE_DO_CLOSE = 0x01,
	ZONE_DO_FINISH = 0x02,
	ZONE_DO_OPEN = 0x03,
	ZONE_DO_RESET = 0x04,
	ZONE_DO_OFFLINE = 0x05,
	ZONE_DO_EXTEND = 0x10, /* Set Zone Descriptor Extension */
	ZONE_DO_WRITE = 0x100, /* blocks at the write pointer, fewer than the zone has left */
	ZONE_DO_FILL,	       /* as many blocks as the zone has left */
	ZONE_DO_APPEND,	       /* fewer than the zone has left */
};

/*
 * X(state, action, "name", status, next state, how sure)
 *
 * MUST: so it is. SHOULD: the next state is what should be; staying is no error. An error leaves
 * the state as it was. The names are those of rows of cases, and never change.
 */
#define ZONE_RULES(X)                                                                              \
	X(EMPTY, CLOSE, "empty-close", ZONE_TRANSITION, EMPTY, MUST)                               \
	X(EMPTY, FINISH, "empty-finish", SUCCESS, FULL, MUST)                                      \
	X(EMPTY, OPEN, "empty-open", SUCCESS, EXPLICIT, SHOULD)                                    \
	X(EMPTY, RESET, "empty-reset", SUCCESS, EMPTY, MUST)                                       \
	X(EMPTY, OFFLINE, "empty-offline", ZONE_TRANSITION, EMPTY, MUST)                           \
	X(EMPTY, EXTEND, "empty-extend", SUCCESS, CLOSED, MUST)                                    \
	X(EMPTY, WRITE, "empty-write", SUCCESS, IMPLICIT, MUST)                                    \
	X(EMPTY, FILL, "empty-fill", SUCCESS, FULL, MUST)                                          \
	X(EMPTY, APPEND, "empty-append", SUCCESS, IMPLICIT, MUST)                                  \
	X(IMPLICIT, CLOSE, "implicitly-opened-close", SUCCESS, CLOSED, MUST)                       \
	X(IMPLICIT, FINISH, "implicitly-opened-finish", SUCCESS, FULL, MUST)                       \
	X(IMPLICIT, OPEN, "implicitly-opened-open", SUCCESS, EXPLICIT, SHOULD)                     \
	X(IMPLICIT, RESET, "implicitly-opened-reset", SUCCESS, EMPTY, MUST)                        \
	X(IMPLICIT, OFFLINE, "implicitly-opened-offline", ZONE_TRANSITION, IMPLICIT, MUST)         \
	X(IMPLICIT, EXTEND, "implicitly-opened-extend", ZONE_TRANSITION, IMPLICIT, MUST)           \
	X(IMPLICIT, WRITE, "implicitly-opened-write", SUCCESS, IMPLICIT, MUST)                     \
	X(IMPLICIT, FILL, "implicitly-opened-fill", SUCCESS, FULL, MUST)                           \
	X(IMPLICIT, APPEND, "implicitly-opened-append", SUCCESS, IMPLICIT, MUST)                   \
	X(EXPLICIT, CLOSE, "explicitly-opened-close", SUCCESS, CLOSED, MUST)                       \
	X(EXPLICIT, FINISH, "explicitly-opened-finish", SUCCESS, FULL, MUST)                       \
	X(EXPLICIT, OPEN, "explicitly-opened-open", SUCCESS, EXPLICIT, MUST)                       \
	X(EXPLICIT, RESET, "explicitly-opened-reset", SUCCESS, EMPTY, MUST)                        \
	X(EXPLICIT, OFFLINE, "explicitly-opened-offline", ZONE_TRANSITION, EXPLICIT, MUST)         \
	X(EXPLICIT, EXTEND, "explicitly-opened-extend", ZONE_TRANSITION, EXPLICIT, MUST)           \
	X(EXPLICIT, WRITE, "explicitly-opened-write", SUCCESS, EXPLICIT, MUST)                     \
	X(EXPLICIT, FILL, "explicitly-opened-fill", SUCCESS, FULL, MUST)                           \
	X(EXPLICIT, APPEND, "explicitly-opened-append", SUCCESS, EXPLICIT, MUST)                   \
	X(CLOSED, CLOSE, "closed-close", SUCCESS, CLOSED, MUST)                                    \
	X(CLOSED, FINISH, "closed-finish", SUCCESS, FULL, MUST)                                    \
	X(CLOSED, OPEN, "closed-open", SUCCESS, EXPLICIT, SHOULD)                                  \
	X(CLOSED, RESET, "closed-reset", SUCCESS, EMPTY, MUST)                                     \
	X(CLOSED, OFFLINE, "closed-offline", ZONE_TRANSITION, CLOSED, MUST)                        \
	X(CLOSED, EXTEND, "closed-extend", ZONE_TRANSITION, CLOSED, MUST)                          \
	X(CLOSED, WRITE, "closed-write", SUCCESS, IMPLICIT, MUST)                                  \
	X(CLOSED, FILL, "closed-fill", SUCCESS, FULL, MUST)                                        \
	X(CLOSED, APPEND, "closed-append", SUCCESS, IMPLICIT, MUST)                                \
	X(FULL, CLOSE, "full-close", ZONE_TRANSITION, FULL, MUST)                                  \
	X(FULL, FINISH, "full-finish", SUCCESS, FULL, MUST)                                        \
	X(FULL, OPEN, "full-open", ZONE_TRANSITION, FULL, MUST)                                    \
	X(FULL, RESET, "full-reset", SUCCESS, EMPTY, MUST)                                         \
	X(FULL, OFFLINE, "full-offline", ZONE_TRANSITION, FULL, MUST)                              \
	X(FULL, EXTEND, "full-extend", ZONE_TRANSITION, FULL, MUST)                                \
	X(FULL, WRITE, "full-write", ZONE_FULL, FULL, MUST)                                        \
	X(FULL, APPEND, "full-append", ZONE_FULL, FULL, MUST)                                      \
	X(READ_ONLY, CLOSE, "read-only-close", ZONE_TRANSITION, READ_ONLY, MUST)                   \
	X(READ_ONLY, FINISH, "read-only-finish", ZONE_TRANSITION, READ_ONLY, MUST)                 \
	X(READ_ONLY, OPEN, "read-only-open", ZONE_TRANSITION, READ_ONLY, MUST)                     \
	X(READ_ONLY, RESET, "read-only-reset", ZONE_TRANSITION, READ_ONLY, MUST)                   \
	X(READ_ONLY, EXTEND, "read-only-extend", ZONE_TRANSITION, READ_ONLY, MUST)                 \
	X(READ_ONLY, WRITE, "read-only-write", ZONE_READ_ONLY, READ_ONLY, MUST)                    \
	X(READ_ONLY, APPEND, "read-only-append", ZONE_READ_ONLY, READ_ONLY, MUST)                  \
	X(OFFLINE, CLOSE, "offline-close", ZONE_TRANSITION, OFFLINE, MUST)                         \
	X(OFFLINE, FINISH, "offline-finish", ZONE_TRANSITION, OFFLINE, MUST)                       \
	X(OFFLINE, OPEN, "offline-open", ZONE_TRANSITION, OFFLINE, MUST)                           \
	X(OFFLINE, RESET, "offline-reset", ZONE_TRANSITION, OFFLINE, MUST)                         \
	X(OFFLINE, OFFLINE, "offline-offline", SUCCESS, OFFLINE, MUST)                             \
	X(OFFLINE, EXTEND, "offline-extend", ZONE_TRANSITION, OFFLINE, MUST)                       \
	X(OFFLINE, WRITE, "offline-write", ZONE_OFFLINE, OFFLINE, MUST)                            \
	X(OFFLINE, APPEND, "offline-append", ZONE_OFFLINE, OFFLINE, MUST)

/* There is no way back from it. */
#define ZONE_RULES_FOREVER(X) X(READ_ONLY, OFFLINE, "read-only-offline", SUCCESS, OFFLINE, MUST)

struct zone_rule {
	const char *name;
	enum zone_state state;
	enum zone_action action;
	uint16_t status;
	enum zone_state next;
	bool should;
};

enum { ZONE_RULE_MUST, ZONE_RULE_SHOULD }; /* of zone_rule.should */

/* An entry of either list as a struct zone_rule. */
#define ZONE_RULE(state_, action_, name_, status_, next_, level_)                                  \
	{ name_, ZONE_##state_, ZONE_DO_##action_, SC_##status_, ZONE_##next_, ZONE_RULE_##level_ },

/* The rule of a state and an action, of both lists; NULL: there is no such question. */
const struct zone_rule *zone_rule(enum zone_state state, enum zone_action action);

/* "explicitly-opened"; "reserved" for a value that is none. */
const char *zone_state_name(unsigned state);

/* The write pointer says where the next write goes. */
bool zone_state_has_wp(unsigned state);
bool zone_state_is_active(unsigned state); /* takes an Active Resource */
bool zone_state_is_open(unsigned state);   /* takes an Open Resource as well */
/* Select All of the action works on zones of this state. */
bool zone_action_takes_all(enum zone_action action, unsigned state);

#endif
