/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Status codes: SCT in bits 10:8, SC in bits 7:0, as the Status Field carries them
 * (Base 2.0 Status Field Definition). One table gives the constants and the names.
 */
#ifndef SPEC_STATUS_H
#define SPEC_STATUS_H

#include <stdint.h>

/* X(value, constant, the specification's name) */
#define STATUS_CODES(X)                                                                            \
	X(0x000, SUCCESS, "Successful Completion")                                                 \
	X(0x001, INVALID_OPCODE, "Invalid Command Opcode")                                         \
	X(0x002, INVALID_FIELD, "Invalid Field in Command")                                        \
	X(0x003, CID_CONFLICT, "Command ID Conflict")                                              \
	X(0x004, DATA_TRANSFER_ERROR, "Data Transfer Error")                                       \
	X(0x005, POWER_LOSS, "Commands Aborted due to Power Loss Notification")                    \
	X(0x006, INTERNAL_ERROR, "Internal Error")                                                 \
	X(0x007, ABORT_REQUESTED, "Command Abort Requested")                                       \
	X(0x008, SQ_DELETION, "Command Aborted due to SQ Deletion")                                \
	X(0x009, FUSED_FAILED, "Command Aborted due to Failed Fused Command")                      \
	X(0x00a, FUSED_MISSING, "Command Aborted due to Missing Fused Command")                    \
	X(0x00b, INVALID_NS, "Invalid Namespace or Format")                                        \
	X(0x00c, SEQUENCE_ERROR, "Command Sequence Error")                                         \
	X(0x00d, SGL_SEGMENT_INVALID, "Invalid SGL Segment Descriptor")                            \
	X(0x00e, SGL_COUNT_INVALID, "Invalid Number of SGL Descriptors")                           \
	X(0x00f, SGL_DATA_LENGTH_INVALID, "Data SGL Length Invalid")                               \
	X(0x010, SGL_METADATA_LENGTH_INVALID, "Metadata SGL Length Invalid")                       \
	X(0x011, SGL_TYPE_INVALID, "SGL Descriptor Type Invalid")                                  \
	X(0x012, CMB_INVALID_USE, "Invalid Use of Controller Memory Buffer")                       \
	X(0x013, PRP_OFFSET_INVALID, "PRP Offset Invalid")                                         \
	X(0x014, ATOMIC_UNIT_EXCEEDED, "Atomic Write Unit Exceeded")                               \
	X(0x015, OPERATION_DENIED, "Operation Denied")                                             \
	X(0x016, SGL_OFFSET_INVALID, "SGL Offset Invalid")                                         \
	X(0x018, HOST_ID_FORMAT, "Host Identifier Inconsistent Format")                            \
	X(0x019, KEEP_ALIVE_EXPIRED, "Keep Alive Timer Expired")                                   \
	X(0x01a, KEEP_ALIVE_INVALID, "Keep Alive Timeout Invalid")                                 \
	X(0x01b, PREEMPTED, "Command Aborted due to Preempt and Abort")                            \
	X(0x01c, SANITIZE_FAILED, "Sanitize Failed")                                               \
	X(0x01d, SANITIZE_IN_PROGRESS, "Sanitize In Progress")                                     \
	X(0x01e, SGL_GRANULARITY_INVALID, "SGL Data Block Granularity Invalid")                    \
	X(0x01f, QUEUE_IN_CMB_UNSUPPORTED, "Command Not Supported for Queue in CMB")               \
	X(0x020, NS_WRITE_PROTECTED, "Namespace is Write Protected")                               \
	X(0x021, INTERRUPTED, "Command Interrupted")                                               \
	X(0x022, TRANSIENT_TRANSPORT, "Transient Transport Error")                                 \
	X(0x023, LOCKDOWN, "Command Prohibited by Command and Feature Lockdown")                   \
	X(0x024, ADMIN_MEDIA_NOT_READY, "Admin Command Media Not Ready")                           \
	X(0x080, LBA_OUT_OF_RANGE, "LBA Out of Range")                                             \
	X(0x081, CAPACITY_EXCEEDED, "Capacity Exceeded")                                           \
	X(0x082, NS_NOT_READY, "Namespace Not Ready")                                              \
	X(0x083, RESERVATION_CONFLICT, "Reservation Conflict")                                     \
	X(0x084, FORMAT_IN_PROGRESS, "Format In Progress")                                         \
	X(0x085, INVALID_VALUE_SIZE, "Invalid Value Size")                                         \
	X(0x086, INVALID_KEY_SIZE, "Invalid Key Size")                                             \
	X(0x087, KV_KEY_NOT_FOUND, "KV Key Does Not Exist")                                        \
	X(0x088, UNRECOVERED_ERROR, "Unrecovered Error")                                           \
	X(0x089, KEY_EXISTS, "Key Exists")                                                         \
	X(0x100, CQ_INVALID, "Completion Queue Invalid")                                           \
	X(0x101, QID_INVALID, "Invalid Queue Identifier")                                          \
	X(0x102, QUEUE_SIZE_INVALID, "Invalid Queue Size")                                         \
	X(0x103, ABORT_LIMIT, "Abort Command Limit Exceeded")                                      \
	X(0x105, AER_LIMIT, "Asynchronous Event Request Limit Exceeded")                           \
	X(0x106, FW_SLOT_INVALID, "Invalid Firmware Slot")                                         \
	X(0x107, FW_IMAGE_INVALID, "Invalid Firmware Image")                                       \
	X(0x108, VECTOR_INVALID, "Invalid Interrupt Vector")                                       \
	X(0x109, LOG_PAGE_INVALID, "Invalid Log Page")                                             \
	X(0x10a, FORMAT_INVALID, "Invalid Format")                                                 \
	X(0x10b, FW_NEEDS_RESET, "Firmware Activation Requires Conventional Reset")                \
	X(0x10c, QUEUE_DELETION_INVALID, "Invalid Queue Deletion")                                 \
	X(0x10d, FID_NOT_SAVEABLE, "Feature Identifier Not Saveable")                              \
	X(0x10e, FEATURE_NOT_CHANGEABLE, "Feature Not Changeable")                                 \
	X(0x10f, FEATURE_NOT_PER_NS, "Feature Not Namespace Specific")                             \
	X(0x110, FW_NEEDS_SUBSYSTEM_RESET, "Firmware Activation Requires NVM Subsystem Reset")     \
	X(0x111, FW_NEEDS_CONTROLLER_RESET, "Firmware Activation Requires Controller Level Reset") \
	X(0x112, FW_MAX_TIME, "Firmware Activation Requires Maximum Time Violation")               \
	X(0x113, FW_PROHIBITED, "Firmware Activation Prohibited")                                  \
	X(0x114, OVERLAPPING_RANGE, "Overlapping Range")                                           \
	X(0x115, NS_CAPACITY, "Namespace Insufficient Capacity")                                   \
	X(0x116, NSID_UNAVAILABLE, "Namespace Identifier Unavailable")                             \
	X(0x118, NS_ATTACHED, "Namespace Already Attached")                                        \
	X(0x119, NS_PRIVATE, "Namespace Is Private")                                               \
	X(0x11a, NS_NOT_ATTACHED, "Namespace Not Attached")                                        \
	X(0x11b, THIN_UNSUPPORTED, "Thin Provisioning Not Supported")                              \
	X(0x11c, CONTROLLER_LIST_INVALID, "Controller List Invalid")                               \
	X(0x11d, SELF_TEST_IN_PROGRESS, "Device Self-test In Progress")                            \
	X(0x11e, BOOT_PARTITION_PROHIBITED, "Boot Partition Write Prohibited")                     \
	X(0x11f, CNTLID_INVALID, "Invalid Controller Identifier")                                  \
	X(0x120, SECONDARY_STATE_INVALID, "Invalid Secondary Controller State")                    \
	X(0x121, RESOURCE_COUNT_INVALID, "Invalid Number of Controller Resources")                 \
	X(0x122, RESOURCE_ID_INVALID, "Invalid Resource Identifier")                               \
	X(0x123, SANITIZE_PMR, "Sanitize Prohibited While Persistent Memory Region is Enabled")    \
	X(0x124, ANA_GROUP_INVALID, "ANA Group Identifier Invalid")                                \
	X(0x125, ANA_ATTACH_FAILED, "ANA Attach Failed")                                           \
	X(0x126, INSUFFICIENT_CAPACITY, "Insufficient Capacity")                                   \
	X(0x127, NS_ATTACH_LIMIT, "Namespace Attachment Limit Exceeded")                           \
	X(0x128, LOCKDOWN_UNSUPPORTED, "Prohibition of Command Execution Not Supported")           \
	X(0x129, IOCS_UNSUPPORTED, "I/O Command Set Not Supported")                                \
	X(0x12a, IOCS_NOT_ENABLED, "I/O Command Set Not Enabled")                                  \
	X(0x12b, IOCS_COMBINATION, "I/O Command Set Combination Rejected")                         \
	X(0x12c, IOCS_INVALID, "Invalid I/O Command Set")                                          \
	X(0x12d, IDENTIFIER_UNAVAILABLE, "Identifier Unavailable")                                 \
	X(0x17f, STREAM_ALLOCATION_FAILED, "Stream Resource Allocation Failed")                    \
	X(0x180, CONFLICTING_ATTRIBUTES, "Conflicting Attributes")                                 \
	X(0x181, INVALID_PI, "Invalid Protection Information")                                     \
	X(0x182, READ_ONLY_RANGE, "Attempted Write to Read Only Range")                            \
	X(0x183, COMMAND_SIZE_LIMIT, "Command Size Limit Exceeded")                                \
	X(0x1b6, ZONE_OPERATION_INVALID, "Zone Invalid Operation Request")                         \
	X(0x1b7, ZRWA_UNAVAILABLE, "ZRWA Resources Unavailable")                                   \
	X(0x1b8, ZONE_BOUNDARY, "Zoned Boundary Error")                                            \
	X(0x1b9, ZONE_FULL, "Zone Is Full")                                                        \
	X(0x1ba, ZONE_READ_ONLY, "Zone Is Read Only")                                              \
	X(0x1bb, ZONE_OFFLINE, "Zone Is Offline")                                                  \
	X(0x1bc, ZONE_INVALID_WRITE, "Zone Invalid Write")                                         \
	X(0x1bd, ZONE_TOO_MANY_ACTIVE, "Too Many Active Zones")                                    \
	X(0x1be, ZONE_TOO_MANY_OPEN, "Too Many Open Zones")                                        \
	X(0x1bf, ZONE_TRANSITION, "Invalid Zone State Transition")                                 \
	X(0x280, WRITE_FAULT, "Write Fault")                                                       \
	X(0x281, UNRECOVERED_READ, "Unrecovered Read Error")                                       \
	X(0x282, GUARD_CHECK, "End-to-end Guard Check Error")                                      \
	X(0x283, APP_TAG_CHECK, "End-to-end Application Tag Check Error")                          \
	X(0x284, REF_TAG_CHECK, "End-to-end Reference Tag Check Error")                            \
	X(0x285, COMPARE_FAILURE, "Compare Failure")                                               \
	X(0x286, ACCESS_DENIED, "Access Denied")                                                   \
	X(0x287, UNWRITTEN_BLOCK, "Deallocated or Unwritten Logical Block")                        \
	X(0x288, STORAGE_TAG_CHECK, "End-to-End Storage Tag Check Error")                          \
	X(0x300, INTERNAL_PATH_ERROR, "Internal Path Error")                                       \
	X(0x301, ANA_PERSISTENT_LOSS, "Asymmetric Access Persistent Loss")                         \
	X(0x302, ANA_INACCESSIBLE, "Asymmetric Access Inaccessible")                               \
	X(0x303, ANA_TRANSITION, "Asymmetric Access Transition")                                   \
	X(0x360, CONTROLLER_PATH_ERROR, "Controller Pathing Error")                                \
	X(0x370, HOST_PATH_ERROR, "Host Pathing Error")                                            \
	X(0x371, HOST_ABORTED, "Command Aborted By Host")

enum status_code {
#define STATUS_ENUM(value, constant, name) SC_##constant = value,
	STATUS_CODES(STATUS_ENUM)
#undef STATUS_ENUM
};

/* The specification's name, or "Vendor Specific", "Reserved"; never NULL. */
const char *status_name(uint16_t status);

/* "101h Invalid Queue Identifier" into the caller's buffer (STATUS_TEXT bytes); returns it. */
#define STATUS_TEXT 96
const char *status_text(uint16_t status, char buf[STATUS_TEXT]);

/*
 * 1 when a controller may legally post this SCT and SC: a named code, or a vendor's (SCT 7h, or SC
 * C0h and up). Base 2.0 Status Field Definition.
 */
int status_is_legal(uint16_t status);

#endif
