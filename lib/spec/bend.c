// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/bend.h"

#include "spec/wire.h"

#define ADMIN true
#define IO    false

const struct spec_bend spec_bends[] = {
#define BEND(constant, name, sentence, admin, opcode, when, field, how, bits)                      \
	{ name, admin, opcode, when, field, BEND_##how, bits },
#include "spec/bend.def"
#undef BEND
	{ .fault = NULL },
};
