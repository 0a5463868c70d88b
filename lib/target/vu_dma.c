// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vu_dma.h"

#include <errno.h>
#include <string.h>

static uint8_t *reach(const struct vu_window w[VU_WINDOWS], const struct vu_dma *dma)
{
	for (unsigned i = 0; i < VU_WINDOWS; i++) {
		uint64_t at = dma->address - w[i].address;

		if (w[i].size && dma->address >= w[i].address && at <= w[i].size &&
		    dma->count <= w[i].size - at)
			return w[i].va + at;
	}
	return NULL;
}

/* 0 and where it is, or the errno to refuse with. */
static int check(const struct vu_window w[VU_WINDOWS], const struct vu_msg *m, struct vu_dma *ret,
		 uint8_t **ret_at)
{
	bool write = m->h.command == VU_DMA_WRITE;

	if (m->h.command != VU_DMA_READ && !write)
		return ENOTSUP;
	if (m->len < sizeof(*ret))
		return EINVAL;
	memcpy(ret, m->data, sizeof(*ret));
	if (ret->count > VU_DATA_MAX || m->len - sizeof(*ret) != (write ? ret->count : 0))
		return EINVAL;
	*ret_at = reach(w, ret);
	return *ret_at ? 0 : EFAULT;
}

/* The host may be looking: a phase tag, in the last dword, comes after what it vouches for. */
static void store(uint8_t *to, const uint8_t *from, size_t len)
{
	size_t head = len > 4 ? len - 4 : 0;

	memcpy(to, from, head);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	memcpy(to + head, from + head, len - head);
}

int vu_dma_answer(int sock, const struct vu_window w[VU_WINDOWS], const struct vu_msg *m,
		  uint64_t deadline_ns)
{
	struct vu_header h = { .id = m->h.id, .command = m->h.command, .flags = VU_REPLY };
	struct vu_dma dma;
	struct vu_piece piece[2] = { { &dma, sizeof(dma) } };
	uint8_t *at = NULL;
	int err = check(w, m, &dma, &at);

	if (!err && m->h.command == VU_DMA_WRITE)
		store(at, m->data + sizeof(dma), dma.count);
	else if (!err)
		piece[1] = (struct vu_piece){ at, dma.count };
	if (m->h.flags & VU_NO_REPLY)
		return 0;
	if (!err)
		return vu_send(sock, &h, piece, NULL, 0, deadline_ns);
	h.flags |= VU_ERROR;
	h.error = (uint32_t)err;
	return vu_send(sock, &h, NULL, NULL, 0, deadline_ns);
}
