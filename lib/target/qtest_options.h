/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind "qtest:": a socket and options. */
#ifndef TARGET_QTEST_OPTIONS_H
#define TARGET_QTEST_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct target;

struct qtest_options {
	char mem[192], engine[64];
	uint64_t size, timeout_ms;
	unsigned bdf, peer; /* 0: there is no peer */
	bool step;
};

/* "SOCK?options": *ret_socket is the part before the first '?', on the heap. */
int qtest_options_parse(struct target *t, const char *address, struct qtest_options *ret,
			char **ret_socket);

#endif
