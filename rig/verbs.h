/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs, the options that every verb takes, and the exit statuses: three tables. main.c
 * dispatches by them; help, man page, completion and `nvrig help --json` are printed from them.
 */
#ifndef RIG_VERBS_H
#define RIG_VERBS_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * run: argv[0] is the verb's own name, the rest its options and arguments (the options that stood
 * before the verb were moved there by main, see globals_end). Returns the exit status.
 */
struct verb {
	const char *name; /* "run" */
	const char *args; /* "[DRIVE...]"; "" for none */
	const char *help; /* one sentence */
	const struct argp *argp;
	int (*run)(int argc, char **argv);
};

extern const struct verb verbs[];		/* in the order of the help, ends with name NULL */
const struct verb *verb_find(const char *name); /* NULL: none of that name */
const char *verb_nearest(const char *word);	/* the verb most likely meant, or NULL */

/* Each is in cmd_NAME.c. */
extern const struct argp run_argp, list_argp, probe_argp, report_argp, repro_argp, replay_argp,
	faults_argp, serve_argp, vm_argp, bench_argp, drive_argp, doctor_argp, help_argp;
int cmd_run(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_probe(int argc, char **argv);
int cmd_report(int argc, char **argv);
int cmd_repro(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_faults(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_vm(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_drive(int argc, char **argv);
int cmd_doctor(int argc, char **argv);
int cmd_help(int argc, char **argv);

/* ---- options of every verb ---- */

enum when { WHEN_AUTO, WHEN_ALWAYS, WHEN_NEVER };
enum progress { PROGRESS_AUTO, PROGRESS_PLAIN, PROGRESS_NONE };

struct globals {
	enum when colour;
	enum progress progress;
	bool verbose, quiet;
};

/*
 * A verb's argp has it as its first child, and hands it its input at ARGP_KEY_INIT:
 *	static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };
 *	case ARGP_KEY_INIT: state->child_inputs[0] = &o->globals;
 */
extern const struct argp globals_argp;
#define GLOBALS_CHILD                                                                              \
	{                                                                                          \
		.argp = &globals_argp, .header = "Everywhere:", .group = 100                       \
	}

/*
 * Index of the first word after argv[0] that is no global option (argc when there is none), so
 * that main can move argv[1..index) behind the verb.
 */
int globals_end(int argc, char **argv);

/* May colours and a redrawn line go to this descriptor? Looks at the terminal and NO_COLOR. */
bool globals_colour(const struct globals *g, int fd);
bool globals_redraw(const struct globals *g, int fd);

/*
 * argp_parse for a verb: argv[0] the verb's name. An unknown long option is told with the nearest
 * known one. Usage errors leave the process with 64, --help with 0. Else 0 or an errno value that
 * the verb's parser returned.
 */
int verb_parse(const struct argp *argp, int argc, char **argv, void *input);

/* ---- exit statuses: libraries.md section 7 ---- */

enum rig_exit {
	RIG_GOOD = 0,
	RIG_DRIVE_FAILED = 1,
	RIG_BROKE = 2,
	RIG_REFUSED = 3,
	RIG_STOPPED = 4,
	RIG_WORSE = 5,
	RIG_USAGE = 64,
	RIG_NOTHING_RAN = 77,
	RIG_CONFIG = 78,
};

struct exit_status {
	enum rig_exit status;
	const char *meaning;
};

extern const struct exit_status exit_statuses[]; /* ends with meaning NULL */

#endif
