/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What each followed block of a namespace may hold, while writes and reads are in flight together.
 *
 * A block's content has an identity: 64 bits of which its bytes are made, so that no block passes
 * for another. A block may hold one of several: writes that are in flight together may end in any
 * order (NVM CS 1.0 Command Ordering Requirements), a write that was cut off is there or is not
 * (Atomic Operation). What can no longer be there is remembered for as long as a read that was
 * sent before may still bring it.
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
 * of it gets identity id + k, or id itself where that is BLOCKS_ZEROES or BLOCKS_ONES. Every
 * begin has one end with the same arguments; `now` is a count that grows with each call.
 */
void blocks_begin(struct blocks *b, uint64_t lba, uint64_t n, uint64_t id);
void blocks_end(struct blocks *b, uint64_t lba, uint64_t n, uint64_t id, enum blocks_end end,
		uint64_t now);

/* An identity that the block may have, the newest; false: it is not followed, or may be anything.
 */
bool blocks_guess(const struct blocks *b, uint64_t lba, uint64_t *ret_id);

/* From now on nobody knows what these blocks hold / whether they can be read. */
void blocks_forget(struct blocks *b, uint64_t lba, uint64_t n);
void blocks_spoil(struct blocks *b, uint64_t lba, uint64_t n);
/* May one of them be unreadable to a read sent at `since`? */
bool blocks_spoilt(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t since);

/*
 * Is this what a read of n blocks, sent at `since`, may have brought? False: *ret_lba is the block
 * that it may not be, *ret_want an identity that it may have had.
 */
bool blocks_match(const struct blocks *b, uint64_t lba, uint64_t n, const void *data,
		  uint64_t since, uint64_t *ret_lba, uint64_t *ret_want);

/*
 * A Compare against data of these identities, sent at `since`: may it succeed, may it miscompare?
 * (Not even of a block that is not followed is anything excluded.)
 */
void blocks_compare(const struct blocks *b, uint64_t lba, uint64_t n, uint64_t id, uint64_t since,
		    bool *ret_equal, bool *ret_differs);

#endif
