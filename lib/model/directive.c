// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Directive Send and Directive Receive. Sources: Base 2.1 Directive Receive command, Directive
 * Send command; Base 2.2 Directives, Identify (Directive Type 00h), Streams (Directive Type 01h).
 */
#include "model/directive.h"

#include <stdlib.h>

#include "model/core.h"
#include "model/feature.h"
#include "model/media.h"
#include "model/nvm.h"

#define STREAMS_MAX  64u /* of opt.msl */
#define SWS	     8u	 /* blocks */
#define SGS	     16u /* of SWS */
#define PERSISTENT   64u /* offset in Return Parameters of the Identify Directive */
#define AT_DOPER     MCMD_AT(44, 0)
#define AT_DTYPE     MCMD_AT(45, 0)
#define AT_IO_DTYPE  MCMD_AT(50, 4)
#define STATUS_BYTES (2u * 65536u)

struct streams {
	bool enabled;
	uint16_t allocated; /* for this namespace alone */
	unsigned n;
	uint16_t open[STREAMS_MAX]; /* ascending */
};

struct model_directives {
	struct streams ns[MEDIA_NS_MAX + 1];
};

struct model_directives *directives_new(struct model *m)
{
	(void)m;
	return calloc(1, sizeof(struct model_directives));
}

void directives_free(struct model_directives *d)
{
	free(d);
}

/* One controller, so one host: what it enabled goes with a Controller Level Reset. */
void directives_reset(struct model *m)
{
	static const struct streams none;
	const struct streams *ns = m->directives->ns;
	bool any = false;

	for (unsigned i = 1; i <= media_highest(m); i++)
		any |= memcmp(&ns[i], &none, sizeof(none)) != 0;

	if (any && !FAULT(m, DIRECTIVE_OUTLIVES_RESET))
		memset(m->directives->ns, 0, (media_highest(m) + 1) * sizeof(none));
}

static bool has_streams(const struct model *m)
{
	return m->opt.msl && m->opt.oacs & NVME_CTRL_OACS_DIRECTIVES;
}

static struct streams *streams_of(struct model *m, uint32_t nsid)
{
	return nsid && nsid <= MEDIA_NS_MAX ? &m->directives->ns[nsid] : NULL;
}

/* Stream resources that no namespace has for itself. */
static unsigned available(const struct model *m)
{
	unsigned n = m->opt.msl;

	for (unsigned i = 1; i <= media_highest(m); i++)
		n -= m->directives->ns[i].allocated;
	return n;
}

/* Open streams that use those. */
static unsigned open_shared(const struct model *m)
{
	unsigned n = 0;

	for (unsigned i = 1; i <= media_highest(m); i++)
		if (!m->directives->ns[i].allocated)
			n += m->directives->ns[i].n;
	return n;
}

static void release_at(struct streams *s, unsigned i)
{
	memmove(&s->open[i], &s->open[i + 1], (s->n - i - 1) * sizeof(s->open[0]));
	s->n--;
}

static void release_id(struct model *m, struct streams *s, uint16_t id)
{
	for (unsigned i = 0; i < s->n; i++)
		if (s->open[i] == id && !FAULT(m, STREAM_NOT_RELEASED))
			release_at(s, i--);
}

void directive_release(struct model *m, uint32_t nsid)
{
	struct streams *s = streams_of(m, nsid);

	if (s)
		s->n = s->allocated = 0;
}

void directive_delete(struct model *m, uint32_t nsid)
{
	struct streams *s = streams_of(m, nsid);

	if (s)
		memset(s, 0, sizeof(*s));
}

/* Room for one stream more in the namespace, which some other may have to make. False: none. */
static bool make_room(struct model *m, struct streams *s)
{
	unsigned all = available(m);

	if (s->allocated) {
		if (s->n >= s->allocated)
			release_at(s, 0);
		return true;
	}
	if (!all)
		return false;
	for (unsigned i = 1; i <= media_highest(m) && open_shared(m) >= all; i++)
		while (!m->directives->ns[i].allocated && m->directives->ns[i].n &&
		       open_shared(m) >= all)
			release_at(&m->directives->ns[i], 0);
	return true;
}

static void open_stream(struct model *m, struct streams *s, uint16_t id)
{
	unsigned i = 0;

	while (i < s->n && s->open[i] < id)
		i++;
	if ((i < s->n && s->open[i] == id) || !make_room(m, s) || FAULT(m, STREAM_NOT_OPENED))
		return;
	for (i = s->n++; i && s->open[i - 1] > id; i--)
		s->open[i] = s->open[i - 1];
	s->open[i] = id;
}

bool directive_refuses(struct mcmd *c)
{
	const struct streams *s = streams_of(c->m, c->nsid);
	unsigned dtype = le32_get(c->e.cdw12) >> 20 & 0xf;

	if (!dtype || !s || !s->enabled || dtype == NVME_DIRECTIVE_DTYPE_STREAMS ||
	    FAULT(c->m, DIRECTIVE_IO_TYPE_ANY))
		return false;
	mcmd_fail(c, SC_INVALID_FIELD, AT_IO_DTYPE);
	return true;
}

void directive_done(struct mcmd *c)
{
	struct streams *s = streams_of(c->m, c->nsid);
	unsigned dtype = le32_get(c->e.cdw12) >> 20 & 0xf;
	uint16_t id = (uint16_t)(le32_get(c->e.cdw13) >> 16);

	if (c->status == SC_SUCCESS && s && s->enabled && dtype == NVME_DIRECTIVE_DTYPE_STREAMS &&
	    id)
		open_stream(c->m, s, id);
}

/* ---- Directive Receive ---- */

static void send_structure(struct mcmd *c, const void *data, size_t len)
{
	size_t room = ((size_t)mcmd_cdw10(c) + 1) * 4, n = len < room ? len : room;

	if (mcmd_check_data(c, room))
		return;
	if (n < len && FAULT(c->m, DIRECTIVE_NUMD_IGNORED))
		n = room = len;
	if (!mcmd_to_host(c, data, 0, n, room) && FAULT(c->m, DIRECTIVE_LONG_FILLED) && n < room)
		mcmd_to_host(c, "\xdb\xdb\xdb\xdb", n, 4, room);
}

static void identify_parameters(struct mcmd *c)
{
	uint8_t page[4096] = { 0 };
	const struct streams *s = streams_of(c->m, c->nsid);

	if (!nvm_find_ns(c))
		return;
	page[0] = !FAULT(c->m, DIRECTIVE_IDENTIFY_HIDDEN);
	page[32] = !FAULT(c->m, DIRECTIVE_IDENTIFY_DISABLED);
	if (has_streams(c->m))
		page[0] |= 1 << NVME_DIRECTIVE_DTYPE_STREAMS;
	if (s && s->enabled)
		page[32] |= 1 << NVME_DIRECTIVE_DTYPE_STREAMS;
	if (FAULT(c->m, DIRECTIVE_IDENTIFY_PERSISTS))
		page[PERSISTENT] = 1;
	send_structure(c, page, sizeof(page));
}

static void streams_parameters(struct mcmd *c, const struct streams *s)
{
	struct nvme_streams_directive_params p = { .msl = le16_from((uint16_t)c->m->opt.msl) };

	p.nssa = le16_from(
		(uint16_t)(FAULT(c->m, STREAMS_NSSA_CONSTANT) ? c->m->opt.msl : available(c->m)));
	p.nsso = le16_from((uint16_t)open_shared(c->m));
	if (s) {
		p.sws = le32_from(SWS);
		p.sgs = le16_from(SGS);
		p.nsa = le16_from(s->allocated);
		p.nso = le16_from((uint16_t)s->n);
	}
	send_structure(c, &p, sizeof(p));
}

static int by_id(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Ascending; where no namespace is named, the streams of shared resources, each identifier once. */
static void streams_status(struct mcmd *c, const struct streams *s)
{
	uint16_t id[STREAMS_MAX * 2];
	uint8_t *data = calloc(1, STATUS_BYTES);
	unsigned n = 0, said = 0;

	for (unsigned i = 1; i <= media_highest(c->m); i++) {
		const struct streams *one = &c->m->directives->ns[i];

		if (s ? one != s : one->allocated)
			continue;
		for (unsigned k = 0; k < one->n && n < STREAMS_MAX * 2; k++)
			id[n++] = one->open[k];
	}
	qsort(id, n, sizeof(id[0]), by_id);
	if (!data) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		if (!i || id[i] != id[i - 1])
			le16_put(data + 2 * ++said, id[i]);
	le16_put(data, (uint16_t)said);
	send_structure(c, data, STATUS_BYTES);
	free(data);
}

static void streams_allocate(struct mcmd *c, struct streams *s)
{
	unsigned want = le32_get(c->e.cdw12) & 0xffff, room = available(c->m);

	if (!s || s->allocated) {
		mcmd_fail(c, SC_INVALID_FIELD, AT_DOPER);
		return;
	}
	if (!room && want) {
		mcmd_fail(c, SC_STREAM_ALLOCATION_FAILED, MCMD_NOWHERE);
		return;
	}
	s->n = 0;
	s->allocated = (uint16_t)(want < room ? want : room);
	c->dw0 = s->allocated;
}

/* Its streams, NULL where all namespaces are meant; false: the status is set. */
static bool find_streams(struct mcmd *c, struct streams **ret)
{
	bool all = c->nsid == NSID_ALL;

	if (!all && feature_write_protected(c->m, c->nsid))
		directive_release(c->m, c->nsid);
	*ret = all ? NULL : streams_of(c->m, c->nsid);
	if (!all && !nvm_find_ns(c))
		return false;
	if (has_streams(c->m) &&
	    (all || (*ret)->enabled || FAULT(c->m, DIRECTIVE_DISABLED_ANSWERS)))
		return true;
	mcmd_fail(c, SC_INVALID_FIELD, AT_DTYPE);
	return false;
}

static unsigned dtype_of(const struct mcmd *c)
{
	return le32_get(c->e.cdw11) >> 8 & 0xff;
}

static unsigned doper_of(const struct mcmd *c)
{
	return le32_get(c->e.cdw11) & 0xff;
}

static void fail_operation(struct mcmd *c)
{
	if (!FAULT(c->m, DIRECTIVE_OPERATION_ANY))
		mcmd_fail(c, SC_INVALID_FIELD, AT_DOPER);
}

static void fail_type(struct mcmd *c)
{
	if (!FAULT(c->m, DIRECTIVE_TYPE_ANY))
		mcmd_fail(c, SC_INVALID_FIELD, AT_DTYPE);
}

static void streams_recv(struct mcmd *c)
{
	struct streams *s;

	if (!find_streams(c, &s))
		return;
	switch (doper_of(c)) {
	case NVME_DIRECTIVE_RECEIVE_STREAMS_DOPER_PARAM:
		streams_parameters(c, s);
		break;
	case NVME_DIRECTIVE_RECEIVE_STREAMS_DOPER_STATUS:
		streams_status(c, s);
		break;
	case NVME_DIRECTIVE_RECEIVE_STREAMS_DOPER_RESOURCE:
		streams_allocate(c, s);
		break;
	default:
		fail_operation(c);
	}
}

void admin_directive_recv(struct mcmd *c)
{
	if (dtype_of(c) == NVME_DIRECTIVE_DTYPE_STREAMS)
		streams_recv(c);
	else if (dtype_of(c) != NVME_DIRECTIVE_DTYPE_IDENTIFY)
		fail_type(c);
	else if (doper_of(c) != NVME_DIRECTIVE_RECEIVE_IDENTIFY_DOPER_PARAM)
		fail_operation(c);
	else if (c->nsid == NSID_ALL && !FAULT(c->m, DIRECTIVE_IDENTIFY_OF_ALL))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	else
		identify_parameters(c);
}

/* ---- Directive Send ---- */

static void enable_at(struct model *m, struct streams *s, bool on)
{
	if (s->enabled && !on && !FAULT(m, STREAM_NOT_RELEASED))
		s->n = s->allocated = 0;
	s->enabled = on;
}

static void identify_enable(struct mcmd *c)
{
	uint32_t cdw12 = le32_get(c->e.cdw12);
	bool on = cdw12 & 1, streams;
	unsigned type = cdw12 >> 8 & 0xff;

	streams = type == NVME_DIRECTIVE_DTYPE_STREAMS && has_streams(c->m);
	if (c->nsid != NSID_ALL && !nvm_find_ns(c))
		return;
	if (!type || (on && !streams && !FAULT(c->m, DIRECTIVE_TYPE_ANY))) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(49, 0));
		return;
	}
	for (unsigned i = 1; streams && i <= media_highest(c->m); i++)
		if (c->nsid == i || c->nsid == NSID_ALL)
			enable_at(c->m, &c->m->directives->ns[i], on);
}

static void streams_send(struct mcmd *c)
{
	struct streams *s;

	if (!find_streams(c, &s))
		return;
	if (!s)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	else if (doper_of(c) == NVME_DIRECTIVE_SEND_STREAMS_DOPER_RELEASE_IDENTIFIER)
		release_id(c->m, s, (uint16_t)(le32_get(c->e.cdw11) >> 16));
	else if (doper_of(c) == NVME_DIRECTIVE_SEND_STREAMS_DOPER_RELEASE_RESOURCE)
		directive_release(c->m, c->nsid);
	else
		fail_operation(c);
}

void admin_directive_send(struct mcmd *c)
{
	if (dtype_of(c) == NVME_DIRECTIVE_DTYPE_STREAMS)
		streams_send(c);
	else if (dtype_of(c) != NVME_DIRECTIVE_DTYPE_IDENTIFY)
		fail_type(c);
	else if (doper_of(c) != NVME_DIRECTIVE_SEND_IDENTIFY_DOPER_ENDIR)
		fail_operation(c);
	else
		identify_enable(c);
}
