// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is told of reservations: the Reservation Report command, and the notices of a controller.
 * Source: Base 2.2 Reservation Report command, Reservation Notifications; Base 2.0 Reservation
 * Notification (Log Identifier 80h).
 */
#include "model/feature.h"
#include "model/nvm.h"
#include "model/resv_state.h"

#define HEAD	   24u
#define HEAD_EXT   64u
#define ENTRY	   24u
#define ENTRY_EXT  64u
#define HOLDER	   1u
#define NO_CNTLID  0xffffu
#define EVENT_IO   6u
#define EVENT_INFO 0u

/* ---- Reservation Report ---- */

static void fill_entry(struct mcmd *c, uint8_t *at, const struct registrant *r,
		       const struct resv_ns *v, bool extended)
{
	const struct model *m = resv_controller(c->m, &r->host, 0);
	bool all = v->type == NVME_RESERVATION_RTYPE_WEAR || v->type == NVME_RESERVATION_RTYPE_EAAR;

	le16_put(at, m ? model_cntlid(m) : NO_CNTLID);
	if (FAULT(c->m, RESV_REPORT_OWN_CNTLID))
		le16_put(at, model_cntlid(c->m));
	at[2] = v->type && (r->holds || all) && !FAULT(c->m, RESV_REPORT_NO_HOLDER) ? HOLDER : 0;
	if (extended) {
		le64_put(at + 8, r->key);
		memcpy(at + 16, r->host.id, 16);
	} else {
		memcpy(at + 8, r->host.id, 8);
		le64_put(at + 16, r->key);
	}
}

static size_t build(struct mcmd *c, const struct resv_ns *v, bool extended, uint8_t *page)
{
	size_t at = extended ? HEAD_EXT : HEAD, entry = extended ? ENTRY_EXT : ENTRY;
	unsigned n = 0;

	for (unsigned i = 0; i < RESV_HOSTS; i++) {
		if (!v->reg[i].used || (n && FAULT(c->m, RESV_REPORT_FIRST_ALONE)))
			continue;
		fill_entry(c, page + at, &v->reg[i], v, extended);
		at += entry;
		n++;
	}
	le32_put(page, v->generation);
	page[4] = v->type;
	le16_put(page + 5, (uint16_t)n);
	page[9] = feature_ptpl(c->m, c->nsid) && !FAULT(c->m, RESV_REPORT_NO_PTPLS);
	return at;
}

void nvm_resv_report(struct mcmd *c)
{
	uint8_t page[HEAD_EXT + RESV_HOSTS * ENTRY_EXT + 4] = { 0 };
	uint64_t bytes = (mcmd_cdw10(c) + 1ull) * 4;
	bool eds = le32_get(c->e.cdw11) & 1;
	struct resv_host host;
	size_t len;

	if (!nvm_find_ns(c))
		return;
	resv_host_of(c->m, &host);
	if (eds != host.extended && !FAULT(c->m, RESV_REPORT_EDS_UNCHECKED)) {
		mcmd_fail(c, SC_HOST_ID_FORMAT, MCMD_AT(44, 0));
		return;
	}
	len = build(c, resv_of(c->m, c->nsid), eds, page);
	if (FAULT(c->m, RESV_REPORT_OVERRUN))
		len += 4;
	if (bytes > len)
		bytes = len;
	if (!mcmd_check_data(c, bytes))
		mcmd_to_host(c, page, 0, bytes, bytes);
}

/* ---- notices ---- */

void resv_notify(struct model *m, uint32_t nsid, enum resv_notice what)
{
	struct resv_notices *n = &m->resv->notices[m->index];

	if (!media_ns(m, nsid) ||
	    (feature_resv_mask(m, nsid) >> what & 1 && !FAULT(m, RESV_MASK_IGNORED)))
		return;
	n->count = n->count == UINT64_MAX ? 1 : n->count + 1;
	if (n->n == RESV_NOTICES)
		return;
	n->at[n->n].nsid = nsid;
	n->at[n->n++].what = (uint8_t)what;
	if (!FAULT(m, RESV_EVENT_MISSING))
		model_event(m, EVENT_IO, EVENT_INFO, NVME_LOG_LID_RESERVATION);
}

size_t resv_log(struct model *m, uint8_t *page)
{
	const struct resv_notices *n = &m->resv->notices[m->index];
	struct nvme_resv_notification_log *log = (struct nvme_resv_notification_log *)page;
	unsigned i = FAULT(m, RESV_LOG_NEWEST_FIRST) && n->n ? n->n - 1 : 0;

	if (n->n) {
		log->lpc = le64_from(n->count - n->n + 1 + i);
		log->rnlpt = n->at[i].what;
		log->nalp = (uint8_t)(n->n - 1);
		log->nsid = le32_from(n->at[i].nsid);
	}
	return sizeof(*log);
}

void resv_log_read(struct model *m)
{
	struct resv_notices *n = &m->resv->notices[m->index];

	if (!n->n || FAULT(m, RESV_LOG_NOT_CONSUMED))
		return;
	n->n--;
	if (!FAULT(m, RESV_LOG_NEWEST_FIRST))
		memmove(n->at, n->at + 1, n->n * sizeof(n->at[0]));
}
