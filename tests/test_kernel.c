// SPDX-License-Identifier: GPL-2.0-or-later
/* Controllers whose queues somebody else keeps, on a target made here; and what the kernel's
 * passthrough does not carry, and the names that kernel: refuses. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "nvme/facts.h"
#include "nvme/native.h"
#include "rig/plan.h"
#include "spec/command.h"
#include "target/kernel_pass.h"
#include "unit.h"

/* ---- a target with the command rung alone ---- */

struct fake {
	struct target t;
	int err;	 /* what the next command ends with */
	struct cpl cpl;	 /* or what completes it */
	uint8_t fill;	 /* what is moved in */
	size_t overrun;	 /* bytes written past the data */
	struct sqe sent; /* the last one */
	uint16_t qid;
	uint8_t out[16]; /* its first data */
	unsigned commands, resets;
	uint64_t regs[4];
};

static struct fake *fake_of(struct target *t)
{
	return t->priv;
}

static int fake_submit(struct target *t, uint16_t qid, const struct cmd *c, uint64_t timeout_ns,
		       struct cpl *ret)
{
	struct fake *f = fake_of(t);

	CU_ASSERT(timeout_ns > 0);
	f->commands++;
	f->sent = c->sqe;
	f->qid = qid;
	if (f->err)
		return target_fail(t, f->err, "as told");
	if (c->data && c->dir == CMD_IN)
		memset(c->data, f->fill, c->data_len + f->overrun);
	else if (c->data)
		memcpy(f->out, c->data, sizeof(f->out));
	*ret = f->cpl;
	return 0;
}

static int fake_map(struct target *t, struct dma *d)
{
	(void)t;
	d->len = (d->len + 4095) & ~(size_t)4095;
	d->va = mmap(NULL, d->len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	d->iova = (uintptr_t)d->va;
	return d->va == MAP_FAILED ? -ENOMEM : 0;
}

static void fake_unmap(struct target *t, struct dma *d)
{
	(void)t;
	munmap(d->va, d->len);
}

static uint64_t fake_now(struct target *t)
{
	(void)t;
	return clock_mono_ns();
}

static int fake_reset(struct target *t, enum reset_kind kind)
{
	CU_ASSERT_EQUAL(kind, RESET_CTRL);
	fake_of(t)->resets++;
	return 0;
}

static const struct target_ops fake_ops = {
	.scheme = "fake",
	.submit = fake_submit,
	.dma_map = fake_map,
	.dma_unmap = fake_unmap,
	.now = fake_now,
	.reset = fake_reset,
};

static struct ctrl *up(struct fake *f)
{
	struct ctrl_config cfg;
	struct ctrl *c;

	*f = (struct fake){ .t = { .ops = &fake_ops, .priv = f }, .fill = 0x5a };
	CU_ASSERT_EQUAL_FATAL(ctrl_open(&f->t, &c), 0);
	CU_ASSERT(c->native);
	cfg = ctrl_defaults(c);
	CU_ASSERT_EQUAL_FATAL(ctrl_enable(c, &cfg, NULL), 0);
	return c;
}

/* ---- commands ---- */

static void data(void)
{
	uint8_t page[4096], list[4096] = { 1, 2, 3, 4 };
	struct cmd write = cmd_raw(0x15, 1);
	struct cpl cpl;
	struct fake f;
	struct ctrl *c = up(&f);

	f.cpl = (struct cpl){ .status = SC_SUCCESS, .dw0 = 7, .dw1 = 9 };
	CU_ASSERT_EQUAL(ctrl_admin(c, &(struct cmd){ 0 }, &cpl), 0);
	struct cmd read = cmd_identify(1, 0, page);

	CU_ASSERT_EQUAL(ctrl_admin(c, &read, &cpl), 0);
	CU_ASSERT_EQUAL(f.qid, 0);
	CU_ASSERT_EQUAL(cpl.dw0, 7);
	CU_ASSERT_EQUAL(cpl.dw1, 9);
	CU_ASSERT_EQUAL(page[0], 0x5a);
	CU_ASSERT_EQUAL(page[4095], 0x5a);
	write.dir = CMD_OUT;
	write.data = list;
	write.data_len = sizeof(list);
	CU_ASSERT_EQUAL(ctrl_admin(c, &write, &cpl), 0);
	CU_ASSERT(!memcmp(f.out, list, sizeof(f.out)));
	CU_ASSERT_EQUAL(list[0], 1);
	ctrl_close(c);
}

static unsigned findings;
static char last_rule[64];

static void note_finding(void *ctx, const char *rule, const char *text)
{
	(void)ctx;
	(void)text;
	findings++;
	snprintf(last_rule, sizeof(last_rule), "%s", rule);
}

/* What comes back is audited, canaries and trace as on queues of our own. */
static void audited(void)
{
	uint8_t page[4096];
	struct cmd read = cmd_identify(1, 0, page);
	const struct trace_record *r;
	struct cpl cpl;
	struct fake f;
	struct ctrl *c = up(&f);

	c->audit = note_finding;
	findings = 0;
	f.cpl.status = 0x3f; /* of no meaning */
	CU_ASSERT_EQUAL(ctrl_admin(c, &read, &cpl), 0);
	CU_ASSERT_EQUAL(findings, 1);
	CU_ASSERT_STRING_EQUAL(last_rule, "cqe.status");
	f.cpl.status = SC_SUCCESS;
	f.overrun = 1;
	CU_ASSERT_EQUAL(ctrl_admin(c, &read, &cpl), 0);
	CU_ASSERT_EQUAL(findings, 2);
	CU_ASSERT_STRING_EQUAL(last_rule, "canary");
	CU_ASSERT_EQUAL_FATAL(c->trace.n, 2);
	r = trace_at(&c->trace, 1);
	CU_ASSERT(r->completed);
	CU_ASSERT_EQUAL(r->data_len, 4096);
	CU_ASSERT_EQUAL(r->in[0], 0x5a);
	CU_ASSERT_NOT_EQUAL(le16_get(r->sqe.cid), le16_get(trace_at(&c->trace, 0)->sqe.cid));
	ctrl_close(c);
}

static void errors(void)
{
	static const int rows[] = { -ENOTSUP, -ENODEV, -ETIMEDOUT, -EPERM };
	uint8_t page[4096];
	struct cmd read = cmd_identify(1, 0, page);
	struct cpl cpl;
	struct fake f;
	struct ctrl *c = up(&f);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		f.err = rows[i];
		CU_ASSERT_EQUAL(ctrl_admin(c, &read, &cpl), rows[i]);
		CU_ASSERT_STRING_EQUAL(f.t.error, "as told");
	}
	ctrl_close(c);
}

/* ---- what needs queues of one's own ---- */

static void refused(void)
{
	struct cmd aer = cmd_aer(), flush = cmd_flush(1);
	struct cpl cpl;
	struct fake f;
	struct ctrl *c = up(&f);
	uint64_t v64;
	uint32_t v;
	struct sq *q;

	CU_ASSERT_EQUAL(ctrl_submit(c, c->asq, &aer, NULL, NULL), -ENOTSUP);
	CU_ASSERT_EQUAL(ctrl_aer_post(c), -ENOTSUP);
	CU_ASSERT_EQUAL(cq_wait(c->acq, &cpl, 0), -ENOTSUP);
	CU_ASSERT_EQUAL(sq_ring(c->asq), -ENOTSUP);
	CU_ASSERT_EQUAL(reg_read32(c, REG_CC, &v), -ENOTSUP);
	CU_ASSERT_EQUAL(reg_read64(c, REG_CAP, &v64), -ENOTSUP);
	CU_ASSERT_EQUAL(reg_write32(c, REG_CC, 0), -ENOTSUP);
	CU_ASSERT_EQUAL(reg_write64(c, REG_ASQ, 0), -ENOTSUP);
	CU_ASSERT_EQUAL(ctrl_shutdown(c, 1, 0, NULL), -ENOTSUP);
	CU_ASSERT(strstr(f.t.error, "fake") != NULL);
	CU_ASSERT_EQUAL(f.commands, 0);
	/* a pair is bookkeeping alone, and its commands go */
	CU_ASSERT_EQUAL_FATAL(queue_pair_create(c, 3, 64, false, 0, &q, NULL), 0);
	CU_ASSERT_EQUAL(f.commands, 0);
	CU_ASSERT_EQUAL(ctrl_exec(c, q, &flush, &cpl), 0);
	CU_ASSERT_EQUAL(f.qid, 3);
	CU_ASSERT_EQUAL(queue_pair_delete(q), 0);
	CU_ASSERT_EQUAL(f.commands, 1);
	ctrl_close(c);
}

static void resets(void)
{
	struct fake f;
	struct ctrl *c = up(&f);

	CU_ASSERT_EQUAL(f.resets, 0);
	CU_ASSERT_EQUAL(ctrl_reset(c), 0);
	CU_ASSERT_EQUAL(f.resets, 1);
	CU_ASSERT_EQUAL(ctrl_disable(c, NULL), 0);
	CU_ASSERT_EQUAL(f.resets, 1);
	ctrl_close(c);
	CU_ASSERT_EQUAL(f.resets, 1);
}

/* ---- the kernel ---- */

static void check_refusal(uint16_t qid, struct cmd c, const char *word)
{
	const char *why = kernel_pass_refusal(qid, &c);

	CU_ASSERT_EQUAL(why != NULL, word != NULL);
	if (why && word)
		CU_ASSERT(strstr(why, word) != NULL);
}

static void carried(void)
{
	static uint8_t page[4096];
	struct cmd c = cmd_identify(1, 0, page);

	check_refusal(0, c, NULL);
	c.sqe.cdw2 = c.sqe.cdw3 = c.sqe.cdw13 = le32_from(~0u);
	check_refusal(0, c, NULL);
	c.sqe.flags = 0x40;
	check_refusal(0, c, "PSDT");
	c.sqe.flags = 0x02;
	check_refusal(0, c, "FUSE");
	c = cmd_identify(1, 0, page);
	c.data = NULL;
	check_refusal(0, c, "data pointer");
	c = cmd_raw(0x02, 0);
	c.sqe.prp1 = le64_from(4096);
	check_refusal(0, c, "data pointer");
	c = cmd_raw(0x05, 1);
	c.sqe.mptr = le64_from(4096);
	check_refusal(1, c, "metadata");
	c = cmd_identify(1, 0, page);
	c.sqe.opcode = 0x7b;
	check_refusal(0, c, "bit 0");
	check_refusal(0, cmd_aer(), "events");
	check_refusal(0, cmd_abort(1, 1), "identifiers");
	check_refusal(0, cmd_delete_sq(1), "queues");
	check_refusal(1, cmd_delete_sq(1), NULL); /* Flush, on an I/O queue */
	check_refusal(0, cmd_raw(0x18, 0), "keep alive");
	check_refusal(0, cmd_raw(0x7f, 1), "connections");
	check_refusal(0, cmd_dbbuf(0, 0), "doorbells");
	check_refusal(0, cmd_set_features(7, false, 0, 0x30003), "number of queues");
	check_refusal(0, cmd_get_features(7, 0, 0, 0), NULL);
	check_refusal(0, cmd_set_features(0xf, false, 0, 1000), "keep alive");
	check_refusal(0, cmd_set_features(4, false, 0, 300), NULL);
}

/* What the planner knows of it (NEED_SQE) is what is refused. */
static void planned(void)
{
	for (unsigned op = 0; op < 256; op++)
		for (int admin = 0; admin < 2; admin++) {
			struct cmd c = cmd_raw((uint8_t)op, 0);

			CU_ASSERT_EQUAL(spec_is_hosts(admin, (uint8_t)op, 0),
					kernel_pass_refusal(!admin, &c) != NULL);
		}
	for (unsigned fid = 0; fid < 256; fid++) {
		struct cmd c = cmd_set_features((uint8_t)fid, true, 0, 0);

		CU_ASSERT_EQUAL(spec_is_hosts(true, nvme_admin_set_features, 1u << 31 | fid),
				kernel_pass_refusal(0, &c) != NULL);
	}
}

static void check_name(const char *address, int err, const char *word)
{
	char error[256];
	struct target *t;

	CU_ASSERT_EQUAL(target_open(address, &t, error), err);
	CU_ASSERT_PTR_NULL(t);
	if (!strstr(error, word))
		printf("  %s: %s\n", address, error);
	CU_ASSERT(strstr(error, word) != NULL);
}

static void names(void)
{
	check_name("kernel:", -EINVAL, "which node?");
	check_name("kernel:/dev/null", -ENOTTY, "no NVMe controller");
	check_name("kernel:/dev/no-such-node", -ENOENT, "/dev/no-such-node");
	check_name("kernel:/etc/passwd", -ENOTTY, "no device node");
	check_name("kernel:/proc/self/exe", -ELOOP, "is a link, to ");
}

/* ---- a CAP that nobody could read ---- */

static size_t count_na_by_cap(const struct facts *facts)
{
	const struct plan_filter f = { .allow = HARM_FOREVER };
	struct plan p;
	size_t n = 0;

	CU_ASSERT_EQUAL_FATAL(plan_make(suites_all, &f, facts, &p), 0);
	for (size_t i = 0; i < p.n; i++)
		n += p.item[i].action == NA && strstr(p.item[i].reason, "CAP.");
	plan_free(&p);
	return n;
}

/* It settles nothing. */
static void unread(void)
{
	struct facts *f = calloc(1, sizeof(*f));

	CU_ASSERT_FATAL(f != NULL);
	f->alive = true;
	f->caps.has = NEED_COMMAND | NEED_REGS;
	CU_ASSERT(count_na_by_cap(f) > 0);
	f->caps.has = NEED_COMMAND;
	CU_ASSERT_EQUAL(count_na_by_cap(f), 0);
	free(f);
}

static const struct unit units[] = {
	{ "data both ways", data },
	{ "audit and trace", audited },
	{ "errors", errors },
	{ "what needs queues", refused },
	{ "a reset is a reset", resets },
	{ "what the kernel carries", carried },
	{ "the planner knows what it does not", planned },
	{ "names that are refused", names },
	{ "registers that cannot be read", unread },
};

UNIT_MAIN("kernel", units)
