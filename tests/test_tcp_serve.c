// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `nvrig serve --tcp` and hosts that break every rule of NVMe/TCP in turn: each is told, or hung up
 * on, in time; the next is served, and the server has not one descriptor more than before.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/model.h"
#include "spec/status.h"
#include "target/tcp_queue.h"
#include "unit.h"

#define LONG_NS (12 * NS_PER_S)
#define ENTRIES 32u

static pid_t server;
static char port[8];
static struct tcp_way way = {
	.host = "127.0.0.1", .port = port, .hpda = 4, .maxr2t = 1, .timeout_ns = 4 * NS_PER_S
};

/* ---- the server ---- */

/* Its first line says where it listens. */
static int hear_port(int fd)
{
	char line[256];
	size_t n = 0;
	const char *at;

	while (n + 1 < sizeof(line) && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	line[n] = 0;
	at = strstr(line, "127.0.0.1:");
	return at && sscanf(at + 10, "%7[0-9]", port) == 1 ? 0 : -1;
}

static int start(void)
{
	int out[2];

	if (pipe(out))
		return -1;
	server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		alarm(100);
		execl(NVRIG_PROGRAM, NVRIG_PROGRAM, "serve", "model:", "--tcp", "127.0.0.1:0",
		      (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	return hear_port(out[0]); /* the pipe stays open: it says more */
}

static int stop(void)
{
	int status;

	kill(server, SIGTERM);
	return waitpid(server, &status, 0) != server || !WIFEXITED(status) || WEXITSTATUS(status);
}

static unsigned fds_of_server(void)
{
	char path[40];
	unsigned n = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)server);
	d = opendir(path);
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* ---- hosts ---- */

static struct connect_data who_am_i(void)
{
	struct connect_data d = { .cntlid = le16_from(CNTLID_DYNAMIC) };

	CU_ASSERT_EQUAL(getrandom(d.hostid, sizeof(d.hostid), 0), sizeof(d.hostid));
	memcpy(d.subnqn, model_nqn, strlen(model_nqn));
	memcpy(d.hostnqn, "nqn.2014-08.org.nvmexpress:test", 32);
	return d;
}

/* An admin queue of its own: 0 and the status of Connect. */
static int come(struct tcp_queue *q, uint16_t *ret_status)
{
	struct connect c = { .sqsize_z = ENTRIES - 1 };
	struct sqe connect = fabrics_connect(&c);
	struct connect_data d = who_am_i();
	struct cqe e = { 0 };
	int err = tcp_queue_open(q, &way, 0, ENTRIES);

	if (!err)
		err = tcp_queue_exec(q, &connect, &d, sizeof(d), &e);
	*ret_status = CQE_STATUS(le16_get(e.status));
	return err;
}

/* The one before may just be going. */
static void check_next_is_served(const char *after)
{
	uint64_t end = clock_mono_ns() + LONG_NS;
	struct sqe get = fabrics_property_get(REG_VS, 32);
	struct tcp_queue q;
	struct cqe e = { 0 };
	uint16_t status;
	int err;

	while (!(err = come(&q, &status)) && status == FSC_CONTROLLER_BUSY &&
	       clock_mono_ns() < end) {
		tcp_queue_close(&q);
		usleep(5000);
	}
	if (!err && !status)
		err = tcp_queue_exec(&q, &get, NULL, 0, &e);
	if (err || status || CQE_STATUS(le16_get(e.status)) || !le32_get(e.dw0))
		printf("  after %s: %d, status %03Xh, '%s'\n", after, err, status, q.error);
	CU_ASSERT(!err && !status && !CQE_STATUS(le16_get(e.status)) && le32_get(e.dw0));
	tcp_queue_close(&q);
}

/* ---- PDUs that are wrong ---- */

static union tcp_header command(uint8_t opcode, struct sgl_desc d)
{
	union tcp_header h = { .cmd.sqe = { .opcode = opcode, .flags = 0x40 } };

	h.ch = (struct tcp_ch){ TCP_CMD, 0, 72, 0, le32_from(72) };
	memcpy((uint8_t *)&h.cmd.sqe + 24, &d, sizeof(d));
	return h;
}

static union tcp_header greeting(void)
{
	return (union tcp_header){ .icreq.ch = { TCP_ICREQ, 0, 128, 0, le32_from(128) } };
}

static union tcp_header bent(union tcp_header h, size_t at, uint8_t value)
{
	h.bytes[at] = value;
	return h;
}

static union tcp_header data(uint32_t plen)
{
	return (union tcp_header){ .data.ch = { TCP_H2C_DATA, TCP_F_LAST, 24, 24,
						le32_from(plen) } };
}

/* A Set Features with data in the host, and what the host says to the R2T. */
static union tcp_header wants_data(void)
{
	return command(nvme_admin_set_features, sgl_transport(4096));
}

enum stage { BEFORE, GREETED, CONNECTED };

struct row {
	const char *name;
	enum stage at;
	union tcp_header h;
	size_t len;   /* bytes of it that are said */
	unsigned fes; /* of the answer; 0: it just hangs up; GOES_ON: it answers */
};

#define GOES_ON UINT_MAX

static void make_rows(struct row *r, size_t *ret_n)
{
	const struct sgl_desc none = { .id = 0 };
	const union tcp_header c = command(nvme_admin_keep_alive, none), g = greeting();
	const struct row rows[] = {
		{ "noise", BEFORE, { .bytes = "GET / HTTP/1.1\r\n" }, 16, TCP_FES_FIELD },
		{ "a command first", BEFORE, c, 72, TCP_FES_SEQUENCE },
		{ "PFV", BEFORE, bent(g, 8, 1), 128, TCP_FES_PARAMETER },
		{ "HPDA", BEFORE, bent(g, 10, 32), 128, TCP_FES_FIELD },
		{ "ICReq twice", GREETED, g, 128, TCP_FES_SEQUENCE },
		{ "type", GREETED, bent(c, 0, 0x0f), 72, TCP_FES_FIELD },
		{ "the controller's type", GREETED, bent(c, 0, TCP_RESP), 72, TCP_FES_FIELD },
		{ "HLEN 255", GREETED, bent(c, 2, 255), 72, TCP_FES_FIELD },
		{ "HLEN 0", GREETED, bent(c, 2, 0), 72, TCP_FES_FIELD },
		{ "PLEN 0", GREETED, bent(c, 4, 0), 72, TCP_FES_FIELD },
		{ "PLEN 4 GiB", GREETED, bent(bent(c, 3, 72), 7, 0xff), 72, TCP_FES_FIELD },
		{ "flags", GREETED, bent(c, 1, TCP_F_HDGST), 72, TCP_FES_FIELD },
		{ "a term of 4 GiB", GREETED, bent(bent(g, 0, TCP_H2C_TERM), 7, 1), 128, 0 },
		{ "data unasked", CONNECTED, data(28), 28, TCP_FES_FIELD },
		{ "data of no length", CONNECTED, data(24), 24, TCP_FES_FIELD },
		{ "SGL of 4 GiB", CONNECTED, command(9, sgl_transport(UINT32_MAX)), 72, GOES_ON },
		{ "SGL in the capsule", CONNECTED, command(9, sgl_in_capsule(~0ull, 4)), 72,
		  GOES_ON },
		{ "SGL of another kind", CONNECTED, command(9, (struct sgl_desc){ .id = 0x30 }), 72,
		  GOES_ON },
	};

	memcpy(r, rows, sizeof(rows));
	*ret_n = ARRAY_SIZE(rows);
}

/* What comes: the FES of C2HTermReq, 0: it hung up, GOES_ON: something else, UINT_MAX - 1: nothing.
 */
static unsigned await_end(struct tcp_link *l)
{
	uint64_t end = clock_mono_ns() + LONG_NS;
	struct tcp_pdu pdu;
	int n;

	while (!(n = tcp_link_next(l, &pdu)) && clock_mono_ns() < end)
		poll(&(struct pollfd){ .fd = l->fd, .events = POLLIN }, 1, 100);
	if (n == 1)
		return pdu.h->ch.type == TCP_C2H_TERM ? le16_get(pdu.h->term.fes) : GOES_ON;
	return n ? 0 : UINT_MAX - 1;
}

static void judge(const struct row *row)
{
	struct tcp_queue q = { .link.fd = -1 };
	uint16_t status = 0;
	unsigned got;
	int fd = -1, err = 0;

	if (row->at == BEFORE) {
		err = tcp_dial(&way, &fd, q.error);
		err = err ? err : tcp_link_open(&q.link, fd, false, 4096);
	} else {
		err = row->at == GREETED ? tcp_queue_open(&q, &way, 0, ENTRIES) : come(&q, &status);
	}
	CU_ASSERT_FATAL(!err && !status);
	CU_ASSERT_EQUAL(send(q.link.fd, &row->h, row->len, MSG_NOSIGNAL), (ssize_t)row->len);
	got = await_end(&q.link);
	if (got != row->fes)
		printf("  %s: %u, want %u\n", row->name, got, row->fes);
	CU_ASSERT_EQUAL(got, row->fes);
	tcp_queue_close(&q);
	check_next_is_served(row->name);
}

static void hosts(void)
{
	static struct row rows[32];
	size_t n;

	make_rows(rows, &n);
	for (size_t i = 0; i < n; i++)
		judge(&rows[i]);
}

/* ---- data that do not fit their R2T ---- */

static const struct misfit {
	const char *name;
	uint32_t at, len;
	uint16_t more_ttag;
	unsigned fes;
} misfits[] = {
	{ "TTAG", 0, 4096, 1, TCP_FES_FIELD },
	{ "beyond", 4096, 4, 0, TCP_FES_RANGE },
	{ "far beyond", 0xfffffffc, 4, 0, TCP_FES_RANGE },
	{ "a gap", 4, 512, 0, TCP_FES_SEQUENCE },
	{ "more than asked", 0, 4100, 0, TCP_FES_RANGE },
};

static void misfit(const struct misfit *m)
{
	static const uint8_t zeroes[8192];
	union tcp_header h = wants_data(),
			 d = { .data = { .datao = le32_from(m->at), .datal = le32_from(m->len) } };
	struct tcp_queue q;
	struct tcp_pdu pdu;
	uint16_t status;
	int n;

	CU_ASSERT_FATAL(!come(&q, &status) && !status);
	CU_ASSERT(!tcp_link_put(&q.link, &h, NULL, 0) && !tcp_link_flush(&q.link));
	while (!(n = tcp_link_next(&q.link, &pdu)))
		poll(&(struct pollfd){ .fd = q.link.fd, .events = POLLIN }, 1, 1000);
	CU_ASSERT_FATAL(n == 1 && pdu.h->ch.type == TCP_R2T);
	d.ch.type = TCP_H2C_DATA;
	d.ch.flags = TCP_F_LAST;
	d.data.ttag = le16_from((uint16_t)(le16_get(pdu.h->r2t.ttag) + m->more_ttag));
	CU_ASSERT(!tcp_link_put(&q.link, &d, zeroes, m->len) && !tcp_link_flush(&q.link));
	CU_ASSERT_EQUAL(await_end(&q.link), m->fes);
	tcp_queue_close(&q);
	check_next_is_served(m->name);
}

static void misfitting_data(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(misfits); i++)
		misfit(&misfits[i]);
}

/* ---- who keeps it waiting, all at once ---- */

static void idlers(void)
{
	struct tcp_queue silent, half, deaf;
	union tcp_header g = greeting();
	int fd[2];

	CU_ASSERT_FATAL(!tcp_dial(&way, &fd[0], silent.error) &&
			!tcp_link_open(&silent.link, fd[0], false, 4096));
	CU_ASSERT_FATAL(!tcp_dial(&way, &fd[1], half.error) &&
			!tcp_link_open(&half.link, fd[1], false, 4096));
	CU_ASSERT_FATAL(!tcp_queue_open(&deaf, &way, 0, ENTRIES));
	CU_ASSERT_EQUAL(send(half.link.fd, &g, 50, MSG_NOSIGNAL), 50);
	check_next_is_served("one that waits");
	CU_ASSERT_EQUAL(await_end(&half.link), 0);
	CU_ASSERT_EQUAL(await_end(&silent.link), 0);
	CU_ASSERT_EQUAL(await_end(&deaf.link), 0); /* greeted, and no Connect */
	tcp_link_close(&silent.link);
	tcp_link_close(&half.link);
	tcp_queue_close(&deaf);
}

static void nothing_is_lost(void)
{
	static unsigned before;
	uint64_t end = clock_mono_ns() + LONG_NS;

	if (!before) {
		before = fds_of_server();
		return;
	}
	while (fds_of_server() > before && clock_mono_ns() < end)
		usleep(5000);
	CU_ASSERT_EQUAL(fds_of_server(), before);
}

static const struct unit units[] = {
	{ "before", nothing_is_lost },		{ "hosts", hosts },
	{ "misfitting_data", misfitting_data }, { "idlers", idlers },
	{ "nothing_is_lost", nothing_is_lost },
};

int main(void)
{
	return unit_main_with("tcp_serve", start, stop, units, ARRAY_SIZE(units));
}
