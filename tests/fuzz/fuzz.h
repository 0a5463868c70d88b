/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target: one function that takes bytes from a hostile world. Built with libFuzzer's main
 * (preset fuzz) it is searched for findings, with replay.c's it goes through its corpus as a test.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What has to hold whatever the input is. */
#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Input as it is used up; what is no longer there reads 0. */
struct input {
	const uint8_t *at;
	size_t left;
};

static inline uint8_t take8(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline uint64_t take_le(struct input *in, unsigned bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < bytes; i++)
		v |= (uint64_t)take8(in) << 8 * i;
	return v;
}

/* At most n bytes of input itself. */
static inline const uint8_t *take(struct input *in, size_t n, size_t *ret_n)
{
	const uint8_t *at = in->at;

	*ret_n = n < in->left ? n : in->left;
	in->at += *ret_n;
	in->left -= *ret_n;
	return at;
}

/* The lowest descriptor that is free: the same before and after, where none is lost. */
static inline int lowest_fd(void)
{
	int fd = fcntl(STDERR_FILENO, F_DUPFD, 0);

	close(fd);
	return fd;
}

/* The input as text ended by NUL, freed by the caller. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	return text;
}

#endif
