// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware.h"

#include <string.h>

#define FWUG_UNIT 4096u
#define FRMW_SMUD (1u << 5)

const char *fw_na(const struct facts *f)
{
	return le16_get(f->id.oacs) & NVME_CTRL_OACS_FW ? NULL
							: "OACS bit 2 is 0: no Firmware Commit";
}

const struct fw_state *fw_look(struct rig *r)
{
	struct fw_state *s = rig_mem(r, sizeof(*s));
	struct nvme_id_ctrl *id = rig_mem(r, sizeof(*id));

	rig_id_ctrl(r, id);
	rig_admin_ok(r, cmd_get_log(NVME_LOG_LID_FW_SLOT, NSID_ALL, 0, &s->log, sizeof(s->log)));
	memcpy(s->fr, id->fr, sizeof(s->fr));
	s->slots = id->frmw >> 1 & 7;
	s->first_ro = id->frmw & 1;
	s->active = s->log.afi & 7;
	s->next = s->log.afi >> 4 & 7;
	return s;
}

void fw_check_same(struct rig *r, const struct fw_state *was)
{
	const struct fw_state *now = fw_look(r);

	CHECK_MEM(r, "revision that runs", now->fr, was->fr, sizeof(was->fr));
	CHECK_MEM(r, "Firmware Slot log", &now->log, &was->log, sizeof(was->log));
}

static bool is_empty(const struct fw_state *s, unsigned slot)
{
	static const char none[2][8] = { "", "        " };
	const void *revision = s->log.frs[slot - 1];

	return !memcmp(revision, none[0], 8) || !memcmp(revision, none[1], 8);
}

unsigned fw_spare_slot(struct rig *r, const struct fw_state *s)
{
	unsigned spare = 0;

	for (unsigned i = s->first_ro ? 2 : 1; i <= s->slots; i++) {
		if (i == s->active || i == s->next)
			continue;
		if (is_empty(s, i))
			return i;
		spare = spare ? spare : i;
	}
	if (!spare)
		rig_na(r, "of %u slots none is writable and idle: noise is for none of them",
		       s->slots);
	return spare;
}

uint32_t fw_piece(struct rig *r)
{
	unsigned fwug = rig_facts(r)->id.fwug;
	uint32_t bytes = fwug && fwug != 0xff ? fwug * FWUG_UNIT : FWUG_UNIT;

	if (bytes > rig_mdts(r))
		rig_na(r, "FWUG asks for pieces of %u bytes, MDTS allows %zu", bytes, rig_mdts(r));
	return bytes;
}

struct cpl fw_download(struct rig *r, uint64_t at, uint32_t bytes)
{
	struct cmd c = cmd_raw(nvme_admin_fw_download, 0);
	uint8_t *noise = rig_mem(r, bytes);

	for (uint32_t i = 0; i < bytes; i++)
		noise[i] = (uint8_t)rig_rand(r);
	c.sqe.cdw10 = le32_from(bytes / 4 - 1);
	c.sqe.cdw11 = le32_from((uint32_t)(at / 4));
	c.dir = CMD_OUT;
	c.data = noise;
	c.data_len = bytes;
	return rig_admin(r, c);
}

struct cpl fw_commit(struct rig *r, unsigned slot, unsigned action)
{
	struct cmd c = cmd_raw(nvme_admin_fw_commit, 0);
	bool detects = rig_facts(r)->id.frmw & FRMW_SMUD;
	struct cpl cpl;

	c.sqe.cdw10 = le32_from(action << 3 | slot);
	cpl = rig_admin(r, c);
	if (rig_facts(r)->vs >= VS(2, 0, 0) && !detects)
		CHECK_EQ(r, "Multiple Update Detected, which FRMW bit 5 does not claim",
			 cpl.dw0 & 3, 0);
	return cpl;
}
