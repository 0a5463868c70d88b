/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The three CRCs of protection information, as the rig computes them: by tables of sixteen. The
 * model has its own, bit by bit, so that one error cannot hide in both.
 * Source: NVM CS 1.0 Protection Information Formats; T10 SBC-3 for the CRC-16.
 */
#ifndef DATA_CRC_H
#define DATA_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Each goes on from the value before; 0 begins. */
uint16_t crc16_t10dif(uint16_t crc, const void *data, size_t len);
uint32_t crc32c(uint32_t crc, const void *data, size_t len);
uint64_t crc64_nvme(uint64_t crc, const void *data, size_t len);

#endif
