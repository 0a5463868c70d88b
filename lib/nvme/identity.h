/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef NVME_IDENTITY_H
#define NVME_IDENTITY_H

#include "nvme/facts.h"

/*
 * Is what was opened the controller that was probed? Where the way in carries commands, Identify
 * through it must answer the same serial and model. 0; -ENODEV: it is another one; or what asking
 * said. Ways in with registers alone are not asked: there the case brings the controller up.
 */
int identity_check(struct target *t, const struct facts *f);

#endif
