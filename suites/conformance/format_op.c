// SPDX-License-Identifier: GPL-2.0-or-later
#include "format_op.h"

#include "base/clock.h"

#define LONG_NS (600 * NS_PER_S) /* what a format of a real drive may take */

const char *format_na(const struct facts *f)
{
	if (!(le16_get(f->id.oacs) & NVME_CTRL_OACS_FORMAT))
		return rig_na_text("OACS is %04Xh: no Format NVM", le16_get(f->id.oacs));
	return f->n_ns ? NULL : "no active namespace";
}

bool format_any_ns(const struct facts_ns *ns)
{
	(void)ns;
	return true;
}

/* The first namespace that may be formatted; the others follow. */
const struct facts_ns *format_next_ns(struct rig *r, unsigned *at)
{
	const struct facts_ns *ns = rig_ns_that(r, at, format_any_ns);

	if (!ns && *at == 0)
		rig_na(r, "a real drive with several namespaces: none is the one that is meant");
	return ns;
}

unsigned format_count(const struct nvme_id_ns *id)
{
	return id->nlbaf + 1u + id->nulbaf;
}

struct kept {
	struct ctrl *c;
	uint32_t nsid, bits;
};

static void put_back(void *arg)
{
	struct kept *k = arg;
	struct nvme_id_ns id;
	struct cmd ask = cmd_identify(0x00, k->nsid, &id), cmd = cmd_format(k->nsid, k->bits);
	struct cpl cpl;

	if (!k->c->enabled || ctrl_admin(k->c, &ask, &cpl) || cpl.status ||
	    cmd_format_now(&id) == k->bits)
		return;
	ctrl_admin(k->c, &cmd, &cpl);
}

/* At the end of the case it has the format again that it has now. */
static void format_keep(struct rig *r, uint32_t nsid)
{
	struct kept *k = rig_mem(r, sizeof(*k));
	struct nvme_id_ns id;

	rig_id_ns(r, nsid, &id);
	*k = (struct kept){ rig_ctrl(r), nsid, cmd_format_now(&id) };
	k->c->admin_timeout_ns = LONG_NS;
	rig_defer(r, put_back, k);
}

void format_keep_all(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	for (unsigned i = 0; i < f->n_ns; i++)
		format_keep(r, f->ns[i].nsid);
}
