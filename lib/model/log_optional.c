// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Log pages that a controller may have: telemetry, endurance group, persistent events.
 * Sources: Base 2.0 Telemetry Host-Initiated, Telemetry Controller-Initiated, Endurance Group
 * Information, Persistent Event.
 */
#include "model/identify.h"
#include "model/log.h"

/* ---- 07h and 08h: one block of data in each area, none of it a secret ---- */

#define TELEMETRY_BLOCK	 512u
#define TELEMETRY_BLOCKS 1u
#define EVENT_NOTICE	 2u
#define INFO_TELEMETRY	 2u
#define LSP_CREATE	 (1u << 8) /* Dword 10 */

uint16_t log_telemetry_check(struct mcmd *c, uint64_t lpo, uint64_t bytes)
{
	struct model_logs *l = c->m->logs;
	bool host = (mcmd_cdw10(c) & 0xff) == NVME_LOG_LID_TELEMETRY_HOST;

	if (lpo % TELEMETRY_BLOCK && !FAULT(c->m, TELEMETRY_ODD_OFFSET))
		return SC_INVALID_FIELD;
	if (bytes % TELEMETRY_BLOCK && !FAULT(c->m, TELEMETRY_ODD_LENGTH))
		return SC_INVALID_FIELD;
	if (host && (mcmd_cdw10(c) & LSP_CREATE) && !FAULT(c->m, TELEMETRY_NOT_CREATED))
		l->telemetry++;
	if (host && FAULT(c->m, TELEMETRY_ALWAYS_CREATED))
		l->telemetry++;
	return SC_SUCCESS;
}

static size_t build_telemetry(struct model *m, uint8_t *page, uint8_t lid)
{
	struct nvme_telemetry_log *log = (struct nvme_telemetry_log *)page;
	uint16_t blocks = TELEMETRY_BLOCKS;

	log->lpi = lid;
	memcpy(log->ieee, identify_oui, sizeof(log->ieee));
	log->dalb1 = le16_from(FAULT(m, TELEMETRY_AREAS_FALL) ? blocks + 1 : blocks);
	log->dalb2 = log->dalb3 = le16_from(blocks);
	memcpy(log->rsnident, "nvrig", 5);
	log->hostdgn = m->logs->telemetry;
	memset(page + TELEMETRY_BLOCK, m->logs->telemetry, TELEMETRY_BLOCK);
	return TELEMETRY_BLOCK * (1 + TELEMETRY_BLOCKS);
}

size_t log_build_telemetry_host(struct model *m, uint8_t *page)
{
	return build_telemetry(m, page, NVME_LOG_LID_TELEMETRY_HOST);
}

void log_telemetry_save(struct model *m)
{
	m->logs->telemetry_own++;
	m->logs->telemetry_new = true;
	if (m->opt.oaes & OAES_TELEMETRY && !FAULT(m, TELEMETRY_UNTOLD))
		model_event(m, EVENT_NOTICE, INFO_TELEMETRY, NVME_LOG_LID_TELEMETRY_CTRL);
}

/* Nothing but log_telemetry_save() moves the controller to collect data of its own accord. */
size_t log_build_telemetry_ctrl(struct model *m, uint8_t *page)
{
	struct nvme_telemetry_log *log = (struct nvme_telemetry_log *)page;

	build_telemetry(m, page, NVME_LOG_LID_TELEMETRY_CTRL);
	log->ctrlavail = m->logs->telemetry_new;
	log->ctrldgn = m->logs->telemetry_own;
	if (!m->logs->telemetry_own)
		log->dalb1 = log->dalb2 = log->dalb3 = le16_from(0);
	if (FAULT(m, TELEMETRY_CTRL_WRONG_ID))
		log->lpi = NVME_LOG_LID_TELEMETRY_HOST;
	log->hostdgn = 0;
	memset(page + TELEMETRY_BLOCK, m->logs->telemetry_own, TELEMETRY_BLOCK);
	return TELEMETRY_BLOCK * (1 + (m->logs->telemetry_own ? TELEMETRY_BLOCKS : 0));
}

/* ---- 09h: the one endurance group ---- */

uint16_t log_endurance_check(struct mcmd *c, uint64_t lpo, uint64_t bytes)
{
	unsigned group = le32_get(c->e.cdw11) >> 16; /* LSI */

	(void)lpo;
	(void)bytes;
	if (group == IDENTIFY_ENDGID || FAULT(c->m, ENDURANCE_GROUP_ANY))
		return SC_SUCCESS;
	return SC_INVALID_FIELD;
}

size_t log_build_endurance(struct model *m, uint8_t *page)
{
	struct nvme_endurance_group_log *log = (struct nvme_endurance_group_log *)page;

	log->avl_spare = FAULT(m, ENDURANCE_SPARE_ABOVE_100) ? 101 : 100;
	log->avl_spare_threshold = 10;
	le64_put(log->host_read_cmds, m->logs->smart.host_reads);
	le64_put(log->host_write_cmds, m->logs->smart.host_writes);
	return sizeof(*log);
}

/* ---- 0Dh: a snapshot of SMART, taken when the context is established ---- */

#define LSP_ACTION(cdw10) ((cdw10) >> 8 & 3u)
#define EVENT_SMART	  0x01u
#define EVENT_BYTES	  512u

enum { PEL_READ, PEL_ESTABLISH, PEL_RELEASE };

uint16_t log_persistent_check(struct mcmd *c, uint64_t lpo, uint64_t bytes)
{
	struct model_logs *l = c->m->logs;
	unsigned action = LSP_ACTION(mcmd_cdw10(c));

	(void)lpo;
	(void)bytes;
	if (action > PEL_RELEASE)
		return SC_INVALID_FIELD;
	if (action == PEL_READ && !l->pel_context && !FAULT(c->m, PEL_READ_WITHOUT_CONTEXT))
		return SC_SEQUENCE_ERROR;
	if (action == PEL_ESTABLISH && l->pel_context && !FAULT(c->m, PEL_CONTEXT_TWICE))
		return SC_SEQUENCE_ERROR;
	if (action == PEL_ESTABLISH)
		smart_build(c->m, l->pel_snapshot);
	if (action != PEL_READ)
		l->pel_context = action == PEL_ESTABLISH;
	return SC_SUCCESS;
}

static void pel_header(struct model *m, struct nvme_persistent_event_log *log, size_t total)
{
	const struct model_logs *l = m->logs;

	log->lid = NVME_LOG_LID_PERSISTENT_EVENT;
	log->tnev = le32_from(1);
	log->tll = le64_from(total + FAULT(m, PEL_LENGTH_WRONG));
	log->rv = 1;
	log->lhl = le16_from(sizeof(*log) - 20); /* what comes after this field */
	log->pcc = le64_from(l->smart.power_cycles);
	log->vid = le16_from(MODEL_PCI_VID);
	log->ssvid = le16_from(MODEL_PCI_SSVID);
	log->seb[0] = 1u << EVENT_SMART;
}

size_t log_build_persistent(struct model *m, uint8_t *page)
{
	struct nvme_persistent_event_log *log = (struct nvme_persistent_event_log *)page;
	struct nvme_persistent_event_entry *e =
		(struct nvme_persistent_event_entry *)(page + sizeof(*log));
	size_t total = sizeof(*log) + sizeof(*e) + EVENT_BYTES;

	pel_header(m, log, total);
	e->etype = EVENT_SMART;
	e->etype_rev = 1;
	e->ehl = sizeof(*e) - 3;
	e->cntlid = le16_from(model_cntlid(m));
	e->el = le16_from(EVENT_BYTES);
	memcpy(e + 1, m->logs->pel_snapshot, EVENT_BYTES);
	return total;
}
