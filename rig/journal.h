/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run on disk: libraries.md section 4. One directory a run, never written over; the journal
 * events.jsonl only grows, and what is to be on the disk before the device is touched is.
 */
#ifndef RIG_JOURNAL_H
#define RIG_JOURNAL_H

#include <json-c/json.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define JOURNAL_ERROR 512 /* bytes of every error text here */
#define JOURNAL_MAJOR 1
#define JOURNAL_MINOR 2

struct journal {
	char dir[PATH_MAX]; /* the run's directory */
	char id[128];	    /* RUN-ID, its last part */
	int dir_fd, events_fd;
	uint64_t seq;
	off_t end; /* where the last whole event ends */
	int err;   /* the first write error, -errno; nothing is written after it */
};

/*
 * Makes OUT/RUN-ID with cases/ and reports/ and an empty events.jsonl, whose first event is to be
 * journal_format(). out is made when only its last part is missing. 0, or -errno with ret_error.
 */
int journal_create(struct journal *j, const char *out, char ret_error[JOURNAL_ERROR]);

/* The first event of every journal. The caller owns it. */
struct json_object *journal_format(void);

/* A file of the run that is written once: O_EXCL. NULL with errno. The caller closes it. */
FILE *journal_file(struct journal *j, const char *name);

/*
 * Opens the journal of a run that was cut, to go on: takes off a half-written last line
 * (*ret_cut_bytes) and calls fn for every event. -EBUSY: its runner is still alive. -EPROTO: no
 * journal of ours, or a higher major. ret_error says so.
 */
int journal_reopen(struct journal *j, const char *dir, void (*fn)(void *ctx, struct json_object *e),
		   void *ctx, uint64_t *ret_cut_bytes, char ret_error[JOURNAL_ERROR]);

/*
 * e with seq, t and mono_ns before its own fields (those of these names are replaced), appended.
 * The stamped event is *ret, the caller's to put. 0, or -errno: then the journal ends before it and
 * stays so.
 */
int journal_append(struct journal *j, struct json_object *e, struct json_object **ret);

/* Everything written is on the disk when this returns 0. */
int journal_sync(struct journal *j);

/* Names of the log pair a worker writes to; journal_logs_keep moves it to cases/NNNN-slug/. */
int journal_logs_open(struct journal *j, int *ret_out_fd, int *ret_err_fd);
/* Keeps what is in the logs as {out,err}.log of that case; an empty one is never made. */
void journal_logs_keep(struct journal *j, unsigned index, const char *case_name, int *out_fd,
		       int *err_fd);
void journal_logs_close(struct journal *j, int *out_fd, int *err_fd);

/* Closes and removes a run that never began: run.json and an empty journal are all of it. */
void journal_discard(struct journal *j);

/* Syncs, closes, and moves the link OUT/latest here. */
void journal_close(struct journal *j);

#endif
