// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/sink.h"

#include <errno.h>

int sink_event(struct sink *s, struct json_object *e)
{
	struct json_object *stamped = NULL;
	int err = e ? journal_append(s->journal, e, &stamped) : -ENOMEM;

	if (!err && s->tell)
		s->tell(s->ctx, stamped);
	json_object_put(stamped);
	json_object_put(e);
	return err;
}

int sink_event_sync(struct sink *s, struct json_object *e)
{
	int err = sink_event(s, e);

	return err ? err : journal_sync(s->journal);
}
