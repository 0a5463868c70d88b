/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a suite author sees. A case is const data: it can be listed with no device and no root.
 * Its body holds the question and nothing else: no set-up, no error handling, no clean-up.
 *
 * Full name of an instance: "area.id" or "area.id[row]". Checks run on the main thread of a
 * worker process that runs exactly one instance.
 */
#ifndef CASE_CASE_H
#define CASE_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h" /* ARRAY_SIZE */

struct rig;   /* the running case */
struct facts; /* nvme/facts.h; opaque here */

enum rig_kind { CONFORMANCE, INTEGRITY, PERF };
enum rig_harm { HARM_NONE, HARM_SETTINGS, HARM_DATA, HARM_WEAR, HARM_FOREVER };
enum rig_level {
	MUST,	/* a miss is FAIL */
	SHOULD, /* a miss is advice: told, and the verdict stays */
};
enum rig_effort { EFFORT_QUICK, EFFORT_NORMAL, EFFORT_SOAK };

struct rig_case {
	const char
		*id; /* "delete-bad-id": lower case, hyphens, the behaviour in the drive's words */
	const char *rule; /* one sentence: what must hold */
	const char *ref;  /* document and section title, revisions side by side; looked up */
	unsigned needs;	  /* enum target_need */
	enum rig_harm harm;
	enum rig_level level; /* of CHECK_*; ADVISE_* is always SHOULD */
	const char *fault;    /* model faults that turn it red, blank-separated; at least one */
	bool watches; /* for whatever is wrong: faults that it does not name may turn it red, too */
	/* NULL, or the sentence why the case does not apply, from facts alone. A static string, or
	 * one made with rig_na_text(). */
	const char *(*na)(const struct facts *f);
	/* Of one row, what `.na` and `.needs` are of them all; NULL: nothing beyond those. */
	const char *(*row_na)(const struct facts *f, const void *row);
	unsigned (*row_needs)(const void *row);
	void (*run)(struct rig *r);
	const void *rows; /* array of structs whose first member is `const char *name` */
	size_t row_size, nrows;
	bool shakes; /* it makes the kernel's driver abort, reset or connect again: no finding then */
	unsigned deadline_s; /* wall; 0: 30 s at quick and normal, 10 times that at soak */
	bool derived; /* made from the tables of lib/spec, not written by hand */
};

#define ROWS(a) .rows = (a), .row_size = sizeof((a)[0]), .nrows = ARRAY_SIZE(a)

struct rig_suite {
	enum rig_kind kind;
	const char *area;
	const struct rig_case *cases;
	size_t ncases;
	/* In place of cases: makes them from const tables, alike each time and without a device.
	 * Called once in a process, by suite_cases(); NULL: out of memory. */
	const struct rig_case *(*derive)(size_t *ret_ncases);
};

/* The suite's cases, whichever way it has them; derived ones live as long as the process. */
const struct rig_case *suite_cases(const struct rig_suite *s, size_t *ret_ncases);

#define SUITE(symbol, kind_, area_, cases_)                                                        \
	extern const struct rig_suite symbol;                                                      \
	const struct rig_suite symbol = {                                                          \
		.kind = (kind_), .area = (area_), .cases = (cases_), .ncases = ARRAY_SIZE(cases_)  \
	}

/* A suite whose cases are derived. */
#define DERIVED_SUITE(symbol, kind_, area_, derive_)                                               \
	extern const struct rig_suite symbol;                                                      \
	const struct rig_suite symbol = { .kind = (kind_), .area = (area_), .derive = (derive_) }

/* A rule that no case asks about yet, and why (not lack of time). */
struct rig_gap {
	const char *id, *reason;
};

extern const struct rig_suite *const suites_all[]; /* suites/suites.c, NULL-terminated */
extern const struct rig_gap gaps_all[]; /* suites/conformance/gaps.c, ends with id NULL */

/* ---- inside a body ---- */

const void *rig_row(const struct rig *r); /* this instance's row; NULL without rows */
const struct facts *rig_facts(const struct rig *r);
enum rig_harm rig_harm(const struct rig *r); /* what the case declares */
enum rig_effort rig_effort(const struct rig *r);
/* quick, normal or soak: pick a count by effort */
uint64_t rig_pick(const struct rig *r, uint64_t quick, uint64_t normal, uint64_t soak);
uint64_t rig_rand(struct rig *r); /* seeded by run and instance; the seed is in the events */
uint64_t rig_rand_below(struct rig *r, uint64_t n);

__attribute__((format(printf, 2, 3))) void rig_note(struct rig *r, const char *fmt, ...);
void rig_sample(struct rig *r, const char *metric, double value, const char *unit);

/*
 * A text that the case made and a person will want as a file, at most ARTIFACT_MAX bytes (a longer
 * one is a note that says so). It stands in the events; the run's directory has it as
 * artifacts/CASE.name.
 */
#define ARTIFACT_MAX (192u * 1024)
void rig_artifact(struct rig *r, const char *name, const char *text);

/* Runs fn(arg) when the case ends, in reverse order, however it ends. fn never checks. */
void rig_defer(struct rig *r, void (*fn)(void *arg), void *arg);

/* Memory that lives as long as the case; zeroed; leaves as BROKEN when there is none. */
void *rig_mem(struct rig *r, size_t len);

/* These leave the case at once with that verdict; a failed MUST check before outranks them. */
__attribute__((noreturn, format(printf, 2, 3))) void rig_na(struct rig *r, const char *fmt, ...);
__attribute__((noreturn, format(printf, 3, 4))) void rig_skip(struct rig *r, const char *code,
							      const char *fmt, ...);
__attribute__((noreturn, format(printf, 2, 3))) void rig_broken(struct rig *r, const char *fmt,
								...);
/* The drive broke the rule in a way that leaves nothing more to ask (it hangs, it vanished). */
__attribute__((noreturn, format(printf, 2, 3))) void rig_fail(struct rig *r, const char *fmt, ...);

/* printf into one static buffer, for .na functions. */
__attribute__((format(printf, 1, 2))) const char *rig_na_text(const char *fmt, ...);

/* ---- checks: each is an event with what, got, want, file and line ---- */

struct check_site {
	const char *file;
	int line;
	bool required; /* leave the case when it fails */
	bool should;   /* advice */
	bool hard;     /* MUST whatever the case's level: a device that hangs or vanishes */
};

#define CHECK_SITE(required_, should_)                                                             \
	(&(const struct check_site){ __FILE__, __LINE__, (required_), (should_), false })

enum check_op { OP_EQ, OP_NE, OP_LT, OP_LE, OP_GT, OP_GE };

/* All return whether the check held. got/want texts may be NULL: the number is shown alone. */
bool check_u64(struct rig *r, const struct check_site *s, const char *what, uint64_t got,
	       enum check_op op, uint64_t want);
bool check_true(struct rig *r, const struct check_site *s, bool held, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool check_text(struct rig *r, const struct check_site *s, const char *what, bool held,
		const char *got, const char *want);
/* Bytes; a difference shows its offset, how many differ, and sixteen bytes each side. */
bool check_mem(struct rig *r, const struct check_site *s, const char *what, const void *got,
	       const void *want, size_t len);

#define CHECK_EQ(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_EQ, want)
#define CHECK_NE(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_NE, want)
#define CHECK_LT(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_LT, want)
#define CHECK_LE(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_LE, want)
#define CHECK_GT(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_GT, want)
#define CHECK_GE(r, what, got, want)	   check_u64(r, CHECK_SITE(0, 0), what, got, OP_GE, want)
#define CHECK_MEM(r, what, got, want, len) check_mem(r, CHECK_SITE(0, 0), what, got, want, len)
/* cond, then a printf text that states the rule with the values: "MQES %u >= 1" */
#define CHECK_TRUE(r, cond, ...)       check_true(r, CHECK_SITE(0, 0), cond, __VA_ARGS__)

#define REQUIRE_EQ(r, what, got, want) check_u64(r, CHECK_SITE(1, 0), what, got, OP_EQ, want)
#define REQUIRE_GE(r, what, got, want) check_u64(r, CHECK_SITE(1, 0), what, got, OP_GE, want)
#define REQUIRE_TRUE(r, cond, ...)     check_true(r, CHECK_SITE(1, 0), cond, __VA_ARGS__)

#define ADVISE_EQ(r, what, got, want)  check_u64(r, CHECK_SITE(0, 1), what, got, OP_EQ, want)
#define ADVISE_LE(r, what, got, want)  check_u64(r, CHECK_SITE(0, 1), what, got, OP_LE, want)
#define ADVISE_GE(r, what, got, want)  check_u64(r, CHECK_SITE(0, 1), what, got, OP_GE, want)
#define ADVISE_TRUE(r, cond, ...)      check_true(r, CHECK_SITE(0, 1), cond, __VA_ARGS__)

/* ---- for the runner: one instance in this process ---- */

/* Which cases tell what they sent and what came back: `command` events before the verdict. */
enum rig_trace { TRACE_NEVER, TRACE_FAILED, TRACE_ALWAYS };

/* What stands between the case layer and a target; lib/kit has the one for NVMe. */
struct case_env {
	/* In the case's trampoline: opens what the body uses. May leave by rig_broken, rig_fail. */
	void (*begin)(struct rig *r, const char *target);
	/* After the body and its deferred functions, however it ended: audits, health, closing. May
	 * check; must not leave. */
	void (*end)(struct rig *r);
};

struct case_run {
	const struct rig_suite *suite;
	const struct rig_case *c;
	unsigned row;		    /* index; 0 without rows */
	const char *target;	    /* address in full */
	const struct facts *facts;  /* NULL allowed */
	const struct case_env *env; /* NULL: none */
	enum rig_effort effort;
	uint64_t seed;
	enum rig_trace trace;
	int event_fd; /* check, note, sample and at last one verdict event are written here */
};

/* "area.id[row]" into buf of CASE_NAME bytes; returns buf. */
#define CASE_NAME 128
const char *case_name(const struct rig_suite *s, const struct rig_case *c, unsigned row,
		      char buf[CASE_NAME]);

/* Runs it; 0 when a verdict event was written, -errno when it could not be. */
int case_run(const struct case_run *run);

/* The env's own pointer, kept in the running case. */
void rig_set_env(struct rig *r, void *env);
void *rig_env(const struct rig *r);

/* For the env: writes an event of the case's and frees it. */
struct json_object;
void rig_event(struct rig *r, struct json_object *e);
/* For the env: is a trace wanted, by what the run asks and by how the case stands now? */
bool rig_is_traced(const struct rig *r);

#endif
