/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asymmetric Namespace Access as the log tells it, and as the subsystem's own side can be told to
 * change it.
 */
#ifndef CONFORMANCE_ANA_H
#define CONFORMANCE_ANA_H

#include "kit/kit.h"

#define ANA_GROUPS_MOST 64u

struct ana_group {
	uint32_t id, n;	  /* ANA Group ID, Number of NSID Values */
	uint64_t changes; /* 0: not counted */
	uint8_t state;	  /* the whole byte: bits 7:4 are reserved */
	const uint8_t *descriptor;
	const __le32 *nsids;
};

/* What the log holds; it lasts as long as the case. */
struct ana_log {
	uint64_t changes;
	unsigned n;
	const uint8_t *header;
	struct ana_group group[ANA_GROUPS_MOST];
};

/* A state that a case can bring about, and what it makes of a command that needs the namespace. */
struct ana_row {
	const char *name; /* as target_ops.control has it */
	uint8_t state, capability;
	uint16_t status;
	bool hides_capacity;
};

#define ANA_ROWS                                                                                   \
	{ "non-optimized", NVME_ANA_STATE_NONOPTIMIZED, NVME_CTRL_ANACAP_NON_OPT, SC_SUCCESS,      \
	  false },                                                                                 \
		{ "inaccessible", NVME_ANA_STATE_INACCESSIBLE, NVME_CTRL_ANACAP_INACCESSIBLE,      \
		  SC_ANA_INACCESSIBLE, true },                                                     \
		{ "persistent-loss", NVME_ANA_STATE_PERSISTENT_LOSS,                               \
		  NVME_CTRL_ANACAP_PERSISTENT_LOSS, SC_ANA_PERSISTENT_LOSS, true },                \
	{                                                                                          \
		"change", NVME_ANA_STATE_CHANGE, NVME_CTRL_ANACAP_CHANGE, SC_ANA_TRANSITION, false \
	}

/* For `.na`: CMIC bit 3 is 0. */
const char *ana_na(const struct facts *f);

/* Reads the log of one controller, with the namespaces or with RGO = 1. */
const struct ana_log *ana_read(struct rig *r, struct ctrl *c, bool groups_only);
/* The group of that identifier; leaves the case when the log has none. */
const struct ana_group *ana_find(struct rig *r, const struct ana_log *log, uint32_t id);
/* ANAGRPID, and the rest of Identify Namespace, through that controller. */
uint32_t ana_identify(struct rig *r, struct ctrl *c, uint32_t nsid, struct nvme_id_ns *ret);
/*
 * From now on the controller's relation to the group is that of the row: N/A where ANACAP does not
 * claim it. Optimized again at the end, where that can be.
 */
void ana_enter(struct rig *r, struct ctrl *c, uint32_t group, const struct ana_row *row);

#endif
