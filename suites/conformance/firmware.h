/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware Image Download and Firmware Commit as far as they can be sent to a drive that is to be
 * used afterwards: what is downloaded is noise, what is committed is to be refused, and nothing is
 * to be activated.
 */
#ifndef CONFORMANCE_FIRMWARE_H
#define CONFORMANCE_FIRMWARE_H

#include "kit/kit.h"

enum fw_action { FW_REPLACE, FW_REPLACE_AND_ACTIVATE, FW_ACTIVATE, FW_ACTIVATE_NOW };

/* What must be as it was when a case is over. */
struct fw_state {
	struct nvme_firmware_slot log;
	char fr[8];
	unsigned slots, active, next;
	bool first_ro;
};

/* For `.na`: the sentence when OACS bit 2 is 0. */
const char *fw_na(const struct facts *f);

const struct fw_state *fw_look(struct rig *r);
/* The revision that runs, the slots and what is in them are as they were. */
void fw_check_same(struct rig *r, const struct fw_state *was);
/* A slot that may be written and that nothing needs, an empty one if there is one; N/A: none is. */
unsigned fw_spare_slot(struct rig *r, const struct fw_state *s);
/* Bytes of the least piece that FWUG asks for, 4 KiB where it asks for nothing. */
uint32_t fw_piece(struct rig *r);

/* Noise of that many bytes, sent as the piece at that offset, both in bytes. */
struct cpl fw_download(struct rig *r, uint64_t at, uint32_t bytes);
/* Checks what Dword 0 says, too. */
struct cpl fw_commit(struct rig *r, unsigned slot, unsigned action);

#endif
