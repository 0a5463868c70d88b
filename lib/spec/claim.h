/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a controller says of itself: the claims by which a command, a field's value, a feature or a
 * log is there or not, and the plain numbers that limits are made of. No device is asked here;
 * facts (nvme/facts.h) fill it in once.
 *
 * Source: Base 2.0 Identify Controller data structure, Controller Capabilities; NVM CS 1.0 I/O
 * Command Set specific Identify Controller data structure.
 */
#ifndef SPEC_CLAIM_H
#define SPEC_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spec/wire.h"

#define SPEC_NS_MAX 32

struct spec_ns {
	uint32_t nsid;
	uint8_t csi;	    /* 0 NVM, 2 zoned */
	uint32_t lba_bytes; /* data bytes of a block in the format in use; 0 unknown */
	uint16_t ms;	    /* metadata bytes */
	uint8_t dps;	    /* protection in use */
	bool extended;	    /* metadata stand in the data buffer */
	uint8_t pif;	    /* Protection Information Format: guard of 16, 32, 64 bits */
	bool extended_pi;   /* the protection information takes LBAFEE */
	uint64_t nsze;
	/* Copy: blocks of one range, blocks in all, ranges 0's based */
	uint16_t mssrl;
	uint32_t mcl;
	uint8_t msrc;
	bool thin; /* NSFEAT bit 0 */
};

struct spec_ctrl {
	uint64_t cap;
	uint32_t vs;
	struct nvme_id_ctrl id;
	struct nvme_id_ctrl_nvm nvm; /* limits; all zero where it is not known */
	uint16_t vectors;	     /* MSI-X messages; 0: not known */
	bool pcie;		     /* queues are created by commands, admin data go by PRP */
	unsigned n_ns;
	struct spec_ns ns[SPEC_NS_MAX]; /* active ones */
	bool all_ns;			/* there are no other active ones */
};

/*
 * X(constant, "as the specification calls the bit", VS that has it first, place, mask): a claim is
 * made when any bit of the mask is set there. Places are members of struct nvme_id_ctrl, of struct
 * nvme_id_ctrl_nvm, or CAP.
 */
#define SPEC_CLAIMS(X)                                                                             \
	X(CAP_NSSRS, "CAP.NSSRS", VS(1, 1, 0), CAP, 1ull << 36)                                    \
	X(CAP_CSS_ALL, "CAP.CSS bit 6", VS(2, 0, 0), CAP, 1ull << 43)                              \
	X(OACS_SECURITY, "OACS bit 0", VS(1, 0, 0), ID(oacs), 1 << 0)                              \
	X(OACS_FORMAT, "OACS bit 1", VS(1, 0, 0), ID(oacs), 1 << 1)                                \
	X(OACS_FIRMWARE, "OACS bit 2", VS(1, 0, 0), ID(oacs), 1 << 2)                              \
	X(OACS_NS_MGMT, "OACS bit 3", VS(1, 2, 0), ID(oacs), 1 << 3)                               \
	X(OACS_SELF_TEST, "OACS bit 4", VS(1, 3, 0), ID(oacs), 1 << 4)                             \
	X(OACS_DIRECTIVES, "OACS bit 5", VS(1, 3, 0), ID(oacs), 1 << 5)                            \
	X(OACS_MI, "OACS bit 6", VS(1, 3, 0), ID(oacs), 1 << 6)                                    \
	X(OACS_VIRTUAL, "OACS bit 7", VS(1, 3, 0), ID(oacs), 1 << 7)                               \
	X(OACS_DBBUF, "OACS bit 8", VS(1, 3, 0), ID(oacs), 1 << 8)                                 \
	X(OACS_LBA_STATUS, "OACS bit 9", VS(1, 4, 0), ID(oacs), 1 << 9)                            \
	X(OACS_LOCKDOWN, "OACS bit 10", VS(2, 0, 0), ID(oacs), 1 << 10)                            \
	X(ONCS_COMPARE, "ONCS bit 0", VS(1, 0, 0), ID(oncs), 1 << 0)                               \
	X(ONCS_WRITE_UNCOR, "ONCS bit 1", VS(1, 0, 0), ID(oncs), 1 << 1)                           \
	X(ONCS_DSM, "ONCS bit 2", VS(1, 0, 0), ID(oncs), 1 << 2)                                   \
	X(ONCS_WRITE_ZEROES, "ONCS bit 3", VS(1, 1, 0), ID(oncs), 1 << 3)                          \
	X(ONCS_SELECT, "ONCS bit 4", VS(1, 1, 0), ID(oncs), 1 << 4)                                \
	X(ONCS_RESERVATIONS, "ONCS bit 5", VS(1, 1, 0), ID(oncs), 1 << 5)                          \
	X(ONCS_TIMESTAMP, "ONCS bit 6", VS(1, 3, 0), ID(oncs), 1 << 6)                             \
	X(ONCS_VERIFY, "ONCS bit 7", VS(1, 4, 0), ID(oncs), 1 << 7)                                \
	X(ONCS_COPY, "ONCS bit 8", VS(2, 0, 0), ID(oncs), 1 << 8)                                  \
	X(LPA_SMART_NS, "LPA bit 0", VS(1, 0, 0), ID(lpa), 1 << 0)                                 \
	X(LPA_EFFECTS, "LPA bit 1", VS(1, 2, 0), ID(lpa), 1 << 1)                                  \
	X(LPA_EXTENDED, "LPA bit 2", VS(1, 2, 1), ID(lpa), 1 << 2)                                 \
	X(LPA_TELEMETRY, "LPA bit 3", VS(1, 3, 0), ID(lpa), 1 << 3)                                \
	X(LPA_PERSISTENT, "LPA bit 4", VS(1, 4, 0), ID(lpa), 1 << 4)                               \
	X(LPA_SUPPORTED, "LPA bit 5", VS(2, 0, 0), ID(lpa), 1 << 5)                                \
	X(CMIC_ANA, "CMIC bit 3", VS(1, 4, 0), ID(cmic), 1 << 3)                                   \
	X(CTRATT_HOST_ID, "CTRATT bit 0", VS(1, 3, 0), ID(ctratt), 1 << 0)                         \
	X(CTRATT_NON_OPERATIONAL, "CTRATT bit 1", VS(1, 3, 0), ID(ctratt), 1 << 1)                 \
	X(CTRATT_SETS, "CTRATT bit 2", VS(1, 4, 0), ID(ctratt), 1 << 2)                            \
	X(CTRATT_RECOVERY_LEVELS, "CTRATT bit 3", VS(1, 4, 0), ID(ctratt), 1 << 3)                 \
	X(CTRATT_GROUPS, "CTRATT bit 4", VS(1, 4, 0), ID(ctratt), 1 << 4)                          \
	X(CTRATT_PREDICTABLE, "CTRATT bit 5", VS(1, 4, 0), ID(ctratt), 1 << 5)                     \
	X(CTRATT_GRANULARITY, "CTRATT bit 7", VS(1, 4, 0), ID(ctratt), 1 << 7)                     \
	X(CTRATT_UUIDS, "CTRATT bit 9", VS(1, 4, 0), ID(ctratt), 1 << 9)                           \
	X(CTRATT_FIXED_CAPACITY, "CTRATT bit 11", VS(2, 0, 0), ID(ctratt), 1 << 11)                \
	X(CTRATT_DOMAINS, "CTRATT bit 13", VS(2, 0, 0), ID(ctratt), 1 << 13)                       \
	X(VWC, "VWC bit 0", VS(1, 0, 0), ID(vwc), 1)                                               \
	X(APSTA, "APSTA bit 0", VS(1, 1, 0), ID(apsta), 1)                                         \
	X(HMB, "HMPRE", VS(1, 2, 0), ID(hmpre), 0xffffffff)                                        \
	X(KAS, "KAS", VS(1, 2, 1), ID(kas), 0xffff)                                                \
	X(HCTMA, "HCTMA bit 0", VS(1, 3, 0), ID(hctma), 1)                                         \
	X(SANICAP, "SANICAP bits 2:0", VS(1, 3, 0), ID(sanicap), 7)                                \
	X(NWPC, "NWPC bit 0", VS(1, 4, 0), ID(nwpc), 1)                                            \
	X(SGLS, "SGLS bits 1:0", VS(1, 1, 0), ID(sgls), 3)                                         \
	X(FUSES, "FUSES bit 0", VS(1, 0, 0), ID(fuses), 1)                                         \
	X(FRMW_SLOTS, "FRMW", VS(1, 0, 0), ID(frmw), 0xff)                                         \
	X(VSL, "VSL", VS(1, 4, 0), NVM(vsl), 0xff)                                                 \
	X(WZSL, "WZSL", VS(2, 0, 0), NVM(wzsl), 0xff)                                              \
	X(WUSL, "WUSL", VS(2, 0, 0), NVM(wusl), 0xff)                                              \
	X(DMSL, "DMSL", VS(2, 0, 0), NVM(dmsl), ~0ull)

enum spec_claim {
	CLAIM_NONE, /* nothing is needed */
#define X(constant, name, since, place, mask) CLAIM_##constant,
	SPEC_CLAIMS(X)
#undef X
		CLAIM_COUNT
};

/* Does it claim this? CLAIM_NONE: true. */
bool spec_has(const struct spec_ctrl *c, enum spec_claim claim);
const char *spec_claim_name(enum spec_claim claim); /* "ONCS bit 8" */
uint32_t spec_claim_since(enum spec_claim claim);   /* VS; 0 for CLAIM_NONE */

/* The active namespace of that identifier, NULL: none is known. */
const struct spec_ns *spec_ns(const struct spec_ctrl *c, uint32_t nsid);
/* Largest transfer of one command in bytes, 0: no limit, or none that is known. */
uint64_t spec_mdts(const struct spec_ctrl *c);

#endif
