// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The discovery controller: one entry, the subsystem that is served here.
 * Source: Base 2.2 Discovery Controller, Discovery Log Page; TCP Transport 1.0 Transport Specific
 * Address Subtype.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/tcp_serve.h"

#define VERSION	     VS(2, 0, 0)
#define KAS	     10u /* a second */
#define OAES_CHANGE  (1u << 31)
#define TRTYPE_TCP   3u
#define ADRFAM_IPV4  1u
#define ADRFAM_IPV6  2u
#define SUBTYPE_NVM  2u
#define TREQ_PLAIN   2u /* a secure channel is not required */
#define TREQ	     (TREQ_PLAIN | TREQ_NO_FLOW_CONTROL | TREQ_ZERO_HOSTID)
#define EVENT_CONFIG 0x0bu
#define KEEP_ALIVE   0x0fu

/* ---- properties ---- */

int discovery_property_get(struct tassoc *a, uint32_t off, unsigned width, uint64_t *ret)
{
	if (off == REG_CAP && width == 64)
		*ret = (TDEV_ADMIN_ENTRIES - 1) | 1u << 16 | 1u << 24 | 1ull << 37;
	else if (off == REG_VS && width == 32)
		*ret = VERSION;
	else if (off == REG_CC && width == 32)
		*ret = a->cc;
	else if (off == REG_CSTS && width == 32)
		*ret = a->csts;
	else
		return -EINVAL;
	return 0;
}

int discovery_property_set(struct tassoc *a, uint32_t off, unsigned width, uint64_t value)
{
	if (off != REG_CC || width != 32)
		return -EINVAL;
	a->cc = (uint32_t)value;
	a->csts = a->cc & CC_EN ? CSTS_RDY : 0;
	if (a->cc & CC_SHN_MASK)
		a->csts |= 2u << 2;
	return 0;
}

bool discovery_is_dead(const struct tassoc *a, uint64_t now_ns)
{
	return !a->d && a->kato_ms && now_ns - a->alive_ns > a->kato_ms * NS_PER_MS;
}

/* ---- Identify ---- */

static void padded(char *to, size_t len, const char *text)
{
	memset(to, ' ', len);
	memcpy(to, text, strlen(text) < len ? strlen(text) : len);
}

static void identify(struct tconn *c, struct tcmd *t)
{
	struct nvme_id_ctrl id = { .cntlid = le16_from(c->a->cntlid),
				   .ver = le32_from(VERSION),
				   .oaes = le32_from(OAES_CHANGE),
				   .kas = le16_from(KAS),
				   .cntrltype = NVME_CTRL_CNTRLTYPE_DISCOVERY,
				   .aerl = DISCOVERY_AERS - 1,
				   .maxcmd = le16_from(TDEV_ADMIN_ENTRIES),
				   .sgls = le32_from(1u | 1u << 20 | 1u << 21),
				   .ioccsz = le32_from(4),
				   .iorcsz = le32_from(1),
				   .msdbd = 1,
				   .lpa = NVME_CTRL_LPA_EXTENDED };

	if ((le32_get(t->sqe.cdw10) & 0xff) != NVME_IDENTIFY_CNS_CTRL || le32_get(t->sqe.nsid)) {
		tcmd_complete(c, t, SC_INVALID_FIELD, 0, NULL, 0);
		return;
	}
	if (TFAULT(c->s, DISCOVERY_TYPE_IO))
		id.cntrltype = NVME_CTRL_CNTRLTYPE_IO;
	padded(id.sn, sizeof(id.sn), "NVRIGDISCOVERY");
	padded(id.mn, sizeof(id.mn), "nvrig discovery controller");
	padded(id.fr, sizeof(id.fr), "1");
	memcpy(id.subnqn, DISCOVERY_NQN, sizeof(DISCOVERY_NQN));
	tcmd_complete(c, t, SC_SUCCESS, 0, &id, t->len < sizeof(id) ? t->len & ~3u : sizeof(id));
}

/* ---- the log ---- */

/* Where the host itself has reached us: the address that it can be told. */
static void address(const struct tconn *c, struct discovery_entry *e)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);
	char text[INET6_ADDRSTRLEN] = "", port[8];
	const struct sockaddr_in *in = (const struct sockaddr_in *)&at;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&at;
	bool six;

	getsockname(c->link.fd, (struct sockaddr *)&at, &len);
	six = at.ss_family == AF_INET6;
	e->adrfam = six ? ADRFAM_IPV6 : ADRFAM_IPV4;
	inet_ntop(at.ss_family, six ? (const void *)&in6->sin6_addr : &in->sin_addr, text,
		  sizeof(text));
	snprintf(port, sizeof(port), "%u", ntohs(six ? in6->sin6_port : in->sin_port));
	padded(e->traddr, sizeof(e->traddr), text);
	padded(e->trsvcid, sizeof(e->trsvcid), port);
}

static void fill_log(const struct tconn *c, uint8_t *log)
{
	struct discovery_header *h = (struct discovery_header *)log;
	struct discovery_entry *e = (struct discovery_entry *)(log + sizeof(*h));

	h->genctr = le64_from(TFAULT(c->s, DISCOVERY_GENCTR_MOVES) ? c->capsules : 1);
	h->numrec = le64_from(1);
	e->trtype = TRTYPE_TCP;
	e->subtype = SUBTYPE_NVM;
	e->treq = TREQ;
	e->portid = le16_from(1);
	e->cntlid = le16_from(c->s->o.is_static ? CNTLID_STATIC : CNTLID_DYNAMIC);
	e->asqsz = le16_from(TFAULT(c->s, DISCOVERY_ASQSZ_SMALL) ? 16 : TDEV_ADMIN_ENTRIES);
	memcpy(e->subnqn, model_nqn, strlen(model_nqn));
	address(c, e);
	if (TFAULT(c->s, DISCOVERY_UNPADDED))
		memset(e->trsvcid + 8, 0xff, sizeof(e->trsvcid) - 8);
}

static void get_log(struct tconn *c, struct tcmd *t)
{
	uint8_t log[DISCOVERY_HEADER + DISCOVERY_ENTRY] = { 0 };
	uint64_t off = le32_get(t->sqe.cdw12) | (uint64_t)le32_get(t->sqe.cdw13) << 32;
	uint64_t n =
		((uint64_t)(le32_get(t->sqe.cdw11) & 0xffff) << 16 | le32_get(t->sqe.cdw10) >> 16) +
		1;
	uint8_t *data;

	if ((le32_get(t->sqe.cdw10) & 0xff) != DISCOVERY_LID) {
		tcmd_complete(c, t, SC_LOG_PAGE_INVALID, 0, NULL, 0);
		return;
	}
	n *= 4;
	if (off > sizeof(log) || off % 4 || n > t->len) {
		tcmd_complete(c, t, n > t->len ? SC_SGL_DATA_LENGTH_INVALID : SC_INVALID_FIELD, 0,
			      NULL, 0);
		return;
	}
	fill_log(c, log);
	data = calloc(1, n);
	if (data && off < sizeof(log))
		memcpy(data, log + off, n < sizeof(log) - off ? n : sizeof(log) - off);
	tcmd_complete(c, t, data ? SC_SUCCESS : SC_INTERNAL_ERROR, 0, data, n);
	free(data);
}

/* ---- the rest ---- */

static void features(struct tconn *c, struct tcmd *t)
{
	bool set = t->sqe.opcode == nvme_admin_set_features;
	uint8_t fid = le32_get(t->sqe.cdw10) & 0xff;
	uint32_t *v = fid == EVENT_CONFIG ? &c->a->aec : fid == KEEP_ALIVE ? &c->a->kato_ms : NULL;

	if (v && set)
		*v = le32_get(t->sqe.cdw11);
	tcmd_complete(c, t, v ? SC_SUCCESS : SC_INVALID_FIELD, v && !set ? *v : 0, NULL, 0);
}

static void hold(struct tconn *c, struct tcmd *t)
{
	unsigned held = 0;

	for (const struct tcmd *other = c->first; other; other = other->next)
		held += other->state == TCMD_OURS;
	if (held == DISCOVERY_AERS)
		tcmd_complete(c, t, SC_AER_LIMIT, 0, NULL, 0);
	else
		t->state = TCMD_OURS; /* what it waits for does not happen here */
}

void discovery_run(struct tconn *c, struct tcmd *t)
{
	if (!(c->a->csts & CSTS_RDY)) {
		tcmd_complete(c, t, SC_SEQUENCE_ERROR, 0, NULL, 0);
		return;
	}
	switch (t->sqe.opcode) {
	case nvme_admin_identify:
		return identify(c, t);
	case nvme_admin_get_log_page:
		return get_log(c, t);
	case nvme_admin_get_features:
	case nvme_admin_set_features:
		return features(c, t);
	case nvme_admin_async_event:
		return hold(c, t);
	case nvme_admin_keep_alive:
		c->a->alive_ns = clock_mono_ns();
		return tcmd_complete(c, t, SC_SUCCESS, 0, NULL, 0);
	default:
		tcmd_complete(c, t,
			      TFAULT(c->s, DISCOVERY_FORMAT_DONE) ? SC_SUCCESS : SC_INVALID_OPCODE,
			      0, NULL, 0);
	}
}
