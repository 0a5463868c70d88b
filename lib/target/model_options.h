/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the options of `model:` to a model with power on, for all who have one. */
#ifndef TARGET_MODEL_OPTIONS_H
#define TARGET_MODEL_OPTIONS_H

struct model;
struct target;

/* Options as behind "model:". 0, or -errno and the sentence in t's error. */
int model_options_start(struct target *t, const char *options, struct model *m);

#endif
