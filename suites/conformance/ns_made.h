/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Namespaces that a case makes itself: they are deleted when it ends, and no other is touched. All
 * of it leaves as N/A where there is no capacity or no NSID for one more.
 */
#ifndef CONFORMANCE_NS_MADE_H
#define CONFORMANCE_NS_MADE_H

#include "kit/kit.h"

#define NS_LIST_MAX 1024u

/* What Create is asked for; fields left 0 are left to the controller. */
struct ns_wish {
	uint64_t size, capacity; /* blocks */
	uint8_t flbas, dps, nmic, csi;
};

/* .na: OACS bit 3 */
const char *ns_na_management(const struct facts *f);

/* .na: the same, or OAES bit 8 */
const char *ns_na_changes(const struct facts *f);

/* A namespace of `bytes` and the scratch namespace's format, or the first without metadata. */
struct ns_wish ns_wish(struct rig *r, uint64_t bytes);
/* Identify CNS 00h of NSID FFFFFFFFh: N/A where it tells nothing, as identify.ns-invalid says. */
void ns_common(struct rig *r, struct nvme_id_ns *ret);
/* Data bytes of a block of the wish's format. */
uint32_t ns_wish_lba(struct rig *r, const struct ns_wish *w);
/* Create; a namespace that comes of it is deleted at the end. Dword 0 is its NSID. */
struct cpl ns_create(struct rig *r, const struct ns_wish *w);
/* The same where it is set-up: its NSID. */
uint32_t ns_make(struct rig *r, const struct ns_wish *w);
/* Attaches to, or detaches from, this controller. */
struct cpl ns_attach(struct rig *r, uint32_t nsid, bool attach);
/* Any controller list. */
struct cpl ns_attach_list(struct rig *r, uint32_t nsid, bool attach, unsigned n,
			  const uint16_t *ids);
/*
 * A namespace that is the case's own and is not attached: made, or, on an emulated target that
 * makes none, one that was found so. What becomes of the second is undone.
 */
uint32_t ns_own(struct rig *r, uint64_t bytes);
/* It is attached now: what is known of it, as of the namespaces found at first. */
const struct facts_ns *ns_know(struct rig *r, uint32_t nsid);
/* ns_own, attached. */
const struct facts_ns *ns_own_attached(struct rig *r, uint64_t bytes);

/* Identify CNS 02h (active) or 10h (allocated): how many, ascending. */
unsigned ns_list(struct rig *r, bool allocated, uint32_t ret[NS_LIST_MAX]);
bool ns_is_listed(struct rig *r, bool allocated, uint32_t nsid);
/* Identify CNS 11h */
void ns_id_allocated(struct rig *r, uint32_t nsid, struct nvme_id_ns *ret);
/* UNVMCAP, its lower 64 bits. */
uint64_t ns_unallocated(struct rig *r);
/* A valid NSID that is not allocated; 0: every one is. */
uint32_t ns_free_nsid(struct rig *r);
/* The Command Specific Information of this completion's error log entry; false: there is none. */
bool ns_error_specific(struct rig *r, struct cpl cpl, uint64_t *ret);

/* Changes of namespaces are reported from now on, and none is pending; undone at the end. */
void ns_watch(struct rig *r);
#define AEC_NS (1u << 8)
/* Changed Namespace List, read with RAE 0: how many; they rise, and nothing follows them. */
unsigned ns_read_changed(struct rig *r, uint32_t ret[NS_LIST_MAX]);

#endif
