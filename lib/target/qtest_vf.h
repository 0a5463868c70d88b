/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The first virtual function of a function that is open: placed where its physical function says,
 * and then used like any other. Whoever uses it enables it, in the SR-IOV capability. Source: PCI
 * Express Base, Single Root I/O Virtualization and Sharing.
 */
#ifndef TARGET_QTEST_VF_H
#define TARGET_QTEST_VF_H

#include "target/qtest_pci.h"

/* Offset of the SR-IOV capability of a function that may have virtual ones; 0: none. */
int qtest_vf_find(struct pci *pf, unsigned *ret_at);

/* What a predecessor left enabled is disabled. */
int qtest_vf_disable(struct pci *pf, unsigned at);

/* As qtest_pci_open(), of slot 1. -ENODEV: not enabled, or without memory behind VF BAR0. */
int qtest_vf_open(struct pci *vf, struct pci *pf, unsigned at);

#endif
