/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NVMe is little-endian; these name every crossing, and sparse checks the types. */
#ifndef BASE_ENDIAN_H
#define BASE_ENDIAN_H

#include <endian.h>
#include <linux/types.h>
#include <stdint.h>
#include <string.h>

#ifdef __CHECKER__
#define ENDIAN_FORCE __attribute__((force))
#else
#define ENDIAN_FORCE
#endif

static inline uint16_t le16_get(__le16 v)
{
	return le16toh((ENDIAN_FORCE uint16_t)v);
}

static inline uint32_t le32_get(__le32 v)
{
	return le32toh((ENDIAN_FORCE uint32_t)v);
}

static inline uint64_t le64_get(__le64 v)
{
	return le64toh((ENDIAN_FORCE uint64_t)v);
}

static inline __le16 le16_from(uint16_t v)
{
	return (ENDIAN_FORCE __le16)htole16(v);
}

static inline __le32 le32_from(uint32_t v)
{
	return (ENDIAN_FORCE __le32)htole32(v);
}

static inline __le64 le64_from(uint64_t v)
{
	return (ENDIAN_FORCE __le64)htole64(v);
}

/* The same from bytes at any alignment: fields inside log pages and configuration space. */
static inline uint16_t le16_at(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

static inline uint32_t le32_at(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

static inline uint64_t le64_at(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void le16_put(void *p, uint16_t v)
{
	v = htole16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void le32_put(void *p, uint32_t v)
{
	v = htole32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void le64_put(void *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

#endif
