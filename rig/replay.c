// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"

#define NEVER UINT64_MAX /* a place that no event read so far has */

static const char *case_key(const struct json_object *e, char *buf, size_t len)
{
	snprintf(buf, len, "%s#%llu", event_get_str(e, "case"),
		 (unsigned long long)event_get_u64(e, "attempt"));
	return buf;
}

int replay_init(struct replay *r)
{
	*r = (struct replay){ .last = json_object_new_object(),
			      .open = json_object_new_object(),
			      .again = json_object_new_object() };
	return r->last && r->open && r->again ? 0 : -ENOMEM;
}

void replay_free(struct replay *r)
{
	json_object_put(r->last);
	json_object_put(r->open);
	json_object_put(r->again);
	*r = (struct replay){ 0 };
}

static void note_end(struct replay *r, const char *key, const struct json_object *e)
{
	json_object_object_del(r->open, key);
	if (!strcmp(event_get_str(e, "verdict"), "NOTRUN"))
		json_object_object_add(r->again, key, NULL);
	else
		json_object_object_del(r->again, key);
}

void replay_note(struct replay *r, const struct json_object *e)
{
	const char *type = event_type(e);
	bool begin = !strcmp(type, "case_begin"), end = !strcmp(type, "case_end");
	uint64_t place = r->place++;
	char key[512];

	if (!strcmp(type, "run_end"))
		r->last_run_end = place;
	if (!begin && !end)
		return;
	case_key(e, key, sizeof(key));
	if (begin || !json_object_object_get_ex(r->open, key, NULL))
		json_object_object_add(r->last, key, json_object_new_uint64(place));
	if (begin) {
		json_object_object_add(r->open, key, NULL);
		json_object_object_del(r->again, key);
	} else {
		note_end(r, key, e);
	}
}

void replay_go_on(struct replay *r)
{
	r->last_run_end = NEVER;
	json_object_object_foreach (r->again, key, none) {
		(void)none;
		json_object_object_add(r->last, key, json_object_new_uint64(NEVER));
	}
}

bool replay_holds(struct replay *r, const struct json_object *e)
{
	const char *type = event_type(e);
	uint64_t place = r->asked++;
	struct json_object *v;
	char key[512];

	if (!strcmp(type, "run_end"))
		return place >= r->last_run_end;
	if (!*event_get_str(e, "case") || !strcmp(type, "plan"))
		return true;
	return !json_object_object_get_ex(r->last, case_key(e, key, sizeof(key)), &v) ||
	       place >= json_object_get_uint64(v);
}
