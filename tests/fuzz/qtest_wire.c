// SPDX-License-Identifier: GPL-2.0-or-later
/* QEMU's qtest protocol: the bytes that come back, whatever we ask. */
#include <errno.h>

#include "base/clock.h"
#include "target/qtest_wire.h"
#include "tests/fuzz/fake.h"
#include "tests/fuzz/fuzz.h"

#define ASKED 40u

static struct input left;

/* Bytes come a few at a time, as they are waited for, and then the end, or silence. */
static bool more(void *ctx)
{
	size_t n = 1 + take8(&left);
	const uint8_t *bytes = take(&left, n, &n);

	(void)ctx;
	fake_put(bytes, n);
	if (!n)
		fake_hang_up();
	return true;
}

static void sent(void *ctx, const uint8_t *bytes, size_t len)
{
	(void)ctx;
	MUST(len && len <= WIRE_LINE && bytes[len - 1] == '\n');
}

static void check(struct wire *w, int err)
{
	MUST(memchr(w->error, 0, sizeof(w->error)) && w->have <= WIRE_LINE);
	MUST(err == 0 || err == -EPROTO || err == -ENODEV || err == -ETIMEDOUT);
	MUST(!err || w->error[0]);
	MUST(!w->broken || err);
}

static void use(struct wire *w, uint8_t order)
{
	for (unsigned i = 0; i < ASKED; i++) {
		uint64_t v = 0;

		if (order >> i % 8 & 1)
			check(w, wire_post(w, "writel 0x%x 0x0", i));
		else
			check(w, wire_ask(w, &v, "readl 0x%x", i));
	}
	wire_peer(w);
	check(w, wire_flush(w));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fake_ops ops = { .sent = sent, .more = more };
	struct wire w = { .timeout_ns = NS_PER_S };
	uint8_t order;

	left = (struct input){ data, size };
	order = take8(&left);
	fake_begin(&ops, NULL);
	fake_chunk(take8(&left));
	w.fd = dup(STDERR_FILENO);
	use(&w, order);
	wire_close(&w);
	fake_end();
	return 0;
}
