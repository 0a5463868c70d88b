/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STACK_GUEST_JOB_H
#define STACK_GUEST_JOB_H

#include "stack/guest.h"

/* What the agent is told, as protocol.h has it. The caller's to put. */
struct json_object *guest_job_object(const struct stack_config *cfg, const struct guest_job *job);

#endif
