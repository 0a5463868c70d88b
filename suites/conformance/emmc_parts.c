// SPDX-License-Identifier: GPL-2.0-or-later
#include "emmc_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define SEND_NS (30 * NS_PER_S)
#define PIECE	512u /* sectors of one I/O */
#define NATIVE	8u   /* sectors of a card whose own have 4 KiB */

/* ---- what is known ---- */

const struct mmc_facts *emmc_facts(struct rig *r)
{
	const struct facts *f = rig_facts(r);

	if (!f || f->mmc.kind == MMC_KIND_NONE)
		rig_broken(r, "nothing is known of the card");
	if (!f->mmc.bytes[MMC_USER])
		rig_broken(r, "sysfs does not tell the size of the card");
	return &f->mmc;
}

const char *emmc_na_sd(const struct facts *f)
{
	return f->mmc.kind == MMC_KIND_SD ? "an SD card: it has no Extended CSD" : NULL;
}

const char *emmc_na(const struct facts *f)
{
	if (emmc_na_sd(f))
		return emmc_na_sd(f);
	if (f->mmc.kind == MMC_KIND_EMMC && !f->mmc.has_ext_csd)
		return "the Extended CSD could not be read (emmc.ext-csd asks for it)";
	return NULL;
}

const char *emmc_na_before(const struct facts *f, uint8_t rev, const char *version)
{
	const char *na = emmc_na(f);

	if (na || f->mmc.kind == MMC_KIND_NONE || f->mmc.ext_csd[EXT_CSD_REV] >= rev)
		return na;
	return rig_na_text("EXT_CSD_REV is %u: older than %s", f->mmc.ext_csd[EXT_CSD_REV],
			   version);
}

void emmc_need_cut(struct rig *r)
{
	if (!(emmc_facts(r)->can & MMC_CAN_CUT))
		rig_skip(r, "needs", "a card that can be told to lose its power");
}

void emmc_need_quiet(struct rig *r)
{
	char text[64];

	if (rig_target(r)->caps.of_machine && emmc_attr(r, MMC_USER, "device/cmdq_en", text) &&
	    !strcmp(text, "1"))
		rig_skip(r, "needs",
			 "a kernel that lets two commands follow each other: with cmdq_en 1 it "
			 "sends its own between them");
}

void emmc_need_512(struct rig *r)
{
	if (emmc_facts(r)->ext_csd[EXT_CSD_DATA_SECTOR_SIZE] == 1)
		rig_skip(r, "size", "sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB");
}

void emmc_tell(struct rig *r, const char *what)
{
	struct target *t = rig_target(r);

	if (!t->ops->control || t->ops->control(t, what))
		rig_broken(r, "%s: %s", what, t->error);
}

/* ---- commands ---- */

static void trouble(struct rig *r, int err, const char *doing)
{
	const char *error = rig_target(r)->error;

	switch (err) {
	case -EPERM:
	case -ENOTSUP:
		rig_skip(r, "needs", "%s: %s", doing, error);
	case -ENODEV:
		rig_fail(r, "%s: the card is gone (%s)", doing, error);
	case -ETIMEDOUT:
		rig_fail(r, "%s: no answer within the time it has", doing);
	default:
		rig_broken(r, "%s: %s", doing, error[0] ? error : strerror(-err));
	}
}

static void send(struct rig *r, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		 uint64_t within_ns)
{
	struct target *t = rig_target(r);
	char doing[16];
	int err;

	t->error[0] = 0;
	err = t->ops->mmc->send(t, part, cmd, n, within_ns);
	snprintf(doing, sizeof(doing), "CMD%u", cmd[0].opcode);
	if (err)
		trouble(r, err, doing);
}

void emmc_batch(struct rig *r, enum mmc_part part, struct mmc_cmd *cmd, unsigned n)
{
	send(r, part, cmd, n, SEND_NS);
}

static void must_answer(struct rig *r, const struct mmc_cmd *cmd)
{
	if (cmd->result)
		rig_fail(r, "CMD%u with argument %08Xh: %s", cmd->opcode, cmd->arg,
			 cmd->result == -ETIMEDOUT ? "no answer" : strerror(-cmd->result));
}

uint32_t emmc_ask(struct rig *r, struct mmc_cmd cmd)
{
	emmc_batch(r, MMC_USER, &cmd, 1);
	must_answer(r, &cmd);
	return cmd.response[0];
}

uint32_t emmc_status(struct rig *r)
{
	return emmc_ask(r, mmc_send_status(emmc_facts(r)->rca));
}

void emmc_need_unlocked(struct rig *r)
{
	if (emmc_status(r) & MMC_STATUS_LOCKED)
		rig_skip(r, "unsafe", "a card that no password locks");
}

static bool is_settled(uint32_t status)
{
	return MMC_STATUS_STATE(status) == MMC_TRAN && status & MMC_STATUS_READY;
}

uint32_t emmc_settle(struct rig *r, uint64_t within_ns)
{
	uint64_t until = rig_now(r) + within_ns;
	char text[MMC_STATUS_TEXT];
	uint32_t all = 0, now;

	for (;;) {
		bool late = rig_now(r) >= until;

		now = emmc_status(r);
		all |= now;
		if (is_settled(now))
			return all;
		if (late)
			rig_fail(r,
				 "the card is not ready in transfer state after %" PRIu64
				 " ms: status %s",
				 (uint64_t)(within_ns / NS_PER_MS), mmc_status_text(now, text));
	}
}

uint32_t emmc_do(struct rig *r, const struct mmc_cmd *cmd, unsigned n, uint64_t within_ns)
{
	struct mmc_cmd all[MMC_BATCH_MAX];
	uint32_t status = 0;

	memcpy(all, cmd, n * sizeof(*cmd));
	all[n] = mmc_send_status(emmc_facts(r)->rca);
	send(r, MMC_USER, all, n + 1, within_ns);
	for (unsigned i = 0; i <= n; i++) {
		must_answer(r, &all[i]);
		status |= all[i].response[0];
	}
	return is_settled(all[n].response[0]) ? status : status | emmc_settle(r, within_ns);
}

uint32_t emmc_try(struct rig *r, struct mmc_cmd *cmd, uint64_t within_ns)
{
	uint32_t all, now;

	send(r, MMC_USER, cmd, 1, within_ns);
	now = emmc_status(r);
	all = cmd->response[0] | now;
	if (MMC_STATUS_STATE(now) == MMC_RCV || MMC_STATUS_STATE(now) == MMC_DATA)
		all |= emmc_ask(r, mmc_plain(MMC_STOP, 0, true));
	return all | emmc_settle(r, within_ns);
}

void emmc_read_ext_csd(struct rig *r, uint8_t ret[EXT_CSD_BYTES])
{
	emmc_ask(r, mmc_send_ext_csd(ret));
}

bool emmc_attr(struct rig *r, enum mmc_part part, const char *name, char ret[64])
{
	struct target *t = rig_target(r);

	return !t->ops->mmc->attr(t, part, name, ret, 64);
}

/* ---- sectors ---- */

bool emmc_in_bytes(const struct mmc_facts *f)
{
	return f->kind == MMC_KIND_SD ? csd_get(f->csd, CSD_STRUCTURE) == 0
				      : csd_in_bytes(f->csd, f->bytes[MMC_USER]);
}

uint32_t emmc_address(const struct mmc_facts *f, uint64_t sector)
{
	return (uint32_t)(emmc_in_bytes(f) ? sector * MMC_BLOCK : sector);
}

uint64_t emmc_scratch(struct rig *r, uint64_t sectors, uint64_t align)
{
	uint64_t all = emmc_facts(r)->bytes[MMC_USER] / MMC_BLOCK;

	if (!align || sectors > all)
		rig_skip(r, "size", "a card of %" PRIu64 " sectors", sectors);
	return rig_rand_below(r, (all - sectors) / align + 1) * align;
}

void *emmc_mem(struct rig *r, size_t len)
{
	size_t all = (len + 4095) / 4096 * 4096;
	void *p = aligned_alloc(4096, all ? all : 4096);

	if (!p)
		rig_broken(r, "out of memory: %zu bytes", len);
	memset(p, 0, all);
	rig_defer(r, free, p);
	return p;
}

void emmc_run(struct rig *r, enum mmc_part part, struct mmc_io *io, unsigned n)
{
	struct target *t = rig_target(r);
	int err;

	t->error[0] = 0;
	err = t->ops->mmc->io(t, part, io, n);
	if (err)
		trouble(r, err, "block I/O");
}

/* How many write protect groups have one of these sectors, at most those of one CMD31. */
static unsigned groups_of(const struct mmc_facts *f, uint64_t sector, uint64_t n)
{
	uint64_t group = ext_csd_wp_group_bytes(f->ext_csd, f->csd) / MMC_BLOCK;
	uint64_t groups = group ? (sector + n - 1) / group - sector / group + 1 : 0;

	return groups < MMC_WP_GROUPS ? (unsigned)groups : MMC_WP_GROUPS;
}

static bool has_protected(struct rig *r, uint64_t sector, uint64_t n)
{
	const struct mmc_facts *f = emmc_facts(r);
	uint8_t types[MMC_WP_TYPES];
	struct mmc_cmd cmd = mmc_send_write_prot_type(emmc_address(f, sector), types);

	if (f->kind != MMC_KIND_EMMC || !csd_get(f->csd, CSD_WP_GRP_ENABLE))
		return false;
	emmc_batch(r, MMC_USER, &cmd, 1);
	for (unsigned i = 0; !cmd.result && i < groups_of(f, sector, n); i++)
		if (mmc_write_prot_type(types, i))
			return true;
	return false;
}

void emmc_excuse(struct rig *r, enum mmc_part part, bool writes, uint64_t sector, uint64_t n)
{
	const struct mmc_facts *f = emmc_facts(r);

	emmc_need_unlocked(r);
	if (!writes || part != MMC_USER)
		return;
	if (csd_get(f->csd, CSD_PERM_WRITE_PROTECT) || csd_get(f->csd, CSD_TMP_WRITE_PROTECT))
		rig_skip(r, "unsafe", "a card that its CSD does not write-protect as a whole");
	if (has_protected(r, sector, n))
		rig_skip(r, "unsafe", "sectors %" PRIu64 " to %" PRIu64 ", which are protected",
			 sector, sector + n - 1);
}

/* In pieces, so that no request is more than a command carries. */
static int move(struct rig *r, enum mmc_part part, bool writes, uint64_t sector, uint8_t *data,
		uint64_t n)
{
	if (sector % NATIVE || n % NATIVE)
		emmc_need_512(r);
	for (uint64_t done = 0; done < n; done += PIECE) {
		uint64_t part_n = n - done < PIECE ? n - done : PIECE;
		struct mmc_io io = { .writes = writes,
				     .at = (sector + done) * MMC_BLOCK,
				     .bytes = (uint32_t)part_n * MMC_BLOCK,
				     .data = data + done * MMC_BLOCK };

		emmc_run(r, part, &io, 1);
		if (io.result)
			return io.result;
	}
	return 0;
}

int emmc_try_put(struct rig *r, enum mmc_part part, uint64_t sector, uint64_t n, uint64_t tag)
{
	uint8_t *data = emmc_mem(r, n * MMC_BLOCK);

	rig_stamp(data, sector, (uint32_t)n, MMC_BLOCK, tag);
	return move(r, part, true, sector, data, n);
}

void emmc_put(struct rig *r, enum mmc_part part, uint64_t sector, uint64_t n, uint64_t tag)
{
	int err = emmc_try_put(r, part, sector, n, tag);

	if (err)
		emmc_excuse(r, part, true, sector, n);
	if (err)
		rig_fail(r, "write of %" PRIu64 " sectors at %" PRIu64 ": %s", n, sector,
			 strerror(-err));
}

void emmc_get(struct rig *r, enum mmc_part part, uint64_t sector, void *data, uint64_t n)
{
	int err = move(r, part, false, sector, data, n);

	if (err)
		emmc_excuse(r, part, false, sector, n);
	if (err)
		rig_fail(r, "read of %" PRIu64 " sectors at %" PRIu64 ": %s", n, sector,
			 strerror(-err));
}

bool emmc_holds(struct rig *r, const struct check_site *s, enum mmc_part part, uint64_t sector,
		uint64_t n, uint64_t tag)
{
	uint8_t *data = emmc_mem(r, n * MMC_BLOCK);

	emmc_get(r, part, sector, data, n);
	return rig_check_stamp(r, s, data, sector, (uint32_t)n, MMC_BLOCK, tag);
}

uint64_t emmc_left(struct rig *r, uint64_t sector, uint64_t n, uint64_t tag)
{
	uint8_t *data = emmc_mem(r, n * MMC_BLOCK);
	uint64_t left = 0;

	emmc_get(r, MMC_USER, sector, data, n);
	for (uint64_t i = 0; i < n; i++)
		left += rig_is_stamp(data + i * MMC_BLOCK, sector + i, 1, MMC_BLOCK, tag);
	return left;
}

/* ---- checks ---- */

bool check_clean(struct rig *r, const struct check_site *s, const char *what, uint32_t status)
{
	char text[MMC_STATUS_TEXT];

	return check_text(r, s, what, !(status & MMC_STATUS_ERRORS), mmc_status_text(status, text),
			  "a status without errors");
}

bool check_bit(struct rig *r, const struct check_site *s, const char *what, uint32_t status,
	       uint32_t bit)
{
	char have[MMC_STATUS_TEXT], want[MMC_STATUS_TEXT];

	mmc_status_text(bit | MMC_STATUS_READY, want);
	return check_text(r, s, what, status & bit, mmc_status_text(status, have),
			  strstr(want, "ready, ") + strlen("ready, "));
}
