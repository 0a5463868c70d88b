// SPDX-License-Identifier: GPL-2.0-or-later
/* MMC cards: registers and their CRC, what must never be sent, and the model card's states. */
#include <errno.h>
#include <fcntl.h>
#include <linux/major.h>
#include <linux/mmc/ioctl.h>
#include <string.h>
#include <unistd.h>

#include "base/endian.h"
#include "mmc/ext_csd.h"
#include "mmc/mmc.h"
#include "mmc/regs.h"
#include "nvme/facts.h"
#include "target/door.h"
#include "target/mmc.h"
#include "target/mmc_card.h"
#include "target/target.h"
#include "unit.h"

#define TEN_S 10000000000ull

/* ---- registers ---- */

/* The CRCs of the command frames that every card's documents show: CMD0, and CMD8 of SD. */
static void crc7_is_that_of_known_frames(void)
{
	CU_ASSERT_EQUAL(mmc_crc7("\x40\0\0\0\0", 5), 0x4a);
	CU_ASSERT_EQUAL(mmc_crc7("\x48\0\0\x01\xaa", 5), 0x43);
	CU_ASSERT_EQUAL(mmc_crc7("", 0), 0);
}

static void bits_of_a_register(void)
{
	uint8_t reg[16] = { 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x35 };

	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 127, 127), 1);
	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 15, 0), 0x1235);
	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 11, 4), 0x23);
	CU_ASSERT_EQUAL(mmc_reg_crc(reg), 0x1a);
	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 128, 120), 0);
	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 3, 4), 0);
	CU_ASSERT_EQUAL(mmc_reg_bits(reg, 127, 0), 0);
}

static void cid_of_both_kinds(void)
{
	const uint8_t emmc[16] = { 0x15, 0x01, 0x00, 'A', 'B', 'C', 'D', 'E',
				   'F',	 0x06, 1,    2,	  3,   4,   0x5d };
	const uint8_t sd[16] = { 0x03, 'S', 'D', 'S', 'U', '0',	 '8', 'G',
				 0x80, 1,   2,	 3,   4,   0x01, 0x0a };
	struct mmc_cid cid;

	mmc_cid_read(emmc, false, 8, &cid);
	CU_ASSERT_STRING_EQUAL(cid.name, "ABCDEF");
	CU_ASSERT_EQUAL(cid.serial, 0x01020304);
	CU_ASSERT_EQUAL(cid.month, 5);
	CU_ASSERT_EQUAL(cid.year, 2010);
	mmc_cid_read(emmc, false, 4, &cid);
	CU_ASSERT_EQUAL(cid.year, 2010); /* 1997 + 13 either way */
	mmc_cid_read(emmc, false, 9, &cid);
	CU_ASSERT_EQUAL(cid.year, 2026);
	mmc_cid_read(sd, true, 0, &cid);
	CU_ASSERT_STRING_EQUAL(cid.name, "SU08G");
	CU_ASSERT_EQUAL(cid.serial, 0x01020304);
	CU_ASSERT_EQUAL(cid.oem, 0x5344);
	CU_ASSERT_EQUAL(cid.month, 10);
	CU_ASSERT_EQUAL(cid.year, 2016);
}

static void fields_do_not_overlap(void)
{
	static const uint16_t starts[] = {
#define X(name, at, bytes, access) at, at + (bytes)-1,
#include "mmc/ext_csd.def"
#undef X
	};

	for (size_t i = 2; i < ARRAY_SIZE(starts); i += 2)
		CU_ASSERT(starts[i] > starts[i - 1]);
	CU_ASSERT(starts[ARRAY_SIZE(starts) - 1] < EXT_CSD_BYTES);
}

static void ext_csd_of_hostile_bytes(void)
{
	uint8_t e[EXT_CSD_BYTES], csd[16];

	memset(e, 0xff, sizeof(e));
	memset(csd, 0xff, sizeof(csd));
	CU_ASSERT_EQUAL(ext_csd_bytes(e), 0xffffffffull * 512);
	CU_ASSERT_EQUAL(ext_csd_boot_bytes(e), 255ull * 131072);
	CU_ASSERT_EQUAL(ext_csd_erase_group_bytes(e, csd), 255ull * 524288);
	CU_ASSERT_EQUAL(ext_csd_wp_group_bytes(e, csd), 255ull * 255 * 524288);
	memset(e, 0, sizeof(e));
	CU_ASSERT_EQUAL(ext_csd_erase_group_bytes(e, csd), 32ull * 32 << 15);
	CU_ASSERT_EQUAL(ext_csd_get(e, (enum ext_csd_at)511), 0);
	CU_ASSERT_EQUAL(ext_csd_get(e, EXT_CSD_GP_SIZE_MULT), 0); /* longer than a number */
	CU_ASSERT_PTR_NULL(ext_csd_field_at(511));
	CU_ASSERT_PTR_NULL(ext_csd_field_at(100000));
	CU_ASSERT(!ext_csd_is_once(EXT_CSD_CACHE_CTRL));
}

static void put_bits(uint8_t reg[16], unsigned low, uint32_t value)
{
	for (unsigned bit = low; value; bit++, value >>= 1)
		reg[15 - bit / 8] |= (uint8_t)((value & 1) << bit % 8);
}

static void small_cards_count_bytes(void)
{
	uint8_t csd[16] = { 0 };

	put_bits(csd, 62, 0xfff); /* C_SIZE */
	put_bits(csd, 47, 7);	  /* C_SIZE_MULT */
	put_bits(csd, 80, 10);	  /* READ_BL_LEN */
	put_bits(csd, 22, 10);	  /* WRITE_BL_LEN */
	CU_ASSERT_EQUAL(csd_bytes(csd), 2ull << 30);
	CU_ASSERT(csd_in_bytes(csd, 2ull << 30));
	CU_ASSERT(!csd_in_bytes(csd, 1ull << 30)); /* what partitions have left of a larger one */
	CU_ASSERT(!csd_in_bytes(csd, 4ull << 30));
	memset(csd, 0xff, sizeof(csd));
	CU_ASSERT_EQUAL(csd_bytes(csd), 4096ull << 9 << 15);
	CU_ASSERT(!csd_in_bytes(csd, csd_bytes(csd)));
}

static void boot_protection_is_of_each(void)
{
	uint8_t e[EXT_CSD_BYTES] = { 0 };

	CU_ASSERT(!ext_csd_boot_protected(e, 0) && !ext_csd_boot_protected(e, 1));
	e[EXT_CSD_BOOT_WP_STATUS] = 0x08;
	CU_ASSERT(!ext_csd_boot_protected(e, 0) && ext_csd_boot_protected(e, 1));
	e[EXT_CSD_BOOT_WP_STATUS] = 0;
	e[EXT_CSD_BOOT_WP] = 0x50; /* neither can be set */
	CU_ASSERT(!ext_csd_boot_protected(e, 0));
	e[EXT_CSD_BOOT_WP] = EXT_CSD_BOOT_PERM_WP_EN;
	CU_ASSERT(ext_csd_boot_protected(e, 0) && ext_csd_boot_protected(e, 1));
}

static void types_of_groups(void)
{
	const uint8_t types[MMC_WP_TYPES] = { 0x80, 0, 0, 0, 0, 0, 0x01, 0x0c };

	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 0), 0);
	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 1), 3);
	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 4), 1);
	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 31), 2);
}

static void a_status_in_words(void)
{
	char text[MMC_STATUS_TEXT];

	CU_ASSERT_STRING_EQUAL(mmc_status_text(0x900, text), "00000900: tran, ready");
	CU_ASSERT(strstr(mmc_status_text(0x00400900, text), "ILLEGAL_COMMAND") != NULL);
	CU_ASSERT(strstr(mmc_status_text(0x1e00, text), "reserved") != NULL);
	CU_ASSERT(strlen(mmc_status_text(0xffffffff, text)) < MMC_STATUS_TEXT);
}

/* ---- what is never sent ---- */

static const char *forever_switch(uint8_t index, uint8_t value)
{
	struct mmc_cmd c = mmc_switch(index, value, true);

	return mmc_forever(&c, MMC_USER);
}

static void what_cannot_be_undone(void)
{
	uint8_t frame[MMC_RPMB_FRAME] = { 0 };
	struct mmc_rpmb f = { .type = MMC_RPMB_KEY };
	struct mmc_cmd c = mmc_write(0, frame, 1);

	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_PARTITION_SETTING_COMPLETED, 1));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_GP_SIZE_MULT + 11, 1));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_RST_N_FUNCTION, 1));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_BKOPS_EN, 1));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_USER_WP, 0x04));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_BOOT_WP, 0x04));
	CU_ASSERT_PTR_NULL(forever_switch(EXT_CSD_BOOT_WP, 0x01));
	CU_ASSERT_PTR_NULL(forever_switch(EXT_CSD_FLUSH_CACHE, 1));
	CU_ASSERT_PTR_NULL(forever_switch(EXT_CSD_REV, 1));		/* it is read only */
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_MODE_CONFIG, 1)); /* firmware update */
	CU_ASSERT_PTR_NULL(forever_switch(EXT_CSD_MODE_CONFIG, 0));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(EXT_CSD_VENDOR_SPECIFIC + 63, 0));
	CU_ASSERT_PTR_NOT_NULL(forever_switch(14, 1)); /* in no table */
	for (uint8_t op = MMC_MAKER_FIRST; op <= MMC_MAKER_LAST; op++) {
		struct mmc_cmd p = mmc_plain(op, 0, false);

		CU_ASSERT_PTR_NOT_NULL(mmc_forever(&p, MMC_USER));
	}
	for (uint8_t op = MMC_PROGRAM_CID; op <= MMC_PROGRAM_CSD; op++) {
		struct mmc_cmd p = mmc_plain(op, 0, false);

		CU_ASSERT_PTR_NOT_NULL(mmc_forever(&p, MMC_USER));
	}
	mmc_rpmb_pack(&f, frame);
	c.opcode = MMC_WRITE_MULTIPLE;
	CU_ASSERT_PTR_NOT_NULL(mmc_forever(&c, MMC_RPMB));
	CU_ASSERT(!mmc_is_reading(&c, MMC_RPMB));
	f.type = MMC_RPMB_READ_COUNTER;
	mmc_rpmb_pack(&f, frame);
	CU_ASSERT_PTR_NULL(mmc_forever(&c, MMC_RPMB));
	CU_ASSERT(mmc_is_reading(&c, MMC_RPMB));
	c.reliable = true; /* no counter is asked for so */
	CU_ASSERT_PTR_NOT_NULL(mmc_forever(&c, MMC_RPMB));
}

static void what_only_reads(void)
{
	uint8_t data[MMC_BLOCK] = { 0 };
	struct mmc_cmd read = mmc_read(0, data, 1), write = mmc_write(0, data, 1);
	struct mmc_cmd flush = mmc_switch(EXT_CSD_FLUSH_CACHE, 1, true);
	struct mmc_cmd erase[3], status = mmc_send_status(1);

	mmc_erase(0, 1, MMC_TRIM, erase);
	CU_ASSERT(mmc_is_reading(&read, MMC_USER));
	CU_ASSERT(mmc_is_reading(&status, MMC_BOOT0));
	CU_ASSERT(!mmc_is_reading(&write, MMC_USER));
	CU_ASSERT(!mmc_is_reading(&flush, MMC_USER));
	for (unsigned i = 0; i < 3; i++)
		CU_ASSERT(!mmc_is_reading(&erase[i], MMC_USER));
	read.writes = true; /* a lie about which way the data go */
	CU_ASSERT(!mmc_is_reading(&read, MMC_USER));
}

static void what_the_kernel_is_handed(void)
{
	uint8_t data[MMC_BLOCK] = { 0 };
	struct mmc_cmd read = mmc_read(7, data, 1);
	struct mmc_cmd wait = mmc_switch(EXT_CSD_FLUSH_CACHE, 1, true);
	struct mmc_ioc_cmd c;

	mmc_card_encode(&read, 1000, &c);
	CU_ASSERT_EQUAL(c.opcode, 17);
	CU_ASSERT_EQUAL(c.arg, 7);
	CU_ASSERT_EQUAL(c.flags, 0x35); /* present, CRC, opcode; with data */
	CU_ASSERT_EQUAL(c.blksz * c.blocks, MMC_BLOCK);
	CU_ASSERT_EQUAL(c.write_flag, 0);
	CU_ASSERT_EQUAL(c.cmd_timeout_ms, 0);
	mmc_card_encode(&wait, 1000, &c);
	CU_ASSERT_EQUAL(c.arg, 0x03200100);
	CU_ASSERT_EQUAL(c.flags, 0x1d); /* and busy */
	CU_ASSERT_EQUAL(c.cmd_timeout_ms, 1000);
}

/* One error of the kernel's for the whole: it is the first's that can have ended so. */
static void who_failed_is_told(void)
{
	uint8_t data[MMC_BLOCK] = { 0 };
	struct mmc_cmd c[3] = { mmc_switch(EXT_CSD_FLUSH_CACHE, 1, false), mmc_write(7, data, 1),
				mmc_send_status(1) };
	struct mmc_ioc_cmd ioc[3] = { { .response = { 0x900 } } };

	mmc_card_settle(c, ioc, 3, -ETIMEDOUT); /* the write was not answered */
	CU_ASSERT_EQUAL(c[0].result, 0);
	CU_ASSERT_EQUAL(c[1].result, -ETIMEDOUT);
	CU_ASSERT_EQUAL(c[2].result, -ECANCELED);
	ioc[1].response[0] = MMC_STATUS_WP_VIOLATION | 0x900;
	mmc_card_settle(c, ioc, 3, -EILSEQ); /* it was, and its data not taken */
	CU_ASSERT_EQUAL(c[1].result, -EILSEQ);
	CU_ASSERT_EQUAL(c[1].response[0], MMC_STATUS_WP_VIOLATION | 0x900);
	CU_ASSERT_EQUAL(c[2].result, -ECANCELED);
	ioc[2].response[0] = 0xd00;
	mmc_card_settle(c, ioc, 3, -EIO);
	CU_ASSERT_EQUAL(c[1].result, 0);
	CU_ASSERT_EQUAL(c[2].result, -EIO);
	mmc_card_settle(c, ioc, 3, 0);
	CU_ASSERT_EQUAL(c[2].result, 0);
	memset(ioc, 0, sizeof(ioc));
	mmc_card_settle(c, ioc, 3, 0); /* SANITIZE_START leaves none */
	CU_ASSERT_EQUAL(c[0].result, 0);
	mmc_card_settle(c, ioc, 3, -EIO);
	CU_ASSERT_EQUAL(c[0].result, -EIO);
}

/* ---- the model's card ---- */

static struct target *open_model(const char *options)
{
	char address[128], error[256] = "";
	struct target *t = NULL;

	snprintf(address, sizeof(address), "model:%s", options);
	CU_ASSERT_EQUAL_FATAL(target_open(address, &t, error), 0);
	return t;
}

static struct mmc_cmd sent(struct target *t, struct mmc_cmd c)
{
	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_USER, &c, 1, TEN_S), 0);
	return c;
}

static uint32_t status_of(struct target *t)
{
	return sent(t, mmc_send_status(1)).response[0];
}

/* Once it is no longer busy. */
static uint32_t settled(struct target *t)
{
	for (unsigned i = 0; i < 100; i++)
		if (status_of(t) & MMC_STATUS_READY)
			break;
	return status_of(t);
}

static void illegal_is_told_once(void)
{
	struct target *t = open_model("");

	CU_ASSERT_EQUAL(sent(t, mmc_plain(52, 0, false)).result, -ETIMEDOUT);
	CU_ASSERT(status_of(t) & MMC_STATUS_ILLEGAL_COMMAND);
	CU_ASSERT_EQUAL(status_of(t), 0x900);
	CU_ASSERT_EQUAL(sent(t, mmc_send_status(2)).result, -ETIMEDOUT); /* another card's */
	target_close(t);
}

static void a_switch_is_busy_and_then_done(void)
{
	struct target *t = open_model("");
	struct mmc_cmd c[2] = { mmc_switch(EXT_CSD_FLUSH_CACHE, 1, false), mmc_send_status(1) };

	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_USER, c, 2, TEN_S), 0);
	CU_ASSERT_EQUAL(MMC_STATUS_STATE(c[1].response[0]), MMC_PRG);
	CU_ASSERT(!(c[1].response[0] & MMC_STATUS_READY));
	CU_ASSERT_EQUAL(settled(t), 0x900);
	CU_ASSERT(!(sent(t, mmc_switch(EXT_CSD_CACHE_CTRL, 9, true)).response[0] &
		    MMC_STATUS_ERRORS));
	CU_ASSERT(status_of(t) & MMC_STATUS_SWITCH_ERROR);
	target_close(t);
}

static void an_erase_is_three_in_a_row(void)
{
	struct target *t = open_model("");
	struct mmc_cmd c[3];

	mmc_erase(0, 7, MMC_TRIM, c);
	CU_ASSERT(sent(t, c[2]).response[0] & MMC_STATUS_ERASE_SEQ);
	sent(t, c[0]);
	sent(t, mmc_set_block_count(1)); /* not of the sequence */
	CU_ASSERT(sent(t, c[1]).response[0] & MMC_STATUS_ERASE_SEQ);
	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_USER, c, 3, TEN_S), 0);
	CU_ASSERT_EQUAL(c[2].result, 0);
	CU_ASSERT_EQUAL(MMC_STATUS_STATE(status_of(t)), MMC_PRG);
	CU_ASSERT_EQUAL(settled(t), 0x900);
	target_close(t);
}

static void several_blocks_are_counted_or_stopped(void)
{
	uint8_t data[4 * MMC_BLOCK] = { 0 };
	struct target *t = open_model("");

	sent(t, mmc_set_block_count(4));
	CU_ASSERT_EQUAL(sent(t, mmc_read(0, data, 4)).result, 0);
	CU_ASSERT_EQUAL(status_of(t), 0x900);
	CU_ASSERT_EQUAL(sent(t, mmc_read(0, data, 4)).result, 0);
	CU_ASSERT_EQUAL(MMC_STATUS_STATE(status_of(t)), MMC_DATA);
	CU_ASSERT_EQUAL(sent(t, mmc_read(0, data, 1)).result, -ETIMEDOUT);
	CU_ASSERT_EQUAL(sent(t, mmc_plain(MMC_STOP, 0, true)).result, 0);
	CU_ASSERT_EQUAL(MMC_STATUS_STATE(status_of(t)), MMC_TRAN);
	target_close(t);
}

static void a_protected_write_waits_to_be_stopped(void)
{
	static uint8_t data[MMC_BLOCK] = { 0x5a }, types[MMC_WP_TYPES], back[MMC_BLOCK];
	struct target *t = open_model("");
	struct mmc_io w = { .writes = true, .bytes = MMC_BLOCK, .data = data };
	struct mmc_io r = { .bytes = MMC_BLOCK, .data = back };
	uint32_t status;

	sent(t, mmc_plain(MMC_SET_WRITE_PROT, 0, true));
	CU_ASSERT_EQUAL(sent(t, mmc_send_write_prot_type(0, types)).result, 0);
	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 0), 1);
	CU_ASSERT_EQUAL(mmc_write_prot_type(types, 1), 0);
	CU_ASSERT_EQUAL(sent(t, mmc_write(0, data, 1)).result, -ETIMEDOUT);
	status = status_of(t);
	CU_ASSERT_EQUAL(MMC_STATUS_STATE(status), MMC_RCV);
	CU_ASSERT(status & MMC_STATUS_WP_VIOLATION);
	CU_ASSERT_EQUAL(sent(t, mmc_read(0, back, 1)).result, -ETIMEDOUT);
	CU_ASSERT_EQUAL(sent(t, mmc_plain(MMC_STOP, 0, true)).result, 0);
	CU_ASSERT_EQUAL(t->ops->mmc->io(t, MMC_USER, &w, 1), 0); /* which stops it by itself */
	CU_ASSERT_EQUAL(w.result, -EIO);
	CU_ASSERT_EQUAL(status_of(t), 0x900);
	t->ops->mmc->io(t, MMC_USER, &r, 1);
	CU_ASSERT_EQUAL(r.result, 0);
	CU_ASSERT_EQUAL(back[0], 0);
	target_close(t);
}

static void hostile_commands_are_refused(void)
{
	struct target *t = open_model("");
	struct mmc_cmd c = mmc_switch(EXT_CSD_PARTITION_SETTING_COMPLETED, 1, true);
	struct mmc_cmd odd = { .opcode = MMC_READ_SINGLE, .block_bytes = MMC_BLOCK, .blocks = 1 };
	struct mmc_cmd many[MMC_BATCH_MAX + 1];

	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_USER, &c, 1, TEN_S), -EPERM);
	CU_ASSERT_EQUAL(sent(t, odd).result, -ETIMEDOUT); /* data, and nowhere to put them */
	memset(many, 0, sizeof(many));
	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_USER, many, MMC_BATCH_MAX + 1, TEN_S), -EINVAL);
	target_close(t);
	t = open_model("preset=minimal");
	c = mmc_send_status(1);
	CU_ASSERT_EQUAL(t->ops->mmc->send(t, MMC_BOOT0, &c, 1, TEN_S), -ENOTSUP);
	target_close(t);
}

static void a_cut_takes_what_was_not_flushed(void)
{
	static uint8_t data[MMC_BLOCK], back[MMC_BLOCK];
	struct target *t = open_model("");
	struct mmc_io w = { .writes = true, .at = 512, .bytes = MMC_BLOCK, .data = data };
	struct mmc_io r = { .at = 512, .bytes = MMC_BLOCK, .data = back };

	memset(data, 0xa5, sizeof(data));
	CU_ASSERT_EQUAL(t->ops->mmc->io(t, MMC_USER, &w, 1), 0);
	CU_ASSERT_EQUAL(w.result, 0);
	CU_ASSERT_EQUAL(t->ops->control(t, "mmc cut"), 0);
	CU_ASSERT_EQUAL(t->ops->mmc->io(t, MMC_USER, &r, 1), 0);
	CU_ASSERT_EQUAL(back[0], 0);
	t->ops->mmc->io(t, MMC_USER, &w, 1);
	sent(t, mmc_switch(EXT_CSD_FLUSH_CACHE, 1, true));
	t->ops->control(t, "mmc cut");
	t->ops->mmc->io(t, MMC_USER, &r, 1);
	CU_ASSERT_EQUAL(memcmp(back, data, MMC_BLOCK), 0);
	w.at = 1ull << 40;
	CU_ASSERT_EQUAL(t->ops->mmc->io(t, MMC_USER, &w, 1), 0);
	CU_ASSERT_EQUAL(w.result, -EINVAL);
	target_close(t);
}

/* ---- the target ---- */

/* By a descriptor that is no card: what is let through ends at the kernel's own refusal. */
static void a_card_is_changed_through_the_door(void)
{
	struct target t = { .caps = { .of_machine = true } };
	struct mmc_cmd flush = mmc_switch(EXT_CSD_FLUSH_CACHE, 1, true);
	struct mmc_cmd status = mmc_send_status(1);
	struct mmc_io io = { .writes = true, .bytes = MMC_BLOCK };
	struct door_token token = { 0 };
	struct mmc_card c;

	mmc_card_init(&c);
	c.fd[MMC_USER] = open("/dev/null", O_RDWR);
	CU_ASSERT_FATAL(c.fd[MMC_USER] >= 0);
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_USER, &flush, 1, TEN_S), -EPERM);
	CU_ASSERT(strstr(t.error, "only read") != NULL);
	c.writable = true;
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_USER, &flush, 1, TEN_S), -EPERM);
	CU_ASSERT(strstr(t.error, "the guards did not let that") != NULL);
	CU_ASSERT_EQUAL(mmc_card_io(&t, &c, MMC_USER, &io, 1), -EPERM);
	CU_ASSERT_EQUAL(mmc_card_set_attr(&t, &c, MMC_BOOT0, "force_ro", "0"), -EPERM);
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_USER, &status, 1, TEN_S), -ENOTTY);
	door_show(&t, &token);
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_USER, &flush, 1, TEN_S), -ENOTTY);
	flush = mmc_switch(EXT_CSD_PARTITION_SETTING_COMPLETED, 1, true);
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_USER, &flush, 1, TEN_S), -EPERM);
	CU_ASSERT_EQUAL(mmc_card_send(&t, &c, MMC_BOOT0, &status, 1, TEN_S), -ENOTSUP);
	close(c.fd[MMC_USER]);
}

static void only_a_card_is_one(void)
{
	char error[256] = "";
	struct target *t = NULL;

	CU_ASSERT(target_open("mmc:", &t, error) < 0);
	CU_ASSERT(strstr(error, "mmcblk") != NULL);
	CU_ASSERT_EQUAL(target_open("mmc:/dev/null", &t, error), -ENOTBLK);
	CU_ASSERT_PTR_NULL(t);
}

static const struct unit units[] = {
	{ "crc7 is that of known frames", crc7_is_that_of_known_frames },
	{ "bits of a register", bits_of_a_register },
	{ "cid of both kinds", cid_of_both_kinds },
	{ "fields do not overlap", fields_do_not_overlap },
	{ "ext csd of hostile bytes", ext_csd_of_hostile_bytes },
	{ "small cards count bytes", small_cards_count_bytes },
	{ "boot protection is of each", boot_protection_is_of_each },
	{ "types of groups", types_of_groups },
	{ "a status in words", a_status_in_words },
	{ "what cannot be undone", what_cannot_be_undone },
	{ "what only reads", what_only_reads },
	{ "what the kernel is handed", what_the_kernel_is_handed },
	{ "who failed is told", who_failed_is_told },
	{ "illegal is told once", illegal_is_told_once },
	{ "a switch is busy and then done", a_switch_is_busy_and_then_done },
	{ "an erase is three in a row", an_erase_is_three_in_a_row },
	{ "several blocks are counted or stopped", several_blocks_are_counted_or_stopped },
	{ "a protected write waits to be stopped", a_protected_write_waits_to_be_stopped },
	{ "hostile commands are refused", hostile_commands_are_refused },
	{ "a cut takes what was not flushed", a_cut_takes_what_was_not_flushed },
	{ "a card is changed through the door", a_card_is_changed_through_the_door },
	{ "only a card is one", only_a_card_is_one },
};

UNIT_MAIN("mmc", units)
