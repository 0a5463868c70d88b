/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Log pages: the state behind them, and who builds which. */
#ifndef MODEL_LOG_H
#define MODEL_LOG_H

#include "model/media.h"

#define LOG_ELPE_MAX   63u   /* Identify Controller ELPE: 64 entries at most */
#define LOG_FIRMWARE   "1.0" /* Identify Controller FR */
#define OAES_TELEMETRY (1u << 10)
#define LOG_PAGE_MAX   4096u /* the largest page there is */

struct smart_counts {
	uint64_t read_units, written_units; /* of 512 bytes */
	uint64_t host_reads, host_writes;
	uint64_t power_cycles, unsafe_shutdowns, media_errors;
};

struct model_logs {
	uint64_t errors; /* Error Count of the newest entry */
	struct nvme_error_log_page
		error[LOG_ELPE_MAX + 1]; /* ring: count n at (n - 1) % (ELPE + 1) */
	struct smart_counts smart;
	bool shut_down; /* a shutdown was completed and nothing was asked since */
	bool hot;	/* a temperature is beyond its threshold */
	uint32_t noise;
	uint8_t telemetry;     /* generation of the host's data */
	uint8_t telemetry_own; /* and of the controller's; 0: it never saved any */
	bool telemetry_new;    /* Controller-Initiated Data Available */
	bool pel_context;      /* of the Persistent Event log */
	_Alignas(8) uint8_t pel_snapshot[512];
	uint64_t changed_ns[MEDIA_NS_MAX / 64 + 1]; /* NSIDs since the log was read */
	unsigned resets;			    /* Controller Level Resets since power-on */
};

/* ---- smart.c ---- */

enum smart_kind { SMART_READ, SMART_WRITE, SMART_COMPARE, SMART_VERIFY, SMART_FLUSH };

/* A successful I/O command of so many blocks. */
void smart_count(struct model *m, enum smart_kind kind, uint64_t blocks, unsigned lbads);
void smart_media_error(struct model *m);
/* The host asks for something: a loss of power from here on is an unsafe shutdown. */
void smart_activity(struct model *m);
/* The controller saves its state of its own accord. */
void log_telemetry_save(struct model *m);
void smart_reset(struct model *m, enum model_reset kind);
/* The temperature event, where a threshold is passed; feature 0Bh is the core's to ask. */
void smart_report_if_hot(struct model *m);
size_t smart_build(struct model *m, uint8_t *page);

/* ---- log_optional.c: builders, and checks of what is particular to a page ---- */

size_t log_build_telemetry_host(struct model *m, uint8_t *page);
size_t log_build_telemetry_ctrl(struct model *m, uint8_t *page);
size_t log_build_endurance(struct model *m, uint8_t *page);
size_t log_build_persistent(struct model *m, uint8_t *page);
uint16_t log_telemetry_check(struct mcmd *c, uint64_t lpo, uint64_t bytes);
uint16_t log_endurance_check(struct mcmd *c, uint64_t lpo, uint64_t bytes);
uint16_t log_persistent_check(struct mcmd *c, uint64_t lpo, uint64_t bytes);

/* ---- nsmgmt.c: the Changed Namespace List, 04h ---- */

size_t nsmgmt_build_changed(struct model *m, uint8_t *page);
void nsmgmt_changed_read(struct model *m);
/* An attached namespace came, went or became another one: the host of this controller is told. */
void nsmgmt_changed(struct model *m, uint32_t nsid);

/* ---- effects.c: builders of pages that tell what is supported; each returns the size ---- */

size_t effects_commands(struct model *m, uint8_t *page);
size_t effects_features(struct model *m, uint8_t *page);

#endif
