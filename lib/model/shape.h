/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The LBA formats there are, and the shapes that the option `shapes` gives the first namespaces. */
#ifndef MODEL_SHAPE_H
#define MODEL_SHAPE_H

#include "model/media.h"

#define FORMATS_PLAIN 16u /* as many formats are told while LBAFEE is 0 */

/* As many of the formats as the host is told of now. */
unsigned shape_formats_told(const struct model *m);
/* 32b and 64b guard, and 16b with a Storage Tag: only with LBAFEE (NVM CS 1.0 Protection
 * Information Formats). */
bool shape_is_extended_pi(const struct model *m, const struct media_shape *s);
/* Does the format hold the protection information that dps asks for, where that is claimed? */
bool shape_holds_pi(const struct model *m, unsigned format, uint8_t dps);

/*
 * The index-th namespace of `shapes`, without its size; -ENOENT: there are fewer; -EINVAL: it is no
 * shape, or there is no such format. An entry is DATA[/META] and letters: x metadata at the end of
 * the data, tN protection type, a in the first bytes, gN guard bits, sN bits of Storage Tag.
 */
int shape_of(const struct model *m, unsigned index, struct media_shape *ret);

#endif
