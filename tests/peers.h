/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers of the qtest target that are no QEMU, each a child that serves one client after another. */
#ifndef TESTS_PEERS_H
#define TESTS_PEERS_H

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static inline void say(int fd, const char *text)
{
	size_t n = strlen(text);

	if (send(fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
		_exit(0);
}

static inline void hear(int fd)
{
	char line[256];

	if (recv(fd, line, sizeof(line), 0) <= 0)
		_exit(0);
}

static inline void peer_garbage(int fd)
{
	hear(fd);
	say(fd, "220 mail.example.org ESMTP\r\n");
	pause();
}

static inline void peer_half_line(int fd)
{
	hear(fd);
	say(fd, "OK 0x00");
	pause();
}

static inline void peer_half_then_close(int fd)
{
	hear(fd);
	say(fd, "OK 0x00");
}

static inline void peer_silent(int fd)
{
	(void)fd;
	pause();
}

static inline void peer_close(int fd)
{
	hear(fd);
}

static inline void peer_flood(int fd)
{
	for (;;)
		say(fd, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
}

static inline void peer_irq_flood(int fd)
{
	for (;;)
		say(fd, "IRQ raise 1\nIRQ lower 1\n");
}

static inline void peer_nul(int fd)
{
	hear(fd);
	if (send(fd, "OK\0 0x1\n", 8, MSG_NOSIGNAL) < 0)
		_exit(0);
	pause();
}

static inline void peer_huge_number(int fd)
{
	hear(fd);
	say(fd, "OK 0x123456789abcdef012\n");
	pause();
}

/* Socket of the name sock_path, served until stop(). -1: there is none. */
static inline pid_t serve(const char *sock_path, void (*peer)(int fd))
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t pid;

	unlink(sock_path);
	strcpy(addr.sun_path, sock_path);
	if (s < 0 || bind(s, (struct sockaddr *)&addr, sizeof(addr)) || listen(s, 1))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		alarm(30);
		for (;;) {
			int fd = accept(s, NULL, NULL);

			peer(fd);
			close(fd);
		}
	}
	close(s);
	return pid;
}

static inline void stop(pid_t pid, const char *sock_path)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink(sock_path);
}

#endif
