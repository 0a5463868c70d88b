/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says while cases run, as events of theirs; what of it is a finding. */
#ifndef RIG_KERNEL_LOG_H
#define RIG_KERNEL_LOG_H

#include "rig/kmsg.h"
#include "rig/sink.h"

struct kernel_log {
	struct kmsg kmsg;
	struct sink *sink;
};

/*
 * Tells what was said since the last call: each record, a bounded number of them, as a note of the
 * case; between cases (case_name NULL) findings alone. shaken: the case has shaken the driver, and
 * what that did about it is none. How many findings there were; ret_first is
 * the first of them.
 */
unsigned kernel_log_tell(struct kernel_log *l, const char *case_name, unsigned attempt, bool shaken,
			 char ret_first[KMSG_TEXT + 1]);

#endif
