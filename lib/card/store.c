// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "card/internal.h"

#define PER_PAGE 128u /* sectors: 64 KiB */

int store_open(struct store *s, uint32_t sectors, uint8_t empty)
{
	s->pages = (sectors + PER_PAGE - 1) / PER_PAGE;
	s->empty = empty;
	s->page = calloc(s->pages, sizeof(*s->page));
	return s->page ? 0 : -ENOMEM;
}

void store_close(struct store *s)
{
	for (uint32_t i = 0; s->page && i < s->pages; i++)
		free(s->page[i]);
	free(s->page);
	s->page = NULL;
}

void store_read(const struct store *s, uint32_t sector, uint8_t *to)
{
	const uint8_t *page = s->page[sector / PER_PAGE];

	if (page)
		memcpy(to, page + sector % PER_PAGE * MMC_BLOCK, MMC_BLOCK);
	else
		memset(to, s->empty, MMC_BLOCK);
}

static uint8_t *page_of(struct store *s, uint32_t sector)
{
	uint8_t **page = &s->page[sector / PER_PAGE];

	if (!*page) {
		*page = malloc(PER_PAGE * MMC_BLOCK);
		if (*page)
			memset(*page, s->empty, PER_PAGE * MMC_BLOCK);
	}
	return *page;
}

int store_write(struct store *s, uint32_t sector, const uint8_t *from)
{
	uint8_t *page = page_of(s, sector);

	if (!page)
		return -ENOMEM;
	memcpy(page + sector % PER_PAGE * MMC_BLOCK, from, MMC_BLOCK);
	return 0;
}

/* What was never written is given no memory for being filled with what it reads as. */
void store_fill(struct store *s, uint32_t sector, uint32_t n, uint8_t value)
{
	for (; n; n--, sector++) {
		uint8_t *page = s->page[sector / PER_PAGE];

		if (!page && value != s->empty)
			page = page_of(s, sector);
		if (page)
			memset(page + sector % PER_PAGE * MMC_BLOCK, value, MMC_BLOCK);
	}
}
