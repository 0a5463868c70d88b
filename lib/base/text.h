/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The word of the list that the reader most likely meant (edit distance, at most a third of the
 * word's length plus one), or NULL. next(ctx, i) gives the i-th word and NULL past the last.
 */
const char *text_nearest(const char *word, const char *(*next)(const void *ctx, size_t i),
			 const void *ctx);

/* The same over an array of n strings. */
const char *text_nearest_of(const char *word, const char *const *words, size_t n);

/*
 * An unsigned number, decimal or with 0x, the suffixes k M G T for 1000s and Ki Mi Gi Ti for
 * 1024s. Whole text or -EINVAL; -ERANGE past 64 bits.
 */
int text_number(const char *s, uint64_t *ret);

/* 1 if the word is one of a blank-separated list, else 0. An empty word is in no list. */
int text_in_list(const char *list, const char *word, size_t len);

/* Shell pattern as fnmatch(3) has it; a pattern without wildcards must match whole. */
int text_match(const char *pattern, const char *s);

#endif
