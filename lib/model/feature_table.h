/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between feature.c and feature_special.c: what a feature is, and where its values are. */
#ifndef MODEL_FEATURE_TABLE_H
#define MODEL_FEATURE_TABLE_H

#include "base/cleanup.h"
#include "model/feature.h"
#include "model/log.h"

#define FEATURES 24u /* rows of the table in feature.c */

enum feature_select { FEATURE_CURRENT, FEATURE_DEFAULT, FEATURE_SAVED, FEATURE_CAPABILITIES };

/* One that is not a plain dword has get and set, and is then not saveable. */
struct feature {
	uint8_t fid;
	uint32_t since;	    /* VS */
	bool fixed;	    /* cannot be changed */
	bool persistent;    /* outlives resets without being saved */
	uint32_t def, mask; /* default value; bits that are kept */
	bool saveable, per_ns;
	uint16_t (*check)(struct mcmd *c, uint32_t value); /* the status for a new value */
	void (*changed)(struct model *m, uint32_t was);
	void (*get)(struct mcmd *c, enum feature_select select);
	void (*set)(struct mcmd *c);
};

#define APST_BYTES	256u
#define HMPRE		16u /* Identify Controller, in units of 4 KiB */
#define HMMIN		4u
#define TMT_MIN		273u /* Host Controlled Thermal Management, in kelvin */
#define TMT_MAX		353u
#define EVENT_CONFIG	0x0bu
#define ERROR_RECOVERY	0x05u
#define DULBE		(1u << 16)
#define KEEP_ALIVE	0x0fu
#define SANITIZE_CONFIG 0x17u /* of the subsystem */
#define LBA_STATUS	0x15u

struct feature_hmb {
	bool enabled;
	uint32_t size, entries; /* size in pages of CC.MPS */
	uint64_t list, first;	/* bus addresses of the descriptors and of the first chunk */
};

struct feature_value {
	uint32_t current, saved;
};

struct model_features {
	struct feature_value *value;	    /* [0: controller, then by NSID][row of the table] */
	unsigned operational;		    /* the last operational power state */
	uint16_t temp[TEMP_SENSORS + 1][2]; /* [sensor][0 over, 1 under] */
	bool queues_set;
	unsigned nsq, ncq; /* granted once queues_set */
	bool *uncoalesced; /* by vector */
	bool timestamp_set;
	uint64_t timestamp_ms, timestamp_at_ns;
	uint8_t acre, lbafee;
	bool apst_enabled;
	uint8_t apst[APST_BYTES];
	struct feature_hmb hmb;
	uint64_t lba_alert_due; /* an LBA Status Information Alert; 0: none */
	uint8_t host_id[16];
	bool host_id_extended;
};

void feature_special_reset(const struct model *m, struct model_features *f);
/* Is any of that other than a reset leaves it? */
bool feature_special_moved(const struct model *m);

void feature_get_temp(struct mcmd *c, enum feature_select select);
void feature_set_temp(struct mcmd *c);
void feature_get_queues(struct mcmd *c, enum feature_select select);
void feature_set_queues(struct mcmd *c);
void feature_get_vector(struct mcmd *c, enum feature_select select);
void feature_set_vector(struct mcmd *c);
void feature_get_timestamp(struct mcmd *c, enum feature_select select);
void feature_set_timestamp(struct mcmd *c);
void feature_get_behavior(struct mcmd *c, enum feature_select select);
void feature_set_behavior(struct mcmd *c);

/* feature_data.c */
void feature_get_apst(struct mcmd *c, enum feature_select select);
void feature_set_apst(struct mcmd *c);
void feature_get_hmb(struct mcmd *c, enum feature_select select);
void feature_set_hmb(struct mcmd *c);
void feature_get_host_id(struct mcmd *c, enum feature_select select);
void feature_set_host_id(struct mcmd *c);

#endif
