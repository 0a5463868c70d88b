// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/cmd.h"

#include <stdio.h>

#include "spec/command.h"

struct cpl cpl_of(const struct cqe *e)
{
	uint16_t status = le16_get(e->status);

	return (struct cpl){
		.status = CQE_STATUS(status),
		.dnr = status & CQE_DNR,
		.more = status & CQE_MORE,
		.crd = (uint8_t)CQE_CRD(status),
		.dw0 = le32_get(e->dw0),
		.dw1 = le32_get(e->dw1),
		.sqid = le16_get(e->sqid),
		.sqhd = le16_get(e->sqhd),
		.cid = le16_get(e->cid),
	};
}

struct cmd cmd_raw(uint8_t opcode, uint32_t nsid)
{
	return (struct cmd){ .sqe = { .opcode = opcode, .nsid = le32_from(nsid) } };
}

struct cmd cmd_identify(uint8_t cns, uint32_t nsid, void *data)
{
	struct cmd c = cmd_raw(nvme_admin_identify, nsid);

	c.sqe.cdw10 = le32_from(cns);
	c.dir = CMD_IN;
	c.data = data;
	c.data_len = 4096;
	return c;
}

/* Queue identifier in 15:0, size in entries made 0's based in 31:16. */
static __le32 queue_dw10(uint16_t qid, uint32_t entries)
{
	return le32_from((entries - 1) << 16 | qid);
}

struct cmd cmd_create_cq(uint16_t qid, uint32_t entries, uint64_t prp1, bool ien, uint16_t vector)
{
	struct cmd c = cmd_raw(nvme_admin_create_cq, 0);

	c.sqe.prp1 = le64_from(prp1);
	c.sqe.cdw10 = queue_dw10(qid, entries);
	c.sqe.cdw11 = le32_from((uint32_t)vector << 16 | (ien ? 2u : 0) | 1u);
	return c;
}

struct cmd cmd_create_sq(uint16_t qid, uint32_t entries, uint64_t prp1, uint16_t cqid)
{
	struct cmd c = cmd_raw(nvme_admin_create_sq, 0);

	c.sqe.prp1 = le64_from(prp1);
	c.sqe.cdw10 = queue_dw10(qid, entries);
	c.sqe.cdw11 = le32_from((uint32_t)cqid << 16 | 1u);
	return c;
}

struct cmd cmd_delete_cq(uint16_t qid)
{
	struct cmd c = cmd_raw(nvme_admin_delete_cq, 0);

	c.sqe.cdw10 = le32_from(qid);
	return c;
}

struct cmd cmd_delete_sq(uint16_t qid)
{
	struct cmd c = cmd_raw(nvme_admin_delete_sq, 0);

	c.sqe.cdw10 = le32_from(qid);
	return c;
}

struct cmd cmd_get_features(uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11)
{
	struct cmd c = cmd_raw(nvme_admin_get_features, nsid);

	c.sqe.cdw10 = le32_from((uint32_t)sel << 8 | fid);
	c.sqe.cdw11 = le32_from(cdw11);
	return c;
}

struct cmd cmd_set_features(uint8_t fid, bool save, uint32_t nsid, uint32_t cdw11)
{
	struct cmd c = cmd_raw(nvme_admin_set_features, nsid);

	c.sqe.cdw10 = le32_from((save ? 1u << 31 : 0) | fid);
	c.sqe.cdw11 = le32_from(cdw11);
	return c;
}

struct cmd cmd_get_log(uint8_t lid, uint32_t nsid, uint64_t lpo, void *data, size_t len)
{
	struct cmd c = cmd_raw(nvme_admin_get_log_page, nsid);
	uint32_t numd_z = (uint32_t)(len / 4) - 1;

	c.sqe.cdw10 = le32_from((numd_z & 0xffff) << 16 | lid);
	c.sqe.cdw11 = le32_from(numd_z >> 16);
	c.sqe.cdw12 = le32_from((uint32_t)lpo);
	c.sqe.cdw13 = le32_from((uint32_t)(lpo >> 32));
	c.dir = CMD_IN;
	c.data = data;
	c.data_len = len;
	return c;
}

struct cmd cmd_abort(uint16_t sqid, uint16_t cid)
{
	struct cmd c = cmd_raw(nvme_admin_abort_cmd, 0);

	c.sqe.cdw10 = le32_from((uint32_t)cid << 16 | sqid);
	return c;
}

struct cmd cmd_aer(void)
{
	return cmd_raw(nvme_admin_async_event, 0);
}

struct cmd cmd_ns_create(uint8_t csi, const void *fields)
{
	struct cmd c = cmd_raw(nvme_admin_ns_mgmt, 0);

	c.sqe.cdw10 = le32_from(NVME_NS_MGMT_SEL_CREATE);
	c.sqe.cdw11 = le32_from((uint32_t)csi << 24);
	c.dir = CMD_OUT;
	c.data = (void *)fields;
	c.data_len = 4096;
	return c;
}

struct cmd cmd_ns_delete(uint32_t nsid)
{
	struct cmd c = cmd_raw(nvme_admin_ns_mgmt, nsid);

	c.sqe.cdw10 = le32_from(NVME_NS_MGMT_SEL_DELETE);
	return c;
}

uint32_t cmd_format_index(unsigned i)
{
	return (i & 0xf) | (i >> 4 & 3) << 12;
}

/* FLBAS has the index in two pieces, of which the upper is there when there are formats for it. */
uint32_t cmd_format_now(const struct nvme_id_ns *id)
{
	unsigned upper = id->nlbaf + 1u + id->nulbaf > 16 ? id->flbas >> 5 & 3u : 0;

	return cmd_format_index((id->flbas & 0xfu) | upper << 4) | (id->flbas & FORMAT_MSET) |
	       FORMAT_PI(id->dps & 0xf);
}

struct cmd cmd_format(uint32_t nsid, uint32_t cdw10)
{
	struct cmd c = cmd_raw(nvme_admin_format_nvm, nsid);

	c.sqe.cdw10 = le32_from(cdw10);
	return c;
}

struct cmd cmd_ns_attach(uint32_t nsid, bool attach, const struct nvme_ctrl_list *list)
{
	struct cmd c = cmd_raw(nvme_admin_ns_attach, nsid);

	c.sqe.cdw10 = le32_from(!attach);
	c.dir = CMD_OUT;
	c.data = (void *)list;
	c.data_len = sizeof(*list);
	return c;
}

struct cmd cmd_dbbuf(uint64_t shadow, uint64_t eventidx)
{
	struct cmd c = cmd_raw(nvme_admin_dbbuf, 0);

	c.sqe.prp1 = le64_from(shadow);
	c.sqe.prp2 = le64_from(eventidx);
	return c;
}

static struct cmd lba_cmd(uint8_t opcode, uint32_t nsid, uint64_t slba, uint32_t blocks)
{
	struct cmd c = cmd_raw(opcode, nsid);

	c.sqe.cdw10 = le32_from((uint32_t)slba);
	c.sqe.cdw11 = le32_from((uint32_t)(slba >> 32));
	c.sqe.cdw12 = le32_from((blocks - 1) & 0xffff);
	return c;
}

static struct cmd lba_data_cmd(uint8_t opcode, enum cmd_dir dir, uint32_t nsid, uint64_t slba,
			       uint32_t blocks)
{
	struct cmd c = lba_cmd(opcode, nsid, slba, blocks);

	c.dir = dir;
	return c;
}

struct cmd cmd_read(uint32_t nsid, uint64_t slba, uint32_t blocks, void *data, size_t bytes)
{
	struct cmd c = lba_data_cmd(nvme_cmd_read, CMD_IN, nsid, slba, blocks);

	c.data = data;
	c.data_len = bytes;
	return c;
}

struct cmd cmd_write(uint32_t nsid, uint64_t slba, uint32_t blocks, const void *data, size_t bytes)
{
	struct cmd c = lba_data_cmd(nvme_cmd_write, CMD_OUT, nsid, slba, blocks);

	c.data = (void *)(uintptr_t)data; /* only read: dir is OUT */
	c.data_len = bytes;
	return c;
}

struct cmd cmd_compare(uint32_t nsid, uint64_t slba, uint32_t blocks, const void *data,
		       size_t bytes)
{
	struct cmd c = lba_data_cmd(nvme_cmd_compare, CMD_OUT, nsid, slba, blocks);

	c.data = (void *)(uintptr_t)data;
	c.data_len = bytes;
	return c;
}

struct cmd cmd_flush(uint32_t nsid)
{
	return cmd_raw(nvme_cmd_flush, nsid);
}

struct cmd cmd_write_zeroes(uint32_t nsid, uint64_t slba, uint32_t blocks, bool deac)
{
	struct cmd c = lba_cmd(nvme_cmd_write_zeroes, nsid, slba, blocks);

	if (deac)
		c.sqe.cdw12 = le32_from(le32_get(c.sqe.cdw12) | 1u << 25);
	return c;
}

struct cmd cmd_verify(uint32_t nsid, uint64_t slba, uint32_t blocks)
{
	return lba_cmd(nvme_cmd_verify, nsid, slba, blocks);
}

struct cmd cmd_dsm(uint32_t nsid, const struct nvme_dsm_range *ranges, unsigned n,
		   uint32_t attributes)
{
	struct cmd c = cmd_raw(nvme_cmd_dsm, nsid);

	c.sqe.cdw10 = le32_from((n - 1) & 0xff);
	c.sqe.cdw11 = le32_from(attributes);
	c.dir = CMD_OUT;
	c.data = (void *)(uintptr_t)ranges;
	c.data_len = n * sizeof(*ranges);
	return c;
}

struct cmd cmd_zone_send(uint32_t nsid, uint64_t zslba, uint8_t zsa, bool all)
{
	struct cmd c = cmd_raw(nvme_zns_cmd_mgmt_send, nsid);

	c.sqe.cdw10 = le32_from((uint32_t)zslba);
	c.sqe.cdw11 = le32_from((uint32_t)(zslba >> 32));
	c.sqe.cdw13 = le32_from(zsa | (uint32_t)all << 8);
	return c;
}

struct cmd cmd_zone_append(uint32_t nsid, uint64_t zslba, uint32_t blocks, const void *data,
			   size_t bytes)
{
	struct cmd c = cmd_write(nsid, zslba, blocks, data, bytes);

	c.sqe.opcode = nvme_zns_cmd_append;
	return c;
}

struct cmd cmd_zone_receive(uint32_t nsid, struct cmd_report ask, void *data, size_t len)
{
	struct cmd c = cmd_raw(nvme_zns_cmd_mgmt_recv, nsid);

	c.sqe.cdw10 = le32_from((uint32_t)ask.lba);
	c.sqe.cdw11 = le32_from((uint32_t)(ask.lba >> 32));
	c.sqe.cdw12 = le32_from((uint32_t)(len / 4 - 1));
	c.sqe.cdw13 = le32_from(ask.zra | (uint32_t)ask.option << 8 | (uint32_t)ask.partial << 16);
	c.dir = CMD_IN;
	c.data = data;
	c.data_len = len;
	return c;
}

struct cmd cmd_identify_csi(uint8_t cns, uint8_t csi, uint32_t nsid, void *data)
{
	struct cmd c = cmd_identify(cns, nsid, data);

	c.sqe.cdw11 = le32_from((uint32_t)csi << 24);
	return c;
}

const char *cmd_name(bool admin, uint8_t opcode, char buf[24])
{
	const struct spec_command *c = spec_command(admin, opcode);

	if (c)
		snprintf(buf, 24, "%s", c->name);
	else
		snprintf(buf, 24, "opcode %02Xh", opcode);
	return buf;
}
