// SPDX-License-Identifier: GPL-2.0-or-later
#include "case/case.h"

/* Rules of the catalogue that no case asks about, each with a reason that is not lack of time. */
const struct rig_gap gaps_all[] = {
	{ "robust.client-vanishes",
	  "no transport yet lets a client vanish while the device sees it (vfio-user, TCP)" },
	{ NULL, NULL },
};
