// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of the drive under test. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rig/profile.h"
#include "rig/session.h"

static void padded(char *to, const char *from, size_t n)
{
	memcpy(to, from, n);
	to[n] = 0;
}

static const char *engine_of(const struct session *s)
{
	return s->bench.engine ? s->bench.engine : s->facts->caps.engine;
}

int session_load_profile(struct session *s, char *ret_error)
{
	char model[sizeof(s->facts->id.mn) + 1], firmware[sizeof(s->facts->id.fr) + 1];

	if (!s->facts->alive)
		return 0;
	padded(model, s->facts->id.mn, sizeof(s->facts->id.mn));
	padded(firmware, s->facts->id.fr, sizeof(s->facts->id.fr));
	return profile_load(NULL, model, firmware, NULL, &s->profile, ret_error);
}

const char *session_known(void *ctx, const char *case_name, const char *what)
{
	struct session *s = ctx;
	char firmware[sizeof(s->facts->id.fr) + 1];
	const struct profile_known *known;

	padded(firmware, s->facts->id.fr, sizeof(s->facts->id.fr));
	known = s->profile ? profile_known(s->profile, case_name, firmware, engine_of(s), what)
			   : NULL;
	if (!known)
		return NULL;
	if (known->ref && *known->ref)
		snprintf(s->known_text, sizeof(s->known_text), "%.400s [%.100s]", known->reason,
			 known->ref);
	else
		snprintf(s->known_text, sizeof(s->known_text), "%.500s", known->reason);
	return s->known_text;
}

int session_check_profiles(char *ret_error)
{
	struct profile *p = NULL;
	int err = profile_load(NULL, "", "", NULL, &p, ret_error);

	profile_free(p);
	return err == -EEXIST ? 0 : err;
}
