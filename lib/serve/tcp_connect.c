// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fabrics commands, and the associations that they begin and end.
 * Source: Base 2.2 Fabrics Command Set, Connect Command and Response; Base 2.2 NVM Controller
 * Architecture (associations and what ends them).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/tcp_serve.h"

#define IN_DATA	  (1u << 16) /* IATTR: the offset is of the data */
#define RELAX_MAX (1000 * NS_PER_S)

/* Offsets that a refused Connect names. */
enum {
	AT_QID = 42,
	AT_SQSIZE = 44,
	AT_HOSTID = 0 | IN_DATA,
	AT_CNTLID = 16 | IN_DATA,
	AT_SUBNQN = 256 | IN_DATA,
	AT_HOSTNQN = 512 | IN_DATA,
};

static uint16_t sqe16(const struct sqe *e, unsigned off)
{
	return le16_at(sqe_at(e, off));
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

static void let_go(struct tconn *c)
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
		let_go(c);
		a->conn[i] = NULL;
		c->a = NULL;
		tconn_end(c, "its controller was reset");
	}
}

static void unlink_assoc(struct tassoc *a)
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

void assoc_lost(struct tconn *c)
{
	struct tassoc *a = c->a;
	bool alone = c->qid && (a->cattr & CATTR_DELETES_QUEUES);

	let_go(c);
	a->conn[c->qid] = NULL;
	c->a = NULL;
	if (c->qid && !alone) {
		assoc_end(a, "a connection of its I/O queues was lost");
	} else if (!c->qid) {
		assoc_was_reset(a);
		unlink_assoc(a);
	}
}

/* A host that has hung up and of which nobody has taken notice. */
static bool is_stale(const struct tassoc *a)
{
	char byte;

	return a->conn[0] && recv(a->conn[0]->link.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/* Has somebody that device? */
static bool is_taken(struct tserve *s, const struct tdevice *v)
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
	err = tdev_open(&v->d, s->o.model, v->cntlid, error);
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

static struct tdevice *find_device(struct tserve *s, const struct connect_data *who)
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

/* ---- Connect ---- */

static uint16_t refuse(uint64_t *dw, uint32_t at)
{
	*dw = at;
	return FSC_CONNECT_INVALID_PARAM;
}

/* By fault, what a refused Connect says is wrong. */
static uint16_t refuse_wrongly(const struct tserve *s, uint16_t status, uint64_t *dw)
{
	if (status == FSC_CONNECT_INVALID_PARAM && TFAULT(s, TCP_REFUSAL_PLACE_WRONG))
		*dw = 0;
	if (status == FSC_CONNECT_INVALID_PARAM && TFAULT(s, TCP_REFUSAL_INVALID_FIELD))
		return SC_INVALID_FIELD;
	return status;
}

static bool is_nqn(const char nqn[NQN_BYTES])
{
	size_t n = strnlen(nqn, NQN_BYTES);

	return n >= 5 && n <= NQN_MAX && !strncmp(nqn, "nqn.", 4);
}

static bool is_discovery(const struct connect_data *w)
{
	return !strncmp(w->subnqn, DISCOVERY_NQN, NQN_BYTES);
}

static bool is_ours(const struct tserve *s, const struct connect_data *w)
{
	if (is_nqn(w->subnqn))
		return is_discovery(w) || !strncmp(w->subnqn, model_nqn, NQN_BYTES);
	return !strncmp(w->subnqn, model_nqn, strlen(model_nqn)) && TFAULT(s, TCP_NQN_END_UNREAD);
}

static uint16_t names_check(const struct tserve *s, const struct connect_data *w, uint64_t *dw)
{
	if (!is_ours(s, w))
		return refuse(dw, AT_SUBNQN);
	return is_nqn(w->hostnqn) ? SC_SUCCESS : refuse(dw, AT_HOSTNQN);
}

static struct tassoc *associate(struct tserve *s, struct tdevice *v)
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

static void settle(struct tconn *c, struct tassoc *a, uint16_t qid, uint32_t entries)
{
	c->a = a;
	c->qid = qid;
	c->entries = entries;
	c->live = true;
	c->no_sqhd = false;
	c->taken = 1; /* Connect itself */
	c->put = 0;
	a->conn[qid] = c;
}

static uint32_t entries_of(const struct tconn *c, const struct sqe *e)
{
	uint32_t entries = sqe16(e, AT_SQSIZE) + 1u;

	return entries == 1 && TFAULT(c->s, TCP_SQSIZE_ZERO) ? 2 : entries;
}

static uint16_t connect_admin(struct tconn *c, const struct sqe *e, const struct connect_data *w,
			      uint64_t *dw)
{
	uint32_t entries = entries_of(c, e), kato = le32_get(e->cdw12);
	struct tdevice *v = NULL;
	struct tassoc *a;

	if (le16_get(w->cntlid) != CNTLID_DYNAMIC && !TFAULT(c->s, TCP_CNTLID_UNREAD))
		return refuse(dw, AT_CNTLID);
	if (entries < 2 || entries > TDEV_ADMIN_ENTRIES)
		return refuse(dw, AT_SQSIZE);
	if (!is_discovery(w)) {
		v = find_device(c->s, w);
		if (!v || is_taken(c->s, v))
			return FSC_CONTROLLER_BUSY;
	}
	a = associate(c->s, v);
	if (!a)
		return SC_INTERNAL_ERROR;
	a->who = *w;
	a->cattr = *sqe_at(e, 46);
	a->kato_ms = kato;
	a->alive_ns = clock_mono_ns();
	if (a->d && tdev_queue_make(a->d, 0, entries)) {
		unlink_assoc(a);
		return SC_INTERNAL_ERROR;
	}
	settle(c, a, 0, entries);
	if (a->d)
		model_connected(a->d->m, kato, w->hostid);
	*dw = TFAULT(c->s, TCP_CNTLID_RESERVED) ? 0xfff0 : a->cntlid;
	return SC_SUCCESS;
}

/* Of several with that identifier, which with `fresh` there are, the host's own. */
static struct tassoc *find_assoc(struct tserve *s, uint16_t cntlid, const struct connect_data *w)
{
	struct tassoc *found = NULL;

	for (struct tassoc *a = s->assocs; a; a = a->next)
		if (a->cntlid == cntlid &&
		    (!found || !memcmp(a->who.hostid, w->hostid, sizeof(w->hostid))))
			found = a;
	return found;
}

/* Who the host says it is has to be who made the association. */
static uint16_t match_assoc(const struct tassoc *a, const struct connect_data *w, uint64_t *dw)
{
	static const uint8_t none[16];

	if (!a || !a->conn[0])
		return refuse(dw, AT_CNTLID);
	if (strncmp(a->who.subnqn, w->subnqn, NQN_BYTES))
		return refuse(dw, AT_SUBNQN);
	if (strncmp(a->who.hostnqn, w->hostnqn, NQN_BYTES) && !TFAULT(a->s, TCP_IO_HOST_UNREAD))
		return refuse(dw, AT_HOSTNQN);
	if (memcmp(w->hostid, none, sizeof(none)) &&
	    memcmp(w->hostid, a->who.hostid, sizeof(w->hostid)) &&
	    !TFAULT(a->s, TCP_IO_HOST_UNREAD))
		return refuse(dw, AT_HOSTID);
	return SC_SUCCESS;
}

static uint16_t connect_io(struct tconn *c, const struct sqe *e, const struct connect_data *w,
			   uint64_t *dw)
{
	struct tassoc *a = find_assoc(c->s, le16_get(w->cntlid), w);
	uint16_t qid = sqe16(e, AT_QID), status = match_assoc(a, w, dw);
	uint32_t entries = entries_of(c, e);
	int err;

	if (status)
		return status;
	if (!a->d || qid >= TDEV_QUEUES)
		return refuse(dw, AT_QID);
	if (!tdev_enabled(a->d))
		return TFAULT(c->s, TCP_IO_WHILE_DISABLED) ? SC_SUCCESS : refuse(dw, AT_QID);
	if (a->conn[qid])
		return TFAULT(c->s, TCP_QID_IN_USE_VAGUE) ? SC_INTERNAL_ERROR : SC_QID_INVALID;
	if (entries < 2)
		return refuse(dw, AT_SQSIZE);
	err = tdev_queue_make(a->d, qid, entries);
	if (err)
		return err == -ENOMEM ? SC_INTERNAL_ERROR
				      : refuse(dw, err == -EINVAL ? AT_SQSIZE : AT_QID);
	settle(c, a, qid, entries);
	*dw = a->cntlid;
	return SC_SUCCESS;
}

static uint16_t connect_queue(struct tconn *c, const struct tcmd *t, uint64_t *dw)
{
	const struct connect_data *w = (const struct connect_data *)t->own;
	uint16_t status;

	if (c->live)
		return TFAULT(c->s, TCP_CONNECT_TWICE) ? SC_SUCCESS : SC_SEQUENCE_ERROR;
	if (sqe16(&t->sqe, 40) && !TFAULT(c->s, TCP_RECFMT_UNREAD))
		return FSC_INCOMPATIBLE_FORMAT;
	if (!w || t->len < sizeof(*w))
		return SC_SGL_DATA_LENGTH_INVALID;
	status = names_check(c->s, w, dw);
	if (status)
		return status;
	return sqe16(&t->sqe, AT_QID) ? connect_io(c, &t->sqe, w, dw)
				      : connect_admin(c, &t->sqe, w, dw);
}

static void run_connect(struct tconn *c, struct tcmd *t)
{
	bool no_flow = *sqe_at(&t->sqe, 46) & CATTR_NO_FLOW_CONTROL;
	uint64_t dw = 0;
	uint16_t status = refuse_wrongly(c->s, connect_queue(c, t, &dw), &dw);

	if (!status)
		c->no_sqhd = no_flow;
	tcmd_complete(c, t, status, dw, NULL, 0);
}

/* ---- properties, Disconnect, time ---- */

static unsigned property_width(const struct sqe *e)
{
	unsigned size = *sqe_at(e, 40) & 7;

	return size == 0 ? 32 : size == 1 ? 64 : 0;
}

static void property_get(struct tconn *c, struct tcmd *t)
{
	uint32_t off = le32_get(t->sqe.cdw11);
	unsigned width = property_width(&t->sqe);
	uint64_t v = 0;
	int err = c->a->d ? tdev_property_get(c->a->d, off, width, &v)
			  : discovery_property_get(c->a, off, width, &v);

	if (off == REG_CC && v && TFAULT(c->s, TCP_PROPERTY_STALE))
		v = 0;
	if (off == REG_CSTS && c->a->was_reset && TFAULT(c->s, TCP_RESET_KEEPS_READY))
		v |= CSTS_RDY;
	if (err && TFAULT(c->s, TCP_PROPERTY_UNCHECKED))
		err = 0;
	tcmd_complete(c, t, err ? SC_INVALID_FIELD : SC_SUCCESS, v, NULL, 0);
}

static bool is_enabled(struct tassoc *a)
{
	uint64_t cc = 0;

	return a->d && !tdev_property_get(a->d, REG_CC, 32, &cc) && cc & CC_EN;
}

static void property_set(struct tconn *c, struct tcmd *t)
{
	uint32_t off = le32_get(t->sqe.cdw11);
	unsigned width = property_width(&t->sqe);
	uint64_t value = le32_get(t->sqe.cdw12) | (uint64_t)le32_get(t->sqe.cdw13) << 32;
	bool was = is_enabled(c->a);
	int err;

	if (width == 32)
		value = (uint32_t)value;
	err = c->a->d ? tdev_property_set(c->a->d, off, width, value)
		      : discovery_property_set(c->a, off, width, value);
	if (was && !is_enabled(c->a)) {
		assoc_was_reset(c->a);
		tcmd_drop_gone(c); /* they never complete */
		c->a->was_reset = true;
	}
	if (err && TFAULT(c->s, TCP_PROPERTY_SET_IGNORED))
		err = 0;
	tcmd_complete(c, t, err ? SC_INVALID_FIELD : SC_SUCCESS, 0, NULL, 0);
}

static void disconnect(struct tconn *c, struct tcmd *t)
{
	struct tassoc *a = c->a;

	if (!c->qid) {
		tcmd_complete(c, t, FSC_INVALID_QUEUE_TYPE, 0, NULL, 0);
		return;
	}
	if (sqe16(&t->sqe, 40)) {
		tcmd_complete(c, t, FSC_INCOMPATIBLE_FORMAT, 0, NULL, 0);
		return;
	}
	tcmd_complete(c, t, SC_SUCCESS, 0, NULL, 0);
	let_go(c);
	a->conn[c->qid] = NULL;
	c->a = NULL;
}

static void relax(struct tconn *c, struct tcmd *t)
{
	uint64_t ns = le32_get(t->sqe.cdw12) | (uint64_t)le32_get(t->sqe.cdw13) << 32;
	struct tdev *d = c->a->d;

	if (!d || !c->s->o.step) {
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
		return;
	}
	d->stepped = true;
	t->state = TCMD_OURS; /* what completes meanwhile is told first */
	if (ns)
		model_relax(d->m, ns < RELAX_MAX ? ns : RELAX_MAX);
	for (unsigned i = 0; i < TDEV_QUEUES; i++) {
		if (!c->a->conn[i])
			continue;
		tcmd_pump(c->a->conn[i]);
		tconn_flush(c->a->conn[i]);
	}
	tcmd_complete(c, t, SC_SUCCESS, model_now(d->m), NULL, 0);
}

void fabrics_run(struct tconn *c, struct tcmd *t)
{
	uint8_t type = sqe_fctype(&t->sqe);

	if (type == FC_CONNECT)
		run_connect(c, t);
	else if (!c->live)
		tcmd_complete(c, t, tcmd_early_status(c), 0, NULL, 0);
	else if (type == FC_DISCONNECT && c->a->d)
		disconnect(c, t);
	else if (c->qid)
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
	else if (type == FC_PROPERTY_GET)
		property_get(c, t);
	else if (type == FC_PROPERTY_SET)
		property_set(c, t);
	else if (type == FC_NVRIG_RELAX)
		relax(c, t);
	else
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
}
