/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socket that is none, and a clock: linked with --wrap, what code under test sends goes to a
 * function, what it receives comes from memory, and a wait costs nothing but the fake clock's time.
 */
#ifndef TESTS_FUZZ_FAKE_H
#define TESTS_FUZZ_FAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake_ops {
	/* One call of send or sendmsg, in one piece. */
	void (*sent)(void *ctx, const uint8_t *bytes, size_t len);
	/* Somebody waits for bytes: puts some and returns true, or false. May be NULL. */
	bool (*more)(void *ctx);
};

void fake_begin(const struct fake_ops *ops, void *ctx);
void fake_end(void); /* drops what nobody took */

void fake_put(const void *bytes, size_t len);
void fake_put_fd(int fd);     /* comes with the next bytes that are received; closed by the taker */
void fake_hang_up(void);      /* behind what was put */
void fake_chunk(size_t most); /* bytes that one call receives; 0: any number */
bool fake_is_drained(void);   /* nothing left to receive */

#endif
