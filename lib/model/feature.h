/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Features: what the rest of the subsystem asks of feature.c. */
#ifndef MODEL_FEATURE_H
#define MODEL_FEATURE_H

#include "model/internal.h"

#define TEMP_SENSORS  1u   /* besides the composite temperature */
#define TEMP_WARNING  343u /* WCTEMP, kelvin; also the default over temperature threshold */
#define TEMP_CRITICAL 353u

/* Power states 0 and 1 are operational, 2 is not (Identify Controller NPSS and PSD). */
#define POWER_STATES 3u
#define POWER_IDLE   2u

/* FID 06h WCE: may a Write end in the volatile cache? */
/* What Connect says of them; the timer is another's. */
void feature_connected(struct model *m, uint32_t kato_ms, const uint8_t hostid[16]);
uint32_t feature_keep_alive(const struct model *m); /* Keep Alive Timeout in ms, 0: off */
bool feature_write_cache(const struct model *m);
/* FID 04h: a sensor's threshold in kelvin (sensor 0: composite). */
unsigned feature_temp_threshold(const struct model *m, unsigned sensor, bool under);
/* FID 05h: is it an error to read a block that holds nothing? */
bool feature_dulbe(const struct model *m, uint32_t nsid);
/* FID 17h: does a sanitize operation that deallocates against NDAS warn, and go on? */
bool feature_sanitize_warns(const struct model *m);
/* A namespace is new: its features are at their defaults. */
void features_new_ns(struct model *m, uint32_t nsid);
/* An I/O command begins: out of a non-operational power state. */
void feature_io_begins(struct model *m);
/* FID 84h: is the namespace write protected? */
bool feature_write_protected(const struct model *m, uint32_t nsid);
/* FID 16h LBAFEE: extended protection information, and more than 16 formats. */
bool feature_many_formats(const struct model *m);
/* FID 81h: the Host Identifier, and whether it is one of 128 bits. */
bool feature_host_id(const struct model *m, uint8_t ret[16]);
/* FID 82h: notices that are masked, by bit; FID 83h: reservations outlive a loss of power. */
uint32_t feature_resv_mask(const struct model *m, uint32_t nsid);
bool feature_ptpl(const struct model *m, uint32_t nsid);
void feature_set_ptpl(struct model *m, uint32_t nsid, bool on);
/* Is there such a feature, and is it namespace specific? For log page 12h. */
bool feature_exists(const struct model *m, uint8_t fid, bool *ret_per_ns);

#endif
