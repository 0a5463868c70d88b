// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/feature.h"

#define REF "Base 2.0 Set Features command"

/* The value row: identifier, name, since, claim. */
#define FID(v, name_, major, minor, claim_)                                                        \
	.value = { .from = (v),                                                                    \
		   .to = (v),                                                                      \
		   .name = (name_),                                                                \
		   .since = VS(major, minor, 0),                                                   \
		   .claim = CLAIM_##claim_,                                                        \
		   .strict = CLAIM_##claim_ != CLAIM_NONE }
/* The claim makes it a must; without it the feature may be there all the same. */
#define FID_MAY(v, name_, major, minor, claim_)                                                    \
	.value = { .from = (v),                                                                    \
		   .to = (v),                                                                      \
		   .name = (name_),                                                                \
		   .since = VS(major, minor, 0),                                                   \
		   .claim = CLAIM_##claim_ }

#define V(from_, to_, name_) { .from = (from_), .to = (to_), .name = (name_) }
#define VALUES(...)                                                                                \
	.values = (const struct spec_value[]){ __VA_ARGS__, { .name = NULL } },                     \
	.value_size = sizeof(struct spec_value)
#define F(name_, dword_, high, low_)                                                               \
	.name = (name_), .dword = (dword_), .low = (low_), .width = (high) - (low_) + 1
#define FIELDS(...) .fields = (const struct spec_field[]){ __VA_ARGS__, { .name = NULL } }

/* clang-format off */
const struct spec_feature spec_features[] = {
	{ FID(0x01, "Arbitration", 1, 0, NONE), .id = "arbitration", .mandatory = true, .settable = true, .flip = 0x1,
	  FIELDS({ F("AB", 11, 2, 0) }, { F("LPW", 11, 15, 8) }, { F("MPW", 11, 23, 16) }, { F("HPW", 11, 31, 24) }),
	  .ref = "Base 2.0 Arbitration (Feature Identifier 01h)" },
	{ FID(0x02, "Power Management", 1, 0, NONE), .id = "power-management", .mandatory = true,
	  FIELDS({ F("PS", 11, 4, 0) }, { F("WH", 11, 7, 5) }),
	  .ref = "Base 2.0 Power Management (Feature Identifier 02h)" },
	{ .value = { .from = 0x03, .to = 0x03, .name = "LBA Range Type", .open = true }, .id = "lba-range-type",
	  .scope = SCOPE_NAMESPACE, .after = AFTER_KEPT, .set_bytes = 4096, .get_bytes = 4096,
	  FIELDS({ F("NUM", 11, 5, 0) }), .ref = "NVM CS 1.0 LBA Range Type (Feature Identifier 03h)" },
	{ FID(0x04, "Temperature Threshold", 1, 0, NONE), .id = "temperature-threshold", .mandatory = true, .settable = true, .flip = 0x1,
	  FIELDS({ F("TMPTH", 11, 15, 0) },
		 { F("TMPSEL", 11, 19, 16), VALUES(V(0, 0, "Composite"), { .from = 1, .to = 8, .name = "a sensor", .open = true }, V(15, 15, "all")), .ref = "Base 2.0 Temperature Threshold (Feature Identifier 04h)" },
		 { F("THSEL", 11, 21, 20), VALUES(V(0, 0, "over"), V(1, 1, "under")), .ref = "Base 2.0 Temperature Threshold (Feature Identifier 04h)" },
		 { F("TMPTHH", 11, 24, 22), .wrong = WRONG_IGNORED }),
	  .ref = "Base 2.0 Temperature Threshold (Feature Identifier 04h)" },
	{ FID(0x05, "Error Recovery", 1, 0, NONE), .id = "error-recovery", .mandatory = true, .scope = SCOPE_NAMESPACE, .settable = true, .flip = 0x1,
	  FIELDS({ F("TLER", 11, 15, 0) }, { F("DULBE", 11, 16, 16) }),
	  .ref = "NVM CS 1.0 Error Recovery (Feature Identifier 05h)" },
	{ FID(0x06, "Volatile Write Cache", 1, 0, VWC), .id = "volatile-write-cache", .settable = true, .flip = 0x1,
	  FIELDS({ F("WCE", 11, 0, 0) }), .ref = "Base 2.0 Volatile Write Cache (Feature Identifier 06h)" },
	{ FID(0x07, "Number of Queues", 1, 0, NONE), .id = "number-of-queues", .mandatory = true, .after = AFTER_OPEN,
	  FIELDS({ F("NSQR", 11, 15, 0), VALUES(V(0, 0xfffe, "queues, 0's based")), .wrong = WRONG_CODE, .status = { 0x002 }, .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)" },
		 { F("NCQR", 11, 31, 16), VALUES(V(0, 0xfffe, "queues, 0's based")), .wrong = WRONG_CODE, .status = { 0x002 }, .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)" }),
	  .ref = "Base 2.0 Number of Queues (Feature Identifier 07h)" },
	{ FID(0x08, "Interrupt Coalescing", 1, 0, NONE), .id = "interrupt-coalescing", .mandatory = true, .pcie = true, .settable = true, .flip = 0x101,
	  FIELDS({ F("THR", 11, 7, 0) }, { F("TIME", 11, 15, 8) }), .ref = "Base 2.0 Interrupt Coalescing (Feature Identifier 08h)" },
	{ FID(0x09, "Interrupt Vector Configuration", 1, 0, NONE), .id = "interrupt-vector", .mandatory = true, .pcie = true,
	  FIELDS({ F("IV", 11, 15, 0) }, { F("CD", 11, 16, 16) }), .ref = "Base 2.0 Interrupt Vector Configuration (Feature Identifier 09h)" },
	{ FID(0x0a, "Write Atomicity Normal", 1, 0, NONE), .id = "write-atomicity", .mandatory = true, .settable = true, .flip = 0x1,
	  FIELDS({ F("DN", 11, 0, 0) }), .ref = "NVM CS 1.0 Write Atomicity Normal (Feature Identifier 0Ah)" },
	{ FID(0x0b, "Asynchronous Event Configuration", 1, 0, NONE), .id = "async-event-config", .mandatory = true, .settable = true, .flip = 0x1,
	  FIELDS({ F("SMART", 11, 7, 0) }, { F("NOTICES", 11, 24, 8) }, { F("NOTICES", 11, 31, 27) }),
	  .ref = "Base 2.0 Asynchronous Event Configuration (Feature Identifier 0Bh)" },
	{ FID(0x0c, "Autonomous Power State Transition", 1, 1, APSTA), .id = "power-transitions", .set_bytes = 256, .get_bytes = 256,
	  FIELDS({ F("APSTE", 11, 0, 0) }), .ref = "Base 2.0 Autonomous Power State Transition (Feature Identifier 0Ch)" },
	{ FID(0x0d, "Host Memory Buffer", 1, 2, HMB), .id = "host-memory-buffer", .after = AFTER_OPEN, .get_bytes = 4096,
	  FIELDS({ F("EHM", 11, 0, 0) }, { F("MR", 11, 1, 1) }, { F("HSIZE", 12, 31, 0) }, { F("HMDLLA", 13, 63, 0) }, { F("HMDLEC", 15, 31, 0) }),
	  .ref = "Base 2.0 Host Memory Buffer (Feature Identifier 0Dh)" },
	{ FID(0x0e, "Timestamp", 1, 3, ONCS_TIMESTAMP), .id = "timestamp", .after = AFTER_OPEN, .set_bytes = 8, .get_bytes = 8,
	  .ref = "Base 2.0 Timestamp (Feature Identifier 0Eh)" },
	{ FID(0x0f, "Keep Alive Timer", 1, 2, KAS), .id = "keep-alive-timer", .after = AFTER_OPEN,
	  FIELDS({ F("KATO", 11, 31, 0) }), .ref = "Base 2.0 Keep Alive Timer (Feature Identifier 0Fh)" },
	{ FID(0x10, "Host Controlled Thermal Management", 1, 3, HCTMA), .id = "thermal-management", .after = AFTER_OPEN,
	  FIELDS({ F("TMT2", 11, 15, 0) }, { F("TMT1", 11, 31, 16) }), .ref = "Base 2.0 Host Controlled Thermal Management (Feature Identifier 10h)" },
	{ FID(0x11, "Non-Operational Power State Config", 1, 3, CTRATT_NON_OPERATIONAL), .id = "non-operational", .after = AFTER_OPEN,
	  FIELDS({ F("NOPPME", 11, 0, 0) }), .ref = "Base 2.0 Non-Operational Power State Config (Feature Identifier 11h)" },
	{ FID(0x12, "Read Recovery Level Config", 1, 4, CTRATT_RECOVERY_LEVELS), .id = "read-recovery-level", .scope = SCOPE_OTHER, .after = AFTER_OPEN, .ref = REF },
	{ FID(0x13, "Predictable Latency Mode Config", 1, 4, CTRATT_PREDICTABLE), .id = "predictable-config", .scope = SCOPE_OTHER, .after = AFTER_OPEN, .set_bytes = 512, .get_bytes = 512, .ref = REF },
	{ FID(0x14, "Predictable Latency Mode Window", 1, 4, CTRATT_PREDICTABLE), .id = "predictable-window", .scope = SCOPE_OTHER, .after = AFTER_OPEN, .ref = REF },
	{ FID_MAY(0x15, "LBA Status Information Report Interval", 1, 4, OACS_LBA_STATUS), .id = "lba-status-interval", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0x16, .to = 0x16, .name = "Host Behavior Support", .open = true }, .id = "host-behavior", .after = AFTER_OPEN, .set_bytes = 512, .get_bytes = 512,
	  .ref = "Base 2.0 Host Behavior Support (Feature Identifier 16h)" },
	{ FID_MAY(0x17, "Sanitize Config", 1, 4, SANICAP), .id = "sanitize-config", .scope = SCOPE_OTHER, .after = AFTER_OPEN, .ref = REF },
	{ FID_MAY(0x18, "Endurance Group Event Configuration", 1, 4, CTRATT_GROUPS), .id = "endurance-events", .scope = SCOPE_OTHER, .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0x19, .to = 0x1f, .name = "I/O Command Set Profile, and of later revisions", .open = true }, .id = "later", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0x20, .to = 0x2f, .name = "of other command sets, of later revisions", .open = true }, .id = "other-sets", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0x78, .to = 0x7f, .name = "of NVMe-MI", .open = true }, .id = "mi", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0x80, .to = 0x83, .name = "Software Progress Marker, Host Identifier, reservations", .open = true }, .id = "host", .after = AFTER_OPEN, .ref = REF },
	{ FID(0x84, "Namespace Write Protection Config", 1, 4, NWPC), .id = "write-protection", .scope = SCOPE_NAMESPACE, .after = AFTER_KEPT, .settable = true, .flip = 0x1,
	  FIELDS({ F("WPS", 11, 2, 0), VALUES(V(0, 0, "none"), V(1, 1, "write protect"), { .from = 2, .to = 3, .name = "until power cycle, permanent", .open = true }), .ref = "Base 2.0 Namespace Write Protection Config (Feature Identifier 84h)" }),
	  .ref = "Base 2.0 Namespace Write Protection Config (Feature Identifier 84h); Base 2.1 Namespace Write Protection (Namespace Write Protection State Definitions)" },
	{ .value = { .from = 0x85, .to = 0x87, .name = "of later revisions", .open = true }, .id = "later-sets", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .from = 0xc0, .to = 0xff, .name = "Vendor Specific", .open = true }, .id = "vendor", .after = AFTER_OPEN, .ref = REF },
	{ .value = { .name = NULL } },
};
/* clang-format on */

const struct spec_feature *spec_feature(uint8_t fid)
{
	for (const struct spec_feature *f = spec_features; f->value.name; f++)
		if (fid >= f->value.from && fid <= f->value.to)
			return f;
	return NULL;
}

uint32_t spec_feature_reserved(const struct spec_feature *f)
{
	uint32_t left = ~0u;

	for (const struct spec_field *d = f->fields; d && d->name; d++)
		for (unsigned bit = d->low; bit < d->low + d->width && d->dword == 11; bit++)
			left &= ~(1u << bit);
	return f->fields ? left : 0;
}
