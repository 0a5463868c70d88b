// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

#define WORD_MAX 64

/* Levenshtein's distance, two rows; words are cut at WORD_MAX, which only makes a guess worse. */
static unsigned distance(const char *a, const char *b)
{
	size_t la = strnlen(a, WORD_MAX), lb = strnlen(b, WORD_MAX);
	unsigned row[WORD_MAX + 1], diagonal, above;

	for (size_t j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			above = row[j];
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[lb];
}

const char *text_nearest(const char *word, const char *(*next)(const void *ctx, size_t i),
			 const void *ctx)
{
	const char *best = NULL, *w;
	unsigned limit = (unsigned)strlen(word) / 3 + 1;

	for (size_t i = 0; (w = next(ctx, i)); i++) {
		unsigned d = distance(word, w);

		if (d <= limit) {
			if (d == 0)
				return w;
			limit = d - 1;
			best = w;
		}
	}
	return best;
}

struct words {
	const char *const *word;
	size_t n;
};

static const char *nth_word(const void *ctx, size_t i)
{
	const struct words *w = ctx;

	return i < w->n ? w->word[i] : NULL;
}

const char *text_nearest_of(const char *word, const char *const *words, size_t n)
{
	struct words w = { words, n };

	return text_nearest(word, nth_word, &w);
}

int text_number(const char *s, uint64_t *ret)
{
	static const struct {
		const char *suffix;
		uint64_t times;
	} units[] = {
		{ "", 1 },
		{ "k", 1000ull },
		{ "K", 1000ull },
		{ "M", 1000000ull },
		{ "G", 1000000000ull },
		{ "T", 1000000000000ull },
		{ "Ki", 1ull << 10 },
		{ "Mi", 1ull << 20 },
		{ "Gi", 1ull << 30 },
		{ "Ti", 1ull << 40 },
	};
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, s[0] == '0' && (s[1] | 0x20) == 'x' ? 16 : 10);
	if (errno == ERANGE)
		return -ERANGE;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].suffix))
			continue;
		if (v > UINT64_MAX / units[i].times)
			return -ERANGE;
		*ret = v * units[i].times;
		return 0;
	}
	return -EINVAL;
}

int text_in_list(const char *list, const char *word, size_t len)
{
	if (!list || !len)
		return 0;
	while (*list) {
		size_t n = strcspn(list, " ");

		if (n == len && !memcmp(list, word, len))
			return 1;
		list += n;
		list += strspn(list, " ");
	}
	return 0;
}

int text_match(const char *pattern, const char *s)
{
	return fnmatch(pattern, s, FNM_NOESCAPE) == 0;
}
