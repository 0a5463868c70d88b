// SPDX-License-Identifier: GPL-2.0-or-later
/* The model controller as a target, and the second controller of its subsystem as that one's peer.
 */
#include "target/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "model/model.h"
#include "spec/wire.h"
#include "target/model_beside.h"
#include "target/model_bus.h"
#include "target/model_options.h"

#define HOLE_ADDR      0x6000000000ull
#define HOLE_BYTES     0x1000000ull
#define REGIONS_MAX    16384u

#define CFG_COMMAND    0x04u
#define CFG_BAR0       0x10u
#define COMMAND_MEMORY 0x0002u
#define COMMAND_ON     0x0006u /* memory space, bus master */
#define MSIX_ID	       0x11u
#define MSIX_ENABLE    0x8000u
#define EXP_ID	       0x10u
#define EXP_DEVCTL     8u
#define DEVCTL_FLR     0x8000u

/* ---- memory ---- */

static int model_dma_map(struct target *t, struct dma *d)
{
	int err = bus_map(mine(t)->bus, d);

	if (err == -EINVAL)
		return target_fail(t, err, "dma_map: %zu bytes aligned to %zu", d->len, d->align);
	if (err)
		return target_fail(t, err, "no memory or no bus addresses for %zu bytes", d->len);
	return 0;
}

static void model_dma_unmap(struct target *t, struct dma *d)
{
	bus_unmap(mine(t)->bus, d);
}

/* ---- configuration space and reset ---- */

static int model_config_read(struct target *t, unsigned off, unsigned width, uint32_t *ret)
{
	return model_cfg_read(mine(t)->m, off, width, ret);
}

static void note_bar(struct model_target *mt)
{
	uint32_t low = 0, high = 0, command = 0;

	model_cfg_read(mt->m, CFG_BAR0, 32, &low);
	model_cfg_read(mt->m, CFG_BAR0 + 4, 32, &high);
	mt->bar->at = ((uint64_t)high << 32 | low) & ~0xfull;
	model_cfg_read(mt->m, CFG_COMMAND, 16, &command);
	mt->bar->decodes = command & COMMAND_MEMORY;
}

static int model_config_write(struct target *t, unsigned off, unsigned width, uint32_t value)
{
	int err = model_cfg_write(mine(t)->m, off, width, value);

	note_bar(mine(t));
	return err;
}

static unsigned find_cap(struct model_target *mt, uint8_t id)
{
	uint32_t at = 0, header = 0;

	model_cfg_read(mt->m, 0x34, 8, &at);
	for (unsigned hops = 0; at >= 0x40 && hops < 48; hops++) {
		model_cfg_read(mt->m, at & 0xfcu, 32, &header);
		if ((header & 0xff) == id)
			return at & 0xfcu;
		at = header >> 8 & 0xff;
	}
	return 0;
}

static uint64_t home_of(const struct model_target *mt)
{
	return BUS_BARS + (uint64_t)(mt->bar - mt->bus->bar) * BUS_BAR_ROOM;
}

static uint64_t home_of_bar(const struct model_target *mt, unsigned bar)
{
	return home_of(mt) + bar * BUS_BAR_ROOM / 8;
}

static void place_bar(struct model_target *mt, unsigned bar)
{
	uint64_t addr = home_of_bar(mt, bar);

	model_cfg_write(mt->m, CFG_BAR0 + 4 * bar, 32, (uint32_t)addr);
	model_cfg_write(mt->m, CFG_BAR0 + 4 * bar + 4, 32, (uint32_t)(addr >> 32));
}

/* What firmware and the PCI core do: BARs have addresses, memory and bus mastering are on. */
static void place(struct model_target *mt)
{
	place_bar(mt, 0);
	place_bar(mt, 2);
	place_bar(mt, 4);
	model_cfg_write(mt->m, CFG_COMMAND, 16, COMMAND_ON);
	note_bar(mt);
}

/* Both functions of the subsystem lose it. */
static int power_cycle(struct target *t)
{
	struct model_target *first = mine(mine(t)->first ? mine(t)->first : t);

	model_power_off(first->m);
	if (model_power_on(first->m))
		return target_fail(t, -EIO, "the model does not come up again");
	place(first);
	if (first->peer)
		place(mine(first->peer));
	return 0;
}

static int model_reset_device(struct target *t, enum reset_kind kind)
{
	struct model_target *mt = mine(t);
	unsigned exp = find_cap(mt, EXP_ID);
	uint32_t devctl;

	if (kind == RESET_POWER)
		return power_cycle(t);
	if (!exp) {
		return target_fail(t, -ENOTSUP, "no PCI Express capability, so no FLR");
	} else {
		model_cfg_read(mt->m, exp + EXP_DEVCTL, 16, &devctl);
		model_cfg_write(mt->m, exp + EXP_DEVCTL, 16, devctl | DEVCTL_FLR);
	}
	place(mt);
	return 0;
}

/* ---- registers ---- */

static int model_reg_read(struct target *t, uint64_t off, unsigned width, uint64_t *ret)
{
	return model_bar_read(mine(t)->m, off, width, ret);
}

static int model_reg_write(struct target *t, uint64_t off, unsigned width, uint64_t value)
{
	return model_bar_write(mine(t)->m, off, width, value);
}

static int model_target_mem_read(struct target *t, unsigned bar, uint64_t off, unsigned width,
				 uint64_t *ret)
{
	return model_mem_read(mine(t)->m, bar, off, width, ret);
}

static int model_target_mem_write(struct target *t, unsigned bar, uint64_t off, unsigned width,
				  uint64_t value)
{
	return model_mem_write(mine(t)->m, bar, off, width, value);
}

/* ---- interrupts ---- */

static uint64_t entry_at(struct model_target *mt, unsigned vector)
{
	uint32_t table = 0;

	model_cfg_read(mt->m, mt->msix + 4, 32, &table);
	return (table & ~7u) + 16ull * vector;
}

static int program_entry(struct model_target *mt, unsigned vector, bool on)
{
	uint64_t at = entry_at(mt, vector), token = mt->tokens.iova + 4ull * vector;
	int err = model_bar_write(mt->m, at, 32, (uint32_t)token);

	err = err ? err : model_bar_write(mt->m, at + 4, 32, (uint32_t)(token >> 32));
	err = err ? err : model_bar_write(mt->m, at + 8, 32, vector + 1);
	return err ? err : model_bar_write(mt->m, at + 12, 32, !on);
}

static int model_irq_enable(struct target *t, unsigned n)
{
	struct model_target *mt = mine(t);
	uint32_t control = 0;
	int err = 0;

	if (!mt->msix || n > mt->vectors)
		return target_fail(t, -EINVAL, "%u vectors asked for, there are %u", n,
				   mt->vectors);
	model_cfg_read(mt->m, mt->msix + 2, 16, &control);
	control &= ~MSIX_ENABLE;
	model_cfg_write(mt->m, mt->msix + 2, 16, control);
	for (unsigned i = 0; i < mt->vectors && !err; i++)
		err = program_entry(mt, i, i < n);
	if (err)
		return target_fail(t, err, "the MSI-X table cannot be written");
	if (n)
		model_cfg_write(mt->m, mt->msix + 2, 16, control | MSIX_ENABLE);
	memset(mt->tokens.va, 0, mt->tokens.len); /* also what was pending and came just now */
	return 0;
}

/* A look at VS, which nothing depends on, tells whether the device is still there. */
static int model_relax_for(struct target *t, uint64_t ns)
{
	uint64_t ignored;

	model_relax(mine(t)->m, ns);
	return model_bar_read(mine(t)->m, REG_VS, 32, &ignored) == -ENODEV ? -ENODEV : 0;
}

static int model_irq_wait(struct target *t, unsigned vector, uint64_t deadline_ns)
{
	struct model_target *mt = mine(t);
	uint8_t *token;
	int err;

	if (vector >= mt->vectors || !mt->have_tokens)
		return target_fail(t, -EINVAL, "vector %u of %u", vector, mt->vectors);
	token = (uint8_t *)mt->tokens.va + 4 * vector;
	for (;;) {
		if (le32_at(token)) {
			le32_put(token, 0);
			return 1;
		}
		if (model_now(mt->m) >= deadline_ns)
			return 0;
		err = model_relax_for(t, deadline_ns - model_now(mt->m));
		if (err)
			return err;
	}
}

static int model_wire_wait(struct target *t, bool active, uint64_t deadline_ns)
{
	struct model_target *mt = mine(t);
	int err;

	for (;;) {
		if (model_intx(mt->m) == active)
			return 1;
		if (model_now(mt->m) >= deadline_ns)
			return 0;
		err = model_relax_for(t, deadline_ns - model_now(mt->m));
		if (err)
			return err;
	}
}

/* ---- open and close ---- */

static void peer_close(struct target *peer)
{
	if (!peer)
		return;
	free(peer->priv);
	free(peer);
}

static void model_close(struct target *t)
{
	struct model_target *mt = mine(t);

	if (!mt)
		return;
	model_beside_close(mt);
	model_free(mt->m);
	peer_close(mt->peer);
	bus_close(mt->bus);
	free(mt->bus);
	free(mt);
	t->priv = NULL;
}

/* Finds what the function has and places it on the bus, of which mt->bar is its part. */
static int function_set_up(struct target *t)
{
	struct model_target *mt = mine(t);
	uint32_t control = 0;
	int err;

	mt->bar->m = mt->m;
	mt->bar->len = model_bar_size(mt->m);
	place(mt);
	mt->msix = find_cap(mt, MSIX_ID);
	if (mt->msix)
		model_cfg_read(mt->m, mt->msix + 2, 16, &control);
	mt->vectors = mt->msix ? (control & 0x7ff) + 1 : 0;
	mt->tokens.len = BUS_PAGE + 4ull * mt->vectors;
	err = model_dma_map(t, &mt->tokens);
	mt->have_tokens = !err;
	return err;
}

static int model_open(struct target *t, const char *address)
{
	struct model_target *mt = calloc(1, sizeof(*mt));
	struct bus *bus = calloc(1, sizeof(*bus));
	struct model_bus way = { .read = bus_read, .write = bus_write, .ctx = bus };
	int err;

	if (!mt || !bus) {
		free(mt);
		free(bus);
		return target_fail(t, -ENOMEM, "out of memory");
	}
	t->priv = mt;
	bus_open(bus);
	mt->bus = bus;
	mt->bar = &bus->bar[0];
	mt->m = model_new(&way);
	if (!mt->m)
		err = target_fail(t, -ENOMEM, "out of memory");
	else
		err = model_options_start(t, address, mt->m);
	if (!err)
		err = function_set_up(t);
	if (err)
		model_close(t);
	return err;
}

static int model_caps(struct target *t, struct target_caps *ret)
{
	struct model_target *mt = mine(t);

	*ret = (struct target_caps){
		.has = NEED_QUEUES | NEED_CONFIG | NEED_IRQ | NEED_HOLE | NEED_OWN_BAR |
		       NEED_MSIX_TABLE | NEED_RESTART | NEED_BARS | NEED_WIRE | NEED_CONTROL |
		       NEED_NODE | NEED_BARE_CONFIG | NEED_BACK | NEED_MMC,
		.emulated = true,
		.stepped = true,
		.vectors = mt->vectors,
		.bar_size = { mt->bar->len, 0, model_mem_size(mt->m, 2), 0,
			      model_mem_size(mt->m, 4) },
		.bar_addr = { home_of(mt), 0, home_of_bar(mt, 2), 0, home_of_bar(mt, 4) },
		.dma_bytes = 4ull << 30,
		.hole = HOLE_ADDR,
		.hole_bytes = HOLE_BYTES,
		.engine = "nvrig model",
	};
	if (model_peer(mt->m))
		ret->has |= model_has_secondary(mt->m) ? NEED_SECONDARY : NEED_PEER;
	return 0;
}

static int peer_open(struct target *t, struct target *peer)
{
	struct model_target *mt = mine(t), *second = calloc(1, sizeof(*second));
	int err;

	if (!second)
		return -ENOMEM;
	peer->ops = t->ops;
	peer->priv = second;
	second->m = model_peer(mt->m);
	second->bus = mt->bus;
	second->bar = &mt->bus->bar[1];
	second->first = t;
	err = function_set_up(peer);
	return err ? err : model_caps(peer, &peer->caps);
}

static int model_target_peer(struct target *t, struct target **ret)
{
	struct model_target *mt = mine(t);
	struct target *peer;
	int err;

	if (mt->first || !model_peer(mt->m))
		return target_fail(t, -ENOTSUP, "no second controller: option controllers=2");
	if (mt->peer) {
		*ret = mt->peer;
		return 0;
	}
	peer = calloc(1, sizeof(*peer));
	err = peer ? peer_open(t, peer) : -ENOMEM;
	if (err) {
		peer_close(peer);
		return target_fail(t, err, "the second controller cannot be reached");
	}
	*ret = mt->peer = peer;
	return 0;
}

static int model_target_control(struct target *t, const char *what)
{
	int err;

	err = model_beside_control(t, what);
	if (err == -ENOENT)
		err = model_control(mine(t)->m, what);
	return err ? target_fail(t, err, "'%.40s' cannot be asked of the model", what) : 0;
}

static uint64_t model_time(struct target *t)
{
	return model_now(mine(t)->m);
}

const struct target_ops target_model = {
	.scheme = "model",
	.help = "model:[KEY=VALUE,...]  the controller in the process. "
		"preset=full|minimal|oldspec|tiny|cmb|dbbuf|pi|multi|nsmgmt|ana|virtual|zns is "
		"another "
		"drive; what is "
		"given beside it outweighs it. Numbers and sizes: queues, mqes, cqr, mdts, mpsmax, "
		"dstrd, vectors, ns, nn, size, capacity, mnan, maxdna, maxcna, nabsn, nabo, "
		"sanicap, sanfail, "
		"controllers, "
		"private_ns, secondary, ana. Version: vs=1.0 to 2.0; claims that came later "
		"are dropped. Claims, as Identify Controller has them: oacs, oncs, fuses, vwc, "
		"lpa, ctratt, oaes, frmw, fwug, bps, kas, aerl, acl, elpe, npss, msl, sgls, wzsl, "
		"wusl. "
		"Features, 0 or 1: apsta, "
		"hmb, hctma, hbs, dae, iocss, hostid, nwpc, vendor, meta (formats with metadata), "
		"dlguard "
		"(DLFEAT bit 4). shapes=DATA[/META][x][a][tN][gN][sN]+... are the first "
		"namespaces: bytes of a block, metadata at its end (x), protection type, in the "
		"first bytes (a), guard bits, Storage Tag bits. Memory of its own: "
		"cmb (bytes), cmbuse (CMBSZ bits 4:0), cmbloc (CMBLOC bits 8:3), pmr (bytes). "
		"wrr=0|1: weighted round robin; intx=0|1: an interrupt pin. "
		"Zoned namespaces: zns (how many), "
		"zsze, zcap, mar, mor, zdes, zasl, append, ozcs, zro, zoff. "
		"node: bits of what the Linux block node beside it has: 1 discard, 2 a volatile "
		"cache, 4 atomic writes, 8 secure discard, 10h physical, 20h logical blocks of "
		"4096 bytes. "
		"emmc: likewise of the eMMC card beside it: 1 a cache, 2 the command queue, 4 "
		"sanitize, 8 boot partitions, 10h RPMB; 20h: it is an SD card. "
		"store=FILE keeps the media; "
		"fault=NAME+NAME bends it",
	.open = model_open,
	.close = model_close,
	.caps = model_caps,
	.reg_read = model_reg_read,
	.reg_write = model_reg_write,
	.dma_map = model_dma_map,
	.dma_unmap = model_dma_unmap,
	.irq_enable = model_irq_enable,
	.irq_wait = model_irq_wait,
	.mem_read = model_target_mem_read,
	.mem_write = model_target_mem_write,
	.wire_wait = model_wire_wait,
	.reset = model_reset_device,
	.peer = model_target_peer,
	.control = model_target_control,
	.node = &model_node_ops,
	.mmc = &model_card_ops,
	.back = model_beside_back,
	.cfg_read = model_config_read,
	.cfg_write = model_config_write,
	.now = model_time,
	.relax = model_relax_for,
};
