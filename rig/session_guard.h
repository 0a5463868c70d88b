/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guards around one run: which drive it is, what the bench file says of it, what they found,
 * and what is held until the end.
 */
#ifndef RIG_SESSION_GUARD_H
#define RIG_SESSION_GUARD_H

#include "rig/guard.h"
#include "rig/options.h"
#include "rig/plan.h"
#include "rig/sink.h"
#include "rig/wall.h"

struct guard_told {
	const struct guard *guard;
	struct guard_finding found;
};

struct session_guard {
	struct guard_drive drive;
	struct bench_file file;
	struct guard_ask ask;
	struct guard_words words;
	bool untold; /* the bench file cannot be believed: then nothing is of nobody */
	char why_no_line[BENCH_FILE_ERROR + 200];
	struct guard_told told[GUARD_MAX];
	unsigned n_told;
	bool said;		       /* --allow was, so a refusal ends the run */
	enum rig_harm allow;	       /* then: what it said */
	char refused[GUARD_TEXT + 80]; /* "G3 (not in use): ..."; "": none did */
	bool by_vfio; /* it has no nodes while it runs, and VFIO gives it to one process alone */
};

struct session;

/*
 * Who is behind the address, and may it be harmed by what was said? For a device of this machine
 * sets facts->caps.cleared as if the guards let it: for the plan. 0, with s->guard NULL where no
 * guard is needed; or -errno with the sentence (GUARD_ERROR bytes).
 */
int session_guard_open(struct session *s, char *error);
/*
 * Must the guards look before the target is held, which takes the drive's nodes away? Then the
 * drive as it is before the first probe, to be freed; else NULL.
 */
struct guard_drive *session_guard_before_hold(const struct run_options *o, const char *address);
void session_guard_close(struct session_guard *g);

/*
 * Asks the guards, if the plan harms at all, and holds what they let. p NULL: there is no plan,
 * what
 * --allow said counts. results: the run's directory, or NULL in a dry run, which holds nothing and
 * asks no question. 0; -EACCES: refused, g->refused.
 */
int session_guard_ask(struct session_guard *g, const struct plan *p, const char *results);

/* As events, or as lines to standard output for a dry run. */
int session_guard_tell(const struct session_guard *g, struct sink *sink);
void session_guard_print(const struct session_guard *g, bool json);

/*
 * What workers of the run may write to: the nodes of the drive and what the kernel has of it in
 * sysfs, the other end of a stack that the address names, and of a PCI function its way by VFIO. 0
 * or -errno.
 */
int session_guard_wall(const struct session_guard *g, const char *address, struct wall *w);

/*
 * Has the kernel given the drive other nodes, as it does to a namespace that was made anew? Then g
 * knows them, and the wall is to be built again. Of an emulated drive alone: what is held of another
 * is held until the end, and its guards refuse what they did not see.
 */
bool session_guard_moved(struct session_guard *g, const char *address);

/* Before a case that harms: identity and use once more. 0, or -EACCES with the sentence. */
int session_guard_again(struct session_guard *g, struct sink *sink, char *ret_error, size_t size);

#endif
