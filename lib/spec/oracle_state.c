// SPDX-License-Identifier: GPL-2.0-or-later
/* What the oracle remembers: which commands change what, and what they leave behind. */
#include <string.h>

#include "spec/feature.h"
#include "spec/oracle_parts.h"

#define CDW10(a)	le32_get((a)->e->cdw10)
#define CDW11(a)	le32_get((a)->e->cdw11)
#define SAVE		(1u << 31)
#define PEL		0x0du
#define PEL_ACTION(a)	(CDW10(a) >> 8 & 3)
#define BEHAVIOR_ACRE	0
#define BEHAVIOR_LBAFEE 2

void oracle_begin(struct oracle_state *s, const struct spec_ctrl *c, uint32_t page_bytes)
{
	uint8_t protect[SPEC_NS_MAX];
	uint32_t lasting = s->doubt & (1u << ORACLE_OF_NS | 1u << ORACLE_OF_MEDIA);

	/* whether a reset releases the context of the Persistent Event log is not said everywhere
	 */
	lasting |= s->pel_context ? 1u << ORACLE_OF_EVENTS : 0;
	memcpy(protect, s->protect, sizeof(protect)); /* it outlives resets */
	*s = (struct oracle_state){
		.ctrl = c, .page = page_bytes, .plain_entries = true, .doubt = lasting
	};
	memcpy(s->protect, protect, sizeof(protect));
}

/* The parts of the state that this command may change. */
static uint32_t parts_of(const struct oracle_ask *a)
{
	if (!a->admin)
		return 0;
	switch (a->e->opcode) {
	case nvme_admin_create_sq:
	case nvme_admin_create_cq:
	case nvme_admin_delete_sq:
	case nvme_admin_delete_cq:
		return 1u << ORACLE_OF_QUEUES;
	case nvme_admin_set_features:
		return 1u << ORACLE_OF_FEATURES | 1u << ORACLE_OF_QUEUES;
	case nvme_admin_async_event:
	case nvme_admin_abort_cmd:
		return 1u << ORACLE_OF_EVENTS;
	case nvme_admin_get_log_page:
		return (CDW10(a) & 0xff) == PEL ? 1u << ORACLE_OF_EVENTS : 0;
	case nvme_admin_ns_mgmt:
	case nvme_admin_ns_attach:
		return 1u << ORACLE_OF_NS;
	case nvme_admin_format_nvm:
	case nvme_admin_sanitize_nvm:
	case nvme_admin_capacity_mgmt:
		return 1u << ORACLE_OF_NS | 1u << ORACLE_OF_MEDIA;
	case nvme_admin_dev_self_test:
	case nvme_admin_fw_commit:
	case nvme_admin_fw_download:
	case nvme_admin_lockdown:
	case nvme_admin_virtual_mgmt:
	case nvme_admin_security_send:
		return 1u << ORACLE_OF_MEDIA;
	default: /* the vendor's may change anything */
		return a->e->opcode >= 0xc0 ? (1u << ORACLE_PARTS) - 1 : 0;
	}
}

/* ---- what one leaves behind ---- */

static void learn_queue(struct oracle_state *s, const struct oracle_ask *a)
{
	uint16_t qid = (uint16_t)CDW10(a), cqid = (uint16_t)(CDW11(a) >> 16);
	bool create = a->e->opcode == nvme_admin_create_sq || a->e->opcode == nvme_admin_create_cq;
	bool sq = a->e->opcode == nvme_admin_create_sq || a->e->opcode == nvme_admin_delete_sq;

	if (qid >= ORACLE_QUEUES) {
		s->doubt |= create ? 1u << ORACLE_OF_QUEUES : 0;
		return;
	}
	if (sq) {
		s->sq[qid] = create;
		s->cq_of[qid] = create ? cqid : 0;
	} else {
		s->cq[qid] = create;
	}
}

static void learn_protection(struct oracle_state *s, const struct oracle_ask *a)
{
	uint32_t nsid = le32_get(a->e->nsid);

	for (unsigned i = 0; i < s->ctrl->n_ns; i++)
		if (nsid == NSID_ALL || nsid == s->ctrl->ns[i].nsid)
			s->protect[i] = CDW11(a) & 7;
}

static void learn_feature(struct oracle_state *s, const struct oracle_ask *a, uint32_t dw0)
{
	const uint8_t *data = a->data;

	switch (CDW10(a) & 0xff) {
	case NVME_FEAT_FID_NUM_QUEUES:
		s->nsq = (dw0 & 0xffff) + 1;
		s->ncq = (dw0 >> 16) + 1;
		break;
	case NVME_FEAT_FID_HOST_MEM_BUF:
		s->hmb = CDW11(a) & 1;
		break;
	case NVME_FEAT_FID_HOST_BEHAVIOR:
		if (data && a->data_len > BEHAVIOR_LBAFEE) {
			s->acre = data[BEHAVIOR_ACRE];
			s->lbafee = data[BEHAVIOR_LBAFEE];
		}
		break;
	case NVME_FEAT_FID_WRITE_PROTECT:
		learn_protection(s, a);
		break;
	}
}

static void learn_event(struct oracle_state *s, const struct oracle_ask *a)
{
	if (a->e->opcode == nvme_admin_get_log_page && PEL_ACTION(a) == 1)
		s->pel_context = true;
	if (a->e->opcode == nvme_admin_get_log_page && PEL_ACTION(a) == 2)
		s->pel_context = false;
}

void oracle_learn(struct oracle_state *s, const struct oracle_ask *a, uint16_t status, uint32_t dw0)
{
	uint32_t parts = parts_of(a);

	if (a->admin && a->e->opcode == nvme_admin_async_event && s->aers)
		s->aers--;
	if (status != SC_SUCCESS)
		return;
	if (parts == 1u << ORACLE_OF_QUEUES)
		learn_queue(s, a);
	if (parts & 1u << ORACLE_OF_FEATURES)
		learn_feature(s, a, dw0);
	if (parts == 1u << ORACLE_OF_EVENTS)
		learn_event(s, a);
	s->doubt |= parts & (1u << ORACLE_OF_NS | 1u << ORACLE_OF_MEDIA);
	if (parts == (1u << ORACLE_PARTS) - 1)
		s->doubt = parts;
}

/* ---- many in flight ---- */

void oracle_sent(struct oracle_state *s, const struct oracle_ask *a, struct oracle_ticket *ret)
{
	uint32_t parts = parts_of(a);

	ret->doubt = 0;
	for (unsigned i = 0; i < ORACLE_PARTS; i++) {
		ret->doubt |= s->in_flight[i] ? 1u << i : 0;
		if (parts >> i & 1) {
			s->in_flight[i]++;
			s->changes[i]++;
		}
		ret->changes[i] = s->changes[i];
	}
	if (a->admin && a->e->opcode == nvme_admin_async_event) {
		/* held ones are no change under way: they would be one for ever */
		s->in_flight[ORACLE_OF_EVENTS]--;
		s->aers++;
	}
}

static void landed(struct oracle_state *s, uint32_t parts)
{
	for (unsigned i = 0; i < ORACLE_PARTS; i++)
		if (parts >> i & 1 && s->in_flight[i])
			s->in_flight[i]--;
}

static bool is_event_request(const struct oracle_ask *a)
{
	return a->admin && a->e->opcode == nvme_admin_async_event;
}

void oracle_ended(struct oracle_state *s, const struct oracle_ask *a, const struct oracle_ticket *t,
		  uint16_t status, uint32_t dw0, struct oracle_answer *ret)
{
	uint32_t known = s->doubt, parts = parts_of(a);

	s->doubt |= t->doubt;
	for (unsigned i = 0; i < ORACLE_PARTS; i++)
		if (s->changes[i] != t->changes[i])
			s->doubt |= 1u << i;
	oracle_judge(s, a, ret);
	s->doubt = known;
	if (!is_event_request(a))
		landed(s, parts);
	oracle_learn(s, a, status, dw0);
}

void oracle_lost(struct oracle_state *s, const struct oracle_ask *a)
{
	uint32_t parts = parts_of(a);

	if (is_event_request(a))
		s->aers -= s->aers > 0;
	else
		landed(s, parts);
	s->doubt |= parts;
}
