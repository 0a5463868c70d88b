// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/fault.h"
#include "spec/wire.h"

#define REST_NS	  (2 * NS_PER_S) /* for the rest of a message that has begun */
#define SEND_NS	  (2 * NS_PER_S) /* for a client that does not read its answers */
#define RELAX_MAX (1000 * NS_PER_S)

/* An answer in the making: an errno, or up to two pieces. */
struct answer {
	int error;
	struct vu_piece piece[2];
	int fd; /* that goes with it and is closed here; -1: none */
	bool hang_up;
};

static void put_piece(struct answer *a, unsigned i, const void *data, size_t len)
{
	a->piece[i] = (struct vu_piece){ data, len };
}

/* A socket of its own for what we ask, where the client knows how; without room for it there is
 * none.
 */
static void make_twin(struct client *c, struct answer *a, struct vu_version *ours)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair))
		return;
	c->ask.twin = pair[0];
	a->fd = pair[1];
	ours->twin = true;
	ours->twin_fd = 0;
}

static bool is_version(const struct client *c, struct vu_version *ret)
{
	if (vu_version_parse(c->msg.data, c->msg.len, ret) &&
	    !SERVE_FAULT(c->d, VERSION_TEXT_UNREAD))
		return false;
	if (c->msg.len == 4 && SERVE_FAULT(c->d, VERSION_TEXT_MISSED))
		return false;
	return ret->major == VU_MAJOR || SERVE_FAULT(c->d, VERSION_ANY_MAJOR);
}

static void greet(struct client *c, struct answer *a)
{
	struct vu_version theirs = { .data_max = VU_DATA_MAX }, ours = { .minor = VU_MINOR,
									 .fds_max = VU_FDS_MAX,
									 .data_max = VU_DATA_MAX,
									 .step = c->offer_step,
									 .power = true };
	size_t n;

	if (c->greeted || !is_version(c, &theirs)) {
		a->error = EINVAL;
		a->hang_up = true;
		return;
	}
	if (theirs.minor < VU_MINOR && !SERVE_FAULT(c->d, VERSION_MINOR_ABOVE))
		ours.minor = theirs.minor;
	c->step = c->offer_step && theirs.step;
	c->greeted = true;
	c->ask.data_max = theirs.data_max;
	if (theirs.twin || SERVE_FAULT(c->d, TWIN_UNASKED))
		make_twin(c, a, &ours);
	if (ours.twin && !theirs.minor && SERVE_FAULT(c->d, TWIN_WITHOUT_DESCRIPTOR)) {
		close(a->fd);
		a->fd = -1;
	}
	n = vu_version_format(&ours, c->out, VU_DATA_MAX);
	put_piece(a, 0, c->out, n);
}

/* Is the length that the client names too short for what is fixed of its structure? */
static bool is_short(const struct client *c, uint32_t argsz, size_t fixed)
{
	return argsz < fixed && !SERVE_FAULT(c->d, ARGSZ_UNREAD);
}

static void dma_map(struct client *c, struct answer *a)
{
	struct vu_map map;

	memcpy(&map, c->msg.data, sizeof(map));
	if (c->msg.fds > 1 || is_short(c, map.argsz, sizeof(map)))
		a->error = EINVAL;
	else
		a->error = device_map(c->d, &map, vu_msg_take_fd(&c->msg, 0));
}

static void dma_unmap(struct client *c, struct answer *a)
{
	struct vu_unmap unmap;

	memcpy(&unmap, c->msg.data, sizeof(unmap));
	a->error = is_short(c, unmap.argsz, sizeof(unmap)) ? EINVAL : device_unmap(c->d, &unmap);
	if (!SERVE_FAULT(c->d, UNMAP_ANSWER_EMPTY))
		put_piece(a, 0, c->msg.data, sizeof(unmap));
}

static void tell_info(struct client *c, struct answer *a)
{
	struct vu_info info;

	memcpy(&info, c->msg.data, sizeof(info));
	a->error = is_short(c, info.argsz, sizeof(info)) ? EINVAL : 0;
	info = (struct vu_info){ .argsz = sizeof(info),
				 .flags = VU_DEVICE_CAN_RESET | VU_DEVICE_PCI,
				 .regions = VU_REGIONS,
				 .irqs = VU_IRQS };
	memcpy(c->msg.data, &info, sizeof(info));
	put_piece(a, 0, c->msg.data, sizeof(info));
}

/* The area and its descriptor, for a client that has room for both; else how much room that is. */
static void tell_area(struct client *c, struct answer *a, struct vu_region *r, uint32_t room)
{
	const struct doorbells *b = &c->d->doorbells;
	struct vu_sparse cap = {
		.id = VU_CAP_SPARSE, .version = 1, .areas = 1, .area = b->area
	};

	r->flags |= VU_REGION_MAPPABLE | VU_REGION_CAPS;
	r->argsz = sizeof(*r) + sizeof(cap);
	if (room < r->argsz)
		return;
	r->cap_offset = sizeof(*r);
	memcpy(c->out, &cap, sizeof(cap));
	put_piece(a, 1, c->out, sizeof(cap));
	a->fd = fcntl(b->fd, F_DUPFD_CLOEXEC, 0);
	if (a->fd < 0)
		a->error = errno;
}

static void tell_region(struct client *c, struct answer *a)
{
	struct vu_region r;
	uint32_t room;

	memcpy(&r, c->msg.data, sizeof(r));
	if (is_short(c, r.argsz, sizeof(r)) ||
	    (r.index >= VU_REGIONS && !SERVE_FAULT(c->d, INDEX_UNBOUNDED))) {
		a->error = EINVAL;
		return;
	}
	room = r.argsz;
	if (r.argsz == sizeof(r) && SERVE_FAULT(c->d, REGION_INFO_OVERRUN))
		put_piece(a, 1, c->out, 16);
	r = (struct vu_region){ .argsz = sizeof(r),
				.index = r.index,
				.size = device_region_size(c->d, r.index) };
	r.flags = r.size ? VU_REGION_READABLE | VU_REGION_WRITABLE : 0;
	if (r.index == 0 && c->d->doorbells.va)
		tell_area(c, a, &r, room);
	memcpy(c->msg.data, &r, sizeof(r));
	put_piece(a, 0, c->msg.data, sizeof(r));
}

static void tell_irq(struct client *c, struct answer *a)
{
	struct vu_irq irq;

	memcpy(&irq, c->msg.data, sizeof(irq));
	if (is_short(c, irq.argsz, sizeof(irq)) ||
	    (irq.index >= VU_IRQS && !SERVE_FAULT(c->d, INDEX_UNBOUNDED))) {
		a->error = EINVAL;
		return;
	}
	irq = (struct vu_irq){
		.argsz = sizeof(irq),
		.flags = VU_IRQ_EVENTFD |
			 (irq.index == VU_IRQ_INTX ? VU_IRQ_MASKABLE | VU_IRQ_AUTOMASKED : 0u),
		.index = irq.index,
		.count = device_irq_count(c->d, irq.index)
	};
	memcpy(c->msg.data, &irq, sizeof(irq));
	put_piece(a, 0, c->msg.data, sizeof(irq));
}

static void set_irqs(struct client *c, struct answer *a)
{
	struct vu_set_irqs set;

	memcpy(&set, c->msg.data, sizeof(set));
	a->error = is_short(c, set.argsz, sizeof(set)) ? EINVAL : 0;
	if (!a->error)
		a->error = device_set_irqs(c->d, &set, c->msg.data + sizeof(set),
					   c->msg.len - sizeof(set), c->msg.fd, c->msg.fds);
}

static void region_read(struct client *c, struct answer *a)
{
	struct vu_access access;

	memcpy(&access, c->msg.data, sizeof(access));
	if (access.count == 3 && SERVE_FAULT(c->d, ODD_READ_ROUNDED))
		access.count = 4;
	a->error = device_read(c->d, &access, c->out);
	put_piece(a, 0, c->msg.data, sizeof(access));
	put_piece(a, 1, c->out, a->error ? 0 : access.count);
}

static void region_write(struct client *c, struct answer *a)
{
	struct vu_access access;

	memcpy(&access, c->msg.data, sizeof(access));
	if (c->msg.len - sizeof(access) != access.count && !SERVE_FAULT(c->d, WRITE_COUNT_UNREAD))
		a->error = EINVAL;
	else if (c->msg.len - sizeof(access) >= access.count)
		a->error = device_write(c->d, &access, c->msg.data + sizeof(access));
	put_piece(a, 0, c->msg.data, sizeof(access));
}

/* Answers with how late it is now; the model may stop early, when something has happened. */
static void relax(struct client *c, struct answer *a)
{
	uint64_t ns, ignored;

	if (!c->step) {
		a->error = ENOTSUP;
		return;
	}
	memcpy(&ns, c->msg.data, sizeof(ns));
	if (ns)
		model_relax(c->d->m, ns < RELAX_MAX ? ns : RELAX_MAX);
	/* VS, on which nothing depends, tells whether the device is still there */
	if (model_bar_read(c->d->m, REG_VS, 32, &ignored) == -ENODEV)
		a->error = ENODEV;
	ns = model_now(c->d->m);
	memcpy(c->msg.data, &ns, sizeof(ns));
	put_piece(a, 0, c->msg.data, sizeof(ns));
}

/* By fault: zeros for what a command lacks of its payload. */
static int stretch(struct client *c)
{
	struct vu_header h = c->msg.h;
	struct vu_msg *m = &c->msg;

	while (vu_request_check(&h) == EINVAL && h.size < sizeof(h) + 64)
		h.size++;
	if (vu_request_check(&h) || m->len >= h.size - sizeof(h))
		return EINVAL;
	if (m->room < 64) {
		uint8_t *grown = realloc(m->data, 64);

		if (!grown)
			return ENOMEM;
		m->data = grown;
		m->room = 64;
	}
	memset(m->data + m->len, 0, 64 - m->len);
	m->len = h.size - sizeof(h);
	return 0;
}

/* What is wrong with the message as such: 0, or the errno to answer with. */
static int message_check(struct client *c, struct answer *a)
{
	int err = vu_request_check(&c->msg.h);

	if (!c->greeted && (err || c->msg.h.command != VU_VERSION)) {
		a->hang_up = true;
		return EINVAL;
	}
	if (err == EINVAL && SERVE_FAULT(c->d, SHORT_PAYLOAD_TAKEN))
		return stretch(c);
	if (err == ENOTSUP && SERVE_FAULT(c->d, UNKNOWN_COMMAND_HANGS_UP))
		a->hang_up = true;
	return err;
}

static void dispatch(struct client *c, struct answer *a)
{
	a->error = message_check(c, a);
	if (a->error == ENOTSUP && SERVE_FAULT(c->d, UNKNOWN_COMMAND_DONE)) {
		a->error = 0;
		return;
	}
	if (a->error)
		return;
	switch (c->msg.h.command) {
	case VU_VERSION:
		return greet(c, a);
	case VU_DMA_MAP:
		return dma_map(c, a);
	case VU_DMA_UNMAP:
		return dma_unmap(c, a);
	case VU_DEVICE_GET_INFO:
		return tell_info(c, a);
	case VU_DEVICE_GET_REGION_INFO:
		return tell_region(c, a);
	case VU_DEVICE_GET_IRQ_INFO:
		return tell_irq(c, a);
	case VU_DEVICE_SET_IRQS:
		return set_irqs(c, a);
	case VU_REGION_READ:
		return region_read(c, a);
	case VU_REGION_WRITE:
		return region_write(c, a);
	case VU_NVRIG_RELAX:
		return relax(c, a);
	default:
		a->error = device_reset(c->d);
		if (SERVE_FAULT(c->d, RESET_WITH_PAYLOAD))
			put_piece(a, 0, c->out, 16);
	}
}

static int answer(struct client *c, struct answer *a)
{
	struct vu_header h = { .id = c->msg.h.id, .command = c->msg.h.command, .flags = VU_REPLY };
	uint64_t deadline = clock_mono_ns() + SEND_NS;

	if (c->msg.h.flags & VU_NO_REPLY && !SERVE_FAULT(c->d, NO_REPLY_ANSWERED))
		return 0;
	if (h.id & 0x8000 && SERVE_FAULT(c->d, REPLY_ID_CUT))
		h.id &= 0x7fff;
	if (!a->error)
		return vu_send(c->sock, &h, a->piece, &a->fd, a->fd >= 0, deadline);
	h.flags |= VU_ERROR;
	h.error = (uint32_t)a->error;
	a->piece[0] = a->piece[1] = (struct vu_piece){ 0 };
	if (SERVE_FAULT(c->d, ERROR_WITH_PAYLOAD))
		put_piece(a, 0, c->msg.data, c->msg.len);
	return vu_send(c->sock, &h, a->piece, NULL, 0, deadline);
}

static const char *reason_of(int err)
{
	switch (err) {
	case -ENODEV:
		return "hung up";
	case -EPROTO:
		return "sent what is no message";
	case -ETIMEDOUT:
		return "stopped in the middle of a message, or does not read";
	case -ENOMEM:
		return "out of memory";
	default:
		return strerror(-err);
	}
}

/* The next message, from what is held or from the socket. */
static int next_message(struct client *c)
{
	struct answer done = { .fd = -1 };
	int err = c->ask.broken;

	if (err || ask_next_held(&c->ask, &c->msg))
		return err;
	c->msg.h = (struct vu_header){ 0 };
	err = vu_receive(c->sock, &c->msg, 0, REST_NS);
	if (err == -EPROTO && c->msg.h.size < sizeof(c->msg.h) &&
	    SERVE_FAULT(c->d, BAD_SIZE_TAKEN)) {
		c->msg.h.flags = 0;
		err = answer(c, &done);
		return err ? err : -EAGAIN;
	}
	return err;
}

/* By fault: a message that wants no reply is kept until the next one is done. */
static bool put_off(struct client *c)
{
	if (!(c->msg.h.flags & VU_NO_REPLY) || c->late.h.size || !SERVE_FAULT(c->d, POSTED_LATE))
		return false;
	c->late = c->msg;
	c->msg = (struct vu_msg){ 0 };
	return true;
}

static void catch_up(struct client *c)
{
	struct answer a = { .fd = -1 };

	if (!c->late.h.size)
		return;
	vu_msg_free(&c->msg);
	c->msg = c->late;
	c->late = (struct vu_msg){ 0 };
	dispatch(c, &a);
}

static int handle(struct client *c, struct answer *a)
{
	int err;

	if ((c->msg.h.flags & VU_TYPE) != 0)
		return -EPROTO; /* a reply, and we asked nothing */
	c->messages++;
	if (put_off(c))
		return 0;
	device_look(c->d);
	dispatch(c, a);
	device_look(c->d);
	c->errors += a->error != 0;
	err = answer(c, a);
	catch_up(c);
	return err;
}

int client_step(struct client *c, const char **ret_reason)
{
	struct answer a = { .fd = -1 };
	int err = next_message(c);

	if (err == -EAGAIN)
		return 0;
	ask_begin(&c->ask);
	if (!err)
		err = handle(c, &a);
	if (a.fd >= 0)
		close(a.fd);
	vu_msg_drop_fds(&c->msg);
	*ret_reason = err ? reason_of(err) : "broke off by its version";
	if (err)
		return err;
	return a.hang_up ? -EPROTO : 1;
}

bool client_was_cut(const struct client *c)
{
	const struct vu_header none = { 0 };

	return memcmp(&c->msg.h, &none, sizeof(none)) &&
	       c->msg.len + sizeof(c->msg.h) < c->msg.h.size;
}

void client_end(struct client *c)
{
	ask_end(&c->ask);
	close(c->sock);
	c->sock = -1;
	vu_msg_free(&c->msg);
	vu_msg_free(&c->late);
}
