// SPDX-License-Identifier: GPL-2.0-or-later
#include "ana.h"

#include <stdio.h>
#include <string.h>

#include "target/target.h"

#define LSP_RGO	  (1u << 8)
#define LOG_LEAST 4096u
#define LOG_MOST  0x40000u

const char *ana_na(const struct facts *f)
{
	return f->id.cmic & NVME_CTRL_CMIC_MULTI_ANA_REPORTING
		       ? NULL
		       : "CMIC bit 3 is 0: no Asymmetric Namespace Access Reporting";
}

/* Bytes that the log takes at most, by what Identify Controller claims. */
static size_t log_bytes(struct rig *r)
{
	const struct nvme_id_ctrl *id = &rig_facts(r)->id;
	uint64_t need = sizeof(struct nvme_ana_log) + 32ull * le32_get(id->nanagrpid) +
			4ull * le32_get(id->mnan);

	if (need > LOG_MOST || need > rig_mdts(r))
		rig_na(r, "the log may be of %llu bytes: more than one command moves",
		       (unsigned long long)need);
	return need < LOG_LEAST ? LOG_LEAST : (size_t)(need + 3) / 4 * 4;
}

/* One descriptor at `at`, which may be any dword; where the next begins. */
static size_t take_group(struct rig *r, const uint8_t *data, size_t len, size_t at,
			 struct ana_group *ret)
{
	struct nvme_ana_group_desc d;

	REQUIRE_TRUE(r, len - at >= sizeof(d), "a group at byte %zu ends within the %zu read", at,
		     len);
	memcpy(&d, data + at, sizeof(d));
	*ret = (struct ana_group){
		.id = le32_get(d.grpid),
		.n = le32_get(d.nnsids),
		.changes = le64_get(d.chgcnt),
		.state = d.state,
		.descriptor = data + at,
		.nsids = (const __le32 *)(data + at + sizeof(d)),
	};
	at += sizeof(d);
	REQUIRE_TRUE(r, ret->n <= (len - at) / 4,
		     "the %u namespaces of group %u end within the %zu bytes read", ret->n, ret->id,
		     len);
	return at + 4ull * ret->n;
}

const struct ana_log *ana_read(struct rig *r, struct ctrl *c, bool groups_only)
{
	size_t len = log_bytes(r), at = sizeof(struct nvme_ana_log);
	struct ana_log *log = rig_mem(r, sizeof(*log));
	uint8_t *data = rig_mem(r, len);
	struct cmd cmd = cmd_get_log(NVME_LOG_LID_ANA, NSID_ALL, 0, data, len);

	if (groups_only)
		cmd.sqe.cdw10 = le32_from(le32_get(cmd.sqe.cdw10) | LSP_RGO);
	REQUIRE_STATUS(r, rig_admin_on(r, c, cmd), SC_SUCCESS);
	log->header = data;
	log->changes = le64_at(data);
	log->n = le16_get(((const struct nvme_ana_log *)data)->ngrps);
	if (log->n > ANA_GROUPS_MOST)
		rig_na(r, "%u groups: more than the case looks at", log->n);
	for (unsigned i = 0; i < log->n; i++)
		at = take_group(r, data, len, at, &log->group[i]);
	return log;
}

const struct ana_group *ana_find(struct rig *r, const struct ana_log *log, uint32_t id)
{
	for (unsigned i = 0; i < log->n; i++)
		if (log->group[i].id == id)
			return &log->group[i];
	rig_fail(r, "the ANA log has no group %u, which Identify Namespace names", id);
}

uint32_t ana_identify(struct rig *r, struct ctrl *c, uint32_t nsid, struct nvme_id_ns *ret)
{
	struct nvme_id_ns *id = rig_mem(r, 4096);

	rig_admin_ok_on(r, c, cmd_identify(NVME_IDENTIFY_CNS_NS, nsid, id));
	if (ret)
		*ret = *id;
	return le32_get(id->anagrpid);
}

struct way_back {
	struct ctrl *c;
	char what[48];
};

static void go_back(void *arg)
{
	const struct way_back *b = arg;

	b->c->t->ops->control(b->c->t, b->what);
}

void ana_enter(struct rig *r, struct ctrl *c, uint32_t group, const struct ana_row *row)
{
	struct way_back *b = rig_mem(r, sizeof(*b));

	if (!(rig_facts(r)->id.anacap & row->capability))
		rig_na(r, "ANACAP is %02Xh: the state is never reported", rig_facts(r)->id.anacap);
	b->c = c;
	snprintf(b->what, sizeof(b->what), "ana %u optimized", group);
	rig_control_on(r, c, "ana %u %s", group, row->name);
	if (row->state != NVME_ANA_STATE_PERSISTENT_LOSS)
		rig_defer(r, go_back, b);
}
