/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A case about messages, on the model: served in a process of its own, and reached over the socket.
 */
#ifndef RIG_SERVED_CASE_H
#define RIG_SERVED_CASE_H

#include "case/case.h"

/*
 * case_run() for run->target "model:OPTIONS", which is served with the stepped clock for as long as
 * the case runs. 0 when a verdict event was written, else -errno: no server came up.
 */
int served_case_run(const struct case_run *run);

#endif
