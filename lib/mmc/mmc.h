/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Commands of an MMC card and what it answers. Sources: JESD84-B51, sections Commands, Responses,
 * Device Status, Command Arguments of SWITCH, Replay Protected Memory Block (its text was not at
 * hand: bits and numbers are those of the kernel's and of vendors' public documents);
 * linux/mmc/ioctl.h for what one command can carry.
 */
#ifndef MMC_MMC_H
#define MMC_MMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MMC_BLOCK     512u
#define MMC_REGISTER  16u	   /* bytes of CID and CSD */
#define MMC_DATA_MAX  (512u << 10) /* of one command: MMC_IOC_MAX_BYTES */
#define MMC_BATCH_MAX 16u	   /* commands sent together */

enum mmc_opcode {
	MMC_GO_IDLE = 0,
	MMC_SWITCH = 6,
	MMC_SELECT = 7,
	MMC_SEND_EXT_CSD = 8,
	MMC_STOP = 12,
	MMC_SEND_STATUS = 13,
	MMC_SET_BLOCKLEN = 16,
	MMC_READ_SINGLE = 17,
	MMC_READ_MULTIPLE = 18,
	MMC_SET_BLOCK_COUNT = 23,
	MMC_WRITE_SINGLE = 24,
	MMC_WRITE_MULTIPLE = 25,
	MMC_PROGRAM_CID = 26,
	MMC_PROGRAM_CSD = 27,
	MMC_SET_WRITE_PROT = 28,
	MMC_CLEAR_WRITE_PROT = 29,
	MMC_SEND_WRITE_PROT = 30,
	MMC_SEND_WRITE_PROT_TYPE = 31,
	MMC_ERASE_START = 35,
	MMC_ERASE_END = 36,
	MMC_ERASE = 38,
	MMC_LOCK_UNLOCK = 42,
	MMC_QUEUED_TASK_PARAMS = 44,
	MMC_QUEUED_TASK_ADDRESS = 45,
	MMC_EXECUTE_READ_TASK = 46,
	MMC_EXECUTE_WRITE_TASK = 47,
	MMC_GENERAL = 56,
	MMC_MAKER_FIRST = 60, /* to the last: the maker's own */
	MMC_MAKER_LAST = 63,
};

/* Arguments of MMC_ERASE. */
enum mmc_erase_kind { MMC_ERASE_GROUPS = 0, MMC_TRIM = 1, MMC_DISCARD = 3 };

enum mmc_answer { MMC_R1, MMC_R1B, MMC_R2, MMC_R3, MMC_NO_ANSWER };

/* Which of the card's areas a command or an I/O is about. */
enum mmc_part { MMC_USER, MMC_BOOT0, MMC_BOOT1, MMC_RPMB, MMC_PARTS };

/* One command. The caller fills it down to `data`, who sends it the rest. */
struct mmc_cmd {
	uint8_t opcode;
	uint32_t arg;
	enum mmc_answer answer;	      /* MMC_R1B: it is over when the card is no longer busy */
	bool writes;		      /* which way the data go */
	bool reliable;		      /* the Reliable Write bit of the block count, for RPMB */
	uint32_t block_bytes, blocks; /* 0: no data */
	void *data;		      /* block_bytes * blocks of the caller's */
	int result;	      /* 0; -ETIMEDOUT: no answer, no data; -EILSEQ: a CRC; else -errno */
	uint32_t response[4]; /* most significant word first; of R1 [0] alone */
};

/* ---- R1: the device status ---- */

#define MMC_STATUS_OUT_OF_RANGE	   (1u << 31)
#define MMC_STATUS_MISALIGN	   (1u << 30)
#define MMC_STATUS_BLOCK_LEN	   (1u << 29)
#define MMC_STATUS_ERASE_SEQ	   (1u << 28)
#define MMC_STATUS_ERASE_PARAM	   (1u << 27)
#define MMC_STATUS_WP_VIOLATION	   (1u << 26)
#define MMC_STATUS_LOCKED	   (1u << 25)
#define MMC_STATUS_LOCK_FAILED	   (1u << 24)
#define MMC_STATUS_COM_CRC	   (1u << 23)
#define MMC_STATUS_ILLEGAL_COMMAND (1u << 22)
#define MMC_STATUS_ECC_FAILED	   (1u << 21)
#define MMC_STATUS_CC_ERROR	   (1u << 20)
#define MMC_STATUS_ERROR	   (1u << 19)
#define MMC_STATUS_CSD_OVERWRITE   (1u << 16)
#define MMC_STATUS_WP_ERASE_SKIP   (1u << 15)
#define MMC_STATUS_ERASE_RESET	   (1u << 13)
#define MMC_STATUS_STATE(s)	   ((s) >> 9 & 0xf)
#define MMC_STATUS_READY	   (1u << 8)
#define MMC_STATUS_SWITCH_ERROR	   (1u << 7)
#define MMC_STATUS_EXCEPTION	   (1u << 6)
#define MMC_STATUS_APP_CMD	   (1u << 5)
/* All that say that something went wrong. Locked, an exception event, an application command to
 * come are states. */
#define MMC_STATUS_ERRORS 0xfdf9a080u

enum mmc_state {
	MMC_IDLE,
	MMC_READY,
	MMC_IDENT,
	MMC_STBY,
	MMC_TRAN,
	MMC_DATA,
	MMC_RCV,
	MMC_PRG,
	MMC_DIS,
	MMC_BTST,
	MMC_SLP,
};

#define MMC_STATUS_TEXT 160
/* "tran, ready, SWITCH_ERROR"; returns ret. */
const char *mmc_status_text(uint32_t status, char ret[MMC_STATUS_TEXT]);

/* ---- builders ---- */

struct mmc_cmd mmc_send_status(uint16_t rca);
struct mmc_cmd mmc_send_ext_csd(void *data);
/* SWITCH, write byte. With `waits` it is over when the card is no longer busy; without, its status
 * is the caller's to ask for, so that no other command comes between. */
struct mmc_cmd mmc_switch(uint8_t index, uint8_t value, bool waits);
/* Data of whole blocks from or to a sector. More than one: MMC_SET_BLOCK_COUNT goes before. */
struct mmc_cmd mmc_read(uint32_t sector, void *data, uint32_t blocks);
struct mmc_cmd mmc_write(uint32_t sector, const void *data, uint32_t blocks);
struct mmc_cmd mmc_set_block_count(uint32_t blocks);
/* Any command without data, answered by R1 or R1b. */
struct mmc_cmd mmc_plain(uint8_t opcode, uint32_t arg, bool busy);
/* Of that sector's write protect group and the 31 behind it; what of the i-th is set: 0 nothing, 1
 * for now, 2 until power goes, 3 for good. */
#define MMC_WP_TYPES  8u /* bytes */
#define MMC_WP_GROUPS 32u
struct mmc_cmd mmc_send_write_prot_type(uint32_t sector, void *data);
unsigned mmc_write_prot_type(const uint8_t types[MMC_WP_TYPES], unsigned i);
/* The three of an erase, of sectors first..last. The card is busy behind the last of them, and its
 * status is the caller's to ask for: hosts that watch the busy line give up before an erase ends.
 */
void mmc_erase(uint32_t first, uint32_t last, enum mmc_erase_kind kind, struct mmc_cmd ret[3]);

/* ---- what a command may do ---- */

/* It changes nothing in the card that would last: it reads, or asks. part: where it goes. */
bool mmc_is_reading(const struct mmc_cmd *c, enum mmc_part part);
/*
 * NULL, or what it would do that can never be undone: the CID, the CSD, a lock, a byte of the
 * Extended CSD that is written once, a write protection for good, the RPMB key; or may: firmware,
 * and what the maker alone knows. Nobody sends these.
 */
const char *mmc_forever(const struct mmc_cmd *c, enum mmc_part part);

/* ---- RPMB: the frame that both sides send ---- */

#define MMC_RPMB_FRAME	      512u
#define MMC_RPMB_NONCE	      16u
#define MMC_RPMB_KEY	      0x0001u /* requests; the response has 0100h times as much */
#define MMC_RPMB_READ_COUNTER 0x0002u
#define MMC_RPMB_RESULT_MASK  0x007fu /* bit 7: the counter has come to its end */
#define MMC_RPMB_NO_KEY	      0x0007u

struct mmc_rpmb {
	uint8_t nonce[MMC_RPMB_NONCE];
	uint32_t counter;
	uint16_t result, type;
};

void mmc_rpmb_pack(const struct mmc_rpmb *f, uint8_t ret[MMC_RPMB_FRAME]);
void mmc_rpmb_unpack(const uint8_t frame[MMC_RPMB_FRAME], struct mmc_rpmb *ret);

#endif
