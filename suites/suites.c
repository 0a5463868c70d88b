// SPDX-License-Identifier: GPL-2.0-or-later
#include "case/case.h"

/* In the order they run: what the rest stands on comes first. Suites of one area are one area. */
#define SUITES(X)                                                                                  \
	X(pci_suite)                                                                               \
	X(pci_header_suite)                                                                        \
	X(pci_cap_suite)                                                                           \
	X(pci_bus_suite)                                                                           \
	X(reg_suite)                                                                               \
	X(reg_rw_suite)                                                                            \
	X(reg_reset_suite)                                                                         \
	X(reg_access_suite)                                                                        \
	X(reg_boot_suite)                                                                          \
	X(reg_cmb_suite)                                                                           \
	X(reg_pmr_suite)                                                                           \
	X(life_suite)                                                                              \
	X(life_config_suite)                                                                       \
	X(life_reset_suite)                                                                        \
	X(life_feature_suite)                                                                      \
	X(life_shutdown_suite)                                                                     \
	X(queue_suite)                                                                             \
	X(queue_create_suite)                                                                      \
	X(queue_delete_suite)                                                                      \
	X(queue_io_suite)                                                                          \
	X(queue_flow_suite)                                                                        \
	X(queue_share_suite)                                                                       \
	X(queue_doorbell_suite)                                                                    \
	X(queue_irq_suite)                                                                         \
	X(queue_msix_suite)                                                                        \
	X(queue_intx_suite)                                                                        \
	X(queue_wrr_suite)                                                                         \
	X(queue_cmb_suite)                                                                         \
	X(identify_suite)                                                                          \
	X(identify_ctrl_suite)                                                                     \
	X(identify_ns_suite)                                                                       \
	X(identify_list_suite)                                                                     \
	X(identify_peer_suite)                                                                     \
	X(identify_io_suite)                                                                       \
	X(identify_virt_suite)                                                                     \
	X(feat_suite)                                                                              \
	X(feat_rules_suite)                                                                        \
	X(feat_values_suite)                                                                       \
	X(feat_data_suite)                                                                         \
	X(feat_reset_suite)                                                                        \
	X(log_suite)                                                                               \
	X(log_rules_suite)                                                                         \
	X(log_pages_suite)                                                                         \
	X(log_error_lba_suite)                                                                     \
	X(log_effects_suite)                                                                       \
	X(log_ana_suite)                                                                           \
	X(log_self_test_suite)                                                                     \
	X(aer_suite)                                                                               \
	X(aer_mask_suite)                                                                          \
	X(aer_notices_suite)                                                                       \
	X(abort_suite)                                                                             \
	X(abort_odd_suite)                                                                         \
	X(keepalive_suite)                                                                         \
	X(admin_suite)                                                                             \
	X(directive_suite)                                                                         \
	X(directive_rules_suite)                                                                   \
	X(security_suite)                                                                          \
	X(admin_lba_status_suite)                                                                  \
	X(mi_suite)                                                                                \
	X(fw_suite)                                                                                \
	X(dst_suite)                                                                               \
	X(virt_suite)                                                                              \
	X(nsmgmt_suite)                                                                            \
	X(nsmgmt_attach_suite)                                                                     \
	X(nsmgmt_data_suite)                                                                       \
	X(log_changed_suite)                                                                       \
	X(aer_ns_suite)                                                                            \
	X(sanitize_suite)                                                                          \
	X(sanitize_locks_suite)                                                                    \
	X(log_sanitize_suite)                                                                      \
	X(dptr_suite)                                                                              \
	X(dptr_bent_suite)                                                                         \
	X(dptr_size_suite)                                                                         \
	X(dptr_cmb_suite)                                                                          \
	X(dptr_sgl_suite)                                                                          \
	X(dptr_sgl_bent_suite)                                                                     \
	X(io_suite)                                                                                \
	X(io_args_suite)                                                                           \
	X(io_media_suite)                                                                          \
	X(io_unwritten_suite)                                                                      \
	X(io_dulbe_suite)                                                                          \
	X(io_atomic_suite)                                                                         \
	X(io_load_suite)                                                                           \
	X(io_fused_suite)                                                                          \
	X(io_copy_suite)                                                                           \
	X(format_suite)                                                                            \
	X(pi_meta_suite)                                                                           \
	X(pi_suite)                                                                                \
	X(pi_ref_suite)                                                                            \
	X(pi_other_suite)                                                                          \
	X(multi_suite)                                                                             \
	X(multi_hotplug_suite)                                                                     \
	X(multi_shared_suite)                                                                      \
	X(multi_isolation_suite)                                                                   \
	X(multi_ana_suite)                                                                         \
	X(resv_suite)                                                                              \
	X(resv_end_suite)                                                                          \
	X(resv_access_suite)                                                                       \
	X(resv_report_suite)                                                                       \
	X(log_resv_suite)                                                                          \
	X(feat_resv_suite)                                                                         \
	X(zns_report_suite)                                                                        \
	X(zns_state_suite)                                                                         \
	X(zns_write_suite)                                                                         \
	X(zns_append_suite)                                                                        \
	X(zns_limit_suite)                                                                         \
	X(zns_read_suite)                                                                          \
	X(zns_reset_suite)                                                                         \
	X(dbbuf_suite)                                                                             \
	X(vfiouser_suite)                                                                          \
	X(vfiouser_version_suite)                                                                  \
	X(vfiouser_region_suite)                                                                   \
	X(vfiouser_memory_suite)                                                                   \
	X(vfiouser_irq_suite)                                                                      \
	X(vfiouser_client_suite)                                                                   \
	X(derived_fields_suite)                                                                    \
	X(derived_limits_suite)                                                                    \
	X(derived_state_suite)                                                                     \
	X(derived_event_suite)                                                                     \
	X(derived_resv_suite)                                                                      \
	X(derived_kind_suite)                                                                      \
	X(robust_suite)                                                                            \
	X(robust_fuzz_suite)                                                                       \
	X(robust_memory_suite)                                                                     \
	X(robust_load_suite)                                                                       \
	X(robust_many_suite)                                                                       \
	X(robust_session_suite)                                                                    \
	X(robust_storm_suite)

#define X(suite) extern const struct rig_suite suite;
SUITES(X)
#undef X

const struct rig_suite *const suites_all[] = {
#define X(suite) &suite,
	SUITES(X)
#undef X
		NULL,
};
