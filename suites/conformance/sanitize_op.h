/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sanitize operations, started and waited for, and the log that tells of them. */
#ifndef CONFORMANCE_SANITIZE_OP_H
#define CONFORMANCE_SANITIZE_OP_H

#include "kit/kit.h"

enum { ACT_EXIT_FAILURE = 1, ACT_BLOCK_ERASE, ACT_OVERWRITE, ACT_CRYPTO_ERASE, ACT_EXIT_VERIFY };

#define CDW10_AUSE	(1u << 3)
#define CDW10_PASSES(n) ((uint32_t)(n) << 4)
#define CDW10_OIPBP	(1u << 8)
#define CDW10_NDAS	(1u << 9)
#define SANICAP_NDI	(1u << 29)
#define SANITIZE_S	3600u /* wall: what a case may wait for a drive of any size */

enum { SOS_NEVER, SOS_DONE, SOS_RUNNING, SOS_FAILED, SOS_UNEXPECTED };

/* For `.na`: the sentence when SANICAP offers no operation. */
const char *sanitize_na(const struct facts *f);
/* Does SANICAP offer it? */
bool sanitize_offers(struct rig *r, unsigned act);
/* The first of block erase, crypto erase and overwrite that is there; OWPASS 1. */
uint32_t sanitize_any(struct rig *r);
/*
 * Leaves as SKIP where more than the scratch namespace would be lost with the drive's data, and it
 * is no emulated one.
 */
void sanitize_guard(struct rig *r);

struct cmd sanitize_cmd(uint32_t cdw10, uint32_t pattern);
struct cpl sanitize(struct rig *r, uint32_t cdw10, uint32_t pattern);
const struct nvme_sanitize_log_page *sanitize_status(struct rig *r);
static inline unsigned sanitize_sos(const struct nvme_sanitize_log_page *log)
{
	return le16_get(log->sstat) & 7;
}
static inline bool sanitize_gde(const struct nvme_sanitize_log_page *log)
{
	return le16_get(log->sstat) >> 8 & 1;
}
/* Starts one and sees it run; waits for its end when the case ends. N/A when it is over by then. */
void sanitize_start(struct rig *r, uint32_t cdw10);
/* It runs still; N/A when it does not, for nothing that was asked says anything then. */
void sanitize_still(struct rig *r);
/* Until none runs; SPROG never falls meanwhile. What the log says then. */
const struct nvme_sanitize_log_page *sanitize_wait(struct rig *r);

#endif
