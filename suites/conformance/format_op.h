/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Format NVM as a command, and what puts a namespace's format back when the case ends. */
#ifndef CONFORMANCE_FORMAT_OP_H
#define CONFORMANCE_FORMAT_OP_H

#include "kit/kit.h"

#define FORMAT_SES(v)	((uint32_t)(v) << 9)

/* .na: OACS bit 1, or no namespace */
const char *format_na(const struct facts *f);
/* Every namespace that may be formatted, as rig_ns_that() has it; N/A when none is. */
const struct facts_ns *format_next_ns(struct rig *r, unsigned *at);
bool format_any_ns(const struct facts_ns *ns); /* fits always */

/* LBA formats that there are, those of a namespace granularity included. */
unsigned format_count(const struct nvme_id_ns *id);
/* At the end of the case every namespace has the format again that it has now. */
void format_keep_all(struct rig *r);

#endif
