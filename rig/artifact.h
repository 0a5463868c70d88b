/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that cases made, as files of the run's directory: what the events hold, where a person
 * looks. */
#ifndef RIG_ARTIFACT_H
#define RIG_ARTIFACT_H

#include <json-c/json.h>

/*
 * Writes an `artifact` event to artifacts/CASE.name below the directory; any other event is
 * nothing. 0 or -errno: the event stands in the journal all the same.
 */
int artifact_event(int dir_fd, const struct json_object *e);

#endif
