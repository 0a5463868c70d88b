// SPDX-License-Identifier: GPL-2.0-or-later
/* Namespaces with metadata and protection information: for case bodies. */
#include <string.h>

#include "kit/internal.h"

#define FID_BEHAVIOR   0x16
#define BEHAVIOR_BYTES 512
#define LBAFEE	       2 /* byte of the data structure */

struct behavior {
	struct ctrl *c;
	uint8_t data[BEHAVIOR_BYTES];
};

static struct cmd behavior_cmd(bool set, uint8_t *data)
{
	struct cmd c = set ? cmd_set_features(FID_BEHAVIOR, false, 0, 0)
			   : cmd_get_features(FID_BEHAVIOR, 0, 0, 0);

	c.dir = set ? CMD_OUT : CMD_IN;
	c.data = data;
	c.data_len = BEHAVIOR_BYTES;
	return c;
}

static void put_back(void *arg)
{
	struct behavior *b = arg;
	struct cmd cmd = behavior_cmd(true, b->data);
	struct cpl cpl;

	if (b->c->enabled)
		ctrl_admin(b->c, &cmd, &cpl);
}

/* True when LBAFEE is `value` now; what it was comes back when the case ends. */
static bool set_lbafee(struct rig *r, uint8_t value)
{
	struct behavior *b = rig_mem(r, sizeof(*b));
	uint8_t data[BEHAVIOR_BYTES] = { 0 };

	b->c = rig_ctrl(r);
	if (rig_admin(r, behavior_cmd(false, b->data)).status != SC_SUCCESS)
		return false;
	rig_defer(r, put_back, b);
	memcpy(data, b->data, sizeof(data));
	data[LBAFEE] = value;
	rig_admin(r, behavior_cmd(true, data));
	memset(data, 0xff, sizeof(data));
	return rig_admin(r, behavior_cmd(false, data)).status == SC_SUCCESS &&
	       data[LBAFEE] == value;
}

bool rig_no_lbafee(struct rig *r)
{
	return set_lbafee(r, 0);
}

bool rig_lbafee(struct rig *r)
{
	bool claimed = le32_get(rig_facts(r)->id.ctratt) & NVME_CTRL_CTRATT_ELBAS;
	struct kit *k = kit_of(r);

	if (!k->asked_lbafee && claimed)
		k->has_lbafee = set_lbafee(r, 1);
	if (!k->asked_lbafee && claimed && !k->has_lbafee)
		rig_note(r, "LBAFEE cannot be set: extended protection information is left out");
	k->asked_lbafee = true;
	return k->has_lbafee;
}

bool rig_ns_reach(struct rig *r, const struct facts_ns *ns)
{
	return !facts_is_extended_pi(ns) || rig_lbafee(r);
}

const struct facts_ns *rig_ns_now(struct rig *r, uint32_t nsid)
{
	struct facts_ns *ns = rig_mem(r, sizeof(*ns));
	int err = facts_ask_ns(rig_ctrl(r), rig_facts(r), nsid, ns);

	if (err)
		rig_broken(r, "Identify of NSID %u: %s", nsid, strerror(-err));
	return ns;
}

struct pi_shape rig_shape(const struct facts_ns *ns)
{
	return (struct pi_shape){
		.lba_bytes = ns->lba_bytes,
		.ms = ns->ms,
		.type = ns->id.dps & 7,
		.first = ns->id.dps >> 3 & 1,
		.guard_bytes = 2u << ns->pif,
		.sts = ns->sts,
	};
}

/* What the device says of its protection information can be so; nothing is done with what cannot.
 */
static bool is_sound(const struct facts_ns *ns)
{
	struct pi_shape s = rig_shape(ns);
	unsigned space;

	if (!s.type)
		return true;
	if (s.type > 3 || ns->pif > 2 || s.ms < pi_bytes(&s))
		return false;
	space = 8 * (pi_bytes(&s) - s.guard_bytes - 2);
	return s.sts <= space && space - s.sts <= 64 && s.sts <= 64;
}

const struct facts_ns *rig_ns_that(struct rig *r, unsigned *at,
				   bool (*fits)(const struct facts_ns *ns))
{
	const struct facts *f = rig_facts(r);

	if (!f)
		rig_broken(r, "nothing is known of the target's namespaces");
	while ((f->caps.emulated || f->n_ns == 1) && *at < f->n_ns) {
		const struct facts_ns *ns = &f->ns[(*at)++];

		if (ns->csi == 0 && ns->lba_bytes && is_sound(ns) && fits(ns) &&
		    rig_ns_reach(r, ns))
			return ns;
	}
	return NULL;
}
