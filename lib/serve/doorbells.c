// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve/doorbells.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/model.h"
#include "serve/fault.h"

#define SPIN_NS	 (200 * NS_PER_US) /* after a ring the next one may be near */
#define PAUSE_NS (50 * NS_PER_US)

static int make_memory(struct doorbells *b)
{
	uint64_t end = b->area.offset + b->area.size;
	void *va;

	b->fd = memfd_create("nvrig-doorbells", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (b->fd < 0 || ftruncate(b->fd, (off_t)end) ||
	    fcntl(b->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	va = mmap(NULL, b->area.size, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd,
		  (off_t)b->area.offset);
	if (va == MAP_FAILED)
		return -errno;
	b->va = va;
	return 0;
}

int doorbells_open(struct doorbells *b, struct model *m)
{
	int err;

	*b = (struct doorbells){ .fd = -1, .n = model_doorbells(m) };
	b->area.offset = model_doorbell_offset(m, 0);
	b->area.size = model_doorbells_end(m) - b->area.offset;
	b->seen = calloc(b->n, sizeof(*b->seen));
	b->taken = calloc(b->n, sizeof(*b->taken));
	err = b->seen && b->taken ? make_memory(b) : -ENOMEM;
	if (err)
		doorbells_close(b);
	return err;
}

void doorbells_close(struct doorbells *b)
{
	if (b->va)
		munmap(b->va, b->area.size);
	if (b->fd >= 0)
		close(b->fd);
	free(b->seen);
	free(b->taken);
	*b = (struct doorbells){ .fd = -1 };
}

static uint32_t *word(const struct doorbells *b, const struct model *m, unsigned i)
{
	return (uint32_t *)(void *)(b->va + model_doorbell_offset(m, i) - b->area.offset);
}

/* What the client stored is there before what it announces: queue entries, say. */
static void hear(struct doorbells *b, struct model *m, unsigned i)
{
	uint32_t v = __atomic_load_n(word(b, m, i), __ATOMIC_ACQUIRE);

	if (v == b->seen[i])
		return;
	b->seen[i] = v;
	b->rang_ns = clock_mono_ns();
	model_bar_write(m, model_doorbell_offset(m, i), 32, v);
}

/* Rung by message, or gone with its queue. */
static void tell(struct doorbells *b, struct model *m, unsigned i)
{
	uint32_t now = model_doorbell_now(m, i), old = b->seen[i];

	if (now == b->taken[i])
		return;
	b->taken[i] = now;
	if (now == old)
		return;
	if (model_has_fault(m, FAULT_DOORBELL_MAP_STALE) ||
	    __atomic_compare_exchange_n(word(b, m, i), &old, now, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED))
		b->seen[i] = now;
}

void doorbells_look(struct doorbells *b, struct model *m)
{
	for (unsigned i = 0; b->va && i < b->n; i++) {
		hear(b, m, i);
		tell(b, m, i);
	}
}

uint64_t doorbells_pause(const struct doorbells *b, uint64_t most)
{
	if (!b->va)
		return most;
	if (clock_mono_ns() - b->rang_ns < SPIN_NS)
		return 0;
	return most < PAUSE_NS ? most : PAUSE_NS;
}

bool doorbells_own(const struct doorbells *b, uint64_t off)
{
	return b->va && off >= b->area.offset && off - b->area.offset < b->area.size;
}
