// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/drive_layout.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "nvme/cmd.h"
#include "nvme/ctrl.h"
#include "nvme/identity.h"
#include "target/door.h"

#define FNA_ALL	    0x01u /* Format is of all namespaces at once (Base 2.1 Identify Controller, FNA) */
#define FORMAT_NS   (600 * NS_PER_S)
#define INDEX_UPPER cmd_format_index(0x30)

static const struct drive_ns *find(const struct drive_state *s, uint32_t nsid)
{
	for (unsigned i = 0; i < s->n_ns; i++)
		if (s->ns[i].nsid == nsid)
			return &s->ns[i];
	return NULL;
}

/* The same namespace, as far as it says who it is, in another format. */
static bool is_formatted(const struct drive_ns *was, const struct drive_ns *is)
{
	static const uint8_t none[sizeof(was->ids)];

	return memcmp(was->ids, none, sizeof(none)) &&
	       !memcmp(was->ids, is->ids, sizeof(was->ids)) && was->format != is->format;
}

static bool differs(const struct drive_ns *was, const struct drive_ns *is)
{
	return !is || is_formatted(was, is);
}

bool layout_differs(const struct drive_state *was, const struct drive_state *is)
{
	for (unsigned i = 0; i < was->n_ns; i++)
		if (differs(&was->ns[i], find(is, was->ns[i].nsid)))
			return true;
	return false;
}

static int send(struct ctrl *c, const struct cmd *cmd)
{
	struct cpl cpl = { .status = 0 };
	int err = ctrl_admin(c, cmd, &cpl);

	return err ? err : cpl.status ? -EIO : 0;
}

/*
 * Not where it would take the others along; nor where the upper bits of the index count, which
 * without LBAFEE are ignored.
 */
static int format_back(struct ctrl *c, const struct facts *f, const struct drive_ns *was)
{
	struct cmd cmd = cmd_format(was->nsid, was->format);

	return f->id.fna & FNA_ALL || was->format & INDEX_UPPER ? -ENOTSUP : send(c, &cmd);
}

/* One that is allocated yet. */
static int attach(struct ctrl *c, const struct facts *f, uint32_t nsid)
{
	__le32 list[1024] = { 0 };
	struct nvme_ctrl_list self = { .num = le16_from(1), .identifier = { f->id.cntlid } };
	struct cmd ask = cmd_identify(NVME_IDENTIFY_CNS_ALLOCATED_NS_LIST, nsid - 1, list);
	struct cmd cmd = cmd_ns_attach(nsid, true, &self);
	int err = send(c, &ask);

	if (!err && le32_get(list[0]) != nsid)
		err = -ENOENT;
	return err ? err : send(c, &cmd);
}

static int put_all(struct ctrl *c, const struct facts *f, const struct drive_state *was,
		   const struct drive_state *is)
{
	int first = 0;

	for (unsigned i = 0; i < was->n_ns; i++) {
		const struct drive_ns *now = find(is, was->ns[i].nsid);
		int err = 0;

		if (differs(&was->ns[i], now))
			err = now ? format_back(c, f, &was->ns[i])
				  : attach(c, f, was->ns[i].nsid);
		first = first ? first : err;
	}
	return first;
}

static int is_same(struct target *t, const void *ctx)
{
	return identity_check(t, ctx);
}

static int work(struct target *t, const struct facts *f, const struct drive_state *was,
		const struct drive_state *is)
{
	struct door_token token = { .renew = is_same, .ctx = f };
	struct ctrl_config config;
	struct ctrl *c;
	int err = identity_check(t, f);

	if (!err)
		err = ctrl_open(t, &c);
	if (err)
		return err;
	door_show(t, &token);
	config = ctrl_defaults(c);
	c->admin_timeout_ns = FORMAT_NS;
	err = ctrl_enable(c, &config, NULL); /* of a driver's: nothing is reset */
	if (!err)
		err = put_all(c, f, was, is);
	ctrl_close(c);
	return err;
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
