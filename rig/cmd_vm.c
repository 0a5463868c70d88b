// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig vm`: a shell, or one command, in the guest of a stack. */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/tmp.h"
#include "image/fetch.h"
#include "rig/guest_files.h"
#include "rig/stack.h"
#include "rig/stack_guest.h"
#include "rig/stop.h"
#include "rig/verbs.h"
#include "stack/guest.h"

#define WORDS	     256
#define ESCAPE	     0x1d /* Ctrl-] */
#define END_OF_INPUT 0x04
#define DEFAULT	     "guest-model"

struct vm {
	struct globals globals;
	const char *stack, *store, *out;
	uint64_t deadline_s;
	const char *fetch; /* NULL: nothing; a package that depends on a kernel */
	const char *argv[WORDS + 1];
	unsigned n;

	struct stack_config config, behind;
	bool has_behind;
	struct guest *guest;
	struct stop stop;
	struct termios saved;
	bool raw, input_ended, asked_to_end, part_failed;
};

enum { KEY_STACK = 0x100, KEY_STORE, KEY_FETCH, KEY_DEADLINE };

/* clang-format off */
static const struct argp_option options[] = {
	{ "stack", KEY_STACK, "NAME", 0,
	  "The stack of configs/stacks, of kind guest (default " DEFAULT ": nothing attached)", 0 },
	{ "store", KEY_STORE, "NAME", 0,
	  "The store of configs/stores that it is brought up on, in place of its own", 0 },
	{ "out", 'o', "DIR", 0, "Keep logs and console in this directory, which must be there", 0 },
	{ "deadline", KEY_DEADLINE, "SECONDS", 0, "End the guest after this time (default: never)", 0 },
	{ "fetch", KEY_FETCH, "PACKAGE", OPTION_ARG_OPTIONAL,
	  "Get Debian's kernel for virtual machines, a busybox and what stores run (34 MB) into the "
	  "cache: $NVRIG_CACHE, else ~/.cache/nvrig; nothing is installed. PACKAGE: another kernel, "
	  "linux-image-amd64 for one that has drivers of cards as well (100 MB)", 0 },
	{ 0 },
};
/* clang-format on */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct vm *v = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &v->globals;
		return 0;
	case ARGP_KEY_ARG:
		if (v->n == WORDS)
			argp_error(state, "more than %d words", WORDS);
		else
			v->argv[v->n++] = arg;
		return 0;
	case KEY_STACK:
		v->stack = arg;
		return 0;
	case KEY_STORE:
		v->store = arg;
		return 0;
	case 'o':
		v->out = arg;
		return 0;
	case KEY_DEADLINE:
		if (text_number(arg, &v->deadline_s) || !v->deadline_s || v->deadline_s > 86400)
			argp_error(state, "--deadline=%s: a number from 1 to 86400", arg);
		return 0;
	case KEY_FETCH:
		v->fetch = arg ? arg : FETCH_KERNEL;
		if (strncmp(v->fetch, "linux-image-", 12))
			argp_error(state, "--fetch=%s: a package named linux-image-...", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp vm_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[-- COMMAND...]",
	.doc = "Boots the guest of a stack, brings its parts up, and gives a shell in it, or runs "
	       "one "
	       "command, whose output and exit status are this program's. The guest ends with it. "
	       "Ctrl-] ends a shell from outside.",
	.children = children,
};

static int say(int status, const char *text)
{
	fprintf(stderr, "nvrig vm: %s\n", text);
	return status;
}

static void say_fetched(const char *text)
{
	fprintf(stderr, "nvrig vm: %s\n", text);
}

/* ---- what the guest says ---- */

static void hear_up(void *ctx, const char *kernel)
{
	const struct vm *v = ctx;

	if (v->globals.verbose)
		fprintf(stderr, "guest: Linux %s, %s, %s\n", kernel, guest_engine(v->guest),
			guest_accel(v->guest));
}

static void hear_part(void *ctx, const char *name, const char *state, const char *text)
{
	struct vm *v = ctx;
	bool failed = !strcmp(state, "failed");

	v->part_failed |= failed;
	if (failed || v->globals.verbose)
		fprintf(stderr, "guest: %s: %s%s%s\n", name, state, *text ? ": " : "", text);
}

static void hear_output(void *ctx, int stream, const void *data, size_t n)
{
	(void)ctx;
	bytes_write(stream == 2 ? STDERR_FILENO : STDOUT_FILENO, data, n);
}

static void hear_terminal(void *ctx, const void *data, size_t n)
{
	(void)ctx;
	bytes_write(STDOUT_FILENO, data, n);
}

static void hear_finding(void *ctx, const char *line)
{
	(void)ctx;
	fprintf(stderr, "guest kernel: %s\n", line);
}

/* ---- the terminal ---- */

static void make_raw(struct vm *v)
{
	struct termios t;

	if (v->n || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &v->saved))
		return;
	t = v->saved;
	cfmakeraw(&t);
	v->raw = !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static void make_cooked(struct vm *v)
{
	if (v->raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &v->saved);
	v->raw = false;
}

static void forward_input(struct vm *v)
{
	static const char end = END_OF_INPUT;
	char data[1024];
	struct timeval none = { 0 };
	fd_set set;
	ssize_t n;

	FD_ZERO(&set);
	FD_SET(STDIN_FILENO, &set);
	if (v->n || v->input_ended || select(STDIN_FILENO + 1, &set, NULL, NULL, &none) <= 0)
		return;
	n = read(STDIN_FILENO, data, sizeof(data));
	if (n <= 0) {
		v->input_ended = true;
		guest_type(v->guest, &end, 1);
		return;
	}
	v->asked_to_end |= v->raw && memchr(data, ESCAPE, (size_t)n);
	guest_type(v->guest, data, (size_t)n);
}

/* ---- the guest ---- */

/* The first signal is for the command in it; the second ends us, and the guest with us. */
static bool stopped(struct vm *v)
{
	if (stop_asked(&v->stop) && v->stop.signal) {
		guest_signal(v->guest, v->stop.signal);
		v->stop.signal = 0;
		v->asked_to_end |= v->n == 0;
	}
	return v->asked_to_end;
}

static int watch(struct vm *v)
{
	uint64_t deadline = v->deadline_s ? clock_mono_ns() + v->deadline_s * NS_PER_S : UINT64_MAX;
	enum guest_end end;

	do {
		end = guest_step(v->guest,
				 v->n || v->input_ended ? stop_fd(&v->stop) : STDIN_FILENO);
		forward_input(v);
		if (!end && stopped(v))
			return RIG_STOPPED;
		if (!end && clock_mono_ns() > deadline)
			return say(RIG_STOPPED, "the deadline has passed; the guest is ended");
	} while (!end);
	make_cooked(v);
	if (end == GUEST_DONE)
		return guest_status(v->guest);
	return say(RIG_BROKE, guest_reason(v->guest));
}

static int run(struct vm *v, const char *dir)
{
	struct guest_files_list files;
	struct winsize w = { 0 };
	struct guest_job job = { .argv = v->n ? v->argv : NULL, .term = getenv("TERM"),
				 .behind = v->has_behind ? &v->behind : NULL,
				 .temporary = !v->out };
	const struct guest_ops ops = { .ctx = v,
				       .up = hear_up,
				       .part = hear_part,
				       .output = hear_output,
				       .terminal = hear_terminal,
				       .finding = hear_finding };
	char error[STACK_ERROR] = "no configs/ (NVRIG_CONFIGS names another)";
	int status = RIG_BROKE;

	if (!ioctl(STDIN_FILENO, TIOCGWINSZ, &w)) {
		job.rows = w.ws_row;
		job.columns = w.ws_col;
	}
	if (!guest_files_make(&files)) {
		job.files = files.file;
		job.n_files = files.n;
		guest_start(&v->config, &job, dir, &ops, &v->guest, error);
	}
	if (!v->guest) {
		say(status, error);
	} else {
		make_raw(v);
		status = watch(v);
		make_cooked(v);
	}
	guest_stop(v->guest);
	guest_files_free(&files);
	return status;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	remove(path);
	return 0;
}

static int run_in_dir(struct vm *v)
{
	char dir[PATH_MAX], error[128];
	int status, err;

	if (v->out)
		return run(v, v->out);
	err = tmp_dir("vm", dir, sizeof(dir));
	if (err) {
		snprintf(error, sizeof(error), "a temporary directory: %s", strerror(-err));
		return say(RIG_BROKE, error);
	}
	status = run(v, dir);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return status;
}

static int load(struct vm *v)
{
	char error[512] = "the names of stack and store are too long", name[STACK_NAME];
	const char *lacks;
	int err = -ENOENT;

	if (snprintf(name, sizeof(name), "%s%s%s", v->stack, v->store ? "@" : "",
		     v->store ? v->store : "") < (int)sizeof(name))
		err = stack_config_load(NULL, name, &v->config, error);

	if (err)
		return say(err == -ENOENT || err == -EDOM ? RIG_USAGE : RIG_CONFIG, error);
	if (strcmp(v->config.kind, STACK_GUEST)) {
		snprintf(error, sizeof(error), "stack %s is of kind %s and has no guest",
			 v->config.name, v->config.kind);
		return say(RIG_USAGE, error);
	}
	lacks = stack_lacks(&v->config);
	if (!lacks) {
		err = stack_guest_behind(&v->config, &v->behind, error);
		lacks = err < 0 ? error : err ? stack_lacks(&v->behind) : NULL;
		v->has_behind = err > 0;
	}
	return lacks ? say(RIG_BROKE, lacks) : RIG_GOOD;
}

int cmd_vm(int argc, char **argv)
{
	struct vm v = { .stack = DEFAULT, .stop = { .fd = -1 } };
	char error[512];
	int status;

	if (verb_parse(&vm_argp, argc, argv, &v))
		return RIG_BROKE;
	if (v.fetch) {
		if (fetch_guest(v.fetch, v.globals.quiet ? NULL : say_fetched, error))
			return say(RIG_BROKE, error);
		return RIG_GOOD;
	}
	status = load(&v);
	if (status)
		return status;
	if (stop_listen(&v.stop))
		return say(RIG_BROKE, strerror(errno));
	status = run_in_dir(&v);
	stop_close(&v.stop);
	return status;
}
