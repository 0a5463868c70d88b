/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directives: the Identify Directive, and Streams where opt.msl says how many there may be. */
#ifndef MODEL_DIRECTIVE_H
#define MODEL_DIRECTIVE_H

#include "model/internal.h"

struct model_directives *directives_new(struct model *m);
void directives_free(struct model_directives *d);
void directives_reset(struct model *m);

/* The I/O command names a directive that is not to be had: sets the status, true. */
bool directive_refuses(struct mcmd *c);
/* It was done, and may have opened a stream. */
void directive_done(struct mcmd *c);
/* What streams there are in the namespace are released: it is formatted, protected. */
void directive_release(struct model *m, uint32_t nsid);
/* The namespace is none any more. */
void directive_delete(struct model *m, uint32_t nsid);

#endif
