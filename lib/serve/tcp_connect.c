// SPDX-License-Identifier: GPL-2.0-or-later
/* Connect. Source: Base 2.2 Connect Command and Response. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "serve/tcp_serve.h"

#define IN_DATA (1u << 16) /* IATTR: the offset is of the data */

/* Offsets that a refused Connect names. */
enum {
	AT_QID = 42,
	AT_SQSIZE = 44,
	AT_HOSTID = 0 | IN_DATA,
	AT_CNTLID = 16 | IN_DATA,
	AT_SUBNQN = 256 | IN_DATA,
	AT_HOSTNQN = 512 | IN_DATA,
};

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
	if (is_nqn(w->subnqn) && TFAULT(s, TCP_SUBNQN_CASE_UNREAD))
		return is_discovery(w) || !strncasecmp(w->subnqn, model_nqn, NQN_BYTES);
	if (is_nqn(w->subnqn) && TFAULT(s, TCP_SUBNQN_BEGINNING))
		return is_discovery(w) || !strncmp(w->subnqn, model_nqn, strlen(model_nqn));
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
	uint32_t entries = sqe_u16(e, AT_SQSIZE) + 1u;

	return entries == 1 && TFAULT(c->s, TCP_SQSIZE_ZERO) ? 2 : entries;
}

/* Of a static subsystem there is one controller, and it has the first identifier. */
static bool may_ask_for(const struct tserve *s, const struct connect_data *w)
{
	uint16_t id = le16_get(w->cntlid);

	if (!s->o.is_static || is_discovery(w))
		return id == CNTLID_DYNAMIC;
	return id == CNTLID_STATIC || id == s->first->cntlid;
}

static uint16_t connect_admin(struct tconn *c, const struct sqe *e, const struct connect_data *w,
			      uint64_t *dw)
{
	static const uint8_t none[16];
	uint32_t entries = entries_of(c, e), kato = le32_get(e->cdw12);
	struct tdevice *v = NULL;
	struct tassoc *a;

	if (!may_ask_for(c->s, w) && !TFAULT(c->s, TCP_CNTLID_UNREAD))
		return refuse(dw, AT_CNTLID);
	if (entries < 2 || entries > TDEV_ADMIN_ENTRIES)
		return refuse(dw, AT_SQSIZE);
	if (!is_discovery(w)) {
		v = device_find(c->s, w);
		if (!v || device_is_taken(c->s, v))
			return FSC_CONTROLLER_BUSY;
	}
	a = assoc_new(c->s, v);
	if (!a)
		return SC_INTERNAL_ERROR;
	a->who = *w;
	a->cattr = *sqe_at(e, 46);
	a->kato_ms = kato;
	a->alive_ns = clock_mono_ns();
	if (a->d && tdev_queue_make(a->d, 0, entries)) {
		assoc_free(a);
		return SC_INTERNAL_ERROR;
	}
	settle(c, a, 0, entries);
	if (a->d)
		model_connected(a->d->m, kato, TFAULT(c->s, TCP_HOSTID_LOST) ? none : w->hostid);
	*dw = TFAULT(c->s, TCP_CNTLID_RESERVED) ? 0xfff0 : a->cntlid;
	return SC_SUCCESS;
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
	if ((memcmp(w->hostid, none, sizeof(none)) || TFAULT(a->s, TCP_HOSTID_ZERO_REFUSED)) &&
	    memcmp(w->hostid, a->who.hostid, sizeof(w->hostid)) &&
	    !TFAULT(a->s, TCP_IO_HOST_UNREAD))
		return refuse(dw, AT_HOSTID);
	return SC_SUCCESS;
}

static uint16_t connect_io(struct tconn *c, const struct sqe *e, const struct connect_data *w,
			   uint64_t *dw)
{
	struct tassoc *a = assoc_find(c->s, le16_get(w->cntlid), w);
	uint16_t qid = sqe_u16(e, AT_QID), status = match_assoc(a, w, dw);
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
	if (entries == 2 && TFAULT(c->s, TCP_TWO_ENTRIES_REFUSED))
		return refuse(dw, AT_SQSIZE);
	err = tdev_queue_make(a->d, qid, entries);
	if (err == -EEXIST && TFAULT(c->s, TCP_QID_PAST_COUNT))
		return SC_INVALID_FIELD;
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
	if (sqe_u16(&t->sqe, 40) && !TFAULT(c->s, TCP_RECFMT_UNREAD))
		return FSC_INCOMPATIBLE_FORMAT;
	if (!w || t->len < sizeof(*w))
		return SC_SGL_DATA_LENGTH_INVALID;
	status = names_check(c->s, w, dw);
	if (status)
		return status;
	return sqe_u16(&t->sqe, AT_QID) ? connect_io(c, &t->sqe, w, dw)
					: connect_admin(c, &t->sqe, w, dw);
}

void connect_run(struct tconn *c, struct tcmd *t)
{
	bool no_flow = *sqe_at(&t->sqe, 46) & CATTR_NO_FLOW_CONTROL;
	uint64_t dw = 0;
	uint16_t status = refuse_wrongly(c->s, connect_queue(c, t, &dw), &dw);

	if (!status)
		c->no_sqhd = no_flow;
	tcmd_complete(c, t, status, dw, NULL, 0);
}
