/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One run from its directory to its last event: journal, stack, probe, plan, cases, run_end. What
 * `nvrig run` does once it knows what it was asked for.
 */
#ifndef RIG_SESSION_H
#define RIG_SESSION_H

#include "rig/bench.h"
#include "rig/journal.h"
#include "rig/options.h"
#include "rig/outputs.h"
#include "rig/plan.h"
#include "rig/profile.h"
#include "rig/replay.h"
#include "rig/resume.h"
#include "rig/session_guard.h"
#include "rig/sink.h"
#include "rig/stop.h"
#include "rig/verdict.h"

struct session {
	struct run_options *options;
	struct outputs *outputs;	  /* added, not opened */
	const struct stack_config *stack; /* NULL: a target */
	int argc;
	char **argv; /* for run.json */

	struct stop stop;
	struct journal journal;
	bool journal_open, outputs_open;
	struct sink sink;
	struct bench bench;
	struct facts *facts;
	struct profile *profile; /* NULL: the drive did not come up */
	char known_text[512];
	struct guard_drive *before;  /* the guards look at that before it is held; NULL: after */
	struct session_guard *guard; /* NULL: no device of this machine */
	struct wall wall;	     /* around workers, where there is a guard */
	struct plan plan;
	struct resume resume;
	struct replay replay;
	struct json_object *old; /* events before the resume, until the reports have them */
	uint64_t cut_bytes;
	struct tally tally;
	uint64_t start_ns;
	int up_err; /* of bringing the stack up, as stack_up has it; 0: it came up */
	char up_error[BENCH_ERROR];
	char cut[BENCH_ERROR]; /* why it came to an early end; "" */
};

/*
 * Runs it, a new run or, with options->resume, one that goes on. Returns the exit status; what is
 * to be said is on standard error. Only the first members need be filled.
 */
int session_run(struct session *s);

/*
 * All that `nvrig run` does once its words are parsed: looks at them, loads the configurations,
 * runs a session, a matrix or a dry run. The exit status. (cmd_run.c)
 */
int run_asked(struct run_options *o, int argc, char **argv);

/* ---- for the two ways to run: session.c on a bench, session_guest.c in a guest ---- */

/* Makes a directory for the stack below the run's own. 0 or -errno. */
int session_stack_dir(struct session *s, char dir[PATH_MAX]);
/* Opens the reports and tells `format`, once. 0, or -errno: then no run is left behind. */
int session_first_event(struct session *s);
/* A reopened journal goes on: the reports hear what was before. */
void session_tell_old(struct session *s);
/* The run ends before its cases, for that reason. The exit status. */
int session_end_early(struct session *s, int err, const char *reason);
/* A file of the run's directory could not be written: said, with what to do; err again. */
int session_say_disk(struct session *s, const char *what, int err);
/* The cases of the plan, on a bench (session_cases.c). 0 or -errno. */
int session_run_cases(struct session *s);
/* The cases have their ends, or err came between: run_end. The exit status. */
int session_finish(struct session *s, int err);

/* The plan without a run: brings a stack up and probes, or probes the target; prints. */
int session_dry_run(struct session *s);

/* What a resumed run was asked for: run.json's "options". NULL with ret_error (512 bytes). */
struct json_object *session_saved_options(const char *dir, char *ret_error);

/* Are the files of configs/drives in order? Before any device. 0 or -errno, error 512 bytes. */
int session_check_profiles(char *ret_error);
/* The profile of the drive that was probed. 0 or -errno, error 512 bytes. */
int session_load_profile(struct session *s, char *ret_error);
/* What it says of that case, or NULL; for struct runner, ctx is the session. */
const char *session_known(void *ctx, const char *case_name, const char *what);

#endif
