// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfio-user: a whole session of a hostile client with the served model, memory of its own and
 * descriptors included; behind it an honest client has to be served.
 *
 * Input: a byte that chooses the model, then records: a byte of kind and what belongs to it.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "model/model.h"
#include "serve/client.h"
#include "tests/fuzz/fake.h"
#include "tests/fuzz/fuzz.h"

#define ARENA	     (256u * 1024)
#define RECORDS_MAX  400u
#define STEPS_MAX    10000u
#define EVENTS_MAX   12u
#define RELAX_BITS   36u
#define PAYLOAD_MAX  2048u
#define COMMANDS_MAX 32u
#define SESSIONS     64u

enum record {
	MESSAGE,       /* command, flags, descriptors, payload: a header that fits */
	LYING_MESSAGE, /* the same with a size of its own */
	BYTES,	       /* whatever they are */
	MEMORY,	       /* bytes into the client's memory */
	TIME,	       /* passes */
	REGISTER,      /* a write to BAR 0, in short */
	CONFIG,	       /* to configuration space */
	PIECES,	       /* from now on the stream comes in pieces of so many bytes */
	RECORDS
};

static const char *const models[] = { "",
				      "preset=minimal",
				      "preset=tiny",
				      "preset=oldspec",
				      "preset=cmb",
				      "preset=dbbuf",
				      "preset=pi",
				      "preset=zns",
				      "preset=multi",
				      "preset=nsmgmt",
				      "preset=ana",
				      "preset=virtual" };

static struct session {
	int sealed, loose;
	uint8_t *arena; /* what is behind both */
	uint16_t id;
	uint64_t replies, errors;
	uint8_t *out;
	struct input *in; /* of the hostile one */
} s = { .sealed = -1 };

static int make_memory(unsigned flags)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC | flags);

	MUST(fd >= 0 && !ftruncate(fd, ARENA));
	return fd;
}

static void begin_once(void)
{
	if (s.sealed >= 0)
		return;
	s.sealed = make_memory(MFD_ALLOW_SEALING);
	MUST(!fcntl(s.sealed, F_ADD_SEALS, F_SEAL_SHRINK));
	s.arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED, s.sealed, 0);
	MUST(s.arena != MAP_FAILED);
	s.loose = make_memory(0);
	s.out = malloc(VU_DATA_MAX);
	MUST(s.out);
}

/* ---- what the server says ---- */

static uint8_t *arena_at(const struct vu_dma *dma)
{
	return s.arena + (dma->count < ARENA ? dma->address % (ARENA - dma->count) : 0);
}

static void give(struct vu_header *h, uint32_t flags, const void *bytes, size_t len)
{
	h->flags = VU_REPLY | flags;
	h->error = flags ? EFAULT : 0;
	h->size = (uint32_t)(sizeof(*h) + len);
	fake_put(h, sizeof(*h));
	fake_put(bytes, len);
}

/* The client's memory by message: done, refused, answered wrongly, or not at all. */
static void asked(struct vu_header h, const uint8_t *payload, size_t len)
{
	static uint8_t reply[sizeof(struct vu_dma) + ARENA];
	bool write = h.command == VU_DMA_WRITE;
	struct vu_dma dma;
	uint8_t how = take8(s.in) % 8;
	const uint8_t *bytes;

	MUST(len >= sizeof(dma) && (write || h.command == VU_DMA_READ));
	memcpy(&dma, payload, sizeof(dma));
	MUST(dma.count <= VU_DATA_MAX && len == sizeof(dma) + (write ? dma.count : 0));
	memcpy(reply, &dma, sizeof(dma));
	if (how == 5 || dma.count > ARENA)
		return give(&h, VU_ERROR, NULL, 0);
	if (how == 6) {
		bytes = take(s.in, take8(s.in), &len);
		return give(&h, 0, bytes, len);
	}
	if (how == 7)
		return;
	if (write)
		memcpy(arena_at(&dma), payload + sizeof(dma), dma.count);
	else
		memcpy(reply + sizeof(dma), arena_at(&dma), dma.count);
	give(&h, 0, reply, sizeof(dma) + (write ? 0 : dma.count));
}

/* Whatever is said is one whole message. */
static void sent(void *ctx, const uint8_t *bytes, size_t len)
{
	struct vu_header h;

	(void)ctx;
	MUST(len >= sizeof(h) && len <= VU_SIZE_MAX);
	memcpy(&h, bytes, sizeof(h));
	MUST(h.size == len && (h.flags & VU_TYPE) <= VU_REPLY && !(h.flags & VU_NO_REPLY));
	if (!(h.flags & VU_TYPE)) {
		MUST(s.in);
		return asked(h, bytes + sizeof(h), len - sizeof(h));
	}
	MUST(!(h.flags & VU_ERROR) == !h.error && (!h.error || len == sizeof(h)));
	s.replies++;
	s.errors += h.error != 0;
}

/* ---- what the client says ---- */

static unsigned command_of(unsigned byte)
{
	byte %= COMMANDS_MAX;
	return byte == COMMANDS_MAX - 1 ? VU_NVRIG_RELAX : byte;
}

static void put_fds(unsigned byte)
{
	unsigned n = byte >> 4;

	switch (byte & 7) {
	case 0:
		break;
	case 1:
		fake_put_fd(dup(s.sealed));
		break;
	case 2:
		fake_put_fd(dup(s.loose));
		break;
	case 3:
		fake_put_fd(open("/dev/null", O_RDWR | O_CLOEXEC));
		break;
	default:
		for (unsigned i = 0; i < n && i < EVENTS_MAX; i++)
			fake_put_fd(eventfd(0, EFD_CLOEXEC));
	}
}

static void put_message(unsigned command, uint32_t flags, uint32_t size, const void *payload,
			size_t len)
{
	struct vu_header h = {
		.id = ++s.id, .command = (uint16_t)command, .size = size, .flags = flags
	};

	fake_put(&h, sizeof(h));
	fake_put(payload, len);
}

static void message(struct input *in, bool lies)
{
	unsigned command = command_of(take8(in)), flags = take8(in), fds = take8(in);
	size_t want = take_le(in, 2) % PAYLOAD_MAX, len;
	uint32_t size = lies ? (uint32_t)take_le(in, 4) : 0;
	const uint8_t *payload = take(in, want, &len);

	put_fds(fds);
	put_message(command, flags & 0x3f, lies ? size : (uint32_t)(sizeof(struct vu_header) + len),
		    payload, len);
}

static void write_access(struct input *in, unsigned region, unsigned most)
{
	uint8_t bytes[sizeof(struct vu_access) + 8];
	struct vu_access a = { .region = region, .offset = take_le(in, 2) };
	uint64_t value;

	a.count = 1u << take8(in) % most;
	value = take_le(in, a.count);
	memcpy(bytes, &a, sizeof(a));
	memcpy(bytes + sizeof(a), &value, 8);
	put_message(VU_REGION_WRITE, 0, (uint32_t)(sizeof(struct vu_header) + sizeof(a) + a.count),
		    bytes, sizeof(a) + a.count);
}

static void put_record(struct client *c, struct input *in)
{
	const uint8_t *bytes;
	uint32_t at;
	size_t n;

	switch ((enum record)(take8(in) % RECORDS)) {
	case MESSAGE:
		return message(in, false);
	case LYING_MESSAGE:
		return message(in, true);
	case BYTES:
		n = take8(in);
		bytes = take(in, n, &n);
		return fake_put(bytes, n);
	case MEMORY:
		at = (uint32_t)take_le(in, 3) % ARENA;
		n = take8(in);
		bytes = take(in, n < ARENA - at ? n : ARENA - at, &n);
		memcpy(s.arena + at, bytes, n);
		return;
	case TIME:
		ask_begin(&c->ask);
		return model_relax(c->d->m, 1ull << take8(in) % RELAX_BITS);
	case REGISTER:
		return write_access(in, 0, 4);
	case CONFIG:
		return write_access(in, VU_REGION_CONFIG, 3);
	case PIECES:
	case RECORDS:
		fake_chunk(take8(in));
	}
}

/* ---- the session ---- */

/* 0, or what ended it. */
static int handle(struct client *c)
{
	const char *reason = NULL;

	for (unsigned i = 0; i < STEPS_MAX; i++) {
		int n = client_step(c, &reason);

		MUST(n >= 0 || reason);
		if (n <= 0)
			return n;
	}
	MUST(!"the stream is endless");
	return 0;
}

static void leave(struct client *c)
{
	c->d->mem.far = (struct memory_far){ 0 };
	client_end(c);
	device_leave(c->d);
	MUST(!c->d->mem.n);
	fake_end();
}

static const struct fake_ops ops = { .sent = sent };

static struct client come(struct device *d)
{
	struct client c = { .sock = dup(STDERR_FILENO),
			    .d = d,
			    .out = s.out,
			    .offer_step = true,
			    .ask = { .twin = -1 } };

	c.ask.sock = c.sock;
	fake_begin(&ops, NULL);
	s.id = 0;
	return c;
}

static void hostile(struct device *d, struct input *in)
{
	struct client c = come(d);

	s.in = in;
	d->mem.far = (struct memory_far){ ask_take, ask_put, &c.ask };
	for (unsigned i = 0; i < RECORDS_MAX && in->left; i++) {
		put_record(&c, in);
		if (handle(&c))
			break;
	}
	fake_hang_up();
	handle(&c);
	leave(&c);
	s.in = NULL;
}

static void honest(struct device *d)
{
	static const struct vu_version mine = { .minor = VU_MINOR, .fds_max = 1, .data_max = 4096 };
	static const struct vu_access a = { .offset = 8, .region = 0, .count = 4 };
	struct client c = come(d);
	uint8_t text[256];
	size_t n = vu_version_format(&mine, text, sizeof(text));

	s.replies = s.errors = 0;
	put_message(VU_VERSION, 0, (uint32_t)(sizeof(struct vu_header) + n), text, n);
	put_message(VU_REGION_READ, 0, sizeof(struct vu_header) + sizeof(a), &a, sizeof(a));
	MUST(!handle(&c));
	MUST(s.replies == 2 && !s.errors);
	client_end(&c);
	fake_end();
}

/*
 * To make a device takes longer than most sessions: like a server's it is kept from client to
 * client for a while. What comes of that and not of the last input alone: set SESSIONS to 1.
 */
static struct device *device_of(unsigned i)
{
	static struct device kept[ARRAY_SIZE(models)];
	static unsigned sessions[ARRAY_SIZE(models)];
	char error[256];

	if (sessions[i]++ % SESSIONS == 0) {
		device_close(&kept[i]);
		MUST(!device_open(&kept[i], models[i], error));
	}
	return &kept[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct device *d;
	int fd;

	begin_once();
	memset(s.arena, 0, ARENA);
	d = device_of(take8(&in) % ARRAY_SIZE(models));
	fd = lowest_fd();
	hostile(d, &in);
	MUST(lowest_fd() == fd);
	honest(d);
	MUST(lowest_fd() == fd);
	return 0;
}
