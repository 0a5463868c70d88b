// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfio-user: a hostile server before our client, from VERSION to the last command of closing.
 *
 * Input: how the server goes on when the input is used up, a byte that it then answers reads with,
 * which address we open; then, as they are needed, a byte that says how a command is answered with
 * what belongs to it, and a byte that says what the client does next.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "target/target.h"
#include "tests/fuzz/fake.h"
#include "tests/fuzz/fuzz.h"
#include "vfio_user/proto.h"

#define SHARED	     (64u * 1024) /* bytes of the descriptor that comes with a region */
#define MESSAGES_MAX 200000u	  /* of one session: more is a loop */
#define OPS_MAX	     64u
#define ROOM	     8192u

enum end { HANGS_UP, IS_SILENT, IS_GOOD, STANDS_STILL };

static struct session {
	struct input in;
	enum end end;
	uint8_t fill;
	uint64_t clock_ns;
	unsigned messages;
	int shared;
	uint8_t reply[ROOM];
	size_t n;
} s = { .shared = -1 };

/* ---- answers as they should be ---- */

static uint8_t next8(void)
{
	return s.in.left ? take8(&s.in) : s.fill;
}

static void add(const void *bytes, size_t n)
{
	if (s.n + n > ROOM)
		return;
	memcpy(s.reply + s.n, bytes, n);
	s.n += n;
}

static void add_fill(size_t n)
{
	for (size_t i = 0; i < n && s.n < ROOM; i++)
		s.reply[s.n++] = next8();
}

static void good_version(void)
{
	uint8_t b = next8();
	struct vu_version v = { .major = VU_MAJOR,
				.minor = VU_MINOR,
				.fds_max = b >> 2,
				.data_max = VU_DATA_MAX,
				.twin = b & 0x80,
				.step = b & 1,
				.power = b & 2 };
	char text[256];

	if (v.twin)
		fake_put_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
	add(text, vu_version_format(&v, text, sizeof(text)));
}

static void good_info(void)
{
	static const struct vu_info info = { sizeof(info), VU_DEVICE_PCI, VU_REGIONS, VU_IRQS };

	add(&info, sizeof(info));
}

/* Three pages of BAR 0 and more: all of it may be mapped, a piece, or nothing. */
static void good_region(const uint8_t *asked)
{
	struct {
		uint16_t id, version;
		uint32_t next, n, reserved;
		struct vu_area area[2];
	} sparse = { VU_CAP_SPARSE, 1, 0, 2, 0, { { 0x1000, 0x1000 }, { 0x3000, 0x1000 } } };
	struct vu_region r;
	uint8_t b = next8();

	memcpy(&r, asked, sizeof(r));
	r.flags = VU_REGION_READABLE | VU_REGION_WRITABLE;
	r.size = r.index && r.index != VU_REGION_CONFIG && !(b & 15) ? 0 : 0x1000ull << (b & 7);
	r.cap_offset = 0;
	r.offset = 0;
	if (b & 0x10)
		r.flags |= VU_REGION_MAPPABLE;
	if (b & 0x20) {
		r.flags |= VU_REGION_CAPS;
		r.cap_offset = sizeof(r);
		sparse.area[1].offset = (uint64_t)next8() << 10;
	}
	add(&r, sizeof(r));
	if (b & 0x20)
		add(&sparse, sizeof(sparse));
	if (b & 0x10)
		fake_put_fd(dup(s.shared));
}

static void good_irq(void)
{
	uint32_t count = (uint32_t)next8() << (next8() & 7);
	struct vu_irq irq = { sizeof(irq), VU_IRQ_EVENTFD, VU_IRQ_MSIX, count };

	add(&irq, sizeof(irq));
}

static void good_relax(const uint8_t *asked)
{
	uint64_t ns, how = s.in.left ? take8(&s.in) : 0;

	memcpy(&ns, asked, sizeof(ns));
	if (s.in.left || s.end != STANDS_STILL)
		s.clock_ns += how ? how << 10 : 64 * ns;
	add(&s.clock_ns, sizeof(s.clock_ns));
}

static void good(const struct vu_header *h, const uint8_t *payload, size_t len)
{
	struct vu_access a;

	switch (h->command) {
	case VU_VERSION:
		return good_version();
	case VU_DEVICE_GET_INFO:
		return good_info();
	case VU_DEVICE_GET_REGION_INFO:
		return good_region(payload);
	case VU_DEVICE_GET_IRQ_INFO:
		return good_irq();
	case VU_REGION_READ:
		memcpy(&a, payload, sizeof(a));
		add(&a, sizeof(a));
		return add_fill(a.count);
	case VU_REGION_WRITE:
		return add(payload, sizeof(a));
	case VU_DMA_UNMAP:
		return add(payload, len);
	case VU_NVRIG_RELAX:
		return good_relax(payload);
	default:
		return;
	}
}

/* ---- and as they should not ---- */

enum answer {
	GOOD = 0, /* to 5 */
	PAYLOAD = 6,
	BYTES,
	REFUSAL,
	ASKS, /* something of its own first */
	HANG_UP,
	SILENCE,
	DESCRIPTORS,
	BENT, /* good but for one byte */
	TWICE,
	PIECES,
	ANSWERS
};

static void put(const struct vu_header *asked, uint32_t flags, uint32_t error)
{
	struct vu_header h = { asked->id, asked->command, 0, VU_REPLY | flags, error };

	h.size = (uint32_t)(sizeof(h) + s.n);
	fake_put(&h, sizeof(h));
	fake_put(s.reply, s.n);
}

static void put_bytes(void)
{
	size_t n;
	const uint8_t *bytes = take(&s.in, next8(), &n);

	fake_put(bytes, n);
}

static void ask(void)
{
	struct vu_header h = { .id = next8(), .command = next8() & 15, .flags = next8() & 0x10 };
	uint8_t bytes[256];
	size_t n = next8();

	for (size_t i = 0; i < n; i++)
		bytes[i] = next8();
	h.size = (uint32_t)(sizeof(h) + n);
	fake_put(&h, sizeof(h));
	fake_put(bytes, n);
}

static void put_descriptors(void)
{
	unsigned b = next8();

	for (unsigned i = 0; i < b >> 4; i++)
		fake_put_fd(b & 1 ? dup(s.shared) : open("/dev/null", O_RDWR | O_CLOEXEC));
}

static void answer(const struct vu_header *h, const uint8_t *payload, size_t len)
{
	enum answer how = (enum answer)(next8() % ANSWERS);

	s.n = 0;
	switch (how) {
	case PAYLOAD:
		add_fill((size_t)next8() << (next8() & 3));
		return put(h, (uint32_t)next8() << 5, 0);
	case BYTES:
		return put_bytes();
	case REFUSAL:
		return put(h, VU_ERROR, next8());
	case HANG_UP:
		return fake_hang_up();
	case SILENCE:
		return;
	case ASKS:
		ask();
		break;
	case DESCRIPTORS:
		put_descriptors();
		break;
	case PIECES:
		fake_chunk(next8());
		break;
	default:
		break;
	}
	good(h, payload, len);
	if (how == BENT && s.n)
		s.reply[(next8() | next8() << 8) % s.n] ^= next8();
	put(h, 0, 0);
	if (how == TWICE)
		put(h, 0, 0);
}

static void at_the_end(const struct vu_header *h, const uint8_t *payload, size_t len)
{
	s.n = 0;
	if (s.end == HANGS_UP)
		return fake_hang_up();
	if (s.end == IS_SILENT)
		return;
	good(h, payload, len);
	put(h, 0, 0);
}

/* Whatever we are told, what we say is a whole message, and we do not go on for ever. */
static void sent(void *ctx, const uint8_t *bytes, size_t len)
{
	struct vu_header h;

	(void)ctx;
	MUST(len >= sizeof(h));
	memcpy(&h, bytes, sizeof(h));
	MUST(h.size == len && (h.flags & VU_TYPE) <= VU_REPLY);
	MUST(s.messages++ < MESSAGES_MAX);
	if (h.flags & (VU_NO_REPLY | VU_REPLY))
		return;
	MUST(!vu_request_check(&h));
	bytes += sizeof(h);
	len -= sizeof(h);
	if (s.in.left)
		answer(&h, bytes, len);
	else
		at_the_end(&h, bytes, len);
}

/* ---- the client ---- */

static void check(struct target *t, int err)
{
	MUST(memchr(t->error, 0, sizeof(t->error)));
	MUST(err >= 0 || t->error[0]);
}

static void map_some(struct target *t)
{
	struct dma d = { .len = (size_t)next8() << (next8() & 15) };
	int err = t->ops->dma_map(t, &d);

	check(t, err);
	if (err)
		return;
	memset(d.va, 0x5a, d.len);
	t->ops->dma_unmap(t, &d);
}

static int access_something(struct target *t, unsigned op)
{
	unsigned bar = next8(), width = 8u << (bar >> 6);
	uint64_t off = next8() | (uint64_t)next8() << 8, v;
	uint32_t v32;

	switch (op) {
	case 0:
		return t->ops->reg_read(t, off, width, &v);
	case 1:
		return t->ops->reg_write(t, off, width, off);
	case 2:
		return t->ops->mem_read(t, bar & 7, off, width, &v);
	case 3:
		return t->ops->mem_write(t, bar & 7, off, width, off);
	case 4:
		return t->ops->cfg_read(t, (unsigned)off, width, &v32);
	default:
		return t->ops->cfg_write(t, (unsigned)off, width, (uint32_t)off);
	}
}

static void operate(struct target *t)
{
	unsigned op = next8() % 11;

	switch (op) {
	case 6:
		return map_some(t);
	case 7:
		return check(t, t->ops->irq_enable(t, (unsigned)next8() << (next8() & 3)));
	case 8:
		return check(t, t->ops->irq_wait(t, next8(), target_now(t) + 5 * NS_PER_MS));
	case 9:
		return check(t, t->ops->reset(t, next8() & 1 ? RESET_POWER : RESET_FLR));
	case 10:
		return check(t, t->ops->relax(t, 1ull << (next8() & 31)));
	default:
		return check(t, access_something(t, op));
	}
}

static void use(void)
{
	static const char *const addresses[] = {
		"vfio-user:/nowhere/s?mem=2Mi",
		"vfio-user:/nowhere/s?mem=2Mi,doorbells=message,timeout=100",
		"vfio-user:/nowhere/s?mem=2Mi,doorbells=mapped",
		"vfio-user:/nowhere/s?mem=2Mi,clock=real",
	};
	char error[256] = "";
	struct target *t = NULL;
	int err = target_open(addresses[next8() & 3], &t, error);

	MUST(!err == (t != NULL) && (!err || error[0]) && memchr(error, 0, sizeof(error)));
	for (unsigned i = 0; t && i < OPS_MAX && s.in.left; i++)
		operate(t);
	target_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_ops ops = { .sent = sent };
	int fd;

	if (s.shared < 0) {
		s.shared = memfd_create("fuzz", MFD_CLOEXEC);
		MUST(s.shared >= 0 && !ftruncate(s.shared, SHARED));
	}
	s.in = (struct input){ data, size };
	s.end = (enum end)(take8(&s.in) & 3);
	s.fill = take8(&s.in);
	s.messages = 0;
	s.clock_ns = 0;
	fd = lowest_fd();
	fake_begin(&ops, NULL);
	use();
	fake_end();
	MUST(lowest_fd() == fd);
	return 0;
}
