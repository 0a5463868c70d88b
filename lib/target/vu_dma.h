/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a vfio-user server asks of its client: memory of ours, read and written by message. */
#ifndef TARGET_VU_DMA_H
#define TARGET_VU_DMA_H

#include "vfio_user/sock.h"

#define VU_WINDOWS 2u

/* Memory that the server was given: `size` bytes at va are its `address`. size 0: none. */
struct vu_window {
	uint8_t *va;
	uint64_t address, size;
};

/*
 * Answers the command m on the socket that it came by. DMA_READ and DMA_WRITE are done where the
 * range lies wholly in one window, and refused with EFAULT where it does not, with EINVAL where the
 * message is none or longer than VU_DATA_MAX; any other command is refused with ENOTSUP. 0, or
 * -errno of the socket.
 */
int vu_dma_answer(int sock, const struct vu_window w[VU_WINDOWS], const struct vu_msg *m,
		  uint64_t deadline_ns);

#endif
