// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

#define CHUNK	4096u
#define CHUNKS	16u	     /* of one step */
#define OUT_MAX (64u << 10)  /* bytes that QEMU has not taken yet */
#define DEPTH	16

struct pending {
	uint64_t id; /* 0: free */
	uint64_t until_ns;
	qmp_answer *fn;
	void *ctx;
};

struct qmp {
	int fd;
	struct qmp_ops ops;
	uint64_t ready_until_ns, last_id, junk;
	bool greeted;
	struct pending pending[QMP_PENDING_MAX];
	char out[OUT_MAX];
	size_t out_len;
	size_t len;
	bool skipping; /* the line is too long: its rest is junk */
	char gone[QMP_TEXT];
	char line[QMP_LINE_MAX];
};

/* ---- the end ---- */

static void plain(const char *text, char ret[QMP_TEXT])
{
	size_t n = 0;

	for (; text && *text && n < QMP_TEXT - 1; text++)
		ret[n++] = *text < ' ' || *text > '~' ? ' ' : *text;
	ret[n] = 0;
}

static void finish(struct pending *p, enum qmp_end end, struct json_object *value, const char *text)
{
	struct pending was = *p;

	p->id = 0; /* first: it may ask again */
	if (was.fn)
		was.fn(was.ctx, end, value, text);
}

static void lose(struct qmp *q, const char *why)
{
	if (q->fd < 0)
		return;
	close(q->fd);
	q->fd = -1;
	plain(why, q->gone);
	for (unsigned i = 0; i < QMP_PENDING_MAX; i++)
		if (q->pending[i].id)
			finish(&q->pending[i], QMP_GONE, NULL, q->gone);
}

static void junk(struct qmp *q, size_t n)
{
	q->junk += n;
	if (q->junk > QMP_JUNK_MAX)
		lose(q, "QEMU's monitor says what means nothing, without an end");
}

/* ---- to it ---- */

/* Nothing is sent to what has not said that it is QEMU. */
static void flush_out(struct qmp *q)
{
	ssize_t n;

	while (q->fd >= 0 && q->greeted && q->out_len) {
		n = send(q->fd, q->out, q->out_len, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			lose(q, "QEMU's monitor hung up");
		if (n <= 0)
			return;
		memmove(q->out, q->out + n, q->out_len - (size_t)n);
		q->out_len -= (size_t)n;
	}
}

static struct pending *free_place(struct qmp *q)
{
	for (unsigned i = 0; i < QMP_PENDING_MAX; i++)
		if (!q->pending[i].id)
			return &q->pending[i];
	return NULL;
}

static int queue(struct qmp *q, struct json_object *request)
{
	const char *text = request ? json_object_to_json_string_ext(
					     request, JSON_C_TO_STRING_PLAIN |
							      JSON_C_TO_STRING_NOSLASHESCAPE)
				   : NULL;
	size_t n = text ? strlen(text) : 0;

	if (!n)
		return -ENOMEM;
	if (n + 1 > OUT_MAX - q->out_len)
		return -EBUSY;
	memcpy(q->out + q->out_len, text, n);
	q->out[q->out_len + n] = '\n';
	q->out_len += n + 1;
	return 0;
}

int qmp_ask(struct qmp *q, const char *command, struct json_object *arguments, uint64_t timeout_ns,
	    qmp_answer *fn, void *ctx)
{
	struct pending *p = free_place(q);
	struct json_object *request = json_object_new_object();
	int err = q->fd < 0 ? -EPIPE : p ? 0 : -EBUSY;

	if (request) {
		json_object_object_add(request, "execute", json_object_new_string(command));
		if (arguments)
			json_object_object_add(request, "arguments", arguments);
		json_object_object_add(request, "id", json_object_new_uint64(q->last_id + 1));
	} else {
		json_object_put(arguments);
	}
	if (!err)
		err = queue(q, request);
	json_object_put(request);
	if (err)
		return err;
	*p = (struct pending){ .id = ++q->last_id,
			       .until_ns = clock_mono_ns() + timeout_ns,
			       .fn = fn,
			       .ctx = ctx };
	flush_out(q);
	return 0;
}

/* ---- from it ---- */

static struct json_object *member(struct json_object *o, const char *key, json_type type)
{
	struct json_object *v;

	return json_object_object_get_ex(o, key, &v) && json_object_is_type(v, type) ? v : NULL;
}

static bool take_answer(struct qmp *q, struct json_object *o)
{
	struct json_object *id = member(o, "id", json_type_int), *value = NULL;
	struct json_object *error = member(o, "error", json_type_object);
	bool good = json_object_object_get_ex(o, "return", &value);
	char text[QMP_TEXT];

	if (!id || good == (error != NULL))
		return false;
	plain(json_object_get_string(member(error, "desc", json_type_string)), text);
	for (unsigned i = 0; i < QMP_PENDING_MAX; i++) {
		struct pending *p = &q->pending[i];

		if (!p->id || p->id != json_object_get_uint64(id))
			continue;
		if (good)
			finish(p, QMP_OK, value, "");
		else
			finish(p, QMP_ERROR, NULL, text[0] ? text : "refused without a word");
		return true;
	}
	return false; /* nobody waits for it */
}

static bool take_event(struct qmp *q, struct json_object *o)
{
	struct json_object *name = member(o, "event", json_type_string);

	if (!name || !q->greeted)
		return false;
	if (q->ops.event)
		q->ops.event(q->ops.ctx, json_object_get_string(name),
			     member(o, "data", json_type_object));
	return true;
}

static bool take_object(struct qmp *q, struct json_object *o)
{
	if (!json_object_is_type(o, json_type_object))
		return false;
	if (!q->greeted && member(o, "QMP", json_type_object)) {
		q->greeted = true;
		flush_out(q);
		return true;
	}
	return q->greeted && (take_event(q, o) || take_answer(q, o));
}

static void end_line(struct qmp *q)
{
	json_tokener *t = q->skipping || !q->len ? NULL : json_tokener_new_ex(DEPTH);
	struct json_object *o = t ? json_tokener_parse_ex(t, q->line, (int)q->len) : NULL;
	size_t n = q->len + 1;

	q->skipping = false;
	q->len = 0;
	if (!o || !take_object(q, o))
		junk(q, n);
	json_object_put(o);
	if (t)
		json_tokener_free(t);
}

static void take_byte(struct qmp *q, char c)
{
	if (c == '\n') {
		end_line(q);
		return;
	}
	if (q->len == QMP_LINE_MAX - 1) {
		junk(q, q->len);
		q->skipping = true;
		q->len = 0;
	}
	if (q->skipping)
		junk(q, 1);
	else if (c != '\r')
		q->line[q->len++] = c;
}

static void hear(struct qmp *q)
{
	char data[CHUNK];
	ssize_t n = 1;

	for (unsigned i = 0; i < CHUNKS && n > 0 && q->fd >= 0; i++) {
		n = recv(q->fd, data, sizeof(data), MSG_DONTWAIT);
		for (ssize_t k = 0; k < n && q->fd >= 0; k++)
			take_byte(q, data[k]);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
			lose(q, "QEMU's monitor hung up");
	}
}

/* ---- whose time is over ---- */

static void end_late(struct qmp *q)
{
	uint64_t now = clock_mono_ns();

	if (q->fd >= 0 && !q->greeted && now >= q->ready_until_ns)
		lose(q, "QEMU's monitor did not say that it is one");
	for (unsigned i = 0; i < QMP_PENDING_MAX; i++)
		if (q->pending[i].id && now >= q->pending[i].until_ns)
			finish(&q->pending[i], QMP_LATE, NULL, "QEMU's monitor did not answer in time");
}

void qmp_step(struct qmp *q)
{
	flush_out(q);
	hear(q);
	end_late(q);
}

/* ---- life ---- */

struct qmp *qmp_open(int fd, uint64_t ready_ns, const struct qmp_ops *ops)
{
	struct qmp *q = calloc(1, sizeof(*q));

	if (!q) {
		close(fd);
		return NULL;
	}
	q->fd = fd;
	q->ops = *ops;
	q->ready_until_ns = clock_mono_ns() + ready_ns;
	fcntl(fd, F_SETFL, O_NONBLOCK);
	/* the first that is sent; without it QEMU takes nothing */
	if (qmp_ask(q, "qmp_capabilities", NULL, ready_ns, NULL, NULL)) {
		qmp_close(q);
		return NULL;
	}
	return q;
}

void qmp_close(struct qmp *q)
{
	if (!q)
		return;
	if (q->fd >= 0)
		close(q->fd);
	free(q);
}

int qmp_fd(const struct qmp *q)
{
	return q->fd;
}

const char *qmp_gone(const struct qmp *q)
{
	return q->fd < 0 ? q->gone : NULL;
}
