// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may come of admin commands. Sources: Base 2.0 and 2.2, the section of each command; where
 * they differ the claimed version decides, and what only a later one demands is legal either way.
 */
#include "spec/cns.h"
#include "spec/feature.h"
#include "spec/log.h"
#include "spec/oracle_parts.h"

#define CSI_NVM	      0u
#define CSI_LAST      4u    /* command sets of published revisions */
#define CSI_VENDOR    0x30u /* and from here on the vendor's */
#define NSID_LIST_END 0xfffffffeu
#define OT	      (1u << 23)

/* ---- namespaces of commands that use them by another field ---- */

static void any_nsid(const struct asked *q, const char *why)
{
	asked_may(q, SC_INVALID_NS, why);
	asked_may(q, SC_INVALID_FIELD, why);
}

static bool is_valid_nsid(const struct asked *q)
{
	return q->nsid && q->nsid <= le32_get(q->c->id.nn);
}

/* A shall since 2.2. */
static void unused_nsid(const struct asked *q)
{
	if (!q->nsid)
		return;
	if (q->c->vs >= VS(2, 2, 0))
		asked_must(q, SC_INVALID_FIELD, "NSID: not used", "Base 2.2 Common Command Format");
	any_nsid(q, "NSID: not used");
}

/* ---- Identify ---- */

static void identify_ns(const struct asked *q, const struct spec_cns *s)
{
	if (is_valid_nsid(q)) {
		/* of another command set, or not active where the list or an older text says so */
		if (s->value.from || !spec_ns(q->c, q->nsid))
			any_nsid(q, "NSID");
	} else if (q->nsid != NSID_ALL) {
		asked_must(q, SC_INVALID_NS, "NSID: invalid", s->ref);
	} else {
		any_nsid(q, "NSID FFFFFFFFh");
		if (!s->value.from && !spec_has(q->c, CLAIM_OACS_NS_MGMT))
			asked_must(q, SC_INVALID_NS, "NSID FFFFFFFFh", s->ref);
	}
}

static void identify_nsid(const struct asked *q, const struct spec_cns *s)
{
	switch (s->nsid) {
	case CNS_NSID_UNUSED:
		unused_nsid(q);
		break;
	case CNS_NSID_NS:
		identify_ns(q, s);
		break;
	case CNS_NSID_FROM:
		if (q->nsid < NSID_LIST_END)
			break;
		asked_must(q, SC_INVALID_NS, "NSID: no list begins there", s->ref);
		asked_may(q, SC_INVALID_FIELD, "NSID");
		break;
	case CNS_NSID_ACTIVE:
		if (!is_valid_nsid(q))
			asked_must(q, SC_INVALID_NS, "NSID: invalid", s->ref);
		if (!spec_ns(q->c, q->nsid))
			any_nsid(q, "NSID: not active");
		break;
	}
}

static void may_be_wrong_csi(const struct asked *q)
{
	asked_may(q, SC_INVALID_FIELD, "CSI");
	asked_may(q, SC_IOCS_UNSUPPORTED, "CSI");
	asked_may(q, SC_IOCS_NOT_ENABLED, "CSI");
	asked_may(q, SC_IOCS_INVALID, "CSI");
}

/* Which command sets there are is told elsewhere; the NVM Command Set may be missing as well. */
static void csi(const struct asked *q)
{
	uint64_t v = asked_field(q, "CSI");

	if (v == CSI_NVM && CAP_CSS(q->c->cap) & 0x41)
		return;
	may_be_wrong_csi(q);
	if (v > CSI_LAST && v < CSI_VENDOR)
		asked_fails(q, SC_INVALID_FIELD, "CSI: reserved", "Base 2.0 Identify command");
}

static void identify(const struct asked *q)
{
	const struct spec_cns *s = spec_cns((uint8_t)asked_field(q, "CNS"));
	const struct spec_value *row;

	asked_data(q, 4096);
	if (!asked_value(q, spec_field_of(q->command, "CNS")) || !s)
		return;
	if (spec_field_say(q->c, spec_field_of(q->command, "CNS"), s->value.from, &row) !=
	    SAY_LEGAL) {
		any_nsid(q, "NSID");
		return;
	}
	if (!s->mandatory)
		asked_may(q, SC_INVALID_FIELD, "CNS: optional");
	identify_nsid(q, s);
	if (s->csi)
		csi(q);
	if (s->cntid || asked_field(q, "UUIDX") || asked_field(q, "CNSSID"))
		asked_may(q, SC_INVALID_FIELD, "CNTID, CNSSID or UUIDX");
}

/* ---- Features ---- */

static const struct spec_feature *feature(const struct asked *q)
{
	const struct spec_field *fid = spec_field_of(q->command, "FID");
	const struct spec_value *row;

	if (!asked_value(q, fid))
		return NULL;
	if (spec_field_say(q->c, fid, spec_field_get(fid, q->e), &row) != SAY_LEGAL) {
		/* may be there or not, and nothing more is known of it */
		any_nsid(q, "NSID");
		asked_data(q, 1);
		return NULL;
	}
	return spec_feature((uint8_t)spec_field_get(fid, q->e));
}

static void feature_namespace(const struct asked *q, bool lenient)
{
	if (q->nsid == NSID_ALL || lenient)
		any_nsid(q, "NSID");
	else
		asked_namespace(q, true);
}

static void get_features(const struct asked *q)
{
	uint64_t sel = asked_field(q, "SEL");
	bool known = asked_value(q, spec_field_of(q->command, "SEL"));
	const struct spec_feature *f = feature(q);

	if (asked_field(q, "UUIDX"))
		asked_may(q, SC_INVALID_FIELD, "UUIDX");
	if (!f)
		return;
	if (!known || sel)
		asked_may(q, SC_INVALID_FIELD, "SEL");
	if (f->pcie && !q->c->pcie)
		asked_may(q, SC_INVALID_FIELD, "FID: a feature of PCIe");
	if (f->scope == SCOPE_NAMESPACE)
		feature_namespace(q, sel == NVME_GET_FEATURES_SEL_SUPPORTED);
	else if (q->nsid) {
		any_nsid(q, "NSID: the feature is not a namespace's");
		asked_may(q, SC_FEATURE_NOT_PER_NS, "NSID: the feature is not a namespace's");
	}
	if (f->scope == SCOPE_OTHER || asked_dword(q, 11))
		asked_may(q, SC_INVALID_FIELD, "Dword 11");
	if (sel != NVME_GET_FEATURES_SEL_SUPPORTED)
		asked_data(q, f->get_bytes);
}

static bool has_queues(const struct oracle_state *s)
{
	for (unsigned i = 0; i < ORACLE_QUEUES; i++)
		if (s->sq[i] || s->cq[i])
			return true;
	return false;
}

/* What the field's table does not have: limits that the controller claims, and state. */
static void set_by_state(const struct asked *q)
{
	uint32_t v = asked_dword(q, 11);

	switch (asked_field(q, "FID")) {
	case NVME_FEAT_FID_POWER_MGMT:
		if ((v & 0x1f) > q->c->id.npss)
			asked_fails(q, SC_INVALID_FIELD, "PS: more than NPSS",
				    "Base 2.0 Power Management (Feature Identifier 02h)");
		break;
	case NVME_FEAT_FID_NUM_QUEUES:
		if (has_queues(q->s) || asked_doubts(q, ORACLE_OF_QUEUES))
			asked_may(q, SC_SEQUENCE_ERROR, "I/O queues exist");
		break;
	case NVME_FEAT_FID_IRQ_CONFIG:
		asked_may(q, SC_INVALID_FIELD, "IV");
		break;
	case NVME_FEAT_FID_HOST_MEM_BUF:
		asked_may(q, SC_INVALID_FIELD, "HSIZE, HMDLEC");
		asked_may(q, SC_SEQUENCE_ERROR, "EHM");
		break;
	case NVME_FEAT_FID_KATO:
		asked_may(q, SC_KEEP_ALIVE_INVALID, "KATO");
		asked_may(q, SC_INVALID_FIELD, "KATO");
		break;
	case NVME_FEAT_FID_HCTM:
		asked_may(q, SC_INVALID_FIELD, "TMT1, TMT2");
		break;
	case NVME_FEAT_FID_WRITE_PROTECT:
		asked_may(q, SC_INVALID_FIELD, "WPS");
		break;
	case NVME_FEAT_FID_ERR_RECOVERY:
		asked_may(q, SC_INVALID_FIELD, "DULBE");
		break;
	case NVME_FEAT_FID_ASYNC_EVENT:
	case NVME_FEAT_FID_TEMP_THRESH: /* events, sensors that are not there */
		asked_may(q, SC_INVALID_FIELD, "Dword 11");
		break;
	}
}

static void set_features(const struct asked *q)
{
	const struct spec_feature *f = feature(q);

	asked_may(q, SC_FEATURE_NOT_CHANGEABLE, "the feature may be fixed");
	if (asked_field(q, "SV")) {
		asked_may(q, SC_FID_NOT_SAVEABLE, "SV");
		asked_may(q, SC_INVALID_FIELD, "SV");
	}
	if (asked_field(q, "UUIDX"))
		asked_may(q, SC_INVALID_FIELD, "UUIDX");
	if (!f)
		return;
	for (const struct spec_field *d = f->fields; d && d->name; d++)
		asked_value(q, d);
	if (asked_dword(q, 11) & spec_feature_reserved(f))
		asked_may(q, SC_INVALID_FIELD, "reserved bits of Dword 11");
	set_by_state(q);
	if (f->scope == SCOPE_NAMESPACE) {
		feature_namespace(q, false);
		asked_may(q, SC_NS_WRITE_PROTECTED, "write protection");
	} else if (q->nsid && q->nsid != NSID_ALL) {
		asked_may(q, SC_FEATURE_NOT_PER_NS, "NSID: the feature is not a namespace's");
		any_nsid(q, "NSID: the feature is not a namespace's");
	}
	if (f->scope == SCOPE_OTHER || f->set_bytes)
		asked_may(q, SC_INVALID_FIELD, "the feature's data");
	asked_data(q, f->set_bytes);
}

/* ---- Get Log Page ---- */

static void log_nsid(const struct asked *q, const struct spec_log *l)
{
	bool own = l->of_ns &&
		   (l->value.from != NVME_LOG_LID_SMART || spec_has(q->c, CLAIM_LPA_SMART_NS));

	if (q->nsid == NSID_ALL || (!q->nsid && q->c->vs >= VS(2, 0, 0)))
		return;
	any_nsid(q, "NSID: the page is the controller's");
	if (own && q->nsid && !is_valid_nsid(q))
		asked_must(q, SC_INVALID_NS, "NSID: invalid", l->ref);
}

static void log_persistent(const struct asked *q)
{
	unsigned action = asked_field(q, "LSP") & 3;
	bool context = q->s->pel_context, sure = !asked_doubts(q, ORACLE_OF_EVENTS);
	static const char ref[] = "Base 2.0 Persistent Event (Log Identifier 0Dh)";

	if (action == 3)
		asked_fails(q, SC_INVALID_FIELD, "LSP: reserved action", ref);
	else if (!sure || action == 2)
		asked_may(q, SC_SEQUENCE_ERROR, "context");
	else if (context == (action == 1))
		asked_must(q, SC_SEQUENCE_ERROR, "context", ref);
	asked_may(q, SC_INVALID_FIELD, "LSP");
}

static void log_place(const struct asked *q, const struct spec_log *l, uint64_t bytes)
{
	uint64_t lpo = asked_field(q, "LPO");

	if (!spec_has(q->c, CLAIM_LPA_EXTENDED)) {
		if (lpo || asked_field(q, "OT"))
			asked_may(q, SC_INVALID_FIELD, "LPO, OT");
		return;
	}
	if (asked_field(q, "OT")) {
		asked_may(q, SC_INVALID_FIELD, "OT");
		if (q->c->vs >= VS(2, 0, 0) && !l->indexed && !l->value.open)
			asked_fails(q, SC_INVALID_FIELD, "OT: the page has no index",
				    "Base 2.0 Get Log Page command (Offset Type)");
		return;
	}
	if ((lpo | bytes) % l->unit)
		asked_may(q, SC_INVALID_FIELD, "LPO, NUMD");
	if (!l->bytes && lpo)
		asked_may(q, SC_INVALID_FIELD, "LPO: perhaps past the end");
	if (l->bytes && lpo == l->bytes) /* not past it, and nothing is there */
		asked_may(q, SC_INVALID_FIELD, "LPO: at the end");
	if (l->bytes && lpo > l->bytes)
		asked_must(q, SC_INVALID_FIELD, "LPO: past the end",
			   "Base 2.0 Get Log Page command (Log Page Offset)");
}

static void get_log(const struct asked *q)
{
	const struct spec_field *lid = spec_field_of(q->command, "LID");
	const struct spec_log *l = spec_log((uint8_t)spec_field_get(lid, q->e));
	uint64_t bytes = (asked_field(q, "NUMD") + 1) * 4;
	const struct spec_value *row;

	if (!spec_has(q->c, CLAIM_LPA_EXTENDED))
		bytes = ((asked_dword(q, 10) >> 16 & 0xfff) + 1) * 4;
	asked_data(q, bytes);
	if (asked_field(q, "UUIDX"))
		asked_may(q, SC_INVALID_FIELD, "UUIDX");
	if (!asked_value(q, lid) || !l)
		return;
	if (asked_field(q, "CSI")) /* a page that has no use for it ignores it, or not */
		may_be_wrong_csi(q);
	log_nsid(q, l);
	log_place(q, l, bytes);
	if (spec_field_say(q->c, lid, l->value.from, &row) != SAY_LEGAL || !l->mandatory) {
		asked_may(q, SC_LOG_PAGE_INVALID, "LID: optional");
		asked_may(q, SC_INVALID_FIELD, "LID: optional");
	}
	if (l->by_lsi || l->by_lsp || asked_field(q, "LSP") || asked_field(q, "LSI"))
		asked_may(q, SC_INVALID_FIELD, "LSP, LSI");
	if (l->value.from == NVME_LOG_LID_PERSISTENT_EVENT)
		log_persistent(q);
}

/* ---- queues ---- */

static bool exists(const bool *queues, uint64_t qid)
{
	return qid < ORACLE_QUEUES && queues[qid];
}

static void create(const struct asked *q, const bool *queues, unsigned granted)
{
	uint64_t qid = asked_field(q, "QID"), size_z = asked_field(q, "QSIZE");
	bool doubt = asked_doubts(q, ORACLE_OF_QUEUES);
	const char *ref = q->command->ref;

	if (!qid)
		asked_must(q, SC_QID_INVALID, "QID 0", ref);
	else if (!doubt && (exists(queues, qid) || (granted && qid > granted)))
		asked_must(q, SC_QID_INVALID, "QID in use, or past the allocated", ref);
	else if (doubt || !granted)
		asked_may(q, SC_QID_INVALID, "QID");
	if (!size_z || size_z > CAP_MQES(q->c->cap))
		asked_must(q, SC_QUEUE_SIZE_INVALID, "QSIZE", ref);
	if (!q->s->plain_entries)
		asked_may(q, SC_QUEUE_SIZE_INVALID, "CC.IOSQES, CC.IOCQES");
	if (!asked_field(q, "PC") && CAP_CQR(q->c->cap))
		asked_must(q, SC_INVALID_FIELD, "PC 0, and CAP.CQR is 1", ref);
	if (!asked_field(q, "PC"))
		asked_may(q, SC_PRP_OFFSET_INVALID, "PRP list");
	if (q->a->dptr != ORACLE_DPTR_GOOD ||
	    le64_get(q->e->prp1) % (q->s->page ? q->s->page : 1)) {
		asked_may(q, SC_PRP_OFFSET_INVALID, "PRP1");
		asked_may(q, SC_INVALID_FIELD, "PRP1");
		asked_may(q, SC_CMB_INVALID_USE, "PRP1");
	}
}

static void create_cq(const struct asked *q)
{
	uint64_t vector = asked_field(q, "IV");

	create(q, q->s->cq, q->s->ncq);
	if (asked_field(q, "IEN") && q->c->vectors && vector >= q->c->vectors)
		asked_must(q, SC_VECTOR_INVALID, "IV", q->command->ref);
	if (vector) /* without interrupts it means nothing; by pin, 0 alone is good */
		asked_may(q, SC_VECTOR_INVALID, "IV");
	if (vector)
		asked_may(q, SC_INVALID_FIELD, "IV");
}

static void create_sq(const struct asked *q)
{
	uint64_t cqid = asked_field(q, "CQID");
	const char *ref = q->command->ref;

	create(q, q->s->sq, q->s->nsq);
	if (asked_field(q, "NVMSETID"))
		asked_may(q, SC_INVALID_FIELD, "NVMSETID");
	if (cqid && asked_doubts(q, ORACLE_OF_QUEUES)) {
		asked_may(q, SC_CQ_INVALID, "CQID");
		asked_may(q, SC_QID_INVALID, "CQID");
		return;
	}
	if (exists(q->s->cq, cqid))
		return;
	if (!cqid || (q->s->ncq && cqid > q->s->ncq))
		asked_must(q, SC_QID_INVALID, "CQID: no identifier of an I/O queue", ref);
	else
		asked_must(q, SC_CQ_INVALID, "CQID: no such queue", ref);
	if (!q->s->ncq)
		asked_may(q, SC_QID_INVALID, "CQID");
	if (q->c->vs < VS(2, 0, 0)) {
		asked_may(q, SC_CQ_INVALID, "CQID");
		asked_may(q, SC_QID_INVALID, "CQID");
		asked_may(q, SC_INVALID_FIELD, "CQID");
	}
}

static bool is_used(const struct oracle_state *s, uint64_t cqid)
{
	for (unsigned i = 0; i < ORACLE_QUEUES; i++)
		if (s->sq[i] && s->cq_of[i] == cqid)
			return true;
	return false;
}

static void delete (const struct asked *q, bool cq)
{
	uint64_t qid = asked_field(q, "QID");
	const bool *queues = cq ? q->s->cq : q->s->sq;

	if (qid && asked_doubts(q, ORACLE_OF_QUEUES)) {
		asked_may(q, SC_QID_INVALID, "QID");
		asked_may(q, SC_QUEUE_DELETION_INVALID, "QID");
	} else if (!qid || !exists(queues, qid)) {
		asked_must(q, SC_QID_INVALID, "QID: no such queue", q->command->ref);
	} else if (cq && is_used(q->s, qid)) {
		asked_must(q, SC_QUEUE_DELETION_INVALID, "submission queues complete to it",
			   q->command->ref);
	}
}

/* ---- the rest ---- */

static void event_request(const struct asked *q)
{
	bool full = q->s->aers > q->c->id.aerl + 1u;

	q->ret->may_hold = true;
	if (full || asked_doubts(q, ORACLE_OF_EVENTS))
		asked_may(q, SC_AER_LIMIT, "AERL");
}

static void dbbuf(const struct asked *q)
{
	asked_may(q, SC_INVALID_FIELD, "PRP1, PRP2");
	asked_may(q, SC_PRP_OFFSET_INVALID, "PRP1, PRP2");
}

void oracle_admin(const struct asked *q)
{
	switch (q->e->opcode) {
	case nvme_admin_identify:
		identify(q);
		break;
	case nvme_admin_get_features:
		get_features(q);
		break;
	case nvme_admin_set_features:
		set_features(q);
		break;
	case nvme_admin_get_log_page:
		get_log(q);
		break;
	case nvme_admin_create_cq:
		create_cq(q);
		break;
	case nvme_admin_create_sq:
		create_sq(q);
		break;
	case nvme_admin_delete_cq:
	case nvme_admin_delete_sq:
		delete (q, q->e->opcode == nvme_admin_delete_cq);
		break;
	case nvme_admin_abort_cmd:
		asked_may(q, SC_ABORT_LIMIT, "ACL");
		if (asked_field(q, "SQID"))
			asked_may(q, SC_INVALID_FIELD, "SQID: perhaps no queue");
		break;
	case nvme_admin_async_event:
		event_request(q);
		break;
	case nvme_admin_keep_alive:
		break;
	case nvme_admin_dbbuf:
		dbbuf(q);
		break;
	default: /* its state is not followed: any error, and success */
		q->ret->any_error = true;
		for (const struct spec_field *f = q->command->fields; f && f->name; f++)
			asked_value(q, f);
		asked_data(q, 1);
		break;
	}
}
