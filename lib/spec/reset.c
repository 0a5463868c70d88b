// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/reset.h"

const struct spec_reset_kind spec_resets[SPEC_RESETS] = {
	[RESET_OF_CONTROLLER] = { "controller", CLAIM_NONE, "Base 2.0 Controller Level Reset" },
	[RESET_OF_FUNCTION] = { "function", CLAIM_NONE,
				"PCIe Transport 1.0 Controller Level Reset" },
	[RESET_OF_SUBSYSTEM] = { "subsystem", CLAIM_CAP_NSSRS, "Base 2.0 NVM Subsystem Reset" },
	[RESET_AFTER_SHUTDOWN] = { "shutdown", CLAIM_NONE,
				   "Base 2.0 Memory-based Transport Controller Shutdown" },
};

const struct spec_piece_row spec_pieces[SPEC_PIECES] = {
	[PIECE_IO_QUEUES] = { "io-queues", "I/O queues", CLAIM_NONE,
			      "Base 2.0 Controller Level Reset" },
	[PIECE_QUEUE_COUNT] = { "queue-count", "the number of queues", CLAIM_NONE,
				"Base 2.0 Number of Queues (Feature Identifier 07h)" },
	[PIECE_EVENT_REQUESTS] = { "event-requests", "outstanding event requests", CLAIM_NONE,
				   "Base 2.0 Controller Level Reset; Base 2.0 Asynchronous Event "
				   "Request command" },
};
