// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void stop_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

int stop_listen(struct stop *s)
{
	sigset_t set;

	*s = (struct stop){ .fd = -1 };
	stop_signals(&set);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->fd < 0 ? -errno : 0;
}

bool stop_asked(struct stop *s)
{
	struct signalfd_siginfo info;
	sigset_t set;

	if (!s || s->asked || s->fd < 0)
		return s && s->asked;
	if (read(s->fd, &info, sizeof(info)) != sizeof(info))
		return false;
	s->asked = true;
	s->signal = (int)info.ssi_signo;
	stop_signals(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	return true;
}

int stop_fd(const struct stop *s)
{
	return s && !s->asked ? s->fd : -1;
}

void stop_close(struct stop *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}
