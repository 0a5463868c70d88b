// SPDX-License-Identifier: GPL-2.0-or-later
/* A run's directory seen before it is opened. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "rig/session.h"

struct json_object *session_saved_options(const char *dir, char *ret_error)
{
	char path[PATH_MAX];
	struct json_object *run = NULL, *options = NULL;

	if (snprintf(path, sizeof(path), "%s/run.json", dir) < (int)sizeof(path))
		run = json_object_from_file(path);
	if (run && json_object_object_get_ex(run, "options", &options) &&
	    json_object_is_type(options, json_type_object))
		json_object_get(options);
	else
		options = NULL;
	json_object_put(run);
	if (!options)
		snprintf(ret_error, 512, "%.300s: no run.json of a run; name its directory", dir);
	return options;
}
