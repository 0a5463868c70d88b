// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SQEs and CQEs as they are decoded and judged, of a controller that claims anything.
 *
 * Input: the claims, then commands: a byte (queue, what is known of the data), the SQE, the CQE.
 */
#include "nvme/cmd.h"
#include "spec/command.h"
#include "spec/oracle.h"
#include "tests/fuzz/fuzz.h"

#define COMMANDS_MAX 24u

static void get(struct input *in, void *to, size_t n)
{
	size_t have;
	const uint8_t *bytes = take(in, n, &have);

	memset(to, 0, n);
	memcpy(to, bytes, have);
}

static void get_claims(struct input *in, struct spec_ctrl *c)
{
	memset(c, 0, sizeof(*c));
	c->cap = take_le(in, 8);
	c->vs = (uint32_t)take_le(in, 4);
	c->vectors = (uint16_t)take_le(in, 2);
	c->pcie = c->all_ns = true;
	get(in, (uint8_t *)&c->id + 76, 16);  /* CMIC to CTRATT's end */
	get(in, (uint8_t *)&c->id + 256, 80); /* OACS on */
	get(in, (uint8_t *)&c->id + 512, 64); /* SQES on */
	c->n_ns = take8(in) % (SPEC_NS_MAX + 1);
	for (unsigned i = 0; i < c->n_ns; i++) {
		struct spec_ns *ns = &c->ns[i];
		uint8_t b = take8(in);

		ns->nsid = i + 1;
		ns->csi = b & 2;
		ns->lba_bytes = b & 4 ? 4096 : 512;
		ns->ms = b & 8 ? 8 : 0;
		ns->dps = b >> 4 & 3;
		ns->extended = b & 0x40;
		ns->nsze = take_le(in, 2);
	}
}

static void count(void *ctx, const char *name, uint64_t value)
{
	unsigned *n = ctx;

	(void)value;
	MUST(name && *name && ++*n < 64);
}

static void decode(const struct oracle_ask *a)
{
	char name[24];
	unsigned n = 0;

	spec_decode(a->admin, a->e, count, &n);
	MUST(memchr(cmd_name(a->admin, a->e->opcode, name), 0, 64));
	MUST(spec_data_bytes(a->admin, a->e, 512) >= -1);
	MUST(spec_data_bytes(a->admin, a->e, 0) >= -1);
}

static void judge(struct oracle_state *s, const struct oracle_ask *a, const struct cqe *e)
{
	struct cpl cpl = cpl_of(e);
	struct oracle_answer answer;
	struct oracle_ticket ticket;
	char text[ORACLE_TEXT], status[STATUS_TEXT];

	MUST(memchr(status_text(cpl.status, status), 0, STATUS_TEXT));
	oracle_sent(s, a, &ticket);
	if (cpl.crd == 3)
		return oracle_lost(s, a);
	oracle_ended(s, a, &ticket, cpl.status, cpl.dw0, &answer);
	MUST(answer.n <= ORACLE_STATUSES && answer.why && answer.ref);
	MUST(oracle_verdict(&answer, cpl.status) <= ORACLE_ILLEGAL);
	MUST(memchr(oracle_text(&answer, text), 0, ORACLE_TEXT));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct spec_ctrl claims;
	static struct oracle_state state;
	struct input in = { data, size };

	get_claims(&in, &claims);
	memset(&state, 0, sizeof(state));
	oracle_begin(&state, &claims, 4096u << (take8(&in) & 3));
	for (unsigned i = 0; i < COMMANDS_MAX && in.left; i++) {
		uint8_t how = take8(&in);
		struct oracle_ask a = { .admin = how & 1,
					.dptr = how & 2 ? ORACLE_DPTR_ODD : ORACLE_DPTR_GOOD,
					.cid_in_use = how & 4,
					.fused = how & 8 };
		struct sqe sqe;
		struct cqe cqe;

		get(&in, &sqe, sizeof(sqe));
		get(&in, &cqe, sizeof(cqe));
		if (how & 0x10)
			a.data = take(&in, take8(&in), &a.data_len);
		a.e = &sqe;
		decode(&a);
		judge(&state, &a, &cqe);
	}
	return 0;
}
