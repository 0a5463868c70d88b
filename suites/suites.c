// SPDX-License-Identifier: GPL-2.0-or-later
#include "case/case.h"

extern const struct rig_suite pci_suite, pci_header_suite, pci_cap_suite, pci_bus_suite, reg_suite,
	reg_rw_suite, reg_reset_suite, reg_access_suite, life_suite, queue_suite,
	queue_create_suite, queue_delete_suite, queue_io_suite, queue_flow_suite, queue_share_suite,
	queue_irq_suite, dptr_suite, dptr_bent_suite, dptr_size_suite, identify_suite,
	identify_ctrl_suite, identify_ns_suite, identify_io_suite, feat_suite, log_suite,
	log_rules_suite, log_pages_suite, log_effects_suite, aer_suite, abort_suite, admin_suite,
	dbbuf_suite, io_suite, robust_suite, robust_fuzz_suite;

/* In the order they run: what the rest stands on comes first. Suites of one area are one area. */
const struct rig_suite *const suites_all[] = {
	&pci_suite,	    &pci_header_suite,	  &pci_cap_suite,      &pci_bus_suite,
	&reg_suite,	    &reg_rw_suite,	  &reg_reset_suite,    &reg_access_suite,
	&life_suite,	    &queue_suite,	  &queue_create_suite, &queue_delete_suite,
	&queue_io_suite,    &queue_flow_suite,	  &queue_share_suite,  &queue_irq_suite,
	&identify_suite,    &identify_ctrl_suite, &identify_ns_suite,  &identify_io_suite,
	&feat_suite,	    &log_suite,		  &log_rules_suite,    &log_pages_suite,
	&log_effects_suite, &aer_suite,		  &abort_suite,	       &admin_suite,
	&dptr_suite,	    &dptr_bent_suite,	  &dptr_size_suite,    &io_suite,
	&dbbuf_suite,	    &robust_suite,	  &robust_fuzz_suite,  NULL,
};
