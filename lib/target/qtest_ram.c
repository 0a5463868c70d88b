// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/qtest_ram.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"

#define GUARD RAM_PAGE
#define LARGE 0x200000u

struct region {
	uint64_t addr, len;
	struct region *next;
};

int ram_open(struct ram *r, const char *path, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDWR | O_CLOEXEC);

	memset(r, 0, sizeof(*r));
	return fd < 0 ? -errno : ram_open_fd(r, fd, size);
}

int ram_open_fd(struct ram *r, int fd, size_t size)
{
	struct stat st;

	memset(r, 0, sizeof(*r));
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (!size)
		size = (size_t)st.st_size;
	if (size > (size_t)st.st_size || size < 2 * RAM_FIRST || size % RAM_PAGE)
		return -EINVAL;
	r->base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (r->base == MAP_FAILED) {
		r->base = NULL;
		return -errno;
	}
	r->size = size;
	return 0;
}

int ram_open_anonymous(struct ram *r, size_t size)
{
	uint8_t *at, *first;

	memset(r, 0, sizeof(*r));
	if (size < 2 * RAM_FIRST || size % RAM_PAGE || size > SIZE_MAX - LARGE)
		return -EINVAL;
	at = mmap(NULL, size + LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return -errno;
	first = at + (-(uintptr_t)at & (LARGE - 1));
	if (first > at)
		munmap(at, (size_t)(first - at));
	munmap(first + size, (size_t)(at + LARGE - first));
	madvise(first, size, MADV_HUGEPAGE);
	r->base = first;
	r->size = size;
	return 0;
}

void ram_close(struct ram *r)
{
	while (r->used) {
		struct region *next = r->used->next;

		free(r->used);
		r->used = next;
	}
	if (r->base)
		munmap(r->base, r->size);
	r->base = NULL;
}

uint64_t ram_alloc(struct ram *r, size_t len, size_t align)
{
	struct region **at = &r->used, *n;
	uint64_t addr;

	if (!len || len > r->size || align > r->size || (align & (align - 1)))
		return 0;
	len = (len + RAM_PAGE - 1) & ~(size_t)(RAM_PAGE - 1);
	if (align < RAM_PAGE)
		align = RAM_PAGE;
	addr = (RAM_FIRST + align - 1) & ~(uint64_t)(align - 1);
	for (; *at && addr + len + GUARD > (*at)->addr; at = &(*at)->next)
		addr = ((*at)->addr + (*at)->len + GUARD + align - 1) & ~(uint64_t)(align - 1);
	if (addr + len + GUARD > r->size)
		return 0;
	n = malloc(sizeof(*n));
	if (!n)
		return 0;
	*n = (struct region){ .addr = addr, .len = len, .next = *at };
	*at = n;
	memset(ram_at(r, addr), 0, len);
	return addr;
}

void ram_free(struct ram *r, uint64_t addr)
{
	for (struct region **at = &r->used; *at; at = &(*at)->next) {
		struct region *gone = *at;

		if (gone->addr != addr)
			continue;
		*at = gone->next;
		free(gone);
		return;
	}
}
