// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/judge.h"

void ctrl_judge(struct ctrl *c, const struct spec_ctrl *claims)
{
	c->claims = *claims;
	c->judges = true;
	judge_begin(c);
}

void ctrl_judge_off(struct ctrl *c)
{
	c->judges = false;
}

#define IOSQES(cc) ((cc) >> 16 & 15)
#define IOCQES(cc) ((cc) >> 20 & 15)

void judge_begin(struct ctrl *c)
{
	if (!c->judges)
		return;
	oracle_begin(&c->oracle, &c->claims, (uint32_t)c->page);
	c->oracle.plain_entries = c->config.iosqes == 6 && c->config.iocqes == 4;
	if (c->native) /* whoever keeps its queues has asked it things, too */
		c->oracle.doubt |=
			1u << ORACLE_OF_QUEUES | 1u << ORACLE_OF_FEATURES | 1u << ORACLE_OF_EVENTS;
}

void judge_register(struct ctrl *c, uint64_t off, uint64_t value)
{
	if (off == REG_CC)
		c->oracle.plain_entries = IOSQES(value) == 6 && IOCQES(value) == 4;
	if (off == REG_CC || off == REG_NSSR)
		c->oracle.doubt |=
			1u << ORACLE_OF_QUEUES | 1u << ORACLE_OF_FEATURES | 1u << ORACLE_OF_EVENTS;
}

/* Halves of fused operations are taken for rightly placed ones: the trace does not tell. */
static struct oracle_ask ask_of(const struct trace_record *r)
{
	return (struct oracle_ask){
		.admin = r->sqid == 0,
		.e = &r->sqe,
		.data = r->out_n ? r->out : NULL,
		.data_len = r->out_n,
		.dptr = r->own_pointer || r->sqe.flags & 0xc0 ? ORACLE_DPTR_ODD : ORACLE_DPTR_GOOD,
		.cid_in_use = r->cid_in_use,
		.fused = true,
	};
}

void judge_sent(struct ctrl *c, struct trace_record *r)
{
	struct oracle_ask a = ask_of(r);

	if (c->judges)
		oracle_sent(&c->oracle, &a, &r->ticket);
}

void judge_ended(struct ctrl *c, const struct trace_record *r)
{
	struct oracle_ask a = ask_of(r);
	struct cpl cpl = cpl_of(&r->cqe);
	struct oracle_answer answer;
	char name[24], got[STATUS_TEXT], want[ORACLE_TEXT];

	if (!c->judges)
		return;
	oracle_ended(&c->oracle, &a, &r->ticket, cpl.status, cpl.dw0, &answer);
	if (oracle_verdict(&answer, cpl.status) != ORACLE_ILLEGAL)
		return;
	/* Advice: the case whose question it is demands it; others are not to fail of it, too. */
	ctrl_audit(c, "should:cqe.oracle", "%s, CID %u on SQ %u: got %s, want %s%s%s%s%s%s",
		   cmd_name(a.admin, r->sqe.opcode, name), cpl.cid, r->sqid,
		   status_text(cpl.status, got), oracle_text(&answer, want),
		   answer.why[0] ? " (" : "", answer.why, answer.why[0] ? "; " : "", answer.ref,
		   answer.why[0] ? ")" : "");
}
