/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between resv_state.c, resv.c and resv_report.c: what is kept of reservations. */
#ifndef MODEL_RESV_STATE_H
#define MODEL_RESV_STATE_H

#include "model/media.h"
#include "model/resv.h"

#define RESV_HOSTS   64u /* registrants of a namespace */
#define RESV_NOTICES 255u

/* A host: a Host Identifier, or the one controller of a host that has none. */
struct resv_host {
	uint8_t id[16];
	bool extended;
	uint16_t cntlid; /* 0 unless id is 0 */
};

struct registrant {
	struct resv_host host;
	uint64_t key;
	bool used, holds;
};

struct resv_ns {
	uint32_t generation;
	uint8_t type; /* 0: no reservation */
	bool used;    /* something was asked of it */
	struct registrant reg[RESV_HOSTS];
};

struct resv_notices { /* of one controller, oldest first */
	struct {
		uint32_t nsid;
		uint8_t what;
	} at[RESV_NOTICES];
	unsigned n;
	uint64_t count; /* Log Page Count of the newest */
};

struct model_resv {
	struct resv_ns ns[MEDIA_NS_MAX]; /* by NSID, less 1 */
	struct resv_notices notices[CONTROLLERS_MAX];
};

struct resv_ns *resv_of(const struct model *m, uint32_t nsid);
void resv_host_of(const struct model *m, struct resv_host *ret);
bool resv_is_host(const struct resv_host *a, const struct resv_host *b);
/* NULL: the host is none. */
struct registrant *resv_registrant(struct resv_ns *v, const struct resv_host *host);
/* Reservation types: every registrant holds it; every registrant has access. */
bool resv_is_all(unsigned type);
bool resv_is_registrants_only(unsigned type);
bool resv_holds(const struct resv_ns *v, const struct registrant *r);
/* A controller of that host; NULL: none is its any more. */
struct model *resv_controller(const struct model *m, const struct resv_host *host, unsigned from);

#endif
