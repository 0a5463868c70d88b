/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one asynchronous event that any host can cause: the over temperature threshold is set below
 * the Composite Temperature. The temperature is read once: reading it again would clear the event.
 */
#ifndef CONFORMANCE_TEMPERATURE_H
#define CONFORMANCE_TEMPERATURE_H

#include "kit/kit.h"

#define AEC_TEMPERATURE 0x2u /* the SMART critical warnings are bits 7:0 of feature 0Bh */
#define EVENT_TYPE(d)	((d)&7u)
#define EVENT_INFO(d)	((d) >> 8 & 0xff)
#define EVENT_LID(d)	((d) >> 16 & 0xff)
#define TYPE_ERROR	0u
#define TYPE_SMART	1u
#define INFO_TEMP	1u

#define FAR		30u		  /* kelvins: no sensor moves as far meanwhile */
#define HELD_NS		(10 * 1000000ull) /* an AER refused, an event due would be there by now */
#define EVENT_NS	(10 * 1000000000ull) /* sensors are looked at now and then */

/*
 * Enables SMART events of temperature alone; everything is put back at the end. Returns the
 * Composite Temperature in kelvins; leaves as N/A where there is none.
 */
unsigned temperature_watch(struct rig *r);
/* From now on the condition holds (over), or holds no more. */
void temperature_cross(struct rig *r, unsigned kelvin);
void temperature_uncross(struct rig *r, unsigned kelvin);
/* Asynchronous Event Configuration (feature 0Bh). */
void temperature_configure(struct rig *r, uint32_t aec);

#endif
