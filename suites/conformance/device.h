/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to the device as a whole: its configuration space kept and put back, power taken
 * away, the NVM subsystem reset. For cases that ask what such an event leaves.
 */
#ifndef CONFORMANCE_DEVICE_H
#define CONFORMANCE_DEVICE_H

#include "kit/kit.h"

#define CFG_COMMAND  0x04
#define CFG_STATUS   0x06
#define CFG_BAR0     0x10
#define CFG_CAP_PTR  0x34

#define COMMAND_MSE  0x0002u
#define COMMAND_BME  0x0004u

#define CAP_MSIX     0x11
#define MSIX_CONTROL 2 /* offsets into the MSI-X capability */
#define MSIX_TABLE   4
#define MSIX_PBA     8
#define MSIX_ENABLE  0x8000u

#define CAP_EXPRESS  0x10
#define EXP_DEVCAP   4 /* offsets into the PCI Express capability */
#define EXP_DEVCTL   8
#define DEVCAP_FLR   (1u << 28)
#define DEVCTL_FLR   0x8000u

#define NSSR_RESET   0x4e564d65u /* "NVMe": what NSSR must be written to reset the subsystem */

struct device_config;

/* Command and BARs as they stand now, of a peer too; they are put back when the case ends. */
struct device_config *device_config_keep(struct rig *r);
/* Puts them back now. `arg` is a struct device_config *, so that it can be deferred. */
void device_config_restore(void *arg);

/* Power away and back, every queue forgotten; SKIP where the target cannot. Disabled afterwards. */
void device_power_cycle(struct rig *r);
/* Leaves as SKIP where that cannot be done. */
void device_need_power(struct rig *r);

/*
 * NVM Subsystem Reset by NSSR; waits 100 ms and puts configuration space back, which goes with the
 * link. The controller is disabled afterwards. SKIP where there is a real link to lose.
 */
void device_nssr(struct rig *r, struct device_config *config);
/*
 * Every way to a Controller Level Reset; the controller is enabled again. N/A or SKIP where it
 * cannot be gone.
 */
#define DEVICE_RESETS 5
struct device_reset {
	const char *name; /* rows of a case */
	void (*happens)(struct rig *r);
};
extern const struct device_reset device_resets[DEVICE_RESETS];
void device_reset_flr(struct rig *r);
void device_reset_subsystem(struct rig *r);
void device_reset_power(struct rig *r);

/* For `.na`: the sentence when CAP.NSSRS is 0. */
const char *device_na_nssr(const struct facts *f);

#endif
