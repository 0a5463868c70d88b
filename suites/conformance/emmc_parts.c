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
#define SMALL	(2ull << 30)

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

void emmc_batch(struct rig *r, enum mmc_part part, struct mmc_cmd *cmd, unsigned n)
{
	struct target *t = rig_target(r);
	char doing[16];
	int err;

	t->error[0] = 0;
	err = t->ops->mmc->send(t, part, cmd, n, SEND_NS);
	snprintf(doing, sizeof(doing), "CMD%u", cmd[0].opcode);
	if (err)
		trouble(r, err, doing);
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
	emmc_batch(r, MMC_USER, all, n + 1);
	for (unsigned i = 0; i <= n; i++) {
		must_answer(r, &all[i]);
		status |= all[i].response[0];
	}
	return is_settled(all[n].response[0]) ? status : status | emmc_settle(r, within_ns);
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

uint32_t emmc_address(const struct mmc_facts *f, uint64_t sector)
{
	bool in_bytes = f->kind == MMC_KIND_SD ? csd_get(f->csd, CSD_STRUCTURE) == 0
					       : f->bytes[MMC_USER] <= SMALL;

	return (uint32_t)(in_bytes ? sector * MMC_BLOCK : sector);
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

/* In pieces, so that no request is more than a command carries. */
static int move(struct rig *r, enum mmc_part part, bool writes, uint64_t sector, uint8_t *data,
		uint64_t n)
{
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
		rig_fail(r, "write of %" PRIu64 " sectors at %" PRIu64 ": %s", n, sector,
			 strerror(-err));
}

void emmc_get(struct rig *r, enum mmc_part part, uint64_t sector, void *data, uint64_t n)
{
	int err = move(r, part, false, sector, data, n);

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
