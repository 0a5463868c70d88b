// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLITE_S    3
#define EXEC_FAILED 127

struct keeper_ward {
	_Atomic pid_t program; /* 0 before it starts and after it ended */
	_Atomic bool ended;
	_Atomic int status;
};

/* ---- in the program, before it is one ---- */

static void become_program(const struct keeper_job *job, pid_t keeper)
{
	sigset_t none;
	int null = open("/dev/null", O_RDONLY);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(EXEC_FAILED);
	for (int sig = 1; sig < NSIG; sig++)
		signal(sig, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(null, STDIN_FILENO);
	dup2(job->log_fd, STDOUT_FILENO);
	dup2(job->log_fd, STDERR_FILENO);
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
	for (const int *fd = job->keep_fds; fd && *fd >= 0; fd++)
		fcntl(*fd, F_SETFD, 0);
	execv(job->argv[0], job->argv);
	dprintf(STDERR_FILENO, "%s: %s\n", job->argv[0], strerror(errno));
	_exit(EXEC_FAILED);
}

/* ---- in the keeper ---- */

static void remove_paths(const struct keeper_job *job)
{
	for (unsigned i = 0; i < KEEPER_PATHS && job->paths[i]; i++)
		if (unlink(job->paths[i]) && (errno == EISDIR || errno == EPERM))
			rmdir(job->paths[i]);
}

/* Records the end, if it is one. */
static bool reap(struct keeper_ward *w, pid_t program)
{
	int status;

	if (waitpid(program, &status, WNOHANG) != program)
		return false;
	w->status = status;
	w->program = 0;
	w->ended = true;
	return true;
}

static void end_program(struct keeper_ward *w, pid_t program)
{
	const struct timespec tick = { .tv_nsec = 20 * 1000 * 1000 };

	kill(program, SIGTERM);
	kill(program, SIGCONT); /* one that was stopped would not hear it */
	for (int i = 0; i < POLITE_S * 50; i++) {
		if (reap(w, program))
			return;
		nanosleep(&tick, NULL);
	}
	kill(program, SIGKILL);
	while (!reap(w, program))
		nanosleep(&tick, NULL);
}

static void keep(struct keeper_ward *w, const struct keeper_job *job, pid_t rig,
		 const sigset_t *signals)
{
	pid_t self = getpid(), program = fork();

	if (program < 0)
		_exit(EXEC_FAILED);
	if (!program)
		become_program(job, self);
	w->program = program;
	close_range(0, ~0u, 0); /* no pipe of the rig's stays open through us */
	/* The rig may have died before its death could be signalled. */
	while (getppid() == rig) {
		int sig = sigwaitinfo(signals, NULL);

		if (sig == SIGCHLD && reap(w, program))
			_exit(0);
		if (sig == SIGTERM)
			break;
	}
	end_program(w, program);
	if (getppid() != rig)
		remove_paths(job);
	_exit(0);
}

static void become_keeper(struct keeper_ward *w, const struct keeper_job *job, pid_t rig)
{
	sigset_t signals;

	setpgid(0, 0); /* a terminal's SIGINT is for the rig, which then stops us in order */
	sigfillset(&signals);
	sigprocmask(SIG_SETMASK, &signals, NULL);
	signal(SIGCHLD, SIG_DFL); /* an ignored one would reap by itself */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	prctl(PR_SET_NAME, "nvrig-keeper");
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGTERM);
	keep(w, job, rig, &signals);
}

/* ---- in the rig ---- */

int keeper_start(struct keeper *k, const struct keeper_job *job)
{
	pid_t rig = getpid();

	k->pid = 0;
	k->ward = mmap(NULL, sizeof(*k->ward), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (k->ward == MAP_FAILED) {
		k->ward = NULL;
		return -errno;
	}
	k->pid = fork();
	if (k->pid < 0) {
		int err = -errno;

		k->pid = 0;
		keeper_stop(k);
		return err;
	}
	if (!k->pid)
		become_keeper(k->ward, job, rig);
	setpgid(k->pid, k->pid); /* whoever comes first */
	return 0;
}

/* It needs POLITE_S itself; one that does not end then is killed, and the program dies with it. */
static void end_keeper(pid_t keeper)
{
	const struct timespec tick = { .tv_nsec = 5 * 1000 * 1000 };

	kill(keeper, SIGTERM);
	kill(keeper, SIGCONT);
	for (int i = 0; waitpid(keeper, NULL, WNOHANG) == 0; i++) {
		if (i == 2 * POLITE_S * 200)
			kill(keeper, SIGKILL);
		nanosleep(&tick, NULL);
	}
}

void keeper_stop(struct keeper *k)
{
	if (k->pid > 0)
		end_keeper(k->pid);
	if (k->ward)
		munmap(k->ward, sizeof(*k->ward));
	k->pid = 0;
	k->ward = NULL;
}

bool keeper_ended(struct keeper *k, int *ret_status)
{
	pid_t gone;

	if (!k->ward)
		return false;
	gone = k->pid > 0 ? waitpid(k->pid, NULL, WNOHANG) : 0;
	/* ECHILD: somebody who waits for any child has met the keeper first. */
	if (gone == k->pid || (gone < 0 && errno == ECHILD))
		k->pid = 0;
	if (k->ward->ended)
		*ret_status = k->ward->status;
	else if (!k->pid)
		*ret_status = SIGKILL; /* the keeper was killed, and the program dies with it */
	return k->ward->ended || !k->pid;
}

pid_t keeper_program(const struct keeper *k)
{
	return k->ward ? k->ward->program : 0;
}
