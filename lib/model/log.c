// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Get Log Page and the error log. Sources: Base 2.0 Get Log Page command, Error Information,
 * Firmware Slot Information, Supported Log Pages.
 */
#include "model/log.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "model/ana.h"
#include "model/claim.h"
#include "model/resv.h"
#include "model/firmware.h"
#include "model/sanitize.h"
#include "model/selftest.h"
#include "model/zns.h"

#define FIRST_UNITS 1 /* the factory's: a Data Units field of zero would mean "not reported" */

static size_t build_supported(struct model *m, uint8_t *page);
static size_t build_error(struct model *m, uint8_t *page);
static size_t build_mi(struct model *m, uint8_t *page);
static size_t build_lba_status(struct model *m, uint8_t *page);

/* Every page there is. A builder fills a zeroed page and returns its size. */
static const struct log_page {
	uint8_t lid;
	uint32_t since; /* VS */
	size_t (*build)(struct model *m, uint8_t *page);
	/* the status for what only this page has: indexes, contexts; may be NULL */
	uint16_t (*check)(struct mcmd *c, uint64_t lpo, uint64_t bytes);
} pages[] = {
	{ 0x00, VS(2, 0, 0), build_supported, NULL },
	{ 0x01, VS(1, 0, 0), build_error, NULL },
	{ 0x02, VS(1, 0, 0), smart_build, NULL },
	{ 0x03, VS(1, 0, 0), firmware_log, NULL },
	{ 0x04, VS(1, 2, 0), nsmgmt_build_changed, NULL },
	{ 0x05, VS(1, 2, 0), effects_commands, NULL },
	{ 0x06, VS(1, 3, 0), selftest_log, NULL },
	{ 0x07, VS(1, 3, 0), log_build_telemetry_host, log_telemetry_check },
	{ 0x08, VS(1, 3, 0), log_build_telemetry_ctrl, log_telemetry_check },
	{ 0x09, VS(1, 4, 0), log_build_endurance, log_endurance_check },
	{ 0x0c, VS(1, 4, 0), ana_log, ana_log_check },
	{ 0x0d, VS(1, 4, 0), log_build_persistent, log_persistent_check },
	{ 0x0e, VS(1, 4, 0), build_lba_status, NULL },
	{ 0x81, VS(1, 3, 0), sanitize_log, NULL },
	{ 0x12, VS(2, 0, 0), effects_features, NULL },
	{ 0x13, VS(2, 0, 0), build_mi, NULL },
	{ 0x80, VS(1, 1, 0), resv_log, NULL },
};

struct model_logs *logs_new(struct model *m)
{
	struct model_logs *l = calloc(1, sizeof(*l));

	(void)m;
	if (!l)
		return NULL;
	l->smart.read_units = l->smart.written_units = FIRST_UNITS;
	l->shut_down = true;
	return l;
}

void logs_free(struct model_logs *l)
{
	free(l);
}

void logs_reset(struct model *m, enum model_reset kind)
{
	smart_reset(m, kind);
	m->logs->resets += kind == MODEL_RESET_CC || kind == MODEL_RESET_FLR;
	/* Thresholds are at their defaults again; whatever is true then is no news. */
	m->logs->hot = false;
	m->logs->pel_context = false;
	if (m->logs->errors && FAULT(m, ERROR_COUNT_RESTARTS))
		m->logs->errors = 0;
}

/* ---- the error log ---- */

static uint64_t slba(const struct mcmd *c)
{
	return le32_get(c->e.cdw10) | (uint64_t)le32_get(c->e.cdw11) << 32;
}

void logs_add_error(struct model *m, struct mcmd *c, uint16_t sqhd)
{
	struct model_logs *l = m->logs;
	unsigned dnr_more = (unsigned)c->dnr << 15 | 1u << 14;
	struct nvme_error_log_page *e;

	(void)sqhd;
	c->more = true;
	if (FAULT(m, ERROR_ENTRY_MISSING) ||
	    (l->errors > m->opt.elpe && FAULT(m, ERROR_LOG_FULL_STOPS)))
		return;
	e = &l->error[l->errors++ % (m->opt.elpe + 1)];
	*e = (struct nvme_error_log_page){
		.error_count =
			le64_from(l->errors > 1 && FAULT(m, ERROR_COUNT_STUCK) ? 1 : l->errors),
		.sqid = le16_from(c->sqid),
		.cmdid = le16_from((uint16_t)(c->cid + FAULT(m, ERROR_ENTRY_WRONG_CID))),
		.status_field = le16_from((uint16_t)(c->status << 1 | dnr_more)),
		.parm_error_location = le16_from(c->error_location),
		.lba = le64_from(c->sqid && FAULT(m, ERROR_ENTRY_FIRST_LBA) ? slba(c)
									    : c->error_lba),
		.nsid = le32_from(c->sqid && FAULT(m, ERROR_ENTRY_NO_NSID) ? 0 : c->nsid),
		.cs = le64_from(c->specific),
	};
}

static size_t build_error(struct model *m, uint8_t *page)
{
	const struct model_logs *l = m->logs;
	struct nvme_error_log_page *out = (struct nvme_error_log_page *)page;

	for (unsigned i = 0; i <= m->opt.elpe && i < l->errors; i++)
		out[i] = l->error[(l->errors - 1 - i) % (m->opt.elpe + 1)];
	for (unsigned i = 0; sanitize_hides_lba(m) && i <= m->opt.elpe; i++)
		out[i].lba = le64_from(0);
	return (m->opt.elpe + 1) * sizeof(l->error[0]);
}

/* ---- other pages ---- */

static const struct log_page *page_find(const struct model *m, uint8_t lid)
{
	for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
		if (pages[i].lid == lid && m->opt.vs >= pages[i].since && claim_log(m, lid))
			return &pages[i];
	return NULL;
}

static size_t build_supported(struct model *m, uint8_t *page)
{
	for (unsigned lid = 0; lid < 256; lid++)
		if (page_find(m, (uint8_t)lid))
			le32_put(page + lid * 4, 1); /* LSUPP; IOS 0 */
	if (FAULT(m, SUPPORTED_PAGES_MISSING))
		le32_put(page + NVME_LOG_LID_FW_SLOT * 4, 0);
	if (FAULT(m, SUPPORTED_PAGES_EXTRA))
		le32_put(page + NVME_LOG_LID_PREDICTABLE_LAT_NVMSET * 4, 1);
	return 1024;
}

/* NVMe-MI Commands Supported and Effects: LPA bit 5 promises the page. */
static size_t build_mi(struct model *m, uint8_t *page)
{
	if (m->opt.oacs & NVME_CTRL_OACS_NVME_MI)
		le32_put(page, NVME_CMD_EFFECTS_CSUPP); /* Read NVMe-MI Data Structure */
	return 4096;
}

/* No range is recommended: Get LBA Status of a namespace tells all there is, at once. */
static size_t build_lba_status(struct model *m, uint8_t *page)
{
	(void)m;
	le32_put(page, 16);
	le32_put(page + 8, 0xffffffff); /* no estimate of how many blocks there are */
	return 16;
}

/* ---- Get Log Page ---- */

struct log_read {
	const struct log_page *page; /* NULL: all zeroes, for faults */
	uint64_t lpo, bytes;
	uint8_t data[LOG_PAGE_MAX];
	size_t len;
};

static bool asks_zoned_effects(const struct mcmd *c, const struct log_page *page)
{
	return page->lid == NVME_LOG_LID_CMD_EFFECTS && c->m->opt.zns &&
	       le32_get(c->e.cdw14) >> 24 == CSI_ZNS;
}

static bool fields_wrong(struct mcmd *c, const struct log_read *r)
{
	uint32_t cdw14 = le32_get(c->e.cdw14);
	bool nsid_wrong = c->nsid && c->nsid != NSID_ALL && !FAULT(c->m, LOG_NSID_IGNORED);
	bool indexed = cdw14 & 1u << 23 && !FAULT(c->m, LOG_OT_IGNORED);
	uint16_t status;

	if (nsid_wrong || (!c->nsid && FAULT(c->m, LOG_NSID_ZERO_REFUSED)))
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(4, 0));
	else if (indexed) /* OT: no page here takes an index */
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(58, 7));
	else if (cdw14 >> 24 && r->page->lid == NVME_LOG_LID_CMD_EFFECTS &&
		 !asks_zoned_effects(c, r->page))
		mcmd_fail(c, SC_IOCS_UNSUPPORTED, MCMD_AT(59, 0));
	else if (r->lpo & 3)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(48, 0));
	else if (!FAULT(c->m, LOG_MDTS_UNCHECKED))
		mcmd_check_data(c, r->bytes);
	if (c->status || !r->page->check)
		return c->status != SC_SUCCESS;
	status = r->page->check(c, r->lpo, r->bytes);
	if (status)
		mcmd_fail(c, status, MCMD_AT(40, 0));
	return status != SC_SUCCESS;
}

/* Surplus dwords are zero; the specification leaves them open. */
static void send(struct mcmd *c, struct log_read *r)
{
	uint8_t part[LOG_PAGE_MAX];

	for (uint64_t done = 0; done < r->bytes; done += sizeof(part)) {
		size_t n = r->bytes - done < sizeof(part) ? r->bytes - done : sizeof(part);
		uint64_t from = r->lpo + done;
		size_t have = from >= r->len ? 0 : r->len - from < n ? r->len - from : n;

		if (have)
			memcpy(part, r->data + from, have);
		memset(part + have, 0, n - have);
		if (have < n && FAULT(c->m, LOG_SURPLUS_LEAK))
			memset(part + have, (int)(++c->m->logs->noise | 0x80), n - have);
		if (mcmd_to_host(c, part, done, n, r->bytes))
			return;
	}
}

static void send_unsupported(struct mcmd *c, struct log_read *r)
{
	if ((FAULT(c->m, LOG_UNSUPPORTED_ACCEPTED) || FAULT(c->m, LOG_UNSUPPORTED_WRITES)) &&
	    !mcmd_check_data(c, r->bytes))
		send(c, r);
	if (!FAULT(c->m, LOG_UNSUPPORTED_ACCEPTED))
		mcmd_fail(c, SC_LOG_PAGE_INVALID, MCMD_AT(40, 0));
}

static void was_read(struct model *m, uint8_t lid)
{
	if (lid == NVME_LOG_LID_CHANGED_NS)
		nsmgmt_changed_read(m);
	if (lid == NVME_LOG_LID_RESERVATION)
		resv_log_read(m);
	if (lid == NVME_LOG_LID_TELEMETRY_CTRL)
		m->logs->telemetry_new = false;
	model_event_log_read(m, lid);
}

void admin_get_log(struct mcmd *c)
{
	struct model *m = c->m;
	uint32_t cdw10 = mcmd_cdw10(c), cdw12 = le32_get(c->e.cdw12);
	uint64_t numd_z = cdw10 >> 16 | (uint64_t)(le32_get(c->e.cdw11) & 0xffff) << 16;
	struct log_read r = {
		.page = page_find(m, cdw10 & 0xff),
		.lpo = cdw12 | (uint64_t)le32_get(c->e.cdw13) << 32,
		.bytes = (numd_z + 1) * 4,
	};

	smart_activity(m);
	if (!(m->opt.lpa & NVME_CTRL_LPA_EXTENDED) || FAULT(m, LPO_UNCLAIMED_OVERRUN)) {
		r.lpo = 0;
		r.bytes = ((cdw10 >> 16 & 0xfff) + 1) * 4;
	}
	if (numd_z >> 16 && FAULT(m, NUMD_16_BIT))
		r.bytes = (numd_z & 0xffff) * 4 + 4;
	if ((r.bytes % 64 && FAULT(m, NUMD_ROUNDED_UP)) ||
	    (cdw12 && FAULT(m, LPO_UNCLAIMED_OVERRUN)))
		r.bytes = (r.bytes + 63) / 64 * 64;
	if (!r.page) {
		send_unsupported(c, &r);
		return;
	}
	if (fields_wrong(c, &r))
		return;
	r.len = r.page->build(m, r.data);
	if (asks_zoned_effects(c, r.page))
		zns_effects(m, r.data);
	if (r.lpo > r.len && !FAULT(m, LPO_UNBOUNDED)) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(48, 0));
		return;
	}
	if (r.lpo && FAULT(m, LPO_IGNORED))
		r.lpo = 0;
	if (r.lpo + r.bytes > r.len && FAULT(m, LOG_PART_WRONG_BEYOND_END))
		memset(r.data, 0, 16);
	send(c, &r);
	if (!c->status && (!(cdw10 >> 15 & 1) || FAULT(m, AER_RETAIN_IGNORED)))
		was_read(m, r.page->lid);
}
