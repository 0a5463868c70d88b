// SPDX-License-Identifier: GPL-2.0-or-later
/* The controller's trace as events: decoded here, once, when a case is to tell what it did. */
#include <stdio.h>

#include "event/event.h"
#include "kit/internal.h"
#include "spec/command.h"

static const struct {
	uint64_t off;
	const char *name;
} registers[] = {
	{ REG_CAP, "CAP" },	  { REG_VS, "VS" },	    { REG_INTMS, "INTMS" },
	{ REG_INTMC, "INTMC" },	  { REG_CC, "CC" },	    { REG_CSTS, "CSTS" },
	{ REG_NSSR, "NSSR" },	  { REG_AQA, "AQA" },	    { REG_ASQ, "ASQ" },
	{ REG_ACQ, "ACQ" },	  { REG_CMBLOC, "CMBLOC" }, { REG_CMBSZ, "CMBSZ" },
	{ REG_BPINFO, "BPINFO" }, { REG_BPRSEL, "BPRSEL" }, { REG_BPMBL, "BPMBL" },
	{ REG_CMBMSC, "CMBMSC" }, { REG_CMBSTS, "CMBSTS" }, { REG_CRTO, "CRTO" },
	{ REG_PMRCAP, "PMRCAP" },
};

static void event_hex(struct json_object *e, const char *key, const void *bytes, size_t n)
{
	char text[2 * TRACE_DATA + 1];
	const uint8_t *b = bytes;

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", b[i]);
	if (n)
		event_str(e, key, text);
}

/* A queue's memory goes with its creation and is no data. */
static bool has_data(const struct trace_record *r)
{
	const struct spec_command *c = spec_command(r->sqid == 0, r->sqe.opcode);

	return r->data_len || !c || c->len != LEN_NONE;
}

static void add_field(void *fields, const char *name, uint64_t value)
{
	event_u64(fields, name, value);
}

static void tell_sqe(struct json_object *e, const struct trace_record *r)
{
	struct json_object *fields = json_object_new_object();
	char name[24];

	event_u64(e, "sqid", r->sqid);
	event_u64(e, "cid", le16_get(r->sqe.cid));
	event_u64(e, "opcode", r->sqe.opcode);
	event_str(e, "name", cmd_name(r->sqid == 0, r->sqe.opcode, name));
	spec_decode(r->sqid == 0, &r->sqe, add_field, fields);
	json_object_object_add(e, "fields", fields);
	event_hex(e, "sqe", &r->sqe, sizeof(r->sqe));
	if (r->own_pointer && (has_data(r) || r->sqe.prp1 || r->sqe.prp2))
		event_bool(e, "own_pointer", true);
	if (r->data_len)
		event_u64(e, "data_len", r->data_len);
	if (has_data(r))
		event_hex(e, "data_out", r->out, r->out_n);
	event_hex(e, "data_in", r->in, r->in_n);
}

static void tell_cqe(struct json_object *e, const struct trace_record *r)
{
	struct cpl cpl = cpl_of(&r->cqe);
	char text[STATUS_TEXT];

	event_u64(e, "status", cpl.status);
	event_str(e, "status_text", status_text(cpl.status, text));
	event_u64(e, "dw0", cpl.dw0);
	event_u64(e, "sqhd", cpl.sqhd);
	event_u64(e, "cqid", r->cqid);
	event_hex(e, "cqe", &r->cqe, sizeof(r->cqe));
	if (r->kind == TRACE_COMMAND)
		event_u64(e, "took_ns", r->done_ns - r->at_ns);
}

static void tell_register(struct json_object *e, const struct ctrl *c, const struct trace_record *r)
{
	uint64_t bell = (r->off - REG_DOORBELLS) / c->stride;

	for (size_t i = 0; i < ARRAY_SIZE(registers); i++)
		if (registers[i].off == r->off)
			event_str(e, "name", registers[i].name);
	if (r->off >= REG_DOORBELLS && r->off % c->stride == 0 && bell < 2 * 65536)
		event_strf(e, "name", "%cQ %llu %s doorbell", bell & 1 ? 'C' : 'S',
			   (unsigned long long)bell / 2, bell & 1 ? "head" : "tail");
	event_u64(e, "offset", r->off);
	event_u64(e, "width", r->width);
	event_u64(e, "value", r->value);
}

static struct json_object *record_event(const struct ctrl *c, const struct trace_record *r,
					uint64_t number)
{
	static const char *const types[] = { [TRACE_COMMAND] = "command",
					     [TRACE_COMPLETION] = "completion",
					     [TRACE_REGISTER] = "register",
					     [TRACE_RESET] = "reset" };
	struct json_object *e = event_new(types[r->kind]);

	event_u64(e, "number", number);
	event_u64(e, "at_ns", r->at_ns - c->trace.begin_ns);
	if (r->kind == TRACE_COMMAND)
		tell_sqe(e, r);
	if (r->kind == TRACE_COMPLETION) {
		event_u64(e, "sqid", r->sqid);
		event_u64(e, "cid", le16_get(r->cqe.cid));
	}
	if (r->completed)
		tell_cqe(e, r);
	if (r->kind == TRACE_REGISTER)
		tell_register(e, c, r);
	return e;
}

static uint64_t first_kept(const struct ctrl *c)
{
	return c && c->trace.n > TRACE_RECORDS ? c->trace.n - TRACE_RECORDS : 0;
}

/* Writes record i of the controller's. */
static void tell(struct kit *k, const struct ctrl *c, uint64_t i, bool health)
{
	struct json_object *e = record_event(c, trace_at(&c->trace, i), i);

	if (c == k->peer)
		event_str(e, "controller", "peer");
	if (health)
		event_str(e, "from", "health");
	rig_event(k->r, e);
}

/* Is the next of the peer's records older than the next of the first controller's? */
static bool peer_is_next(const struct kit *k, uint64_t i, uint64_t p)
{
	if (!k->peer || p == k->peer->trace.n)
		return false;
	return i == k->c->trace.n ||
	       trace_at(&k->peer->trace, p)->at_ns < trace_at(&k->c->trace, i)->at_ns;
}

void kit_tell_trace(struct kit *k, uint64_t health, uint64_t peer_health)
{
	uint64_t i = first_kept(k->c), p = first_kept(k->peer);

	while (i < k->c->trace.n || (k->peer && p < k->peer->trace.n)) {
		if (peer_is_next(k, i, p)) {
			tell(k, k->peer, p, p >= peer_health);
			p++;
		} else {
			tell(k, k->c, i, i >= health);
			i++;
		}
	}
}
