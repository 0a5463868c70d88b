// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/guard_ask.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "nvme/cmd.h"

#define ASK_MS	     5000
#define IDENTIFY     0x06
#define GET_LOG	     0x02
#define SET_FEATURES 0x09
#define GET_FEATURES 0x0a
#define DATA_UNIT    512000ull /* SMART counts thousands of 512 bytes */
#define OACS_SELF    (1u << 4)
#define SELF_RUNS(b) ((b)&0xf)
#define SANITIZING   2u

/* 0; a status above 0; or -errno. */
static int send_command(int fd, struct nvme_passthru_cmd *p)
{
	int status;

	p->timeout_ms = ASK_MS;
	status = ioctl(fd, NVME_IOCTL_ADMIN_CMD, p);
	return status < 0 ? -errno : status;
}

static int send(int fd, uint8_t opcode, uint32_t nsid, uint32_t cdw10, void *data, uint32_t len)
{
	struct nvme_passthru_cmd p = { .opcode = opcode,
				       .nsid = nsid,
				       .addr = (uintptr_t)data,
				       .data_len = len,
				       .cdw10 = cdw10 };

	return send_command(fd, &p);
}

static int get_log(int fd, uint8_t lid, void *data, uint32_t len)
{
	return send(fd, GET_LOG, 0xffffffffu, lid | (len / 4 - 1) << 16, data, len);
}

/* Its node, and only if it is that device. */
static int open_drive(const struct guard_drive *d, char *error)
{
	for (unsigned i = 0; i < d->n; i++)
		if (!d->node[i].block && !strcmp(d->node[i].name, d->nvme)) {
			int fd = guard_node_open("", &d->node[i], O_RDONLY);

			if (fd < 0)
				snprintf(
					error, GUARD_ERROR,
					"/dev/%.60s: %s: it cannot be asked who it is; run as root",
					d->nvme, strerror(-fd));
			return fd;
		}
	snprintf(error, GUARD_ERROR, "%.60s has no node to ask it by", d->name);
	return -ENODEV;
}

static int say(const struct guard_drive *d, const char *what, int err, char *error)
{
	if (err < 0)
		snprintf(error, GUARD_ERROR, "%.60s: %s: %s", d->name, what, strerror(-err));
	else
		snprintf(error, GUARD_ERROR, "%.60s: %s: status %Xh", d->name, what, (unsigned)err);
	return err < 0 ? err : -EIO;
}

static void trim(const char *from, size_t n, char *to)
{
	size_t at = 0;

	while (n && (from[n - 1] == ' ' || !from[n - 1]))
		n--;
	while (n && *from == ' ') {
		from++;
		n--;
	}
	for (; at < n; at++)
		to[at] = from[at] < ' ' || from[at] == 0x7f ? '?' : from[at];
	to[at] = 0;
}

static int identify(const struct guard_drive *d, int fd, struct guard_answer *ret, char *error)
{
	struct nvme_id_ctrl id;
	int err = send(fd, IDENTIFY, 0, 1, &id, sizeof(id));

	if (err)
		return say(d, "it does not answer Identify", err, error);
	*ret = (struct guard_answer){
		.warning_kelvin = le16_get(id.wctemp),
		.self_test = le16_get(id.oacs) & OACS_SELF,
		.sanitize = le32_get(id.sanicap) & 7,
	};
	trim(id.sn, sizeof(id.sn), ret->serial);
	trim(id.mn, sizeof(id.mn), ret->model);
	return 0;
}

int guard_ask_identify(const struct guard_drive *d, struct guard_answer *ret, char *error)
{
	_cleanup_close_ int fd = open_drive(d, error);

	return fd < 0 ? fd : identify(d, fd, ret, error);
}

int guard_ask_health(const struct guard_drive *d, struct guard_health *ret, char *error)
{
	_cleanup_close_ int fd = open_drive(d, error);
	struct guard_answer id;
	uint8_t page[512];
	int err = fd < 0 ? fd : identify(d, fd, &id, error);

	if (err)
		return err;
	memset(ret, 0, sizeof(*ret));
	err = get_log(fd, NVME_LOG_LID_SMART, page, sizeof(page));
	if (err)
		return say(d, "its SMART log cannot be read", err, error);
	ret->warning = page[0];
	ret->kelvin = le16_at(page + 1);
	ret->written_bytes = le64_at(page + 48);
	ret->written_bytes = le64_at(page + 56) || ret->written_bytes > UINT64_MAX / DATA_UNIT
				     ? UINT64_MAX
				     : ret->written_bytes * DATA_UNIT;
	if (id.self_test) {
		err = get_log(fd, NVME_LOG_LID_DEVICE_SELF_TEST, page, 4);
		if (err)
			return say(d, "its self-test log cannot be read", err, error);
		ret->self_test = SELF_RUNS(page[0]);
	}
	if (id.sanitize) {
		err = get_log(fd, NVME_LOG_LID_SANITIZE, page, 20);
		if (err)
			return say(d, "its sanitize log cannot be read", err, error);
		ret->sanitize = (page[2] & 7) == SANITIZING;
	}
	return 0;
}

/* ---- how it is set ---- */

int guard_ask_identify_page(const struct guard_drive *d, uint8_t cns, uint32_t nsid, void *page)
{
	char ignored[GUARD_ERROR];
	_cleanup_close_ int fd = open_drive(d, ignored);
	int err = fd < 0 ? fd : send(fd, IDENTIFY, nsid, cns, page, 4096);

	return err > 0 ? -EIO : err;
}

static int feature(const struct guard_drive *d, uint8_t opcode, uint8_t fid, uint32_t *value)
{
	char ignored[GUARD_ERROR];
	_cleanup_close_ int fd = open_drive(d, ignored);
	struct nvme_passthru_cmd p = { .opcode = opcode, .cdw10 = fid, .cdw11 = *value };
	int err = fd < 0 ? fd : send_command(fd, &p);

	*value = p.result;
	return err > 0 ? -EIO : err;
}

int guard_ask_feature(const struct guard_drive *d, uint8_t fid, uint32_t *ret)
{
	uint32_t value = 0;
	int err = feature(d, GET_FEATURES, fid, &value);

	if (!err)
		*ret = value;
	return err;
}

int guard_set_feature(const struct guard_drive *d, uint8_t fid, uint32_t value)
{
	return feature(d, SET_FEATURES, fid, &value);
}
