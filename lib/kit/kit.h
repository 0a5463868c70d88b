/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The verbs of a conformance case: NVMe on top of the case layer. Each is the form for case bodies
 * of a function in lib/nvme and turns trouble of the rig into BROKEN and a device that does not
 * answer within its own limit into FAIL. So a body reads as the question.
 *
 * The environment (kit_env) opens the target, and after the body, however it ended: checks every
 * canary and the audit's findings, looks at the controller's health (CSTS.CFS, Identify, SMART
 * critical warning), closes the target.
 */
#ifndef KIT_KIT_H
#define KIT_KIT_H

#include "case/case.h"
#include "data/pi.h"
#include "nvme/ctrl.h"
#include "nvme/facts.h"
#include "nvme/prp.h"
#include "nvme/sgl.h"

extern const struct case_env kit_env;

/* ---- the controller ---- */

struct target *rig_target(struct rig *r);
/* Opened, CC.EN = 0, nothing programmed: for cases about bring-up. */
struct ctrl *rig_ctrl_off(struct rig *r);
/* Enabled with ctrl_defaults() on first use. */
struct ctrl *rig_ctrl(struct rig *r);
/* Enabled with this configuration (a Controller Reset if it was enabled already). */
struct ctrl *rig_ctrl_with(struct rig *r, const struct ctrl_config *cfg);
/* Controller Reset: disable, enable with the configuration in force. I/O queues are gone. */
void rig_reset(struct rig *r);
/* Function Level Reset, waits 100 ms, restores configuration space; the controller is disabled. */
void rig_flr(struct rig *r);
/*
 * The target closed and opened anew, the controller and all that was allocated on it gone, for a
 * trial that must not know of the one before. 0, or -errno: it cannot be opened (and the case ends
 * when it next asks for the controller).
 */
int rig_reopen(struct rig *r);
/* Do not look at the controller's health after this case: it left it broken on purpose and says so.
 */
void rig_health_off(struct rig *r, const char *why);

/*
 * The audit holds every completion's status against the tables of lib/spec. Not from now on: the
 * case changes SQEs after it put them, or sends what the library does not see, and says so.
 */
void rig_judge_off(struct rig *r, const char *why);

uint32_t rig_reg32(struct rig *r, uint64_t off);
uint64_t rig_reg64(struct rig *r, uint64_t off);
void rig_set_reg32(struct rig *r, uint64_t off, uint32_t value);
void rig_set_reg64(struct rig *r, uint64_t off, uint64_t value);
/* Any width (8, 16, 32, 64) at any offset, exactly so. */
uint64_t rig_reg(struct rig *r, uint64_t off, unsigned width);
void rig_set_reg(struct rig *r, uint64_t off, unsigned width, uint64_t value);
uint32_t rig_cfg(struct rig *r, unsigned off, unsigned width);
void rig_set_cfg(struct rig *r, unsigned off, unsigned width, uint32_t value);
/* Offset of a PCI capability (0: absent); id above FFh asks the extended list for id - 100h. */
unsigned rig_pci_cap(struct rig *r, unsigned id);

/* Lets ns of the device's time pass (the model's clock costs none). */
void rig_wait(struct rig *r, uint64_t ns);
uint64_t rig_now(struct rig *r);

/*
 * ---- the other controller of the subsystem: for cases with NEED_PEER ----
 *
 * Enabled with ctrl_defaults() on first use, and then watched like the first: audit, canaries,
 * trace, health. What takes a queue or a struct ctrl works on either of the two; the verbs that say
 * neither are the first controller's, and those below are their forms for either.
 */
struct ctrl *rig_peer(struct rig *r);
/* Opened, CC.EN = 0. */
struct ctrl *rig_peer_off(struct rig *r);
struct cpl rig_admin_on(struct rig *r, struct ctrl *c, struct cmd cmd);
struct cpl rig_admin_ok_on(struct rig *r, struct ctrl *c, struct cmd cmd);
void rig_reset_on(struct rig *r, struct ctrl *c);
struct sq *rig_queue_on(struct rig *r, struct ctrl *c);
struct sq *rig_queue_pair_on(struct rig *r, struct ctrl *c, uint16_t qid, uint32_t entries);
unsigned rig_queue_count_on(struct rig *r, struct ctrl *c);
struct buf *rig_buf_on(struct rig *r, struct ctrl *c, size_t len);
void rig_aer_on(struct rig *r, struct ctrl *c);
void rig_aer_held_on(struct rig *r, struct ctrl *c);
int rig_event_try_on(struct rig *r, struct ctrl *c, struct cpl *ret, uint64_t ns);
uint32_t rig_reg32_on(struct rig *r, struct ctrl *c, uint64_t off);
void rig_set_reg32_on(struct rig *r, struct ctrl *c, uint64_t off, uint32_t value);
/*
 * Tells that controller's own side to change (target_ops.control): for cases with NEED_CONTROL.
 * BROKEN when it cannot.
 */
__attribute__((format(printf, 3, 4))) void rig_control_on(struct rig *r, struct ctrl *c,
							 const char *fmt, ...);
/* "the peer" or "the controller", for what a check says. */
const char *rig_ctrl_name(struct rig *r, const struct ctrl *c);

/* Power or a subsystem reset took every queue and command of both controllers away. */
void rig_forget(struct rig *r);

/* ---- commands ---- */

/* Admin command, data copied in and out of cmd.data through canaried memory. Any status comes back.
 */
struct cpl rig_admin(struct rig *r, struct cmd c);
/* The same on an I/O queue. */
struct cpl rig_io(struct rig *r, struct sq *q, struct cmd c);
/* As rig_admin, but a status other than success is BROKEN: for set-up, not for the question. */
struct cpl rig_admin_ok(struct rig *r, struct cmd c);
struct cpl rig_io_ok(struct rig *r, struct sq *q, struct cmd c);
/* Puts an SQE whose data pointer is the case's own; returns its CID. Not rung. */
uint16_t rig_put(struct rig *r, struct sq *q, struct cmd c);
void rig_ring(struct rig *r, struct sq *q);
/* Waits for the next completion of the queue; FAIL when none comes within the queue's time. */
struct cpl rig_next(struct rig *r, struct cq *q);
/* Waits at most ns for the next one: 1 and *ret, or 0. */
int rig_try(struct rig *r, struct cq *q, struct cpl *ret, uint64_t ns);
/* Waits for one command; other completions are kept aside. FAIL when it does not come. */
struct cpl rig_wait_cid(struct rig *r, struct sq *q, uint16_t cid);

/* Posts one Asynchronous Event Request; what completes it comes by rig_event_try(). */
void rig_aer(struct rig *r);
/*
 * The same, and it is outstanding when this returns: a later command of the queue has completed.
 * An event that nobody waits for may go untold, so a case that brings one about at once asks so.
 */
void rig_aer_held(struct rig *r);
/* Waits at most ns for a completion of any AER: 1 and *ret, or 0. Its status may be any. */
int rig_event_try(struct rig *r, struct cpl *ret, uint64_t ns);

/* ---- queues ---- */

/*
 * Do SQ and CID of a command reach the device as its completion tells them? Not where somebody else
 * keeps the queues (NEED_COMMAND alone): then what the device says of them cannot be compared.
 */
bool rig_knows_cid(struct rig *r);
/* The case's ordinary I/O queue pair (QID 1, 64 entries or what the controller has). */
struct sq *rig_queue(struct rig *r);
/* A pair of that QID and size, IEN = 0; BROKEN when the controller refuses. */
struct sq *rig_queue_pair(struct rig *r, uint16_t qid, uint32_t entries);
/* I/O queue pairs the controller allocates; Number of Queues is set on first use. */
unsigned rig_queue_count(struct rig *r);
/* CAP.MQES as entries: 2..65536. */
uint32_t rig_queue_max(struct rig *r);
/* That many entries, or as many as the controller allows. */
uint32_t rig_queue_fit(struct rig *r, uint32_t entries);
/* Memory and bookkeeping of queues the case creates itself (cq_create, sq_create, or raw SQEs). */
struct cq *rig_cq_alloc(struct rig *r, uint16_t qid, uint32_t entries);
struct sq *rig_sq_alloc(struct rig *r, uint16_t qid, uint32_t entries, struct cq *cq);
/* cq_place, whose trouble leaves the case. */
void rig_cq_place(struct rig *r, struct cq *q, const struct far *far);

/* ---- memory ---- */

/* DMA memory with canaries, poisoned; checked and freed when the case ends. */
struct buf *rig_buf(struct rig *r, size_t len);
/* Points PRP1/PRP2 at len bytes at buf + off; lists live as long as the case. */
void rig_prp(struct rig *r, struct cmd *c, const struct buf *b, size_t off, size_t len);
void rig_prp_plan(struct rig *r, struct cmd *c, const struct prp_plan *plan,
		  struct prp_list **ret_list);
/* The same with PSDT 01b: one data block in the command, or a list of the case's own plan. */
void rig_sgl(struct rig *r, struct cmd *c, const struct buf *b, size_t off, size_t len);
void rig_sgl_plan(struct rig *r, struct cmd *c, const struct sgl_plan *plan,
		  struct sgl_list **ret_list);

/* ---- memory of the controller's own ---- */

struct rig_cmb {
	struct far far;	  /* its first byte */
	uint64_t bytes;	  /* that can be reached: its BAR may end before it does */
	uint64_t claimed; /* as CMBSZ has it */
	uint32_t loc, sz; /* CMBLOC, CMBSZ */
};

/* For `.na`: the sentence when there is no Controller Memory Buffer. */
const char *rig_na_cmb(const struct facts *f);
/* Its place and size as the properties tell them now (CMBMSC.CRE = 1); nothing is enabled. */
struct rig_cmb rig_cmb_find(struct rig *r);
/*
 * Enabled: the host's addresses reach it from far.iova on, where nothing else is. When the case
 * ends the controller is disabled, queues placed in the buffer are in host memory again, and CMBMSC
 * is as before.
 */
const struct rig_cmb *rig_cmb(struct rig *r);
/* Copies through the BAR; trouble of the way in leaves the case. */
void rig_far_store(struct rig *r, const struct far *f, uint64_t at, const void *from, size_t len);
void rig_far_load(struct rig *r, const struct far *f, uint64_t at, void *to, size_t len);
uint64_t rig_far_read(struct rig *r, const struct far *f, uint64_t at, unsigned width);
void rig_far_write(struct rig *r, const struct far *f, uint64_t at, unsigned width, uint64_t value);

/* ---- the scratch namespace: NVM command set, no metadata; cases with HARM_DATA own all of it ----
 */

const struct facts_ns *rig_ns(struct rig *r);
/*
 * Every namespace that a case with HARM_DATA may use, one a call, NULL after the last; *at begins
 * at 0. The scratch namespace, and on an emulated target, where nothing of value can be lost, every
 * other one of the NVM command set without metadata. At least one comes, or the case leaves as N/A.
 */
const struct facts_ns *rig_ns_next(struct rig *r, unsigned *at);
/*
 * The same for namespaces of the NVM command set that fit; NULL at once when none does. Not the
 * scratch namespace's kin alone, so on a real drive a namespace comes only if it is the one there
 * is. One with an extended protection information format comes once LBAFEE could be set.
 */
const struct facts_ns *rig_ns_that(struct rig *r, unsigned *at,
				   bool (*fits)(const struct facts_ns *ns));
/* Can its blocks be reached? Where it takes LBAFEE, that is set, and put back at the end. */
bool rig_ns_reach(struct rig *r, const struct facts_ns *ns);
/* LBAFEE of Host Behavior Support is 1h from here on, where it can be; put back at the end. */
bool rig_lbafee(struct rig *r);
/* The opposite: a host's driver may have set it. False: it cannot be had so. */
bool rig_no_lbafee(struct rig *r);
/* A namespace as Identify tells it now, which lasts as long as the case. */
const struct facts_ns *rig_ns_now(struct rig *r, uint32_t nsid);
/* What its blocks are made of. */
struct pi_shape rig_shape(const struct facts_ns *ns);
/* Likewise the zoned namespaces without metadata: the first, and on an emulated target every one.
 * NULL after the last; none at all: N/A. */
const struct facts_ns *rig_zoned_next(struct rig *r, unsigned *at);
/* Identify Controller and Namespace, read now. */
void rig_id_ctrl(struct rig *r, struct nvme_id_ctrl *ret);
void rig_id_ns(struct rig *r, uint32_t nsid, struct nvme_id_ns *ret);
/* Largest transfer of one I/O in bytes: MDTS, or 1 MiB where there is no limit. */
size_t rig_mdts(struct rig *r);
/* Bytes that name their place: LBA, a tag and a running pattern; the same call checks them. */
void rig_stamp(void *data, uint64_t lba, uint32_t blocks, uint32_t lba_bytes, uint64_t tag);
/* Are the blocks as stamped? For what is no check. */
bool rig_is_stamp(const void *data, uint64_t lba, uint32_t blocks, uint32_t lba_bytes,
		  uint64_t tag);
/* One check that the blocks are as stamped; shows LBA, offset and both sides. */
bool rig_check_stamp(struct rig *r, const struct check_site *s, const void *data, uint64_t lba,
		     uint32_t blocks, uint32_t lba_bytes, uint64_t tag);
#define CHECK_STAMP(r, data, lba, blocks, lba_bytes, tag)                                          \
	rig_check_stamp(r, CHECK_SITE(0, 0), data, lba, blocks, lba_bytes, tag)

/* Get Features for set-up, not for the question: N/A where the controller has no such feature. */
struct cpl rig_feature(struct rig *r, uint8_t fid, uint8_t sel, uint32_t nsid, uint32_t cdw11);
/* Restores a feature's current value when the case ends (reads it now). N/A: there is none. */
void rig_keep_feature(struct rig *r, uint8_t fid, uint32_t nsid, uint32_t cdw11_select);

/* ---- checks on completions ---- */

/*
 * The status is one of the list, the first being the strict answer; another member is told in the
 * event. CHECK_STATUS(r, cpl, SC_INVALID_FIELD, SC_INVALID_NS);
 */
bool check_status(struct rig *r, const struct check_site *s, struct cpl cpl, const uint16_t *want,
		  unsigned n);
/* The same; `what` says which command of many it was ("Read of 2 blocks at LBA 9: status"). */
bool check_status_of(struct rig *r, const struct check_site *s, const char *what, struct cpl cpl,
		     const uint16_t *want, unsigned n);
#define STATUS_LIST(...) ((const uint16_t[]){ __VA_ARGS__ })
#define STATUS_CHECK(r, site, cpl, ...)                                                            \
	check_status(r, site, cpl, STATUS_LIST(__VA_ARGS__),                                       \
		     sizeof(STATUS_LIST(__VA_ARGS__)) / sizeof(uint16_t))
#define CHECK_STATUS_OF(r, what, cpl, ...)                                                         \
	check_status_of(r, CHECK_SITE(0, 0), what, cpl, STATUS_LIST(__VA_ARGS__),                  \
			sizeof(STATUS_LIST(__VA_ARGS__)) / sizeof(uint16_t))
#define ADVISE_STATUS_OF(r, what, cpl, ...)                                                        \
	check_status_of(r, CHECK_SITE(0, 1), what, cpl, STATUS_LIST(__VA_ARGS__),                  \
			sizeof(STATUS_LIST(__VA_ARGS__)) / sizeof(uint16_t))
#define CHECK_STATUS(r, cpl, ...)   STATUS_CHECK(r, CHECK_SITE(0, 0), cpl, __VA_ARGS__)
#define REQUIRE_STATUS(r, cpl, ...) STATUS_CHECK(r, CHECK_SITE(1, 0), cpl, __VA_ARGS__)
#define ADVISE_STATUS(r, cpl, ...)  STATUS_CHECK(r, CHECK_SITE(0, 1), cpl, __VA_ARGS__)
/* Any error will do, success will not: for rules that name no code. */
#define CHECK_ERROR(r, cpl) CHECK_NE(r, "status (any error)", (cpl).status, SC_SUCCESS)
/* No byte of the buffer outside [from, to) changed since its poison. */
bool check_untouched(struct rig *r, const struct check_site *s, const struct buf *b,
		     const void *before, size_t from, size_t to);

#endif
