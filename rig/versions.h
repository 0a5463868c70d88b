/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this program is made of. */
#ifndef RIG_VERSIONS_H
#define RIG_VERSIONS_H

#include <json-c/json.h>

/*
 * The commit the program and its suites were built from, 40 hex digits, "-dirty" after it when
 * files under git differed; "unknown" without git.
 */
const char *versions_revision(void);

/* New object: library -> version; of those that tell it at run time, the one that is loaded. */
struct json_object *versions_libraries(void);

#endif
