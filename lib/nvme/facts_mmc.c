// SPDX-License-Identifier: GPL-2.0-or-later
/* What is known of an MMC card before any case runs. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "mmc/regs.h"
#include "nvme/facts.h"
#include "nvme/facts_tell.h"

/* What may stand in a terminal: the name is whatever bytes the card has. */
static struct mmc_cid read_cid(const struct mmc_facts *m)
{
	struct mmc_cid cid;

	mmc_cid_read(m->cid, m->kind == MMC_KIND_SD, m->has_ext_csd ? m->ext_csd[EXT_CSD_REV] : 0,
		     &cid);
	for (char *p = cid.name; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	return cid;
}

int facts_gather_mmc(struct target *t, struct facts *f)
{
	int err = t->ops->mmc->facts(t, &f->mmc);

	return err ? target_fail(t, err, "the card says nothing of itself: %s", strerror(-err)) : 0;
}

static void put_text(char *to, size_t size, const char *text)
{
	size_t n = strlen(text);

	memset(to, ' ', size);
	memcpy(to, text, n < size ? n : size);
}

void facts_name_mmc(struct facts *f)
{
	struct mmc_cid cid = read_cid(&f->mmc);
	char text[32];

	snprintf(text, sizeof(text), "%s %s", f->mmc.kind == MMC_KIND_SD ? "SD card" : "eMMC",
		 cid.name);
	put_text(f->id.mn, sizeof(f->id.mn), text);
	snprintf(text, sizeof(text), "%08X", cid.serial);
	put_text(f->id.sn, sizeof(f->id.sn), text);
}

static void tell_cid(const struct teller *t, const struct mmc_facts *m)
{
	struct mmc_cid cid = read_cid(m);

	facts_tell(t, "mmc-name", "product name of the CID", "%s", cid.name);
	facts_tell(t, "mmc-serial", "manufacturer, OEM, serial number", "%02Xh %04Xh %08Xh",
		   cid.manufacturer, cid.oem, cid.serial);
	facts_tell(t, "mmc-date", "", "%u/%u", cid.month, cid.year);
}

static void tell_ext_csd(const struct teller *t, const uint8_t *e)
{
	facts_tell(t, "mmc-revision", "EXT_CSD_REV: 8 is 5.1", "%u", e[EXT_CSD_REV]);
	facts_tell(t, "mmc-health", "PRE_EOL_INFO, life time A and B", "%u %u %u",
		   e[EXT_CSD_PRE_EOL_INFO], e[EXT_CSD_LIFE_TIME_EST_A], e[EXT_CSD_LIFE_TIME_EST_B]);
	facts_tell(t, "mmc-cache", "CACHE_SIZE in KiB", "%u", ext_csd_get(e, EXT_CSD_CACHE_SIZE));
	facts_tell(t, "mmc-queue", "CMDQ_SUPPORT, tasks", "%u %u", e[EXT_CSD_CMDQ_SUPPORT] & 1,
		   (e[EXT_CSD_CMDQ_DEPTH] & 0x1f) + 1u);
}

void facts_each_mmc(const struct facts *f,
		    void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		    void *ctx)
{
	static const char *const kinds[] = { "not known", "eMMC", "SD card" };
	const struct mmc_facts *m = &f->mmc;
	struct teller t = { fn, ctx };

	if (!(f->caps.has & NEED_MMC))
		return;
	facts_tell(&t, "mmc-kind", "", "%s", kinds[m->kind]);
	tell_cid(&t, m);
	facts_tell(&t, "mmc-areas", "bytes: user, boot0, boot1, RPMB",
		   "%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, m->bytes[MMC_USER],
		   m->bytes[MMC_BOOT0], m->bytes[MMC_BOOT1], m->bytes[MMC_RPMB]);
	if (m->has_ext_csd)
		tell_ext_csd(&t, m->ext_csd);
}
