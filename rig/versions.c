// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/versions.h"

#include <confuse.h>
#include <gnu/libc-version.h>
#include <openssl/crypto.h>

#include "event/event.h"
#include "revision.h" /* made by cmake/revision.cmake with every build */

const char *versions_revision(void)
{
	return NVRIG_REVISION;
}

struct json_object *versions_libraries(void)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "glibc", gnu_get_libc_version());
	event_str(o, "json-c", json_c_version());
	event_str(o, "libconfuse", confuse_version);
	event_str(o, "libcrypto", OpenSSL_version(OPENSSL_VERSION_STRING));
	/* only lib/case and lib/spec may include these two */
	event_str(o, "cunit", NVRIG_CUNIT_VERSION);
	event_str(o, "libnvme", NVRIG_LIBNVME_VERSION);
	return o;
}
