// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/cns.h"

#define REF_BASE "Base 2.0 Identify command (CNS values)"
#define REF_21	 "Base 2.1 Identify command overview"

#define CNS(v, name_) .value = { .from = (v), .to = (v), .name = (name_),
#define SINCE(major, minor) .since = VS(major, minor, 0),
#define WITH(claim_) .claim = CLAIM_##claim_, .strict = true,
#define MAY(claim_) .claim = CLAIM_##claim_,
#define OPEN .open = true,
#define END }

/* clang-format off */
const struct spec_cns spec_cns_all[] = {
	{ CNS(0x00, "Namespace") END, .nsid = CNS_NSID_NS, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x01, "Controller") END, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x02, "Active Namespace ID list") SINCE(1, 1) END, .nsid = CNS_NSID_FROM, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x03, "Namespace Identification Descriptor list") SINCE(1, 3) END, .nsid = CNS_NSID_ACTIVE, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x04, "NVM Set List") SINCE(1, 4) WITH(CTRATT_SETS) END, .ref = REF_BASE },
	{ CNS(0x05, "Namespace, by command set") SINCE(2, 0) END, .nsid = CNS_NSID_NS, .csi = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x06, "Controller, by command set") SINCE(2, 0) END, .csi = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x07, "Active Namespace ID list, by command set") SINCE(2, 0) END, .nsid = CNS_NSID_FROM, .csi = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x08, "Namespace, of all command sets") SINCE(2, 0) END, .nsid = CNS_NSID_NS, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x09, "Namespace, by format") SINCE(2, 0) OPEN END, .ref = REF_21 },
	{ CNS(0x0a, "Namespace by command set, by format") SINCE(2, 0) OPEN END, .ref = REF_21 },
	{ CNS(0x10, "Allocated Namespace ID list") SINCE(1, 2) MAY(OACS_NS_MGMT) END, .nsid = CNS_NSID_FROM, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x11, "Allocated namespace") SINCE(1, 2) MAY(OACS_NS_MGMT) END, .nsid = CNS_NSID_NS, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x12, "Controllers attached") SINCE(1, 2) MAY(OACS_NS_MGMT) END, .nsid = CNS_NSID_ACTIVE, .cntid = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x13, "Controllers") SINCE(1, 2) MAY(OACS_NS_MGMT) END, .cntid = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x14, "Primary Controller Capabilities") SINCE(1, 3) MAY(OACS_VIRTUAL) END, .cntid = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x15, "Secondary Controller list") SINCE(1, 3) MAY(OACS_VIRTUAL) END, .cntid = true, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x16, "Namespace Granularity List") SINCE(1, 4) WITH(CTRATT_GRANULARITY) END, .ref = REF_BASE },
	{ CNS(0x17, "UUID List") SINCE(1, 4) WITH(CTRATT_UUIDS) END, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x18, "Domain List") SINCE(2, 0) WITH(CTRATT_DOMAINS) END, .mandatory = true, .ref = REF_BASE },
	/* of identifiers past ENDGIDMAX, 0 without the claim, the list is empty (Base 2.1 Endurance Group List) */
	{ CNS(0x19, "Endurance Group List") SINCE(1, 4) MAY(CTRATT_GROUPS) END, .mandatory = true, .ref = REF_BASE },
	{ CNS(0x1a, "Allocated Namespace ID list, by command set") SINCE(2, 0) MAY(OACS_NS_MGMT) END, .nsid = CNS_NSID_FROM, .csi = true, .ref = REF_BASE },
	{ CNS(0x1b, "Allocated namespace, by command set") SINCE(2, 0) MAY(OACS_NS_MGMT) END, .nsid = CNS_NSID_NS, .csi = true, .ref = REF_BASE },
	{ CNS(0x1c, "I/O Command Set data structure") SINCE(2, 0) MAY(CAP_CSS_ALL) END, .cntid = true, .mandatory = true, .ref = REF_BASE },
	{ .value = { .from = 0x1d, .to = 0x2f, .name = "of later revisions", OPEN END, .ref = REF_21 },
	{ .value = { .name = NULL } },
};
/* clang-format on */

const struct spec_cns *spec_cns(uint8_t cns)
{
	for (const struct spec_cns *c = spec_cns_all; c->value.name; c++)
		if (cns >= c->value.from && cns <= c->value.to)
			return c;
	return NULL;
}
