// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/sgl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/ctrl.h"

struct segment {
	struct buf *mem;
	struct sgl_desc *desc;
	uint64_t iova;
	unsigned n;
};

struct sgl_list {
	struct sgl_list *next; /* all live lists of the controller */
	unsigned n;
	struct segment segment[];
};

struct sgl_desc sgl_data(uint64_t addr, uint32_t len)
{
	return (struct sgl_desc){ .addr = le64_from(addr),
				  .len = le32_from(len),
				  .id = SGL_DATA << 4 };
}

struct sgl_desc sgl_bucket(uint32_t len)
{
	return (struct sgl_desc){ .len = le32_from(len), .id = SGL_BUCKET << 4 };
}

struct sgl_desc sgl_pointer(bool last, uint64_t addr, uint32_t n)
{
	return (struct sgl_desc){
		.addr = le64_from(addr),
		.len = le32_from(n * (uint32_t)sizeof(struct sgl_desc)),
		.id = (uint8_t)((last ? SGL_LAST_SEGMENT : SGL_SEGMENT) << 4),
	};
}

void sgl_put(struct sqe *e, struct sgl_desc d)
{
	memcpy((uint8_t *)e + offsetof(struct sqe, prp1), &d, sizeof(d));
}

struct sgl_desc sgl_get(const struct sqe *e)
{
	struct sgl_desc d;

	memcpy(&d, (const uint8_t *)e + offsetof(struct sqe, prp1), sizeof(d));
	return d;
}

/* Segments of the plan; each but the last gives its last slot to the pointer. */
static unsigned count_segments(const struct sgl_plan *p)
{
	unsigned n = 1, left = p->n;

	for (; p->per_segment && left > p->per_segment; n++)
		left -= p->per_segment - 1;
	return n + p->detour;
}

/* Descriptors of segment i, its pointer among them; *left counts down what is not placed yet. */
static unsigned segment_size(const struct sgl_plan *p, unsigned i, unsigned *left)
{
	unsigned n = *left;

	if (p->detour && !i)
		return 1;
	if (p->per_segment && n > p->per_segment)
		n = p->per_segment - 1;
	*left -= n;
	return n + (*left > 0);
}

static int alloc_segments(struct ctrl *c, const struct sgl_plan *p, struct sgl_list *l)
{
	for (unsigned i = 0; i < l->n; i++) {
		struct segment *s = &l->segment[p->descending ? l->n - 1 - i : i];
		unsigned most = p->per_segment ? p->per_segment : p->n;

		s->mem = buf_alloc(c, p->start + (most + 1) * sizeof(*s->desc), c->page);
		if (!s->mem)
			return -ENOMEM;
		s->desc = (struct sgl_desc *)(s->mem->data + p->start);
		s->iova = s->mem->iova + p->start;
	}
	return 0;
}

static void fill_segments(const struct sgl_plan *p, struct sgl_list *l)
{
	const struct sgl_desc *from = p->desc;
	unsigned left = p->n;

	for (unsigned i = 0; i < l->n; i++) {
		struct segment *s = &l->segment[i];
		bool end = i == l->n - 1;
		unsigned own;

		s->n = segment_size(p, i, &left);
		own = s->n - !end;
		memcpy(s->desc, from, own * sizeof(*from));
		from += own;
	}
	for (unsigned i = 0; i + 1 < l->n; i++) {
		const struct segment *next = &l->segment[i + 1];

		l->segment[i].desc[l->segment[i].n - 1] =
			sgl_pointer(i + 2 == l->n, next->iova, next->n);
	}
}

int sgl_build(struct ctrl *c, const struct sgl_plan *plan, struct sqe *e,
	      struct sgl_list **ret_list)
{
	struct sgl_list *l;
	unsigned n;

	*ret_list = NULL;
	if (!plan->n || plan->start % 8 || plan->per_segment == 1)
		return -EINVAL;
	e->flags = (uint8_t)((e->flags & ~PSDT_MASK) | PSDT_SGL);
	if (plan->n == 1 && !plan->apart && !plan->detour) {
		sgl_put(e, plan->desc[0]);
		return 0;
	}
	n = count_segments(plan);
	l = calloc(1, sizeof(*l) + n * sizeof(l->segment[0]));
	if (!l)
		return -ENOMEM;
	l->n = n;
	l->next = c->sgls;
	c->sgls = l;
	if (alloc_segments(c, plan, l)) {
		sgl_free(c, l);
		return -ENOMEM;
	}
	fill_segments(plan, l);
	sgl_put(e, sgl_pointer(l->n == 1, l->segment[0].iova, l->segment[0].n));
	*ret_list = l;
	return 0;
}

unsigned sgl_segments(const struct sgl_list *l)
{
	return l ? l->n : 0;
}

struct sgl_desc *sgl_segment(struct sgl_list *l, unsigned i, unsigned *ret_n)
{
	if (ret_n)
		*ret_n = l->segment[i].n;
	return l->segment[i].desc;
}

struct buf *sgl_segment_buf(struct sgl_list *l, unsigned i)
{
	return l->segment[i].mem;
}

void sgl_free(struct ctrl *c, struct sgl_list *l)
{
	if (!l)
		return;
	for (struct sgl_list **p = &c->sgls; *p; p = &(*p)->next) {
		if (*p == l) {
			*p = l->next;
			break;
		}
	}
	for (unsigned i = 0; i < l->n; i++)
		buf_free(c, l->segment[i].mem);
	free(l);
}
