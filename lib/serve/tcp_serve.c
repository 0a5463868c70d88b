// SPDX-License-Identifier: GPL-2.0-or-later
/* The NVMe/TCP target: who comes, whose turn it is, who is late. */
#include "serve/tcp_serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "serve/tcp_target.h"

#define GREET_NS (5 * NS_PER_S)	  /* for a host to connect its queue */
#define REST_NS	 (2 * NS_PER_S)	  /* for the rest of a PDU that has begun */
#define READ_NS	 (5 * NS_PER_S)	  /* for a host that does not read */
#define CLOSE_NS (2 * NS_PER_S)	  /* for one that was told to hang up */
#define LOOK_NS	 (20 * NS_PER_MS) /* between two looks at who is late */

static void say(struct tserve *s, const struct serve_event *e)
{
	s->tell(s->ctx, e);
}

/* ---- where to listen ---- */

static int sock_fail(char *error, int err, const char *where, const char *what)
{
	snprintf(error, 256, "%.100s: %.120s", where, what);
	return err;
}

/* "ADDR:PORT", "[ADDR]:PORT" in two; false: it is neither. */
static bool split(const char *text, char host[64], char port[8])
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (!colon || !n || n >= 64 || !colon[1] || strlen(colon + 1) >= 8)
		return false;
	memcpy(host, text, n);
	host[n] = 0;
	strcpy(port, colon + 1);
	return true;
}

static void note_where(struct tserve *s)
{
	struct sockaddr_storage at = { 0 };
	socklen_t len = sizeof(at);
	char host[64] = "", port[8] = "";

	getsockname(s->sock, (struct sockaddr *)&at, &len);
	getnameinfo((struct sockaddr *)&at, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(s->where, sizeof(s->where), at.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
		 port);
}

static int listen_at(struct tserve *s, const struct addrinfo *at)
{
	const int on = 1;

	s->sock = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->sock < 0)
		return -errno;
	setsockopt(s->sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(s->sock, at->ai_addr, at->ai_addrlen) || listen(s->sock, 64))
		return -errno;
	note_where(s);
	return 0;
}

static int make_socket(struct tserve *s, char *error)
{
	struct addrinfo want = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
				 .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	char host[64], port[8];
	int err;

	if (!split(s->o.tcp, host, port))
		return sock_fail(error, -EINVAL, s->o.tcp,
				 "write ADDR:PORT, for example 127.0.0.1:4420");
	err = getaddrinfo(host, port, &want, &found);
	if (err)
		return sock_fail(error, -EINVAL, s->o.tcp, gai_strerror(err));
	err = listen_at(s, found);
	freeaddrinfo(found);
	return err ? sock_fail(error, err, s->o.tcp, strerror(-err)) : 0;
}

/* ---- who comes and goes ---- */

struct tconn *tserve_seat(struct tserve *s, int fd)
{
	struct tconn *c = calloc(1, sizeof(*c));
	struct tconn **at;
	uint32_t most = MAXH2CDATA > TCP_ADMIN_CAPSULE ? MAXH2CDATA : TCP_ADMIN_CAPSULE;

	if (!c || tcp_link_open(&c->link, fd, true, most + TCP_HEADER_MAX + TCP_ALIGN_MAX + 8)) {
		if (c)
			tcp_link_close(&c->link);
		else
			close(fd);
		free(c);
		return NULL;
	}
	c->s = s;
	c->link.rules.lax = (TFAULT(s, TCP_HLEN_UNREAD) ? TCP_LAX_HLEN : 0) |
			    (TFAULT(s, TCP_ICREQ_AGAIN) ? TCP_LAX_GREETING : 0) |
			    (TFAULT(s, TCP_PFV_UNREAD) ? TCP_LAX_PFV : 0) |
			    (TFAULT(s, TCP_HEADER_DIGEST_UNREAD) ? TCP_LAX_HDGST : 0);
	c->number = ++s->clients;
	c->reason = "";
	c->last = &c->first;
	c->greet_ns = c->sent_ns = clock_mono_ns();
	for (at = &s->conns; *at; at = &(*at)->next)
		; /* newest last: who hangs up is noticed before who comes in their stead */
	*at = c;
	s->n_conns++;
	say(s, &(struct serve_event){ .kind = SERVE_CLIENT, .client = c->number, .reason = "" });
	return c;
}

static void come(struct tserve *s)
{
	int fd = accept4(s->sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0)
		tserve_seat(s, fd);
	else if (errno == EMFILE || errno == ENFILE)
		poll(NULL, 0, 50);
}

static void unseat(struct tserve *s, struct tconn **at)
{
	struct tconn *c = *at;

	say(s, &(struct serve_event){ .kind = SERVE_GONE,
				      .client = c->number,
				      .messages = c->capsules,
				      .errors = c->errors,
				      .reason = c->reason });
	*at = c->next;
	s->n_conns--;
	tcp_link_close(&c->link);
	free(c);
}

/* One that was told to hang up and did not is hung up on; until then nothing of it is heeded. */
static bool is_over(const struct tconn *c, uint64_t now)
{
	char byte[512];
	ssize_t n;

	if (!c->closing)
		return false;
	if (c->dead || (c->ends && !tcp_link_pending(&c->link)))
		return true;
	while ((n = recv(c->link.fd, byte, sizeof(byte), MSG_DONTWAIT)) > 0)
		;
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		return true;
	return now - (c->ends ? c->sent_ns : c->begun_ns) > CLOSE_NS;
}

static void look_at(struct tconn *c, uint64_t now)
{
	if (c->dead)
		tconn_end(c, "hung up");
	else if (!c->live && !c->a && now - c->greet_ns > GREET_NS && !c->n_cmds)
		tconn_end(c, "connected no queue");
	else if (c->begun_ns && !c->closing && now - c->begun_ns > REST_NS)
		tconn_end(c, "stopped in the middle of a PDU");
	else if (tcp_link_pending(&c->link) && now - c->sent_ns > READ_NS)
		tconn_end(c, "does not read");
}

static void sweep(struct tserve *s)
{
	uint64_t now = clock_mono_ns();

	for (struct tconn *c = s->conns; c; c = c->next) {
		look_at(c, now);
		if (s->all_fatal)
			tconn_end(c, "by fault, with another");
	}
	s->all_fatal = false;
	for (struct tassoc *a = s->assocs, *next; a; a = next) {
		next = a->next;
		if (discovery_is_dead(a, now))
			assoc_end(a, "its Keep Alive Timer ran out");
	}
	for (struct tconn **at = &s->conns; *at;)
		if (is_over(*at, now))
			unseat(s, at);
		else
			at = &(*at)->next;
}

/* ---- whose turn it is ---- */

static void run_devices(struct tserve *s)
{
	for (struct tassoc *a = s->assocs, *next; a; a = next) {
		next = a->next;
		if (a->d)
			tdev_pass_time(a->d);
		assoc_pump(a);
	}
	for (struct tconn *c = s->conns; c; c = c->next) {
		if (!c->a && !c->closing)
			tcmd_pump(c); /* a Connect, or what comes before it */
		tconn_flush(c);
	}
}

static uint64_t idle_ns(const struct tserve *s)
{
	uint64_t idle = LOOK_NS;

	for (const struct tassoc *a = s->assocs; a; a = a->next)
		if (a->d && tdev_idle_ns(a->d) < idle)
			idle = tdev_idle_ns(a->d);
	return idle;
}

static short events_of(const struct tconn *c)
{
	size_t pending = tcp_link_pending(&c->link);

	return (short)((c->closing || pending > PENDING_MAX ? 0 : POLLIN) |
		       (pending ? POLLOUT : 0));
}

/* Slot 0 is the stop, slot 1 the door, the others the connections in their order. */
static unsigned gather(struct tserve *s, struct pollfd *p)
{
	unsigned n = 2;

	p[0] = (struct pollfd){ .fd = s->stop_fd, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = s->n_conns < CONNS_MAX ? s->sock : -1, .events = POLLIN };
	for (struct tconn *c = s->conns; c; c = c->next)
		p[n++] = (struct pollfd){ .fd = c->link.fd, .events = events_of(c) };
	return n;
}

void tserve_round(struct tserve *s)
{
	const struct pollfd *p = s->poll + 2;

	for (struct tconn *c = s->conns; c; c = c->next, p++)
		if (!c->closing && p->revents & (POLLIN | POLLHUP | POLLERR))
			tconn_hear(c);
	run_devices(s);
	sweep(s);
}

static int turn(struct tserve *s, bool *over)
{
	uint64_t idle = idle_ns(s);
	struct timespec ts = { .tv_nsec = (long)idle };
	struct pollfd *p = s->poll;
	unsigned n = gather(s, p);

	if (ppoll(p, n, &ts, NULL) < 0)
		return errno == EINTR ? 0 : -errno;
	*over = p[0].revents;
	tserve_round(s);
	if (p[1].revents)
		come(s);
	return 0;
}

int tserve_run(struct tserve *s, int stop_fd, serve_tell *tell, void *ctx)
{
	bool over = false;
	int err = 0;

	s->tell = tell;
	s->ctx = ctx;
	s->stop_fd = stop_fd;
	say(s, &(struct serve_event){ .kind = SERVE_READY, .reason = s->where });
	while (!err && !over)
		err = turn(s, &over);
	for (struct tconn *c = s->conns; c; c = c->next)
		tconn_end(c, "the server stops");
	while (s->conns)
		unseat(s, &s->conns);
	say(s, &(struct serve_event){ .kind = SERVE_END,
				      .client = s->clients,
				      .messages = s->messages,
				      .reason = err ? strerror(-err) : "" });
	return err;
}

int tserve_open(struct tserve **ret, const struct serve_options *o, char *error)
{
	struct tserve *s = calloc(1, sizeof(*s));
	int err;

	*ret = NULL;
	if (!s) {
		snprintf(error, 256, "out of memory");
		return -ENOMEM;
	}
	s->o = *o;
	s->sock = -1;
	err = device_add(s, NULL, &s->first, error);
	if (!err && o->fresh) {
		s->devices = NULL;
		s->n_devices = 0;
	}
	if (!err)
		err = make_socket(s, error);
	if (err) {
		tserve_close(s);
		return err;
	}
	*ret = s;
	return 0;
}

void tserve_close(struct tserve *s)
{
	if (!s)
		return;
	if (s->sock >= 0)
		close(s->sock);
	while (s->assocs)
		assoc_free(s->assocs); /* kept by fault: none has a connection any more */
	if (s->first && s->devices != s->first)
		device_free(s->first);
	device_forget_all(s);
	free(s);
}
