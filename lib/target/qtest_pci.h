/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What firmware does for a PCI function, done over qtest: configuration cycles, BAR placement,
 * MSI-X. Source: PCI Local Bus 3.0 Configuration Space, MSI-X; PCI Express Base, Enhanced
 * Configuration Access Mechanism. Errors are those of wire_ask.
 */
#ifndef TARGET_QTEST_PCI_H
#define TARGET_QTEST_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "target/qtest_wire.h"

enum {
	PCI_ID = 0x00,
	PCI_COMMAND = 0x04,
	PCI_CLASS = 0x08,
	PCI_HEADER_TYPE = 0x0e,
	PCI_BAR = 0x10,
	PCI_CAP_LIST = 0x34,
};

#define PCI_MSE		0x2u
#define PCI_BME		0x4u
#define PCI_INTX_OFF	0x400u
#define PCI_CAP_MSIX	0x11u
#define PCI_CAP_EXPRESS 0x10u

struct pci {
	struct wire *w;
	unsigned bdf;	      /* bus 0: device 7:3, function 2:0 */
	unsigned slot;	      /* 0 or 1: which part of the addresses its BARs get */
	uint64_t ecam;	      /* where the extended space is mapped; 0: port cycles alone */
	uint32_t id;	      /* device 31:16, vendor 15:0 */
	uint64_t bar_size[6]; /* 0: not there, not memory, or the upper half of the one before */
	uint64_t bar_addr[6];
	unsigned express; /* capability offsets, 0: absent */
	unsigned msix;
	unsigned vectors;    /* MSI-X table entries */
	uint64_t msix_table; /* bus address */
};

/*
 * Finds the function and places it: bus mastering off, BARs sized and placed, memory decoding on,
 * MSI-X off. Two functions open at once have different slots. -ENODEV when nothing, or nothing with
 * memory behind BAR0, is there.
 */
int qtest_pci_open(struct pci *p, struct wire *w, unsigned bdf, unsigned slot);

/* Where the BARs of a slot begin. */
uint64_t qtest_pci_slot(unsigned slot);
/* Finds what p has of capabilities, its BARs being placed; MSI-X is off then. */
int qtest_pci_capabilities(struct pci *p);

/* Widths 8, 16, 32. -EINVAL for another, or across a dword by port cycles; -ERANGE past the end. */
int qtest_pci_read(struct pci *p, unsigned off, unsigned width, uint32_t *ret);
int qtest_pci_write(struct pci *p, unsigned off, unsigned width, uint32_t value); /* posted */

int qtest_pci_set_command(struct pci *p, unsigned bits);

/*
 * MSI-X vectors 0..n-1 on, each writing its number + 1 to the dword at words + 4 x number; the
 * others masked. 0 turns MSI-X off. -ERANGE when there are fewer, -ENOTSUP without MSI-X.
 */
int qtest_pci_msix(struct pci *p, unsigned n, uint64_t words);

/* Initiates a Function Level Reset. -ENOTSUP when the function claims none. */
int qtest_pci_flr(struct pci *p);

/* Gives the BARs back what qtest_pci_open() placed there: a Function Level Reset forgets it. */
int qtest_pci_place_again(struct pci *p);

#endif
