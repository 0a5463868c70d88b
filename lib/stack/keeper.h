/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process between us and a program that we start. It outlives us by the moment it takes to end
 * the program and to remove what it leaves, so that even kill -9 of the rig leaves nothing; and
 * being a process of one thread, it can be what the program's parent-death signal hangs on.
 */
#ifndef STACK_KEEPER_H
#define STACK_KEEPER_H

#include <stdbool.h>
#include <sys/types.h>

#define KEEPER_PATHS 16

struct keeper_ward; /* shared with the keeper process */

struct keeper {
	pid_t pid; /* of the keeper; 0: none */
	struct keeper_ward *ward;
};

struct keeper_job {
	char *const *argv; /* argv[0]: a path, not searched for */
	int log_fd;	   /* the program's stdout and stderr */
	const int *
		keep_fds; /* close-on-exec is taken off these, in the program alone; ends with -1 */
	const char *paths[KEEPER_PATHS]; /* removed when we die first: files, then directories */
};

/* Starts keeper and program in a process group of their own. 0 or -errno. From the main thread. */
int keeper_start(struct keeper *k, const struct keeper_job *job);

/* Ends the program (SIGTERM, SIGKILL after 3 s), waits for both; the paths stay. k may be unused.
 */
void keeper_stop(struct keeper *k);

/* Has the program ended? Then *ret_status is as waitpid(2) has it. Does not wait. */
bool keeper_ended(struct keeper *k, int *ret_status);

/* The program's process, 0 when it is gone. */
pid_t keeper_program(const struct keeper *k);

#endif
