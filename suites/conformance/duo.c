// SPDX-License-Identifier: GPL-2.0-or-later
#include "duo.h"

#include <inttypes.h>
#include <stdio.h>

const struct facts_ns *duo_ns(const struct facts *f)
{
	for (unsigned i = 0; i < f->n_ns; i++) {
		const struct facts_ns *ns = &f->ns[i];

		if (ns->on_peer && ns->csi == 0 && ns->ms == 0 && ns->lba_bytes &&
		    (f->caps.emulated || (f->has_scratch && i == f->scratch)))
			return ns;
	}
	return NULL;
}

const char *duo_na_alone(const struct facts *f)
{
	if (f->caps.has & NEED_SECONDARY)
		return "the other controller is a secondary one, and offline";
	if (f->id.cmic & NVME_CTRL_CMIC_MULTI_CTRL)
		return NULL;
	return rig_na_text("CMIC is %02Xh: the subsystem has no other controller", f->id.cmic);
}

const char *duo_na(const struct facts *f)
{
	const char *alone = duo_na_alone(f);

	if (alone)
		return alone;
	return (f->caps.has & NEED_PEER) && f->peer.alive && !duo_ns(f)
		       ? "no namespace of both controllers that may be written, of the NVM command "
			 "set without metadata"
		       : NULL;
}

void duo_again(struct duo *d)
{
	d->c[0] = rig_ctrl(d->r);
	d->c[1] = rig_peer(d->r);
	for (unsigned i = 0; i < 2; i++)
		d->q[i] = rig_queue_on(d->r, d->c[i]);
}

struct duo *duo_new(struct rig *r)
{
	struct duo *d = rig_mem(r, sizeof(*d));

	*d = (struct duo){ .r = r, .ns = duo_ns(rig_facts(r)) };
	duo_again(d);
	if (!d->ns)
		rig_na(r, "no namespace of both controllers that may be written");
	return d;
}

uint64_t duo_write(struct duo *d, unsigned by, uint64_t lba, uint32_t blocks)
{
	size_t len = (size_t)blocks * d->ns->lba_bytes;
	uint8_t *data = rig_mem(d->r, len);
	uint64_t tag = rig_rand(d->r);
	struct cmd c = cmd_write(d->ns->nsid, lba, blocks, data, len);
	char what[80];

	rig_stamp(data, lba, blocks, d->ns->lba_bytes, tag);
	snprintf(what, sizeof(what), "Write of %u blocks at LBA %" PRIu64 " through %s: status",
		 blocks, lba, rig_ctrl_name(d->r, d->c[by]));
	CHECK_STATUS_OF(d->r, what, rig_io(d->r, d->q[by], c), SC_SUCCESS);
	return tag;
}

void duo_check(struct duo *d, unsigned by, uint64_t lba, uint32_t blocks, uint64_t tag)
{
	size_t len = (size_t)blocks * d->ns->lba_bytes;
	uint8_t *data = rig_mem(d->r, len);
	struct cmd c = cmd_read(d->ns->nsid, lba, blocks, data, len);
	char what[80];

	snprintf(what, sizeof(what), "Read of %u blocks at LBA %" PRIu64 " through %s: status",
		 blocks, lba, rig_ctrl_name(d->r, d->c[by]));
	CHECK_STATUS_OF(d->r, what, rig_io(d->r, d->q[by], c), SC_SUCCESS);
	CHECK_STAMP(d->r, data, lba, blocks, d->ns->lba_bytes, tag);
}
