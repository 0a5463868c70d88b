// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * qtest: a controller inside somebody's QEMU that runs no guest. Registers and configuration
 * space by text lines, queues and buffers in the memory that both map, MSI-X messages as words
 * that appear in that memory (no interrupt controller has a part in it).
 *
 * One process after another uses the same QEMU, and the one before may have been killed at any
 * point: so opening takes bus mastering away first and disables what still runs.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "spec/wire.h"
#include "target/qtest_options.h"
#include "target/qtest_pci.h"
#include "target/qtest_ram.h"
#include "target/qtest_vf.h"
#include "target/qtest_wire.h"
#include "target/target.h"

#define HOLE_AT	     0x40000000ull /* above small RAM, below everything that Q35 puts under 4 GiB */
#define HOLE_BYTES   0x40000000ull
#define FLR_NS	     (100 * NS_PER_MS) /* PCI Express: what a function may take */
#define QUIET_NS     (2 * NS_PER_S)
#define EAGER_NS     (100 * NS_PER_US) /* how long after the last write to yield rather than sleep */
#define SLEEP_MIN_NS (5 * NS_PER_US)
#define SLEEP_MAX_NS (200 * NS_PER_US)
#define PCI_LINES    0xff0000ull /* Q35: its PIRQs are inputs 23:16 of the I/O APIC */
#define STEP_NS	     NS_PER_MS	 /* of the device's clock at a time: its storage works in ours */

/* The QEMU: the way to it, its memory, its time. */
struct machine {
	struct qtest_options o;
	struct wire wire;
	struct ram ram;
	uint64_t touched_ns; /* last register write */
	uint64_t looked_ns;  /* when the other side was last seen alive */
	uint64_t clock_ns;   /* clock=step: the device's time */
	int slack_ns;	     /* timer slack to go back to */
	bool sees_lines;     /* QEMU tells what the I/O APIC's inputs do */
};

/* One function in it. The first has the machine and the other function, and ends both. */
struct qtest {
	struct machine *m;
	struct pci pci;
	uint64_t words;	     /* bus address of one dword a vector */
	struct target *peer; /* NULL: not asked for yet */
	unsigned sriov;	     /* offset of the capability; 0: no virtual functions */
	bool second;
};

static struct qtest *priv(struct target *t)
{
	return t->priv;
}

static int wire_trouble(struct target *t, int err)
{
	struct wire *w = &priv(t)->m->wire;

	return target_fail(t, err, "%s", w->error[0] ? w->error : strerror(-err));
}

/* Takes CC.EN away and waits until the controller has let go; 0 also when it was not enabled. */
static int disable(struct qtest *q)
{
	const struct timespec pause = { .tv_nsec = 50 * NS_PER_US };
	unsigned long long bar = q->pci.bar_addr[0];
	uint64_t cc, csts, deadline = clock_mono_ns() + QUIET_NS;
	int err = wire_ask(&q->m->wire, &cc, "readl 0x%llx", bar + REG_CC);

	if (err || !(cc & CC_EN) || cc == 0xffffffff)
		return err;
	err = wire_post(&q->m->wire, "writel 0x%llx 0x%llx", bar + REG_CC,
			(unsigned long long)(cc & ~(uint64_t)CC_EN));
	while (!err) {
		err = wire_ask(&q->m->wire, &csts, "readl 0x%llx", bar + REG_CSTS);
		if (err || !(csts & CSTS_RDY))
			return err;
		if (clock_mono_ns() > deadline)
			return -EBUSY;
		if (q->m->o.step)
			err = wire_post(&q->m->wire, "clock_step %llu", NS_PER_MS);
		nanosleep(&pause, NULL);
	}
	return err;
}

/* What a predecessor left running is stopped before it can write into memory that is ours now. */
static int take_over(struct qtest *q)
{
	int err = disable(q);

	if (err == -EBUSY) {
		err = qtest_pci_flr(&q->pci);
		if (!err)
			err = qtest_pci_open(&q->pci, &q->m->wire, q->pci.bdf, q->second);
	}
	return err ? err : qtest_pci_set_command(&q->pci, PCI_MSE | PCI_BME);
}

/* A word put in through our mapping must be there for the device, or it is not its memory. */
static int prove_memory(struct target *t)
{
	struct qtest *q = priv(t);
	uint64_t got, want = 0x6e76726967000000ull ^ clock_mono_ns();
	int err;

	memcpy(ram_at(&q->m->ram, RAM_FIRST), &want, sizeof(want));
	err = wire_ask(&q->m->wire, &got, "readq 0x%x", RAM_FIRST);
	if (err)
		return wire_trouble(t, err);
	if (got != want)
		return target_fail(t, -EINVAL,
				   "mem=%s is not the memory of the QEMU at that socket",
				   q->m->o.mem);
	return 0;
}

static int open_memory(struct target *t)
{
	struct qtest *q = priv(t);
	int err = ram_open(&q->m->ram, q->m->o.mem, q->m->o.size);

	if (err == -EINVAL)
		return target_fail(t, err,
				   "mem=%s: needs a file of at least 2 MiB and size=, in pages",
				   q->m->o.mem);
	if (err)
		return target_fail(t, err, "mem=%s: %s", q->m->o.mem, strerror(-err));
	if (q->m->ram.size > HOLE_AT)
		return target_fail(t, -EINVAL, "mem=%s: at most 1 GiB of memory", q->m->o.mem);
	return prove_memory(t);
}

/* Its virtual functions are for the case that enables them: none is enabled as yet. */
static int find_vfs(struct qtest *q)
{
	int err = qtest_vf_find(&q->pci, &q->sriov);

	return err || !q->sriov ? err : qtest_vf_disable(&q->pci, q->sriov);
}

static int open_function(struct target *t, int err)
{
	struct qtest *q = priv(t);

	if (!err && q->pci.vectors)
		q->words = ram_alloc(&q->m->ram, 4ul * q->pci.vectors, 0);
	if (!err && q->pci.vectors && !q->words)
		err = -ENOMEM;
	if (!err)
		err = take_over(q);
	return err ? wire_trouble(t, err) : 0;
}

static int open_device(struct target *t, unsigned bdf)
{
	struct qtest *q = priv(t);
	int err = qtest_pci_open(&q->pci, &q->m->wire, bdf, q->second);

	if (err == -ENODEV && !q->m->wire.broken)
		return target_fail(t, err, "no controller at PCI 00:%02x.%u (%s=)", bdf >> 3,
				   bdf & 7, q->second ? "peer" : "addr");
	if (!err && !q->second)
		err = find_vfs(q);
	return open_function(t, err);
}

static int open_vf(struct target *t, struct qtest *pf)
{
	struct qtest *q = priv(t);
	int err = qtest_vf_open(&q->pci, &pf->pci, pf->sriov);

	if (err == -ENODEV && !q->m->wire.broken)
		return target_fail(t, err, "the first virtual function is not enabled");
	return open_function(t, err);
}

static int open_machine(struct target *t, const char *address)
{
	struct machine *m = priv(t)->m;
	char *socket = NULL;
	int err = qtest_options_parse(t, address, &m->o, &socket);

	if (!err) {
		err = wire_open(&m->wire, socket, m->o.timeout_ms * NS_PER_MS);
		if (err)
			wire_trouble(t, err);
	}
	free(socket);
	if (!err)
		err = open_memory(t);
	if (!err && m->o.step) {
		err = wire_ask(&m->wire, &m->clock_ns, "clock_step 0");
		if (err)
			wire_trouble(t, err);
	}
	return err;
}

static void release(struct target *t)
{
	struct qtest *q = priv(t);

	if (q->peer)
		free(q->peer->priv);
	free(q->peer);
	wire_close(&q->m->wire);
	ram_close(&q->m->ram);
	free(q->m);
	free(q);
	t->priv = NULL;
}

static int qtest_open(struct target *t, const char *address)
{
	struct qtest *q = calloc(1, sizeof(*q));
	struct machine *m = calloc(1, sizeof(*m));
	int err;

	if (!q || !m) {
		free(q);
		free(m);
		return -ENOMEM;
	}
	t->priv = q;
	q->m = m;
	m->wire.fd = -1;
	err = open_machine(t, address);
	if (!err)
		err = open_device(t, m->o.bdf);
	if (err) {
		release(t);
		return err;
	}
	/* The default slack of 50 us is longer than most commands take. */
	m->slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	return 0;
}

/* Whatever fails here, bus mastering goes before the memory does. */
static void quiet(struct qtest *q)
{
	uint32_t command;

	if (qtest_pci_read(&q->pci, PCI_COMMAND, 16, &command))
		return;
	if (command & PCI_MSE)
		disable(q);
	qtest_pci_set_command(&q->pci, command & ~PCI_BME);
	wire_flush(&q->m->wire);
}

static void qtest_close(struct target *t)
{
	struct qtest *q = priv(t);

	if (q->peer)
		quiet(priv(q->peer));
	quiet(q);
	if (q->m->slack_ns > 0)
		prctl(PR_SET_TIMERSLACK, q->m->slack_ns, 0, 0, 0);
	release(t);
}

static int qtest_caps(struct target *t, struct target_caps *ret)
{
	struct qtest *q = priv(t);
	uint16_t vendor = q->pci.id & 0xffff, device = q->pci.id >> 16;
	bool qemu =
		(vendor == 0x1b36 && device == 0x0010) || (vendor == 0x8086 && device == 0x5845);

	ret->has =
		NEED_QUEUES | NEED_CONFIG | NEED_BARE_CONFIG | NEED_HOLE | NEED_OWN_BAR | NEED_BARS;
	if (q->pci.ecam) /* a Q35 */
		ret->has |= NEED_WIRE;
	if (q->pci.vectors)
		ret->has |= NEED_IRQ | NEED_MSIX_TABLE;
	if (q->m->o.peer && !q->second)
		ret->has |= NEED_PEER;
	else if (q->sriov)
		ret->has |= NEED_SECONDARY;
	ret->emulated = qemu; /* a drive lent to the QEMU by vfio-pci is real */
	ret->stepped = q->m->o.step;
	ret->vectors = q->pci.vectors;
	memcpy(ret->bar_size, q->pci.bar_size, sizeof(ret->bar_size));
	memcpy(ret->bar_addr, q->pci.bar_addr, sizeof(ret->bar_addr));
	ret->dma_bytes = q->m->ram.size - RAM_FIRST;
	ret->hole = HOLE_AT;
	ret->hole_bytes = HOLE_BYTES;
	if (q->m->o.engine[0])
		snprintf(ret->engine, sizeof(ret->engine), "%s", q->m->o.engine);
	else
		snprintf(ret->engine, sizeof(ret->engine), "%s %04x:%04x",
			 qemu ? "QEMU nvme" : "PCI", vendor, device);
	return 0;
}

static int peer_open(struct target *t, struct target *peer)
{
	struct qtest *q = calloc(1, sizeof(*q));
	int err;

	if (!q)
		return -ENOMEM;
	peer->ops = t->ops;
	peer->priv = q;
	q->m = priv(t)->m;
	q->second = true;
	err = q->m->o.peer ? open_device(peer, q->m->o.peer) : open_vf(peer, priv(t));
	return err ? err : qtest_caps(peer, &peer->caps);
}

static int qtest_peer(struct target *t, struct target **ret)
{
	struct qtest *q = priv(t);
	struct target *peer;
	int err;

	if (q->second || (!q->m->o.peer && !q->sriov))
		return target_fail(t, -ENOTSUP, "no second controller: option peer=06.0");
	if (!q->peer) {
		peer = calloc(1, sizeof(*peer));
		err = peer ? peer_open(t, peer) : -ENOMEM;
		if (err) {
			target_fail(t, err, "%s", peer ? peer->error : "out of memory");
			free(peer ? peer->priv : NULL);
			free(peer);
			return err;
		}
		q->peer = peer;
	}
	*ret = q->peer;
	return 0;
}

/* "readl" and its like, or NULL for a width that has none. */
static const char *verb(bool write, unsigned width)
{
	switch (width) {
	case 8:
		return write ? "writeb" : "readb";
	case 16:
		return write ? "writew" : "readw";
	case 32:
		return write ? "writel" : "readl";
	case 64:
		return write ? "writeq" : "readq";
	default:
		return NULL;
	}
}

static int check_access(struct target *t, unsigned bar, uint64_t off, unsigned width)
{
	uint64_t size = bar < 6 ? priv(t)->pci.bar_size[bar] : 0;

	if (!verb(false, width))
		return target_fail(t, -EINVAL, "no access of %u bits", width);
	if (off >= size || width / 8 > size - off)
		return target_fail(t, -ERANGE, "%llxh is past the %llxh bytes of BAR %u",
				   (unsigned long long)off, (unsigned long long)size, bar);
	return 0;
}

static int qtest_mem_read(struct target *t, unsigned bar, uint64_t off, unsigned width,
			  uint64_t *ret)
{
	struct qtest *q = priv(t);
	int err = check_access(t, bar, off, width);

	if (err)
		return err;
	err = wire_ask(&q->m->wire, ret, "%s 0x%llx", verb(false, width),
		       (unsigned long long)(q->pci.bar_addr[bar] + off));
	return err ? wire_trouble(t, err) : 0;
}

static int qtest_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	return qtest_mem_read(t, 0, off, width, ret);
}

static int qtest_mem_write(struct target *t, unsigned bar, uint64_t off, unsigned width,
			   uint64_t value)
{
	struct qtest *q = priv(t);
	int err = check_access(t, bar, off, width);

	if (err)
		return err;
	if (width < 64)
		value &= (1ull << width) - 1;
	q->m->touched_ns = clock_mono_ns();
	err = wire_post(&q->m->wire, "%s 0x%llx 0x%llx", verb(true, width),
			(unsigned long long)(q->pci.bar_addr[bar] + off),
			(unsigned long long)value);
	return err ? wire_trouble(t, err) : 0;
}

static int qtest_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	return qtest_mem_write(t, 0, off, width, value);
}

static int qtest_dma_map(struct target *t, struct dma *d)
{
	struct qtest *q = priv(t);
	uint64_t addr = ram_alloc(&q->m->ram, d->len, d->align);

	if (!addr)
		return target_fail(t, -ENOMEM, "no room for %zu bytes in %zu of shared memory",
				   d->len, q->m->ram.size);
	d->iova = addr;
	d->va = ram_at(&q->m->ram, addr);
	return 0;
}

static void qtest_dma_unmap(struct target *t, struct dma *d)
{
	ram_free(&priv(t)->m->ram, d->iova);
}

static uint32_t *word_of(struct qtest *q, unsigned vector)
{
	return (uint32_t *)ram_at(&q->m->ram, q->words) + vector;
}

static int qtest_irq_enable(struct target *t, unsigned n)
{
	struct qtest *q = priv(t);
	int err = qtest_pci_msix(&q->pci, n, q->words);

	if (err == -ERANGE || err == -ENOTSUP)
		return target_fail(t, err, "%u MSI-X vectors asked for, %u there", n,
				   q->pci.vectors);
	if (err)
		return wire_trouble(t, err);
	/* After enabling: what was pending while masked has been sent by now, and is to be
	 * forgotten. */
	if (q->words)
		memset(word_of(q, 0), 0, 4ul * q->pci.vectors);
	return 0;
}

static int qtest_relax(struct target *t, uint64_t ns);
static uint64_t qtest_now(struct target *t);

static int qtest_irq_wait(struct target *t, unsigned vector, uint64_t deadline_ns)
{
	struct qtest *q = priv(t);

	if (vector >= q->pci.vectors)
		return target_fail(t, -ERANGE, "no MSI-X vector %u", vector);
	for (;;) {
		uint64_t now = qtest_now(t);
		uint32_t token = __atomic_exchange_n(word_of(q, vector), 0, __ATOMIC_ACQ_REL);
		int err;

		if (token == vector + 1)
			return 1;
		if (token)
			return target_fail(t, -EPROTO, "MSI-X vector %u sent %08xh, want %08xh",
					   vector, token, vector + 1);
		if (now >= deadline_ns)
			return 0;
		err = qtest_relax(t, deadline_ns - now);
		if (err)
			return err;
	}
}

/* From then on every change is told; the function off the wire and on again tells its level. */
static int see_lines(struct target *t)
{
	struct qtest *q = priv(t);
	uint32_t command;
	int err = wire_ask(&q->m->wire, NULL, "irq_intercept_in ioapic");

	if (!err)
		err = qtest_pci_read(&q->pci, PCI_COMMAND, 16, &command);
	if (!err)
		err = qtest_pci_set_command(&q->pci, command | PCI_INTX_OFF);
	if (!err)
		err = qtest_pci_set_command(&q->pci, command);
	if (!err)
		err = wire_flush(&q->m->wire);
	q->m->sees_lines = !err;
	return err ? wire_trouble(t, err) : 0;
}

static int qtest_wire_wait(struct target *t, bool active, uint64_t deadline_ns)
{
	struct qtest *q = priv(t);
	int err = q->m->sees_lines ? 0 : see_lines(t);

	while (!err) {
		uint64_t now = qtest_now(t), id;

		/* any answer will do: what is told of the lines comes before it */
		err = wire_ask(&q->m->wire, &id, "readl 0x%llx",
			       (unsigned long long)(q->pci.bar_addr[0] + REG_VS));
		if (err)
			return wire_trouble(t, err);
		if (!!(q->m->wire.lines & PCI_LINES) == active)
			return 1;
		if (now >= deadline_ns)
			return 0;
		err = qtest_relax(t, deadline_ns - now);
	}
	return err;
}

static int pause_for(struct target *t, uint64_t ns)
{
	uint64_t end = qtest_now(t) + ns;
	int err = 0;

	while (!err && qtest_now(t) < end)
		err = qtest_relax(t, end - qtest_now(t));
	return err;
}

static int qtest_reset(struct target *t, enum reset_kind kind)
{
	struct qtest *q = priv(t);
	int err;

	if (kind != RESET_FLR)
		return target_fail(t, -ENOTSUP, "qtest has no way to take power away");
	err = qtest_pci_flr(&q->pci);
	if (err == -ENOTSUP)
		return target_fail(t, err, "the function claims no Function Level Reset");
	if (!err)
		err = pause_for(t, FLR_NS);
	if (!err)
		err = qtest_pci_place_again(&q->pci);
	if (!err)
		err = qtest_pci_set_command(&q->pci, PCI_MSE | PCI_BME);
	return err ? wire_trouble(t, err) : 0;
}

static int qtest_cfg_read(struct target *t, unsigned off, unsigned width, uint32_t *ret)
{
	int err = qtest_pci_read(&priv(t)->pci, off, width, ret);

	return err == -EINVAL || err == -ERANGE ? err : err ? wire_trouble(t, err) : 0;
}

static int qtest_cfg_write(struct target *t, unsigned off, unsigned width, uint32_t value)
{
	struct qtest *q = priv(t);
	int err = qtest_pci_write(&q->pci, off, width, value);

	if (err == -EINVAL || err == -ERANGE)
		return err;
	if (!err)
		err = wire_flush(&q->m->wire);
	return err ? wire_trouble(t, err) : 0;
}

static uint64_t qtest_now(struct target *t)
{
	struct qtest *q = priv(t);

	return q->m->o.step ? q->m->clock_ns : clock_mono_ns();
}

static int step_clock(struct target *t, uint64_t ns)
{
	struct qtest *q = priv(t);
	uint64_t now;
	int err = wire_ask(&q->m->wire, &now, "clock_step %llu",
			   (unsigned long long)(ns < STEP_NS ? ns : STEP_NS));

	if (err)
		return wire_trouble(t, err);
	q->m->clock_ns = now > q->m->clock_ns ? now : q->m->clock_ns;
	return 0;
}

static int look_at_peer(struct target *t, uint64_t now)
{
	struct qtest *q = priv(t);
	int err;

	if (now - q->m->looked_ns < NS_PER_MS)
		return 0;
	q->m->looked_ns = now;
	err = wire_peer(&q->m->wire);
	return err ? wire_trouble(t, err) : 0;
}

/*
 * QEMU needs the processor that we would spin on. Soon after a doorbell an answer is due at any
 * moment, so only yield; later sleep an eighth of what was waited already, which keeps the
 * overshoot small whatever the device's pace.
 */
static int qtest_relax(struct target *t, uint64_t ns)
{
	struct qtest *q = priv(t);
	uint64_t now = clock_mono_ns(), waited = now - q->m->touched_ns, sleep = waited / 8;
	struct timespec pause = { 0 };

	if (q->m->o.step)
		return step_clock(t, ns);
	if (!ns)
		return look_at_peer(t, now);
	if (waited < EAGER_NS) {
		sched_yield();
		return look_at_peer(t, now);
	}
	sleep = sleep < SLEEP_MIN_NS ? SLEEP_MIN_NS : sleep > SLEEP_MAX_NS ? SLEEP_MAX_NS : sleep;
	pause.tv_nsec = (long)(sleep < ns ? sleep : ns);
	nanosleep(&pause, NULL);
	return look_at_peer(t, now);
}

extern const struct target_ops target_qtest;
const struct target_ops target_qtest = {
	.scheme = "qtest",
	.help = "qtest:SOCKET?mem=FILE[,size=BYTES][,addr=05.0][,peer=06.0][,timeout=MS][,clock="
		"real|step]"
		"[,engine=TEXT]: a controller in a QEMU without a guest; FILE is its shared "
		"memory, "
		"peer another controller of the same subsystem",
	.open = qtest_open,
	.close = qtest_close,
	.caps = qtest_caps,
	.reg_read = qtest_reg_read,
	.reg_write = qtest_reg_write,
	.dma_map = qtest_dma_map,
	.dma_unmap = qtest_dma_unmap,
	.irq_enable = qtest_irq_enable,
	.irq_wait = qtest_irq_wait,
	.mem_read = qtest_mem_read,
	.mem_write = qtest_mem_write,
	.wire_wait = qtest_wire_wait,
	.reset = qtest_reset,
	.peer = qtest_peer,
	.cfg_read = qtest_cfg_read,
	.cfg_write = qtest_cfg_write,
	.now = qtest_now,
	.relax = qtest_relax,
};
