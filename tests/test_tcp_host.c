// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * `tcp:` and controllers that break every rule of NVMe/TCP in turn: each is an error in words, in
 * time, told to the controller where it can be told, and the connection is closed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "spec/status.h"
#include "target/target.h"
#include "target/tcp_host.h"
#include "unit.h"

#define TIMEOUT_NS  (300 * NS_PER_MS) /* of rows that are to run into it */
#define LATE_NS	    (10 * NS_PER_S)   /* for which a busy machine is no excuse any more */
#define PATIENCE_NS (20 * NS_PER_S)
#define LONG_NS	    (60 * NS_PER_S) /* of a controller, whatever became of its host */
#define READ_LEN    4096u
#define WRITE_LEN   16384u

/* ---- a controller that is none ---- */

struct fake {
	struct tcp_link link;
	const struct row *row;
	unsigned commands;
	unsigned fes; /* of the host's request to terminate */
};

struct row {
	const char *name;
	unsigned dgst; /* that the host wants */
	bool write;
	/* true: answered; else it is answered as it should be */
	bool (*answer)(struct fake *f, const union tcp_header *h);
	int err; /* of the host; 0: status */
	uint16_t status;
	const char *words; /* in what it says of it */
	unsigned fes;	   /* that it tells the controller */
};

static void put(struct fake *f, union tcp_header *h, const void *data, size_t len)
{
	tcp_link_put(&f->link, h, data, len);
	tcp_link_flush(&f->link);
}

/* Bent after the digests were computed, or before. */
static void put_bent(struct fake *f, union tcp_header *h, const void *data, size_t len, size_t at,
		     uint8_t value)
{
	uint8_t bytes[TCP_HEADER_MAX + TCP_ALIGN_MAX + READ_LEN + 8];
	size_t n = tcp_link_build(&f->link, h, data, len, bytes);

	bytes[at] = value;
	send(f->link.fd, bytes, n, MSG_NOSIGNAL);
}

static void put_greeting(struct fake *f, unsigned dgst, uint32_t most)
{
	union tcp_header h = { .icresp = { .dgst = (uint8_t)dgst, .maxh2cdata = le32_from(most) } };

	h.ch.type = TCP_ICRESP;
	put(f, &h, NULL, 0);
}

static void put_cqe(struct fake *f, uint16_t cid, uint16_t sqhd, uint16_t status)
{
	union tcp_header h = { .resp.cqe = { .cid = le16_from(cid),
					     .sqhd = le16_from(sqhd),
					     .status = le16_from((uint16_t)(status << 1)) } };

	h.ch.type = TCP_RESP;
	put(f, &h, NULL, 0);
}

static void put_response(struct fake *f, uint16_t cid)
{
	put_cqe(f, cid, (uint16_t)(f->commands % 32), SC_SUCCESS);
}

static union tcp_header data_of(uint16_t cid, uint32_t at, uint32_t len)
{
	union tcp_header h = {
		.data = { .cccid = le16_from(cid), .datao = le32_from(at), .datal = le32_from(len) }
	};

	h.ch.type = TCP_C2H_DATA;
	h.ch.flags = TCP_F_LAST;
	return h;
}

static void put_data(struct fake *f, uint16_t cid, uint32_t at, uint32_t len)
{
	static const uint8_t zeroes[2 * READ_LEN];
	union tcp_header h = data_of(cid, at, len);

	put(f, &h, zeroes, len);
}

static void put_r2t(struct fake *f, uint16_t cid, uint32_t at, uint32_t len)
{
	union tcp_header h = {
		.r2t = { .cccid = le16_from(cid), .r2to = le32_from(at), .r2tl = le32_from(len) }
	};

	h.ch.type = TCP_R2T;
	put(f, &h, NULL, 0);
}

static uint16_t cid_of(const union tcp_header *h)
{
	return le16_get(h->cmd.sqe.cid);
}

static void good(struct fake *f, const union tcp_header *h)
{
	if (h->ch.type == TCP_ICREQ) {
		put_greeting(f, h->icreq.dgst, 4096);
		tcp_link_agree(&f->link, h->icreq.dgst & TCP_HDGST_ON, h->icreq.dgst & TCP_DDGST_ON,
			       4);
	} else if (h->ch.type == TCP_CMD && !f->row->write) {
		put_data(f, cid_of(h), 0, READ_LEN);
		put_response(f, cid_of(h));
	} else if (h->ch.type == TCP_CMD) {
		put_r2t(f, cid_of(h), 0, WRITE_LEN);
	} else if (h->ch.flags & TCP_F_LAST) {
		put_response(f, le16_get(h->data.cccid));
	}
}

/* Its end is 64 and the FES that the host told, where the host closed the connection. */
static void serve(int sock, const struct row *row)
{
	struct fake f = { .row = row };
	struct tcp_pdu pdu;
	uint64_t end = clock_mono_ns() + LONG_NS;
	int n = 0;

	if (poll(&(struct pollfd){ .fd = sock, .events = POLLIN }, 1, LONG_NS / NS_PER_MS) != 1)
		_exit(4);
	if (tcp_link_open(&f.link, accept(sock, NULL, NULL), true, 1u << 20))
		_exit(1);
	while (n != -ENODEV && clock_mono_ns() < end) {
		n = tcp_link_next(&f.link, &pdu);
		if (n < 0 && n != -ENODEV)
			_exit(2);
		if (!n)
			poll(&(struct pollfd){ .fd = f.link.fd, .events = POLLIN }, 1, 20);
		if (n <= 0)
			continue;
		f.commands += pdu.h->ch.type == TCP_CMD;
		if (pdu.h->ch.type == TCP_H2C_TERM)
			f.fes = le16_get(pdu.h->term.fes);
		else if (!row->answer || !row->answer(&f, pdu.h))
			good(&f, pdu.h);
	}
	_exit(n == -ENODEV ? 64 + (int)f.fes : 3);
}

/* ---- what it does wrong ---- */

static bool silent(struct fake *f, const union tcp_header *h)
{
	(void)f;
	(void)h;
	return true;
}

static bool slow(struct fake *f, const union tcp_header *h)
{
	static const uint8_t bytes[128] = { TCP_ICRESP, 0, 128, 0, 128 };

	(void)h;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		if (send(f->link.fd, bytes + i, 1, MSG_NOSIGNAL) != 1)
			break;
		usleep(200000); /* the whole of it takes far longer than the host waits */
	}
	return true;
}

static bool half_a_greeting(struct fake *f, const union tcp_header *h)
{
	static const uint8_t bytes[50] = { TCP_ICRESP, 0, 128, 0, 128 };

	(void)h;
	send(f->link.fd, bytes, sizeof(bytes), MSG_NOSIGNAL);
	shutdown(f->link.fd, SHUT_WR);
	return true;
}

static bool digests_unasked(struct fake *f, const union tcp_header *h)
{
	(void)h;
	put_greeting(f, TCP_HDGST_ON, 8192);
	return true;
}

static bool takes_no_data(struct fake *f, const union tcp_header *h)
{
	(void)h;
	put_greeting(f, 0, 0);
	return true;
}

static bool greets_as_host(struct fake *f, const union tcp_header *h)
{
	union tcp_header mine = { .icreq = h->icreq };

	put(f, &mine, NULL, 0);
	return true;
}

static bool terminates(struct fake *f, const union tcp_header *h)
{
	if (h->ch.type == TCP_ICREQ)
		return false;
	f->link.wrong = (struct tcp_wrong){ TCP_FES_RANGE, 0 };
	tcp_link_put_term(&f->link, true);
	tcp_link_flush(&f->link);
	return true;
}

#define ON_COMMAND(name, ...)                                                                      \
	static bool name(struct fake *f, const union tcp_header *h)                                \
	{                                                                                          \
		if (h->ch.type != TCP_CMD)                                                         \
			return h->ch.type != TCP_ICREQ;                                            \
		__VA_ARGS__;                                                                       \
		return true;                                                                       \
	}

static void bend_data(struct fake *f, uint16_t cid, size_t at, uint8_t value)
{
	static const uint8_t zeroes[READ_LEN];
	union tcp_header h = data_of(cid, 0, READ_LEN);

	put_bent(f, &h, zeroes, READ_LEN, at, value);
}

ON_COMMAND(plen_4_gib, bend_data(f, cid_of(h), 7, 0xff))
ON_COMMAND(hlen_255, bend_data(f, cid_of(h), 2, 255))
ON_COMMAND(pdo_in_header, bend_data(f, cid_of(h), 3, 4))
ON_COMMAND(header_digest, bend_data(f, cid_of(h), 24, 0x5a))
ON_COMMAND(half_the_data, bend_data(f, cid_of(h), 5, 0x11); shutdown(f->link.fd, SHUT_WR))
ON_COMMAND(data_digest, bend_data(f, cid_of(h), 24 + 4 + READ_LEN, 0x5a);
	   put_response(f, cid_of(h)))
ON_COMMAND(data_of_nobody, put_data(f, (uint16_t)(cid_of(h) + 1), 0, READ_LEN))
ON_COMMAND(more_data, put_data(f, cid_of(h), 0, READ_LEN + 512))
ON_COMMAND(data_past_the_end, put_data(f, cid_of(h), READ_LEN, 512))
ON_COMMAND(data_twice, put_data(f, cid_of(h), 0, READ_LEN); put_data(f, cid_of(h), 0, READ_LEN))
ON_COMMAND(data_for_a_write, put_data(f, cid_of(h), 0, 512))
ON_COMMAND(r2t_beyond, put_r2t(f, cid_of(h), 0, WRITE_LEN + 4))
ON_COMMAND(r2t_far_beyond, put_r2t(f, cid_of(h), 0xfffffffc, 4))
ON_COMMAND(r2t_of_nobody, put_r2t(f, (uint16_t)(cid_of(h) + 1), 0, 4))
ON_COMMAND(r2t_for_a_read, put_r2t(f, cid_of(h), 0, 4))
ON_COMMAND(r2t_twice, put_r2t(f, cid_of(h), 0, WRITE_LEN); put_r2t(f, cid_of(h), 0, WRITE_LEN))
ON_COMMAND(completes_another, put_response(f, (uint16_t)(cid_of(h) + 1)))
ON_COMMAND(completes_twice, put_data(f, cid_of(h), 0, READ_LEN); put_response(f, cid_of(h));
	   put_response(f, cid_of(h)))
ON_COMMAND(no_such_type, bend_data(f, cid_of(h), 0, 0x0b))

#define BOTH (TCP_HDGST_ON | TCP_DDGST_ON)

static const struct row rows[] = {
	{ "good", 0, false, NULL, 0, 0, "", 0 },
	{ "good, digests", BOTH, false, NULL, 0, 0, "", 0 },
	{ "good, writes", BOTH, true, NULL, 0, 0, "", 0 },
	{ "silent", 0, false, silent, -ETIMEDOUT, 0, "no answer within 300 ms", 0 },
	{ "slow", 0, false, slow, -ETIMEDOUT, 0, "no answer within 300 ms", 0 },
	{ "half", 0, false, half_a_greeting, -ENODEV, 0, "closed the connection", 0 },
	{ "digests", 0, false, digests_unasked, -EPROTO, 0, "nobody asked for", TCP_FES_FIELD },
	{ "no data", 0, false, takes_no_data, -EPROTO, 0, "no data at all", TCP_FES_FIELD },
	{ "ICReq", 0, false, greets_as_host, -EPROTO, 0, "no legal PDU", TCP_FES_FIELD },
	{ "term", 0, false, terminates, -ENODEV, 0, "Data Transfer Out of Range", 0 },
	{ "PLEN", 0, false, plen_4_gib, -EPROTO, 0, "no legal PDU", TCP_FES_FIELD },
	{ "HLEN", 0, false, hlen_255, -EPROTO, 0, "no legal PDU", TCP_FES_FIELD },
	{ "PDO", 0, false, pdo_in_header, -EPROTO, 0, "no legal PDU", TCP_FES_FIELD },
	{ "type", 0, false, no_such_type, -EPROTO, 0, "type Bh", TCP_FES_FIELD },
	{ "half data", 0, false, half_the_data, -EPROTO, 0, "no legal PDU", TCP_FES_FIELD },
	{ "HDGST", BOTH, false, header_digest, -EPROTO, 0, "Header Digest Error", TCP_FES_DIGEST },
	{ "DDGST", BOTH, false, data_digest, 0, SC_TRANSIENT_TRANSPORT, "", 0 },
	{ "CCCID", 0, false, data_of_nobody, -EPROTO, 0, "no command under way", TCP_FES_FIELD },
	{ "more", 0, false, more_data, -EPROTO, 0, "does not fit", TCP_FES_RANGE },
	{ "past", 0, false, data_past_the_end, -EPROTO, 0, "does not fit", TCP_FES_RANGE },
	{ "again", 0, false, data_twice, -EPROTO, 0, "nobody waits for", TCP_FES_SEQUENCE },
	{ "of a write", 0, true, data_for_a_write, -EPROTO, 0, "nobody waits", TCP_FES_SEQUENCE },
	{ "R2T", 0, true, r2t_beyond, -EPROTO, 0, "more than the command's", TCP_FES_RANGE },
	{ "R2T far", 0, true, r2t_far_beyond, -EPROTO, 0, "more than the", TCP_FES_RANGE },
	{ "R2T none", 0, true, r2t_of_nobody, -EPROTO, 0, "no command under way", TCP_FES_FIELD },
	{ "R2T read", 0, false, r2t_for_a_read, -EPROTO, 0, "that there are not",
	  TCP_FES_SEQUENCE },
	{ "R2T twice", 0, true, r2t_twice, -EPROTO, 0, "does not go on", TCP_FES_SEQUENCE },
	{ "CID", 0, false, completes_another, -EPROTO, 0, "not under way", TCP_FES_FIELD },
	{ "twice", 0, false, completes_twice, -EPROTO, 0, "not under way", TCP_FES_FIELD },
};

/* ---- the host ---- */

/* Two commands, so that what comes behind the first is seen. */
static int ask(struct tcp_queue *q, const struct row *row, struct cqe *ret)
{
	static uint8_t data[WRITE_LEN];
	struct sqe e = { .opcode = row->write ? nvme_cmd_write : nvme_cmd_read };
	size_t len = row->write ? WRITE_LEN : READ_LEN;
	int err = tcp_queue_exec(q, &e, data, len, ret);

	return err || CQE_STATUS(le16_get(ret->status)) ? err
							: tcp_queue_exec(q, &e, data, len, ret);
}

static int listen_somewhere(char port[8])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0 && !bind(fd, (struct sockaddr *)&at, len) && !listen(fd, 4));
	CU_ASSERT_FATAL(!getsockname(fd, (struct sockaddr *)&at, &len));
	snprintf(port, 8, "%u", ntohs(at.sin_port));
	return fd;
}

static void complain(const struct row *row, const char *what, const struct tcp_queue *q, int err,
		     int end)
{
	printf("  %s: %s: %d, '%s', the controller's end %d\n", row->name, what, err, q->error,
	       end);
	CU_FAIL("a row");
}

/* A controller as the row has it, at that port. */
static pid_t play(const struct row *row, char port[8])
{
	int sock = listen_somewhere(port);
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(sock, row);
	}
	close(sock);
	return pid;
}

static void judge(const struct row *row)
{
	char port[8];
	int status = 0, err;
	pid_t pid = play(row, port);
	struct tcp_way w = { .host = "127.0.0.1",
			     .port = port,
			     .hdgst = row->dgst & TCP_HDGST_ON,
			     .ddgst = row->dgst & TCP_DDGST_ON,
			     .hpda = 4,
			     .maxr2t = 1,
			     .timeout_ns = row->err == -ETIMEDOUT ? TIMEOUT_NS : PATIENCE_NS };
	uint64_t begun = clock_mono_ns();
	struct tcp_queue q;
	struct cqe e = { 0 };

	err = tcp_queue_open(&q, &w, 1, 32);
	if (!err)
		err = ask(&q, row, &e);
	if (row->err == -ETIMEDOUT && clock_mono_ns() - begun > LATE_NS)
		complain(row, "too late", &q, err, 0);
	tcp_queue_close(&q);
	waitpid(pid, &status, 0);
	if (err != row->err || CQE_STATUS(le16_get(e.status)) != row->status)
		complain(row, "the wrong error", &q, err, WEXITSTATUS(status));
	else if (err && !strstr(q.error, row->words))
		complain(row, "other words", &q, err, WEXITSTATUS(status));
	else if (row->answer != slow && WEXITSTATUS(status) != 64 + (int)row->fes)
		complain(row, "another end", &q, err, WEXITSTATUS(status));
	else
		CU_PASS("a row");
}

static void controllers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		judge(&rows[i]);
}

/* ---- SQHD that cannot be ---- */

/* On an I/O queue, commands in turn: one past the queue; one back, when two have been fetched. */
static const struct {
	uint16_t sqhd, want; /* as told, and as it stands in the queue in memory */
} heads[] = { { 1, 0 }, { 2, 0 }, { 1, 31 }, { 70, 70 }, { 5, 0 } };

static bool wrong_heads(struct fake *f, const union tcp_header *h)
{
	if (h->ch.type == TCP_CMD)
		put_cqe(f, cid_of(h), heads[f->commands - 1].sqhd, SC_SUCCESS);
	return h->ch.type == TCP_CMD;
}

static void told_as_it_is(void)
{
	const struct row row = { .name = "SQHD", .answer = wrong_heads };
	char port[8];
	pid_t pid = play(&row, port);
	struct tcp_way w = {
		.host = "127.0.0.1", .port = port, .hpda = 4, .maxr2t = 1, .timeout_ns = PATIENCE_NS
	};
	struct sqe flush = { .opcode = nvme_cmd_flush };
	struct tcp_queue q;
	struct cqe e = { 0 };

	CU_ASSERT_FATAL(!tcp_queue_open(&q, &w, 1, 32));
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++) {
		CU_ASSERT_EQUAL(tcp_queue_exec(&q, &flush, NULL, 0, &e), 0);
		CU_ASSERT_EQUAL(le16_get(e.sqhd), heads[i].want);
	}
	tcp_queue_close(&q);
	waitpid(pid, NULL, 0);
}

/* ---- a step that fails while a command has the caller's memory ---- */

/* Time may pass once, and Identify is never answered. */
static bool stops_time(struct fake *f, const union tcp_header *h)
{
	bool again = f->commands > 2;

	if (h->ch.type != TCP_CMD)
		return false;
	if (h->cmd.sqe.opcode == FABRICS_OPCODE)
		put_cqe(f, cid_of(h), (uint16_t)f->commands, again ? SC_INVALID_FIELD : SC_SUCCESS);
	return true;
}

static void hangs_up(void)
{
	const struct row row = { .name = "a step", .answer = stops_time };
	struct tcp_host *h = calloc(1, sizeof(*h));
	struct target voice = { 0 };
	char port[8], address[64];
	pid_t pid = play(&row, port);
	int status = 0;

	CU_ASSERT_FATAL(h != NULL);
	snprintf(address, sizeof(address), "127.0.0.1:%s/nqn.a:b?clock=step,kato=0", port);
	CU_ASSERT_FATAL(!tcp_address_parse(&voice, address, &h->a));
	CU_ASSERT_EQUAL_FATAL(tcp_host_connect(h), 0);
	CU_ASSERT_EQUAL(tcp_host_find_capsule(h), -ENOTSUP);
	CU_ASSERT(strstr(h->error, "clock=step") != NULL);
	CU_ASSERT(!h->connected);
	waitpid(pid, &status, 0);
	CU_ASSERT_EQUAL(WEXITSTATUS(status), 64);
	tcp_host_hang_up(h);
	free(h);
}

/* ---- none there ---- */

static void nobody(void)
{
	char port[8], address[64], error[256] = "";
	struct target *t = NULL;

	close(listen_somewhere(port));
	snprintf(address, sizeof(address), "tcp:127.0.0.1:%s/nqn.a:b", port);
	CU_ASSERT_EQUAL(target_open(address, &t, error), -ECONNREFUSED);
	CU_ASSERT(strstr(error, "is there an NVMe/TCP target?") != NULL);
	CU_ASSERT_EQUAL(target_open("tcp:no-such-host.invalid:4420/nqn.a:b", &t, error),
			-EHOSTUNREACH);
	CU_ASSERT(strstr(error, "no-such-host.invalid") != NULL);
	CU_ASSERT_EQUAL(target_open("tcp:[::1/nqn.a:b", &t, error), -EINVAL);
	CU_ASSERT(t == NULL);
}

static const struct unit units[] = {
	{ "controllers", controllers },
	{ "told_as_it_is", told_as_it_is },
	{ "hangs_up", hangs_up },
	{ "nobody", nobody },
};

int main(void)
{
	return unit_main("tcp_host", units, ARRAY_SIZE(units));
}
