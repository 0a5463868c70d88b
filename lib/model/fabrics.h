/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The model as a message-based controller: what its claims then are, and queues made without
 * commands. */
#ifndef MODEL_FABRICS_H
#define MODEL_FABRICS_H

#include "model/internal.h"

/* What only a memory-based controller has goes. -EINVAL and why, when it was asked for by name. */
int fabrics_settle(struct model *m, char *why, size_t len);
/* Admin commands, features that no message-based controller has. */
bool fabrics_lacks_admin(const struct model *m, uint8_t opcode);
bool fabrics_lacks_feature(const struct model *m, uint8_t fid);
void fabrics_identify(struct model *m, struct nvme_id_ctrl *id);

#endif
