/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory of one transfer, whatever its data pointer is: pieces of the bus in transfer order.
 * prp.c and sgl.c gather them, data.c moves bytes through them.
 */
#ifndef MODEL_DATA_H
#define MODEL_DATA_H

#include "model/internal.h"

#define DATA_AT_FIRST  24u /* byte of the command: PRP1, SGL1 */
#define DATA_AT_SECOND 32u

struct data_piece {
	uint64_t addr;
	size_t at, len; /* bytes of the transfer before it, and in it */
	bool bucket;	/* source data that go nowhere */
};

struct data_list {
	struct data_piece *piece;
	size_t n, room;
};

/* One more piece, at the end. True: out of memory, status set. */
bool data_add(struct mcmd *c, struct data_list *list, uint64_t addr, size_t len, bool bucket);
/* Memory that tells where the data are. True: it could not be read, status set. */
bool data_read_list(struct mcmd *c, uint64_t at, void *to, size_t len);

/* Each fills the list with at least `total` bytes. True: it failed, status set. */
bool prp_gather(struct mcmd *c, struct data_list *list, size_t total);
bool sgl_gather(struct mcmd *c, struct data_list *list, size_t total);

/* Does the controller take this value of PSDT, other than 00b, in an I/O command? */
bool sgl_takes(const struct model *m, unsigned psdt);
/* Does the command's data pointer mean an SGL? */
bool sgl_used(const struct mcmd *c);

#endif
