// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may come of I/O commands. Sources: NVM CS 1.0, the section of each command; Base 2.0 Flush
 * command, Namespace Write Protection; ZNS CS 1.1.
 */
#include "spec/oracle_parts.h"

#define FLUSH_ALL     0x6u /* VWC bits 2:1 */
#define FLUSH_NOT_ALL 0x4u
#define COPY_RANGE    32u /* bytes of a source range */
#define DSM_RANGE     16u
#define RANGES_MAX    256u
#define PRACT	      0x8u
#define CTRATT_MEM    (1u << 16)

static bool is(const struct asked *q, uint8_t opcode)
{
	return q->e->opcode == opcode;
}

static bool writes(const struct asked *q)
{
	return is(q, nvme_cmd_write) || is(q, nvme_cmd_write_zeroes) ||
	       is(q, nvme_cmd_write_uncor) || is(q, nvme_cmd_copy) || is(q, nvme_zns_cmd_append);
}

static bool reads(const struct asked *q)
{
	return is(q, nvme_cmd_read) || is(q, nvme_cmd_compare) || is(q, nvme_cmd_verify) ||
	       is(q, nvme_cmd_copy);
}

/* ---- what holds for every command on a namespace ---- */

static void zone(const struct asked *q)
{
	for (uint16_t s = SC_ZONE_OPERATION_INVALID; s <= SC_ZONE_TRANSITION; s++)
		asked_may(q, s, "zone");
}

static void protection(const struct asked *q, const struct spec_ns *ns)
{
	uint8_t state = q->s->protect[ns - q->c->ns];
	bool doubt = asked_doubts(q, ORACLE_OF_FEATURES);

	if (!spec_has(q->c, CLAIM_NWPC) || (!state && !doubt))
		return;
	if (writes(q) && !doubt)
		asked_must(q, SC_NS_WRITE_PROTECTED, "the namespace is write protected",
			   "Base 2.0 Namespace Write Protection");
	else
		asked_may(q, SC_NS_WRITE_PROTECTED, "the namespace is write protected");
}

static void pi(const struct asked *q, const struct spec_ns *ns)
{
	if (!ns->dps && !asked_field(q, "PRINFO"))
		return;
	asked_may(q, SC_INVALID_FIELD, "PRINFO");
	asked_may(q, SC_INVALID_PI, "protection information");
	if (!ns->dps)
		return;
	asked_may(q, SC_GUARD_CHECK, "protection information");
	asked_may(q, SC_APP_TAG_CHECK, "protection information");
	asked_may(q, SC_REF_TAG_CHECK, "protection information");
	asked_may(q, SC_STORAGE_TAG_CHECK, "protection information");
}

static void by_namespace(const struct asked *q, const struct spec_ns *ns)
{
	if (ns->csi == 2)
		zone(q);
	else if (ns->csi)
		q->ret->open = true;
	else if (q->command->csi)
		asked_must(q, SC_INVALID_OPCODE, "a command of another command set",
			   "Base 2.0 I/O Commands");
	if (spec_has(q->c, CLAIM_ONCS_RESERVATIONS))
		asked_may(q, SC_RESERVATION_CONFLICT, "reservations");
	if (reads(q))
		asked_may(q, SC_UNWRITTEN_BLOCK, "deallocated blocks");
	if (writes(q))
		asked_may(q, SC_READ_ONLY_RANGE, "a read-only range");
	if (writes(q) && ns->thin)
		asked_may(q, SC_CAPACITY_EXCEEDED, "thin provisioning");
	if (asked_field(q, "DTYPE") || asked_field(q, "DSM"))
		asked_may(q, SC_INVALID_FIELD, "DTYPE, DSM");
	if (asked_field(q, "DSM"))
		asked_may(q, SC_CONFLICTING_ATTRIBUTES, "DSM");
	if (asked_field(q, "STC") || asked_field(q, "DEAC"))
		asked_may(q, SC_INVALID_FIELD, "STC, DEAC");
	if (ns->ms) {
		asked_may(q, SC_INVALID_FIELD, "metadata");
		asked_may(q, SC_SGL_METADATA_LENGTH_INVALID, "metadata");
	}
	if (ns->extended_pi && (!q->s->lbafee || asked_doubts(q, ORACLE_OF_FEATURES)))
		asked_may(q, SC_INVALID_NS, "a format that takes LBAFEE");
	pi(q, ns);
	protection(q, ns);
}

/* ---- ranges ---- */

static bool fits(const struct spec_ns *ns, uint64_t lba, uint64_t n)
{
	return n <= ns->nsze && lba <= ns->nsze - n;
}

static void range(const struct asked *q, const struct spec_ns *ns, uint64_t lba, uint64_t n)
{
	if (fits(ns, lba, n) && !asked_doubts(q, ORACLE_OF_NS))
		return;
	asked_may(q, SC_LBA_OUT_OF_RANGE, "range");
	if (ns->thin)
		asked_may(q, SC_CAPACITY_EXCEEDED, "range");
	if (!asked_doubts(q, ORACLE_OF_NS))
		asked_must(q, SC_LBA_OUT_OF_RANGE, "range past the namespace",
			   "NVM CS 1.0 Namespaces");
}

/* As MDTS counts them: interleaved metadata, unless PRACT or CTRATT.MEM takes them out. */
static uint64_t block_bytes(const struct asked *q, const struct spec_ns *ns)
{
	bool strips = ns->dps && (asked_field(q, "PRINFO") & PRACT) && ns->ms == (ns->pif ? 16 : 8);
	bool counts = ns->extended && !strips && !(le32_get(q->c->id.ctratt) & CTRATT_MEM);

	return ns->lba_bytes + (counts ? ns->ms : 0u);
}

static void blocks(const struct asked *q, const struct spec_ns *ns, bool data)
{
	uint64_t n = asked_field(q, "NLB") + 1;

	range(q, ns, asked_field(q, "SLBA"), n);
	if (is(q, nvme_cmd_compare) && fits(ns, asked_field(q, "SLBA"), n))
		asked_may(q, SC_COMPARE_FAILURE, "Compare");
	if (is(q, nvme_cmd_write_zeroes) && (asked_dword(q, 12) & 1u << 23) &&
	    q->c->vs > VS(2, 0, 0))
		q->ret->any_error = true; /* the whole namespace, in later revisions */
	if (!data && (q->c->nvm.vsl | q->c->nvm.wzsl | q->c->nvm.wusl))
		asked_may(q, SC_INVALID_FIELD, "VSL, WZSL, WUSL");
	if (is(q, nvme_cmd_verify) && (asked_field(q, "PRINFO") & 8))
		asked_may(q, SC_INVALID_FIELD, "PRACT");
	if (data)
		asked_data(q, ns->lba_bytes && !asked_doubts(q, ORACLE_OF_NS)
				      ? n * block_bytes(q, ns)
				      : 1);
}

static void dsm(const struct asked *q, const struct spec_ns *ns)
{
	uint64_t n = asked_field(q, "NR") + 1;
	const uint8_t *list = q->a->data;

	asked_data(q, n * DSM_RANGE);
	asked_may(q, SC_CONFLICTING_ATTRIBUTES, "attributes");
	if (q->c->nvm.dmrl || le32_get((__le32)q->c->nvm.dmrsl) || le64_get((__le64)q->c->nvm.dmsl))
		asked_may(q, SC_COMMAND_SIZE_LIMIT, "DMRL, DMRSL, DMSL");
	if (!list || q->a->data_len < n * DSM_RANGE || asked_doubts(q, ORACLE_OF_NS)) {
		asked_may(q, SC_LBA_OUT_OF_RANGE, "a range");
		return;
	}
	for (unsigned i = 0; i < n; i++) /* advisory: refused, or not */
		if (!fits(ns, le64_at(list + i * DSM_RANGE + 8), le32_at(list + i * DSM_RANGE + 4)))
			asked_may(q, SC_LBA_OUT_OF_RANGE, "a range");
}

static void copy_ranges(const struct asked *q, const struct spec_ns *ns, unsigned n)
{
	const uint8_t *list = q->a->data;
	uint64_t total = 0;

	for (unsigned i = 0; i < n; i++) {
		uint64_t length = le16_at(list + i * COPY_RANGE + 16) + 1u;

		if (length > ns->mssrl)
			asked_must(q, SC_COMMAND_SIZE_LIMIT, "a range longer than MSSRL",
				   q->command->ref);
		range(q, ns, le64_at(list + i * COPY_RANGE + 8), length);
		total += length;
	}
	if (total > ns->mcl)
		asked_must(q, SC_COMMAND_SIZE_LIMIT, "more blocks than MCL", q->command->ref);
	range(q, ns, asked_field(q, "SDLBA"), total);
}

static void copy(const struct asked *q, const struct spec_ns *ns)
{
	unsigned n = (unsigned)asked_field(q, "NR") + 1,
		 format = (unsigned)asked_field(q, "DESFMT");
	bool sure = !format && q->a->data && q->a->data_len >= n * COPY_RANGE &&
		    !asked_doubts(q, ORACLE_OF_NS);

	asked_data(q, n * COPY_RANGE);
	if (!(le16_get(q->c->id.ocfs) >> format & 1))
		asked_fails(q, SC_INVALID_FIELD, "DESFMT: not in OCFS", q->command->ref);
	if (asked_field(q, "PRINFOR") || asked_field(q, "PRINFOW") || format || ns->ms)
		asked_may(q, SC_INVALID_FIELD, "PRINFOR, PRINFOW, DESFMT");
	if (ns->dps && !format == (ns->pif != 0))
		asked_may(q, SC_INVALID_NS, "DESFMT: not of this guard");
	if (n > ns->msrc + 1u)
		asked_must(q, SC_COMMAND_SIZE_LIMIT, "more ranges than MSRC", q->command->ref);
	if (sure) {
		copy_ranges(q, ns, n);
		return;
	}
	asked_may(q, SC_COMMAND_SIZE_LIMIT, "ranges");
	asked_may(q, SC_LBA_OUT_OF_RANGE, "ranges");
	if (format)
		q->ret->any_error = true;
}

/* ---- the commands ---- */

static void flush(const struct asked *q)
{
	unsigned all = q->c->id.vwc & FLUSH_ALL;
	const struct spec_ns *ns = asked_namespace(q, true);

	if (ns && ns->csi > 2)
		q->ret->any_error = true;
	if (spec_has(q->c, CLAIM_ONCS_RESERVATIONS))
		asked_may(q, SC_RESERVATION_CONFLICT, "reservations");
	if (q->nsid != NSID_ALL || all == FLUSH_ALL)
		return;
	asked_may(q, SC_INVALID_NS, "NSID FFFFFFFFh");
	asked_may(q, SC_INVALID_FIELD, "NSID FFFFFFFFh");
	if (all == FLUSH_NOT_ALL)
		asked_must(q, SC_INVALID_NS, "VWC bits 2:1 are 10b", q->command->ref);
}

/* There is no such namespace; what else may be wrong with the command may win. */
static void elsewhere(const struct asked *q)
{
	uint64_t largest = 0;

	for (unsigned i = 0; i < q->c->n_ns; i++)
		if (block_bytes(q, &q->c->ns[i]) > largest)
			largest = block_bytes(q, &q->c->ns[i]);
	if (asked_field(q, "NLB"))
		asked_data(q, (asked_field(q, "NLB") + 1) * largest);
	if (asked_field(q, "DESFMT") || asked_field(q, "DTYPE") || asked_field(q, "PRINFO") ||
	    asked_field(q, "DSM") || asked_field(q, "STC") || asked_field(q, "NR"))
		q->ret->any_error = true;
	if (q->command->csi || !spec_field_of(q->command, "SLBA"))
		q->ret->any_error |=
			!is(q, nvme_cmd_flush) && !is(q, nvme_cmd_dsm) && !is(q, nvme_cmd_copy);
}

void oracle_io(const struct asked *q)
{
	const struct spec_ns *ns;

	if (is(q, nvme_cmd_flush)) {
		flush(q);
		return;
	}
	ns = asked_namespace(q, false);
	if (!ns) {
		elsewhere(q);
		return;
	}
	by_namespace(q, ns);
	switch (q->e->opcode) {
	case nvme_cmd_read:
	case nvme_cmd_write:
	case nvme_cmd_compare:
		blocks(q, ns, true);
		break;
	case nvme_cmd_write_zeroes:
	case nvme_cmd_write_uncor:
	case nvme_cmd_verify:
		blocks(q, ns, false);
		break;
	case nvme_cmd_dsm:
		dsm(q, ns);
		break;
	case nvme_cmd_copy:
		copy(q, ns);
		break;
	default: /* zones, reservations: their state is not followed */
		q->ret->any_error = true;
		for (const struct spec_field *f = q->command->fields; f && f->name; f++)
			asked_value(q, f);
		asked_data(q, 1);
		break;
	}
}
