// SPDX-License-Identifier: GPL-2.0-or-later
/* The oracle of lib/spec against answers that were looked up by hand. */
#include <string.h>

#include "spec/oracle.h"
#include "tests/unit.h"

static struct spec_ctrl ctrl;
static struct oracle_state state;

static int begin(void)
{
	ctrl = (struct spec_ctrl){
		.cap = 0x3full | 1ull << 16 | 1ull << 37, /* MQES 63, CQR, NVM */
		.vs = VS(2, 0, 0),
		.vectors = 9,
		.pcie = true,
		.n_ns = 1,
		.ns = { { .nsid = 1, .lba_bytes = 512, .nsze = 1000, .mssrl = 8, .mcl = 8 } },
		.all_ns = true,
	};
	ctrl.id.nn = le32_from(3);
	ctrl.id.mdts = 1; /* 8 KiB */
	ctrl.id.oncs = le16_from(1 | 1 << 8);
	ctrl.id.ocfs = le16_from(1);
	ctrl.id.lpa = 1 << 2;
	ctrl.id.vwc = 7;
	state = (struct oracle_state){ 0 };
	oracle_begin(&state, &ctrl, 4096);
	return 0;
}

static struct sqe sqe(uint8_t opcode, uint32_t nsid, uint32_t dw10, uint32_t dw11, uint32_t dw12)
{
	return (struct sqe){ .opcode = opcode,
			     .nsid = le32_from(nsid),
			     .cdw10 = le32_from(dw10),
			     .cdw11 = le32_from(dw11),
			     .cdw12 = le32_from(dw12) };
}

static enum oracle_verdict judge(bool admin, const struct sqe *e, uint16_t status)
{
	struct oracle_ask a = { .admin = admin, .e = e };
	struct oracle_answer answer;
	char text[ORACLE_TEXT];

	oracle_judge(&state, &a, &answer);
	CU_ASSERT(strlen(oracle_text(&answer, text)) > 0);
	CU_ASSERT(answer.success == !answer.why[0] || answer.open);
	return oracle_verdict(&answer, status);
}

#define LEGAL(admin, e, status)	  CU_ASSERT_EQUAL(judge(admin, e, status), ORACLE_LEGAL)
#define ILLEGAL(admin, e, status) CU_ASSERT_EQUAL(judge(admin, e, status), ORACLE_ILLEGAL)

static void identify(void)
{
	struct sqe e = sqe(nvme_admin_identify, 0, 1, 0, 0);

	begin();
	LEGAL(true, &e, SC_SUCCESS);
	ILLEGAL(true, &e, SC_INVALID_FIELD);
	ILLEGAL(true, &e, SC_LBA_OUT_OF_RANGE);
	CU_ASSERT_EQUAL(judge(true, &e, SC_INTERNAL_ERROR), ORACLE_EXCUSED);
	e = sqe(nvme_admin_identify, 0, 0x7f, 0, 0); /* a reserved CNS */
	ILLEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_FIELD);
	e = sqe(nvme_admin_identify, 4, 0, 0, 0); /* past NN */
	ILLEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_NS);
	e = sqe(nvme_admin_identify, 2, 0, 0, 0); /* inactive: zeroes */
	LEGAL(true, &e, SC_SUCCESS);
}

static void opcodes(void)
{
	struct sqe e = sqe(0x03, 0, 0, 0, 0);

	begin();
	LEGAL(true, &e, SC_INVALID_OPCODE);
	ILLEGAL(true, &e, SC_SUCCESS);
	e.opcode = 0xc1; /* the vendor's */
	LEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_OPCODE);
	e.opcode = nvme_admin_sanitize_nvm; /* not claimed */
	ILLEGAL(true, &e, SC_SUCCESS);
	e = sqe(nvme_cmd_verify, 1, 0, 0, 0);
	ILLEGAL(false, &e, SC_SUCCESS);
	LEGAL(false, &e, SC_INVALID_OPCODE);
}

static void flags(void)
{
	struct sqe e = sqe(nvme_admin_identify, 0, 1, 0, 0);

	begin();
	e.flags = 3;
	ILLEGAL(true, &e, SC_SUCCESS);
	e.flags = 0x40;
	ILLEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_FIELD);
	e.flags = 0x04; /* reserved bits: checked or not */
	LEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_FIELD);
}

static void blocks(void)
{
	struct sqe e = sqe(nvme_cmd_read, 1, 992, 0, 7);

	begin();
	LEGAL(false, &e, SC_SUCCESS);
	ILLEGAL(false, &e, SC_LBA_OUT_OF_RANGE);
	e = sqe(nvme_cmd_read, 1, 993, 0, 7);
	ILLEGAL(false, &e, SC_SUCCESS);
	LEGAL(false, &e, SC_LBA_OUT_OF_RANGE);
	e = sqe(nvme_cmd_read, 1, 0xffffffff, 0xffffffff, 0); /* the sum overflows */
	ILLEGAL(false, &e, SC_SUCCESS);
	e = sqe(nvme_cmd_read, 1, 0, 0, 16); /* more than MDTS */
	ILLEGAL(false, &e, SC_SUCCESS);
	LEGAL(false, &e, SC_INVALID_FIELD);
	ctrl.cap = 0; /* not told, and so is the unit of MDTS */
	LEGAL(false, &e, SC_SUCCESS);
	begin();
	e = sqe(nvme_cmd_read, 1, 992, 0, 16); /* both: either */
	LEGAL(false, &e, SC_INVALID_FIELD);
	LEGAL(false, &e, SC_LBA_OUT_OF_RANGE);
	e = sqe(nvme_cmd_compare, 1, 0, 0, 0);
	LEGAL(false, &e, SC_COMPARE_FAILURE);
	e = sqe(nvme_cmd_read, 1, 0, 0, 0);
	ILLEGAL(false, &e, SC_COMPARE_FAILURE);
}

static void copy_by_data(void)
{
	struct sqe e = sqe(nvme_cmd_copy, 1, 0, 0, 0);
	uint8_t range[32] = { 0 };
	struct oracle_ask a = { .e = &e, .data = range, .data_len = sizeof(range) };
	struct oracle_answer answer;

	begin();
	le16_put(range + 16, 7);
	oracle_judge(&state, &a, &answer);
	CU_ASSERT(answer.success);
	le16_put(range + 16, 8); /* MSSRL is 8 */
	oracle_judge(&state, &a, &answer);
	CU_ASSERT(!answer.success);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_COMMAND_SIZE_LIMIT), ORACLE_LEGAL);
	a.data = NULL; /* unknown: either */
	oracle_judge(&state, &a, &answer);
	CU_ASSERT(answer.success);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_COMMAND_SIZE_LIMIT), ORACLE_LEGAL);
}

static void queues(void)
{
	struct sqe cq = sqe(nvme_admin_create_cq, 0, 3 << 16 | 1, 1, 0);
	struct sqe sq = sqe(nvme_admin_create_sq, 0, 3 << 16 | 1, 1 << 16 | 1, 0);
	struct sqe gone = sqe(nvme_admin_delete_cq, 0, 1, 0, 0);
	struct oracle_ask a = { .admin = true, .e = &cq };

	begin();
	LEGAL(true, &sq, SC_CQ_INVALID);
	ILLEGAL(true, &sq, SC_SUCCESS);
	ILLEGAL(true, &gone, SC_SUCCESS);
	oracle_learn(&state, &a, SC_SUCCESS, 0);
	LEGAL(true, &sq, SC_SUCCESS);
	ILLEGAL(true, &cq, SC_SUCCESS);
	LEGAL(true, &gone, SC_SUCCESS);
	a.e = &sq;
	oracle_learn(&state, &a, SC_SUCCESS, 0);
	ILLEGAL(true, &gone, SC_SUCCESS);
	LEGAL(true, &gone, SC_QUEUE_DELETION_INVALID);
	oracle_begin(&state, &ctrl, 4096); /* a reset takes them */
	LEGAL(true, &cq, SC_SUCCESS);
}

/* A deletion in flight makes both answers legal, before and after; then things are settled. */
static void in_flight(void)
{
	struct sqe cq = sqe(nvme_admin_create_cq, 0, 3 << 16 | 1, 1, 0);
	struct sqe gone = sqe(nvme_admin_delete_cq, 0, 1, 0, 0);
	struct oracle_ask make = { .admin = true, .e = &cq }, drop = { .admin = true, .e = &gone };
	struct oracle_ticket first, second;
	struct oracle_answer answer;

	begin();
	oracle_sent(&state, &make, &first);
	oracle_sent(&state, &drop, &second);
	oracle_ended(&state, &drop, &second, SC_QID_INVALID, 0, &answer);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_QID_INVALID), ORACLE_LEGAL);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_SUCCESS), ORACLE_LEGAL);
	oracle_ended(&state, &make, &first, SC_SUCCESS, 0, &answer);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_SUCCESS), ORACLE_LEGAL);
	oracle_sent(&state, &drop, &second);
	oracle_ended(&state, &drop, &second, SC_SUCCESS, 0, &answer);
	CU_ASSERT(answer.success);
	CU_ASSERT_EQUAL(oracle_verdict(&answer, SC_QID_INVALID), ORACLE_ILLEGAL);
}

static void logs(void)
{
	struct sqe e = sqe(nvme_admin_get_log_page, NSID_ALL, 127 << 16 | 2, 0, 0);

	begin();
	LEGAL(true, &e, SC_SUCCESS);
	ILLEGAL(true, &e, SC_LOG_PAGE_INVALID);
	e.cdw12 = le32_from(516); /* past the 512 bytes of SMART */
	ILLEGAL(true, &e, SC_SUCCESS);
	e = sqe(nvme_admin_get_log_page, NSID_ALL, 127 << 16 | 0x3f, 0, 0);
	ILLEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_LOG_PAGE_INVALID);
	e = sqe(nvme_admin_get_log_page, NSID_ALL, 0xffffu << 16 | 2, 0xffff, 0); /* 16 GiB */
	ILLEGAL(true, &e, SC_SUCCESS);
}

static void features(void)
{
	struct sqe e = sqe(nvme_admin_get_features, 0, 0x01, 0, 0);

	begin();
	LEGAL(true, &e, SC_SUCCESS);
	e = sqe(nvme_admin_get_features, 0, 0x70, 0, 0); /* reserved */
	ILLEGAL(true, &e, SC_SUCCESS);
	e = sqe(nvme_admin_set_features, 0, 0x02, 5, 0); /* NPSS is 0 */
	ILLEGAL(true, &e, SC_SUCCESS);
	LEGAL(true, &e, SC_INVALID_FIELD);
	e = sqe(nvme_admin_set_features, 0, 0x07, 0xffff, 0);
	ILLEGAL(true, &e, SC_SUCCESS);
}

static void events(void)
{
	struct sqe e = sqe(nvme_admin_async_event, 0, 0, 0, 0);
	struct oracle_ask a = { .admin = true, .e = &e };
	struct oracle_ticket t;
	struct oracle_answer answer;

	begin();
	oracle_judge(&state, &a, &answer);
	CU_ASSERT(answer.may_hold);
	oracle_sent(&state, &a, &t);
	ILLEGAL(true, &e, SC_AER_LIMIT);
	oracle_sent(&state, &a, &t);
	LEGAL(true, &e, SC_AER_LIMIT); /* AERL is 0: one */
}

/* Whatever is asked, the oracle answers, and something is legal. */
static void anything(void)
{
	uint64_t z = 1;

	begin();
	for (unsigned i = 0; i < 200000; i++) {
		struct oracle_ask a = { .admin = i & 1, .cid_in_use = i & 2, .dptr = i >> 2 & 1 };
		struct oracle_answer answer;
		struct sqe e;

		for (size_t k = 0; k < sizeof(e); k++) {
			z = z * 6364136223846793005ull + 1442695040888963407ull;
			((uint8_t *)&e)[k] = (z >> 60) < 8 ? 0 : (uint8_t)(z >> 40);
		}
		a.e = &e;
		oracle_judge(&state, &a, &answer);
		if (!answer.open && !answer.success && !answer.n && !answer.any_error)
			CU_FAIL("nothing is legal");
		if (i % 5 == 0)
			oracle_learn(&state, &a, i % 10 ? SC_SUCCESS : SC_INVALID_FIELD, 0);
	}
	CU_PASS("all were answered");
}

static const struct unit units[] = {
	{ "Identify", identify },
	{ "opcodes", opcodes },
	{ "flags", flags },
	{ "blocks", blocks },
	{ "Copy by its data", copy_by_data },
	{ "queues", queues },
	{ "commands in flight together", in_flight },
	{ "logs", logs },
	{ "features", features },
	{ "event requests", events },
	{ "anything", anything },
};

UNIT_MAIN("oracle", units)
