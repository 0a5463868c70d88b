/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Secondary controllers and their resources, as the primary controller tells of them. */
#ifndef CONFORMANCE_VIRTUAL_H
#define CONFORMANCE_VIRTUAL_H

#include "kit/kit.h"

enum virt_action { VIRT_PRIMARY = 1, VIRT_OFFLINE = 7, VIRT_ASSIGN = 8, VIRT_ONLINE = 9 };
enum virt_resource { VIRT_VQ, VIRT_VI };

#define VIRT_IS_ONLINE 1u /* Secondary Controller State */

/* The Primary Controller Capabilities; N/A where nothing claims that it is a primary controller. */
const struct nvme_primary_ctrl_cap *virt_caps(struct rig *r);
/* The Secondary Controller List from that identifier on. */
const struct nvme_secondary_ctrl_list *virt_list(struct rig *r, uint16_t from);
/* The entry of one controller, as it is now; N/A: there is none any more. */
const struct nvme_secondary_ctrl *virt_entry(struct rig *r, uint16_t scid);

struct cpl virt_manage(struct rig *r, unsigned action, unsigned resource, unsigned cntlid,
		       unsigned n);
/*
 * A secondary controller that is offline and has nothing, so that nobody misses it; N/A: there is
 * none. Where it is a virtual function that one is enabled. All is taken back at the end.
 */
uint16_t virt_borrow(struct rig *r);
/* Gives it what it needs at least, and brings it online. */
void virt_bring_online(struct rig *r, uint16_t scid);

#endif
