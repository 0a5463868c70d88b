// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/kernel_pass.h"

#include <errno.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "nvme/cmd.h"
#include "target/door.h"
#include "target/kernel_node.h"
#include "target/target.h"

#define FABRICS	      0x7f
#define PROPERTY_GET  0x04
#define FUSE_AND_PSDT 0xc3
#define STATUS_MASK   0x7ff
#define STATUS_CRD(s) ((s) >> 11 & 3)
#define STATUS_MORE   0x2000
#define STATUS_DNR    0x4000
/* Path Related Status that only a host makes up: Host Pathing Error and what follows it. */
#define STATUS_HOST	  0x370
#define STATUS_HOST_LAST  0x37f
#define STATUS_HOST_ABORT 0x371

/* ---- what is not carried ---- */

static const struct {
	uint8_t opcode;
	const char *why;
} own[] = {
	{ nvme_admin_delete_sq, "its queues are the kernel's own" },
	{ nvme_admin_create_sq, "its queues are the kernel's own" },
	{ nvme_admin_delete_cq, "its queues are the kernel's own" },
	{ nvme_admin_create_cq, "its queues are the kernel's own" },
	{ nvme_admin_abort_cmd, "command identifiers are the kernel's own" },
	{ nvme_admin_async_event, "asynchronous events are the kernel's own" },
	{ nvme_admin_keep_alive, "keep alive is the kernel's own" },
	{ nvme_admin_dbbuf, "its doorbells are the kernel's own" },
	{ FABRICS, "connections are the kernel's own" },
};

static const struct {
	uint8_t fid;
	const char *why;
} own_feature[] = {
	{ NVME_FEAT_FID_NUM_QUEUES, "the number of queues is the kernel's own" },
	{ NVME_FEAT_FID_HOST_MEM_BUF, "the host memory buffer is the kernel's own" },
	{ NVME_FEAT_FID_KATO, "keep alive is the kernel's own" },
};

static const char *own_of_kernel(const struct sqe *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (own[i].opcode == e->opcode)
			return own[i].why;
	for (size_t i = 0; e->opcode == nvme_admin_set_features && i < ARRAY_SIZE(own_feature); i++)
		if (own_feature[i].fid == (le32_get(e->cdw10) & 0xff))
			return own_feature[i].why;
	return NULL;
}

const char *kernel_pass_refusal(uint16_t qid, const struct cmd *c)
{
	const struct sqe *e = &c->sqe;
	const char *why = qid ? NULL : own_of_kernel(e);

	if (why)
		return why;
	if (e->flags & FUSE_AND_PSDT)
		return "FUSE and PSDT are the kernel's own";
	if (!c->data && (e->prp1 || e->prp2 || c->data_len))
		return "the data pointer is the kernel's own";
	if (e->mptr)
		return "the metadata pointer is the kernel's own";
	if (c->data && c->data_len && c->dir != (e->opcode & 1 ? CMD_OUT : CMD_IN))
		return "the kernel moves data the way that bit 0 of the opcode says, and this is "
		       "the other one";
	return NULL;
}

/* ---- what comes back ---- */

static int say_gone(struct target *t, const struct kernel_node *k, const char *how)
{
	char state[SYSFS_WORD];

	kernel_node_attr(k, "state", state);
	return target_fail(t, -ENODEV, "/dev/%s: %s; the kernel has it as '%.20s'", k->name, how,
			   state[0] ? state : "gone");
}

/* The ioctl failed, and no status came. */
static int say_errno(struct target *t, const struct kernel_node *k, int err)
{
	switch (err) {
	case EINVAL:
	case EOPNOTSUPP:
	case ENOTTY:
		return target_fail(t, -ENOTSUP,
				   "the kernel does not send it (%s): it is longer "
				   "than the kernel's limit, or not what its passthrough carries",
				   strerror(err));
	case EPERM:
	case EACCES:
		return target_fail(t, -err, "the kernel does not send it (%s): root only",
				   strerror(err));
	case EINTR: /* cancelled: it timed out, or a reset came between */
		if (kernel_node_alive(k))
			return target_fail(t, -ETIMEDOUT,
					   "the kernel cancelled it: no answer in "
					   "time, or a reset came between");
		/* fallthrough */
	case ENODEV:
	case ENXIO:
	case EIO:
		return say_gone(t, k, strerror(err));
	default:
		return target_fail(t, -err, "passthrough on /dev/%s: %s", k->name, strerror(err));
	}
}

static int take_status(struct target *t, const struct kernel_node *k, unsigned status,
		       uint64_t result, struct cpl *ret)
{
	unsigned code = status & STATUS_MASK;

	if (code == STATUS_HOST_ABORT && kernel_node_alive(k))
		return target_fail(t, -ETIMEDOUT,
				   "the kernel gave the command up: no answer in "
				   "time, or a reset came between");
	if (code >= STATUS_HOST && code <= STATUS_HOST_LAST)
		return say_gone(t, k, "the kernel has no way to the controller");
	*ret = (struct cpl){
		.status = (uint16_t)code,
		.crd = STATUS_CRD(status),
		.more = status & STATUS_MORE,
		.dnr = status & STATUS_DNR,
		.dw0 = (uint32_t)result,
		.dw1 = (uint32_t)(result >> 32),
	};
	return 0;
}

/* ---- sending ---- */

static struct nvme_passthru_cmd64 passthru_of(const struct cmd *c, uint64_t timeout_ns)
{
	const struct sqe *e = &c->sqe;
	uint64_t ms = timeout_ns / NS_PER_MS;

	return (struct nvme_passthru_cmd64){
		.opcode = e->opcode,
		.flags = e->flags,
		.nsid = le32_get(e->nsid),
		.cdw2 = le32_get(e->cdw2),
		.cdw3 = le32_get(e->cdw3),
		.addr = (uintptr_t)c->data,
		.data_len = c->data ? (uint32_t)c->data_len : 0,
		.cdw10 = le32_get(e->cdw10),
		.cdw11 = le32_get(e->cdw11),
		.cdw12 = le32_get(e->cdw12),
		.cdw13 = le32_get(e->cdw13),
		.cdw14 = le32_get(e->cdw14),
		.cdw15 = le32_get(e->cdw15),
		.timeout_ms = ms < 1		? 1
			      : ms > UINT32_MAX ? UINT32_MAX
						: (uint32_t)ms,
	};
}

static int send(struct target *t, struct kernel_node *k, int fd, unsigned long request,
		struct nvme_passthru_cmd64 *p, struct cpl *ret)
{
	int status = ioctl(fd, request, p);

	if (status < 0)
		return say_errno(t, k, errno);
	return take_status(t, k, (unsigned)status, p->result, ret);
}

int kernel_pass(struct target *t, struct kernel_node *k, uint16_t qid, const struct cmd *c,
		uint64_t timeout_ns, struct cpl *ret)
{
	struct nvme_passthru_cmd64 p = passthru_of(c, timeout_ns);
	const char *why = kernel_pass_refusal(qid, c);
	struct kernel_ns *ns;

	int err;

	if (why)
		return target_fail(t, -ENOTSUP, "%s; vfio: would send it", why);
	err = door_sqe(t, qid, &c->sqe);
	if (err)
		return err;
	if (!qid)
		return send(t, k, k->fd, NVME_IOCTL_ADMIN64_CMD, &p, ret);
	ns = kernel_node_ns(k, p.nsid);
	if (!ns && !kernel_node_alive(k))
		return say_gone(t, k, "no namespaces");
	if (!ns)
		return target_fail(t, -ENOTSUP,
				   "the kernel sends I/O commands to namespaces that it "
				   "has, and %Xh is none of them; vfio: would send it",
				   p.nsid);
	return send(t, k, ns->fd, NVME_IOCTL_IO64_CMD, &p, ret);
}

int kernel_pass_property(struct target *t, struct kernel_node *k, uint32_t off, unsigned bytes,
			 uint64_t *ret)
{
	/* FCTYPE is where other commands have the NSID's first byte */
	struct nvme_passthru_cmd64 p = {
		.opcode = FABRICS, .nsid = PROPERTY_GET, .cdw10 = bytes == 8, .cdw11 = off
	};
	struct cpl cpl;
	int err = send(t, k, k->fd, NVME_IOCTL_ADMIN64_CMD, &p, &cpl);

	if (!err && cpl.status != SC_SUCCESS)
		err = target_fail(t, -EIO, "Property Get of %Xh: status %Xh", off, cpl.status);
	if (!err)
		*ret = p.result;
	return err;
}
