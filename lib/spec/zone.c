// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/zone.h"

#include <stddef.h>

#include "base/cleanup.h"

static const struct zone_rule rules[] = { ZONE_RULES(ZONE_RULE) ZONE_RULES_FOREVER(ZONE_RULE) };

const struct zone_rule *zone_rule(enum zone_state state, enum zone_action action)
{
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
		if (rules[i].state == state && rules[i].action == action)
			return &rules[i];
	return NULL;
}

const char *zone_state_name(unsigned state)
{
	switch (state) {
#define NAME(constant, value, name)                                                                \
	case value:                                                                                \
		return name;
		ZONE_STATES(NAME)
#undef NAME
	default:
		return "reserved";
	}
}

bool zone_state_is_open(unsigned state)
{
	return state == ZONE_IMPLICIT || state == ZONE_EXPLICIT;
}

bool zone_state_is_active(unsigned state)
{
	return zone_state_is_open(state) || state == ZONE_CLOSED;
}

bool zone_state_has_wp(unsigned state)
{
	return zone_state_is_active(state) || state == ZONE_EMPTY;
}

/* ZNS CS 1.1 Zone Send Actions, each where it speaks of Select All. */
bool zone_action_takes_all(enum zone_action action, unsigned state)
{
	switch (action) {
	case ZONE_DO_CLOSE:
		return zone_state_is_open(state);
	case ZONE_DO_FINISH:
		return zone_state_is_active(state);
	case ZONE_DO_OPEN:
		return state == ZONE_CLOSED;
	case ZONE_DO_RESET:
		return zone_state_is_active(state) || state == ZONE_FULL;
	case ZONE_DO_OFFLINE:
		return state == ZONE_READ_ONLY;
	default:
		return false;
	}
}
