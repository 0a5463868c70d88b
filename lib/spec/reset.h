/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resets against each piece of state: what is gone after which of them. Features stand in
 * spec/feature.h, where enum spec_after says the same of each.
 *
 * Source: Base 2.0 Controller Level Reset, NVM Subsystem Reset, Memory-based Transport Controller
 * Shutdown; PCIe Transport 1.0 Controller Level Reset.
 */
#ifndef SPEC_RESET_H
#define SPEC_RESET_H

#include "spec/claim.h"

enum spec_reset {
	RESET_OF_CONTROLLER,  /* CC.EN to 0 and 1 */
	RESET_OF_FUNCTION,    /* Function Level Reset */
	RESET_OF_SUBSYSTEM,   /* NSSR */
	RESET_AFTER_SHUTDOWN, /* CC.SHN, and then CC.EN to 0 and 1 */
	SPEC_RESETS
};

struct spec_reset_kind {
	const char *id; /* for case ids: "controller" */
	enum spec_claim claim;
	const char *ref;
};

extern const struct spec_reset_kind spec_resets[SPEC_RESETS];

/* All of these are Controller Level Resets, and so each piece is gone after each of them. */
enum spec_piece {
	PIECE_IO_QUEUES,      /* Delete of one is Invalid Queue Identifier */
	PIECE_QUEUE_COUNT,    /* Number of Queues may be set anew */
	PIECE_EVENT_REQUESTS, /* as many as AERL allows may be posted */
	SPEC_PIECES
};

struct spec_piece_row {
	const char *id, *what;
	enum spec_claim claim;
	const char *ref;
};

extern const struct spec_piece_row spec_pieces[SPEC_PIECES];

#endif
