/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sanitize operations: one at a time in the subsystem, in the background, over every reset. */
#ifndef MODEL_SANITIZE_H
#define MODEL_SANITIZE_H

#include "model/internal.h"

#define SANICAP_ANY   0x7u /* one type of operation or another: Sanitize is there */
#define SANICAP_NDI   (1u << 29)
#define SANICAP_NODMM (3u << 30)

struct model_sanitize *sanitize_new(struct model *m);
void sanitize_free(struct model_sanitize *s);

/* User data were written: GDE is 0 from here on. */
void sanitize_written(struct model *m);
/* Is this command not for now, as an operation runs or has failed? Then its status is set. */
bool sanitize_forbids(struct mcmd *c);
/* An operation runs, or one failed and nothing was done about it. */
bool sanitize_busy(const struct model *m);
/* The error log tells no LBA meanwhile. */
bool sanitize_hides_lba(const struct model *m);

/* An operation goes on over every reset, but by fault. */
void sanitize_reset(struct model *m, enum model_reset kind);
void sanitize_step(struct model *m);
uint64_t sanitize_due(const struct model *m);
size_t sanitize_log(struct model *m, uint8_t *page); /* log page 81h */

#endif
