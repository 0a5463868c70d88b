// SPDX-License-Identifier: GPL-2.0-or-later
#include "image/cpio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"

#define BUFFER	     (1u << 20)
#define HEADER	     110
#define ARCHIVE_UNIT 512 /* of the padding at an archive's end */
#define NAME_BYTES   4096

struct entry {
	const char *name;
	uint32_t mode, major, minor;
	const void *data;
	size_t size;
};

void cpio_begin(struct cpio *c, int fd)
{
	*c = (struct cpio){ .fd = fd, .buf = malloc(BUFFER) };
	if (!c->buf)
		c->err = -ENOMEM;
}

static void flush(struct cpio *c)
{
	if (!c->err && c->used)
		c->err = bytes_write(c->fd, c->buf, c->used);
	c->used = 0;
}

static void put(struct cpio *c, const void *data, size_t size)
{
	if (c->err || !size)
		return;
	c->bytes += size;
	if (c->used + size > BUFFER)
		flush(c);
	if (size > BUFFER) {
		c->err = c->err ? c->err : bytes_write(c->fd, data, size);
		return;
	}
	memcpy(c->buf + c->used, data, size);
	c->used += size;
}

static void pad(struct cpio *c, unsigned unit)
{
	static const char zero[ARCHIVE_UNIT];

	put(c, zero, (unit - c->bytes % unit) % unit);
}

static void add(struct cpio *c, const struct entry *e)
{
	size_t name = strlen(e->name) + 1;
	char header[HEADER + 1];

	if (name > NAME_BYTES || e->size > UINT32_MAX) {
		c->err = c->err ? c->err : name > NAME_BYTES ? -ENAMETOOLONG : -EFBIG;
		return;
	}
	snprintf(header, sizeof(header),
		 "070701%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", ++c->ino, e->mode, 0,
		 0, S_ISDIR(e->mode) ? 2 : 1, 0, (uint32_t)e->size, 0, 0, e->major, e->minor,
		 (uint32_t)name, 0);
	put(c, header, HEADER);
	put(c, e->name, name);
	pad(c, 4);
	put(c, e->data, e->size);
	pad(c, 4);
}

void cpio_dir(struct cpio *c, const char *path, unsigned mode)
{
	add(c, &(struct entry){ .name = path, .mode = S_IFDIR | mode });
}

void cpio_file(struct cpio *c, const char *path, unsigned mode, const void *data, size_t size)
{
	add(c, &(struct entry){ .name = path, .mode = S_IFREG | mode, .data = data, .size = size });
}

void cpio_link(struct cpio *c, const char *path, const char *to)
{
	add(c, &(struct entry){
		       .name = path, .mode = S_IFLNK | 0777, .data = to, .size = strlen(to) });
}

void cpio_device(struct cpio *c, const char *path, unsigned mode, unsigned major, unsigned minor)
{
	add(c, &(struct entry){
		       .name = path, .mode = S_IFCHR | mode, .major = major, .minor = minor });
}

int cpio_end(struct cpio *c)
{
	c->ino = UINT32_MAX; /* the mark's is 0 */
	add(c, &(struct entry){ .name = "TRAILER!!!" });
	pad(c, ARCHIVE_UNIT);
	flush(c);
	free(c->buf);
	c->buf = NULL;
	return c->err;
}
