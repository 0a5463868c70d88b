// SPDX-License-Identifier: GPL-2.0-or-later
/* The Controller Memory Buffer, and memory behind BARs: for case bodies. */
#include <inttypes.h>

#include "kit/internal.h"

#define BARS	 6u
#define UNIT	 4096ull
#define SZU_MOST 6u

const char *rig_na_cmb(const struct facts *f)
{
	return f->cmbsz >> 12 ? NULL : "CMBSZ.SZ is 0: no Controller Memory Buffer";
}

struct rig_cmb rig_cmb_find(struct rig *r)
{
	uint32_t loc = rig_reg32(r, REG_CMBLOC), sz = rig_reg32(r, REG_CMBSZ);
	unsigned bar = CMBLOC_BIR(loc), shift = 4 * CMBSZ_SZU(sz);
	const struct target_caps *caps = &rig_target(r)->caps;
	struct rig_cmb cmb = { .loc = loc, .sz = sz };
	uint64_t room;

	if (CMBSZ_SZU(sz) > SZU_MOST)
		rig_fail(r, "CMBSZ %08Xh: its size unit is reserved", sz);
	if (bar >= BARS || !caps->bar_size[bar])
		rig_fail(r, "CMBLOC %08Xh: there is no memory behind BAR %u", loc, bar);
	cmb.claimed = CMBSZ_SZ(sz) * UNIT << shift;
	cmb.far = (struct far){ .bar = bar, .off = CMBLOC_OFST(loc) * UNIT << shift };
	if (cmb.far.off >= caps->bar_size[bar])
		rig_fail(r, "CMBLOC %08Xh: it begins past the %" PRIu64 " bytes of BAR %u", loc,
			 caps->bar_size[bar], bar);
	room = caps->bar_size[bar] - cmb.far.off;
	cmb.bytes = cmb.claimed < room ? cmb.claimed : room;
	return cmb;
}

/* Never checks; what is placed in the buffer must not be used when it is gone. */
static void leave(void *arg)
{
	struct kit *k = arg;

	ctrl_disable(k->c, NULL);
	for (struct sq *s = k->c->sqs; s; s = s->next)
		s->far.on = false;
	for (struct cq *q = k->c->cqs; q; q = q->next)
		q->far.on = false;
	if (CAP_CMBS(k->c->cap))
		reg_write64(k->c, REG_CMBMSC, k->cmbmsc);
	k->cmb.far.on = false;
}

/* Bus addresses that lead nowhere, when the target knows any; else those of the BAR itself. */
static uint64_t choose_address(struct rig *r, const struct rig_cmb *cmb)
{
	const struct target_caps *caps = &rig_target(r)->caps;

	if (CAP_CMBS(rig_reg64(r, REG_CAP)) && (caps->has & NEED_HOLE) &&
	    cmb->claimed <= caps->hole_bytes)
		return caps->hole;
	if (!caps->bar_addr[cmb->far.bar])
		rig_skip(r, "needs", "no bus address is known to be free for the buffer");
	return caps->bar_addr[cmb->far.bar] + cmb->far.off;
}

/* Before 1.4 there is nothing to enable, and the address is that of the BAR. */
static void enable(struct rig *r, struct kit *k)
{
	bool switched = CAP_CMBS(rig_reg64(r, REG_CAP));

	if (switched) {
		k->cmbmsc = rig_reg64(r, REG_CMBMSC);
		rig_set_reg64(r, REG_CMBMSC, CMBMSC_CRE);
	}
	k->cmb = rig_cmb_find(r);
	k->cmb.far.iova = choose_address(r, &k->cmb);
	rig_defer(r, leave, k);
	if (!switched)
		return;
	rig_set_reg64(r, REG_CMBMSC, k->cmb.far.iova | CMBMSC_CRE | CMBMSC_CMSE);
	if (rig_reg32(r, REG_CMBSTS) & CMBSTS_CBAI) /* reg.cmb-enable-seq judges that */
		rig_note(r, "CMBSTS.CBAI is 1 with the base address %" PRIX64 "h, which is valid",
			 k->cmb.far.iova);
}

const struct rig_cmb *rig_cmb(struct rig *r)
{
	struct kit *k = kit_of(r);

	if (!k->cmb.far.on) {
		enable(r, k);
		k->cmb.far.on = true;
	}
	return &k->cmb;
}

void rig_cq_place(struct rig *r, struct cq *q, const struct far *far)
{
	int err = cq_place(q, far);

	if (err)
		kit_trouble(r, err, "zeroing a completion queue in memory behind a BAR");
}

void rig_far_store(struct rig *r, const struct far *f, uint64_t at, const void *from, size_t len)
{
	int err = far_store(kit_of(r)->c, f, at, from, len);

	if (err)
		kit_trouble(r, err, "writing memory behind a BAR");
}

void rig_far_load(struct rig *r, const struct far *f, uint64_t at, void *to, size_t len)
{
	int err = far_load(kit_of(r)->c, f, at, to, len);

	if (err)
		kit_trouble(r, err, "reading memory behind a BAR");
}

uint64_t rig_far_read(struct rig *r, const struct far *f, uint64_t at, unsigned width)
{
	uint64_t v = 0;
	int err = far_read(kit_of(r)->c, f, at, width, &v);

	if (err)
		kit_trouble(r, err, "reading memory behind a BAR");
	return v;
}

void rig_far_write(struct rig *r, const struct far *f, uint64_t at, unsigned width, uint64_t value)
{
	int err = far_write(kit_of(r)->c, f, at, width, value);

	if (err)
		kit_trouble(r, err, "writing memory behind a BAR");
}
