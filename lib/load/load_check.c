// SPDX-License-Identifier: GPL-2.0-or-later
/* Is a load one that this target can take? */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "load/load.h"

#define BLOCKS_MAX 65536u
#define MEMORY_MAX (1ull << 30)

__attribute__((format(printf, 2, 3))) static int wrong(char error[LOAD_ERROR], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, LOAD_ERROR, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static const struct facts_ns *find_ns(const struct facts *f, uint32_t nsid)
{
	for (unsigned i = 0; i < f->n_ns; i++)
		if (f->ns[i].nsid == nsid && f->ns[i].lba_bytes)
			return &f->ns[i];
	return NULL;
}

static int check_ns(const struct facts *f, const struct facts_ns *ns, const struct load_spec *s,
		    char error[LOAD_ERROR])
{
	if (!ns)
		return wrong(error, "namespace %u is not there; `nvrig probe` lists those that are",
			     s->nsid);
	if (ns->ms)
		return wrong(error,
			     "namespace %u has %u bytes of metadata a block; name one without",
			     ns->nsid, ns->ms);
	if (ns->csi && s->read_percent < 100)
		return wrong(error,
			     "namespace %u is zoned, where writes have their own rules; read it, "
			     "or name another",
			     ns->nsid);
	if (!s->bytes || s->bytes % ns->lba_bytes)
		return wrong(error,
			     "a block size of %u bytes is no multiple of the %u bytes of a "
			     "logical block",
			     s->bytes, ns->lba_bytes);
	if (s->bytes / ns->lba_bytes > BLOCKS_MAX)
		return wrong(error, "a block size of %u bytes is more than 65536 logical blocks",
			     s->bytes);
	if (f->mdts_bytes && s->bytes > f->mdts_bytes)
		return wrong(error,
			     "a block size of %u bytes is more than a command may move here: %llu "
			     "(MDTS)",
			     s->bytes, (unsigned long long)f->mdts_bytes);
	return 0;
}

static int check_region(const struct facts_ns *ns, struct load_spec *s, char error[LOAD_ERROR])
{
	uint64_t size = ns->nsze * ns->lba_bytes;

	if (s->from % ns->lba_bytes)
		return wrong(error,
			     "the region begins at byte %llu, which is no logical block of %u",
			     (unsigned long long)s->from, ns->lba_bytes);
	if (s->from >= size || s->length > size - s->from)
		return wrong(error, "the region ends past the %llu bytes of namespace %u",
			     (unsigned long long)size, ns->nsid);
	if (!s->length)
		s->length = size - s->from;
	if (s->length / s->bytes < s->queues)
		return wrong(error,
			     "a region of %llu bytes has no room for %u queues and %u bytes each",
			     (unsigned long long)s->length, s->queues, s->bytes);
	return 0;
}

static int check_queues(const struct facts *f, const struct load_spec *s, char error[LOAD_ERROR])
{
	unsigned most = CAP_MQES(f->cap), queues = f->nsq < f->ncq ? f->nsq : f->ncq;
	uint64_t memory = (uint64_t)s->bytes * s->depth * s->queues;

	if (queues > IO_QUEUES_MAX)
		queues = IO_QUEUES_MAX;
	if (!s->queues || (f->cap && s->queues > queues))
		return wrong(error, "%u queues: this target gives 1 to %u", s->queues, queues);
	if (!s->depth || (f->cap && s->depth > most))
		return wrong(error, "a depth of %u: queues of this target take 1 to %u", s->depth,
			     most);
	if (s->read_percent && s->read_percent < 100)
		memory *= 2; /* what is read is not what is written */
	if (memory > MEMORY_MAX || memory > f->caps.dma_bytes / 8 * 7)
		return wrong(error, "%llu bytes in flight: too much memory for this target",
			     (unsigned long long)memory);
	return 0;
}

int load_check(const struct facts *f, struct load_spec *s, char ret_error[LOAD_ERROR])
{
	const struct facts_ns *ns;
	int err;

	if (!f->alive)
		return wrong(ret_error, "the controller does not come up: %s", f->trouble);
	if (!s->nsid) {
		if (!f->has_scratch)
			return wrong(ret_error,
				     "no namespace of the NVM command set without metadata; "
				     "name one");
		s->nsid = f->ns[f->scratch].nsid;
	}
	ns = find_ns(f, s->nsid);
	err = check_ns(f, ns, s, ret_error);
	if (!err)
		err = check_queues(f, s, ret_error);
	return err ? err : check_region(ns, s, ret_error);
}
