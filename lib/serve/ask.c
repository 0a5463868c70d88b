// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define ANSWER_NS (2 * NS_PER_S)  /* for one answer */
#define TURN_NS	  (10 * NS_PER_S) /* for all of a command's, so that a slow client ends */

void ask_begin(struct ask *a)
{
	a->until_ns = clock_mono_ns() + TURN_NS;
}

static int hold(struct ask *a)
{
	if (a->n_held == ASK_HELD)
		return -EPROTO;
	a->held[a->n_held++] = a->answer;
	a->answer = (struct vu_msg){ 0 };
	return 0;
}

/* The answer to what was asked; 0 or -errno of the socket or the protocol. */
static int hear(struct ask *a, int sock, uint64_t deadline)
{
	for (;;) {
		uint64_t now = clock_mono_ns();
		int err =
			vu_receive(sock, &a->answer, deadline, deadline > now ? deadline - now : 0);

		if (err)
			return err == -EAGAIN ? -ETIMEDOUT : err;
		if ((a->answer.h.flags & VU_TYPE) == VU_REPLY)
			return 0;
		err = sock == a->twin ? -EPROTO : hold(a);
		if (err)
			return err;
	}
}

/* The text gives the answer to a write a count of 32 bits. */
static bool is_answer_to(const struct vu_dma *dma, const struct vu_msg *m, bool write)
{
	size_t short_len = sizeof(dma->address) + sizeof(uint32_t);

	if (write)
		return (m->len == short_len || m->len == sizeof(*dma)) &&
		       !memcmp(m->data, dma, short_len);
	return m->len == sizeof(*dma) + dma->count && !memcmp(m->data, dma, sizeof(*dma));
}

static int exchange(struct ask *a, unsigned command, const struct vu_dma *dma, const void *from)
{
	int sock = a->twin >= 0 ? a->twin : a->sock, err;
	uint64_t deadline = clock_mono_ns() + ANSWER_NS;
	struct vu_header h = { .id = ++a->id, .command = (uint16_t)command };
	struct vu_piece piece[2] = { { dma, sizeof(*dma) }, { from, from ? dma->count : 0 } };

	deadline = deadline < a->until_ns ? deadline : a->until_ns;
	err = vu_send(sock, &h, piece, NULL, 0, deadline);
	err = err ? err : hear(a, sock, deadline);
	if (!err && (a->answer.h.id != h.id || a->answer.h.command != h.command))
		err = -EPROTO;
	if (!err && a->answer.h.flags & VU_ERROR)
		return -EFAULT;
	if (!err && !is_answer_to(dma, &a->answer, from != NULL))
		err = -EPROTO;
	a->broken = err;
	return err ? -EFAULT : 0;
}

static int in_pieces(struct ask *a, unsigned command, uint64_t addr, uint8_t *to,
		     const uint8_t *from, size_t len)
{
	size_t most = a->data_max < VU_DATA_MAX ? (size_t)a->data_max : VU_DATA_MAX;
	int err = a->broken || a->sock < 0 || !most ? -EFAULT : 0;

	for (size_t done = 0; !err && done < len;) {
		struct vu_dma dma = { addr + done, len - done < most ? len - done : most };

		err = exchange(a, command, &dma, from ? from + done : NULL);
		if (!err && to)
			memcpy(to + done, a->answer.data + sizeof(dma), dma.count);
		done += dma.count;
	}
	return err;
}

int ask_take(void *ctx, uint64_t addr, void *to, size_t len)
{
	return in_pieces(ctx, VU_DMA_READ, addr, to, NULL, len);
}

int ask_put(void *ctx, uint64_t addr, const void *from, size_t len)
{
	return in_pieces(ctx, VU_DMA_WRITE, addr, NULL, from, len);
}

bool ask_next_held(struct ask *a, struct vu_msg *m)
{
	if (!a->n_held)
		return false;
	vu_msg_free(m);
	*m = a->held[0];
	a->n_held--;
	memmove(a->held, a->held + 1, a->n_held * sizeof(a->held[0]));
	return true;
}

void ask_end(struct ask *a)
{
	for (unsigned i = 0; i < a->n_held; i++)
		vu_msg_free(&a->held[i]);
	vu_msg_free(&a->answer);
	if (a->twin >= 0)
		close(a->twin);
	*a = (struct ask){ .sock = -1, .twin = -1 };
}
