/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of block I/O share: a target with its facts, and an engine on it. */
#ifndef TESTS_IO_RIG_H
#define TESTS_IO_RIG_H

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "nvme/io_queue.h"
#include "unit.h"

#define SECOND NS_PER_S

struct rig {
	struct target *t;
	struct facts *f;
	struct io *g;
	struct dma d;
	uint32_t nsid, lba;
};

static inline void rig_open_with(struct rig *r, const char *address, const struct io_options *o)
{
	char error[256] = "";

	memset(r, 0, sizeof(*r));
	r->f = calloc(1, sizeof(*r->f));
	CU_ASSERT_EQUAL_FATAL(target_open(address, &r->t, error), 0);
	CU_ASSERT_EQUAL_FATAL(facts_gather(r->t, r->f), 0);
	CU_ASSERT_FATAL(r->f->alive && r->f->has_scratch);
	CU_ASSERT_EQUAL_FATAL(io_open(r->t, r->f, o, &r->g), 0);
	r->nsid = r->f->ns[r->f->scratch].nsid;
	r->lba = r->f->ns[r->f->scratch].lba_bytes;
}

static inline void rig_open(struct rig *r, const char *address, unsigned depth)
{
	rig_open_with(r, address, &(struct io_options){ .depth = depth });
}

static inline void rig_data(struct rig *r, size_t len)
{
	r->d = (struct dma){ .len = len, .align = 4096 };
	CU_ASSERT_EQUAL_FATAL(r->t->ops->dma_map(r->t, &r->d), 0);
}

static inline void rig_close(struct rig *r)
{
	io_close(r->g);
	if (r->d.va)
		r->t->ops->dma_unmap(r->t, &r->d);
	target_close(r->t);
	free(r->f);
}

static inline uint64_t soon(const struct rig *r)
{
	return target_now(r->t) + SECOND;
}

/* One block I/O, done. */
static inline int one(struct rig *r, struct block_io *io)
{
	struct block_io *done = NULL;

	io->nsid = io->nsid ? io->nsid : r->nsid;
	CU_ASSERT_EQUAL_FATAL(io_submit(r->g, &io, 1), 1);
	CU_ASSERT_EQUAL_FATAL(io_reap(r->g, &done, 1, soon(r)), 1);
	CU_ASSERT_PTR_EQUAL_FATAL(done, io);
	CU_ASSERT(io->complete_ns >= io->submit_ns);
	return io->result;
}

static inline uint64_t random_of(uint64_t *s)
{
	*s = *s * 6364136223846793005ull + 1442695040888963407ull;
	return *s >> 33;
}

#endif
