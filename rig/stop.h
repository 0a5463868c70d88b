/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SIGINT, SIGTERM, SIGHUP: the first asks to stop in good order, the second kills at once (workers
 * and engines die with their parent).
 */
#ifndef RIG_STOP_H
#define RIG_STOP_H

#include <stdbool.h>

struct stop {
	int fd; /* readable once a signal came */
	bool asked;
	int signal; /* which */
};

/*
 * Blocks the signals and listens for them. 0 or -errno. Children inherit the mask: workers reset
 * it, lib/stack does for engines.
 */
int stop_listen(struct stop *s);

/* Was it asked? Looks, does not wait. From then on the signals kill as by default. */
bool stop_asked(struct stop *s);

/* For poll(2): -1 when s is NULL or it was asked already. */
int stop_fd(const struct stop *s);

void stop_close(struct stop *s);

#endif
