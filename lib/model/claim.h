/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the controller claims, and so what it offers: the one place where both are asked for. */
#ifndef MODEL_CLAIM_H
#define MODEL_CLAIM_H

#include "model/internal.h"

/* Is this command offered, where a claim makes it optional? Others are for their tables to know. */
bool claim_admin(const struct model *m, uint8_t opcode);
bool claim_io(const struct model *m, uint8_t opcode);
bool claim_feature(const struct model *m, uint8_t fid);
bool claim_log(const struct model *m, uint8_t lid);
/* An Identify data structure. */
bool claim_cns(const struct model *m, uint8_t cns);

#endif
