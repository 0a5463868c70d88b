// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/event.h"

#include <stddef.h>

#define REF                                                                                        \
	"Base 2.1 Asynchronous Event Request command; Base 2.1 Asynchronous Event Configuration "  \
	"(Feature Identifier 0Bh)"

/* clang-format off */
#define ERROR(info_, name_) .type = EVENT_OF_ERROR, .info = (info_), .name = (name_), .lid = 0x01, .config = EVENT_ALWAYS, .oaes = -1, .ref = "Base 2.1 Asynchronous Event Request command (Error Status)"
#define SMART(info_, name_, bit) .type = EVENT_OF_SMART, .info = (info_), .name = (name_), .lid = 0x02, .config = (bit), .oaes = -1, .ref = REF
/* The bit that claims a notice and the one that enables it are the same. */
#define NOTICE(info_, name_, lid_, bit) .type = EVENT_OF_NOTICE, .info = (info_), .name = (name_), .lid = (lid_), .config = (bit), .oaes = (bit), .ref = REF
#define IO(info_, name_, lid_) .type = EVENT_OF_IO, .info = (info_), .name = (name_), .lid = (lid_), .config = EVENT_ALWAYS, .oaes = -1

const struct spec_event spec_events[] = {
	{ "doorbell-register", ERROR(0x00, "Write to Invalid Doorbell Register") },
	{ "doorbell-value", ERROR(0x01, "Invalid Doorbell Write Value") },
	{ "diagnostic-failure", ERROR(0x02, "Diagnostic Failure") },
	{ "persistent-error", ERROR(0x03, "Persistent Internal Error") },
	{ "transient-error", ERROR(0x04, "Transient Internal Error") },
	{ "firmware-load-error", ERROR(0x05, "Firmware Image Load Error") },
	{ "reliability", SMART(0x00, "NVM subsystem Reliability", 2) },
	{ "temperature", SMART(0x01, "Temperature Threshold", 1) },
	{ "spare", SMART(0x02, "Spare Below Threshold", 0) },
	{ "namespace", NOTICE(0x00, "Namespace Attribute Changed", 0x04, 8) },
	{ "firmware-activation", NOTICE(0x01, "Firmware Activation Starting", 0x03, 9) },
	{ "telemetry", NOTICE(0x02, "Telemetry Log Changed", 0x08, 10) },
	{ "ana", NOTICE(0x03, "Asymmetric Namespace Access Change", 0x0c, 11) },
	{ "predictable-latency", NOTICE(0x04, "Predictable Latency Event Aggregate Log Change", 0x0b, 12) },
	{ "lba-status", NOTICE(0x05, "LBA Status Information Alert", 0x0e, 13) },
	{ "endurance-group", NOTICE(0x06, "Endurance Group Event Aggregate Log Page Change", 0x0f, 14) },
	{ "zone-descriptor", NOTICE(0xef, "Zone Descriptor Changed", 0xbf, 27) },
	{ "reservation", IO(0x00, "Reservation Log Page Available", 0x80), .mask = 0x82,
	  .ref = "Base 2.2 Reservation Notifications; Base 2.0 Reservation Notification Mask (Feature Identifier 82h)" },
	{ "sanitize", IO(0x01, "Sanitize Operation Completed", 0x81),
	  .ref = "Base 2.1 Sanitize Operation Types and Support" },
	{ "sanitize-deallocated", IO(0x02, "Sanitize Operation Completed With Unexpected Deallocation", 0x81),
	  .ref = "Base 2.1 Sanitize Operation Types and Support" },
	{ NULL },
};
/* clang-format on */

const struct spec_event *spec_event(enum spec_event_type type, uint8_t info)
{
	for (const struct spec_event *e = spec_events; e->id; e++)
		if (e->type == type && e->info == info)
			return e;
	return NULL;
}
