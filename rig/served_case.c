// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/served_case.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tmp.h"
#include "serve/serve.h"
#include "serve/tcp_target.h"
#include "target/target.h"

#define MODEL	"model:"
#define UP_MS	10000
#define DOWN_MS 2000
#define LIFE_S	400u /* no case takes that long */

struct served {
	bool tcp;
	char dir[TMP_SHORT], path[TMP_SHORT + 8];
	char where[96]; /* as the server says it */
	pid_t pid;
	int line; /* to the server: it says when it is up, and ends when we are gone */
};

static void tell(void *ctx, const struct serve_event *e)
{
	int *line = ctx;

	if (e->kind == SERVE_READY && write(*line, e->reason, strlen(e->reason) + 1) < 1)
		_exit(1);
}

static int serve_socket(const struct served *d, const char *options, int line)
{
	const struct serve_options o = { .socket = d->path, .model = options, .map_doorbells = true, .step = true };
	struct serve *s = NULL;
	char error[256];
	int err = serve_open(&s, &o, error);

	if (!err)
		err = serve_run(s, line, tell, &line);
	serve_close(s);
	return err;
}

/* Hosts of the case's own come beside the target's, so each has its controller; time is real. */
static int serve_tcp(const char *options, int line)
{
	const struct serve_options o = { .tcp = "127.0.0.1:0", .model = options, .fresh = true };
	struct tserve *s = NULL;
	char error[256];
	int err = tserve_open(&s, &o, error);

	if (!err)
		err = tserve_run(s, line, tell, &line);
	tserve_close(s);
	return err;
}

/*
 * It ends with the line, so that its socket is removed also when the worker was killed: hence it
 * leaves the worker's group, which is killed as a whole, and has an alarm for the worst.
 */
static _Noreturn void be_server(const struct served *d, const char *options, int line)
{
	int err;

	setpgid(0, 0);
	alarm(LIFE_S);
	close(d->line);
	err = d->tcp ? serve_tcp(options, line) : serve_socket(d, options, line);
	rmdir(d->dir);
	_exit(err != 0);
}

static void end(struct served *d)
{
	int fd = pidfd_open(d->pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	close(d->line);
	if (fd < 0 || poll(&p, 1, DOWN_MS) < 1)
		kill(d->pid, SIGKILL);
	if (fd >= 0)
		close(fd);
	waitpid(d->pid, NULL, 0);
	unlink(d->path);
	rmdir(d->dir);
}

static int begin(struct served *d, const char *options)
{
	int pair[2], err = tmp_dir_short("case", d->dir);

	if (err)
		return err;
	snprintf(d->path, sizeof(d->path), "%s/sock", d->dir);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		err = -errno;
		rmdir(d->dir);
		return err;
	}
	d->line = pair[0];
	fflush(NULL);
	d->pid = fork();
	if (!d->pid)
		be_server(d, options, pair[1]);
	close(pair[1]);
	if (d->pid < 0) {
		close(d->line);
		rmdir(d->dir);
		return -EAGAIN;
	}
	if (poll(&(struct pollfd){ .fd = d->line, .events = POLLIN }, 1, UP_MS) < 1 ||
	    read(d->line, d->where, sizeof(d->where) - 1) < 1) {
		end(d);
		return -EIO;
	}
	return 0;
}

int served_case_run(const struct case_run *run)
{
	struct case_run over = *run;
	struct served d = { .tcp = run->c->needs & NEED_PDUS };
	char address[112];
	int err = begin(&d, run->target + strlen(MODEL));

	if (err)
		return err;
	if (d.tcp)
		snprintf(address, sizeof(address), "tcp:%s?mem=64Mi", d.where);
	else
		snprintf(address, sizeof(address), "vfio-user:%s?mem=64Mi,doorbells=message", d.path);
	over.target = address;
	err = case_run(&over);
	end(&d);
	return err;
}
