// SPDX-License-Identifier: GPL-2.0-or-later
/* What a card tells of itself, and the commands that a card of the model is sent. */
#include <errno.h>

#include "mmc/ext_csd.h"
#include "mmc/mmc.h"
#include "mmc/regs.h"
#include "target/mmc.h"
#include "target/target.h"
#include "tests/fuzz/fuzz.h"

#define ROOM (8u * MMC_BLOCK)

static void decode(struct input *in)
{
	uint8_t e[EXT_CSD_BYTES] = { 0 }, csd[16], cid[16], frame[MMC_RPMB_FRAME];
	char text[MMC_STATUS_TEXT];
	struct mmc_rpmb f, again;
	struct mmc_cid c;
	uint32_t status;

	for (unsigned i = 0; i < 16; i++) {
		csd[i] = take8(in);
		cid[i] = take8(in);
	}
	status = (uint32_t)take_le(in, 4);
	MUST(strlen(mmc_status_text(status, text)) < sizeof(text));
	mmc_cid_read(cid, status & 1, (uint8_t)(status >> 8), &c);
	MUST(strlen(c.name) < sizeof(c.name));
	MUST(c.month <= 15 && c.year >= 1997 && c.year <= 2255);
	for (unsigned i = 0; i < EXT_CSD_BYTES && in->left; i++)
		e[(i * 7) % EXT_CSD_BYTES] = take8(in);
	MUST(ext_csd_bytes(e) <= 0xffffffffull * MMC_BLOCK);
	MUST(ext_csd_wp_group_bytes(e, csd) >= ext_csd_erase_group_bytes(e, csd) ||
	     !e[EXT_CSD_HC_WP_GRP_SIZE]);
	memcpy(frame, e, sizeof(frame));
	mmc_rpmb_unpack(frame, &f);
	mmc_rpmb_pack(&f, frame);
	mmc_rpmb_unpack(frame, &again);
	MUST(f.counter == again.counter && f.type == again.type && f.result == again.result);
}

/* Whatever is sent: it ends, touches no memory but its own, and a reset cures the card. */
static void send(struct input *in)
{
	static uint8_t room[ROOM + 64];
	struct target *t = NULL;
	char error[256], address[32];

	/* a card of any kind: lib/card/card.h */
	snprintf(address, sizeof(address), "model:emmc=%u", (unsigned)take_le(in, 2) & 0x3ff);
	MUST(!target_open(address, &t, error));
	while (in->left) {
		struct mmc_cmd c = { .opcode = take8(in) & 0x3f,
				     .arg = (uint32_t)take_le(in, 4),
				     .answer = take8(in) % 3,
				     .data = room };
		uint8_t how = take8(in);
		enum mmc_part part = how >> 6;
		int err;

		c.writes = how & 1;
		c.blocks = how >> 1 & 7;
		c.block_bytes = how & 0x10 ? MMC_BLOCK : how & 0x20 ? 8 : 4;
		memset(room + ROOM, 0x5a, 64);
		err = t->ops->mmc->send(t, part, &c, 1, 1000000000ull);
		/* a card that is amid a transfer takes no switch to another area */
		MUST(!err || err == -EPERM || err == -ENOTSUP || err == -ETIMEDOUT);
		MUST(!err || !mmc_forever(&c, part) || err == -EPERM);
		for (unsigned i = 0; i < 64; i++)
			MUST(room[ROOM + i] == 0x5a);
	}
	MUST(!t->ops->control(t, "mmc cut"));
	{
		struct mmc_cmd status = mmc_send_status(1);

		MUST(!t->ops->mmc->send(t, MMC_USER, &status, 1, 1000000000ull));
		MUST(!status.result && MMC_STATUS_STATE(status.response[0]) == MMC_TRAN);
	}
	target_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (take8(&in) & 1)
		send(&in);
	else
		decode(&in);
	return 0;
}
