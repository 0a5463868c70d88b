// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of commands, the trace that lib/nvme keeps, and what a case that failed tells of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "event/event.h"
#include "kit/kit.h"
#include "nvme/ctrl.h"
#include "spec/command.h"
#include "tests/unit.h"

/* ---- the tables ---- */

static void check_fields(const struct spec_field *f)
{
	uint64_t taken[16] = { 0 };

	for (; f && f->name; f++) {
		CU_ASSERT(f->dword < 16 && f->low < 32 && f->width >= 1);
		CU_ASSERT(f->dword * 32 + f->low + f->width <= 16 * 32);
		for (unsigned bit = f->low; bit < f->low + f->width; bit++) {
			uint64_t *at = &taken[f->dword + bit / 32], mask = 1ull << bit % 32;

			CU_ASSERT(!(*at & mask)); /* no two fields share a bit */
			*at |= mask;
		}
	}
}

static void tables_are_sound(void)
{
	const struct spec_command *c;
	char buf[24];

	check_fields(spec_common);
	for (int admin = 0; admin < 2; admin++)
		for (size_t i = 0; (c = spec_command_nth(admin, i)); i++) {
			CU_ASSERT_PTR_EQUAL(spec_command(admin, c->opcode), c); /* no doubles */
			CU_ASSERT_STRING_EQUAL(cmd_name(admin, c->opcode, buf), c->name);
			CU_ASSERT_EQUAL(!!c->len_field,
					c->len == LEN_DWORDS_Z || c->len == LEN_BYTES ||
						c->len == LEN_BLOCKS || c->len == LEN_RANGES);
			CU_ASSERT(c->len == LEN_NONE || spec_host_to_device(c->opcode) ||
				  spec_device_to_host(c->opcode));
			check_fields(c->fields);
			for (const struct spec_field *f = c->fields; f && f->name; f++)
				CU_ASSERT(f->dword >= 10);
		}
	CU_ASSERT_PTR_NULL(spec_command(true, 0x7f));
	CU_ASSERT_STRING_EQUAL(cmd_name(true, 0x7f, buf), "opcode 7Fh");
}

static void add(void *ctx, const char *name, uint64_t value)
{
	char *text = ctx;
	size_t at = strlen(text);

	snprintf(text + at, 256 - at, "%s=%llx ", name, (unsigned long long)value);
}

static const char *decoded(bool admin, const struct sqe *e)
{
	static char text[256];

	text[0] = 0;
	spec_decode(admin, e, add, text);
	return text;
}

static void decodes(void)
{
	struct sqe e = cmd_get_log(0x02, NSID_ALL, 0x123456789abcull, NULL, 0x50000).sqe;

	CU_ASSERT_STRING_EQUAL(decoded(true, &e),
			       "NSID=ffffffff LID=2 NUMD=13fff LPO=123456789abc ");
	e = cmd_read(1, 0xfedcba9876543210ull, 65536, NULL, 0).sqe;
	e.cdw13 = le32_from(0x100); /* reserved in a Read */
	e.flags = 0x41;
	CU_ASSERT_STRING_EQUAL(decoded(false, &e),
			       "FUSE=1 PSDT=1 NSID=1 SLBA=fedcba9876543210 NLB=ffff CDW13=100 ");
	e = (struct sqe){ .opcode = 0x7f, .cdw15 = le32_from(7), .mptr = le64_from(8) };
	CU_ASSERT_STRING_EQUAL(decoded(true, &e), "MPTR=8 CDW15=7 ");
	e = (struct sqe){ .opcode = nvme_admin_identify };
	CU_ASSERT_STRING_EQUAL(decoded(true, &e), "");
}

static void lengths(void)
{
	struct sqe e = cmd_get_log(2, 0, 0, NULL, 0x50000).sqe;

	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), 0x50000);
	e = cmd_identify(1, 0, NULL).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), 4096);
	e = cmd_read(1, 0, 8, NULL, 0).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(false, &e, 512), 4096);
	CU_ASSERT_EQUAL(spec_data_bytes(false, &e, 0), -1);
	e = cmd_dsm(1, NULL, 256, 4).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(false, &e, 0), 4096);
	e = cmd_flush(1).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(false, &e, 0), 0);
	e = cmd_get_features(NVME_FEAT_FID_TIMESTAMP, 0, 0, 0).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), 8);
	e = cmd_get_features(NVME_FEAT_FID_TIMESTAMP, 3, 0, 0).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), 0);
	e = cmd_get_features(0xd0, 0, 0, 0).sqe;
	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), -1);
	e = (struct sqe){ .opcode = 0x7f };
	CU_ASSERT_EQUAL(spec_data_bytes(true, &e, 0), -1);
}

/* ---- the ring ---- */

static struct ctrl *bring_up(struct target **t)
{
	struct ctrl_config cfg;
	struct ctrl *c = NULL;
	char error[256];

	CU_ASSERT_EQUAL_FATAL(target_open("model:", t, error), 0);
	CU_ASSERT_EQUAL_FATAL(ctrl_open(*t, &c), 0);
	cfg = ctrl_defaults(c);
	CU_ASSERT_EQUAL_FATAL(ctrl_enable(c, &cfg, NULL), 0);
	return c;
}

static const struct trace_record *newest(const struct ctrl *c)
{
	return trace_at(&c->trace, c->trace.n - 1);
}

static void records(void)
{
	struct target *t;
	struct ctrl *c = bring_up(&t);
	uint8_t data[4096];
	struct cmd cmd = cmd_identify(1, 0, data);
	const struct trace_record *r;
	struct cpl cpl;

	/* AQA, ASQ, ACQ and CC twice, in the order they were written */
	CU_ASSERT_EQUAL(c->trace.n, 5);
	CU_ASSERT_EQUAL(trace_at(&c->trace, 0)->off, REG_AQA);
	CU_ASSERT_EQUAL(trace_at(&c->trace, 1)->width, 64);
	CU_ASSERT_EQUAL(trace_at(&c->trace, 4)->value & CC_EN, CC_EN);

	CU_ASSERT_EQUAL(ctrl_admin(c, &cmd, &cpl), 0);
	CU_ASSERT_EQUAL(c->trace.n, 6); /* its doorbells are no news */
	r = newest(c);
	CU_ASSERT(r->kind == TRACE_COMMAND && r->completed && !r->own_pointer);
	CU_ASSERT_EQUAL(r->sqe.opcode, nvme_admin_identify);
	CU_ASSERT_EQUAL(r->data_len, 4096);
	CU_ASSERT_EQUAL(r->in_n, TRACE_DATA);
	CU_ASSERT(!memcmp(r->in, data, TRACE_DATA));
	CU_ASSERT_EQUAL(r->out_n, 0);
	CU_ASSERT_EQUAL(r->done_ns - r->at_ns, cpl.took_ns);

	/* an answer that is no success has put nothing into the buffer */
	cmd.sqe.cdw10 = le32_from(0xee);
	CU_ASSERT_EQUAL(ctrl_admin(c, &cmd, &cpl), 0);
	CU_ASSERT_EQUAL(newest(c)->in_n, 0);
	CU_ASSERT_EQUAL(CQE_STATUS(le16_get(newest(c)->cqe.status)), SC_INVALID_FIELD);
	ctrl_close(c);
	target_close(t);
}

static void bounded(void)
{
	struct target *t;
	struct ctrl *c = bring_up(&t);
	struct cmd cmd = cmd_get_features(NVME_FEAT_FID_ARBITRATION, 0, 0, 0);
	struct cpl cpl;

	CU_ASSERT_EQUAL(ctrl_aer_post(c), 0); /* stays open, and falls out of the ring */
	for (unsigned i = 0; i < 3 * TRACE_RECORDS; i++)
		CU_ASSERT_EQUAL(ctrl_admin(c, &cmd, &cpl), 0);
	CU_ASSERT_EQUAL(c->trace.n, 6 + 3 * TRACE_RECORDS);
	CU_ASSERT_PTR_NULL(trace_at(&c->trace, c->trace.n));
	CU_ASSERT_PTR_NULL(trace_at(&c->trace, c->trace.n - TRACE_RECORDS - 1));
	CU_ASSERT_PTR_NOT_NULL(trace_at(&c->trace, c->trace.n - TRACE_RECORDS));
	for (uint64_t i = c->trace.n - TRACE_RECORDS; i < c->trace.n; i++)
		CU_ASSERT(trace_at(&c->trace, i)->completed);
	ctrl_close(c);
	target_close(t);
}

static void raw(void)
{
	struct target *t;
	struct ctrl *c = bring_up(&t);
	struct sqe e = cmd_abort(0, 9).sqe;
	struct cqe stray = { .cid = le16_from(0x1234), .sqid = le16_from(3) };
	uint64_t before = c->trace.n;
	const struct trace_record *r;
	struct cpl cpl;

	/* two of one CID: each completion is of the newest that is open */
	sq_put_as(c->asq, &e, 7);
	CU_ASSERT_EQUAL(sq_ring(c->asq), 0);
	CU_ASSERT_EQUAL(cq_wait(c->acq, &cpl, target_now(t) + c->admin_timeout_ns), 0);
	sq_put_as(c->asq, &e, 7);
	CU_ASSERT_EQUAL(c->trace.n, before + 2);
	CU_ASSERT(trace_at(&c->trace, before)->completed &&
		  trace_at(&c->trace, before)->own_pointer);
	CU_ASSERT(!newest(c)->completed);

	/* a doorbell that is not the queue's own position is told, and what is no command's */
	CU_ASSERT_EQUAL(cq_ring_value(c->acq, c->acq->head), 0);
	CU_ASSERT_EQUAL(c->trace.n, before + 2);
	CU_ASSERT_EQUAL(cq_ring_value(c->acq, 0xffff), 0);
	r = newest(c);
	CU_ASSERT(r->kind == TRACE_REGISTER && r->off == doorbell_cq(c, 0) && r->value == 0xffff);
	trace_completed(c->acq, &stray);
	CU_ASSERT(newest(c)->kind == TRACE_COMPLETION && newest(c)->sqid == 3);
	ctrl_close(c);
	target_close(t);
}

/* ---- what a case tells ---- */

static void ask(struct rig *r, uint64_t want)
{
	struct cpl cpl = rig_admin(r, cmd_get_features(NVME_FEAT_FID_ARBITRATION, 0, 0, 0));

	rig_set_reg32(r, REG_INTMS, 5);
	CHECK_EQ(r, "status", cpl.status, want);
}

static void passes(struct rig *r)
{
	ask(r, SC_SUCCESS);
}

static void fails(struct rig *r)
{
	ask(r, SC_INVALID_FIELD);
}

static void breaks(struct rig *r)
{
	rig_admin_ok(r, cmd_raw(0x7f, 0));
}

struct told {
	unsigned commands, registers, health, after_verdict, bad;
	char first[256], verdict[16];
};

static void listen(struct told *told, const struct json_object *e)
{
	const char *type = event_type(e);
	bool command = !strcmp(type, "command");

	told->after_verdict += told->verdict[0] != 0;
	told->commands += command;
	told->registers += !strcmp(type, "register");
	told->health += !strcmp(event_get_str(e, "from"), "health");
	if (command && !told->first[0])
		snprintf(told->first, sizeof(told->first), "%s FID=%llu %s took=%d sqe=%zu",
			 event_get_str(e, "name"),
			 (unsigned long long)event_get_u64(
				 json_object_object_get((struct json_object *)(uintptr_t)e,
							"fields"),
				 "FID"),
			 event_get_str(e, "status_text"), event_get_u64(e, "took_ns") > 0,
			 strlen(event_get_str(e, "sqe")));
	if (!strcmp(type, "verdict"))
		snprintf(told->verdict, sizeof(told->verdict), "%s", event_get_str(e, "verdict"));
}

static struct told run_case_of(void (*body)(struct rig *r), enum rig_trace trace)
{
	const struct rig_case c = { .id = "case", .rule = "A rule.", .run = body };
	const struct rig_suite s = { .area = "trace", .cases = &c, .ncases = 1 };
	_cleanup_fclose_ FILE *f = tmpfile();
	struct case_run run = { .suite = &s,
				.c = &c,
				.target = "model:",
				.env = &kit_env,
				.trace = trace,
				.event_fd = f ? fileno(f) : -1 };
	_cleanup_free_ char *line = NULL;
	struct told told = { 0 };
	size_t size = 0;
	ssize_t n;

	if (!f || case_run(&run))
		return told;
	rewind(f);
	while ((n = getline(&line, &size, f)) > 0) {
		struct json_object *e = event_decode(line, (size_t)n - 1);

		if (e)
			listen(&told, e);
		else
			told.bad++;
		json_object_put(e);
	}
	return told;
}

/* case_run() has a CUnit registry of its own, so it runs in no test of ours. */
static struct told quiet, failed, broken, always, never;

static void run_cases(void)
{
	quiet = run_case_of(passes, TRACE_FAILED);
	failed = run_case_of(fails, TRACE_FAILED);
	broken = run_case_of(breaks, TRACE_FAILED);
	always = run_case_of(passes, TRACE_ALWAYS);
	never = run_case_of(fails, TRACE_NEVER);
}

static void told_when_wanted(void)
{
	CU_ASSERT_STRING_EQUAL(quiet.verdict, "PASS");
	CU_ASSERT_EQUAL(quiet.commands + quiet.registers, 0);
	CU_ASSERT_STRING_EQUAL(failed.verdict, "FAIL");
	CU_ASSERT_EQUAL(failed.commands, 3); /* its own, and Identify and SMART of the health */
	CU_ASSERT_EQUAL(failed.registers, 6);
	CU_ASSERT_EQUAL(failed.health, 2);
	CU_ASSERT_EQUAL(failed.after_verdict, 0);
	CU_ASSERT_EQUAL(failed.bad, 0);
	CU_ASSERT_STRING_EQUAL(failed.first,
			       "Get Features FID=1 000h Successful Completion took=1 sqe=128");
	CU_ASSERT_STRING_EQUAL(broken.verdict, "BROKEN");
	CU_ASSERT_EQUAL(broken.commands, 3);
	CU_ASSERT_STRING_EQUAL(always.verdict, "PASS");
	CU_ASSERT_EQUAL(always.commands, 3);
	CU_ASSERT_STRING_EQUAL(never.verdict, "FAIL");
	CU_ASSERT_EQUAL(never.commands + never.registers, 0);
}

static const struct unit units[] = {
	{ "tables are sound", tables_are_sound },
	{ "fields are decoded, and what no field covers", decodes },
	{ "data lengths", lengths },
	{ "records of the library's commands", records },
	{ "the ring is bounded", bounded },
	{ "raw commands, stray completions, odd doorbells", raw },
	{ "a case tells when it went wrong, or always", told_when_wanted },
};

int main(void)
{
	run_cases();
	return unit_main("trace", units, ARRAY_SIZE(units));
}
