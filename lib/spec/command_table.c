// SPDX-License-Identifier: GPL-2.0-or-later
/* The tables of command.h. A field's bits are written high before low, as the specification does.
 */
#include "base/cleanup.h"
#include "spec/cns.h"
#include "spec/feature.h"
#include "spec/log.h"
#include "spec/status.h"

#define F(name_, dword_, high, low_, ...)                                                          \
	{                                                                                          \
		.name = name_, .dword = dword_, .low = low_, .width = (high) - (low_) + 1,         \
		__VA_ARGS__                                                                        \
	}
#define WHOLE(name, dword) F(name, dword, 31, 0)
#define TWO(name, dword)   F(name, dword, 63, 0) /* this dword and the one after */
#define FIELDS(...)                                                                                \
	(const struct spec_field[])                                                                \
	{                                                                                          \
		__VA_ARGS__,                                                                       \
		{                                                                                  \
			.name = NULL                                                               \
		}                                                                                  \
	}

/* What a field may say: rows here, or of a table of its own that begins with them. */
#define VALUES(...)                                                                                \
	.values = (const struct spec_value[]){ __VA_ARGS__, { .name = NULL } },                     \
	.value_size = sizeof(struct spec_value)
#define V(from_, to_, name_, ...) { .from = from_, .to = to_, .name = name_, __VA_ARGS__ }
#define ROWS_OF(table) .values = &(table)[0].value, .value_size = sizeof((table)[0])
#define CODE(...)      .wrong = WRONG_CODE, .status = { __VA_ARGS__ }
#define MAYBE(...)     .wrong = WRONG_MAYBE, .status = { __VA_ARGS__ }

/* Not here: opcode and CID, which stand beside the fields wherever a command is shown. */
const struct spec_field spec_common[] = {
	F("FUSE", 0, 9, 8, VALUES(V(0, 0, "normal"), V(1, 2, "half of a fused operation"))),
	F("DW0[13:10]", 0, 13, 10, .wrong = WRONG_IGNORED),
	F("PSDT", 0, 15, 14, VALUES(V(0, 0, "PRPs"), V(1, 2, "SGLs"))),
	WHOLE("NSID", 1),
	WHOLE("CDW2", 2),   WHOLE("CDW3", 3),		TWO("MPTR", 4),	      TWO("PRP1", 6),
	TWO("PRP2", 8),	    { .name = NULL },
};

/* clang-format off */
static const struct spec_command admin_commands[] = {
	{ nvme_admin_delete_sq, "Delete I/O SQ", .fields = FIELDS(F("QID", 10, 15, 0)),
	  .ends = { SC_QID_INVALID }, .ref = "Base 2.0 Delete I/O Submission Queue command" },
	{ nvme_admin_create_sq, "Create I/O SQ",
	  .fields = FIELDS(F("QID", 10, 15, 0), F("QSIZE", 10, 31, 16), F("PC", 11, 0, 0),
			   F("QPRIO", 11, 2, 1), F("CQID", 11, 31, 16), F("NVMSETID", 12, 15, 0)),
	  .ends = { SC_CQ_INVALID, SC_QID_INVALID, SC_QUEUE_SIZE_INVALID }, .ref = "Base 2.0 Create I/O Submission Queue command" },
	{ nvme_admin_get_log_page, "Get Log Page", .len = LEN_DWORDS_Z, .len_field = "NUMD",
	  .fields = FIELDS(F("LID", 10, 7, 0, ROWS_OF(spec_logs), CODE(SC_LOG_PAGE_INVALID, SC_INVALID_FIELD),
			     .ref = "Base 2.0 Get Log Page command; Base 2.1 Get Log Page command"), F("LSP", 10, 14, 8), F("RAE", 10, 15, 15),
			   F("NUMD", 10, 47, 16), F("LSI", 11, 31, 16), TWO("LPO", 12),
			   F("UUIDX", 14, 6, 0), F("OT", 14, 23, 23), F("CSI", 14, 31, 24)),
	  .nsid = NSID_BY_FIELD, .ends = { SC_LOG_PAGE_INVALID }, .ref = "Base 2.0 Get Log Page command" },
	{ nvme_admin_delete_cq, "Delete I/O CQ", .fields = FIELDS(F("QID", 10, 15, 0)),
	  .ends = { SC_QID_INVALID, SC_QUEUE_DELETION_INVALID }, .ref = "Base 2.0 Delete I/O Completion Queue command" },
	{ nvme_admin_create_cq, "Create I/O CQ",
	  .fields = FIELDS(F("QID", 10, 15, 0), F("QSIZE", 10, 31, 16), F("PC", 11, 0, 0),
			   F("IEN", 11, 1, 1), F("IV", 11, 31, 16)),
	  .ends = { SC_QID_INVALID, SC_QUEUE_SIZE_INVALID, SC_VECTOR_INVALID }, .ref = "Base 2.0 Create I/O Completion Queue command" },
	{ nvme_admin_identify, "Identify", .len = LEN_FIXED, .len_of = 4096,
	  .fields = FIELDS(F("CNS", 10, 7, 0, ROWS_OF(spec_cns_all), .ref = "Base 2.0 Identify command; Base 2.0 reserved (keyword)"), F("CNTID", 10, 31, 16), F("CNSSID", 11, 15, 0),
			   F("CSI", 11, 31, 24), F("UUIDX", 14, 6, 0)),
	  .nsid = NSID_BY_FIELD, .ref = "Base 2.0 Identify command" },
	{ nvme_admin_abort_cmd, "Abort",
	  .fields = FIELDS(F("SQID", 10, 15, 0), F("CID", 10, 31, 16)),
	  .ends = { SC_ABORT_LIMIT }, .ref = "Base 2.0 Abort command" },
	{ nvme_admin_set_features, "Set Features", .len = LEN_FEATURE,
	  .fields = FIELDS(F("FID", 10, 7, 0, ROWS_OF(spec_features), .ref = "Base 2.0 Feature Identifiers; Base 2.0 reserved (keyword)"), F("SV", 10, 31, 31), F("UUIDX", 14, 6, 0)),
	  .nsid = NSID_BY_FIELD, .ends = { SC_FID_NOT_SAVEABLE, SC_FEATURE_NOT_CHANGEABLE, SC_FEATURE_NOT_PER_NS }, .ref = "Base 2.0 Set Features command" },
	{ nvme_admin_get_features, "Get Features", .len = LEN_FEATURE,
	  .fields = FIELDS(F("FID", 10, 7, 0, ROWS_OF(spec_features), .ref = "Base 2.0 Feature Identifiers; Base 2.0 reserved (keyword)"), F("SEL", 10, 10, 8, VALUES(V(0, 0, "current"), V(1, 3, "default, saved, capabilities", .since = VS(1, 1, 0), .claim = CLAIM_ONCS_SELECT)),
			     .ref = "Base 2.0 Get Features command (Select); Base 2.0 reserved (keyword)"), F("UUIDX", 14, 6, 0)),
	  .nsid = NSID_BY_FIELD, .ref = "Base 2.0 Get Features command" },
	{ nvme_admin_async_event, "Async Event Request", .len = LEN_NONE,
	  .ends = { SC_AER_LIMIT }, .ref = "Base 2.0 Asynchronous Event Request command" },
	{ nvme_admin_ns_mgmt, "NS Management", COST_DATA, LEN_DEPENDS,
	  .fields = FIELDS(F("SEL", 10, 3, 0, VALUES(V(0, 1, "create, delete")), .ref = "Base 2.0 Namespace Management command (Select)"), F("CSI", 11, 31, 24)),
	  .since = VS(1, 2, 0), .claim = CLAIM_OACS_NS_MGMT, .nsid = NSID_OPEN, .ref = "Base 2.0 Namespace Management command" },
	{ nvme_admin_fw_commit, "Firmware Commit", COST_WEAR,
	  .fields = FIELDS(F("FS", 10, 2, 0), F("CA", 10, 5, 3, VALUES(V(0, 3, "commit"), V(6, 7, "boot partitions", .open = true)), .ref = "Base 2.0 Firmware Commit command (Commit Action)"), F("BPID", 10, 31, 31)),
	  .claim = CLAIM_OACS_FIRMWARE, .ref = "Base 2.0 Firmware Commit command" },
	{ nvme_admin_fw_download, "Firmware Download", COST_WEAR, LEN_DWORDS_Z, .len_field = "NUMD",
	  .fields = FIELDS(WHOLE("NUMD", 10), WHOLE("OFST", 11)),
	  .claim = CLAIM_OACS_FIRMWARE, .ends = { SC_OVERLAPPING_RANGE }, .ref = "Base 2.0 Firmware Image Download command" },
	{ nvme_admin_dev_self_test, "Device Self-test", .fields = FIELDS(F("STC", 10, 3, 0, VALUES(V(1, 2, "short, extended"), V(3, 3, "host-initiated refresh", .open = true), V(14, 14, "vendor specific", .open = true), V(15, 15, "abort")),
			     .ref = "Base 2.0 Device Self-test command (Self-test Code)")),
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_SELF_TEST, .nsid = NSID_OPEN, .ends = { SC_SELF_TEST_IN_PROGRESS }, .ref = "Base 2.0 Device Self-test command" },
	{ nvme_admin_ns_attach, "NS Attachment", COST_ACCESS, LEN_FIXED, 4096,
	  .fields = FIELDS(F("SEL", 10, 3, 0, VALUES(V(0, 1, "attach, detach")), .ref = "Base 2.0 Namespace Attachment command (Select)")),
	  .since = VS(1, 2, 0), .claim = CLAIM_OACS_NS_MGMT, .nsid = NSID_OPEN, .ref = "Base 2.0 Namespace Attachment command" },
	{ nvme_admin_keep_alive, "Keep Alive", .len = LEN_NONE,
	  .since = VS(1, 2, 1), .claim = CLAIM_KAS, .ref = "Base 2.0 Keep Alive command" },
	{ nvme_admin_directive_send, "Directive Send", .len = LEN_DWORDS_Z, .len_field = "NUMD",
	  .fields = FIELDS(WHOLE("NUMD", 10), F("DOPER", 11, 7, 0), F("DTYPE", 11, 15, 8),
			   F("DSPEC", 11, 31, 16)),
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_DIRECTIVES, .nsid = NSID_OPEN, .ends = { SC_STREAM_ALLOCATION_FAILED }, .ref = "Base 2.0 Directive Send command" },
	{ nvme_admin_directive_recv, "Directive Receive", .len = LEN_DWORDS_Z, .len_field = "NUMD",
	  .fields = FIELDS(WHOLE("NUMD", 10), F("DOPER", 11, 7, 0), F("DTYPE", 11, 15, 8),
			   F("DSPEC", 11, 31, 16)),
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_DIRECTIVES, .nsid = NSID_OPEN, .ends = { SC_STREAM_ALLOCATION_FAILED }, .ref = "Base 2.0 Directive Receive command" },
	{ nvme_admin_virtual_mgmt, "Virtualization Mgmt", COST_ACCESS,
	  .fields = FIELDS(F("ACT", 10, 3, 0), F("RT", 10, 10, 8), F("CNTLID", 10, 31, 16),
			   F("NR", 11, 15, 0)),
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_VIRTUAL, .ref = "Base 2.0 Virtualization Management command" },
	{ nvme_admin_nvme_mi_send, "NVMe-MI Send", COST_UNKNOWN, .len = LEN_DEPENDS,
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_MI, .nsid = NSID_OPEN, .ref = "Base 2.0 NVMe-MI Send command" },
	{ nvme_admin_nvme_mi_recv, "NVMe-MI Receive", COST_UNKNOWN, .len = LEN_DEPENDS,
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_MI, .nsid = NSID_OPEN, .ref = "Base 2.0 NVMe-MI Receive command" },
	{ nvme_admin_capacity_mgmt, "Capacity Management", COST_WEAR,
	  .fields = FIELDS(F("OPER", 10, 3, 0), F("ELID", 10, 31, 16), WHOLE("CAPL", 11),
			   WHOLE("CAPU", 12)),
	  .since = VS(2, 0, 0), .claim = CLAIM_CTRATT_FIXED_CAPACITY, .nsid = NSID_OPEN, .ref = "Base 2.0 Capacity Management command" },
	{ nvme_admin_lockdown, "Lockdown", COST_ACCESS,
	  .fields = FIELDS(F("SCP", 10, 3, 0), F("PRHBT", 10, 4, 4), F("IFC", 10, 6, 5),
			   F("OFI", 10, 15, 8), F("UUIDX", 14, 6, 0)),
	  .since = VS(2, 0, 0), .claim = CLAIM_OACS_LOCKDOWN, .ref = "Base 2.0 Lockdown command" },
	{ nvme_admin_dbbuf, "Doorbell Buffer Cfg", .len = LEN_NONE,
	  .since = VS(1, 3, 0), .claim = CLAIM_OACS_DBBUF, .ref = "Base 2.0 Doorbell Buffer Config command" },
	{ nvme_admin_format_nvm, "Format NVM", COST_DATA,
	  .fields = FIELDS(F("LBAFL", 10, 3, 0), F("MSET", 10, 4, 4), F("PI", 10, 7, 5),
			   F("PIL", 10, 8, 8), F("SES", 10, 11, 9), F("LBAFU", 10, 13, 12)),
	  .claim = CLAIM_OACS_FORMAT, .nsid = NSID_OPEN, .ends = { SC_FORMAT_INVALID }, .ref = "Base 2.0 Format NVM command" },
	{ nvme_admin_security_send, "Security Send", COST_ACCESS, LEN_BYTES, .len_field = "TL",
	  .fields = FIELDS(F("NSSF", 10, 7, 0), F("SPSP", 10, 23, 8), F("SECP", 10, 31, 24),
			   WHOLE("TL", 11)),
	  .claim = CLAIM_OACS_SECURITY, .nsid = NSID_OPEN, .ref = "Base 2.0 Security Send command" },
	{ nvme_admin_security_recv, "Security Receive", .len = LEN_BYTES, .len_field = "AL",
	  .fields = FIELDS(F("NSSF", 10, 7, 0), F("SPSP", 10, 23, 8), F("SECP", 10, 31, 24),
			   WHOLE("AL", 11)),
	  .claim = CLAIM_OACS_SECURITY, .nsid = NSID_OPEN, .ref = "Base 2.0 Security Receive command" },
	{ nvme_admin_sanitize_nvm, "Sanitize", COST_DATA,
	  .fields = FIELDS(F("SANACT", 10, 2, 0, VALUES(V(1, 4, "exit failure, block, overwrite, crypto"), V(5, 5, "exit media verification", .open = true)), .ref = "Base 2.0 Sanitize command (Sanitize Action)"), F("AUSE", 10, 3, 3), F("OWPASS", 10, 7, 4),
			   F("OIPBP", 10, 8, 8), F("NDAS", 10, 9, 9), WHOLE("OVRPAT", 11)),
	  .since = VS(1, 3, 0), .claim = CLAIM_SANICAP, .ref = "Base 2.0 Sanitize command" },
	{ nvme_admin_get_lba_status, "Get LBA Status", .len = LEN_DWORDS_Z, .len_field = "MNDW",
	  .fields = FIELDS(TWO("SLBA", 10), WHOLE("MNDW", 12), F("RL", 13, 15, 0),
			   F("ATYPE", 13, 31, 24, VALUES(V(0x02, 0x02, "allocated", .open = true), V(0x10, 0x11, "potentially unrecoverable")), .ref = "NVM CS 1.0 Get LBA Status command (Action Type)")),
	  .since = VS(1, 4, 0), .claim = CLAIM_OACS_LBA_STATUS, .nsid = NSID_ONE, .ref = "NVM CS 1.0 Get LBA Status command" },
};

/* What the commands over a range of logical blocks share. */
#define RANGE	  TWO("SLBA", 10), F("NLB", 12, 15, 0), F("STC", 12, 24, 24)
#define PROTECTED F("PRINFO", 12, 29, 26), F("FUA", 12, 30, 30), F("LR", 12, 31, 31)
#define TAGS_IN	  WHOLE("EILBRT", 14), F("ELBAT", 15, 15, 0), F("ELBATM", 15, 31, 16)
#define TAGS_OUT  WHOLE("ILBRT", 14), F("LBAT", 15, 15, 0), F("LBATM", 15, 31, 16)
#define DIRECTIVE F("DTYPE", 12, 23, 20), F("DSPEC", 13, 31, 16)
#define HINTS	  F("DSM", 13, 7, 0)
#define KEYED	  F("IEKEY", 10, 3, 3)

static const struct spec_command io_commands[] = {
	{ nvme_cmd_flush, "Flush", .len = LEN_NONE,
	  .nsid = NSID_ONE_OR_ALL, .ref = "Base 2.0 Flush command" },
	{ nvme_cmd_write, "Write", COST_DATA, LEN_BLOCKS, .len_field = "NLB",
	  .fields = FIELDS(RANGE, PROTECTED, DIRECTIVE, HINTS, TAGS_OUT),
	  .nsid = NSID_ONE, .ref = "NVM CS 1.0 Write command" },
	{ nvme_cmd_read, "Read", .len = LEN_BLOCKS, .len_field = "NLB",
	  .fields = FIELDS(RANGE, PROTECTED, HINTS, TAGS_IN),
	  .nsid = NSID_ONE, .ref = "NVM CS 1.0 Read command" },
	{ nvme_cmd_write_uncor, "Write Uncorrectable", COST_DATA,
	  .fields = FIELDS(TWO("SLBA", 10), F("NLB", 12, 15, 0), DIRECTIVE),
	  .claim = CLAIM_ONCS_WRITE_UNCOR, .or_claim = CLAIM_WUSL, .nsid = NSID_ONE, .ref = "NVM CS 1.0 Write Uncorrectable command" },
	{ nvme_cmd_compare, "Compare", .len = LEN_BLOCKS, .len_field = "NLB",
	  .fields = FIELDS(RANGE, PROTECTED, TAGS_IN),
	  .claim = CLAIM_ONCS_COMPARE, .nsid = NSID_ONE, .ends = { SC_COMPARE_FAILURE }, .ref = "NVM CS 1.0 Compare command" },
	{ nvme_cmd_write_zeroes, "Write Zeroes", COST_DATA,
	  .fields = FIELDS(RANGE, F("DEAC", 12, 25, 25), PROTECTED, DIRECTIVE, TAGS_OUT),
	  .since = VS(1, 1, 0), .claim = CLAIM_ONCS_WRITE_ZEROES, .or_claim = CLAIM_WZSL, .nsid = NSID_ONE, .ref = "NVM CS 1.0 Write Zeroes command" },
	{ nvme_cmd_dsm, "Dataset Management", COST_DATA, LEN_RANGES, 16, "NR",
	  .fields = FIELDS(F("NR", 10, 7, 0), F("IDR", 11, 0, 0), F("IDW", 11, 1, 1),
			   F("AD", 11, 2, 2)),
	  .claim = CLAIM_ONCS_DSM, .or_claim = CLAIM_DMSL, .nsid = NSID_ONE, .ref = "NVM CS 1.0 Dataset Management command" },
	{ nvme_cmd_verify, "Verify", .fields = FIELDS(RANGE, PROTECTED, TAGS_IN),
	  .since = VS(1, 4, 0), .claim = CLAIM_ONCS_VERIFY, .or_claim = CLAIM_VSL, .nsid = NSID_ONE, .ref = "NVM CS 1.0 Verify command" },
	{ nvme_cmd_resv_register, "Resv. Register", COST_ACCESS, LEN_FIXED, 16,
	  .fields = FIELDS(F("RREGA", 10, 2, 0, VALUES(V(0, 2, "register, unregister, replace")), .ref = "Base 2.0 Reservation Register command"), KEYED, F("CPTPL", 10, 31, 30)),
	  .since = VS(1, 1, 0), .claim = CLAIM_ONCS_RESERVATIONS, .nsid = NSID_ONE, .ends = { SC_RESERVATION_CONFLICT }, .ref = "Base 2.0 Reservation Register command" },
	{ nvme_cmd_resv_report, "Resv. Report", .len = LEN_DWORDS_Z, .len_field = "NUMD",
	  .fields = FIELDS(WHOLE("NUMD", 10), F("EDS", 11, 0, 0)),
	  .since = VS(1, 1, 0), .claim = CLAIM_ONCS_RESERVATIONS, .nsid = NSID_ONE, .ends = { SC_HOST_ID_FORMAT }, .ref = "Base 2.0 Reservation Report command" },
	{ nvme_cmd_resv_acquire, "Resv. Acquire", COST_ACCESS, LEN_FIXED, 16,
	  .fields = FIELDS(F("RACQA", 10, 2, 0, VALUES(V(0, 2, "acquire, preempt, preempt and abort")), .ref = "Base 2.0 Reservation Acquire command"), KEYED, F("RTYPE", 10, 15, 8)),
	  .since = VS(1, 1, 0), .claim = CLAIM_ONCS_RESERVATIONS, .nsid = NSID_ONE, .ends = { SC_RESERVATION_CONFLICT }, .ref = "Base 2.0 Reservation Acquire command" },
	{ nvme_cmd_resv_release, "Resv. Release", COST_ACCESS, LEN_FIXED, 8,
	  .fields = FIELDS(F("RRELA", 10, 2, 0, VALUES(V(0, 1, "release, clear")), .ref = "Base 2.0 Reservation Release command"), KEYED, F("RTYPE", 10, 15, 8)),
	  .since = VS(1, 1, 0), .claim = CLAIM_ONCS_RESERVATIONS, .nsid = NSID_ONE, .ends = { SC_RESERVATION_CONFLICT }, .ref = "Base 2.0 Reservation Release command" },
	{ nvme_cmd_copy, "Copy", COST_DATA, LEN_RANGES, 32, "NR",
	  .fields = FIELDS(TWO("SDLBA", 10), F("NR", 12, 7, 0), F("DESFMT", 12, 11, 8, VALUES(V(0, 0, "0h"), V(1, 15, "1h to Fh", .open = true)), .ref = "NVM CS 1.0 Copy command"),
			   F("PRINFOR", 12, 15, 12), F("STCW", 12, 24, 24), F("STCR", 12, 25, 25),
			   F("PRINFOW", 12, 29, 26), F("FUA", 12, 30, 30), F("LR", 12, 31, 31),
			   DIRECTIVE, TAGS_OUT),
	  .since = VS(2, 0, 0), .claim = CLAIM_ONCS_COPY, .nsid = NSID_ONE, .ends = { SC_COMMAND_SIZE_LIMIT }, .ref = "NVM CS 1.0 Copy command" },
	{ nvme_zns_cmd_mgmt_send, "Zone Mgmt Send", COST_DATA, LEN_DEPENDS,
	  .fields = FIELDS(TWO("SLBA", 10), F("ZSA", 13, 7, 0, VALUES(V(1, 5, "close, finish, open, reset, offline"), V(0x10, 0x11, "descriptor extension, flush", .open = true)), .ref = "ZNS CS 1.1 Zone Management Send command"), F("SALL", 13, 8, 8),
			   F("ZSASO", 13, 9, 9)),
	  .nsid = NSID_ONE, .csi = 2, .ref = "ZNS CS 1.1 Zone Management Send command" },
	{ nvme_zns_cmd_mgmt_recv, "Zone Mgmt Receive", .len = LEN_DWORDS_Z, .len_field = "NDW",
	  .fields = FIELDS(TWO("SLBA", 10), WHOLE("NDW", 12), F("ZRA", 13, 7, 0, VALUES(V(0, 1, "report, extended report")), .ref = "ZNS CS 1.1 Zone Management Receive command"),
			   F("ZRASF", 13, 15, 8, VALUES(V(0, 7, "all, one state"), V(9, 9, "with an attribute", .open = true)), .ref = "ZNS CS 1.1 Zone Management Receive command"), F("ZRASPF", 13, 16, 16)),
	  .nsid = NSID_ONE, .csi = 2, .ref = "ZNS CS 1.1 Zone Management Receive command" },
	{ nvme_zns_cmd_append, "Zone Append", COST_DATA, LEN_BLOCKS, .len_field = "NLB",
	  .fields = FIELDS(TWO("ZSLBA", 10), F("NLB", 12, 15, 0), F("PIREMAP", 12, 25, 25),
			   PROTECTED, DIRECTIVE, TAGS_OUT),
	  .nsid = NSID_ONE, .csi = 2, .ref = "ZNS CS 1.1 Zone Append command" },
};
/* clang-format on */

const struct spec_command *spec_command_nth(bool admin, size_t i)
{
	if (admin)
		return i < ARRAY_SIZE(admin_commands) ? &admin_commands[i] : NULL;
	return i < ARRAY_SIZE(io_commands) ? &io_commands[i] : NULL;
}

const struct spec_command *spec_command(bool admin, uint8_t opcode)
{
	const struct spec_command *c;

	for (size_t i = 0; (c = spec_command_nth(admin, i)); i++)
		if (c->opcode == opcode)
			return c;
	return NULL;
}
