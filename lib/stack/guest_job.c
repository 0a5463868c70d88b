// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest_job.h"

#include "event/event.h"

static struct json_object *words(const char *const *w)
{
	struct json_object *list = json_object_new_array();

	for (; w && *w; w++)
		json_object_array_add(list, json_object_new_string(*w));
	return list;
}

static struct json_object *parts(const struct stack_config *cfg)
{
	struct json_object *list = json_object_new_array();

	for (unsigned i = 0; i < cfg->n_parts; i++) {
		const struct stack_part *p = &cfg->part[i];
		struct json_object *o = json_object_new_object();

		event_str(o, "name", p->name);
		event_str(o, "up", p->up);
		event_str(o, "life", p->life);
		event_u64(o, "size", p->size);
		event_u64(o, "within_ms", p->within_ms);
		event_str(o, "down", p->down);
		event_str(o, "below", *p->below ? p->below : NULL);
		event_str(o, "node", *p->node ? p->node : NULL);
		json_object_array_add(list, o);
	}
	return list;
}

/* What the run in it can know of the place where its bytes come to rest. */
static struct json_object *environment(const struct stack_back *b)
{
	struct json_object *o = json_object_new_object();

	if (*b->store) {
		event_str(o, "NVRIG_STORE", b->store);
		event_str(o, "NVRIG_KEEPS", b->keeps_data ? "1" : "0");
	}
	if (b->bad_bytes)
		event_strf(o, "NVRIG_BAD", "%llu %llu", (unsigned long long)b->bad_at,
			   (unsigned long long)b->bad_bytes);
	if (*b->node) {
		event_str(o, "NVRIG_BACK", b->node);
		event_str(o, "NVRIG_BASE", b->base);
	}
	return o;
}

struct json_object *guest_job_object(const struct stack_config *cfg, const struct guest_job *job)
{
	struct json_object *o = event_new("job");

	if (job->argv)
		json_object_object_add(o, "argv", words(job->argv));
	event_bool(o, "events", job->events);
	event_bool(o, "hold", job->behind != NULL);
	event_bool(o, "ask", cfg->hotplug);
	event_str(o, "collect", job->collect);
	event_u64(o, "rows", job->rows);
	event_u64(o, "columns", job->columns);
	event_str(o, "term", job->term);
	json_object_object_add(o, "environment", environment(&cfg->back));
	json_object_object_add(o, "parts", parts(cfg));
	return o;
}
