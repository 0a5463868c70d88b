// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The discovery service at the address: which subsystem is there. Source: Base 2.2 Discovery
 * Controller, Discovery Log Page.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "spec/status.h"
#include "target/tcp_host.h"

#define RECORDS_MAX 256u
#define READY_MS    5000u

static int command(struct tcp_host *h, struct tcp_queue *q, const struct sqe *e, void *data,
		   size_t len, struct cqe *ret)
{
	int err = tcp_queue_exec(q, e, data, len, ret);

	if (!err && CQE_STATUS(le16_get(ret->status))) {
		char text[STATUS_TEXT];

		snprintf(h->error, sizeof(h->error),
			 "the discovery service refuses opcode %02Xh: %s", e->opcode,
			 status_text(CQE_STATUS(le16_get(ret->status)), text));
		return -EIO;
	}
	if (err)
		snprintf(h->error, sizeof(h->error), "the discovery service: %s", q->error);
	return err;
}

static int enable(struct tcp_host *h, struct tcp_queue *q)
{
	struct sqe set = fabrics_property_set(REG_CC, 32, CC_IOSQES(6) | CC_IOCQES(4) | CC_EN);
	struct sqe get = fabrics_property_get(REG_CSTS, 32);
	uint64_t deadline = clock_mono_ns() + READY_MS * NS_PER_MS;
	struct cqe c;
	int err = command(h, q, &set, NULL, 0, &c);

	while (!err) {
		err = command(h, q, &get, NULL, 0, &c);
		if (err || le32_get(c.dw0) & CSTS_RDY)
			return err;
		if (clock_mono_ns() > deadline) {
			snprintf(h->error, sizeof(h->error),
				 "the discovery controller does not become ready");
			return -ETIMEDOUT;
		}
	}
	return err;
}

static int read_log(struct tcp_host *h, struct tcp_queue *q, void *to, size_t len)
{
	uint32_t dwords_z = (uint32_t)(len / 4 - 1);
	struct sqe e = { .opcode = nvme_admin_get_log_page,
			 .cdw10 = le32_from((dwords_z & 0xffff) << 16 | DISCOVERY_LID),
			 .cdw11 = le32_from(dwords_z >> 16) };
	struct cqe c;

	return command(h, q, &e, to, len, &c);
}

/* The one there is; of several each is named, as far as there is room. */
static int choose(struct tcp_host *h, const uint8_t *log, uint64_t n)
{
	const struct discovery_entry *e = (const void *)(log + DISCOVERY_HEADER);
	char names[200] = "";
	size_t used = 0;
	unsigned found = 0;

	for (uint64_t i = 0; i < n; i++, e++) {
		size_t len = strnlen(e->subnqn, NQN_MAX);

		if (e->subtype != 2 || e->trtype != 3 || !len)
			continue;
		if (found && !strncmp(h->a.nqn, e->subnqn, NQN_MAX))
			continue; /* by another address */
		if (!found++) {
			memset(h->a.nqn, 0, sizeof(h->a.nqn));
			memcpy(h->a.nqn, e->subnqn, len);
		}
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%.*s",
						 used ? ", " : "", (int)len, e->subnqn);
	}
	if (found == 1)
		return 0;
	snprintf(h->error, sizeof(h->error), "the discovery service knows %u subsystems%s%.150s%s",
		 found, found ? "; name one of " : "", names, found ? "" : " over TCP");
	return -EINVAL;
}

static int ask(struct tcp_host *h, struct tcp_queue *q)
{
	uint8_t *log = calloc(1, DISCOVERY_HEADER + RECORDS_MAX * DISCOVERY_ENTRY);
	uint64_t n;
	int err = log ? read_log(h, q, log, DISCOVERY_HEADER) : -ENOMEM;

	n = err ? 0 : le64_get(((struct discovery_header *)log)->numrec);
	n = n < RECORDS_MAX ? n : RECORDS_MAX;
	if (!err && n)
		err = read_log(h, q, log, DISCOVERY_HEADER + n * DISCOVERY_ENTRY);
	if (!err)
		err = choose(h, log, n);
	free(log);
	return err;
}

int tcp_discover(struct tcp_host *h)
{
	struct tcp_way w = tcp_host_way(h);
	struct tcp_queue q;
	struct connect c = { .sqsize_z = TCP_ADMIN_ENTRIES - 1 };
	struct cqe e;
	int err = tcp_queue_open(&q, &w, 0, TCP_ADMIN_ENTRIES);

	memcpy(h->a.nqn, DISCOVERY_NQN, sizeof(DISCOVERY_NQN));
	if (err)
		snprintf(h->error, sizeof(h->error), "%s", q.error);
	if (!err)
		err = tcp_host_send_connect(h, &q, &c, &e);
	if (!err && CQE_STATUS(le16_get(e.status))) {
		snprintf(h->error, sizeof(h->error),
			 "no discovery service answers there; write HOST:PORT/NQN");
		err = -ECONNREFUSED;
	}
	if (!err)
		err = enable(h, &q);
	if (!err)
		err = ask(h, &q);
	tcp_queue_close(&q);
	return err;
}
