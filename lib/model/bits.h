/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A set of numbers below a bound, one bit each, with its count kept: empty sets cost nothing. */
#ifndef MODEL_BITS_H
#define MODEL_BITS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct bits {
	uint64_t *word;
	uint64_t size;	/* numbers 0..size-1 */
	uint64_t count; /* how many are in the set */
};

static inline int bits_alloc(struct bits *b, uint64_t size)
{
	*b = (struct bits){ .word = calloc((size + 63) / 64, sizeof(uint64_t)), .size = size };
	return b->word ? 0 : -ENOMEM;
}

static inline void bits_free(struct bits *b)
{
	free(b->word);
	b->word = NULL;
}

static inline bool bits_has(const struct bits *b, uint64_t i)
{
	return b->word[i / 64] >> i % 64 & 1;
}

/* True when the number was not in the set before. */
static inline bool bits_add(struct bits *b, uint64_t i)
{
	uint64_t bit = 1ull << i % 64;

	if (b->word[i / 64] & bit)
		return false;
	b->word[i / 64] |= bit;
	b->count++;
	return true;
}

static inline void bits_remove(struct bits *b, uint64_t i)
{
	uint64_t bit = 1ull << i % 64;

	if (!(b->word[i / 64] & bit))
		return;
	b->word[i / 64] &= ~bit;
	b->count--;
}

/* The first number of first..end-1 that is in the set; end when none is. */
static inline uint64_t bits_next(const struct bits *b, uint64_t first, uint64_t end)
{
	if (!b->count)
		return end;
	while (first < end) {
		uint64_t rest = b->word[first / 64] >> first % 64;

		if (rest) {
			first += (uint64_t)__builtin_ctzll(rest);
			return first < end ? first : end;
		}
		first = (first / 64 + 1) * 64;
	}
	return end;
}

#endif
