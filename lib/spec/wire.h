/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Wire structures: libnvme's where it has one (struct nvme_id_ctrl, nvme_id_ns, nvme_smart_log,
 * the NVME_CAP_*, NVME_CC_* accessors, enum nvme_admin_opcode ...); those it lacks are here.
 */
#ifndef SPEC_WIRE_H
#define SPEC_WIRE_H

#include <assert.h>
#include <nvme/types.h>

#include "base/endian.h"

/* Submission Queue Entry (Base 2.0 Common Command Format). */
struct sqe {
	uint8_t opcode;
	uint8_t flags; /* FUSE 1:0, PSDT 7:6 */
	__le16 cid;
	__le32 nsid;
	__le32 cdw2;
	__le32 cdw3;
	__le64 mptr;
	__le64 prp1;
	__le64 prp2;
	__le32 cdw10;
	__le32 cdw11;
	__le32 cdw12;
	__le32 cdw13;
	__le32 cdw14;
	__le32 cdw15;
};
static_assert(sizeof(struct sqe) == 64, "SQE is 64 bytes");

/* Completion Queue Entry (Base 2.0 Completion Queue Entry). */
struct cqe {
	__le32 dw0;
	__le32 dw1;
	__le16 sqhd;
	__le16 sqid;
	__le16 cid;
	__le16 status; /* P 0, SC 8:1, SCT 11:9, CRD 13:12, M 14, DNR 15 */
};
static_assert(sizeof(struct cqe) == 16, "CQE is 16 bytes");

/* SGL descriptor (Base 2.2 Scatter Gather List). */
struct sgl_desc {
	__le64 addr;
	__le32 len;
	uint8_t rsvd12[3];
	uint8_t id; /* type 7:4, sub type 3:0 */
};
static_assert(sizeof(struct sgl_desc) == 16, "an SGL descriptor is 16 bytes");

enum sgl_type {
	SGL_DATA = 0x0,
	SGL_BUCKET = 0x1,
	SGL_SEGMENT = 0x2,
	SGL_LAST_SEGMENT = 0x3,
	SGL_KEYED = 0x4,
	SGL_TRANSPORT = 0x5,
	SGL_VENDOR = 0xf,
};

#define CQE_PHASE     0x1u
#define CQE_STATUS(s) ((uint16_t)(((s) >> 1) & 0x7ff)) /* SCT and SC, as in status.h */
#define CQE_CRD(s)    (((s) >> 12) & 3u)
#define CQE_MORE      0x4000u
#define CQE_DNR	      0x8000u

/* Property offsets (Base 2.0 Controller Properties); doorbells begin at 1000h. */
enum reg_offset {
	REG_CAP = 0x00,
	REG_VS = 0x08,
	REG_INTMS = 0x0c,
	REG_INTMC = 0x10,
	REG_CC = 0x14,
	REG_CSTS = 0x1c,
	REG_NSSR = 0x20,
	REG_AQA = 0x24,
	REG_ASQ = 0x28,
	REG_ACQ = 0x30,
	REG_CMBLOC = 0x38,
	REG_CMBSZ = 0x3c,
	REG_BPINFO = 0x40,
	REG_BPRSEL = 0x44,
	REG_BPMBL = 0x48,
	REG_CMBMSC = 0x50,
	REG_CMBSTS = 0x58,
	REG_CMBEBS = 0x5c,
	REG_CMBSWTP = 0x60,
	REG_CRTO = 0x68,
	REG_PMRCAP = 0xe00,
	REG_PMRCTL = 0xe04,
	REG_PMRSTS = 0xe08,
	REG_PMREBS = 0xe0c,
	REG_PMRSWTP = 0xe10,
	REG_PMRMSCL = 0xe14,
	REG_PMRMSCU = 0xe18,
	REG_PMR_END = 0xe1c,
	REG_DOORBELLS = 0x1000,
};

#define CC_EN	      (1u << 0)
#define CC_CSS(v)     ((uint32_t)(v) << 4)
#define CC_MPS(v)     ((uint32_t)(v) << 7)
#define CC_AMS(v)     ((uint32_t)(v) << 11)
#define CC_SHN(v)     ((uint32_t)(v) << 14)
#define CC_SHN_MASK   CC_SHN(3)
#define CC_IOSQES(v)  ((uint32_t)(v) << 16)
#define CC_IOCQES(v)  ((uint32_t)(v) << 20)
#define CC_CRIME      (1u << 24)
#define CSTS_RDY      (1u << 0)
#define CSTS_CFS      (1u << 1)
#define CSTS_SHST(v)  (((v) >> 2) & 3u)
#define CSTS_NSSRO    (1u << 4)

#define CAP_MQES(c)   ((unsigned)((c)&0xffff)) /* 0's based */
#define CAP_CQR(c)    ((unsigned)((c) >> 16 & 1))
#define CAP_AMS(c)    ((unsigned)((c) >> 17 & 3))
#define CAP_TO(c)     ((unsigned)((c) >> 24 & 0xff)) /* 500 ms units */
#define CAP_DSTRD(c)  ((unsigned)((c) >> 32 & 0xf))
#define CAP_NSSRS(c)  ((unsigned)((c) >> 36 & 1))
#define CAP_CSS(c)    ((unsigned)((c) >> 37 & 0xff))
#define CAP_BPS(c)    ((unsigned)((c) >> 45 & 1))
#define CAP_MPSMIN(c) ((unsigned)((c) >> 48 & 0xf))
#define CAP_MPSMAX(c) ((unsigned)((c) >> 52 & 0xf))
#define CAP_PMRS(c)   ((unsigned)((c) >> 56 & 1))
#define CAP_CMBS(c)   ((unsigned)((c) >> 57 & 1))
#define CAP_CRMS(c)   ((unsigned)((c) >> 59 & 3))

/* CMBLOC (an offset in units of CMBSZ), CMBSZ, CMBMSC, CMBSTS */
#define CMBLOC_BIR(v)		   ((unsigned)((v)&7))
#define CMBLOC_CQMMS		   (1u << 3)
#define CMBLOC_CQPDS		   (1u << 4)
#define CMBLOC_CDPMLS		   (1u << 5)
#define CMBLOC_CDPCILS		   (1u << 6)
#define CMBLOC_CDMMMS		   (1u << 7)
#define CMBLOC_CQDA		   (1u << 8)
#define CMBLOC_OFST(v)		   ((uint64_t)((v) >> 12))
#define CMBSZ_SQS		   (1u << 0)
#define CMBSZ_CQS		   (1u << 1)
#define CMBSZ_LISTS		   (1u << 2)
#define CMBSZ_RDS		   (1u << 3)
#define CMBSZ_WDS		   (1u << 4)
#define CMBSZ_SZU(v)		   ((unsigned)((v) >> 8 & 15)) /* 4 KiB << 4 * SZU */
#define CMBSZ_SZ(v)		   ((uint64_t)((v) >> 12))
#define CMBMSC_CRE		   (1u << 0)
#define CMBMSC_CMSE		   (1u << 1)
#define CMBMSC_CBA(v)		   ((v) & ~0xfffull)
#define CMBSTS_CBAI		   (1u << 0)

#define PMRCAP_RDS		   (1u << 3)
#define PMRCAP_WDS		   (1u << 4)
#define PMRCAP_BIR(v)		   ((unsigned)((v) >> 5 & 7))
#define PMRCAP_TU(v)		   ((unsigned)((v) >> 8 & 3)) /* 0: 500 ms, 1: minutes */
#define PMRCAP_WBM(v)		   ((unsigned)((v) >> 10 & 15))
#define PMRCAP_TO(v)		   ((unsigned)((v) >> 16 & 255))
#define PMRCAP_CMSS		   (1u << 24)
#define PMRCTL_EN		   (1u << 0)
#define PMRSTS_NRDY		   (1u << 8)
#define PMRSTS_HSTS(v)		   ((unsigned)((v) >> 9 & 7))
#define PMRSTS_CBAI		   (1u << 12)

#define VS(major, minor, tertiary) ((uint32_t)((major) << 16 | (minor) << 8 | (tertiary)))

#define NSID_ALL		   0xffffffffu

#endif
