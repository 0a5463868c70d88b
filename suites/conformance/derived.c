// SPDX-License-Identifier: GPL-2.0-or-later
/* The lists that generators fill. Their memory is the process's: plans point into it. */
#include "derived.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct derived {
	struct rig_case *cases;
	size_t n, room;
	struct derived_row *rows; /* of the last case */
	size_t n_rows, rows_room;
	char *faults; /* of the last case */
	bool failed;
};

static const struct {
	const char *slug;
	bool admin;
	uint8_t opcode;
} slugs[] = {
	{ "identify", true, nvme_admin_identify },
	{ "get-log", true, nvme_admin_get_log_page },
	{ "get-features", true, nvme_admin_get_features },
	{ "set-features", true, nvme_admin_set_features },
	{ "create-cq", true, nvme_admin_create_cq },
	{ "create-sq", true, nvme_admin_create_sq },
	{ "delete-cq", true, nvme_admin_delete_cq },
	{ "delete-sq", true, nvme_admin_delete_sq },
	{ "abort", true, nvme_admin_abort_cmd },
	{ "keep-alive", true, nvme_admin_keep_alive },
	{ "dbbuf", true, nvme_admin_dbbuf },
	{ "flush", false, nvme_cmd_flush },
	{ "write", false, nvme_cmd_write },
	{ "read", false, nvme_cmd_read },
	{ "write-uncorrectable", false, nvme_cmd_write_uncor },
	{ "compare", false, nvme_cmd_compare },
	{ "write-zeroes", false, nvme_cmd_write_zeroes },
	{ "dsm", false, nvme_cmd_dsm },
	{ "verify", false, nvme_cmd_verify },
	{ "copy", false, nvme_cmd_copy },
	{ "zone-send", false, nvme_zns_cmd_mgmt_send },
	{ "zone-receive", false, nvme_zns_cmd_mgmt_recv },
	{ "zone-append", false, nvme_zns_cmd_append },
};

const char *derived_slug(bool admin, uint8_t opcode)
{
	for (size_t i = 0; i < ARRAY_SIZE(slugs); i++)
		if (slugs[i].admin == admin && slugs[i].opcode == opcode)
			return slugs[i].slug;
	return NULL;
}

const struct spec_command *derived_command(size_t i, bool *ret_admin)
{
	if (i >= ARRAY_SIZE(slugs))
		return NULL;
	*ret_admin = slugs[i].admin;
	return spec_command(slugs[i].admin, slugs[i].opcode);
}

static char *text(struct derived *d, const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) >= 0)
		return s;
	d->failed = true;
	return NULL;
}

static unsigned needs_of(const void *row)
{
	return ((const struct derived_row *)row)->needs;
}

/* The last case is whole: it gets its rows, or goes when it has none. */
static void end_case(struct derived *d)
{
	struct rig_case *c = d->n ? &d->cases[d->n - 1] : NULL;

	if (c && !c->rows && d->n_rows) {
		c->rows = d->rows;
		c->row_size = sizeof(*d->rows);
		c->nrows = d->n_rows;
		c->fault = d->faults;
		c->row_needs = needs_of;
	} else if (c && !c->rows) {
		free((void *)c->id);
		free((void *)c->rule);
		free(d->rows);
		free(d->faults);
		d->n--;
	}
	d->rows = NULL;
	d->n_rows = d->rows_room = 0;
	d->faults = NULL;
}

/* Queues are made by admin commands only where they lie in memory. */
static const char *queues_na(const struct facts *f)
{
	return f->caps.fabrics ? "Connect stands in the place of the commands for queues" : NULL;
}

static bool is_of_queues(const char *id)
{
	static const char *const of[] = { "create-sq.", "create-cq.", "delete-sq.", "delete-cq." };

	for (size_t i = 0; id && i < ARRAY_SIZE(of); i++)
		if (!strncmp(id, of[i], strlen(of[i])))
			return true;
	return false;
}

void derived_case(struct derived *d, struct rig_case c, const char *id, ...)
{
	va_list ap;

	if (d->failed)
		return;
	end_case(d);
	if (d->n == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct rig_case *grown = realloc(d->cases, room * sizeof(*grown));

		if (!grown) {
			d->failed = true;
			return;
		}
		d->cases = grown;
		d->room = room;
	}
	va_start(ap, id);
	c.id = text(d, id, ap);
	va_end(ap);
	c.derived = true;
	if (!c.na && is_of_queues(c.id))
		c.na = queues_na;
	if (!(c.needs & NEED_QUEUES))
		c.needs |= NEED_COMMAND;
	d->faults = strdup(c.fault ? c.fault : "");
	d->failed |= !d->faults;
	c.rule = NULL;
	d->cases[d->n++] = c;
}

void derived_rule(struct derived *d, const char *rule, ...)
{
	va_list ap;

	if (d->failed)
		return;
	va_start(ap, rule);
	d->cases[d->n - 1].rule = text(d, rule, ap);
	va_end(ap);
}

void derived_row(struct derived *d, struct derived_row row, const char *name, ...)
{
	va_list ap;

	if (d->failed)
		return;
	if (d->n_rows == d->rows_room) {
		size_t room = d->rows_room ? 2 * d->rows_room : 8;
		struct derived_row *grown = realloc(d->rows, room * sizeof(*grown));

		if (!grown) {
			d->failed = true;
			return;
		}
		d->rows = grown;
		d->rows_room = room;
	}
	if (row.command && spec_is_hosts(row.admin, row.command->opcode, (uint32_t)row.when))
		row.needs |= NEED_SQE;
	va_start(ap, name);
	row.name = text(d, name, ap);
	va_end(ap);
	d->rows[d->n_rows++] = row;
}

static void add_fault(struct derived *d, const char *fault)
{
	char *longer;

	if (asprintf(&longer, "%s%s%s", d->faults, *d->faults ? " " : "", fault) < 0) {
		d->failed = true;
		return;
	}
	free(d->faults);
	d->faults = longer;
}

unsigned derived_bends(struct derived *d, bool admin, uint8_t opcode, int when, const char *field,
		       unsigned hows)
{
	unsigned n = 0;

	for (const struct spec_bend *b = spec_bends; b->fault && !d->failed; b++) {
		if (b->admin != admin || b->opcode != opcode || b->when != when ||
		    strcmp(b->field, field) || !(hows >> b->how & 1))
			continue;
		add_fault(d, b->fault);
		n++;
	}
	return n;
}

const struct rig_case *derived_make(void (*const *generators)(struct derived *d), size_t *ret_n)
{
	struct derived d = { .n = 0 };

	for (; *generators; generators++)
		(*generators)(&d);
	end_case(&d);
	*ret_n = d.n;
	return d.failed ? NULL : d.cases;
}
