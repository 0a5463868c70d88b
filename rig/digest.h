/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SHA-256, to say later which bytes a run was made with. */
#ifndef RIG_DIGEST_H
#define RIG_DIGEST_H

#include <stddef.h>

#define DIGEST_TEXT 65 /* 64 lower-case hex digits and a 0 */

/* 0 or -EIO when libcrypto would not. */
int digest_text(const void *bytes, size_t n, char ret[DIGEST_TEXT]);

#endif
