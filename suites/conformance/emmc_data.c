// SPDX-License-Identifier: GPL-2.0-or-later
/* emmc: what becomes of data: the cache, erase, trim and discard, sanitize, protection, the queue.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "emmc_parts.h"

#define OLD	    1ull
#define NEW	    2ull
#define FLUSH_NS    (30 * NS_PER_S) /* what Linux gives it */
#define ERASE_NS    (60 * NS_PER_S)
#define SANITIZE_NS (600 * NS_PER_S)
#define PROTECT_NS  (10 * NS_PER_S)
#define WRITE_NS    (10 * NS_PER_S)
#define FRAME	    16u /* sectors on each side of a range */
#define GROUP_MAX   (UINT64_C(64) << 20)

static uint32_t ext32(struct rig *r, enum ext_csd_at at)
{
	return ext_csd_get(emmc_facts(r)->ext_csd, at);
}

/* ---- the cache ---- */

static const char *na_cache(const struct facts *f)
{
	const char *na = emmc_na(f);

	if (na || f->mmc.kind == MMC_KIND_NONE)
		return na;
	return ext_csd_get(f->mmc.ext_csd, EXT_CSD_CACHE_SIZE) ? NULL : "CACHE_SIZE is 0: no cache";
}

static void cache_on(struct rig *r)
{
	uint8_t e[EXT_CSD_BYTES];

	emmc_read_ext_csd(r, e);
	CHECK_EQ(r, "CACHE_CTRL, once Linux has found the cache", e[EXT_CSD_CACHE_CTRL] & 1, 1);
}

/* Its time, and every status from the answer on. */
static uint64_t flush(struct rig *r)
{
	struct mmc_cmd cmd = mmc_switch(EXT_CSD_FLUSH_CACHE, 1, false);
	uint64_t begin = rig_now(r);
	uint32_t status;

	emmc_need_quiet(r);
	status = emmc_do(r, &cmd, 1, 4 * FLUSH_NS + NS_PER_S);
	CHECK_CLEAN(r, "the status behind FLUSH_CACHE", status);
	return rig_now(r) - begin;
}

static void cache_flush(struct rig *r)
{
	uint64_t at = emmc_scratch(r, 256, 8);

	emmc_put(r, MMC_USER, at, 256, OLD);
	ADVISE_LE(r, "FLUSH_CACHE in ms, against the 30 s that Linux gives it",
		  flush(r) / NS_PER_MS, FLUSH_NS / NS_PER_MS);
	EMMC_HOLDS(r, MMC_USER, at, 256, OLD);
}

static void cache_cut(struct rig *r)
{
	uint64_t at = emmc_scratch(r, 256, 8);

	emmc_need_cut(r);
	emmc_put(r, MMC_USER, at, 256, OLD);
	flush(r);
	emmc_tell(r, "mmc cut");
	EMMC_HOLDS(r, MMC_USER, at, 256, OLD);
}

static const struct part_row {
	const char *name;
	void (*run)(struct rig *r);
} caches[] = { { "on", cache_on }, { "flush", cache_flush }, { "power-cut", cache_cut } };

static void run_part(struct rig *r)
{
	((const struct part_row *)rig_row(r))->run(r);
}

/* ---- erase, trim, discard ---- */

/* Sectors first..first+n-1 of a frame that is stamped as a whole. */
static void erase(struct rig *r, uint64_t first, uint64_t n, enum mmc_erase_kind kind)
{
	const struct mmc_facts *f = emmc_facts(r);
	struct mmc_cmd cmd[3];
	uint32_t status;

	emmc_need_quiet(r);
	mmc_erase(emmc_address(f, first), emmc_address(f, first + n - 1), kind, cmd);
	status = emmc_do(r, cmd, 3, ERASE_NS);
	CHECK_CLEAN(r, "the status of the erase", status);
}

static void check_erased(struct rig *r, uint64_t sector, uint64_t n)
{
	uint8_t value = ext32(r, EXT_CSD_ERASED_MEM_CONT) ? 0xff : 0;
	uint8_t *have = emmc_mem(r, n * MMC_BLOCK), *want = emmc_mem(r, n * MMC_BLOCK);

	memset(want, value, n * MMC_BLOCK);
	emmc_get(r, MMC_USER, sector, have, n);
	CHECK_MEM(r, "erased sectors, against ERASED_MEM_CONT", have, want, n * MMC_BLOCK);
}

/* Of the group in force now: the frame is a part of the groups beside it. */
static void erase_groups(struct rig *r)
{
	const struct mmc_facts *f = emmc_facts(r);
	uint8_t e[EXT_CSD_BYTES];
	uint64_t group, at;

	emmc_read_ext_csd(r, e);
	group = ext_csd_erase_group_bytes(e, f->csd) / MMC_BLOCK;
	if (!group || group > GROUP_MAX / MMC_BLOCK)
		rig_skip(r, "size", "an erase group of 1 to %" PRIu64 " sectors: it has %" PRIu64,
			 (uint64_t)(GROUP_MAX / MMC_BLOCK), group);
	at = emmc_scratch(r, 3 * group, group) + group;
	emmc_put(r, MMC_USER, at - FRAME, FRAME + group + FRAME, OLD);
	erase(r, at + group / 2, 1, MMC_ERASE_GROUPS);
	check_erased(r, at, group);
	EMMC_HOLDS(r, MMC_USER, at - FRAME, FRAME, OLD);
	EMMC_HOLDS(r, MMC_USER, at + group, FRAME, OLD);
}

static void need_trim(struct rig *r)
{
	if (!(ext32(r, EXT_CSD_SEC_FEATURE_SUPPORT) & EXT_CSD_SEC_TRIM))
		rig_na(r, "SEC_FEATURE_SUPPORT has no SEC_GB_CL_EN: no trim");
}

/* Sectors that begin and end nowhere in particular. */
static void trim(struct rig *r)
{
	need_trim(r);
	for (uint64_t i = rig_pick(r, 4, 16, 200); i; i--) {
		uint64_t n = 1 + rig_rand_below(r, 40);
		uint64_t at = emmc_scratch(r, n + 2 * FRAME, 1) + FRAME;

		emmc_put(r, MMC_USER, at - FRAME, n + 2 * FRAME, OLD);
		erase(r, at, n, MMC_TRIM);
		check_erased(r, at, n);
		EMMC_HOLDS(r, MMC_USER, at - FRAME, FRAME, OLD);
		EMMC_HOLDS(r, MMC_USER, at + n, FRAME, OLD);
	}
}

/* What is read of them then is not defined, not even that it stays. */
static void discard(struct rig *r)
{
	uint64_t n = 24, at = emmc_scratch(r, n + 2 * FRAME, 1) + FRAME;
	uint8_t *first = emmc_mem(r, n * MMC_BLOCK), *again = emmc_mem(r, n * MMC_BLOCK);

	if (ext32(r, EXT_CSD_REV) < 6)
		rig_na(r, "EXT_CSD_REV is %u: older than 4.5, which has discard",
		       ext32(r, EXT_CSD_REV));
	emmc_put(r, MMC_USER, at - FRAME, n + 2 * FRAME, OLD);
	erase(r, at, n, MMC_DISCARD);
	emmc_get(r, MMC_USER, at, first, n);
	emmc_get(r, MMC_USER, at, again, n);
	check_mem(r, CHECK_SITE(0, 1), "discarded sectors, read twice", again, first,
		  n * MMC_BLOCK);
	EMMC_HOLDS(r, MMC_USER, at - FRAME, FRAME, OLD);
	EMMC_HOLDS(r, MMC_USER, at + n, FRAME, OLD);
}

static const struct part_row erases[] = { { "groups", erase_groups },
					  { "trim", trim },
					  { "discard", discard } };

/* ---- sanitize ---- */

static const char *na_sanitize(const struct facts *f)
{
	const char *na = emmc_na(f);

	if (na || f->mmc.kind == MMC_KIND_NONE)
		return na;
	return f->mmc.ext_csd[EXT_CSD_SEC_FEATURE_SUPPORT] & EXT_CSD_SEC_SANITIZE
		       ? NULL
		       : "SEC_FEATURE_SUPPORT has no SEC_SANITIZE";
}

/* What was discarded is still there, as a rule, until this. The kernel makes it its own, and waits
 * for it as long as it is told. */
static void sanitize(struct rig *r)
{
	uint64_t n = 64, at = emmc_scratch(r, n + 2 * FRAME, 1) + FRAME;
	struct mmc_cmd cmd = mmc_switch(EXT_CSD_SANITIZE_START, 1, true);
	uint64_t begin;

	emmc_put(r, MMC_USER, at - FRAME, n + 2 * FRAME, OLD);
	erase(r, at, n, MMC_DISCARD);
	begin = rig_now(r);
	CHECK_CLEAN(r, "the status behind SANITIZE_START", emmc_do(r, &cmd, 1, SANITIZE_NS));
	rig_note(r, "%" PRIu64 " ms", (uint64_t)((rig_now(r) - begin) / NS_PER_MS));
	CHECK_EQ(r, "sectors that hold what was discarded", emmc_left(r, at, n, OLD), 0);
	EMMC_HOLDS(r, MMC_USER, at - FRAME, FRAME, OLD);
	EMMC_HOLDS(r, MMC_USER, at + n, FRAME, OLD);
}

/* ---- write protect groups ---- */

#define USER_WP_FOR_GOOD 0x05u /* US_PERM_WP_EN, US_PWR_WP_EN: then CMD28 is no temporary one */
#define USER_WP_RESERVED 0x22u

struct group {
	struct rig *r;
	uint64_t sector, sectors;
};

static const char *na_protect(const struct facts *f)
{
	const char *na = emmc_na_before(f, 5, "4.41, whose CMD31 tells what is protected");

	if (na || f->mmc.kind == MMC_KIND_NONE)
		return na;
	if (!(csd_get(f->mmc.csd, CSD_CCC) & 1u << 6))
		return "CCC of the CSD lacks class 6, write protection";
	return csd_get(f->mmc.csd, CSD_WP_GRP_ENABLE)
		       ? NULL
		       : "WP_GRP_ENABLE of the CSD is 0: no groups are protected";
}

static uint32_t protect(struct rig *r, uint8_t opcode, const struct group *g)
{
	struct mmc_cmd cmd = mmc_plain(opcode, emmc_address(emmc_facts(r), g->sector), false);

	return emmc_do(r, &cmd, 1, PROTECT_NS);
}

/* Deferred: it asks nothing, and checks nothing. */
static void lift(void *arg)
{
	const struct group *g = arg;
	struct target *t = rig_target(g->r);
	struct mmc_cmd cmd =
		mmc_plain(MMC_CLEAR_WRITE_PROT, emmc_address(emmc_facts(g->r), g->sector), true);

	t->ops->mmc->send(t, MMC_USER, &cmd, 1, PROTECT_NS);
}

static unsigned type_of(struct rig *r, const struct group *g)
{
	uint8_t types[MMC_WP_TYPES] = { 0 };

	emmc_ask(r, mmc_send_write_prot_type(emmc_address(emmc_facts(r), g->sector), types));
	return mmc_write_prot_type(types, 0);
}

/* Alone: what a protected sector does with the data, and whether its host sees them taken, is the
 * card's and the host's affair. */
static uint32_t write_one(struct rig *r, uint64_t sector, uint64_t tag)
{
	uint8_t *data = emmc_mem(r, MMC_BLOCK);
	struct mmc_cmd cmd = mmc_write(emmc_address(emmc_facts(r), sector), data, 1);

	rig_stamp(data, sector, 1, MMC_BLOCK, tag);
	return emmc_try(r, &cmd, WRITE_NS);
}

static struct group *find_group(struct rig *r)
{
	struct group *g = rig_mem(r, sizeof(*g));
	uint8_t e[EXT_CSD_BYTES];

	emmc_need_quiet(r);
	emmc_need_unlocked(r);
	emmc_read_ext_csd(r, e);
	ADVISE_TRUE(r, !(e[EXT_CSD_USER_WP] & USER_WP_RESERVED),
		    "the reserved bits of USER_WP are 0: %02Xh", e[EXT_CSD_USER_WP]);
	if (e[EXT_CSD_USER_WP] & USER_WP_FOR_GOOD || e[EXT_CSD_CLASS_6_CTRL])
		rig_skip(r, "unsafe",
			 "temporary protection alone: USER_WP is %02Xh, CLASS_6_CTRL %02Xh, with "
			 "which it would be of another kind",
			 e[EXT_CSD_USER_WP], e[EXT_CSD_CLASS_6_CTRL]);
	g->r = r;
	g->sectors = ext_csd_wp_group_bytes(e, emmc_facts(r)->csd) / MMC_BLOCK;
	g->sector = emmc_scratch(r, 2 * g->sectors, g->sectors);
	if (type_of(r, g))
		rig_skip(r, "unsafe", "a group that nobody has protected");
	return g;
}

static void write_protect(struct rig *r)
{
	struct group *g = find_group(r);
	uint64_t last = g->sector + g->sectors - 1, next = last + 1;

	emmc_put(r, MMC_USER, last, 2, OLD);
	/* it outlives power, and this program */
	rig_note(r,
		 "write protection of %" PRIu64 " sectors at %" PRIu64
		 " follows: CMD29 with argument %08Xh lifts it",
		 g->sectors, g->sector, emmc_address(emmc_facts(r), g->sector));
	rig_defer(r, lift, g);
	CHECK_CLEAN(r, "the status behind SET_WRITE_PROT", protect(r, MMC_SET_WRITE_PROT, g));
	CHECK_EQ(r, "SEND_WRITE_PROT_TYPE: temporary", type_of(r, g), 1);
	ADVISE_BIT(r, "the status behind a write to the group", write_one(r, last, NEW),
		   MMC_STATUS_WP_VIOLATION);
	EMMC_HOLDS(r, MMC_USER, last, 1, OLD);
	CHECK_CLEAN(r, "the status behind a write to the next group", write_one(r, next, NEW));
	EMMC_HOLDS(r, MMC_USER, next, 1, NEW);
	CHECK_CLEAN(r, "the status behind CLR_WRITE_PROT", protect(r, MMC_CLEAR_WRITE_PROT, g));
	CHECK_EQ(r, "SEND_WRITE_PROT_TYPE: not protected", type_of(r, g), 0);
	CHECK_CLEAN(r, "the status behind a write that is free again", write_one(r, last, NEW));
	EMMC_HOLDS(r, MMC_USER, last, 1, NEW);
}

static const struct rig_case cases[] = {
	{ .id = "cache-flush",
	  .rule = "The cache is on, FLUSH_CACHE ends without an error and in time, and what was "
		  "flushed survives the loss of power.",
	  .ref = EMMC "Cache" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "emmc-cache-reads-off emmc-flush-switch-error emmc-flush-slow "
		   "emmc-flush-forgets",
	  .na = na_cache,
	  .run = run_part,
	  ROWS(caches),
	  .deadline_s = 180 },
	{ .id = "erase-semantics",
	  .rule = "Erased and trimmed sectors read as ERASED_MEM_CONT says, discarded ones "
		  "preferably "
		  "alike each time, and the neighbours stay.",
	  .ref = EMMC "Erase; TRIM; Discard; Linux BLKDISCARD of the mmc block driver",
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .fault = "emmc-erase-keeps emmc-erased-other-value emmc-erase-next-group "
		   "emmc-trim-outwards emmc-discard-outwards emmc-discard-unstable",
	  .na = emmc_na,
	  .run = run_part,
	  ROWS(erases),
	  .deadline_s = 180 },
	{ .id = "sanitize",
	  .rule = "After SANITIZE_START nothing that was discarded can be read, and the rest can.",
	  .ref = EMMC "Sanitize" EMMC_UNSEEN,
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .level = SHOULD,
	  .fault = "emmc-sanitize-keeps emmc-sanitize-outwards",
	  .na = na_sanitize,
	  .run = sanitize,
	  .deadline_s = 900 },
	{ .id = "write-protect",
	  .rule = "A group that is write-protected for a time takes no writes, its neighbour does, "
		  "and it does again once that is lifted.",
	  .ref = EMMC "Write Protect Management; Device Status",
	  .needs = NEED_MMC,
	  .harm = HARM_DATA,
	  .fault = "emmc-protected-written emmc-protects-next emmc-protection-stays "
		   "emmc-protect-type-none emmc-user-wp-reserved",
	  .na = na_protect,
	  .run = write_protect },
};

SUITE(emmc_data_suite, CONFORMANCE, "emmc", cases);
