// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/repro.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "rig/report/text.h"
#include "spec/command.h"

#define WHY_TEXT	  256
#define PASS_MAX	  (1 << 20) /* bytes; kernels pass on no more than a request of theirs holds */
#define NSID_HIGHEST	  0xfffffffdu
#define FID_NUM_QUEUES	  0x07
#define FID_HMB		  0x0d
#define FID_WRITE_PROTECT 0x84

enum fate {
	SENT,
	HELD,  /* written and commented out: uncomment to send it */
	NEVER, /* passthrough has no way */
};

/* One command event, read. */
struct step {
	const struct json_object *e;
	struct sqe sqe;
	bool admin, own_pointer;
	int64_t len;
	enum fate fate;
	char why[WHY_TEXT];
};

/* Every reason is told; the hardest decides. */
__attribute__((format(printf, 3, 4))) static void decide(struct step *s, enum fate fate,
							 const char *fmt, ...)
{
	size_t at = strlen(s->why);
	va_list ap;

	if (at)
		at += (size_t)snprintf(s->why + at, sizeof(s->why) - at, "; ");
	if (at < sizeof(s->why)) {
		va_start(ap, fmt);
		vsnprintf(s->why + at, sizeof(s->why) - at, fmt, ap);
		va_end(ap);
	}
	if (fate > s->fate)
		s->fate = fate;
}

static size_t hex_len(const char *hex)
{
	return strspn(hex, "0123456789abcdef");
}

static bool read_sqe(const char *hex, struct sqe *ret)
{
	uint8_t *to = (uint8_t *)ret;
	unsigned byte;

	if (strlen(hex) != 2 * sizeof(*ret) || strspn(hex, "0123456789abcdef") != 2 * sizeof(*ret))
		return false;
	for (size_t i = 0; i < sizeof(*ret); i++) {
		sscanf(hex + 2 * i, "%2x", &byte);
		to[i] = (uint8_t)byte;
	}
	return true;
}

/* ---- what passthrough cannot do ---- */

static void judge_admin(struct step *s)
{
	switch (s->sqe.opcode) {
	case nvme_admin_create_sq:
	case nvme_admin_create_cq:
	case nvme_admin_delete_sq:
	case nvme_admin_delete_cq:
		decide(s, NEVER, "the queues are the kernel's: it would lose track of them");
		break;
	case nvme_admin_async_event:
		decide(s, NEVER, "the kernel has Asynchronous Event Requests of its own");
		break;
	case nvme_admin_abort_cmd:
		decide(s, NEVER, "in the kernel's queues this SQID and CID are another command's");
		break;
	case nvme_admin_dbbuf:
		decide(s, NEVER, "it names memory, and passthrough gives it none");
		break;
	default:
		break;
	}
}

static void judge_set_features(struct step *s)
{
	uint32_t dw10 = le32_get(s->sqe.cdw10);

	if ((dw10 & 0xff) == FID_NUM_QUEUES)
		decide(s, NEVER, "the kernel has its queues already");
	if ((dw10 & 0xff) == FID_HMB)
		decide(s, NEVER, "it names memory of the host");
	if ((dw10 & 0xff) == FID_WRITE_PROTECT)
		decide(s, HELD, "write protection may be permanent");
	if (dw10 >> 31)
		decide(s, HELD, "SV is set: the value outlasts power cycles");
}

static void judge_shape(struct step *s)
{
	uint32_t nsid = le32_get(s->sqe.nsid);

	if (s->sqe.flags)
		decide(s, NEVER, "kernels refuse FUSE and PSDT in passthrough (flags %02Xh)",
		       s->sqe.flags);
	if (s->sqe.mptr)
		decide(s, NEVER, "it has a metadata pointer of its own");
	if (!s->admin && (!nsid || nsid > NSID_HIGHEST))
		decide(s, NEVER,
		       "passthrough goes to a namespace's node; NSID %" PRIX32 "h has none", nsid);
}

/* ---- what it may cost ---- */

static void judge_cost(struct step *s)
{
	const struct spec_command *c = spec_command(s->admin, s->sqe.opcode);

	switch (c ? c->cost : COST_UNKNOWN) {
	case COST_DATA:
		decide(s, HELD, "it changes or destroys data");
		break;
	case COST_WEAR:
		decide(s, HELD, "it changes the drive itself: firmware, media, capacity");
		break;
	case COST_ACCESS:
		decide(s, HELD, "it changes who may reach the drive");
		break;
	case COST_UNKNOWN:
		decide(s, HELD, "what it does to this drive is not known to nvrig");
		break;
	case COST_NONE:
		break;
	}
	if (s->admin && s->sqe.opcode == nvme_admin_set_features)
		judge_set_features(s);
}

/* ---- its data ---- */

static uint32_t block_bytes(const struct repro *r, const struct sqe *e)
{
	char nsid[16];

	snprintf(nsid, sizeof(nsid), "%" PRIu32, le32_get(e->nsid));
	return (uint32_t)event_get_u64(r->blocks, nsid);
}

/* A device that moves more than the kernel made room for would write into memory of others. */
static void judge_len(struct step *s, const struct repro *r)
{
	const struct spec_command *c = spec_command(s->admin, s->sqe.opcode);
	int64_t had = (int64_t)event_get_u64(s->e, "data_len");
	int64_t asks = spec_data_bytes(s->admin, &s->sqe, block_bytes(r, &s->sqe));

	if (asks < 0 && (s->own_pointer || (c && c->len != LEN_DEPENDS)))
		decide(s, NEVER, "how many bytes it moves is not known");
	if (had > 0 && asks > had)
		decide(s, HELD, "it asks for %" PRId64 " bytes, and the case gave it %" PRId64,
		       asks, had);
	s->len = had > asks ? had : asks;
	if (s->len < 0 || !(s->sqe.opcode & 3))
		s->len = 0;
	if (s->len > PASS_MAX)
		decide(s, NEVER, "kernels pass on no %" PRId64 " bytes at a time", s->len);
}

static void judge_data(struct step *s)
{
	const char *hex = event_get_str(s->e, "data_out");

	if (!s->len || !spec_host_to_device(s->sqe.opcode))
		return;
	if (strlen(hex) != 2 * (size_t)s->len || hex_len(hex) != strlen(hex))
		decide(s, NEVER, "of its %" PRId64 " bytes of data %zu were kept", s->len,
		       hex_len(hex) / 2);
}

static bool read_step(struct step *s, const struct json_object *e, const struct repro *r)
{
	*s = (struct step){ .e = e, .admin = !event_get_u64(e, "sqid"), .fate = SENT };
	if (!read_sqe(event_get_str(e, "sqe"), &s->sqe))
		return false;
	s->own_pointer = event_get_bool(e, "own_pointer");
	if (s->admin)
		judge_admin(s);
	judge_shape(s);
	judge_cost(s);
	judge_len(s, r);
	judge_data(s);
	return true;
}

/* ---- the script ---- */

static void put_nonzero(FILE *out, const char *option, __le32 value)
{
	if (value)
		fprintf(out, " --%s=0x%" PRIx32, option, le32_get(value));
}

static void put_pipe(FILE *out, const char *hex)
{
	unsigned byte;

	fputs("printf '", out);
	for (; hex[0] && hex[1]; hex += 2)
		fprintf(out, "\\%03o", sscanf(hex, "%2x", &byte) == 1 ? byte : 0);
	fputs("' | ", out);
}

static bool to_peer(const struct json_object *e)
{
	return !strcmp(event_get_str(e, "controller"), "peer");
}

static const char *said_peer(const struct json_object *e)
{
	return to_peer(e) ? "the peer, " : "";
}

static void put_line_to_run(FILE *out, const struct step *s)
{
	const struct sqe *e = &s->sqe;
	bool writes = s->len && spec_host_to_device(e->opcode);

	if (s->fate == HELD)
		fputs("# ", out);
	if (writes)
		put_pipe(out, event_get_str(s->e, "data_out"));
	if (s->admin)
		fprintf(out, "try nvme admin-passthru \"$%s\"", to_peer(s->e) ? "peer" : "ctrl");
	else
		fprintf(out, "try nvme io-passthru \"${%s}n%" PRIu32 "\"",
			to_peer(s->e) ? "peer" : "ctrl", le32_get(e->nsid));
	fprintf(out, " --opcode=0x%02x", e->opcode);
	put_nonzero(out, "namespace-id", e->nsid);
	put_nonzero(out, "cdw2", e->cdw2);
	put_nonzero(out, "cdw3", e->cdw3);
	put_nonzero(out, "cdw10", e->cdw10);
	put_nonzero(out, "cdw11", e->cdw11);
	put_nonzero(out, "cdw12", e->cdw12);
	put_nonzero(out, "cdw13", e->cdw13);
	put_nonzero(out, "cdw14", e->cdw14);
	put_nonzero(out, "cdw15", e->cdw15);
	if (s->len)
		fprintf(out, " --data-len=%" PRId64 " --%s", s->len, writes ? "write" : "read");
	fputc('\n', out);
}

static void put_field(void *ctx, const char *name, uint64_t value)
{
	fprintf(ctx, " %s=%" PRIX64 "h", name, value);
}

static void put_answer(FILE *out, const struct json_object *e)
{
	if (!json_object_object_get_ex(e, "status", NULL)) {
		fputs("#   no completion came\n", out);
		return;
	}
	fputs("#   answered ", out);
	put_line(out, event_get_str(e, "status_text"), 96);
	fprintf(out, ", dw0 %08" PRIX64 "h\n", event_get_u64(e, "dw0"));
}

static void put_step(FILE *out, const struct step *s)
{
	fprintf(out, "\n# %" PRIu64 ": %sSQ %" PRIu64 " ", event_get_u64(s->e, "number"),
		said_peer(s->e), event_get_u64(s->e, "sqid"));
	put_line(out, event_get_str(s->e, "name"), 48);
	spec_decode(s->admin, &s->sqe, put_field, out);
	fputc('\n', out);
	put_answer(out, s->e);
	if (s->fate != SENT)
		fprintf(out, "#   %s: %s\n",
			s->fate == HELD ? "commented out" : "not by passthrough", s->why);
	else if (s->own_pointer)
		fputs("#   the case laid out the data pointer itself; the kernel lays out its "
		      "own\n",
		      out);
	if (s->fate != NEVER)
		put_line_to_run(out, s);
}

static void put_register(FILE *out, const struct json_object *e)
{
	const char *name = event_get_str(e, "name");

	fprintf(out, "\n# %" PRIu64 ": %s", event_get_u64(e, "number"), said_peer(e));
	if (*name)
		put_line(out, name, 48);
	else
		fprintf(out, "register %" PRIX64 "h", event_get_u64(e, "offset"));
	fprintf(out, " = %" PRIX64 "h, not by passthrough\n", event_get_u64(e, "value"));
}

static void put_record(FILE *out, const struct repro *r, const struct json_object *e)
{
	const char *type = event_type(e);
	struct step s;

	if (!strcmp(type, "register"))
		put_register(out, e);
	else if (!strcmp(type, "reset"))
		fprintf(out, "\n# %" PRIu64 ": %sFunction Level Reset, not by passthrough\n",
			event_get_u64(e, "number"), said_peer(e));
	else if (!strcmp(type, "completion"))
		fprintf(out, "\n# %" PRIu64 ": %sa completion of no command that was seen\n",
			event_get_u64(e, "number"), said_peer(e));
	else if (read_step(&s, e, r))
		put_step(out, &s);
	else
		fprintf(out, "\n# %" PRIu64 ": a command whose SQE the journal does not have\n",
			event_get_u64(e, "number"));
}

/* Commands that passthrough can send, to either controller and to the peer. */
static size_t count_sent(const struct repro *r, size_t *ret_peer)
{
	size_t n = json_object_array_length(r->records), sent = 0;
	struct step s;

	*ret_peer = 0;

	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(r->records, i);

		if (strcmp(event_type(e), "command") || !read_step(&s, e, r) || s.fate != SENT)
			continue;
		sent++;
		*ret_peer += to_peer(e);
	}
	return sent;
}

static void put_said(FILE *out, const struct json_object *e, const char *key)
{
	const char *text = event_get_str(e, key);

	if (!*text)
		return;
	fprintf(out, "# %-8s ", key);
	put_line(out, text, 512);
	fputc('\n', out);
}

static void put_head(FILE *out, const struct repro *r)
{
	size_t peer, sent = count_sent(r, &peer);

	fputs("#!/bin/sh\n# What the case ", out);
	put_line(out, r->name, 256);
	fputs(" sent, again, with nvme-cli alone.\n", out);
	put_said(out, r->run, "run");
	put_said(out, r->run, "target");
	put_said(out, r->run, "model");
	put_said(out, r->run, "serial");
	put_said(out, r->run, "firmware");
	put_said(out, r->end, "verdict");
	put_said(out, r->end, "reason");
	fputs("#\n"
	      "# usage: sh SCRIPT /dev/nvmeN   (needs root; look at it before you run it)\n"
	      "#\n"
	      "# Commands go one after the other, on queues of the kernel's choice, with its CIDs\n"
	      "# and data pointers. Registers, doorbells, resets, queues, flags and events are\n"
	      "# comments: passthrough cannot do them (`nvme reset` makes a Controller Reset).\n"
	      "# What could cost data, the drive or the access to it is commented out.\n",
	      out);
	if (!sent) {
		fputs("\necho 'passthrough can send nothing of this case: read the comments' >&2\n"
		      "exit 77\n",
		      out);
		return;
	}
	fputs("set -u\n"
	      "ctrl=${1:?name the controller: /dev/nvmeN}\n",
	      out);
	if (peer)
		fputs("peer=${2:?name the other controller of its subsystem: /dev/nvmeM}\n", out);
	fputs("\n"
	      "try()\n"
	      "{\n"
	      "\techo \"+ $*\"\n"
	      "\t\"$@\" || echo \"  exit status $?\"\n"
	      "}\n",
	      out);
}

int repro_write(FILE *out, const struct repro *r)
{
	size_t n = json_object_array_length(r->records);

	put_head(out, r);
	for (size_t i = 0; i < n; i++) {
		const struct json_object *e = json_object_array_get_idx(r->records, i);

		if (!i && event_get_u64(e, "number"))
			fprintf(out, "\n# %" PRIu64 " records before these are not kept\n",
				event_get_u64(e, "number"));
		put_record(out, r, e);
	}
	return fflush(out) || ferror(out) ? -EIO : 0;
}
