// SPDX-License-Identifier: GPL-2.0-or-later
#include "talk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct session_ops *ops(struct rig *r)
{
	return rig_target(r)->ops->session;
}

static void free_msg(void *arg)
{
	vu_msg_free(arg);
}

static struct vu_msg *new_msg(struct rig *r)
{
	struct vu_msg *m = rig_mem(r, sizeof(*m));

	rig_defer(r, free_msg, m);
	return m;
}

/* ---- on the session ---- */

static int say(struct rig *r, const struct talk *m, struct vu_msg *ret)
{
	struct vu_header h = { .id = TALK_ID, .command = m->command, .flags = m->flags };
	struct vu_piece piece[2] = { { m->data, m->len }, { m->more, m->more_len } };

	return ops(r)->ask(rig_target(r), &h, piece, m->fd, m->fds, ret, TALK_NS);
}

const struct vu_msg *talk_say(struct rig *r, const struct talk *m)
{
	struct vu_msg *reply = new_msg(r);
	int err = say(r, m, reply);
	char buf[16];

	if (err)
		rig_fail(r, "%s is not answered: %s", vu_command_name(m->command, buf),
			 rig_target(r)->error);
	if (reply->h.command != m->command)
		rig_fail(r, "%s is answered as command %u", vu_command_name(m->command, buf),
			 reply->h.command);
	return reply;
}

const struct vu_msg *talk_ask(struct rig *r, unsigned command, const void *data, size_t len)
{
	return talk_say(r,
			&(struct talk){ .command = (uint16_t)command, .data = data, .len = len });
}

void talk_post(struct rig *r, unsigned command, const void *data, size_t len)
{
	struct talk m = {
		.command = (uint16_t)command, .flags = VU_NO_REPLY, .data = data, .len = len
	};

	if (say(r, &m, NULL))
		rig_fail(r, "a message that wants no reply: %s", rig_target(r)->error);
}

void talk_check_usable(struct rig *r)
{
	struct vu_info ask = { .argsz = sizeof(ask) };
	const struct vu_msg *m = talk_ask(r, VU_DEVICE_GET_INFO, &ask, sizeof(ask));
	struct check_site site = *CHECK_SITE(0, 0);

	site.hard = true;
	check_true(r, &site, !talk_failed(m) && m->len >= sizeof(ask),
		   "the session goes on: DEVICE_GET_INFO is answered (flags %Xh, %zu bytes)",
		   m->h.flags, m->len);
}

void talk_check_alive(struct rig *r)
{
	void *data = rig_mem(r, TALK_BYTES);
	struct cpl c;

	rig_ctrl(r);
	c = rig_admin(r, cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, data));
	CHECK_STATUS_OF(r, "Identify afterwards: status", c, SC_SUCCESS);
}

/* ---- shapes ---- */

/* The fixed part of a reply about the device; without it there is nothing to ask. */
static void take(struct rig *r, const struct vu_msg *m, void *to, size_t len)
{
	REQUIRE_TRUE(r, !talk_failed(m) && m->len >= len,
		     "command %u is answered with %zu bytes or more (flags %Xh, %zu bytes)",
		     m->h.command, len, m->h.flags, m->len);
	memcpy(to, m->data, len);
}

struct vu_info talk_info(struct rig *r)
{
	struct vu_info info = { .argsz = sizeof(info) };

	take(r, talk_ask(r, VU_DEVICE_GET_INFO, &info, sizeof(info)), &info, sizeof(info));
	return info;
}

struct vu_region talk_region(struct rig *r, unsigned index)
{
	struct vu_region region = { .argsz = TALK_BYTES, .index = index };

	take(r, talk_ask(r, VU_DEVICE_GET_REGION_INFO, &region, sizeof(region)), &region,
	     sizeof(region));
	return region;
}

struct vu_irq talk_irq(struct rig *r, unsigned index)
{
	struct vu_irq irq = { .argsz = sizeof(irq), .index = index };

	take(r, talk_ask(r, VU_DEVICE_GET_IRQ_INFO, &irq, sizeof(irq)), &irq, sizeof(irq));
	return irq;
}

const struct vu_msg *talk_set_irqs(struct rig *r, uint32_t flags, uint32_t start, uint32_t count,
				   const int *fd, unsigned fds)
{
	struct vu_set_irqs set = { sizeof(set), flags, VU_IRQ_MSIX, start, count };

	return talk_say(r, &(struct talk){ .command = VU_DEVICE_SET_IRQS,
					   .data = &set,
					   .len = sizeof(set),
					   .fd = fd,
					   .fds = fds });
}

const struct vu_msg *talk_read(struct rig *r, unsigned region, uint64_t offset, uint32_t count)
{
	struct vu_access a = { offset, region, count };

	return talk_ask(r, VU_REGION_READ, &a, sizeof(a));
}

/* ---- memory ---- */

static void free_memory(void *arg)
{
	struct talk_memory *m = arg;

	m->t->ops->session->lend(m->t, NULL, 0, 0);
	if (m->va != MAP_FAILED)
		munmap(m->va, TALK_MEMORY);
	close(m->fd);
}

struct talk_memory *talk_memory(struct rig *r)
{
	const struct target_caps *caps = &rig_target(r)->caps;
	struct talk_memory *m = rig_mem(r, sizeof(*m));
	int fd = memfd_create("nvrig-case", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		rig_broken(r, "no shared memory: %s", strerror(errno));
	m->t = rig_target(r);
	m->fd = fd;
	m->va = MAP_FAILED;
	rig_defer(r, free_memory, m);
	if (ftruncate(fd, TALK_MEMORY) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		rig_broken(r, "no shared memory: %s", strerror(errno));
	m->va = mmap(NULL, TALK_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m->va == MAP_FAILED)
		rig_broken(r, "no shared memory: %s", strerror(errno));
	m->map = (struct vu_map){ sizeof(m->map), VU_MAP_READ | VU_MAP_WRITE, 0, caps->hole,
				  TALK_MEMORY };
	return m;
}

void talk_lend(struct rig *r, const struct talk_memory *m)
{
	ops(r)->lend(rig_target(r), m->va + m->map.offset, m->map.address, m->map.size);
}

const struct vu_msg *talk_map(struct rig *r, const struct talk_memory *m, bool with_fd)
{
	return talk_say(r, &(struct talk){ .command = VU_DMA_MAP,
					   .data = &m->map,
					   .len = sizeof(m->map),
					   .fd = &m->fd,
					   .fds = with_fd });
}

const struct vu_msg *talk_unmap(struct rig *r, uint64_t address, uint64_t size)
{
	struct vu_unmap unmap = { sizeof(unmap), 0, address, size };

	return talk_ask(r, VU_DMA_UNMAP, &unmap, sizeof(unmap));
}

/* ---- sessions ---- */

/* What a case left without a session gets one, for the questions after it. */
static void renew_again(void *arg)
{
	struct rig *r = arg;
	uint64_t v;

	if (rig_target(r)->ops->reg_read(rig_target(r), REG_VS, 32, &v) == -ENODEV &&
	    !ops(r)->renew(rig_target(r)))
		rig_forget(r);
}

void talk_drop(struct rig *r)
{
	rig_defer(r, renew_again, r);
	ops(r)->drop(rig_target(r));
	rig_forget(r);
}

void talk_renew(struct rig *r)
{
	if (ops(r)->renew(rig_target(r)))
		rig_fail(r, "the next client is not served: %s", rig_target(r)->error);
}

static void close_sock(void *arg)
{
	int *sock = arg;

	if (*sock >= 0)
		close(*sock);
}

int talk_dial(struct rig *r)
{
	int *sock = rig_mem(r, sizeof(*sock));

	if (ops(r)->dial(rig_target(r), sock))
		rig_fail(r, "a connection is refused: %s", rig_target(r)->error);
	rig_defer(r, close_sock, sock);
	return *sock;
}

void talk_bytes(struct rig *r, int sock, const void *bytes, size_t len)
{
	(void)r;
	/* a server that has hung up already is looked at by who comes next */
	if (send(sock, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		return;
}

void talk_hang_up(struct rig *r, int sock)
{
	(void)r;
	shutdown(sock, SHUT_RDWR);
}

int talk_on(struct rig *r, int sock, const struct talk *m, struct vu_msg **ret, uint64_t ns)
{
	struct vu_header h = { .id = TALK_ID, .command = m->command, .flags = m->flags };
	struct vu_piece piece[2] = { { m->data, m->len }, { m->more, m->more_len } };
	int err = vu_send(sock, &h, piece, m->fd, m->fds, clock_mono_ns() + ns);

	*ret = new_msg(r);
	return err ? err : vu_receive(sock, *ret, clock_mono_ns() + ns, ns);
}

int talk_version(struct rig *r, int sock, uint16_t major, uint16_t minor, const char *text,
		 size_t len, struct vu_msg **ret, uint64_t ns)
{
	const uint16_t version[2] = { major, minor };
	struct talk m = { .command = VU_VERSION,
			  .data = version,
			  .len = sizeof(version),
			  .more = text,
			  .more_len = len };

	return talk_on(r, sock, &m, ret, ns);
}
