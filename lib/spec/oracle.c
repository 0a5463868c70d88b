// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What holds for every command: opcode, flags, namespace, data pointer, the fields by their tables.
 * Source: Base 2.2 Common Command Format, Status Field Definition, Generic Command Status
 * Definition.
 */
#include "spec/oracle.h"

#include <stdio.h>
#include <string.h>

#include "spec/oracle_parts.h"

#define REF_COMMON   "Base 2.2 Common Command Format"
#define REF_RESERVED "Base 2.0 reserved (keyword)"
#define REF_MDTS     "Base 2.0 Identify Controller data structure (MDTS)"
#define FUSE(e)	     ((e)->flags & 3u)
#define PSDT(e)	     ((e)->flags >> 6 & 3u)
#define VENDOR_ADMIN 0xc0u
#define VENDOR_IO    0x80u

uint64_t asked_field(const struct asked *q, const char *name)
{
	const struct spec_field *f = spec_field_of(q->command, name);

	return f ? spec_field_get(f, q->e) : 0;
}

void asked_may(const struct asked *q, uint16_t status, const char *why)
{
	struct oracle_answer *r = q->ret;

	for (unsigned i = 0; i < r->n; i++)
		if (r->status[i].status == status)
			return;
	if (r->n < ORACLE_STATUSES)
		r->status[r->n++] = (struct oracle_status){ status, why };
	else
		r->any_error = true; /* wider, never narrower */
}

static void no_success(const struct asked *q, const char *why, const char *ref)
{
	if (q->ret->success) {
		q->ret->why = why;
		q->ret->ref = ref ? ref : "";
	}
	q->ret->success = false;
}

void asked_must(const struct asked *q, uint16_t status, const char *why, const char *ref)
{
	no_success(q, why, ref);
	asked_may(q, status, why);
}

void asked_fails(const struct asked *q, uint16_t should, const char *why, const char *ref)
{
	asked_must(q, should, why, ref);
	q->ret->any_error = true;
}

/* ---- fields ---- */

static void wrong_value(const struct asked *q, const struct spec_field *f, const char *why)
{
	for (unsigned i = 0; i < ARRAY_SIZE(f->status) && f->status[i]; i++)
		asked_may(q, f->status[i], why);
	if (!f->status[0])
		asked_may(q, SC_INVALID_FIELD, why);
	if (f->wrong == WRONG_FAILS || f->wrong == WRONG_CODE)
		no_success(q, why, f->ref);
	q->ret->any_error |= f->wrong == WRONG_FAILS;
}

bool asked_value(const struct asked *q, const struct spec_field *f)
{
	const struct spec_value *row;

	switch (spec_field_say(q->c, f, spec_field_get(f, q->e), &row)) {
	case SAY_LEGAL:
		return true;
	case SAY_OPEN: /* may be there or not */
		asked_may(q, SC_INVALID_FIELD, f->name);
		for (unsigned i = 0; i < ARRAY_SIZE(f->status) && f->status[i]; i++)
			asked_may(q, f->status[i], f->name);
		q->ret->any_error = true;
		return true;
	case SAY_UNSUPPORTED:
	case SAY_RESERVED:
		break;
	}
	wrong_value(q, f, f->name);
	return false;
}

/* ---- opcode and flags ---- */

/* True: go on and ask about the rest. */
static bool known_opcode(const struct asked *q)
{
	bool vendor = q->e->opcode >= (q->a->admin ? VENDOR_ADMIN : VENDOR_IO);
	/* what later revisions added stands here from 2.1 on, for a controller that is ahead */
	bool later = q->c->vs >= VS(2, 1, 0);

	if (q->command && spec_offers(q->c, q->command))
		return true;
	if (vendor || q->command || later) {
		/* not claimed, ahead of its version, or the vendor's: known or not */
		q->ret->open = vendor || later || q->c->vs < q->command->since;
		asked_must(q, SC_INVALID_OPCODE, "not offered", REF_RESERVED);
		q->ret->any_error = true;
		return false;
	}
	asked_must(q, SC_INVALID_OPCODE, "reserved opcode", REF_RESERVED);
	q->ret->any_error = true;
	return false;
}

/* Where there is no such fused operation the text has a should. */
static void fuse(const struct asked *q)
{
	unsigned f = FUSE(q->e);

	if (!f)
		return;
	if (f == 3)
		asked_fails(q, SC_INVALID_FIELD, "FUSE 11b", REF_COMMON);
	else if (!q->a->admin && spec_has(q->c, CLAIM_FUSES) && !q->a->fused)
		asked_fails(q, SC_FUSED_MISSING, "FUSE without the other half", REF_COMMON);
	asked_may(q, SC_FUSED_FAILED, "FUSE");
	asked_may(q, SC_FUSED_MISSING, "FUSE");
	asked_may(q, SC_INVALID_FIELD, "FUSE");
}

static void psdt(const struct asked *q)
{
	static const uint16_t sgl[] = { SC_SGL_SEGMENT_INVALID,	    SC_SGL_COUNT_INVALID,
					SC_SGL_DATA_LENGTH_INVALID, SC_SGL_METADATA_LENGTH_INVALID,
					SC_SGL_TYPE_INVALID,	    SC_SGL_OFFSET_INVALID,
					SC_SGL_GRANULARITY_INVALID };
	unsigned p = PSDT(q->e);

	if (!p)
		return;
	asked_may(q, SC_INVALID_FIELD, "PSDT");
	if (!(q->e->opcode & 3)) /* of no data transfer: whether the field is looked at is open */
		return;
	if (p == 3)
		asked_fails(q, SC_INVALID_FIELD, "PSDT 11b", REF_COMMON);
	else if (q->a->admin ? q->c->pcie : !spec_has(q->c, CLAIM_SGLS))
		asked_fails(q, SC_INVALID_FIELD, "PSDT: SGLs where there are none", REF_COMMON);
	for (unsigned i = 0; q->a->dptr != ORACLE_DPTR_GOOD && i < ARRAY_SIZE(sgl); i++)
		asked_may(q, sgl[i], "SGL");
}

/* ---- namespace ---- */

static void broadcast(const struct asked *q)
{
	asked_must(q, SC_INVALID_FIELD, "NSID FFFFFFFFh", REF_COMMON);
	asked_may(q, SC_INVALID_NS, "NSID FFFFFFFFh");
}

const struct spec_ns *asked_namespace(const struct asked *q, bool all_too)
{
	uint32_t nn = le32_get(q->c->id.nn);
	const struct spec_ns *ns = spec_ns(q->c, q->nsid);

	if (ns || (q->nsid == NSID_ALL && all_too))
		return ns;
	if (q->nsid == NSID_ALL) {
		broadcast(q);
	} else if (!q->nsid || q->nsid > nn) {
		asked_must(q, SC_INVALID_NS, "NSID: invalid", REF_COMMON);
	} else if (!q->c->all_ns || asked_doubts(q, ORACLE_OF_NS)) {
		q->ret->open = true; /* active perhaps, of a format that is not known */
	} else {
		asked_must(q, SC_INVALID_FIELD, "NSID: inactive", REF_COMMON);
		asked_may(q, SC_INVALID_NS, "NSID: inactive");
	}
	return NULL;
}

/* A shall since 2.2; before it was ignored, or refused all the same. */
static void nsid_unused(const struct asked *q)
{
	if (!q->nsid)
		return;
	asked_may(q, SC_INVALID_FIELD, "NSID: not used");
	asked_may(q, SC_INVALID_NS, "NSID: not used");
	if (q->c->vs >= VS(2, 2, 0))
		no_success(q, "NSID: not used", REF_COMMON);
}

static void any_nsid(const struct asked *q)
{
	asked_may(q, SC_INVALID_FIELD, "NSID");
	asked_may(q, SC_INVALID_NS, "NSID");
}

static void namespace(const struct asked *q)
{
	switch (q->command->nsid) {
	case NSID_UNUSED:
		nsid_unused(q);
		break;
	case NSID_OPEN:
		any_nsid(q);
		break;
	case NSID_ONE:
	case NSID_ONE_OR_ALL:
	case NSID_BY_FIELD: /* asked where the field is */
		break;
	}
}

/* ---- data ---- */

void asked_data(const struct asked *q, uint64_t bytes)
{
	uint64_t mdts = spec_mdts(q->c);
	uint64_t prp1 = le64_get(q->e->prp1);

	if (!bytes)
		return;
	if (mdts && bytes > mdts)
		asked_must(q, SC_INVALID_FIELD, "more than MDTS", REF_MDTS);
	if (PSDT(q->e))
		return;
	if (prp1 & 3 || q->a->dptr != ORACLE_DPTR_GOOD) {
		asked_may(q, SC_PRP_OFFSET_INVALID, "PRP");
		asked_may(q, SC_INVALID_FIELD, "PRP");
		asked_may(q, SC_CMB_INVALID_USE, "PRP");
	}
}

/* ---- one question ---- */

/* Bits that mean nothing need not be looked at, and may be refused all the same. */
static bool has_reserved(const struct asked *q)
{
	uint32_t left[6];

	if (le32_get(q->e->cdw2) || le32_get(q->e->cdw3) || (q->e->flags & 0x3c))
		return true;
	if (q->a->admin && le64_get(q->e->mptr))
		return true;
	for (unsigned i = 0; i < ARRAY_SIZE(left); i++)
		left[i] = asked_dword(q, 10 + i);
	for (const struct spec_field *f = q->command->fields; f && f->name; f++)
		for (unsigned bit = f->low; bit < f->low + f->width && f->dword >= 10; bit++)
			left[f->dword - 10 + bit / 32] &= ~(1u << bit % 32);
	for (unsigned i = 0; i < ARRAY_SIZE(left); i++)
		if (left[i])
			return true;
	return false;
}

static bool is_lockable(const struct asked *q)
{
	return q->a->admin && spec_has(q->c, CLAIM_OACS_LOCKDOWN);
}

static void ask_all(const struct asked *q)
{
	if (q->a->cid_in_use)
		asked_may(q, SC_CID_CONFLICT, "CID in use");
	fuse(q);
	psdt(q);
	if (!known_opcode(q))
		return;
	namespace(q);
	if (has_reserved(q))
		asked_may(q, SC_INVALID_FIELD, "reserved bits");
	for (unsigned i = 0; i < ARRAY_SIZE(q->command->ends) && q->command->ends[i]; i++)
		if (!q->a->admin && q->command->ends[i] != SC_COMPARE_FAILURE)
			asked_may(q, q->command->ends[i], q->command->name);
	if (is_lockable(q))
		asked_may(q, SC_LOCKDOWN, "Lockdown");
	if (q->a->admin)
		oracle_admin(q);
	else
		oracle_io(q);
}

void oracle_judge(const struct oracle_state *s, const struct oracle_ask *a,
		  struct oracle_answer *ret)
{
	struct asked q = { .s = s,
			   .c = s->ctrl,
			   .a = a,
			   .e = a->e,
			   .command = spec_command(a->admin, a->e->opcode),
			   .nsid = le32_get(a->e->nsid),
			   .ret = ret };

	*ret = (struct oracle_answer){ .success = true, .why = "", .ref = "" };
	ask_all(&q);
	if (asked_doubts(&q, ORACLE_OF_MEDIA))
		ret->any_error = true;
}

/* What any command may end in, whatever it says. */
static bool is_excused(uint16_t status)
{
	static const uint16_t any[] = {
		SC_DATA_TRANSFER_ERROR,	  SC_POWER_LOSS,
		SC_INTERNAL_ERROR,	  SC_ABORT_REQUESTED,
		SC_SQ_DELETION,		  SC_OPERATION_DENIED,
		SC_SANITIZE_FAILED,	  SC_SANITIZE_IN_PROGRESS,
		SC_INTERRUPTED,		  SC_TRANSIENT_TRANSPORT,
		SC_ADMIN_MEDIA_NOT_READY, SC_NS_NOT_READY,
		SC_FORMAT_IN_PROGRESS,	  SC_PREEMPTED,
		SC_WRITE_FAULT,		  SC_UNRECOVERED_READ,
		SC_ACCESS_DENIED,
	};

	for (size_t i = 0; i < ARRAY_SIZE(any); i++)
		if (any[i] == status)
			return true;
	return status >> 8 == 3 || status >> 8 == 7 || (status & 0xff) >= 0xc0;
}

enum oracle_verdict oracle_verdict(const struct oracle_answer *a, uint16_t status)
{
	if (!status_is_legal(status))
		return ORACLE_ILLEGAL;
	if (a->open)
		return ORACLE_LEGAL;
	if (status == SC_SUCCESS)
		return a->success ? ORACLE_LEGAL : ORACLE_ILLEGAL;
	for (unsigned i = 0; i < a->n; i++)
		if (a->status[i].status == status)
			return ORACLE_LEGAL;
	if (is_excused(status))
		return ORACLE_EXCUSED;
	return a->any_error ? ORACLE_LEGAL : ORACLE_ILLEGAL;
}

const char *oracle_text(const struct oracle_answer *a, char buf[ORACLE_TEXT])
{
	char one[STATUS_TEXT];
	size_t at = 0;

	at += (size_t)snprintf(buf, ORACLE_TEXT, "%s",
			       a->open	    ? "anything"
			       : a->success ? "success"
					    : "");
	for (unsigned i = 0; i < a->n && at < ORACLE_TEXT; i++)
		at += (size_t)snprintf(buf + at, ORACLE_TEXT - at, "%s%s (%s)", at ? ", " : "",
				       status_text(a->status[i].status, one), a->status[i].why);
	if (a->any_error && at < ORACLE_TEXT)
		snprintf(buf + at, ORACLE_TEXT - at, "%sany error", at ? ", " : "");
	return buf;
}
