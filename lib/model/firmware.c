// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Firmware Image Download and Firmware Commit, the slots and log page 03h.
 * Sources: Base 2.2 Firmware Update Process; Base 2.1 Firmware Commit command, Firmware Image
 * Download command; Base 2.0 Firmware Slot Information.
 */
#include "model/firmware.h"

#include <stdlib.h>

#include "model/core.h"
#include "model/log.h"

#define SLOTS_MAX	7u
#define UNIT		4096u /* of FWUG */
#define EVENT_NOTICE	2u
#define INFO_ACTIVATION 1u /* Firmware Activation Starting */
#define AT_FS		MCMD_AT(40, 0)
#define AT_CA		MCMD_AT(40, 3)

enum { REPLACE, REPLACE_AND_ACTIVATE, ACTIVATE, ACTIVATE_NOW, BOOT_REPLACE = 6, BOOT_ACTIVATE = 7 };

struct fw_slot {
	bool used;
	uint8_t revision[FW_REVISION];
};

struct model_firmware {
	struct fw_slot slot[SLOTS_MAX + 1];
	unsigned active, next; /* next: of the next Controller Level Reset; 0: as now */
	/* the pieces downloaded since the last commit or reset */
	uint8_t data[FW_IMAGE_MAX];
	bool have[FW_IMAGE_MAX / 4]; /* each dword */
	size_t end;
	bool overlaps, committed; /* committed: the next piece begins a new image */
	uint8_t *boot[2];
	bool boot_id;
};

static bool is_claimed(const struct model *m)
{
	return m->opt.oacs & NVME_CTRL_OACS_FW;
}

uint8_t firmware_frmw(const struct model *m)
{
	return is_claimed(m) ? (uint8_t)m->opt.frmw : 1 << 1 | FRMW_FIRST_RO;
}

uint8_t firmware_fwug(const struct model *m)
{
	return is_claimed(m) && m->opt.vs >= VS(1, 3, 0) ? (uint8_t)m->opt.fwug : 0;
}

uint32_t fw_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t a = 1, b = 0;

	for (size_t i = 0; i < len; i++) {
		a = (a + p[i]) % 65521;
		b = (b + a) % 65521;
	}
	return b << 16 | a;
}

struct model_firmware *firmware_new(struct model *m)
{
	struct model_firmware *f = calloc(1, sizeof(*f));

	(void)m;
	if (!f)
		return NULL;
	f->active = 1;
	f->slot[1].used = true;
	memset(f->slot[1].revision, ' ', FW_REVISION);
	memcpy(f->slot[1].revision, LOG_FIRMWARE, strlen(LOG_FIRMWARE));
	return f;
}

void firmware_free(struct model_firmware *f)
{
	if (!f)
		return;
	free(f->boot[0]);
	free(f->boot[1]);
	free(f);
}

static void forget_image(struct model_firmware *f)
{
	memset(f->have, 0, f->end / 4 * sizeof(f->have[0]));
	f->end = 0;
	f->overlaps = f->committed = false;
}

bool firmware_waits(const struct model *m)
{
	return m->firmware->next;
}

void firmware_reset(struct model *m, enum model_reset kind)
{
	struct model_firmware *f = m->firmware;

	forget_image(f);
	if (kind == MODEL_POWER_OFF || !f->next)
		return;
	f->active = f->next;
	f->next = 0;
}

const uint8_t *firmware_revision(const struct model *m)
{
	return m->firmware->slot[m->firmware->active].revision;
}

bool firmware_boot_active(const struct model *m)
{
	return m->firmware->boot_id;
}

const uint8_t *firmware_boot(const struct model *m, bool id)
{
	return m->firmware->boot[id];
}

/* ---- log page 03h ---- */

size_t firmware_log(struct model *m, uint8_t *page)
{
	struct nvme_firmware_slot *log = (struct nvme_firmware_slot *)page;
	const struct model_firmware *f = m->firmware;

	log->afi = (uint8_t)(f->active | f->next << 4);
	for (unsigned i = 1; i <= SLOTS_MAX; i++)
		if (f->slot[i].used)
			memcpy(log->frs[i - 1], f->slot[i].revision, FW_REVISION);
	if (FAULT(m, FW_SLOT_NONE_ACTIVE))
		log->afi = 0;
	if (FAULT(m, FW_SLOT_OTHER_REVISION))
		log->frs[0][0] = '9';
	if (FAULT(m, FW_SLOT_PAST_COUNT))
		memcpy(log->frs[5], log->frs[0], sizeof(log->frs[5]));
	if (f->end && FAULT(m, FW_PIECE_IN_LOG))
		memset(log->frs[1], '?', sizeof(log->frs[1]));
	return sizeof(*log);
}

/* ---- Firmware Image Download ---- */

static bool is_odd(const struct model *m, uint64_t at, uint64_t bytes)
{
	uint64_t unit = firmware_fwug(m);

	if (!unit || unit == 0xff)
		return false;
	return at % (unit * UNIT) || bytes % (unit * UNIT);
}

static void take_piece(struct model_firmware *f, size_t at, size_t bytes)
{
	for (size_t i = at / 4; i < (at + bytes) / 4; i++) {
		f->overlaps |= f->have[i];
		f->have[i] = true;
	}
	if (at + bytes > f->end)
		f->end = at + bytes;
}

void admin_fw_download(struct mcmd *c)
{
	struct model_firmware *f = c->m->firmware;
	uint64_t bytes = (mcmd_cdw10(c) + 1ull) * 4, at = le32_get(c->e.cdw11) * 4ull;
	bool odd = is_odd(c->m, at, bytes);

	if (admin_nsid_wrong(c))
		return;
	if (odd && FAULT(c->m, FW_ODD_PIECE_INTERNAL_ERROR)) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	if (odd || at + bytes > FW_IMAGE_MAX) {
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
		return;
	}
	if (mcmd_check_data(c, bytes))
		return;
	if (f->committed)
		forget_image(f);
	if (mcmd_from_host(c, f->data + at, 0, bytes, bytes))
		return;
	take_piece(f, at, bytes);
}

/* ---- Firmware Commit ---- */

/* From the start, without a gap. */
static bool is_whole(const struct model_firmware *f)
{
	for (size_t i = 0; i < f->end / 4; i++)
		if (!f->have[i])
			return false;
	return f->end;
}

static bool is_image(const struct model_firmware *f)
{
	struct fw_image head;

	if (f->end < sizeof(head))
		return false;
	memcpy(&head, f->data, sizeof(head));
	return !memcmp(head.magic, FW_MAGIC, sizeof(head.magic)) &&
	       le32_get(head.bytes) == f->end &&
	       le32_get(head.sum) == fw_sum(f->data + sizeof(head), f->end - sizeof(head));
}

static uint16_t check_image(const struct model *m)
{
	const struct model_firmware *f = m->firmware;

	if (!f->end || f->committed)
		return FAULT(m, FW_NOTHING_ACCEPTED) ? SC_SUCCESS : SC_FW_IMAGE_INVALID;
	if (f->overlaps)
		return FAULT(m, FW_OVERLAP_ACCEPTED) ? SC_SUCCESS : SC_OVERLAPPING_RANGE;
	if (!is_whole(f))
		return FAULT(m, FW_GAP_ACCEPTED) ? SC_SUCCESS : SC_FW_IMAGE_INVALID;
	return is_image(f) || FAULT(m, FW_NOISE_ACCEPTED) ? SC_SUCCESS : SC_FW_IMAGE_INVALID;
}

static unsigned first_slot(const struct model *m)
{
	return firmware_frmw(m) & FRMW_FIRST_RO ? 2 : 1;
}

/* The controller's choice: an empty slot, or the first that does not run. */
static unsigned choose_slot(const struct model *m)
{
	const struct model_firmware *f = m->firmware;
	unsigned n = FRMW_SLOTS(firmware_frmw(m)), other = first_slot(m);

	for (unsigned i = first_slot(m); i <= n; i++)
		if (!f->slot[i].used)
			return i;
	return other == f->active && other < n ? other + 1 : other;
}

static bool slot_fails(struct mcmd *c, unsigned slot, bool writes)
{
	struct model *m = c->m;
	unsigned n = FRMW_SLOTS(firmware_frmw(m));

	if (slot > n && !FAULT(m, FW_SLOT_PAST_COUNT_ACCEPTED))
		mcmd_fail(c, FAULT(m, FW_SLOT_WRONG_STATUS) ? SC_INVALID_FIELD : SC_FW_SLOT_INVALID,
			  AT_FS);
	else if (writes && slot && slot < first_slot(m))
		mcmd_fail(c, SC_FW_SLOT_INVALID, AT_FS);
	else if (writes && !slot && FAULT(m, FW_SLOT_ZERO_REFUSED))
		mcmd_fail(c, SC_FW_SLOT_INVALID, AT_FS);
	return c->status != SC_SUCCESS;
}

static void store(struct model *m, unsigned slot)
{
	struct model_firmware *f = m->firmware;

	f->slot[slot].used = true;
	memcpy(f->slot[slot].revision, f->data + offsetof(struct fw_image, revision), FW_REVISION);
	f->committed = true;
}

static void replace(struct mcmd *c, unsigned slot, unsigned action)
{
	struct model_firmware *f = c->m->firmware;
	unsigned writable = FRMW_SLOTS(firmware_frmw(c->m)) + 1 - first_slot(c->m);
	uint16_t status = check_image(c->m);

	if (status)
		mcmd_fail(c, status, MCMD_NOWHERE);
	else if (action == REPLACE && slot == f->active && writable > 1)
		mcmd_fail(c, SC_SEQUENCE_ERROR, AT_FS);
	if (!c->status || FAULT(c->m, FW_FAILED_COMMIT_STORES))
		store(c->m, slot);
	f->committed = true;
}

/* Every controller of the subsystem runs the image: those that asked for it are told. */
static void activate_now(struct model *m, unsigned slot)
{
	m->firmware->active = slot;
	m->firmware->next = 0;
	for (unsigned i = 0; i < m->sub->n && m->opt.oaes & NVME_CTRL_OAES_FA; i++)
		model_event(m->sub->ctrl[i], EVENT_NOTICE, INFO_ACTIVATION,
			    FAULT(m, FW_ACTIVATION_WRONG_LOG) ? 0 : NVME_LOG_LID_FW_SLOT);
}

static void activate(struct mcmd *c, unsigned slot, bool now)
{
	struct model *m = c->m;

	if (!m->firmware->slot[slot].used && !FAULT(m, FW_EMPTY_SLOT_ACTIVATES))
		mcmd_fail(c, SC_FW_IMAGE_INVALID, AT_FS);
	else if (now && firmware_frmw(m) & FRMW_NO_RESET)
		activate_now(m, slot);
	else
		m->firmware->next = slot;
	if (now && !c->status && !(firmware_frmw(m) & FRMW_NO_RESET))
		mcmd_fail(c, SC_FW_NEEDS_CONTROLLER_RESET, AT_CA);
}

static void commit_slot(struct mcmd *c, unsigned slot, unsigned action)
{
	const struct model_firmware *f = c->m->firmware;
	bool waits = f->end && !f->committed;
	bool writes = action < ACTIVATE || (action == ACTIVATE_NOW && waits);

	if (writes && slot == 1 && FAULT(c->m, FW_SLOT_READ_ONLY_WRITTEN))
		return;
	if (slot_fails(c, slot, writes))
		return;
	if (!slot)
		slot = writes ? choose_slot(c->m) : f->active;
	if (writes)
		replace(c, slot, action);
	if (!c->status && action != REPLACE)
		activate(c, slot, action == ACTIVATE_NOW);
}

/* An image of a Boot Partition is whatever the host makes of it. */
static void commit_boot(struct mcmd *c, bool id, bool writes)
{
	struct model_firmware *f = c->m->firmware;

	if (!writes) {
		f->boot_id = id;
		return;
	}
	if (!is_whole(f) || f->committed || f->overlaps) {
		mcmd_fail(c, f->overlaps ? SC_OVERLAPPING_RANGE : SC_FW_IMAGE_INVALID,
			  MCMD_NOWHERE);
		return;
	}
	if (!f->boot[id])
		f->boot[id] = calloc(1, FW_IMAGE_MAX);
	if (!f->boot[id]) {
		mcmd_fail(c, SC_INTERNAL_ERROR, MCMD_NOWHERE);
		return;
	}
	memset(f->boot[id], 0, FW_IMAGE_MAX);
	memcpy(f->boot[id], f->data, f->end);
	f->committed = true;
}

void admin_fw_commit(struct mcmd *c)
{
	unsigned action = mcmd_cdw10(c) >> 3 & 7;
	bool boot = action >= BOOT_REPLACE;
	bool known = action <= ACTIVATE_NOW || (boot && boot_there(c->m));

	c->dw0 = FAULT(c->m, FW_MULTIPLE_UPDATE_UNCLAIMED);
	if (admin_nsid_wrong(c))
		return;
	if (!known) {
		if (boot ? FAULT(c->m, FW_BOOT_ACTION_ACCEPTED) : FAULT(c->m, FW_ACTION_ACCEPTED))
			return;
		mcmd_fail(c, SC_INVALID_FIELD, AT_CA);
	} else if (boot) {
		commit_boot(c, mcmd_cdw10(c) & FW_BOOT_ID, action == BOOT_REPLACE);
	} else {
		commit_slot(c, mcmd_cdw10(c) & 7, action);
	}
}
