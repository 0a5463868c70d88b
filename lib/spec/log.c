// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/log.h"

#define REF "Base 2.0 Get Log Page command (Log Page Identifiers)"

#define LID(v, name_, major, minor, claim_, strict_)                                               \
	.value = { .from = (v),                                                                    \
		   .to = (v),                                                                      \
		   .name = (name_),                                                                \
		   .since = VS(major, minor, 0),                                                   \
		   .claim = CLAIM_##claim_,                                                        \
		   .strict = (strict_) }

/* clang-format off */
const struct spec_log spec_logs[] = {
	{ LID(0x00, "Supported Log Pages", 2, 0, NONE, false), .id = "supported-pages", .mandatory = true, .bytes = 1024, .unit = 4, .ref = "Base 2.0 Supported Log Pages (Log Identifier 00h)" },
	{ LID(0x01, "Error Information", 1, 0, NONE, false), .id = "error", .mandatory = true, .unit = 4, .ref = "Base 2.0 Error Information (Log Identifier 01h)" },
	{ LID(0x02, "SMART / Health Information", 1, 0, NONE, false), .id = "smart", .mandatory = true, .bytes = 512, .of_ns = true, .unit = 4, .ref = "Base 2.0 SMART / Health Information (Log Identifier 02h)" },
	{ LID(0x03, "Firmware Slot Information", 1, 0, NONE, false), .id = "firmware-slot", .mandatory = true, .bytes = 512, .unit = 4, .ref = "Base 2.0 Firmware Slot Information (Log Identifier 03h)" },
	{ LID(0x04, "Changed Namespace List", 1, 2, NONE, false), .id = "changed-namespaces", .bytes = 4096, .unit = 4, .ref = REF },
	{ LID(0x05, "Commands Supported and Effects", 1, 2, LPA_EFFECTS, false), .id = "effects", .mandatory = true, .bytes = 4096, .unit = 4, .ref = "Base 2.0 Commands Supported and Effects (Log Identifier 05h)" },
	{ LID(0x06, "Device Self-test", 1, 3, OACS_SELF_TEST, false), .id = "self-test", .mandatory = true, .bytes = 564, .unit = 4, .ref = REF },
	{ LID(0x07, "Telemetry Host-Initiated", 1, 3, LPA_TELEMETRY, true), .id = "telemetry-host", .mandatory = true, .by_lsp = true, .unit = 512, .ref = "Base 2.0 Telemetry Host-Initiated (Log Identifier 07h)" },
	{ LID(0x08, "Telemetry Controller-Initiated", 1, 3, LPA_TELEMETRY, true), .id = "telemetry-controller", .mandatory = true, .by_lsp = true, .unit = 512, .ref = "Base 2.0 Telemetry Controller-Initiated (Log Identifier 08h)" },
	{ LID(0x09, "Endurance Group Information", 1, 4, CTRATT_GROUPS, false), .id = "endurance-group", .bytes = 512, .by_lsi = true, .unit = 4, .ref = REF },
	{ LID(0x0a, "Predictable Latency Per NVM Set", 1, 4, CTRATT_PREDICTABLE, false), .id = "predictable-set", .bytes = 512, .by_lsi = true, .unit = 4, .ref = REF },
	{ LID(0x0b, "Predictable Latency Event Aggregate", 1, 4, CTRATT_PREDICTABLE, false), .id = "predictable-events", .unit = 4, .ref = REF },
	{ LID(0x0c, "Asymmetric Namespace Access", 1, 4, CMIC_ANA, false), .id = "ana", .by_lsp = true, .indexed = true, .unit = 4, .ref = REF },
	{ LID(0x0d, "Persistent Event", 1, 4, LPA_PERSISTENT, true), .id = "persistent-event", .mandatory = true, .by_lsp = true, .unit = 4, .ref = "Base 2.0 Persistent Event (Log Identifier 0Dh)" },
	{ LID(0x0e, "LBA Status Information", 1, 4, OACS_LBA_STATUS, false), .id = "lba-status", .unit = 4, .ref = REF },
	{ LID(0x0f, "Endurance Group Event Aggregate", 1, 4, CTRATT_GROUPS, false), .id = "endurance-events", .unit = 4, .ref = REF },
	{ LID(0x10, "Media Unit Status", 2, 0, CTRATT_FIXED_CAPACITY, false), .id = "media-units", .by_lsi = true, .unit = 4, .ref = REF },
	{ LID(0x11, "Supported Capacity Configuration List", 2, 0, CTRATT_FIXED_CAPACITY, false), .id = "capacity-configurations", .by_lsi = true, .unit = 4, .ref = REF },
	{ LID(0x12, "Feature Identifiers Supported and Effects", 2, 0, LPA_SUPPORTED, false), .id = "feature-effects", .mandatory = true, .bytes = 1024, .unit = 4, .ref = REF },
	{ LID(0x13, "NVMe-MI Commands Supported and Effects", 2, 0, LPA_SUPPORTED, false), .id = "mi-effects", .mandatory = true, .bytes = 4096, .unit = 4, .ref = REF },
	{ LID(0x14, "Command and Feature Lockdown", 2, 0, OACS_LOCKDOWN, false), .id = "lockdown", .mandatory = true, .bytes = 512, .by_lsp = true, .unit = 4, .ref = REF },
	{ .value = { .from = 0x15, .to = 0x2f, .name = "of later revisions", .open = true }, .id = "later", .unit = 4, .ref = REF },
	{ .value = { .from = 0x70, .to = 0x7f, .name = "of NVMe over Fabrics, of later revisions", .open = true }, .id = "fabrics", .unit = 4, .ref = REF },
	{ .value = { .from = 0x80, .to = 0x80, .name = "Reservation Notification", .since = VS(1, 1, 0), .claim = CLAIM_ONCS_RESERVATIONS }, .id = "reservation", .bytes = 64, .unit = 4, .ref = REF },
	{ .value = { .from = 0x81, .to = 0x81, .name = "Sanitize Status", .since = VS(1, 3, 0), .claim = CLAIM_SANICAP }, .id = "sanitize", .mandatory = true, .bytes = 512, .unit = 4, .ref = REF },
	{ .value = { .from = 0x82, .to = 0xbf, .name = "of I/O command sets", .open = true }, .id = "command-sets", .of_ns = true, .unit = 4, .ref = REF },
	{ .value = { .from = 0xc0, .to = 0xff, .name = "Vendor Specific", .open = true }, .id = "vendor", .of_ns = true, .unit = 4, .ref = REF },
	{ .value = { .name = NULL } },
};
/* clang-format on */

const struct spec_log *spec_log(uint8_t lid)
{
	for (const struct spec_log *l = spec_logs; l->value.name; l++)
		if (lid >= l->value.from && lid <= l->value.to)
			return l;
	return NULL;
}
