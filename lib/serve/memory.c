// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static bool overlaps(const struct memory_region *r, const struct vu_map *map)
{
	return r->addr < map->address + map->size && map->address < r->addr + r->size;
}

static bool is_same(const struct memory_region *r, const struct vu_map *map)
{
	return r->addr == map->address && r->size == map->size && r->offset == map->offset &&
	       r->flags == map->flags;
}

static bool is_sound(const struct vu_map *map)
{
	return map->size && map->address + map->size > map->address &&
	       map->offset + map->size > map->offset && map->offset + map->size <= INT64_MAX &&
	       (map->address | map->size | map->offset) % 4096 == 0;
}

/* It holds all that is mapped of it, and access to it never waits for anybody. */
static bool is_memory(int fd, const struct vu_map *map)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode) &&
	       (uint64_t)st.st_size >= map->offset + map->size;
}

static int region_fill(struct memory_region *r, const struct vu_map *map, int fd)
{
	int seals;

	*r = (struct memory_region){ .addr = map->address,
				     .size = map->size,
				     .offset = map->offset,
				     .flags = map->flags,
				     .fd = fd };
	if (fd < 0)
		return 0;
	if (!is_memory(fd, map))
		return EINVAL;
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0 || !(seals & F_SEAL_SHRINK))
		return 0;
	r->va = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map->offset);
	if (r->va == MAP_FAILED)
		r->va = NULL; /* opened for reading alone, or no room: by descriptor, then */
	return 0;
}

static int map_check(const struct memory *mem, const struct vu_map *map, bool *ret_again)
{
	if (map->flags & ~3u || !is_sound(map))
		return EINVAL;
	for (unsigned i = 0; i < mem->n; i++) {
		if (!overlaps(&mem->region[i], map))
			continue;
		*ret_again = is_same(&mem->region[i], map);
		return *ret_again ? 0 : EEXIST;
	}
	return mem->n == MEMORY_REGIONS ? ENOSPC : 0;
}

int memory_map(struct memory *mem, const struct vu_map *map, int fd)
{
	bool again = false;
	int err = map_check(mem, map, &again);

	if (!err && !again)
		err = region_fill(&mem->region[mem->n], map, fd);
	if (err || again) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	mem->n++;
	return 0;
}

static void region_drop(struct memory_region *r)
{
	if (r->va)
		munmap(r->va, r->size);
	if (r->fd >= 0)
		close(r->fd);
}

int memory_unmap(struct memory *mem, const struct vu_unmap *unmap)
{
	if (unmap->flags & ~(uint32_t)VU_UNMAP_ALL)
		return EINVAL;
	if (unmap->flags & VU_UNMAP_ALL) {
		if (unmap->address || unmap->size)
			return EINVAL;
		memory_drop(mem);
		return 0;
	}
	for (unsigned i = 0; i < mem->n; i++) {
		struct memory_region *r = &mem->region[i];

		if (r->addr != unmap->address || r->size != unmap->size)
			continue;
		region_drop(r);
		*r = mem->region[--mem->n];
		return 0;
	}
	return ENOENT;
}

bool memory_find(const struct memory *mem, const struct vu_unmap *unmap)
{
	for (unsigned i = 0; i < mem->n; i++)
		if (mem->region[i].addr == unmap->address && mem->region[i].size == unmap->size)
			return true;
	return false;
}

bool memory_widen(const struct memory *mem, struct vu_unmap *unmap)
{
	for (unsigned i = 0; i < mem->n; i++) {
		const struct memory_region *r = &mem->region[i];

		if (unmap->address - r->addr >= r->size)
			continue;
		unmap->address = r->addr;
		unmap->size = r->size;
		return true;
	}
	return false;
}

void memory_drop(struct memory *mem)
{
	while (mem->n)
		region_drop(&mem->region[--mem->n]);
}

static struct memory_region *region_at(struct memory *mem, uint64_t addr)
{
	for (unsigned i = 0; i < mem->n; i++)
		if (addr - mem->region[i].addr < mem->region[i].size)
			return &mem->region[i];
	return NULL;
}

static bool is_far(const struct memory *mem, const struct memory_region *r)
{
	return mem->by_message || r->fd < 0;
}

static int region_take(const struct memory *mem, const struct memory_region *r, uint64_t off,
		       void *to, size_t len)
{
	const struct memory_far *far = &mem->far;

	if (!(r->flags & VU_MAP_READ))
		return -EFAULT;
	if (is_far(mem, r))
		return far->take ? far->take(far->ctx, r->addr + off, to, len) : -EFAULT;
	if (r->va)
		memcpy(to, r->va + off, len);
	else if (pread(r->fd, to, len, (off_t)(r->offset + off)) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* The client may be looking meanwhile: a phase tag, in the last dword, comes after what it vouches
 * for. */
static void store(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t head = len > 4 ? len - 4 : 0;

	memcpy(to, from, head);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(to + head, from + head, len - head);
}

static int region_put(const struct memory *mem, const struct memory_region *r, uint64_t off,
		      const void *from, size_t len)
{
	const struct memory_far *far = &mem->far;

	if (!(r->flags & VU_MAP_WRITE))
		return -EFAULT;
	if (is_far(mem, r))
		return far->put ? far->put(far->ctx, r->addr + off, from, len) : -EFAULT;
	if (r->va)
		store(r->va + off, from, len);
	else if (pwrite(r->fd, from, len, (off_t)(r->offset + off)) != (ssize_t)len)
		return -EFAULT;
	return 0;
}

/* What of len lies in r from addr on. */
static size_t piece_of(const struct memory_region *r, uint64_t addr, size_t len)
{
	uint64_t left = r->size - (addr - r->addr);

	return len < left ? len : (size_t)left;
}

int memory_take(struct memory *mem, uint64_t addr, void *to, size_t len)
{
	for (size_t done = 0, n; done < len; done += n) {
		struct memory_region *r = region_at(mem, addr + done);

		if (!r)
			return -EFAULT;
		n = piece_of(r, addr + done, len - done);
		if (region_take(mem, r, addr + done - r->addr, (uint8_t *)to + done, n))
			return -EFAULT;
	}
	return 0;
}

int memory_put(struct memory *mem, uint64_t addr, const void *from, size_t len)
{
	for (size_t done = 0, n; done < len; done += n) {
		struct memory_region *r = region_at(mem, addr + done);

		if (!r)
			return -EFAULT;
		n = piece_of(r, addr + done, len - done);
		if (region_put(mem, r, addr + done - r->addr, (const uint8_t *)from + done, n))
			return -EFAULT;
	}
	return 0;
}
