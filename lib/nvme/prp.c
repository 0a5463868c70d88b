// SPDX-License-Identifier: GPL-2.0-or-later
#include "nvme/prp.h"

#include <errno.h>
#include <stdlib.h>

#include "nvme/ctrl.h"

struct prp_list {
	struct prp_list *next; /* all live lists of the controller */
	unsigned npages;
	struct buf *page[];
};

/* How many list pages n entries take when the first begins at slot `start`. */
static unsigned list_pages(size_t per_page, size_t start, unsigned n)
{
	size_t room = per_page - start;
	unsigned pages = 1;

	while (n > room) {
		n -= (unsigned)room - 1; /* the last slot holds the pointer to the next page */
		room = per_page;
		pages++;
	}
	return pages;
}

static struct prp_list *list_alloc(struct ctrl *c, unsigned npages, bool reverse)
{
	struct prp_list *l = calloc(1, sizeof(*l) + npages * sizeof(l->page[0]));

	if (!l)
		return NULL;
	l->npages = npages;
	l->next = c->lists;
	c->lists = l;
	for (unsigned i = 0; i < npages; i++) {
		unsigned at = reverse ? npages - 1 - i : i;

		l->page[at] = buf_alloc(c, c->page, c->page);
		if (!l->page[at]) {
			prp_free(c, l);
			return NULL;
		}
	}
	return l;
}

static void list_fill(struct prp_list *l, size_t per_page, size_t slot, const uint64_t *entry,
		      unsigned n)
{
	unsigned page = 0;

	for (unsigned i = 0; i < n; slot++) {
		if (slot == per_page - 1 && n - i > 1) {
			le64_put(l->page[page]->data + slot * 8, l->page[page + 1]->iova);
			page++;
			slot = (size_t)-1;
			continue;
		}
		le64_put(l->page[page]->data + slot * 8, entry[i++]);
	}
}

int prp_build(struct ctrl *c, const struct prp_plan *plan, struct sqe *e,
	      struct prp_list **ret_list)
{
	size_t per_page = c->page / 8, slot = plan->list_start / 8;
	struct prp_list *l;

	*ret_list = NULL;
	if (!plan->npages || plan->list_start % 8 || slot >= per_page)
		return -EINVAL;
	e->prp1 = le64_from(plan->pages[0]);
	e->prp2 = le64_from(plan->npages == 2 ? plan->pages[1] : 0);
	if (plan->npages <= 2)
		return 0;
	/* a list that begins in the last slot has room for a pointer alone */
	l = list_alloc(c, list_pages(per_page, slot, plan->npages - 1), plan->reverse_lists);
	if (!l)
		return -ENOMEM;
	list_fill(l, per_page, slot, plan->pages + 1, plan->npages - 1);
	e->prp2 = le64_from(l->page[0]->iova + plan->list_start);
	*ret_list = l;
	return 0;
}

int prp_fill(struct ctrl *c, uint64_t iova, size_t len, struct sqe *e, struct prp_list **ret_list)
{
	uint64_t offset = iova & (c->page - 1);
	unsigned n = (unsigned)((offset + len + c->page - 1) / c->page);
	uint64_t *pages;
	int err;

	*ret_list = NULL;
	if (!len)
		return 0;
	pages = calloc(n, sizeof(*pages));
	if (!pages)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		pages[i] = i ? iova - offset + (uint64_t)i * c->page : iova;
	err = prp_build(c, &(struct prp_plan){ .pages = pages, .npages = n }, e, ret_list);
	free(pages);
	return err;
}

unsigned prp_list_pages(const struct prp_list *l)
{
	return l ? l->npages : 0;
}

struct buf *prp_list_page(struct prp_list *l, unsigned i)
{
	return l->page[i];
}

void prp_free(struct ctrl *c, struct prp_list *l)
{
	if (!l)
		return;
	for (struct prp_list **p = &c->lists; *p; p = &(*p)->next) {
		if (*p == l) {
			*p = l->next;
			break;
		}
	}
	for (unsigned i = 0; i < l->npages; i++)
		buf_free(c, l->page[i]);
	free(l);
}
