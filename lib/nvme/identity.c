// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/identity.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"

#define PAGE_BYTES 4096
#define ASK_NS	   (10 * NS_PER_S)

static int ask(struct target *t, const struct facts *f, struct dma *d)
{
	const struct nvme_id_ctrl *id = d->va;
	struct cmd c = cmd_identify(0x01, 0, d->va);
	struct cpl cpl;
	int err = t->ops->submit(t, 0, &c, ASK_NS, &cpl);

	if (err)
		return err;
	if (cpl.status != SC_SUCCESS)
		return target_fail(t, -EIO, "Identify: status %Xh", cpl.status);
	if (!memcmp(id->sn, f->id.sn, sizeof(id->sn)) && !memcmp(id->mn, f->id.mn, sizeof(id->mn)))
		return 0;
	return target_fail(t, -ENODEV, "it is serial %.20s now, and %.20s was probed", id->sn,
			   f->id.sn);
}

int identity_check(struct target *t, const struct facts *f)
{
	struct dma d = { .len = PAGE_BYTES, .align = PAGE_BYTES };
	int err;

	if (!f->alive || !t->ops->submit || !t->ops->dma_map)
		return 0;
	err = t->ops->dma_map(t, &d);
	if (err)
		return err;
	err = ask(t, f, &d);
	t->ops->dma_unmap(t, &d);
	return err;
}
