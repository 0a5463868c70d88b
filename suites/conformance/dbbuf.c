// SPDX-License-Identifier: GPL-2.0-or-later
#include "kit/kit.h"

static const struct rig_case cases[] = {};

SUITE(dbbuf_suite, CONFORMANCE, "dbbuf", cases);
