// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_pages.h"

#include <stdlib.h>
#include <string.h>

int pages_open(struct pages *p, struct engine *e)
{
	*p = (struct pages){ .e = e, .data = calloc(1, DISK_ROOM) };
	if (!p->data || bits_alloc(&p->held, DISK_ROOM / SECTOR) ||
	    bits_alloc(&p->dirty, DISK_ROOM / SECTOR))
		return -ENOMEM;
	return 0;
}

void pages_close(struct pages *p)
{
	free(p->data);
	bits_free(&p->held);
	bits_free(&p->dirty);
}

int pages_read(struct pages *p, uint64_t at, void *to, uint64_t len)
{
	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++) {
		int err = bits_has(&p->held, s)
				  ? 0
				  : engine_read(p->e, s * SECTOR, p->data + s * SECTOR, SECTOR);

		if (err)
			return err;
		bits_add(&p->held, s);
	}
	memcpy(to, p->data + at, len);
	return 0;
}

void pages_write(struct pages *p, uint64_t at, const void *from, uint64_t len)
{
	memcpy(p->data + at, from, len);
	for (uint64_t s = at / SECTOR; s < (at + len) / SECTOR; s++) {
		bits_add(&p->held, s);
		bits_add(&p->dirty, s);
	}
}

/* How many dirty sectors there are in a row. */
static uint64_t row(const struct pages *p, uint64_t first, uint64_t end)
{
	uint64_t s = first;

	while (s < end && bits_has(&p->dirty, s))
		s++;
	return s - first;
}

void pages_write_back(struct pages *p, uint64_t at, uint64_t len)
{
	uint64_t end = (at + len) / SECTOR;

	for (uint64_t s = bits_next(&p->dirty, at / SECTOR, end); s < end;
	     s = bits_next(&p->dirty, s, end)) {
		uint64_t n = row(p, s, end);

		if (engine_write(p->e, s * SECTOR, p->data + s * SECTOR, n * SECTOR, 0))
			p->errors++;
		for (uint64_t i = s; i < s + n; i++)
			bits_remove(&p->dirty, i);
	}
}

void pages_forget(struct pages *p, uint64_t at, uint64_t len)
{
	uint64_t end = (at + len) / SECTOR;

	for (uint64_t s = bits_next(&p->held, at / SECTOR, end); s < end;
	     s = bits_next(&p->held, s, end)) {
		bits_remove(&p->held, s);
		bits_remove(&p->dirty, s);
	}
}
