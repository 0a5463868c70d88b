// SPDX-License-Identifier: GPL-2.0-or-later
#include "io_journal.h"

#include <inttypes.h>
#include <stdio.h>

#include "io_area.h"

#define QUEUE_ENTRIES 8

static void open_queues(struct journal *j)
{
	unsigned n = rig_queue_count(j->r), some = (unsigned)rig_pick(j->r, 2, 4, JOURNAL_QUEUES);
	uint32_t max = rig_queue_max(j->r), entries = max < QUEUE_ENTRIES ? max : QUEUE_ENTRIES;

	for (n = n < some ? n : some; j->nq < n; j->nq++)
		j->q[j->nq] = rig_queue_pair(j->r, (uint16_t)(j->nq + 1), entries);
}

struct journal *journal_new(struct rig *r, const struct facts_ns *ns, enum place place,
			    const struct journal *like)
{
	struct journal *j = rig_mem(r, sizeof(*j));

	*j = like ? *like : (struct journal){ .r = r };
	j->ns = ns;
	j->chunk = io_chunk(r, ns);
	j->blocks = 2 * j->chunk < ns->nsze ? 2 * j->chunk : (uint32_t)ns->nsze;
	j->chunk = j->chunk < j->blocks ? j->chunk : j->blocks;
	if (place == AT_LAST)
		j->lba = ns->nsze - j->blocks;
	else
		j->lba = place == AT_FIRST ? 0 : rig_rand_below(r, ns->nsze - j->blocks + 1);
	j->tag = rig_mem(r, j->blocks * sizeof(*j->tag));
	j->data = rig_mem(r, (size_t)j->chunk * ns->lba_bytes);
	if (!j->nq)
		open_queues(j);
	return j;
}

static uint32_t nth_size(struct journal *j, uint64_t i)
{
	static const uint32_t edges[] = { 1, 2, 3, 7, 8, 9 };
	uint32_t n;

	if (rig_effort(j->r) == EFFORT_SOAK)
		return 1 + (uint32_t)(i % j->chunk);
	if (i == 0 || (i == 1 && j->chunk > 1))
		return j->chunk - (uint32_t)i;
	if (i - 2 < ARRAY_SIZE(edges))
		n = edges[i - 2];
	else /* small and large ones alike */
		n = 1 + (uint32_t)((rig_rand(j->r) >> rig_rand_below(j->r, 64)) % j->chunk);
	return n < j->chunk ? n : j->chunk;
}

static uint32_t nth_place(struct journal *j, uint64_t i, uint32_t size)
{
	uint32_t last = j->blocks - size;

	switch (i % 8) {
	case 0:
		return 0;
	case 4:
		return last;
	default:
		return (uint32_t)rig_rand_below(j->r, last + 1ull);
	}
}

/* Through any queue; its success is checked. */
static void transfer(struct journal *j, const char *name, struct cmd c)
{
	struct sq *q = j->q[rig_rand_below(j->r, j->nq)];
	char what[96];

	snprintf(what, sizeof(what), "%s of %u blocks at LBA %" PRIu64 " through queue %u: status",
		 name, le32_get(c.sqe.cdw12) + 1,
		 le32_get(c.sqe.cdw10) | (uint64_t)le32_get(c.sqe.cdw11) << 32, q->qid);
	CHECK_STATUS_OF(j->r, what, rig_io(j->r, q, c), SC_SUCCESS);
}

void journal_write(struct journal *j, uint64_t i)
{
	uint32_t n = nth_size(j, i), at = nth_place(j, i, n);
	uint64_t tag = rig_rand(j->r) | 1;

	rig_stamp(j->data, j->lba + at, n, j->ns->lba_bytes, tag);
	transfer(j, "Write",
		 cmd_write(j->ns->nsid, j->lba + at, n, j->data, (size_t)n * j->ns->lba_bytes));
	for (uint32_t k = 0; k < n; k++)
		j->tag[at + k] = tag;
}

/* Blocks that one command wrote are checked as one. */
static void read_part(struct journal *j, uint32_t at, uint32_t n)
{
	uint32_t lba_bytes = j->ns->lba_bytes, end;

	transfer(j, "Read", cmd_read(j->ns->nsid, j->lba + at, n, j->data, (size_t)n * lba_bytes));
	for (uint32_t i = 0; i < n; i = end) {
		for (end = i + 1; end < n && j->tag[at + end] == j->tag[at + i];)
			end++;
		if (j->tag[at + i])
			CHECK_STAMP(j->r, j->data + (size_t)i * lba_bytes, j->lba + at + i, end - i,
				    lba_bytes, j->tag[at + i]);
	}
}

void journal_read(struct journal *j, uint64_t i)
{
	uint32_t n = nth_size(j, i);

	read_part(j, nth_place(j, i, n), n);
}

void journal_read_all(struct journal *j)
{
	for (uint32_t at = 0, n; at < j->blocks; at += n) {
		n = j->blocks - at < j->chunk ? j->blocks - at : j->chunk;
		read_part(j, at, n);
	}
}
