// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vu_dma.h"

#include <errno.h>
#include <string.h>

/* 0 or the errno to refuse with. */
static int check(const struct vu_window *w, const struct vu_msg *m, struct vu_dma *ret)
{
	bool write = m->h.command == VU_DMA_WRITE;

	if (m->h.command != VU_DMA_READ && !write)
		return ENOTSUP;
	if (m->len < sizeof(*ret))
		return EINVAL;
	memcpy(ret, m->data, sizeof(*ret));
	if (ret->count > VU_DATA_MAX || m->len - sizeof(*ret) != (write ? ret->count : 0))
		return EINVAL;
	if (ret->address < w->address || ret->address - w->address > w->size ||
	    ret->count > w->size - (ret->address - w->address))
		return EFAULT;
	return 0;
}

/* The host may be looking: a phase tag, in the last dword, comes after what it vouches for. */
static void store(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t head = len > 4 ? len - 4 : 0;

	memcpy(to, from, head);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(to + head, from + head, len - head);
}

int vu_dma_answer(int sock, const struct vu_window *w, const struct vu_msg *m, uint64_t deadline_ns)
{
	struct vu_header h = { .id = m->h.id, .command = m->h.command, .flags = VU_REPLY };
	struct vu_dma dma;
	struct vu_piece piece[2] = { { &dma, sizeof(dma) } };
	int err = check(w, m, &dma);

	if (!err && m->h.command == VU_DMA_WRITE)
		store(w->va + (dma.address - w->address), m->data + sizeof(dma), dma.count);
	else if (!err)
		piece[1] = (struct vu_piece){ w->va + (dma.address - w->address), dma.count };
	if (m->h.flags & VU_NO_REPLY)
		return 0;
	if (!err)
		return vu_send(sock, &h, piece, NULL, 0, deadline_ns);
	h.flags |= VU_ERROR;
	h.error = (uint32_t)err;
	return vu_send(sock, &h, NULL, NULL, 0, deadline_ns);
}
