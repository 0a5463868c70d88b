// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: clients that come and go, and one too many. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "talk.h"

#define POISON	0x5a
#define PAGE	4096u
#define READS	16u
#define SOON_NS (50 * NS_PER_MS)
#define LOOKS	500u /* accesses of the next client: more than what a command in flight may take */

static const char hello[] = "{\"capabilities\":{\"max_msg_fds\":8}}";

/* ---- gone in the middle of its work ---- */

struct flight {
	struct buf *data;
	uint8_t *cq; /* as the new client finds it */
	struct sq *q;
	size_t cq_bytes;
};

static void take_off(struct rig *r, struct flight *f)
{
	const struct facts_ns *ns = rig_ns(r);

	f->q = rig_queue(r);
	f->data = rig_buf(r, READS * PAGE);
	for (unsigned i = 0; i < READS && i + 1 < f->q->size; i++) {
		struct cmd c = cmd_read(ns->nsid, 0, 1, NULL, ns->lba_bytes);

		rig_prp(r, &c, f->data, (size_t)i * PAGE, ns->lba_bytes);
		rig_put(r, f->q, c);
	}
	rig_ring(r, f->q);
}

/* What the gone client's device wrote until it was noticed is over now. */
static void mark(struct rig *r, struct flight *f)
{
	memset(f->data->data, POISON, f->data->len);
	f->cq_bytes = (size_t)f->q->cq->size * 16;
	f->cq = rig_mem(r, f->cq_bytes);
	memcpy(f->cq, cq_slot(f->q->cq, 0), f->cq_bytes);
}

static void check_marks(struct rig *r, const struct flight *f, const char *when)
{
	uint8_t *want = rig_mem(r, f->data->len);
	char what[96];

	memset(want, POISON, f->data->len);
	snprintf(what, sizeof(what), "buffers of the gone client's reads, %s", when);
	CHECK_MEM(r, what, f->data->data, want, f->data->len);
}

static void look_around(struct rig *r, int sock)
{
	struct vu_access a = { REG_VS, 0, 4 };
	struct talk look = { .command = VU_REGION_READ, .data = &a, .len = sizeof(a) };
	struct vu_msg *m;

	for (unsigned i = 0; i < LOOKS; i++)
		if (talk_on(r, sock, &look, &m, TALK_NS))
			rig_fail(r, "the next client's register reads are not answered");
}

static void gone_writes_nothing(struct rig *r)
{
	struct flight f;
	struct vu_msg *m;
	int sock;

	if (rig_ns(r)->lba_bytes > PAGE)
		rig_na(r, "blocks of %u bytes", rig_ns(r)->lba_bytes);
	take_off(r, &f);
	talk_drop(r);
	sock = talk_dial(r);
	if (talk_version(r, sock, VU_MAJOR, VU_MINOR, hello, sizeof(hello), &m, TALK_NS) ||
	    talk_failed(m))
		rig_fail(r, "the next client is not served");
	mark(r, &f);
	look_around(r, sock);
	check_marks(r, &f, "with the next client");
	CHECK_MEM(r, "the gone client's completion queue", cq_slot(f.q->cq, 0), f.cq, f.cq_bytes);
	talk_hang_up(r, sock);
	talk_renew(r);
	check_marks(r, &f, "after the one that followed");
	talk_check_alive(r);
}

static void close_event(void *arg)
{
	close(*(int *)arg);
}

static void gone_events(struct rig *r)
{
	int *fd = rig_mem(r, sizeof(*fd));
	uint64_t n = 0;

	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		rig_broken(r, "no eventfd");
	rig_defer(r, close_event, fd);
	REQUIRE_TRUE(r,
		     !talk_failed(talk_set_irqs(r, VU_SET_EVENTFD | VU_SET_TRIGGER, 0, 1, fd, 1)),
		     "vector 0 can be given an eventfd");
	talk_drop(r);
	talk_renew(r);
	talk_set_irqs(r, VU_SET_NONE | VU_SET_TRIGGER, 0, 1, NULL, 0);
	if (read(*fd, &n, sizeof(n)) < 0)
		n = 0;
	CHECK_EQ(r, "the gone client's eventfd, when the next client fires the vector", n, 0);
	talk_check_usable(r);
}

/* Each with some maps that it never takes back. */
static void comes_and_goes(struct rig *r)
{
	struct talk_memory *m = talk_memory(r);

	m->map.size = PAGE;
	for (uint64_t i = rig_pick(r, 40, 200, 1000); i; i--) {
		m->map.address = rig_target(r)->caps.hole;
		for (unsigned k = 0; k < 8; k++, m->map.address += PAGE)
			CHECK_DONE(r, "a map of a page", talk_map(r, m, true));
		talk_drop(r);
		talk_renew(r);
	}
	talk_check_usable(r);
	talk_check_alive(r);
}

/* ---- one too many ---- */

static void read_and_judge(struct rig *r)
{
	const struct facts_ns *ns = rig_ns(r);
	void *data = rig_mem(r, ns->lba_bytes);

	CHECK_STATUS(r, rig_io(r, rig_queue(r), cmd_read(ns->nsid, 0, 1, data, ns->lba_bytes)),
		     SC_SUCCESS);
	CHECK_EQ(r, "CC.EN of the first client's controller", rig_reg32(r, REG_CC) & CC_EN, CC_EN);
	CHECK_EQ(r, "CSTS.CFS of the first client's controller", rig_reg32(r, REG_CSTS) & CSTS_CFS,
		 0);
}

/* It may be refused, let wait, or served as well. */
static void second_client(struct rig *r)
{
	const struct target_ops *ops = rig_target(r)->ops;
	struct vu_msg *m;
	int sock;

	read_and_judge(r);
	if (ops->session->dial(rig_target(r), &sock)) {
		rig_note(r, "a second connection is refused: %s", rig_target(r)->error);
	} else {
		if (talk_version(r, sock, VU_MAJOR, VU_MINOR, hello, sizeof(hello), &m, SOON_NS))
			rig_note(r, "a second client is not answered while there is a first");
		read_and_judge(r);
		close(sock);
	}
	read_and_judge(r);
	talk_check_usable(r);
}

/* ---- DEVICE_RESET ---- */

#define CFG_COMMAND 0x04u
#define CFG_BARS    0x10u

/* What firmware set up in the header, which a reset may take away. */
struct header {
	uint32_t command, bar[6];
};

static struct header header_save(struct rig *r)
{
	struct header h = { .command = rig_cfg(r, CFG_COMMAND, 16) };

	for (unsigned i = 0; i < 6; i++)
		h.bar[i] = rig_cfg(r, CFG_BARS + 4 * i, 32);
	return h;
}

static void header_restore(struct rig *r, const struct header *h)
{
	for (unsigned i = 0; i < 6; i++)
		rig_set_cfg(r, CFG_BARS + 4 * i, 32, h->bar[i]);
	rig_set_cfg(r, CFG_COMMAND, 16, h->command);
}

static void device_reset(struct rig *r)
{
	const struct vu_msg *m;
	struct header h;

	if (!(talk_info(r).flags & VU_DEVICE_CAN_RESET))
		rig_na(r, "DEVICE_GET_INFO claims no reset");
	rig_ctrl(r);
	h = header_save(r);
	m = talk_ask(r, VU_DEVICE_RESET, NULL, 0);
	CHECK_DONE(r, "DEVICE_RESET", m);
	CHECK_EQ(r, "bytes behind the header of its reply", m->len, 0);
	talk_check_usable(r);
	header_restore(r, &h);
	ADVISE_EQ(r, "CC.EN after DEVICE_RESET", rig_reg32(r, REG_CC) & CC_EN, 0);
	talk_drop(r); /* what else was set up is gone: begin as a new client does */
	talk_renew(r);
	talk_check_alive(r);
}

static const struct rig_case cases[] = {
	{ .id = "gone-writes-nothing",
	  .rule = "A client that left with commands in flight finds no byte written after another "
		  "one was served.",
	  .ref = TALK_REF "Client Disconnection",
	  .needs = TALK_NEEDS,
	  .fault = "gone-client-goes-on",
	  .level = SHOULD,
	  .run = gone_writes_nothing },
	{ .id = "gone-events",
	  .rule = "The eventfds of a client that left are closed.",
	  .ref = TALK_REF "Client Disconnection",
	  .needs = TALK_NEEDS | NEED_IRQ,
	  .level = SHOULD,
	  .fault = "gone-client-events-stay",
	  .run = gone_events },
	{ .id = "comes-and-goes",
	  .rule = "Every new client is served like the first; nothing is left of those that are "
		  "gone.",
	  .ref = TALK_REF "Client Disconnection; Security Considerations",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "gone-client-maps-leak",
	  .run = comes_and_goes,
	  .deadline_s = 120 },
	{ .id = "second-client",
	  .rule = "A second connection does the client that is served no harm.",
	  .ref = TALK_REF "Socket; Base 2.2 Controller Level Reset",
	  .needs = TALK_NEEDS,
	  .fault = "second-client-resets",
	  .run = second_client },
	{ .id = "device-reset",
	  .rule = "DEVICE_RESET is answered without payload and leaves a device that comes up "
		  "again.",
	  .ref = TALK_REF "VFIO_USER_DEVICE_RESET",
	  .needs = TALK_NEEDS | NEED_CONFIG,
	  .harm = HARM_DATA,
	  .fault = "reset-ignored reset-with-payload",
	  .run = device_reset },
};

SUITE(vfiouser_client_suite, CONFORMANCE, "vfiouser", cases);
