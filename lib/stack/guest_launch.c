// SPDX-License-Identifier: GPL-2.0-or-later
/* QEMU is started for a guest, with what leads to it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "stack/guest_argv.h"
#include "stack/guest_internal.h"
#include "stack/stack_internal.h"

/* Ours does not wait, QEMU's goes to it. */
static int make_pair(int *ret_ours, int *ret_its)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	*ret_ours = fds[0];
	*ret_its = fds[1];
	return 0;
}

/* Logs, in a directory that nobody looks into when the rig was killed. */
struct leavings {
	char path[4][GUEST_PATH + 32];
};

/* What goes when the rig is killed; the strings are the keeper's copy from its fork on. */
static void list_paths(const struct guest *g, struct keeper_job *k, struct leavings *l)
{
	static const char *const names[] = { "/rig-qemu.log", "/rig-console.log",
					     "/rig-serve.log", "" };
	unsigned n = 0;

	for (; !g->cfg.keep_disk && n < g->cfg.n_ns; n++)
		k->paths[n] = g->disk[n];
	for (size_t i = 0; g->temporary && i < ARRAY_SIZE(names); i++) {
		snprintf(l->path[i], sizeof(l->path[i]), "%s%s", g->dir, names[i]);
		k->paths[n++] = l->path[i];
	}
	if (g->temporary && g->front)
		k->paths[n++] = g->front->dir; /* which goes with the last in it */
}

static int start_qemu(struct guest *g, const struct guest_files *f, char *error)
{
	const int maybe[] = { f->terminal, f->link, f->qmp, f->ask };
	int keep[8] = { g->initrd_fd, f->console, f->port }, n = 3;
	struct keeper_job k = { .log_fd = g->log_fd, .keep_fds = keep };
	char **argv = guest_argv(&g->cfg, f);
	struct leavings leavings;
	int err;

	if (!argv)
		return stack_fail(error, -ENOMEM, "QEMU's command line");
	for (size_t i = 0; i < ARRAY_SIZE(maybe); i++)
		if (maybe[i] >= 0)
			keep[n++] = maybe[i];
	keep[n] = -1;
	list_paths(g, &k, &leavings);
	k.argv = argv;
	err = keeper_start(&g->keeper, &k);
	qemu_free(argv);
	return err ? stack_fail(error, err, "%.200s: %s", g->program, strerror(-err)) : 0;
}

/* The monitor, the port by which it is asked for, and what answers there. */
static int make_plug(struct guest *g, struct guest_files *f)
{
	_cleanup_free_ char *device = qemu_hotplug_device(&g->cfg);
	int qmp, ask = -1, err = device ? make_pair(&qmp, &f->qmp) : -ENOMEM;

	if (err)
		return err;
	err = g->cfg.hotplug ? make_pair(&ask, &f->ask) : 0;
	if (err) {
		close(qmp);
		return err;
	}
	g->plug = guest_plug_open(ask, qmp, g->cfg.start_s * NS_PER_S, device);
	return g->plug ? 0 : -ENOMEM;
}

int guest_launch(struct guest *g, bool terminal, bool held, int link, const char *incoming,
		 char *error)
{
	struct guest_files f = { .program = g->program,
				 .accel = g->accel,
				 .kernel = g->kernel,
				 .served = g->served.socket,
				 .console = -1,
				 .port = -1,
				 .terminal = -1,
				 .link = link,
				 .qmp = -1,
				 .ask = -1,
				 .incoming = incoming,
				 .bare = g->snap != NULL,
				 .held = held };
	char initrd[32];
	int err = make_pair(&g->console_fd, &f.console);

	if (!err)
		err = make_pair(&g->port_fd, &f.port);
	if (!err && terminal)
		err = make_pair(&g->terminal_fd, &f.terminal);
	if (!err && (g->cfg.hotplug || g->snap))
		err = make_plug(g, &f);
	snprintf(initrd, sizeof(initrd), "/proc/self/fd/%d", g->initrd_fd);
	f.initrd = initrd;
	for (unsigned i = 0; i < g->cfg.n_ns; i++)
		f.disk[i] = g->disk[i];
	err = err ? stack_fail(error, err, "socket pair: %s", strerror(-err)) : start_qemu(g, &f, error);
	for (int *fd = (int[]){ f.console, f.port, f.terminal, f.qmp, f.ask, -2 }; *fd != -2; fd++)
		if (*fd >= 0)
			close(*fd);
	return err;
}

static void close_line(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int guest_relaunch(struct guest *g, const char *incoming, char *error)
{
	keeper_stop(&g->keeper);
	guest_plug_close(g->plug);
	g->plug = NULL;
	close_line(&g->console_fd);
	close_line(&g->port_fd);
	g->len = 0;
	g->skipping = g->ready = g->alive = false;
	g->panic[0] = 0;
	g->heard_ns = clock_mono_ns();
	return guest_launch(g, false, false, -1, incoming, error);
}
