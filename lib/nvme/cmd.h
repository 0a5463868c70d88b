/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One command and its completion, and builders for the commands that cases send. A builder fills
 * everything but the data pointer and the CID, which belong to whoever submits.
 * Source of the layouts: Base 2.0 Admin Command Set, NVM CS 1.0 I/O Command Set.
 */
#ifndef NVME_CMD_H
#define NVME_CMD_H

#include <stdbool.h>
#include <stddef.h>

#include "spec/status.h"
#include "spec/wire.h"

enum cmd_dir { CMD_NONE, CMD_IN, CMD_OUT }; /* IN: device to host */

struct cmd {
	struct sqe sqe;
	enum cmd_dir dir;
	/*
	 * Bytes to move, and where they come from or go to: ordinary host memory, copied through a
	 * DMA buffer with canaries. NULL with data_len != 0: the data pointer in sqe is the case's
	 * own.
	 */
	void *data;
	size_t data_len;
};

struct cpl {
	uint16_t status; /* SCT and SC: enum status_code */
	bool dnr, more;
	uint8_t crd;
	uint32_t dw0, dw1;
	uint16_t sqid, sqhd, cid;
	uint64_t took_ns; /* from doorbell to sight of the CQE, target clock; 0 unknown */
};

/* Decodes a CQE; took_ns is left 0. */
struct cpl cpl_of(const struct cqe *e);

/* Any opcode, everything else zero. */
struct cmd cmd_raw(uint8_t opcode, uint32_t nsid);

/* Admin */
struct cmd cmd_identify(uint8_t cns, uint32_t nsid, void *data /* 4096 */);
struct cmd cmd_create_cq(uint16_t qid, uint32_t entries, uint64_t prp1, bool ien, uint16_t vector);
struct cmd cmd_create_sq(uint16_t qid, uint32_t entries, uint64_t prp1, uint16_t cqid);
struct cmd cmd_delete_cq(uint16_t qid);
struct cmd cmd_delete_sq(uint16_t qid);
struct cmd cmd_get_features(uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11);
struct cmd cmd_set_features(uint8_t fid, bool save, uint32_t nsid, uint32_t cdw11);
/* len in bytes, a multiple of 4; lpo in bytes; nsid NSID_ALL for controller scope */
struct cmd cmd_get_log(uint8_t lid, uint32_t nsid, uint64_t lpo, void *data, size_t len);
struct cmd cmd_abort(uint16_t sqid, uint16_t cid);
struct cmd cmd_aer(void);
struct cmd cmd_dbbuf(uint64_t shadow, uint64_t eventidx);
/* fields: 4096 bytes, the first of them as in Identify Namespace */
struct cmd cmd_ns_create(uint8_t csi, const void *fields);
struct cmd cmd_ns_delete(uint32_t nsid);
/*
 * Format NVM (Base 2.1 Format NVM command). Dword 10 of a Format Index, and of what a namespace is
 * now; but for SES.
 */
#define FORMAT_MSET	(1u << 4)
#define FORMAT_PI(type) ((uint32_t)(type) << 5)
uint32_t cmd_format_index(unsigned i);
uint32_t cmd_format_now(const struct nvme_id_ns *id);
struct cmd cmd_format(uint32_t nsid, uint32_t cdw10);
struct cmd cmd_ns_attach(uint32_t nsid, bool attach, const struct nvme_ctrl_list *list);

/* NVM command set; blocks is 1-based, `bytes` what moves (blocks x LBA size, metadata apart) */
struct cmd cmd_read(uint32_t nsid, uint64_t slba, uint32_t blocks, void *data, size_t bytes);
struct cmd cmd_write(uint32_t nsid, uint64_t slba, uint32_t blocks, const void *data, size_t bytes);
struct cmd cmd_compare(uint32_t nsid, uint64_t slba, uint32_t blocks, const void *data,
		       size_t bytes);
struct cmd cmd_flush(uint32_t nsid);
struct cmd cmd_write_zeroes(uint32_t nsid, uint64_t slba, uint32_t blocks, bool deac);
struct cmd cmd_verify(uint32_t nsid, uint64_t slba, uint32_t blocks);
/* ranges: array of n struct nvme_dsm_range, 1..256; attributes: NVME_DSMGMT_AD ... */
struct cmd cmd_dsm(uint32_t nsid, const struct nvme_dsm_range *ranges, unsigned n,
		   uint32_t attributes);

/* Zoned Namespace command set; zslba is a zone's first block */
struct cmd cmd_zone_send(uint32_t nsid, uint64_t zslba, uint8_t zsa, bool all);
struct cmd cmd_zone_append(uint32_t nsid, uint64_t zslba, uint32_t blocks, const void *data,
			   size_t bytes);
/* From the zone of lba on: Zone Receive Action, its field (the reporting option), Partial Report;
 * len in bytes, a multiple of 4 */
struct cmd_report {
	uint64_t lba;
	uint8_t zra, option;
	bool partial;
};
struct cmd cmd_zone_receive(uint32_t nsid, struct cmd_report ask, void *data, size_t len);
/* Identify of a data structure that is an I/O command set's own */
struct cmd cmd_identify_csi(uint8_t cns, uint8_t csi, uint32_t nsid, void *data /* 4096 */);

/* Opcode's name ("Identify"), or "opcode 7Ah"; text is kept in the caller's buffer of 24 bytes. */
const char *cmd_name(bool admin, uint8_t opcode, char buf[24]);

#endif
