/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each followed block of a namespace may hold, while writes and reads are in flight together.
 *
 * A block's content has an identity: 64 bits of which its bytes are made, so that no block passes
 * for another. A block may hold one of several: writes that are in flight together may end in any
 * order (NVM CS 1.0 Command Ordering Requirements), a write that was cut off is there or is not
 * (Atomic Operation). What can no longer be there is remembered for as long as a read that was
 * sent before may still bring it.
 *
 * A writer is atomic or loose (AWUN/NAWUN). Beside a loose one a read may bring a mixture, each
 * byte of another content; where a loose one and another were in flight together, it may stay one.
 */
#ifndef STORM_BLOCKS_H
#define STORM_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_ZEROES 0ull    /* a block of zeroes */
#define BLOCKS_ONES   (~0ull) /* a block of FFh */
#define BLOCKS_MAY    12u     /* contents followed of one block */

struct blocks;

/* The blocks first..first + n - 1 of a namespace, each holding what nobody knows. NULL: no memory.
 */
struct blocks *blocks_new(uint64_t first, uint32_t n, uint32_t lba_bytes);
void blocks_free(struct blocks *b);
uint64_t blocks_first(const struct blocks *b);
uint32_t blocks_count(const struct blocks *b);

/* The bytes of a block of this identity. */
void blocks_fill(void *data, uint64_t id, uint32_t lba_bytes);

/* How a command that changes blocks ended. */
enum blocks_end {
	BLOCKS_DONE,  /* it succeeded: they hold it, or what another in flight with it wrote */
	BLOCKS_NONE,  /* it was refused: they do not */
	BLOCKS_MAYBE, /* each holds it or does not: cut off, aborted, or advice that was not taken
		       */
	BLOCKS_TORN,  /* it failed half-way: nobody knows */
};

/*
 * A change of the blocks lba..lba + n - 1, of which those outside are nobody's business; block k
 * of it gets identity id + k, or id itself where that is BLOCKS_ZEROES or BLOCKS_ONES.
 */
struct blocks_change {
	uint64_t lba, n, id;
	bool atomic; /* to the commands beside it */
};

/* Every begin has one end of the same change; `now` is a count that grows with each call. */
void blocks_begin(struct blocks *b, const struct blocks_change *c);
void blocks_end(struct blocks *b, const struct blocks_change *c, enum blocks_end end, uint64_t now);

/* An identity that the block may have, the newest; false: it is not followed, or may be anything.
 */
bool blocks_guess(const struct blocks *b, uint64_t lba, uint64_t *ret_id);

/* From now on nobody knows what these blocks hold / whether they can be read. */
void blocks_forget(struct blocks *b, uint64_t lba, uint64_t n);
void blocks_spoil(struct blocks *b, uint64_t lba, uint64_t n);
/* May one of them be unreadable to a read sent at `since`? */
bool blocks_spoilt(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t since);

/* A block that may not be what was read. */
struct blocks_odd {
	uint64_t lba, want; /* want: what it may have held, and the one that it is for longest */
	size_t at;	    /* the first byte that is not of it */
	bool torn;	    /* each byte is of one thing or another that it may have held */
};

/* Is this what a read of n blocks, sent at `since`, may have brought? False and *ret: no. */
bool blocks_match(const struct blocks *b, uint64_t lba, uint64_t n, const void *data,
		  uint64_t since, struct blocks_odd *ret);

/*
 * A Compare against data of these identities, sent at `since`: may it succeed, may it miscompare?
 * (Not even of a block that is not followed is anything excluded.)
 */
void blocks_compare(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t id, uint64_t since,
		    bool *ret_equal, bool *ret_differs);

#endif
