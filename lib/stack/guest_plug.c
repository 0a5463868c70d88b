// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest_plug.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "stack/protocol.h"
#include "stack/qemu_args.h"
#include "stack/qmp.h"

#define ANSWER_NS (10 * NS_PER_S) /* of the monitor, to one command */
#define ASK_LINE  32		  /* bytes of the longest line that means something, and more */
#define ASK_BYTES 256		  /* heard in one step */

enum doing { NOTHING, REMOVING, ADDING };

struct guest_plug {
	int ask_fd;
	struct qmp *qmp;
	char *add; /* a line of the human monitor */
	char line[ASK_LINE];
	size_t len, junk;
	char tag[PROTOCOL_TAG + 1]; /* of what is under way */
	enum doing doing;
	uint64_t until_ns;
	bool out;
};

/* ---- to the guest ---- */

static void say(struct guest_plug *p, const char *word, const char *more)
{
	char line[PROTOCOL_TAG + QMP_TEXT + 16];
	int n = snprintf(line, sizeof(line), "%s %s%.*s\n", p->tag, word, QMP_TEXT - 1, more);

	p->doing = NOTHING;
	if (p->ask_fd >= 0 && p->tag[0]) /* one who does not read has none */
		(void)!send(p->ask_fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer(struct guest_plug *p, const char *failed)
{
	say(p, failed ? "failed: " : "ok", failed ? failed : "");
}

/* ---- what QEMU says ---- */

static void hear_event(void *ctx, const char *name, struct json_object *data)
{
	struct guest_plug *p = ctx;
	struct json_object *device;

	if (strcmp(name, "DEVICE_DELETED") || !data ||
	    !json_object_object_get_ex(data, "device", &device) ||
	    !json_object_is_type(device, json_type_string) ||
	    strcmp(json_object_get_string(device), QEMU_HOTPLUG_ID))
		return;
	p->out = true; /* also when nobody asked: a guest can let it go by itself */
	if (p->doing == REMOVING)
		answer(p, NULL);
}

/* That it was told is no answer yet: the event is. */
static void removing(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct guest_plug *p = ctx;

	(void)value;
	if (end != QMP_OK && p->doing == REMOVING)
		answer(p, text);
}

/* What the human monitor wrote is what was wrong. */
static void added(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct guest_plug *p = ctx;
	char said[QMP_TEXT] = "";

	if (end == QMP_OK && json_object_is_type(value, json_type_string))
		snprintf(said, sizeof(said), "%s", json_object_get_string(value));
	for (char *c = said; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = ' ';
	if (end == QMP_OK && !said[strspn(said, " ")])
		p->out = false;
	if (p->doing == ADDING)
		answer(p, !p->out ? NULL : end == QMP_OK ? said : text);
}

/* ---- what the guest asks ---- */

static struct json_object *argument(const char *key, const char *value)
{
	struct json_object *o = json_object_new_object();

	if (o)
		json_object_object_add(o, key, json_object_new_string(value));
	return o;
}

static void take_out(struct guest_plug *p)
{
	p->doing = REMOVING;
	p->until_ns = clock_mono_ns() + GUEST_PLUG_OUT_S * NS_PER_S;
	if (p->out)
		answer(p, NULL);
	else if (qmp_ask(p->qmp, "device_del", argument("id", QEMU_HOTPLUG_ID), ANSWER_NS, removing,
			 p))
		answer(p, "QEMU's monitor takes nothing");
}

/*
 * By the human monitor, which reads the very words of -device: QMP's own device_add wants each value
 * in the JSON type of its property, and since 9.2 refuses any other.
 */
static void put_in(struct guest_plug *p)
{
	p->doing = ADDING;
	p->until_ns = UINT64_MAX; /* the monitor's answer has its own end */
	if (!p->out)
		answer(p, NULL);
	else if (qmp_ask(p->qmp, "human-monitor-command", argument("command-line", p->add),
			 ANSWER_NS, added, p))
		answer(p, "QEMU's monitor takes nothing");
}

static bool is_tag(const char *tag)
{
	size_t n = strlen(tag);

	for (size_t i = 0; i < n; i++)
		if (!isascii(tag[i]) || !isalnum((unsigned char)tag[i]))
			return false;
	return n && n <= PROTOCOL_TAG;
}

static bool take_line(struct guest_plug *p, char *line)
{
	char *tag = strchr(line, ' ');

	if (!tag || p->doing != NOTHING)
		return false;
	*tag++ = 0;
	if (!is_tag(tag) || (strcmp(line, "unplug") && strcmp(line, "plug")))
		return false;
	strcpy(p->tag, tag);
	(strcmp(line, "plug") ? take_out : put_in)(p);
	return true;
}

static void take_byte(struct guest_plug *p, char c)
{
	if (c != '\n' && p->len < sizeof(p->line) - 1) {
		p->line[p->len++] = c;
		return;
	}
	p->line[p->len] = 0;
	if (c != '\n' || !take_line(p, p->line))
		p->junk += p->len + 1;
	p->len = 0;
}

static void hear(struct guest_plug *p)
{
	char data[ASK_BYTES];
	ssize_t n = p->ask_fd < 0 ? -1 : recv(p->ask_fd, data, sizeof(data), MSG_DONTWAIT);

	for (ssize_t i = 0; i < n; i++)
		take_byte(p, data[i]);
	if (p->ask_fd < 0 || (n != 0 && p->junk <= GUEST_PLUG_JUNK_MAX))
		return;
	close(p->ask_fd);
	p->ask_fd = -1;
}

/* ---- life ---- */

void guest_plug_step(struct guest_plug *p)
{
	if (!p)
		return;
	qmp_step(p->qmp);
	hear(p);
	if (p->doing == REMOVING && clock_mono_ns() >= p->until_ns)
		say(p, "late", "");
}

/* Quoted as the human monitor reads it. */
static char *add_line(const char *device)
{
	char *line = malloc(2 * strlen(device) + sizeof("device_add \"\"")), *to;

	if (!line)
		return NULL;
	to = stpcpy(line, "device_add \"");
	for (; *device; device++) {
		if (*device == '"' || *device == '\\')
			*to++ = '\\';
		*to++ = *device;
	}
	strcpy(to, "\"");
	return line;
}

struct guest_plug *guest_plug_open(int ask_fd, int qmp_fd, uint64_t ready_ns, const char *device)
{
	struct guest_plug *p = calloc(1, sizeof(*p));
	const struct qmp_ops ops = { .ctx = p, .event = hear_event };

	if (!p) {
		if (ask_fd >= 0)
			close(ask_fd);
		close(qmp_fd);
		return NULL;
	}
	p->ask_fd = ask_fd;
	p->qmp = qmp_open(qmp_fd, ready_ns, &ops);
	p->add = add_line(device);
	if (p->qmp && p->add)
		return p;
	guest_plug_close(p);
	return NULL;
}

void guest_plug_insert(struct guest_plug *p)
{
	p->out = true;
	p->tag[0] = 0;
	put_in(p);
}

int guest_plug_inserted(const struct guest_plug *p)
{
	return p->doing == ADDING ? 0 : p->out ? -EIO : 1;
}

struct qmp *guest_plug_qmp(struct guest_plug *p)
{
	return p->qmp;
}

void guest_plug_close(struct guest_plug *p)
{
	if (!p)
		return;
	qmp_close(p->qmp);
	if (p->ask_fd >= 0)
		close(p->ask_fd);
	free(p->add);
	free(p);
}

int guest_plug_fd(const struct guest_plug *p, unsigned i)
{
	return !p ? -1 : i ? qmp_fd(p->qmp) : p->ask_fd;
}
