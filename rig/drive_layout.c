// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/drive_layout.h"

#include <errno.h>
#include <string.h>

#include "base/endian.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/identity.h"
#include "target/door.h"

#define FNA_ALL 0x01u /* Format is of all namespaces at once (Base 2.0 Identify Controller, FNA) */

struct at_work {
	struct ctrl *c;
	const struct facts *f;
	int err; /* the first trouble */
};

static const struct drive_ns *find(const struct drive_state *s, uint32_t nsid)
{
	for (unsigned i = 0; i < s->n_ns; i++)
		if (s->ns[i].nsid == nsid)
			return &s->ns[i];
	return NULL;
}

/* The same namespace, in another format. */
static bool is_formatted(const struct drive_ns *was, const struct drive_ns *is)
{
	return is && !memcmp(was->ids, is->ids, sizeof(was->ids)) &&
	       (was->flbas != is->flbas || was->dps != is->dps);
}

bool layout_differs(const struct drive_state *was, const struct drive_state *is)
{
	for (unsigned i = 0; i < was->n_ns; i++) {
		const struct drive_ns *now = find(is, was->ns[i].nsid);

		if (!now || is_formatted(&was->ns[i], now))
			return true;
	}
	return false;
}

static void send(struct at_work *w, const struct cmd *c)
{
	struct cpl cpl = { .status = 0 };
	int err = ctrl_admin(w->c, c, &cpl);

	if (!err && cpl.status)
		err = -EIO;
	if (err && !w->err)
		w->err = err;
}

/* Base 2.1 Format NVM command: LBAFL, MSET, PI, PIL, LBAFU from FLBAS and DPS; nothing is erased
 * beyond what a format does. */
static void format_back(struct at_work *w, const struct drive_ns *ns)
{
	struct cmd c = cmd_raw(nvme_admin_format_nvm, ns->nsid);

	c.sqe.cdw10 = le32_from((ns->flbas & 0x1fu) | (ns->dps & 0xfu) << 5 |
				(uint32_t)(ns->flbas >> 5 & 3u) << 12);
	if (w->f->id.fna & FNA_ALL)
		w->err = w->err ? w->err : -ENOTSUP; /* it would take the others along */
	else
		send(w, &c);
}

/* One that is allocated yet. */
static void attach(struct at_work *w, uint32_t nsid)
{
	__le32 list[1024] = { 0 };
	struct nvme_ctrl_list self = { .num = le16_from(1), .identifier = { w->f->id.cntlid } };
	struct cmd ask = cmd_identify(NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, nsid - 1, list);
	struct cmd c = cmd_ns_attach(nsid, true, &self);

	send(w, &ask);
	if (!w->err && le32_get(list[0]) != nsid)
		w->err = -ENOENT;
	if (!w->err)
		send(w, &c);
}

static int is_same(struct target *t, const void *ctx)
{
	return identity_check(t, ctx);
}

static int work(struct target *t, const struct facts *f, const struct drive_state *was,
		const struct drive_state *is)
{
	struct door_token token = { .renew = is_same, .ctx = f };
	struct at_work w = { .f = f };
	struct ctrl_config config;
	int err = identity_check(t, f);

	if (!err)
		err = ctrl_open(t, &w.c);
	if (err)
		return err;
	door_show(t, &token);
	config = ctrl_defaults(w.c);
	w.err = ctrl_enable(w.c, &config, NULL); /* of a driver's: nothing is reset */
	for (unsigned i = 0; !w.err && i < was->n_ns; i++) {
		const struct drive_ns *now = find(is, was->ns[i].nsid);

		if (!now)
			attach(&w, was->ns[i].nsid);
		else if (is_formatted(&was->ns[i], now))
			format_back(&w, &was->ns[i]);
	}
	ctrl_close(w.c);
	return w.err;
}

int layout_put_back(const char *address, const struct facts *f, const struct drive_state *was,
		    const struct drive_state *is)
{
	char error[256];
	struct target *t;
	int err = target_open(address, &t, error);

	if (err)
		return err;
	err = work(t, f, was, is);
	target_close(t);
	return err;
}
