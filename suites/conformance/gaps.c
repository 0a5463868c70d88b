// SPDX-License-Identifier: GPL-2.0-or-later
#include "case/case.h"

/* Rules of the catalogue that no case asks about, each with a reason that is not lack of time. */
const struct rig_gap gaps_all[] = {
	{ "fabrics.auth-tls",
	  "keys that both ends share: no target can be told of any by a case, and none of those at hand asks for one" },
	{ "robust.backend-errors",
	  "no target lets a case make the medium behind the controller fail, fill up or stall" },
	{ "robust.save-restore",
	  "no target can be saved and brought back with its commands under way" },
	{ "zns.zrwa",
	  "the text of the Zone Random Write Area is not at hand: it came after ZNS CS 1.1" },
	{ NULL, NULL },
};
