/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An MMC or SD card as the kernel lets one at it: its own commands (linux/mmc/ioctl.h), the
 * attributes of sysfs (Documentation/driver-api/mmc/mmc-dev-attrs.rst, mmc-dev-parts.rst), and
 * block I/O to its areas. A target with NEED_MMC has one; lib/target has two kinds, the real one
 * (mmc:) and the model's. Functions return 0 or -errno.
 */
#ifndef TARGET_MMC_H
#define TARGET_MMC_H

#include "mmc/ext_csd.h"
#include "mmc/mmc.h"

struct target;

/* MMC_KIND_NONE: nothing is known of a card. */
enum mmc_kind { MMC_KIND_NONE, MMC_KIND_EMMC, MMC_KIND_SD };

/*
 * What the card's side can be told, in words of target_ops.control:
 *	mmc cut    power is lost and comes back, and the kernel identifies the card again
 *	mmc off    the kernel says that power goes, as for a reboot, then the same
 */
enum mmc_can { MMC_CAN_CUT = 1u << 0 };

struct mmc_facts {
	enum mmc_kind kind;
	uint16_t rca;
	uint8_t cid[MMC_REGISTER], csd[MMC_REGISTER]; /* as sysfs shows them */
	bool has_ext_csd;
	uint8_t ext_csd[EXT_CSD_BYTES];
	uint64_t bytes[MMC_PARTS]; /* 0: there is no such area; of RPMB what it claims */
	unsigned can;
};

/* A read or a write of an area, as by pread() and pwrite() of its block device. */
struct mmc_io {
	bool writes;
	uint64_t at;	/* bytes, whole sectors */
	uint32_t bytes; /* likewise */
	void *data;	/* at a page */
	int result;	/* 0 or -errno, of the whole */
};

struct mmc_ops {
	int (*facts)(struct target *t, struct mmc_facts *ret);
	/*
	 * The commands one after the other with nothing between, at most MMC_BATCH_MAX, to that
	 * area; the first that fails ends it, what comes behind has -ECANCELED. For MMC_RPMB the
	 * block count goes before by itself. How each ended is its `result`; what is returned is
	 * trouble of the way in: -EPERM: it is a command that this card is not sent (the error says
	 * why), -ENODEV, -ENOTSUP: there is no such area, -ETIMEDOUT: the kernel gave no answer.
	 */
	int (*send)(struct target *t, enum mmc_part part, struct mmc_cmd *cmd, unsigned n,
		    uint64_t timeout_ns);
	/* A file of sysfs below that area's block device: "device/serial", "size", "force_ro".
	 * -ENOENT: there is none. */
	int (*attr)(struct target *t, enum mmc_part part, const char *name, char *ret, size_t size);
	int (*set_attr)(struct target *t, enum mmc_part part, const char *name, const char *value);
	/* As many as can be in flight at a time are. 0: each has its result. */
	int (*io)(struct target *t, enum mmc_part part, struct mmc_io *io, unsigned n);
};

#endif
