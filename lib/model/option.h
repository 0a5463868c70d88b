/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options, and the presets that are sets of them. */
#ifndef MODEL_OPTION_H
#define MODEL_OPTION_H

#include "model/feature.h"
#include "model/internal.h"
#include "model/log.h"

#define CMB_BYTES_MIN 0x4000u

#define SIZE_MIN      (1ull << 20) /* bytes of a namespace: the areas of cases have room in it */

void option_defaults(struct model_opt *opt);
/* One option but fault and preset: 0, -ENOENT unknown, -EINVAL bad value. */
int option_set(struct model_opt *opt, const char *key, const char *value);
/* Was the key given one by one, not by a preset? */
bool option_given(const struct model *m, const char *key);

/* The preset's options, but for those that were given. -EINVAL: no such, -EEXIST: there is one. */
int preset_apply(struct model *m, const char *name);
/* The one that was applied; "full": none. */
const char *preset_name(const struct model *m);
/* What was given against what the preset is by its name; 0, or -EINVAL and the sentence. */
int preset_check(const struct model *m, char *why, size_t len);

/*
 * What is claimed against the version and against one another. A claim that was not given and that
 * the version does not know is dropped; one that was given is -EINVAL and a sentence.
 */
int claim_settle(struct model *m, char *why, size_t len);

#endif
