// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Associations, which are a host's connections to one controller, and the controllers.
 * Source: Base 2.2 NVM Controller Architecture (associations and what ends them).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "serve/tcp_serve.h"

static bool has_cntlid(const struct tserve *s, uint16_t id)
{
	for (const struct tassoc *a = s->assocs; a; a = a->next)
		if (a->cntlid == id)
			return true;
	for (const struct tdevice *v = s->devices; v; v = v->next)
		if (v->cntlid == id)
			return true;
	return false;
}

static uint16_t next_cntlid(struct tserve *s)
{
	do
		s->last_cntlid = s->last_cntlid >= CNTLID_LAST ? 1 : s->last_cntlid + 1u;
	while (has_cntlid(s, s->last_cntlid));
	return s->last_cntlid;
}

/* ---- associations ---- */

void assoc_pump(struct tassoc *a)
{
	for (unsigned i = 0; i < TDEV_QUEUES; i++)
		if (a->conn[i] && !a->conn[i]->closing)
			tcmd_pump(a->conn[i]);
	if (a->d && model_keep_alive_expired(a->d->m) && !TFAULT(a->s, TCP_SILENT_HOST_STAYS))
		assoc_end(a, "its Keep Alive Timer ran out");
}

void assoc_let_go(struct tconn *c)
{
	if (c->a->d && c->qid)
		tdev_queue_drop(c->a->d, c->qid);
	tcmd_drop_all(c);
	c->live = false;
}

void assoc_was_reset(struct tassoc *a)
{
	for (unsigned i = 1; i < TDEV_QUEUES; i++) {
		struct tconn *c = a->conn[i];

		if (!c)
			continue;
		assoc_let_go(c);
		a->conn[i] = NULL;
		c->a = NULL;
		tconn_end(c, "its controller was reset");
	}
}

void assoc_free(struct tassoc *a)
{
	struct tassoc **p = &a->s->assocs;

	while (*p != a)
		p = &(*p)->next;
	*p = a->next;
	if (a->device) {
		tdev_leave(a->d);
		a->device->taken = false;
		a->device->left_ns = clock_mono_ns();
	}
	free(a);
}

void assoc_end(struct tassoc *a, const char *reason)
{
	struct tconn *admin = a->conn[0];

	assoc_was_reset(a);
	if (admin)
		tconn_end(admin, reason); /* assoc_lost() frees it */
}

static bool waits_for_data(const struct tassoc *a)
{
	for (unsigned i = 0; i < TDEV_QUEUES; i++)
		for (const struct tcmd *t = a->conn[i] ? a->conn[i]->first : NULL; t; t = t->next)
			if (t->state == TCMD_DATA)
				return true;
	return false;
}

void assoc_lost(struct tconn *c)
{
	struct tassoc *a = c->a;
	bool alone = c->qid && (a->cattr & CATTR_DELETES_QUEUES), kept;

	kept = waits_for_data(a) && TFAULT(a->s, TCP_CUT_KEEPS_CONTROLLER);
	assoc_let_go(c);
	a->conn[c->qid] = NULL;
	c->a = NULL;
	a->is_cut |= kept;
	if (a->is_cut) {
		assoc_was_reset(a);
		return; /* by fault: whoever comes finds it taken */
	}
	if (c->qid && !alone) {
		assoc_end(a, "a connection of its I/O queues was lost");
	} else if (!c->qid) {
		assoc_was_reset(a);
		assoc_free(a);
	}
}

/* A host that has hung up and of which nobody has taken notice. */
static bool is_stale(const struct tassoc *a)
{
	char byte;

	return a->conn[0] && recv(a->conn[0]->link.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Has somebody that device? */
bool device_is_taken(struct tserve *s, const struct tdevice *v)
{
	for (struct tassoc *a = s->assocs; a; a = a->next) {
		if (a->device != v)
			continue;
		if (!is_stale(a))
			return true;
		assoc_end(a, "hung up");
		return false;
	}
	return false;
}

struct tassoc *assoc_new(struct tserve *s, struct tdevice *v)
{
	struct tassoc *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	*a = (struct tassoc){ .s = s, .device = v, .next = s->assocs };
	a->cntlid = v ? v->cntlid : next_cntlid(s);
	if (v) {
		a->d = &v->d;
		v->taken = true;
		v->d.base_ns = clock_mono_ns() - model_now(v->d.m);
	}
	s->assocs = a;
	return a;
}

/* Of several with that identifier, which with `fresh` there are, the host's own. */
struct tassoc *assoc_find(struct tserve *s, uint16_t cntlid, const struct connect_data *w)
{
	struct tassoc *found = NULL;

	for (struct tassoc *a = s->assocs; a; a = a->next)
		if (a->cntlid == cntlid &&
		    (!found || !memcmp(a->who.hostid, w->hostid, sizeof(w->hostid))))
			found = a;
	return found;
}

/* ---- controllers ---- */

void device_free(struct tdevice *v)
{
	tdev_close(&v->d);
	free(v);
}

static void device_forget(struct tserve *s, struct tdevice **at)
{
	struct tdevice *v = *at;

	*at = v->next;
	s->n_devices--;
	device_free(v);
}

void device_forget_all(struct tserve *s)
{
	while (s->devices)
		device_forget(s, &s->devices);
}

/* The one that nobody has had for the longest time makes room. */
static void make_room(struct tserve *s)
{
	struct tdevice **oldest = NULL;

	for (struct tdevice **at = &s->devices; *at; at = &(*at)->next)
		if (!(*at)->taken && (!oldest || (*at)->left_ns < (*oldest)->left_ns))
			oldest = at;
	if (s->n_devices == DEVICES_MAX && oldest)
		device_forget(s, oldest);
}

int device_add(struct tserve *s, const struct connect_data *who, struct tdevice **ret, char *error)
{
	struct tdevice *v;
	int err;

	make_room(s);
	v = s->n_devices < DEVICES_MAX ? calloc(1, sizeof(*v)) : NULL;
	if (!v) {
		snprintf(error, 256, "out of memory, or of controllers");
		return -ENOMEM;
	}
	v->cntlid = s->o.fresh ? 1 : next_cntlid(s); /* each is as if it were alone */
	err = tdev_open(&v->d, &s->o, v->cntlid, error);
	if (err) {
		free(v);
		return err;
	}
	if (who) {
		memcpy(v->hostid, who->hostid, sizeof(v->hostid));
		memcpy(v->hostnqn, who->hostnqn, sizeof(v->hostnqn));
	}
	v->next = s->devices;
	s->devices = v;
	s->n_devices++;
	*ret = v;
	return 0;
}

struct tdevice *device_find(struct tserve *s, const struct connect_data *who)
{
	struct tdevice *v = s->devices;
	char error[256];

	while (v && s->o.fresh &&
	       (memcmp(v->hostid, who->hostid, sizeof(v->hostid)) ||
		strncmp(v->hostnqn, who->hostnqn, NQN_BYTES)))
		v = v->next;
	if (!v && device_add(s, who, &v, error))
		return NULL;
	return v;
}
