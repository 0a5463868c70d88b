// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/judge.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "nvme/native.h"
#include "nvme/prp.h"
#include "nvme/sgl.h"
#include "target/door.h"

#define ALL_ONES      0xffffffffu
#define ADMIN_ENTRIES 32
#define POLL_NS	      (100 * NS_PER_US)
/* A CAP.TO of 0 states no time at all; this much is given to any controller. */
#define READY_LEAST_NS	  (500 * NS_PER_MS)
#define SHUTDOWN_LEAST_NS (10 * NS_PER_S)

int reg_read32(struct ctrl *c, uint64_t off, uint32_t *ret)
{
	uint64_t v;
	int err;

	if (!c->t->ops->reg_read)
		return native_refuse(c, "a register");
	err = c->t->ops->reg_read(c->t, off, 32, &v);

	if (!err)
		*ret = (uint32_t)v;
	return err;
}

int reg_read64(struct ctrl *c, uint64_t off, uint64_t *ret)
{
	return c->t->ops->reg_read ? c->t->ops->reg_read(c->t, off, 64, ret)
				   : native_refuse(c, "a register");
}

int reg_write_quiet(struct ctrl *c, uint64_t off, uint32_t value)
{
	return c->t->ops->reg_write ? c->t->ops->reg_write(c->t, off, 32, value)
				    : native_refuse(c, "a register or a doorbell");
}

int reg_write32(struct ctrl *c, uint64_t off, uint32_t value)
{
	trace_register(c, off, 32, value);
	return reg_write_quiet(c, off, value);
}

int reg_write64(struct ctrl *c, uint64_t off, uint64_t value)
{
	if (!c->t->ops->reg_write)
		return native_refuse(c, "a register");
	trace_register(c, off, 64, value);
	return c->t->ops->reg_write(c->t, off, 64, value);
}

void ctrl_audit(struct ctrl *c, const char *rule, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!c->audit)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->audit(c->audit_ctx, rule, text);
}

static int read_claims(struct ctrl *c)
{
	int err;

	if (!ctrl_has_regs(c))
		return 0;
	err = reg_read64(c, REG_CAP, &c->cap);
	if (!err)
		err = reg_read32(c, REG_VS, &c->vs);
	return !err && c->vs == ALL_ONES && c->cap == UINT64_MAX ? -ENODEV : err;
}

int ctrl_open(struct target *t, struct ctrl **ret)
{
	struct ctrl *c;
	int err;

	if (!t->ops->dma_map || !(t->ops->submit || t->ops->reg_write))
		return target_fail(t, -ENOTSUP, "%s: has neither commands nor queues",
				   t->ops->scheme);
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->t = t;
	c->trace.begin_ns = target_now(t);
	c->native = t->ops->submit;
	err = read_claims(c);
	if (err) {
		free(c);
		return err;
	}
	c->stride = 4u << CAP_DSTRD(c->cap);
	c->page = 4096ull << CAP_MPSMIN(c->cap);
	c->admin_timeout_ns = 10 * NS_PER_S;
	c->io_timeout_ns = 10 * NS_PER_S;
	*ret = c;
	return 0;
}

void ctrl_close(struct ctrl *c)
{
	if (!c)
		return;
	ctrl_disable(c, NULL); /* quiet it before memory goes; a dead one is quiet already */
	while (c->sqs)
		sq_free(c->sqs);
	while (c->cqs)
		cq_free(c->cqs);
	while (c->lists)
		prp_free(c, c->lists);
	while (c->sgls)
		sgl_free(c, c->sgls);
	while (c->bufs)
		buf_free(c, c->bufs);
	free(c);
}

/* CC.CSS by CAP.CSS: all sets (110b) where offered, else NVM (000b), else admin only (111b). */
static unsigned default_css(uint64_t cap)
{
	unsigned css = CAP_CSS(cap);

	if (css & 0x40)
		return 6;
	return css & 1 ? 0 : css & 0x80 ? 7 : 0;
}

struct ctrl_config ctrl_defaults(const struct ctrl *c)
{
	unsigned min = CAP_MPSMIN(c->cap);

	return (struct ctrl_config){
		.admin_sq_entries = ADMIN_ENTRIES,
		.admin_cq_entries = ADMIN_ENTRIES,
		.mps = min,
		.css = default_css(c->cap),
		.iosqes = 6,
		.iocqes = 4,
	};
}

uint64_t ctrl_ready_limit_ns(struct ctrl *c, bool ready)
{
	uint64_t ns = CAP_TO(c->cap) * 500ull * NS_PER_MS, with_media;
	uint32_t crto;

	if (ready && (CAP_CRMS(c->cap) & 1) && !reg_read32(c, REG_CRTO, &crto)) {
		with_media = (crto & 0xffff) * 500ull * NS_PER_MS;
		if (with_media > ns)
			ns = with_media;
	}
	return ns < READY_LEAST_NS ? READY_LEAST_NS : ns;
}

/* Waits until (CSTS & mask) == want. ret_ns: how long it took. */
static int wait_csts(struct ctrl *c, uint32_t mask, uint32_t want, bool stop_on_cfs,
		     uint64_t limit_ns, uint64_t *ret_ns)
{
	uint64_t begin = target_now(c->t), now;
	uint32_t csts;
	bool last;
	int err;

	do {
		now = target_now(c->t);
		last = now - begin > limit_ns; /* after the deadline look once more, then judge */
		err = reg_read32(c, REG_CSTS, &csts);
		if (err)
			return err;
		if (csts == ALL_ONES)
			return -ENODEV;
		if (ret_ns)
			*ret_ns = now - begin;
		if ((csts & mask) == want)
			return 0;
		if (stop_on_cfs && (csts & CSTS_CFS))
			return -EIO;
		err = c->t->ops->relax(c->t, POLL_NS);
		if (err)
			return err;
	} while (!last);
	return -ETIMEDOUT;
}

int ctrl_wait_ready(struct ctrl *c, bool ready, uint64_t *ret_ns)
{
	return wait_csts(c, CSTS_RDY, ready ? CSTS_RDY : 0, ready, ctrl_ready_limit_ns(c, ready),
			 ret_ns);
}

void ctrl_forget(struct ctrl *c)
{
	for (struct sq *s = c->sqs; s; s = s->next)
		sq_forget(s);
	c->aers = 0;
	c->events = 0;
	c->strays = 0;
	c->enabled = false;
	c->nsq = c->ncq = 0;
}

int ctrl_disable(struct ctrl *c, uint64_t *ret_ns)
{
	uint32_t cc;
	int err;

	if (c->native) { /* it is somebody else's to disable */
		ctrl_forget(c);
		return 0;
	}
	err = reg_read32(c, REG_CC, &cc);
	if (err)
		return err;
	if (cc == ALL_ONES)
		return -ENODEV;
	if (cc & CC_EN)
		err = reg_write32(c, REG_CC, cc & ~(CC_EN | CC_SHN_MASK));
	door_reset(c->t);
	if (!err)
		err = ctrl_wait_ready(c, false, ret_ns);
	ctrl_forget(c);
	return err;
}

/* The admin queues of the sizes asked for, emptied. I/O queues are gone with the reset. */
static int admin_queues(struct ctrl *c, const struct ctrl_config *cfg)
{
	for (struct sq *s = c->sqs, *next; s; s = next) {
		next = s->next;
		if (s != c->asq)
			sq_free(s);
	}
	for (struct cq *q = c->cqs, *next; q; q = next) {
		next = q->next;
		if (q != c->acq)
			cq_free(q);
	}
	if (c->asq &&
	    (c->asq->size != cfg->admin_sq_entries || c->acq->size != cfg->admin_cq_entries)) {
		sq_free(c->asq);
		cq_free(c->acq);
		c->asq = NULL;
		c->acq = NULL;
	}
	if (!c->asq) {
		c->acq = cq_alloc(c, 0, cfg->admin_cq_entries);
		if (!c->acq)
			return -ENOMEM;
		c->asq = sq_alloc(c, 0, cfg->admin_sq_entries, c->acq);
		if (!c->asq) {
			cq_free(c->acq);
			c->acq = NULL;
			return -ENOMEM;
		}
	}
	cq_reset(c->acq);
	sq_reset(c->asq);
	c->acq->ien = true; /* the Admin CQ always interrupts, by vector 0 */
	c->acq->vector = 0;
	return 0;
}

static int program_admin_queues(struct ctrl *c)
{
	int err = reg_write32(c, REG_AQA, (c->acq->size - 1) << 16 | (c->asq->size - 1));

	if (!err)
		err = reg_write64(c, REG_ASQ, sq_address(c->asq));
	if (!err)
		err = reg_write64(c, REG_ACQ, cq_address(c->acq));
	return err;
}

static int enable_native(struct ctrl *c, const struct ctrl_config *cfg)
{
	int err = native_enable(c, cfg);

	judge_begin(c);
	return err;
}

int ctrl_enable(struct ctrl *c, const struct ctrl_config *cfg, uint64_t *ret_ns)
{
	uint32_t cc = CC_MPS(cfg->mps) | CC_CSS(cfg->css) | CC_AMS(cfg->ams) |
		      CC_IOSQES(cfg->iosqes) | CC_IOCQES(cfg->iocqes);
	int err;

	if (c->native)
		return enable_native(c, cfg);
	err = ctrl_disable(c, NULL);
	if (err)
		return err;
	c->page = 4096ull << cfg->mps;
	c->config = *cfg;
	err = admin_queues(c, cfg);
	if (!err && !cfg->keep_aqa)
		err = program_admin_queues(c);
	c->use_irq = cfg->use_irq && c->t->ops->irq_enable;
	if (!err && c->use_irq)
		err = c->t->ops->irq_enable(c->t, c->t->caps.vectors);
	if (!err)
		err = reg_write32(c, REG_CC, cc);
	if (!err)
		err = reg_write32(c, REG_CC, cc | CC_EN);
	if (!err)
		err = ctrl_wait_ready(c, true, ret_ns);
	c->enabled = !err;
	judge_begin(c);
	return err;
}

int ctrl_reset(struct ctrl *c)
{
	struct ctrl_config cfg = c->config;

	return ctrl_enable(c, &cfg, NULL);
}

int ctrl_shutdown(struct ctrl *c, unsigned shn, uint64_t limit_ns, uint64_t *ret_ns)
{
	uint32_t cc;
	int err = reg_read32(c, REG_CC, &cc);

	if (err)
		return err;
	if (!limit_ns)
		limit_ns = SHUTDOWN_LEAST_NS;
	err = reg_write32(c, REG_CC, (cc & ~CC_SHN_MASK) | CC_SHN(shn));
	if (err)
		return err;
	return wait_csts(c, 3u << 2, 2u << 2, false, limit_ns, ret_ns);
}
