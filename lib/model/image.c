// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/image.h"

#include <string.h>
#include <sys/mman.h>

static uint8_t *map(size_t len, int fd, off_t off, bool shared)
{
	int flags = MAP_NORESERVE | (shared && fd >= 0 ? MAP_SHARED : MAP_PRIVATE) |
		    (fd < 0 ? MAP_ANONYMOUS : 0);
	void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, fd < 0 ? 0 : off);

	return p == MAP_FAILED ? NULL : p;
}

int image_open(struct image *im, size_t len, int fd, off_t off)
{
	*im = (struct image){ .len = len };
	im->medium = map(len, fd, off, true);
	im->view = map(len, fd, off, false);
	if (im->medium && im->view && !bits_alloc(&im->dirty, len / IMAGE_PAGE))
		return 0;
	image_close(im);
	return -ENOMEM;
}

void image_close(struct image *im)
{
	if (im->medium)
		munmap(im->medium, im->len);
	if (im->view)
		munmap(im->view, im->len);
	bits_free(&im->dirty);
	*im = (struct image){ 0 };
}

static uint64_t past(uint64_t off, uint64_t len)
{
	return image_round(off + len) / IMAGE_PAGE;
}

static void flush_pages(struct image *im, uint64_t page, uint64_t end)
{
	for (page = bits_next(&im->dirty, page, end); page < end;
	     page = bits_next(&im->dirty, page + 1, end)) {
		memcpy(im->medium + page * IMAGE_PAGE, im->view + page * IMAGE_PAGE, IMAGE_PAGE);
		bits_remove(&im->dirty, page);
	}
}

void image_settle(struct image *im, uint64_t off, uint64_t len, bool through)
{
	if (!im->len)
		return;
	if (through) {
		memcpy(im->medium + off, im->view + off, len);
		return;
	}
	for (uint64_t page = off / IMAGE_PAGE; page < past(off, len); page++)
		bits_add(&im->dirty, page);
}

void image_flush(struct image *im, uint64_t off, uint64_t len)
{
	if (im->len)
		flush_pages(im, off / IMAGE_PAGE, past(off, len));
}

void image_flush_all(struct image *im)
{
	if (im->len)
		flush_pages(im, 0, im->dirty.size);
}

void image_drop(struct image *im)
{
	uint64_t page, end = im->dirty.size;

	if (!im->len)
		return;
	for (page = bits_next(&im->dirty, 0, end); page < end;
	     page = bits_next(&im->dirty, page + 1, end)) {
		memcpy(im->view + page * IMAGE_PAGE, im->medium + page * IMAGE_PAGE, IMAGE_PAGE);
		bits_remove(&im->dirty, page);
	}
}
