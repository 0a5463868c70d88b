// SPDX-License-Identifier: GPL-2.0-or-later
/* What Linux does with an MMC card, over the card of lib/card. */
#include "target/model_card.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "card/card.h"
#include "mmc/regs.h"
#include "model/fault.h"
#include "model/model.h"

#define STATUS_NS   1000000ull /* between two looks at a busy card */
#define PATIENCE_NS 600000000000ull
#define LANES	    8u /* tasks in the queue at a time */

struct model_card {
	struct model *m;
	struct card *card;
	bool has_ext; /* the Extended CSD could be read */
	bool queue;   /* the kernel uses the command queue for block I/O */
	bool force_ro[2];
	/* as they were when the card was identified */
	uint8_t cid[MMC_REGISTER], csd[MMC_REGISTER], ext[EXT_CSD_BYTES];
};

/* ---- one command ---- */

static void wait_busy(struct model_card *mc, uint64_t until)
{
	uint64_t now = model_now(mc->m), busy = card_busy_until(mc->card);

	if (busy > until)
		busy = until;
	while (now < busy) {
		model_relax(mc->m, busy - now);
		now = model_now(mc->m);
	}
}

/* Looking takes a moment, so who looks in a loop gets on. */
static void send_one(struct model_card *mc, struct mmc_cmd *cmd, uint64_t until)
{
	if (cmd->opcode != MMC_SEND_STATUS)
		wait_busy(mc, until);
	card_send(mc->card, cmd);
	if (cmd->opcode == MMC_SEND_STATUS)
		model_relax(mc->m, STATUS_NS);
	if (!cmd->result && (cmd->answer == MMC_R1B || cmd->writes)) {
		wait_busy(mc, until);
		if (model_now(mc->m) < card_busy_until(mc->card))
			cmd->result = -ETIMEDOUT;
	}
}

static int command(struct model_card *mc, struct mmc_cmd cmd)
{
	send_one(mc, &cmd, model_now(mc->m) + PATIENCE_NS);
	return cmd.result;
}

/* ---- when the card is found ---- */

static void identify(struct model_card *mc)
{
	card_cid(mc->card, mc->cid);
	card_csd(mc->card, mc->csd);
	memset(mc->ext, 0, sizeof(mc->ext));
	mc->queue = false;
	mc->force_ro[0] = mc->force_ro[1] = true;
	mc->has_ext = !card_is_sd(mc->card) && !command(mc, mmc_send_ext_csd(mc->ext));
	if (!mc->has_ext)
		return;
	command(mc, mmc_switch(EXT_CSD_POWER_OFF_NOTIFICATION, 1, true));
	if (ext_csd_get(mc->ext, EXT_CSD_CACHE_SIZE))
		command(mc, mmc_switch(EXT_CSD_CACHE_CTRL, 1, true));
	/* by what the card can, which is not always what it claims */
	mc->queue = model_card_bits(mc->m) & CARD_QUEUE;
}

struct model_card *model_card_new(struct model *m)
{
	struct model_card *mc = calloc(1, sizeof(*mc));

	if (!mc)
		return NULL;
	mc->m = m;
	mc->card = card_new(m);
	if (!mc->card) {
		free(mc);
		return NULL;
	}
	identify(mc);
	return mc;
}

void model_card_free(struct model_card *mc)
{
	if (!mc)
		return;
	card_free(mc->card);
	free(mc);
}

/* The card has the size it has, whatever SEC_COUNT says: the kernel is told the truth here. */
static uint64_t part_bytes(const struct model_card *mc, enum mmc_part part)
{
	unsigned has = card_is_sd(mc->card) ? 0 : model_card_bits(mc->m);

	switch (part) {
	case MMC_USER:
		return (uint64_t)card_sectors(mc->card) * MMC_BLOCK;
	case MMC_RPMB:
		return mc->ext[EXT_CSD_RPMB_SIZE_MULT] * (128ull << 10);
	default:
		return has & CARD_BOOT ? 4ull << 20 : 0;
	}
}

int model_card_facts(struct model_card *mc, struct mmc_facts *ret)
{
	memset(ret, 0, sizeof(*ret)); /* it is compared, byte by byte */
	ret->kind = card_is_sd(mc->card) ? MMC_KIND_SD : MMC_KIND_EMMC;
	ret->rca = CARD_RCA;
	memcpy(ret->cid, mc->cid, sizeof(ret->cid));
	memcpy(ret->csd, mc->csd, sizeof(ret->csd));
	ret->has_ext_csd = mc->has_ext;
	memcpy(ret->ext_csd, mc->ext, sizeof(ret->ext_csd));
	for (unsigned i = 0; i < MMC_PARTS; i++)
		ret->bytes[i] = part_bytes(mc, i);
	ret->can = MMC_CAN_CUT;
	return 0;
}

/* ---- commands ---- */

static int select_part(struct model_card *mc, enum mmc_part part)
{
	static const uint8_t access[] = { [MMC_BOOT0] = 1, [MMC_BOOT1] = 2, [MMC_RPMB] = 3 };

	if (card_is_sd(mc->card))
		return part == MMC_USER ? 0 : -ENOTSUP;
	return command(mc, mmc_switch(EXT_CSD_PARTITION_CONFIG, access[part], true));
}

static int run_batch(struct model_card *mc, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		     uint64_t until)
{
	bool failed = false;

	for (unsigned i = 0; i < n; i++) {
		if (failed) {
			cmd[i].result = -ECANCELED;
			continue;
		}
		if (part == MMC_RPMB && cmd[i].blocks)
			command(mc, mmc_set_block_count(cmd[i].blocks));
		send_one(mc, &cmd[i], until);
		failed = cmd[i].result != 0;
	}
	return 0;
}

/* Nothing is sent that would be between two commands of the caller's to the user area. */
int model_card_send(struct model_card *mc, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		    uint64_t timeout_ns)
{
	uint64_t until = model_now(mc->m) + timeout_ns;
	int err;

	if (!n || n > MMC_BATCH_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < n; i++)
		if (mmc_forever(&cmd[i], part))
			return -EPERM;
	if (part == MMC_USER)
		return run_batch(mc, part, cmd, n, until);
	if (!part_bytes(mc, part))
		return -ENOTSUP;
	err = select_part(mc, part);
	err = err ? err : run_batch(mc, part, cmd, n, until);
	select_part(mc, MMC_USER);
	return err;
}

/* ---- sysfs ---- */

static void hex(const uint8_t *reg, char *ret, size_t size)
{
	char text[2 * MMC_REGISTER + 1];

	hex_from(reg, MMC_REGISTER, text);
	snprintf(ret, size, "%s", text);
}

static int card_attr(struct model_card *mc, const char *name, char *ret, size_t size)
{
	bool sd = card_is_sd(mc->card);
	struct mmc_cid cid;

	mmc_cid_read(mc->cid, sd, mc->ext[EXT_CSD_REV], &cid);
	if (!strcmp(name, "type"))
		snprintf(ret, size, "%s", sd ? "SD" : "MMC");
	else if (!strcmp(name, "cid"))
		hex(mc->cid, ret, size);
	else if (!strcmp(name, "csd"))
		hex(mc->csd, ret, size);
	else if (!strcmp(name, "name"))
		snprintf(ret, size, "%s", cid.name);
	else if (!strcmp(name, "manfid"))
		snprintf(ret, size, "0x%06x", cid.manufacturer);
	else if (!strcmp(name, "oemid"))
		snprintf(ret, size, "0x%04x", cid.oem);
	else if (!strcmp(name, "serial"))
		snprintf(
			ret, size, "0x%08x",
			cid.serial ^
				(model_has_fault(mc->m, FAULT_EMMC_CID_ATTRIBUTES_DIFFER) ? 1 : 0));
	else if (!strcmp(name, "date"))
		snprintf(ret, size, "%02u/%04u",
			 model_has_fault(mc->m, FAULT_EMMC_CID_DATE_DIFFERS) ? cid.month % 12 + 1
									     : cid.month,
			 cid.year);
	else if (!strcmp(name, "rca"))
		snprintf(ret, size, "0x%04x", CARD_RCA);
	else if (sd)
		return -ENOENT;
	else if (!strcmp(name, "cmdq_en"))
		snprintf(ret, size, "%d", mc->queue);
	else if (!strcmp(name, "pre_eol_info"))
		snprintf(ret, size, "0x%02x", mc->ext[EXT_CSD_PRE_EOL_INFO]);
	else if (!strcmp(name, "life_time"))
		snprintf(ret, size, "0x%02x 0x%02x", mc->ext[EXT_CSD_LIFE_TIME_EST_A],
			 mc->ext[EXT_CSD_LIFE_TIME_EST_B]);
	else
		return -ENOENT;
	return 0;
}

static bool is_boot(const struct model_card *mc, enum mmc_part part)
{
	return (part == MMC_BOOT0 || part == MMC_BOOT1) && part_bytes(mc, part);
}

int model_card_attr(struct model_card *mc, enum mmc_part part, const char *name, char *ret,
		    size_t size)
{
	if (!strncmp(name, "device/", 7))
		return card_attr(mc, name + 7, ret, size);
	if (!strcmp(name, "size") && part_bytes(mc, part))
		snprintf(ret, size, "%llu", (unsigned long long)part_bytes(mc, part) / MMC_BLOCK);
	else if (!strcmp(name, "force_ro") && is_boot(mc, part))
		snprintf(ret, size, "%d", mc->force_ro[part - MMC_BOOT0]);
	else
		return -ENOENT;
	return 0;
}

int model_card_set_attr(struct model_card *mc, enum mmc_part part, const char *name,
			const char *value)
{
	if (!is_boot(mc, part) || strlen(value) != 1 || !strchr("01", *value))
		return -EINVAL;
	if (!strcmp(name, "force_ro"))
		mc->force_ro[part - MMC_BOOT0] = *value == '1';
	else if (!strcmp(name, "ro_lock_until_next_power_on") && *value == '1')
		return command(mc, mmc_switch(EXT_CSD_BOOT_WP, 1, true));
	else
		return -ENOENT;
	return 0;
}

/* ---- block I/O ---- */

/* What a command has for a sector. */
static uint32_t address(const struct model_card *mc, uint64_t at)
{
	bool in_bytes = model_card_bits(mc->m) & CARD_SMALL && !card_is_sd(mc->card);

	return (uint32_t)(in_bytes ? at : at / MMC_BLOCK);
}

static bool waits_for_stop(uint32_t status)
{
	return MMC_STATUS_STATE(status) == MMC_RCV || MMC_STATUS_STATE(status) == MMC_DATA;
}

static int move(struct model_card *mc, struct mmc_io *io)
{
	uint32_t at = address(mc, io->at), blocks = io->bytes / MMC_BLOCK;
	struct mmc_cmd cmd =
		io->writes ? mmc_write(at, io->data, blocks) : mmc_read(at, io->data, blocks);
	struct mmc_cmd status = mmc_send_status(CARD_RCA);
	int err = blocks > 1 ? command(mc, mmc_set_block_count(blocks)) : 0;

	if (!err) {
		send_one(mc, &cmd, model_now(mc->m) + PATIENCE_NS);
		send_one(mc, &status, 0);
		if (waits_for_stop(status.response[0]))
			command(mc, mmc_plain(MMC_STOP, 0, true));
	}
	if (err || cmd.result || (cmd.response[0] | status.response[0]) & MMC_STATUS_ERRORS)
		return -EIO;
	return 0;
}

static int queue_one(struct model_card *mc, const struct mmc_io *io, unsigned id)
{
	uint32_t params = id << 16 | io->bytes / MMC_BLOCK | (io->writes ? 0 : 1u << 30);
	int err = command(mc, mmc_plain(MMC_QUEUED_TASK_PARAMS, params, false));

	return err ? err
		   : command(mc, mmc_plain(MMC_QUEUED_TASK_ADDRESS, address(mc, io->at), false));
}

static int execute_one(struct model_card *mc, const struct mmc_io *io, unsigned id)
{
	struct mmc_cmd c = { .opcode = io->writes ? MMC_EXECUTE_WRITE_TASK : MMC_EXECUTE_READ_TASK,
			     .arg = id << 16,
			     .writes = io->writes,
			     .block_bytes = MMC_BLOCK,
			     .blocks = io->bytes / MMC_BLOCK,
			     .data = io->data };

	send_one(mc, &c, model_now(mc->m) + PATIENCE_NS);
	return c.result || c.response[0] & MMC_STATUS_ERRORS ? -EIO : 0;
}

/* Queued in order, carried out from the last to the first. */
static void run_queued(struct model_card *mc, struct mmc_io *io, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		io[i].result = queue_one(mc, &io[i], i) ? -EIO : 0;
	for (unsigned i = n; i--;)
		if (!io[i].result)
			io[i].result = execute_one(mc, &io[i], i);
}

static bool fits(const struct model_card *mc, enum mmc_part part, const struct mmc_io *io)
{
	uint32_t least = mc->ext[EXT_CSD_DATA_SECTOR_SIZE] == 1 ? 8 * MMC_BLOCK : MMC_BLOCK;
	uint64_t end = part_bytes(mc, part);

	return io->bytes && !(io->bytes % least) && !(io->at % least) &&
	       io->bytes <= MMC_DATA_MAX && io->at < end && io->bytes <= end - io->at;
}

static int check(struct model_card *mc, enum mmc_part part, const struct mmc_io *io)
{
	if (!fits(mc, part, io))
		return -EINVAL;
	if (io->writes && is_boot(mc, part) && mc->force_ro[part - MMC_BOOT0] &&
	    !model_has_fault(mc->m, FAULT_EMMC_FORCE_RO_IGNORED))
		return -EPERM;
	return 0;
}

int model_card_io(struct model_card *mc, enum mmc_part part, struct mmc_io *io, unsigned n)
{
	bool queued = mc->queue && part == MMC_USER && n > 1;
	int err = part == MMC_RPMB || !part_bytes(mc, part) ? -ENOTSUP : 0;

	for (unsigned i = 0; i < n; i++) {
		io[i].result = check(mc, part, &io[i]);
		queued = queued && !io[i].result;
	}
	if (err)
		return err;
	err = select_part(mc, part);
	if (queued)
		command(mc, mmc_switch(EXT_CSD_CMDQ_MODE_EN, 1, true));
	for (unsigned i = 0; !err && queued && i < n; i += LANES)
		run_queued(mc, io + i, n - i < LANES ? n - i : LANES);
	for (unsigned i = 0; !err && !queued && i < n; i++)
		if (!io[i].result)
			io[i].result = move(mc, &io[i]);
	if (queued)
		command(mc, mmc_switch(EXT_CSD_CMDQ_MODE_EN, 0, true));
	select_part(mc, MMC_USER);
	return err;
}

/* ---- what the card's side is told ---- */

int model_card_control(struct model_card *mc, const char *what)
{
	if (!strcmp(what, "mmc off"))
		command(mc, mmc_switch(EXT_CSD_POWER_OFF_NOTIFICATION, 2, true));
	else if (strcmp(what, "mmc cut"))
		return -EINVAL;
	card_power_cycle(mc->card);
	identify(mc);
	return 0;
}
