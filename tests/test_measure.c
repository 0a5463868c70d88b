// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measuring a controller that may be a real drive: reads run, writes are refused. What stands in
 * for one is our own server behind a go-between that makes its word for being ours another one.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "event/event.h"
#include "rig/measure.h"
#include "rig/stop.h"
#include "unit.h"

#define FDS_MAX	 16
#define READY_NS (20 * NS_PER_S)

static char dir[] = "/tmp/nvrig-measure-XXXXXX";

/* ---- the go-between ---- */

static struct sockaddr_un address_of(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", dir, name);
	return a;
}

static int connect_to(const char *name)
{
	struct sockaddr_un a = address_of(name);
	uint64_t begin = clock_mono_ns();
	int fd = -1;

	while (clock_mono_ns() - begin < READY_NS) {
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		if (fd >= 0 && !connect(fd, (struct sockaddr *)&a, sizeof(a)))
			return fd;
		close(fd);
		poll(NULL, 0, 5); /* the server is not up yet */
	}
	return -1;
}

static void disguise(char *text, size_t len)
{
	for (size_t i = 0; i + 7 <= len; i++)
		if (!memcmp(text + i, "\"nvrig\"", 7))
			memcpy(text + i, "\"other\"", 7);
}

/* What is there, with its descriptors. False at the end. */
static bool pass_on(int from, int to, bool changes)
{
	static char data[2 << 20];
	union {
		char room[CMSG_SPACE(FDS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { data, sizeof(data) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(from, &m, 0), sent;

	if (n <= 0)
		return false;
	if (changes)
		disguise(data, (size_t)n);
	iov.iov_len = (size_t)n;
	if (!m.msg_controllen)
		m.msg_control = NULL;
	sent = sendmsg(to, &m, MSG_NOSIGNAL);
	for (struct cmsghdr *c = m.msg_control ? CMSG_FIRSTHDR(&m) : NULL; c;
	     c = CMSG_NXTHDR(&m, c))
		for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
			close(((int *)(void *)CMSG_DATA(c))[i]);
	while (sent > 0 && sent < n) {
		ssize_t more = send(to, data + sent, (size_t)(n - sent), MSG_NOSIGNAL);

		sent = more > 0 ? sent + more : -1;
	}
	return sent == n;
}

static void go_between(int listener)
{
	for (;;) {
		int client = accept(listener, NULL, NULL), server = connect_to("real");
		struct pollfd p[2] = { { client, POLLIN, 0 }, { server, POLLIN, 0 } };
		bool on = client >= 0 && server >= 0;

		while (on && poll(p, 2, -1) > 0) {
			on = !p[0].revents || pass_on(client, server, false);
			on = on && (!p[1].revents || pass_on(server, client, true));
		}
		close(client);
		close(server);
	}
}

static pid_t child(void)
{
	pid_t pid = fork();

	if (!pid)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

static pid_t between, server;

static int set_up(void)
{
	struct sockaddr_un a;
	char path[64];
	int listener;

	if (!mkdtemp(dir))
		return 1;
	a = address_of("other");
	snprintf(path, sizeof(path), "%s/real", dir);
	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 4))
		return 1;
	server = child();
	if (!server) {
		execl(NVRIG_PROGRAM, NVRIG_PROGRAM, "serve", "model:oacs=0", "--socket", path, "-q",
		      (char *)NULL);
		_exit(127);
	}
	between = child();
	if (!between) {
		go_between(listener);
		_exit(0);
	}
	close(listener);
	return server < 0 || between < 0;
}

static int tear_down(void)
{
	kill(between, SIGKILL);
	kill(server, SIGTERM);
	waitpid(between, NULL, 0);
	waitpid(server, NULL, 0);
	return nftw(dir, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- what is measured there ---- */

struct told {
	unsigned cells;
	uint64_t ios, errors;
};

static void hear(void *ctx, struct json_object *e)
{
	struct told *t = ctx;

	if (strcmp(event_type(e), "bench_cell"))
		return;
	t->cells++;
	t->ios += event_get_u64(e, "ios");
	t->errors += event_get_u64(e, "errors");
}

static enum rig_exit ask(const char *rw, unsigned read_percent, struct told *told,
			 char error[MEASURE_ERROR])
{
	static struct measure m;
	struct stop stop = { .fd = -1 };
	char target[96];

	*told = (struct told){ 0 };
	m = (struct measure){ .cells = 2, .limit_ns = 20 * NS_PER_S };
	for (unsigned i = 0; i < 2; i++)
		m.cell[i] = (struct measure_cell){
			.rw = i ? rw : "randread",
			.spec = { .random = true,
				  .read_percent = i ? read_percent : 100,
				  .bytes = 4096,
				  .depth = 4,
				  .queues = 1,
				  .ios = 50,
				  .patience_ns = 10 * NS_PER_S },
		};
	snprintf(target, sizeof(target), "vfio-user:%s/other", dir);
	return measure_target(target, &m, &stop, hear, told, error);
}

static void writes_are_refused(void)
{
	char error[MEASURE_ERROR];
	struct told told;

	for (unsigned percent = 0; percent < 100; percent += 99) {
		CU_ASSERT_EQUAL(ask("randrw", percent, &told, error), RIG_REFUSED);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "real drive"));
		CU_ASSERT_EQUAL(told.cells, 0); /* not even the row before it that only reads */
	}
}

static void reads_are_not(void)
{
	char error[MEASURE_ERROR];
	struct told told;

	CU_ASSERT_EQUAL(ask("randread", 100, &told, error), RIG_GOOD);
	CU_ASSERT_STRING_EQUAL(error, "");
	CU_ASSERT_EQUAL(told.cells, 2);
	CU_ASSERT_EQUAL(told.ios, 100);
	CU_ASSERT_EQUAL(told.errors, 0);
}

static const struct unit units[] = {
	{ "writes to what may be a drive are refused", writes_are_refused },
	{ "reads are not", reads_are_not },
};

int main(void)
{
	return unit_main_with("measure", set_up, tear_down, units, ARRAY_SIZE(units));
}
