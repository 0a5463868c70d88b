// SPDX-License-Identifier: GPL-2.0-or-later
#include "data/pi.h"

#include <string.h>

#include "data/crc.h"

#define SPACE_MAX 10u /* bytes of the Storage and Reference Space */

unsigned pi_bytes(const struct pi_shape *s)
{
	return s->guard_bytes == 2 ? 8 : 16;
}

unsigned pi_at(const struct pi_shape *s)
{
	return s->first ? 0 : s->ms - pi_bytes(s);
}

/* Behind the guard and the Application Tag. */
static unsigned space_bytes(const struct pi_shape *s)
{
	return pi_bytes(s) - s->guard_bytes - 2;
}

unsigned pi_ref_bits(const struct pi_shape *s)
{
	return 8 * space_bytes(s) - s->sts;
}

uint64_t pi_cut(uint64_t value, unsigned bits)
{
	return bits < 64 ? value & ((1ull << bits) - 1) : value;
}

/* Metadata before the protection information is covered, what is behind it is not. */
uint64_t pi_guard(const struct pi_shape *s, const void *data, const void *meta)
{
	size_t n = s->lba_bytes, before = pi_at(s);

	if (s->guard_bytes == 2)
		return crc16_t10dif(crc16_t10dif(0, data, n), meta, before);
	if (s->guard_bytes == 4)
		return crc32c(crc32c(0, data, n), meta, before);
	return crc64_nvme(crc64_nvme(0, data, n), meta, before);
}

/* Numbers stand most significant byte first. */
static void put_number(uint8_t *at, unsigned bytes, uint64_t v)
{
	while (bytes--) {
		at[bytes] = (uint8_t)v;
		v >>= 8;
	}
}

static uint64_t get_number(const uint8_t *at, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v = v << 8 | at[i];
	return v;
}

/* Bit b of the space, counted from the least significant: the Reference Tag, then the other. */
static void put_space(const struct pi_shape *s, uint8_t *at, uint64_t storage, uint64_t ref)
{
	unsigned n = space_bytes(s), low = pi_ref_bits(s);

	memset(at, 0, n);
	for (unsigned b = 0; b < 8 * n; b++) {
		uint64_t bit = b < low ? ref >> b & 1 : storage >> (b - low) & 1;

		at[n - 1 - b / 8] |= (uint8_t)(bit << b % 8);
	}
}

static void get_space(const struct pi_shape *s, const uint8_t *at, struct pi_tuple *ret)
{
	unsigned n = space_bytes(s), low = pi_ref_bits(s);

	ret->storage = ret->ref = 0;
	for (unsigned b = 0; b < 8 * n; b++) {
		uint64_t bit = at[n - 1 - b / 8] >> b % 8 & 1;

		if (b < low)
			ret->ref |= bit << b;
		else
			ret->storage |= bit << (b - low);
	}
}

void pi_put(const struct pi_shape *s, void *meta, const struct pi_tuple *t)
{
	uint8_t *at = (uint8_t *)meta + pi_at(s);

	put_number(at, s->guard_bytes, t->guard);
	put_number(at + s->guard_bytes, 2, t->app);
	put_space(s, at + s->guard_bytes + 2, t->storage, t->ref);
}

void pi_get(const struct pi_shape *s, const void *meta, struct pi_tuple *ret)
{
	const uint8_t *at = (const uint8_t *)meta + pi_at(s);

	ret->guard = get_number(at, s->guard_bytes);
	ret->app = (uint16_t)get_number(at + s->guard_bytes, 2);
	get_space(s, at + s->guard_bytes + 2, ret);
}

struct pi_dwords pi_dwords(const struct pi_shape *s, uint64_t storage, uint64_t ref)
{
	uint8_t space[SPACE_MAX] = { 0 };

	/* right-aligned, so that the low dword is always the last */
	put_space(s, space + SPACE_MAX - space_bytes(s), storage, ref);
	return (struct pi_dwords){
		.cdw2 = (uint32_t)get_number(space, 2),
		.cdw3 = (uint32_t)get_number(space + 2, 4),
		.cdw14 = (uint32_t)get_number(space + 6, 4),
	};
}
