/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two hosts, one a controller, and a namespace that both have and that supports reservations. Each
 * case begins with no registrant and ends so; Host Identifiers go with the controllers' resets.
 */
#ifndef CONFORMANCE_RESV_HOST_H
#define CONFORMANCE_RESV_HOST_H

#include "duo.h"

#define RESV_IEKEY    (1u << 3) /* Dword 10 of Register, Acquire and Release */
#define RESV_CPTPL(v) ((uint32_t)(v) << 30)
#define RESV_KEY0     0x6e76726967000a01ull
#define RESV_KEY1     0x6e76726967000b02ull
#define RESV_NEW_KEY  0x6e76726967000c03ull

enum { RESV_REGISTER, RESV_UNREGISTER, RESV_REPLACE };
enum { RESV_ACQUIRE, RESV_PREEMPT, RESV_PREEMPT_ABORT };
enum { RESV_RELEASE, RESV_CLEAR };
enum { RESV_WE = 1, RESV_EA, RESV_WERO, RESV_EARO, RESV_WEAR, RESV_EAAR };

struct resv {
	struct rig *r;
	struct duo *d;
	uint32_t nsid;
	uint8_t caps;  /* RESCAP */
	bool extended; /* Host Identifiers of 128 bits */
	uint8_t id[2][16];
};

struct resv_entry {
	uint16_t cntlid;
	bool holds;
	uint64_t key;
	uint8_t host[16];
};

struct resv_state {
	uint32_t generation;
	uint8_t type, ptpls;
	unsigned n;
	struct resv_entry at[16];
};

const char *resv_na(const struct facts *f);

/* Both hosts have an identifier, and nobody is registered. */
struct resv *resv_new(struct rig *r);
/* The same with identifiers of 128 bits. */
struct resv *resv_new_extended(struct rig *r);
/* Identifiers and queues again, after a reset of one or both. */
void resv_again(struct resv *v);

struct cpl resv_register(struct resv *v, unsigned by, uint32_t dw10, uint64_t crkey,
			 uint64_t nrkey);
struct cpl resv_acquire(struct resv *v, unsigned by, uint32_t dw10, unsigned type, uint64_t crkey,
			uint64_t prkey);
struct cpl resv_release(struct resv *v, unsigned by, uint32_t dw10, unsigned type, uint64_t crkey);
/* Nobody is registered any more, whoever was. */
void resv_nobody(struct resv *v);
/* The report as the controller `by` gives it. */
void resv_report(struct resv *v, unsigned by, struct resv_state *ret);
struct cmd resv_report_cmd(const struct resv *v, void *data, size_t len, bool eds);

/* Set-up that must succeed: both register, controller 0 holds a reservation of that type. */
void resv_both_register(struct resv *v);
void resv_hold(struct resv *v, unsigned type);
/* Leaves as N/A when RESCAP has no such type. */
void resv_need_type(struct resv *v, unsigned type);
/* Leaves as N/A unless Ignore Existing Key is as from 1.3 on (RESCAP bit 7). */
void resv_need_iekey(struct resv *v);
/* Leaves as N/A unless RESCAP bit 0 is 1. */
void resv_need_ptpl(struct resv *v);

/* Is the host of that controller registered, by this report? */
const struct resv_entry *resv_find(const struct resv *v, const struct resv_state *s, unsigned who);

/* What a row does with two hosts of which nobody is registered yet. */
struct resv_row {
	const char *name;
	void (*ask)(struct resv *v);
};

/* A body whose rows are struct resv_row. */
void resv_ask_row(struct rig *r);
/* The report says that the host of that controller has this key. */
void resv_check_key(struct resv *v, unsigned who, uint64_t want);
/* The report says that a reservation of this type is held; 0: none. */
void resv_check_held(struct resv *v, unsigned type);

/* ---- notices: the types of Reservation Notification, and feature 82h masks by 1 << type ---- */
enum {
	RESV_TOLD_PREEMPTED = NVME_RESV_NOTIFY_RNLPT_REGISTRATION_PREEMPTED,
	RESV_TOLD_RELEASED = NVME_RESV_NOTIFY_RNLPT_RESERVATION_RELEASED,
	RESV_TOLD_CLEARED = NVME_RESV_NOTIFY_RNLPT_RESERVATION_PREEMPTED,
};
/* The oldest notice of that controller is this one (0: none), with so many behind it; read. */
void resv_check_notice(struct resv *v, unsigned by, unsigned what, unsigned more);
/* Reads the notices of both until there is none. */
void resv_drain(struct resv *v);

#define RESV_CONFLICT(v, cpl) CHECK_STATUS((v)->r, cpl, SC_RESERVATION_CONFLICT)
#define RESV_DONE(v, cpl)     CHECK_STATUS((v)->r, cpl, SC_SUCCESS)
#define RESV_INVALID(v, cpl)  CHECK_STATUS((v)->r, cpl, SC_INVALID_FIELD)

#endif
