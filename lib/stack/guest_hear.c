// SPDX-License-Identifier: GPL-2.0-or-later
/* What the agent in a guest says over its port: lines of protocol.h, or noise. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "event/event.h"
#include "stack/guest_internal.h"
#include "stack/protocol.h"

#define NAME_BYTES 240
#define NAME_DEPTH 4

bool guest_file_name(const char *name)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	unsigned depth = 0;

	if (!*name || strlen(name) > NAME_BYTES)
		return false;
	for (;;) {
		size_t n = strspn(name, good);

		if (!n || *name == '.' || ++depth > NAME_DEPTH || (name[n] && name[n] != '/'))
			return false;
		if (!name[n])
			return true;
		name += n + 1;
	}
}

static void junk(struct guest *g, size_t n)
{
	g->junk += n;
	if (g->ops.junk)
		g->ops.junk(g->ops.ctx, n);
}

/* The bytes of a line's "hex"; false: none. */
static bool decode(const struct json_object *e, char *to, size_t size, size_t *ret_n)
{
	const char *hex = event_get_str(e, "hex");
	int64_t n = strlen(hex) / 2 <= size ? hex_to(hex, to) : -1;

	*ret_n = n < 0 ? 0 : (size_t)n;
	return n >= 0;
}

static bool take_output(struct guest *g, const struct json_object *e)
{
	char data[PROTOCOL_CHUNK];
	size_t n;

	if (!decode(e, data, sizeof(data), &n))
		return false;
	if (g->ops.output)
		g->ops.output(g->ops.ctx, event_get_u64(e, "stream") == 2 ? 2 : 1, data, n);
	return true;
}

static bool take_file(struct guest *g, const struct json_object *e)
{
	const char *name = event_get_str(e, "name");
	char data[PROTOCOL_CHUNK];
	size_t n;

	if (!guest_file_name(name) || !decode(e, data, sizeof(data), &n))
		return false;
	g->file_bytes += n;
	if (g->file_bytes <= PROTOCOL_FILES_MAX && g->ops.file)
		g->ops.file(g->ops.ctx, name, data, n);
	return true;
}

static bool take_part(struct guest *g, const struct json_object *e)
{
	if (g->ops.part)
		g->ops.part(g->ops.ctx, event_get_str(e, "name"), event_get_str(e, "state"),
			    event_get_str(e, "text"));
	return true;
}

static bool take_ready(struct guest *g, const struct json_object *e)
{
	if (g->snap && !guest_snap_told(g->snap))
		return true; /* to be kept, or given its job */
	if (!g->ready && g->ops.up)
		g->ops.up(g->ops.ctx, event_get_str(e, "kernel"));
	g->ready = true;
	return true;
}

static bool take_exit(struct guest *g, const struct json_object *e)
{
	g->status = (int)(event_get_u64(e, "status") & 0xff);
	return true;
}

static bool take_failed(struct guest *g, const struct json_object *e)
{
	if (!g->failed)
		snprintf(g->reason, sizeof(g->reason), "%.500s", event_get_str(e, "text"));
	g->failed = true;
	return true;
}

static bool take_done(struct guest *g, const struct json_object *e)
{
	(void)e;
	g->done = true;
	return true;
}

static bool take_up(struct guest *g, const struct json_object *e)
{
	(void)e;
	g->parts_up = true;
	return true;
}

static bool take_alive(struct guest *g, const struct json_object *e)
{
	(void)g;
	(void)e;
	return true;
}

static const struct {
	const char *type;
	bool (*take)(struct guest *g, const struct json_object *e);
} agent_lines[] = {
	{ "agent.up", take_up },
	{ "agent.alive", take_alive }, { "agent.ready", take_ready },	{ "agent.part", take_part },
	{ "agent.out", take_output },  { "agent.file", take_file },	{ "agent.exit", take_exit },
	{ "agent.done", take_done },   { "agent.failed", take_failed },
};

/* Did the line mean anything? */
static bool take_line(struct guest *g, struct json_object *e)
{
	const char *type = event_type(e);

	if (strncmp(type, "agent.", 6)) {
		if (g->ops.event)
			g->ops.event(g->ops.ctx, e);
		return g->ops.event != NULL;
	}
	for (size_t i = 0; i < sizeof(agent_lines) / sizeof(*agent_lines); i++)
		if (!strcmp(type, agent_lines[i].type)) {
			g->heard_ns = clock_mono_ns();
			g->alive = true;
			return agent_lines[i].take(g, e);
		}
	return false;
}

static void end_line(struct guest *g)
{
	struct json_object *e = g->skipping ? NULL : event_decode(g->line, g->len);

	if (!e || !take_line(g, e))
		junk(g, g->len + 1);
	json_object_put(e);
	g->skipping = false;
	g->len = 0;
}

void guest_hear(struct guest *g, const char *data, size_t n)
{
	while (n) {
		const char *end = memchr(data, '\n', n);
		size_t part = end ? (size_t)(end - data) : n;

		if (g->len + part > EVENT_LINE_MAX) {
			g->skipping = true;
			junk(g, g->len);
			g->len = 0;
		}
		if (g->skipping)
			junk(g, part);
		else
			memcpy(g->line + g->len, data, part);
		g->len += g->skipping ? 0 : part;
		if (end)
			end_line(g);
		part += end ? 1 : 0;
		data += part;
		n -= part;
	}
}
