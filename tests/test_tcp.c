// SPDX-License-Identifier: GPL-2.0-or-later
/* The bytes of NVMe/TCP: PDUs over a socket, whole, in pieces, bent. */
#include <errno.h>
#include <sys/socket.h>

#include "tcp/link.h"
#include "unit.h"

static struct tcp_link host, ctrl;

static void open_both(bool hdgst, bool ddgst, unsigned align)
{
	int pair[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_link_open(&host, pair[0], false, 65536), 0);
	CU_ASSERT_EQUAL_FATAL(tcp_link_open(&ctrl, pair[1], true, 65536), 0);
	tcp_link_agree(&host, hdgst, ddgst, align);
	tcp_link_agree(&ctrl, hdgst, ddgst, 4);
	ctrl.rules.align = align;
}

static void close_both(void)
{
	tcp_link_close(&host);
	tcp_link_close(&ctrl);
}

static union tcp_header command(void)
{
	union tcp_header h = { .cmd.sqe = { .opcode = 1, .cid = le16_from(7) } };

	h.ch.type = TCP_CMD;
	return h;
}

/* Every byte apart: nothing comes before the last, and then all of it. */
static void pieces(void)
{
	static const char data[64] = "sixty-four bytes";
	uint8_t bytes[512];
	struct tcp_pdu pdu;

	for (unsigned way = 0; way < 8; way++) {
		union tcp_header h = command();
		size_t n;

		open_both(way & 1, way & 2, way & 4 ? 64 : 4);
		n = tcp_link_build(&host, &h, data, sizeof(data), bytes);
		for (size_t i = 0; i < n; i++) {
			CU_ASSERT_EQUAL(tcp_link_next(&ctrl, &pdu), 0);
			CU_ASSERT_EQUAL(send(host.fd, bytes + i, 1, 0), 1);
		}
		CU_ASSERT_EQUAL_FATAL(tcp_link_next(&ctrl, &pdu), 1);
		CU_ASSERT(pdu.len == sizeof(data) && !memcmp(pdu.data, data, sizeof(data)));
		CU_ASSERT(!pdu.bad_data && le16_get(pdu.h->cmd.sqe.cid) == 7);
		close_both();
	}
}

/* One byte changed, wherever: with both digests nothing passes for what it is not. */
static void bent(void)
{
	static const char data[64] = "sixty-four bytes";
	uint8_t bytes[512];

	for (size_t i = 0; i < 72 + 4 + 64 + 4; i++) {
		union tcp_header h = command();
		struct tcp_pdu pdu;
		size_t n;
		int got;

		open_both(true, true, 4);
		n = tcp_link_build(&host, &h, data, sizeof(data), bytes);
		CU_ASSERT_EQUAL(n, 72 + 4 + 64 + 4);
		bytes[i] ^= 0x10;
		CU_ASSERT_EQUAL(send(host.fd, bytes, n, 0), (ssize_t)n);
		got = tcp_link_next(&ctrl, &pdu);
		CU_ASSERT(got < 0 || (got == 1 && pdu.bad_data) || (got == 0 && i < 8));
		close_both();
	}
}

/* Random headers and lengths: an answer every time, and never more taken than the limit. */
static void noise(void)
{
	uint64_t state = 20261127;

	for (unsigned round = 0; round < 20000; round++) {
		uint8_t bytes[160];
		struct tcp_pdu pdu;
		int got;

		open_both(round & 1, round & 2, 4);
		ctrl.rules.connected = round & 4;
		for (size_t i = 0; i < sizeof(bytes); i++) {
			state = state * 6364136223846793005ull + 1442695040888963407ull;
			bytes[i] = (uint8_t)(state >> 40);
		}
		bytes[0] &= 0x0f;
		if (round & 8)
			le32_put(bytes + 4, bytes[4]);
		CU_ASSERT_EQUAL(send(host.fd, bytes, sizeof(bytes), 0), sizeof(bytes));
		got = tcp_link_next(&ctrl, &pdu);
		CU_ASSERT(got == 0 || got == 1 || got == -EPROTO || got == -ESHUTDOWN);
		CU_ASSERT(ctrl.in_room <= 65536);
		close_both();
	}
}

static const struct unit units[] = {
	{ "pieces", pieces },
	{ "bent", bent },
	{ "noise", noise },
};

int main(void)
{
	return unit_main("tcp", units, ARRAY_SIZE(units));
}
