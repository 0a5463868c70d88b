// SPDX-License-Identifier: GPL-2.0-or-later
/* emmc: boot partitions, RPMB; power, the command queue, what is done in the background. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "emmc_parts.h"

#define OLD 1ull
#define NEW 2ull

struct part_row {
	const char *name;
	void (*run)(struct rig *r, enum mmc_part part);
	enum mmc_part part;
};

static void run_part(struct rig *r)
{
	const struct part_row *row = rig_row(r);

	row->run(r, row->part);
}

/* ---- boot partitions ---- */

static const char *na_boot(const struct facts *f)
{
	const char *na = emmc_na(f);

	if (na || f->mmc.kind == MMC_KIND_NONE)
		return na;
	return f->mmc.ext_csd[EXT_CSD_BOOT_SIZE_MULT] || f->mmc.bytes[MMC_BOOT0]
		       ? NULL
		       : "BOOT_SIZE_MULT is 0: no boot partitions";
}

/* A host may keep its hands off them (MMC_CAP2_BOOTPART_NOACC). */
static void need_boot(struct rig *r, enum mmc_part part)
{
	if (!emmc_facts(r)->bytes[part])
		rig_skip(r, "needs", "a kernel that shows the boot partition as a device");
}

static void need_unprotected(struct rig *r, enum mmc_part part)
{
	uint8_t e[EXT_CSD_BYTES];

	need_boot(r, part);
	emmc_read_ext_csd(r, e);
	if (ext_csd_boot_protected(e, part - MMC_BOOT0))
		rig_skip(r, "unsafe",
			 "a boot partition that nobody has protected: BOOT_WP is %02Xh, "
			 "BOOT_WP_STATUS %02Xh",
			 e[EXT_CSD_BOOT_WP], e[EXT_CSD_BOOT_WP_STATUS]);
}

static void boot_size(struct rig *r, enum mmc_part part)
{
	uint8_t e[EXT_CSD_BYTES];

	need_boot(r, part);
	emmc_read_ext_csd(r, e);
	CHECK_EQ(r, "BOOT_SIZE_MULT x 128 KiB, against the boot device", ext_csd_boot_bytes(e),
		 emmc_facts(r)->bytes[part]);
}

static const struct part_row boots[] = { { "boot0", boot_size, MMC_BOOT0 },
					 { "boot1", boot_size, MMC_BOOT1 } };

static void set_attr(struct rig *r, enum mmc_part part, const char *name, const char *value)
{
	struct target *t = rig_target(r);
	int err = t->ops->mmc->set_attr(t, part, name, value);

	if (err)
		rig_broken(r, "%s of the boot device cannot be set to %s: %s", name, value,
			   strerror(-err));
}

#define BOOT_SECTORS 8u
#define FLUSH_NS     (30 * NS_PER_S)

/* The last sectors of a boot partition, where a boot loader is the least likely to be. */
struct saved {
	struct rig *r;
	enum mmc_part part;
	uint64_t sector;
	uint8_t *data;
	char force_ro[64];
	bool is_back;
};

/* It checks nothing: it is also what is left to do when a case ends amid its body. A cache must not
 * be all that has the old data, when the medium may have the new ones. */
static void give_back(struct saved *s)
{
	struct target *t = rig_target(s->r);
	struct mmc_io io = { .writes = true,
			     .at = s->sector * MMC_BLOCK,
			     .bytes = BOOT_SECTORS * MMC_BLOCK,
			     .data = s->data };
	struct mmc_cmd flush = mmc_switch(EXT_CSD_FLUSH_CACHE, 1, true);

	t->ops->mmc->set_attr(t, s->part, "force_ro", "0");
	t->ops->mmc->io(t, s->part, &io, 1);
	t->ops->mmc->set_attr(t, s->part, "force_ro", s->force_ro);
	if (ext_csd_get(emmc_facts(s->r)->ext_csd, EXT_CSD_CACHE_SIZE))
		t->ops->mmc->send(t, MMC_USER, &flush, 1, FLUSH_NS);
}

static void restore(void *arg)
{
	struct saved *s = arg;

	if (!s->is_back)
		give_back(s);
}

static struct saved *save(struct rig *r, enum mmc_part part)
{
	struct saved *s = rig_mem(r, sizeof(*s));

	need_unprotected(r, part);
	*s = (struct saved){ .r = r,
			     .part = part,
			     .sector = emmc_facts(r)->bytes[part] / MMC_BLOCK - BOOT_SECTORS,
			     .data = emmc_mem(r, BOOT_SECTORS * MMC_BLOCK) };
	if (!emmc_attr(r, part, "force_ro", s->force_ro))
		rig_broken(r, "sysfs has no force_ro of the boot device");
	emmc_get(r, part, s->sector, s->data, BOOT_SECTORS);
	rig_defer(r, restore, s);
	return s;
}

static void put_back(struct rig *r, struct saved *s)
{
	uint8_t *have = emmc_mem(r, BOOT_SECTORS * MMC_BLOCK);

	give_back(s);
	emmc_get(r, s->part, s->sector, have, BOOT_SECTORS);
	s->is_back = CHECK_MEM(r, "the boot device's sectors, put back", have, s->data,
			       BOOT_SECTORS * MMC_BLOCK);
}

static void boot_force_ro(struct rig *r, enum mmc_part part)
{
	struct saved *s = save(r, part);
	int err;

	set_attr(r, part, "force_ro", "0");
	emmc_put(r, part, s->sector, BOOT_SECTORS, OLD);
	EMMC_HOLDS(r, part, s->sector, BOOT_SECTORS, OLD);
	set_attr(r, part, "force_ro", "1");
	err = emmc_try_put(r, part, s->sector, BOOT_SECTORS, NEW);
	CHECK_TRUE(r, err == -EPERM || err == -EACCES || err == -EROFS || err == -EIO,
		   "a write with force_ro 1 is refused: %s", err ? strerror(-err) : "success");
	EMMC_HOLDS(r, part, s->sector, BOOT_SECTORS, OLD);
	put_back(r, s);
}

static void boot_apart(struct rig *r, enum mmc_part part)
{
	struct saved *s = save(r, part);

	emmc_put(r, MMC_USER, s->sector, BOOT_SECTORS, OLD);
	set_attr(r, part, "force_ro", "0");
	emmc_put(r, part, s->sector, BOOT_SECTORS, NEW);
	EMMC_HOLDS(r, part, s->sector, BOOT_SECTORS, NEW);
	EMMC_HOLDS(r, MMC_USER, s->sector, BOOT_SECTORS, OLD);
	put_back(r, s);
}

/* Until power goes, so it comes last, and only where power can go. */
static void boot_lock(struct rig *r, enum mmc_part part)
{
	uint8_t e[EXT_CSD_BYTES];

	emmc_need_cut(r);
	need_unprotected(r, part);
	set_attr(r, part, "ro_lock_until_next_power_on", "1");
	emmc_read_ext_csd(r, e);
	CHECK_EQ(r, "BOOT_WP, B_PWR_WP_EN", e[EXT_CSD_BOOT_WP] & EXT_CSD_BOOT_PWR_WP_EN,
		 EXT_CSD_BOOT_PWR_WP_EN);
	emmc_tell(r, "mmc cut");
	emmc_read_ext_csd(r, e);
	CHECK_EQ(r, "B_PWR_WP_EN after a power cycle", e[EXT_CSD_BOOT_WP] & EXT_CSD_BOOT_PWR_WP_EN,
		 0);
}

static const struct part_row boot_writes[] = { { "force-ro", boot_force_ro, MMC_BOOT0 },
					       { "apart", boot_apart, MMC_BOOT1 },
					       { "lock", boot_lock, MMC_BOOT0 } };

/* ---- RPMB ---- */

static const char *na_rpmb(const struct facts *f)
{
	const char *na = emmc_na(f);

	if (na || f->mmc.kind == MMC_KIND_NONE)
		return na;
	return f->mmc.ext_csd[EXT_CSD_RPMB_SIZE_MULT] ? NULL : "RPMB_SIZE_MULT is 0: no RPMB";
}

/* A request for the counter, and its answer. Nothing is ever written there, and no key set. */
static struct mmc_rpmb read_counter(struct rig *r, const struct mmc_rpmb *request)
{
	uint8_t *ask = emmc_mem(r, MMC_RPMB_FRAME), *answer = emmc_mem(r, MMC_RPMB_FRAME);
	struct mmc_cmd cmd[2] = { mmc_write(0, ask, 1), mmc_read(0, answer, 1) };
	struct mmc_rpmb f;

	cmd[0].opcode = MMC_WRITE_MULTIPLE;
	cmd[1].opcode = MMC_READ_MULTIPLE;
	mmc_rpmb_pack(request, ask);
	emmc_batch(r, MMC_RPMB, cmd, 2);
	for (unsigned i = 0; i < 2; i++)
		if (cmd[i].result)
			rig_fail(r, "CMD%u to RPMB: %s", cmd[i].opcode, strerror(-cmd[i].result));
	mmc_rpmb_unpack(answer, &f);
	return f;
}

/* Without a key nothing of the response but its type and its result means anything. Others may
 * write there meanwhile: it has no lock. */
static void rpmb_counter(struct rig *r)
{
	struct mmc_rpmb ask = { .type = MMC_RPMB_READ_COUNTER }, first, now;

	emmc_need_unlocked(r);
	for (unsigned i = 0; i < 3; i++) {
		uint16_t result;

		for (unsigned k = 0; k < MMC_RPMB_NONCE; k++)
			ask.nonce[k] = (uint8_t)(1 + rig_rand_below(r, 255));
		now = read_counter(r, &ask);
		result = now.result & MMC_RPMB_RESULT_MASK;
		first = i ? first : now;
		CHECK_EQ(r, "type of the response", now.type, MMC_RPMB_READ_COUNTER << 8);
		check_mem(r, CHECK_SITE(0, result != 0), "nonce of the response", now.nonce,
			  ask.nonce, MMC_RPMB_NONCE);
		CHECK_TRUE(r, result == 0 || result == MMC_RPMB_NO_KEY,
			   "result %04Xh is 0000h, or 0007h without a key", now.result);
		check_u64(r, CHECK_SITE(0, result != 0), "counter, against the first read",
			  now.counter, OP_GE, first.counter);
		ADVISE_EQ(r, "counter, where nobody else writes", now.counter, first.counter);
	}
}

/* ---- power ---- */

static const char *na_before_4_5(const struct facts *f)
{
	return emmc_na_before(f, 6, "4.5, which has it");
}

static void power_notify(struct rig *r)
{
	uint8_t e[EXT_CSD_BYTES];

	emmc_read_ext_csd(r, e);
	CHECK_EQ(r, "POWER_OFF_NOTIFICATION while Linux runs: POWERED_ON",
		 e[EXT_CSD_POWER_OFF_NOTIFICATION], 1);
}

static void power_off(struct rig *r)
{
	uint64_t at = emmc_scratch(r, 256, 8);

	emmc_need_cut(r);
	emmc_put(r, MMC_USER, at, 256, OLD);
	emmc_tell(r, "mmc off");
	EMMC_HOLDS(r, MMC_USER, at, 256, OLD);
	CHECK_CLEAN(r, "the status once it is back", emmc_status(r));
}

/* ---- the command queue ---- */

static const char *na_before_5_1(const struct facts *f)
{
	return emmc_na_before(f, 8, "5.1, which has the command queue");
}

#define IN_FLIGHT 24u
#define EACH	  8u /* sectors */

static bool queue_is_on(struct rig *r)
{
	char text[64];

	return emmc_attr(r, MMC_USER, "device/cmdq_en", text) && !strcmp(text, "1");
}

static void queue_claims(struct rig *r, enum mmc_part part)
{
	uint8_t e[EXT_CSD_BYTES];

	(void)part;
	emmc_read_ext_csd(r, e);
	if (queue_is_on(r))
		CHECK_EQ(r, "CMDQ_SUPPORT, with cmdq_en 1", e[EXT_CSD_CMDQ_SUPPORT] & 1, 1);
	if (!(e[EXT_CSD_CMDQ_SUPPORT] & 1))
		rig_na(r, "CMDQ_SUPPORT is 0: no command queue");
	CHECK_GE(r, "tasks of the queue (CMDQ_DEPTH + 1)", (e[EXT_CSD_CMDQ_DEPTH] & 0x1f) + 1u, 2);
}

static void background_status(struct rig *r, enum mmc_part part)
{
	uint8_t e[EXT_CSD_BYTES];

	(void)part;
	emmc_read_ext_csd(r, e);
	CHECK_LE(r, "BKOPS_STATUS", e[EXT_CSD_BKOPS_STATUS], 3);
}

static const struct part_row claims[] = { { "queue", queue_claims, MMC_USER },
					  { "background", background_status, MMC_USER } };

/* Far from each other, each with content of its own. */
static void many(struct rig *r, bool writes, uint64_t at, uint64_t step, uint8_t *data)
{
	struct mmc_io io[IN_FLIGHT];

	for (unsigned i = 0; i < IN_FLIGHT; i++)
		io[i] = (struct mmc_io){ .writes = writes,
					 .at = (at + i * step) * MMC_BLOCK,
					 .bytes = EACH * MMC_BLOCK,
					 .data = data + i * EACH * MMC_BLOCK };
	emmc_run(r, MMC_USER, io, IN_FLIGHT);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		if (io[i].result)
			emmc_excuse(r, MMC_USER, writes, at + i * step, EACH);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		CHECK_EQ(r, writes ? "result of a write of many" : "result of a read of many",
			 (uint64_t)-io[i].result, 0);
}

static void queue_io(struct rig *r, enum mmc_part part)
{
	uint64_t step = 4096, at = emmc_scratch(r, IN_FLIGHT * step, 8);
	uint8_t *data = emmc_mem(r, IN_FLIGHT * EACH * MMC_BLOCK);

	(void)part;
	if (!queue_is_on(r))
		rig_na(r, "cmdq_en is 0: Linux does not use the command queue here");
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		rig_stamp(data + i * EACH * MMC_BLOCK, at + i * step, EACH, MMC_BLOCK, NEW);
	many(r, true, at, step, data);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		EMMC_HOLDS(r, MMC_USER, at + i * step, EACH, NEW);
	memset(data, 0, IN_FLIGHT * EACH * MMC_BLOCK);
	many(r, false, at, step, data);
	for (unsigned i = 0; i < IN_FLIGHT; i++)
		CHECK_STAMP(r, data + i * EACH * MMC_BLOCK, at + i * step, EACH, MMC_BLOCK, NEW);
}

/* It has time when nobody asks it for anything; a limit the text does not set. */
static void background_ends(struct rig *r, enum mmc_part part)
{
	uint64_t at = emmc_scratch(r, 512, 8);
	uint8_t e[EXT_CSD_BYTES];

	(void)part;
	emmc_read_ext_csd(r, e);
	if (!(e[EXT_CSD_BKOPS_EN] & 3))
		rig_na(r, "BKOPS_EN is 0: nothing is done in the background");
	emmc_put(r, MMC_USER, at, 512, OLD);
	for (unsigned i = 0; i < 30; i++) {
		emmc_read_ext_csd(r, e);
		if (!e[EXT_CSD_BKOPS_STATUS])
			break;
		rig_wait(r, 2 * NS_PER_S);
	}
	CHECK_EQ(r, "BKOPS_STATUS after a minute without I/O", e[EXT_CSD_BKOPS_STATUS], 0);
}

static const struct part_row loads[] = { { "queue", queue_io, MMC_USER },
					 { "background", background_ends, MMC_USER } };

static const struct rig_case cases[] = {
	{ .id = "boot-partitions",
	  .rule = "Both boot devices have the size that BOOT_SIZE_MULT tells.",
	  .ref = EMMC "Boot Operation; Linux Documentation/driver-api/mmc/mmc-dev-parts.rst",
	  .needs = NEED_MMC,
	  .fault = "emmc-boot-size-differs",
	  .na = na_boot,
	  .run = run_part,
	  ROWS(boots) },
	{ .id = "boot-write",
	  .rule = "A boot device is written with force_ro 0 alone, shares nothing with the user "
		  "area, and its lock is told by BOOT_WP and gone with the power.",
	  .ref = EMMC "Boot Operation; Linux Documentation/driver-api/mmc/mmc-dev-parts.rst",
	  .needs = NEED_MMC,
	  .harm = HARM_FOREVER,
	  .fault = "emmc-force-ro-ignored emmc-boot-is-user emmc-boot-wp-untold "
		   "emmc-boot-write-once",
	  .na = na_boot,
	  .run = run_part,
	  ROWS(boot_writes) },
	{ .id = "rpmb-counter",
	  .rule = "The counter of the Replay Protected Memory Block is told with the nonce of the "
		  "request, never falls, and does not move by being read.",
	  .ref = EMMC "Replay Protected Memory Block",
	  .needs = NEED_MMC,
	  .fault = "emmc-rpmb-nonce-zero emmc-rpmb-type-wrong emmc-rpmb-counter-moves "
		   "emmc-rpmb-result-failure",
	  .na = na_rpmb,
	  .run = rpmb_counter },
	{ .id = "power-off-notify",
	  .rule = "POWER_OFF_NOTIFICATION says that a host will tell of power going.",
	  .ref = EMMC "Power Off Notification" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .level = SHOULD,
	  .fault = "emmc-notification-forgotten",
	  .na = na_before_4_5,
	  .run = power_notify },
	{ .id = "power-off-keeps",
	  .rule = "What was written before a power off that was told of is there afterwards.",
	  .ref = EMMC "Power Off Notification" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "emmc-notified-loses",
	  .na = na_before_4_5,
	  .run = power_off },
	{ .id = "cmdq-bkops",
	  .rule = "The command queue is claimed where it is used, with more than one task, and "
		  "BKOPS_STATUS is no reserved value.",
	  .ref = EMMC "Command Queuing; Background Operations" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .level = SHOULD,
	  .fault = "emmc-queue-unclaimed emmc-queue-depth-one emmc-bkops-reserved",
	  .na = na_before_5_1,
	  .run = run_part,
	  ROWS(claims) },
	{ .id = "cmdq-bkops-load",
	  .rule = "Data of many tasks in the command queue are each their own, and background "
		  "operations come to an end.",
	  .ref = EMMC "Command Queuing; Background Operations" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "emmc-queue-mixes-tasks emmc-bkops-never-ends",
	  .na = na_before_5_1,
	  .run = run_part,
	  ROWS(loads),
	  .deadline_s = 180 },
};

SUITE(emmc_area_suite, CONFORMANCE, "emmc", cases);
