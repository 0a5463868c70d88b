// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfio-user: a controller that a server process shows on a UNIX socket. Registers and configuration
 * space by message, doorbells mapped where the server lets them be, queues and buffers in one arena
 * of memory that is shared with it, MSI-X by eventfd.
 *
 * The server may be anybody's, so what it says is checked; and it may keep a device from one client
 * to the next, so opening disables what still runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "spec/wire.h"
#include "target/qtest_ram.h"
#include "target/session.h"
#include "target/target.h"
#include "target/vu_device.h"
#include "target/vu_wire.h"

#define ARENA_AT      0x100000000ull /* unlike our pointers: a leaked one faults */
#define ARENA_UNIT    0x200000ull    /* servers register memory in such pieces */
#define ARENA_MAX     (64ull << 30)
#define ARENA_DEFAULT (256ull << 20)
#define HOLE_AT	      0x6000000000ull /* above the arena and the BARs */
#define HOLE_BYTES    0x1000000ull
#define FLR_NS	      (100 * NS_PER_MS)
#define QUIET_NS      (2 * NS_PER_S)
#define LOOK_NS	      NS_PER_MS
#define EAGER_NS      (50 * NS_PER_US)
#define SLEEP_MIN_NS  (5 * NS_PER_US)
#define SLEEP_MAX_NS  (200 * NS_PER_US)
#define STEPS_MAX     16384u /* in which the stepped clock has to move by a millisecond */
#define CFG	      VU_REGION_CONFIG
#define CFG_COMMAND   4u
#define EXP_ID	      0x10u
#define EXP_DEVCAP    4u
#define EXP_DEVCTL    8u
#define DEVCAP_FLR    0x10000000u
#define DEVCTL_FLR    0x8000u

struct vfio_user {
	char *path;
	struct vu_device d;
	struct ram ram;
	int wire; /* eventfd of INTx; -1: nobody asked yet */
	bool has_wire;
	int arena_fd; /* -1: there is none yet */
	bool mapped;  /* the server has the arena */
	uint64_t mem, timeout_ms;
	enum vu_doorbells doorbells;
	bool real_clock; /* asked for, even from a server that can step */
	char engine[64];
	uint64_t clock_ns; /* the device's time, where we step it, of all sessions together */
	uint64_t ahead_ns; /* of what this session's device says */
	unsigned steps;	   /* asked for since moved_ns */
	uint64_t moved_ns;
	uint64_t touched_ns; /* last register write */
	uint64_t looked_ns;  /* when the other side was last seen alive */
};

static struct vfio_user *priv(struct target *t)
{
	return t->priv;
}

static bool steps(const struct vfio_user *v)
{
	return v->d.link.server.step && !v->real_clock;
}

static int trouble(struct target *t, int err)
{
	const char *why = priv(t)->d.link.error;

	return err ? target_fail(t, err, "%s", *why ? why : strerror(-err)) : 0;
}

/* ---- time ---- */

static uint64_t vfio_user_now(struct target *t)
{
	return steps(priv(t)) ? priv(t)->clock_ns : clock_mono_ns();
}

/*
 * A step may be cut short by what happens, but a clock that hardly moves would have us wait for
 * ever: our deadlines are made of it.
 */
static int check_steps(struct vfio_user *v)
{
	if (v->clock_ns - v->moved_ns >= NS_PER_MS) {
		v->moved_ns = v->clock_ns;
		v->steps = 0;
	}
	if (++v->steps <= STEPS_MAX)
		return 0;
	v->d.link.broken = -ETIMEDOUT;
	snprintf(v->d.link.error, sizeof(v->d.link.error),
		 "the server's clock stands still, however often it is stepped");
	return -ETIMEDOUT;
}

static int step_clock(struct target *t, uint64_t ns)
{
	struct vfio_user *v = priv(t);
	struct vu_piece piece[2] = { { &ns, sizeof(ns) } };
	int err = vu_link_ask(&v->d.link, VU_NVRIG_RELAX, piece, NULL, 0, sizeof(ns));

	if (err)
		return trouble(t, err);
	memcpy(&ns, v->d.link.msg.data, sizeof(ns));
	ns += v->ahead_ns;
	v->clock_ns = ns > v->clock_ns ? ns : v->clock_ns;
	return trouble(t, check_steps(v));
}

static int look(struct target *t, uint64_t now)
{
	struct vfio_user *v = priv(t);

	if (now - v->looked_ns < LOOK_NS && !v->d.link.asks)
		return 0;
	v->looked_ns = now;
	return trouble(t, vu_link_look(&v->d.link));
}

/* Soon after a doorbell an answer is due at any moment; later, sleep an eighth of what was waited.
 */
static int vfio_user_relax(struct target *t, uint64_t ns)
{
	struct vfio_user *v = priv(t);
	uint64_t now = clock_mono_ns(), waited = now - v->touched_ns, sleep = waited / 8;
	struct timespec pause = { 0 };

	if (steps(v))
		return step_clock(t, ns);
	if (!ns)
		return look(t, now);
	if (waited < EAGER_NS) {
		sched_yield();
		return look(t, now);
	}
	sleep = sleep < SLEEP_MIN_NS ? SLEEP_MIN_NS : sleep > SLEEP_MAX_NS ? SLEEP_MAX_NS : sleep;
	pause.tv_nsec = (long)(sleep < ns ? sleep : ns);
	nanosleep(&pause, NULL);
	return look(t, now);
}

static int pause_for(struct target *t, uint64_t ns)
{
	uint64_t end = vfio_user_now(t) + ns;
	int err = 0;

	while (!err && vfio_user_now(t) < end)
		err = vfio_user_relax(t, end - vfio_user_now(t));
	return err;
}

/* ---- registers, configuration space, other BARs ---- */

static int check_access(struct target *t, unsigned region, uint64_t off, unsigned width)
{
	uint64_t size = region < VU_REGIONS ? priv(t)->d.region[region].size : 0;

	if (width != 8 && width != 16 && width != 32 && (width != 64 || region == CFG))
		return target_fail(t, -EINVAL, "no access of %u bits", width);
	if (off >= size || width / 8 > size - off)
		return target_fail(t, -ERANGE, "%llxh is past the %llxh bytes of region %u",
				   (unsigned long long)off, (unsigned long long)size, region);
	return 0;
}

/* An access that the server refuses is not one that we could not ask for. */
static int refused(struct target *t, int err)
{
	return trouble(t, err == -EINVAL || err == -ERANGE ? -EIO : err);
}

static int vfio_user_mem_read(struct target *t, unsigned bar, uint64_t off, unsigned width,
			      uint64_t *ret)
{
	int err = check_access(t, bar < 6 ? bar : VU_REGIONS, off, width);

	return err ? err : refused(t, vu_device_read(&priv(t)->d, bar, off, width / 8, ret));
}

static int vfio_user_mem_write(struct target *t, unsigned bar, uint64_t off, unsigned width,
			       uint64_t value)
{
	int err = check_access(t, bar < 6 ? bar : VU_REGIONS, off, width);

	return err ? err : refused(t, vu_device_write(&priv(t)->d, bar, off, width / 8, value));
}

static int vfio_user_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	return vfio_user_mem_read(t, 0, off, width, ret);
}

static int vfio_user_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	struct vfio_user *v = priv(t);
	int err = check_access(t, 0, off, width);

	if (err)
		return err;
	v->touched_ns = clock_mono_ns();
	if (off >= REG_DOORBELLS)
		err = vu_device_ring(&v->d, off, width / 8, value);
	else
		err = vu_device_write(&v->d, 0, off, width / 8, value);
	return refused(t, err);
}

static uint32_t *vfio_user_reg_mapped(struct target *t, uint64_t off)
{
	return vu_device_mapped(&priv(t)->d, off);
}

static int vfio_user_cfg_read(struct target *t, unsigned off, unsigned width, uint32_t *ret)
{
	uint64_t v = 0;
	int err = check_access(t, CFG, off, width);

	err = err ? err : refused(t, vu_device_read(&priv(t)->d, CFG, off, width / 8, &v));
	if (!err)
		*ret = (uint32_t)v;
	return err;
}

static int vfio_user_cfg_write(struct target *t, unsigned off, unsigned width, uint32_t value)
{
	int err = check_access(t, CFG, off, width);

	return err ? err : refused(t, vu_device_write(&priv(t)->d, CFG, off, width / 8, value));
}

/* ---- memory ---- */

/* Sealed, so that a server may map it and need not fear that it shrinks. */
static int make_arena(struct target *t)
{
	struct vfio_user *v = priv(t);
	int fd = memfd_create("nvrig", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int err;

	if (fd < 0)
		return target_fail(t, -errno, "no shared memory: %s", strerror(errno));
	if (ftruncate(fd, (off_t)v->mem) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		err = -errno;
		close(fd);
		return target_fail(t, err, "mem=%llu: no shared memory of that size: %s",
				   (unsigned long long)v->mem, strerror(-err));
	}
	err = ram_open_fd(&v->ram, fd, v->mem);
	if (err) {
		close(fd);
		return target_fail(t, err, "mem=%llu: cannot be mapped: %s",
				   (unsigned long long)v->mem, strerror(-err));
	}
	v->arena_fd = fd;
	return 0;
}

static int give_memory(struct target *t)
{
	struct vfio_user *v = priv(t);
	struct vu_map map = { sizeof(map), VU_MAP_READ | VU_MAP_WRITE, 0, ARENA_AT, v->mem };
	struct vu_piece piece[2] = { { &map, sizeof(map) } };
	int err;

	v->d.link.window[0] = (struct vu_window){ v->ram.base, ARENA_AT, v->mem };
	err = vu_link_ask(&v->d.link, VU_DMA_MAP, piece, &v->arena_fd, 1, 0);
	v->mapped = !err;
	return trouble(t, err);
}

static void close_memory(struct vfio_user *v)
{
	struct vu_unmap unmap = { sizeof(unmap), 0, ARENA_AT, v->mem };
	struct vu_piece piece[2] = { { &unmap, sizeof(unmap) } };

	if (v->mapped)
		vu_link_ask(&v->d.link, VU_DMA_UNMAP, piece, NULL, 0, 0);
	v->d.link.window[0] = (struct vu_window){ 0 };
	ram_close(&v->ram);
	if (v->arena_fd >= 0)
		close(v->arena_fd);
}

static int vfio_user_dma_map(struct target *t, struct dma *d)
{
	struct vfio_user *v = priv(t);
	uint64_t at = ram_alloc(&v->ram, d->len, d->align);

	if (!at)
		return target_fail(t, -ENOMEM, "no room for %zu bytes in %zu of shared memory",
				   d->len, v->ram.size);
	d->iova = ARENA_AT + at;
	d->va = ram_at(&v->ram, at);
	return 0;
}

static void vfio_user_dma_unmap(struct target *t, struct dma *d)
{
	ram_free(&priv(t)->ram, d->iova - ARENA_AT);
}

/* ---- interrupts ---- */

static int vfio_user_irq_enable(struct target *t, unsigned n)
{
	struct vfio_user *v = priv(t);
	int err = vu_device_irqs(&v->d, n);

	if (err == -ERANGE)
		return target_fail(t, err, "%u MSI-X vectors asked for, %u there", n, v->d.vectors);
	return trouble(t, err);
}

static int wait_event(struct target *t, int fd, uint64_t now, uint64_t deadline_ns)
{
	struct vfio_user *v = priv(t);
	uint64_t left = deadline_ns - now;
	struct pollfd p[3] = { { .fd = fd, .events = POLLIN },
			       { .fd = v->d.link.sock, .events = POLLIN | POLLRDHUP },
			       { .fd = v->d.link.twin, .events = POLLIN } };
	struct timespec ts = { (time_t)(left / NS_PER_S), (long)(left % NS_PER_S) };

	if (steps(v))
		return step_clock(t, left);
	ppoll(p, 3, &ts, NULL);
	if (p[0].revents || (!p[1].revents && !p[2].revents))
		return 0;
	return trouble(t, vu_link_look(&v->d.link));
}

static int vfio_user_irq_wait(struct target *t, unsigned vector, uint64_t deadline_ns)
{
	struct vfio_user *v = priv(t);
	int fd = vector < v->d.vectors ? v->d.event[vector] : -1;

	if (vector >= v->d.vectors)
		return target_fail(t, -ERANGE, "no MSI-X vector %u", vector);
	for (;;) {
		uint64_t now = vfio_user_now(t), count;
		int err;

		if (fd >= 0 && read(fd, &count, sizeof(count)) == sizeof(count))
			return 1;
		if (now >= deadline_ns)
			return 0;
		err = wait_event(t, fd, now, deadline_ns);
		if (err)
			return err;
	}
}

/* Time does not pass between the look and the word that it is too late. */
static int vfio_user_wire_wait(struct target *t, bool active, uint64_t deadline_ns)
{
	struct vfio_user *v = priv(t);

	for (;;) {
		uint64_t now = vfio_user_now(t);
		bool is_active = false;
		int err = trouble(t, vu_wire_look(&v->d, &v->wire, &is_active));

		if (err)
			return err;
		if (is_active == active)
			return 1;
		if (now >= deadline_ns)
			return 0;
		err = vfio_user_relax(t, deadline_ns - now);
		if (err)
			return err;
	}
}

/* ---- reset ---- */

static int function_reset(struct target *t)
{
	struct vu_device *d = &priv(t)->d;
	uint64_t devcap = 0, devctl = 0;
	unsigned exp;
	int err = vu_device_find_cap(d, EXP_ID, &exp);

	if (!err && exp)
		err = vu_device_read(d, CFG, exp + EXP_DEVCAP, 4, &devcap);
	if (err)
		return trouble(t, err);
	if (!(devcap & DEVCAP_FLR))
		return target_fail(t, -ENOTSUP, "the function claims no Function Level Reset");
	err = vu_device_read(d, CFG, exp + EXP_DEVCTL, 2, &devctl);
	err = err ? err : vu_device_write(d, CFG, exp + EXP_DEVCTL, 2, devctl | DEVCTL_FLR);
	return err ? trouble(t, err) : pause_for(t, FLR_NS);
}

static int vfio_user_reset(struct target *t, enum reset_kind kind)
{
	struct vfio_user *v = priv(t);
	int err;

	if (kind == RESET_FLR)
		err = function_reset(t);
	else if (v->d.link.server.power)
		err = trouble(t, vu_link_ask(&v->d.link, VU_DEVICE_RESET, NULL, NULL, 0, 0));
	else
		err = target_fail(t, -ENOTSUP, "this server's reset is no loss of power");
	return err ? err : trouble(t, vu_device_place(&v->d));
}

/* ---- open and close ---- */

static int disable(struct target *t)
{
	struct vfio_user *v = priv(t);
	uint64_t cc = 0, csts = 0, end;
	int err = vu_device_read(&v->d, 0, REG_CC, 4, &cc);

	if (err || !(cc & CC_EN) || cc == 0xffffffff)
		return err;
	err = vu_device_write(&v->d, 0, REG_CC, 4, cc & ~(uint64_t)CC_EN);
	end = vfio_user_now(t) + QUIET_NS;
	while (!err) {
		err = vu_device_read(&v->d, 0, REG_CSTS, 4, &csts);
		if (err || !(csts & CSTS_RDY))
			return err;
		if (vfio_user_now(t) > end)
			return -EBUSY;
		err = pause_for(t, NS_PER_MS / 10);
	}
	return err;
}

static const char *const option_keys[] = { "doorbells", "mem", "timeout", "clock", "engine", NULL };

static int set_doorbells(struct vfio_user *v, const char *value)
{
	static const char *const how[] = { "auto", "message", "mapped" };

	for (unsigned i = 0; i < 3; i++)
		if (!strcmp(value, how[i])) {
			v->doorbells = (enum vu_doorbells)i;
			return 0;
		}
	return -EINVAL;
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct vfio_user *v = ctx;

	if (!strcmp(key, "doorbells"))
		return set_doorbells(v, value);
	if (!strcmp(key, "mem"))
		return text_number(value, &v->mem) || !v->mem || v->mem > ARENA_MAX ||
				       v->mem % ARENA_UNIT
			       ? -EINVAL
			       : 0;
	if (!strcmp(key, "timeout"))
		return text_number(value, &v->timeout_ms) || !v->timeout_ms ||
				       v->timeout_ms > 3600000
			       ? -EINVAL
			       : 0;
	if (!strcmp(key, "clock")) {
		v->real_clock = !strcmp(value, "real");
		return v->real_clock || !strcmp(value, "step") ? 0 : -EINVAL;
	}
	if (strcmp(key, "engine"))
		return -ENOENT;
	if (!*value || strlen(value) >= sizeof(v->engine))
		return -EINVAL;
	memcpy(v->engine, value, strlen(value) + 1);
	return 0;
}

/* Time goes on from one session to the next, also where the server makes a new device for each. */
static int begin_clock(struct target *t)
{
	struct vfio_user *v = priv(t);
	uint64_t before = v->clock_ns;
	int err;

	v->clock_ns = v->ahead_ns = 0;
	err = step_clock(t, 0);
	if (v->clock_ns < before) {
		v->ahead_ns = before - v->clock_ns;
		v->clock_ns = before;
	}
	return err;
}

/* A session from its first word to a device that stands still. */
static int open_session(struct target *t)
{
	struct vfio_user *v = priv(t);
	int err = vu_link_open(&v->d.link, v->path, v->timeout_ms * NS_PER_MS, !v->real_clock);

	if (!err)
		err = vu_device_open(&v->d, v->doorbells);
	if (!err && steps(v))
		err = begin_clock(t);
	if (!err)
		err = vu_wire_find(&v->d, &v->has_wire);
	if (!err)
		err = disable(t);
	return trouble(t, err);
}

static int open_all(struct target *t)
{
	int err = open_session(t);

	if (!err)
		err = make_arena(t);
	return err ? err : give_memory(t);
}

/* ---- the session, for cases ---- */

static void drop_wire(struct vfio_user *v)
{
	if (v->wire >= 0)
		close(v->wire);
	v->wire = -1;
}

static int session_ask(struct target *t, struct vu_header *h, const struct vu_piece piece[2],
		       const int *fd, unsigned fds, struct vu_msg *ret, uint64_t timeout_ns)
{
	struct vu_link *l = &priv(t)->d.link;
	int err = vu_link_send_as(l, h, piece, fd, fds, timeout_ns);

	if (err)
		return trouble(t, err);
	if (h->flags & VU_NO_REPLY)
		return 0;
	vu_msg_free(ret);
	*ret = l->msg;
	l->msg = (struct vu_msg){ 0 };
	return 0;
}

static void session_lend(struct target *t, void *va, uint64_t address, uint64_t size)
{
	priv(t)->d.link.window[1] = (struct vu_window){ va, address, size };
}

static int session_dial(struct target *t, int *ret_sock)
{
	struct vfio_user *v = priv(t);
	struct vu_link l;
	int err = vu_link_connect(&l, v->path, v->timeout_ms * NS_PER_MS);

	if (err)
		return target_fail(t, err, "%s", l.error);
	*ret_sock = l.sock;
	return 0;
}

static int session_drop(struct target *t)
{
	struct vfio_user *v = priv(t);

	drop_wire(v);
	vu_device_close(&v->d);
	vu_link_close(&v->d.link);
	v->d.link.broken = -ENODEV;
	v->mapped = false;
	return 0;
}

static int session_renew(struct target *t)
{
	int err;

	session_drop(t);
	err = open_session(t);
	return err ? err : give_memory(t);
}

static const struct session_ops session = { .ask = session_ask,
					    .lend = session_lend,
					    .dial = session_dial,
					    .drop = session_drop,
					    .renew = session_renew };

static void release(struct target *t)
{
	struct vfio_user *v = priv(t);

	close_memory(v);
	drop_wire(v);
	vu_device_close(&v->d);
	vu_link_close(&v->d.link);
	free(v->path);
	free(v);
	t->priv = NULL;
}

static int vfio_user_open(struct target *t, const char *address)
{
	struct vfio_user *v = calloc(1, sizeof(*v));
	size_t len = strcspn(address, "?");
	int err;

	if (!v)
		return -ENOMEM;
	*v = (struct vfio_user){
		.mem = ARENA_DEFAULT, .timeout_ms = 10000, .arena_fd = -1, .wire = -1
	};
	v->d.link.sock = v->d.link.twin = -1;
	for (unsigned i = 0; i < VU_VECTORS_MAX; i++)
		v->d.event[i] = -1;
	t->priv = v;
	err = address[len] ? target_options(t, address + len + 1, option_keys, set_option, v) : 0;
	v->path = strndup(address, len);
	if (!err)
		err = v->path ? open_all(t) : -ENOMEM;
	if (err)
		release(t);
	return err;
}

/* Whatever fails here, bus mastering goes before the memory does. */
static void vfio_user_close(struct target *t)
{
	struct vu_device *d = &priv(t)->d;

	disable(t);
	vu_device_write(d, CFG, CFG_COMMAND, 2, 0);
	release(t);
}

static int vfio_user_caps(struct target *t, struct target_caps *ret)
{
	struct vfio_user *v = priv(t);
	uint16_t vendor = v->d.id & 0xffff, device = v->d.id >> 16;
	bool model = v->d.link.server.power, qemu = vendor == 0x1b36 && device == 0x0010;

	ret->has = NEED_QUEUES | NEED_CONFIG | NEED_BARE_CONFIG | NEED_HOLE | NEED_BARS |
		   NEED_RECONNECT | NEED_MESSAGES;
	if (v->d.vectors)
		ret->has |= NEED_IRQ;
	if (v->d.real_table)
		ret->has |= NEED_MSIX_TABLE;
	if (v->has_wire)
		ret->has |= NEED_WIRE;
	if (v->d.link.server.power)
		ret->has |= NEED_RESTART;
	ret->emulated = model || qemu; /* behind any other there may be a real drive */
	ret->stepped = steps(v);
	ret->vectors = v->d.vectors;
	for (unsigned i = 0; i < 6; i++)
		ret->bar_size[i] = v->d.region[i].size;
	memcpy(ret->bar_addr, v->d.bar_addr, sizeof(ret->bar_addr));
	ret->dma_bytes = v->ram.size - RAM_FIRST;
	ret->hole = HOLE_AT;
	ret->hole_bytes = HOLE_BYTES;
	if (v->engine[0])
		snprintf(ret->engine, sizeof(ret->engine), "%s", v->engine);
	else
		snprintf(ret->engine, sizeof(ret->engine), "%s %04x:%04x",
			 model ? "nvrig model, served" : "vfio-user", vendor, device);
	return 0;
}

extern const struct target_ops target_vfio_user;
const struct target_ops target_vfio_user = {
	.scheme = "vfio-user",
	.help = "vfio-user:SOCKET[?doorbells=auto|message|mapped][,mem=BYTES][,timeout=MS]"
		"[,clock=step|real][,engine=TEXT]: a controller that a server shows there: "
		"SPDK, QEMU, `nvrig serve`. mem is what is shared with it, in 2 MiB pieces; "
		"clock=real leaves time alone also where the server lets us step it",
	.open = vfio_user_open,
	.close = vfio_user_close,
	.caps = vfio_user_caps,
	.reg_read = vfio_user_reg_read,
	.reg_write = vfio_user_reg_write,
	.reg_mapped = vfio_user_reg_mapped,
	.dma_map = vfio_user_dma_map,
	.dma_unmap = vfio_user_dma_unmap,
	.irq_enable = vfio_user_irq_enable,
	.irq_wait = vfio_user_irq_wait,
	.wire_wait = vfio_user_wire_wait,
	.mem_read = vfio_user_mem_read,
	.mem_write = vfio_user_mem_write,
	.reset = vfio_user_reset,
	.session = &session,
	.cfg_read = vfio_user_cfg_read,
	.cfg_write = vfio_user_cfg_write,
	.now = vfio_user_now,
	.relax = vfio_user_relax,
};
