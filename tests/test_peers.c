// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `nvrig run` on a qtest socket behind which something goes wrong: from the first word on, or in
 * the middle of a case, by a proxy in front of a QEMU that is a good one until then.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "event/event.h"
#include "peers.h"
#include "rig/journal_read.h"
#include "base/capture.h"
#include "stack/stack.h"
#include "unit.h"

#define GOOD_LINES 40u /* of the first case, before the proxy goes wrong */

static char top[] = "/tmp/nvrig-test-peers-XXXXXX";
static char sock_path[108];
static unsigned runs;

/* ---- a run of the program ---- */

struct seen {
	int status;
	double seconds;
	unsigned cases, failed, broken, skipped, down;
	bool ended;
	char first_reason[200];
};

static int run_program(const char *target, const char *out, const char *pattern)
{
	pid_t pid = fork();
	int status, null;

	if (!pid) {
		null = open("/dev/null", O_RDWR);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		alarm(60);
		execl(NVRIG_PROGRAM, NVRIG_PROGRAM, "run", target, "--effort", "quick", "--case",
		      pattern, "--out", out, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void note(void *ctx, struct json_object *e)
{
	const char *verdict = event_get_str(e, "verdict");
	struct seen *s = ctx;

	s->ended = !strcmp(event_type(e), "run_end");
	if (strcmp(event_type(e), "case_end"))
		return;
	s->cases++;
	s->failed += !strcmp(verdict, "FAIL");
	s->broken += !strcmp(verdict, "BROKEN");
	s->skipped += !strcmp(verdict, "SKIP");
	s->down += *event_get_str(e, "error") || strstr(event_get_str(e, "reason"), "worker died");
	if (s->cases == 1)
		snprintf(s->first_reason, sizeof(s->first_reason), "%s",
			 event_get_str(e, "reason"));
}

static struct seen run(const char *target, const char *pattern)
{
	char out[64], path[128], error[JOURNAL_ERROR] = "";
	struct seen s = { .status = -1 };
	uint64_t begun = clock_mono_ns();
	glob_t found;
	off_t end;
	int fd;

	snprintf(out, sizeof(out), "%s/%u", top, runs++);
	s.status = run_program(target, out, pattern);
	s.seconds = (double)(clock_mono_ns() - begun) / NS_PER_S;
	snprintf(path, sizeof(path), "%s/2*/events.jsonl", out);
	CU_ASSERT_EQUAL_FATAL(glob(path, 0, NULL, &found), 0);
	fd = open(found.gl_pathv[0], O_RDONLY);
	CU_ASSERT_EQUAL(journal_load(fd, note, &s, &end, error), 0);
	close(fd);
	globfree(&found);
	return s;
}

/* ---- wrong from the first word on ---- */

static void never_a_qemu(void)
{
	static void (*const peers[])(
		int fd) = { peer_garbage,   peer_half_line, peer_half_then_close,
			    peer_silent,    peer_close,	    peer_flood,
			    peer_irq_flood, peer_nul,	    peer_huge_number };
	char target[300], ram[64];
	int fd;

	snprintf(ram, sizeof(ram), "%s/ram", top);
	fd = open(ram, O_RDWR | O_CREAT, 0600);
	CU_ASSERT_EQUAL(ftruncate(fd, 4 << 20), 0);
	close(fd);
	snprintf(target, sizeof(target), "qtest:%s?mem=%s,timeout=200", sock_path, ram);
	for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
		pid_t pid = serve(sock_path, peers[i]);
		struct seen s = run(target, "reg.*");

		CU_ASSERT_EQUAL(s.status, 2);
		CU_ASSERT_EQUAL(s.cases, 0);
		CU_ASSERT_TRUE(s.ended);
		CU_ASSERT_TRUE(s.seconds < 5);
		stop(pid, sock_path);
	}
}

/* ---- wrong in the middle of a case ---- */

static char upstream[108];
static void (*wrong)(int fd);
static unsigned connections;

static int dial(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(addr.sun_path, path);
	if (s < 0 || connect(s, (struct sockaddr *)&addr, sizeof(addr)))
		_exit(1);
	return s;
}

static bool pass_on(int from, int to, unsigned *lines)
{
	char bytes[4096];
	ssize_t n = recv(from, bytes, sizeof(bytes), 0);

	for (ssize_t i = 0; i < n; i++)
		*lines += bytes[i] == '\n';
	return n > 0 && send(to, bytes, (size_t)n, MSG_NOSIGNAL) == n;
}

/* The first client, the probe, sees a good QEMU, the second for GOOD_LINES, the rest none. */
static void proxy(int fd)
{
	unsigned lines = 0, ignored = 0;
	int qemu = -1;

	if (++connections > 2)
		return wrong(fd);
	qemu = dial(upstream);
	for (;;) {
		struct pollfd p[] = { { .fd = fd, .events = POLLIN },
				      { .fd = qemu, .events = POLLIN } };

		poll(p, 2, -1);
		if (p[1].revents && !pass_on(qemu, fd, &ignored))
			break;
		if (connections == 2 && lines >= GOOD_LINES) {
			close(qemu);
			return wrong(fd);
		}
		if (p[0].revents && !pass_on(fd, qemu, &lines))
			break;
	}
	close(qemu);
}

/* peer_*() wait for somebody to end them; a proxy goes on to the next client instead. */
static void wrong_silent(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	poll(&p, 1, -1);
}

static void wrong_garbage(int fd)
{
	hear(fd);
	say(fd, "220 mail.example.org ESMTP\r\n");
	wrong_silent(fd);
}

static void wrong_half_line(int fd)
{
	hear(fd);
	say(fd, "OK 0x00");
	wrong_silent(fd);
}

static void wrong_close(int fd)
{
	(void)fd;
}

static void (*const wrongs[])(int fd) = { wrong_garbage, wrong_half_line, wrong_silent,
					  wrong_close };

/* Which of them it is depends on where in the case it strikes. */
static bool is_clear(const char *reason)
{
	static const char *const words[] = { "answers garbage", "no answer", "gone", "timed out",
					     "No such device" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(reason, words[i]))
			return true;
	return false;
}

static void one_wrong(size_t i, const char *qemu)
{
	char target[400];
	struct seen s;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(sscanf(qemu, "qtest:%107[^?]", upstream), 1);
	wrong = wrongs[i];
	connections = 0;
	pid = serve(sock_path, proxy);
	snprintf(target, sizeof(target), "qtest:%s%s,timeout=300", sock_path, strchr(qemu, '?'));
	s = run(target, "queue.create-*");
	stop(pid, sock_path);
	if (s.status != 1 || !is_clear(s.first_reason))
		fprintf(stderr, "row %zu: status %d, %u cases, '%s'\n", i, s.status, s.cases,
			s.first_reason);
	CU_ASSERT_EQUAL(s.status, 1);
	CU_ASSERT_TRUE(is_clear(s.first_reason));
	CU_ASSERT_TRUE(s.ended);
	CU_ASSERT_TRUE(s.cases > 5);
	CU_ASSERT_EQUAL(s.failed + s.skipped, s.cases);
	CU_ASSERT_EQUAL(s.down + s.broken, 0);
	CU_ASSERT_TRUE(s.seconds < 15);
}

static void wrong_in_a_case(void)
{
	struct stack_config c = { .name = "test",
				  .kind = "qemu-qtest",
				  .binary = "qemu-system-x86_64",
				  .memory_bytes = 64 << 20,
				  .disk_bytes = 64 << 20,
				  .accel = "tcg",
				  .cache = "writeback",
				  .addr = "05.0",
				  .device = "serial=TEST",
				  .ns = { { 1, "logical_block_size=512" } },
				  .n_ns = 1,
				  .start_s = 20 };
	char path[256], error[512] = "";
	struct stack *s;

	if (capture_find(c.binary, path, sizeof(path))) {
		puts("no qemu-system-x86_64 here: left out");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		CU_ASSERT_EQUAL_FATAL(stack_up(&c, top, &s, error), 0);
		one_wrong(i, stack_target(s));
		stack_down(s);
	}
}

static const struct unit units[] = {
	{ "never a QEMU", never_a_qemu },
	{ "wrong in a case", wrong_in_a_case },
};

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int main(void)
{
	int status;

	if (!mkdtemp(top))
		return 2;
	snprintf(sock_path, sizeof(sock_path), "%s/s", top);
	status = unit_main("peers", units, ARRAY_SIZE(units));
	nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return status;
}
