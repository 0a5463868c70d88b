/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Firmware slots, images on their way into them, and the images of the Boot Partitions. Shared by
 * the controllers of the subsystem.
 */
#ifndef MODEL_FIRMWARE_H
#define MODEL_FIRMWARE_H

#include "model/internal.h"

#define FW_REVISION	 8u	       /* bytes of a revision, padded with spaces */
#define FW_IMAGE_MAX	 (128u * 1024) /* bytes; that of a Boot Partition, too */
#define FW_MAGIC	 "nvrigfw1"    /* 8 bytes */
#define FW_BOOT_ID	 (1u << 31)    /* Dword 10: Boot Partition ID */
#define FRMW_FIRST_RO	 (1u << 0)     /* Identify Controller FRMW */
#define FRMW_SLOTS(frmw) ((frmw) >> 1 & 7u)
#define FRMW_NO_RESET	 (1u << 4)

/* An image: this, and anything after it up to `bytes`. */
struct fw_image {
	uint8_t magic[8];
	uint8_t revision[FW_REVISION];
	__le32 bytes; /* of the whole */
	__le32 sum;   /* fw_sum() of what follows */
};

/* The checksum by which a model's image is known from noise. */
uint32_t fw_sum(const void *data, size_t len);

struct model_firmware *firmware_new(struct model *m);
void firmware_free(struct model_firmware *f);
/* What was downloaded is gone; what waits for a Controller Level Reset runs. */
void firmware_reset(struct model *m, enum model_reset kind);
/* The next Controller Level Reset makes another image run. */
bool firmware_waits(const struct model *m);

/* FW_REVISION bytes: of the image that runs. */
const uint8_t *firmware_revision(const struct model *m);
/* Identify Controller FRMW and FWUG; without the claim, one slot that is read-only. */
uint8_t firmware_frmw(const struct model *m);
uint8_t firmware_fwug(const struct model *m);
/* BPINFO.ABPID, and what was committed to a Boot Partition: NULL where nothing was. */
bool firmware_boot_active(const struct model *m);
const uint8_t *firmware_boot(const struct model *m, bool id);

size_t firmware_log(struct model *m, uint8_t *page); /* log page 03h */

#endif
