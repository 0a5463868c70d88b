// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The model controller as a target. Host memory is mapped anonymously and shown to the device at
 * bus addresses of the target's own, with nothing between two regions, so that an access past the
 * end of one meets a hole. Bus addresses in the device's BAR lead back to it, as on a bus.
 */
#include "target/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/endian.h"
#include "base/text.h"
#include "model/fault.h"
#include "model/model.h"
#include "spec/wire.h"

#define PAGE	       4096ull
#define IOVA_FIRST     0x100000000ull
#define IOVA_GAP       0x10000ull      /* between two regions */
#define IOVA_LAST      0x4000000000ull /* 40 bits and less: enough for any drive */
#define BAR_ADDR       0xe00000000ull  /* never reached by regions: see region_place */
#define HOLE_ADDR      0x6000000000ull
#define HOLE_BYTES     0x1000000ull
#define REGIONS_MAX    16384u
#define VECTORS_MAX    64u
#define RELAX_SLICE_NS 1000000ull
#define SPARES_MAX     16u
#define SPARE_LEN_MAX  0x10000u /* bytes; zeroing a larger one costs what new pages cost */

#define CFG_COMMAND    0x04u
#define CFG_BAR0       0x10u
#define COMMAND_MEMORY 0x0002u
#define COMMAND_ON     0x0006u /* memory space, bus master */
#define MSIX_ID	       0x11u
#define MSIX_ENABLE    0x8000u
#define EXP_ID	       0x10u
#define EXP_DEVCTL     8u
#define DEVCTL_FLR     0x8000u

struct region {
	uint64_t iova;
	size_t len;
	uint8_t *va;
};

/* Host memory of a region that is gone, kept for the next of its length: pages cost page faults. */
struct spare {
	size_t len;
	uint8_t *va;
};

struct model_target {
	struct model *m;
	struct spare spare[SPARES_MAX];
	unsigned spares;
	struct region *region; /* ascending bus addresses */
	unsigned nregions, room;
	unsigned last_hit;
	uint64_t next_iova;
	uint64_t bar, bar_bytes;
	bool decodes;	   /* memory space is enabled */
	unsigned msix;	   /* offset of the MSI-X capability; 0: none */
	unsigned vectors;  /* of its table */
	struct dma tokens; /* one dword a vector: what the device's messages write to */
	bool have_tokens;
};

static struct model_target *mine(struct target *t)
{
	return t->priv;
}

/* ---- the bus ---- */

static struct region *region_at(struct model_target *mt, uint64_t addr)
{
	unsigned low = 0, high = mt->nregions;

	if (mt->last_hit < mt->nregions &&
	    addr - mt->region[mt->last_hit].iova < mt->region[mt->last_hit].len)
		return &mt->region[mt->last_hit];
	while (low < high) {
		unsigned mid = (low + high) / 2;
		struct region *r = &mt->region[mid];

		if (addr < r->iova) {
			high = mid;
		} else if (addr - r->iova < r->len) {
			mt->last_hit = mid;
			return r;
		} else {
			low = mid + 1;
		}
	}
	return NULL;
}

/* Host memory behind [addr, addr + len), all in one region; NULL: nothing answers. */
static uint8_t *resolve(struct model_target *mt, uint64_t addr, size_t len)
{
	struct region *r = region_at(mt, addr);

	if (!r || len > r->len - (addr - r->iova))
		return NULL;
	return r->va + (addr - r->iova);
}

/* Where BAR0 stands now by configuration space; it decodes only where the whole access fits. */
static bool in_bar(const struct model_target *mt, uint64_t addr, size_t len)
{
	return mt->decodes && addr >= mt->bar && addr - mt->bar < mt->bar_bytes &&
	       len <= mt->bar_bytes - (addr - mt->bar);
}

static int bar_dma(struct model_target *mt, uint64_t off, uint8_t *bytes, size_t len, bool write)
{
	if (off % 4 || len % 4)
		return -EFAULT;
	for (size_t i = 0; i < len; i += 4) {
		uint64_t v = le32_at(bytes + i);
		int err = write ? model_bar_write(mt->m, off + i, 32, v)
				: model_bar_read(mt->m, off + i, 32, &v);

		if (err)
			return -EFAULT;
		if (!write)
			le32_put(bytes + i, (uint32_t)v);
	}
	return 0;
}

static int bus_read(void *ctx, uint64_t addr, void *to, size_t len)
{
	struct model_target *mt = ctx;
	uint8_t *from = resolve(mt, addr, len);

	if (from)
		memcpy(to, from, len);
	else if (in_bar(mt, addr, len))
		return bar_dma(mt, addr - mt->bar, to, len, false);
	return from ? 0 : -EFAULT;
}

static int bus_write(void *ctx, uint64_t addr, const void *from, size_t len)
{
	struct model_target *mt = ctx;
	uint8_t *to = resolve(mt, addr, len);

	if (to)
		memcpy(to, from, len);
	else if (in_bar(mt, addr, len))
		return bar_dma(mt, addr - mt->bar, (uint8_t *)from, len, true);
	return to ? 0 : -EFAULT;
}

/* ---- memory ---- */

static int region_add(struct model_target *mt, const struct region *r)
{
	if (mt->nregions == mt->room) {
		unsigned room = mt->room ? mt->room * 2 : 64;
		struct region *grown = realloc(mt->region, room * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		mt->region = grown;
		mt->room = room;
	}
	mt->region[mt->nregions++] = *r;
	return 0;
}

/* No bus address is handed out twice: a stale one meets a hole, not somebody else's memory. */
static uint64_t region_place(struct model_target *mt, size_t len, uint64_t align)
{
	uint64_t at = (mt->next_iova + align - 1) & ~(align - 1);

	if (at < BAR_ADDR + (1ull << 32) && at + len > BAR_ADDR)
		at = (BAR_ADDR + (1ull << 32) + align - 1) & ~(align - 1);
	return at + len > IOVA_LAST ? 0 : at;
}

/* Zeroed host memory, or MAP_FAILED. */
static uint8_t *host_memory(struct model_target *mt, size_t len)
{
	for (unsigned i = mt->spares; i--;) {
		uint8_t *va = mt->spare[i].va;

		if (mt->spare[i].len != len)
			continue;
		mt->spare[i] = mt->spare[--mt->spares];
		memset(va, 0, len);
		return va;
	}
	return mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void host_release(struct model_target *mt, uint8_t *va, size_t len)
{
	if (len <= SPARE_LEN_MAX && mt->spares < SPARES_MAX)
		mt->spare[mt->spares++] = (struct spare){ len, va };
	else
		munmap(va, len);
}

static int model_dma_map(struct target *t, struct dma *d)
{
	struct model_target *mt = mine(t);
	uint64_t align = d->align > PAGE ? d->align : PAGE;
	size_t len = (d->len + PAGE - 1) & ~(PAGE - 1);
	struct region r = { .len = len };

	if (!len || (align & (align - 1)))
		return target_fail(t, -EINVAL, "dma_map: %zu bytes aligned to %zu", d->len,
				   d->align);
	r.iova = region_place(mt, len, align);
	if (!r.iova || mt->nregions == REGIONS_MAX)
		return target_fail(t, -ENOMEM, "no bus addresses left for %zu bytes", len);
	r.va = host_memory(mt, len);
	if (r.va == MAP_FAILED)
		return target_fail(t, -ENOMEM, "no memory for %zu bytes", len);
	if (region_add(mt, &r)) {
		host_release(mt, r.va, len);
		return target_fail(t, -ENOMEM, "no memory for one more region");
	}
	mt->next_iova = r.iova + len + IOVA_GAP;
	d->len = len;
	d->va = r.va;
	d->iova = r.iova;
	return 0;
}

static void model_dma_unmap(struct target *t, struct dma *d)
{
	struct model_target *mt = mine(t);
	struct region *r = region_at(mt, d->iova);

	if (!r || r->iova != d->iova)
		return;
	host_release(mt, r->va, r->len);
	memmove(r, r + 1, (size_t)(mt->region + mt->nregions - (r + 1)) * sizeof(*r));
	mt->nregions--;
	mt->last_hit = 0;
	d->va = NULL;
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
	mt->bar = ((uint64_t)high << 32 | low) & ~0xfull;
	model_cfg_read(mt->m, CFG_COMMAND, 16, &command);
	mt->decodes = command & COMMAND_MEMORY;
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

/* What firmware and the PCI core do: the BAR has an address, memory and bus mastering are on. */
static void place(struct model_target *mt)
{
	model_cfg_write(mt->m, CFG_BAR0, 32, (uint32_t)BAR_ADDR);
	model_cfg_write(mt->m, CFG_BAR0 + 4, 32, (uint32_t)(BAR_ADDR >> 32));
	model_cfg_write(mt->m, CFG_COMMAND, 16, COMMAND_ON);
	note_bar(mt);
}

static int model_reset_device(struct target *t, enum reset_kind kind)
{
	struct model_target *mt = mine(t);
	unsigned exp = find_cap(mt, EXP_ID);
	uint32_t devctl;

	if (kind == RESET_POWER) {
		model_power_off(mt->m);
		if (model_power_on(mt->m))
			return target_fail(t, -EIO, "the model does not come up again");
	} else if (!exp) {
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

/* ---- open and close ---- */

static void model_close(struct target *t)
{
	struct model_target *mt = mine(t);

	if (!mt)
		return;
	model_free(mt->m);
	for (unsigned i = 0; i < mt->nregions; i++)
		munmap(mt->region[i].va, mt->region[i].len);
	for (unsigned i = 0; i < mt->spares; i++)
		munmap(mt->spare[i].va, mt->spare[i].len);
	free(mt->region);
	free(mt);
	t->priv = NULL;
}

static const char *nth_fault(const void *ctx, size_t i)
{
	(void)ctx;
	return i < FAULT_COUNT ? fault_all[i].name : NULL;
}

/* Names the first of the list that is no fault, and the one that was meant. */
static int no_such_fault(struct target *t, const char *list)
{
	char name[64];
	const char *near;

	for (; *list; list += strcspn(list, "+&"), list += *list != 0) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, "+&"), list);
		if (fault_find(name) < 0)
			break;
	}
	near = text_nearest(name, nth_fault, NULL);
	return target_fail(t, -EINVAL, "no fault '%s'%s%s%s (`nvrig faults` names them all)", name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const char *nth_preset(const void *ctx, size_t i)
{
	(void)ctx;
	return model_preset_name(i);
}

static int no_such_preset(struct target *t, const char *name)
{
	const char *near = text_nearest(name, nth_preset, NULL);
	char all[128] = "";

	for (size_t i = 0, used = 0; model_preset_name(i) && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 model_preset_name(i));
	return target_fail(t, -EINVAL, "no preset '%.40s'%s%s%s (there are %s)", name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", all);
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct target *t = ctx;
	int err = model_option(mine(t)->m, key, value);

	if (err == -EINVAL && !strcmp(key, "fault"))
		return no_such_fault(t, value);
	if (err == -EINVAL && !strcmp(key, "preset"))
		return no_such_preset(t, value);
	if (err == -EEXIST)
		return target_fail(t, -EINVAL, "a second preset, '%.40s': give one", value);
	return err;
}

static int set_up(struct target *t)
{
	struct model_target *mt = mine(t);
	uint32_t control = 0;
	char why[160];
	int err = model_settle(mt->m, why, sizeof(why));

	if (err)
		return target_fail(t, err, "%s", why);
	err = model_power_on(mt->m);
	if (err)
		return target_fail(t, err,
				   err == -EIO ? "the store cannot be opened" : "out of memory");
	mt->bar_bytes = model_bar_size(mt->m);
	place(mt);
	mt->msix = find_cap(mt, MSIX_ID);
	if (mt->msix)
		model_cfg_read(mt->m, mt->msix + 2, 16, &control);
	mt->vectors = mt->msix ? (control & 0x7ff) + 1 : 0;
	mt->tokens.len = PAGE + 4ull * mt->vectors;
	err = model_dma_map(t, &mt->tokens);
	mt->have_tokens = !err;
	return err;
}

static int model_open(struct target *t, const char *address)
{
	struct model_target *mt = calloc(1, sizeof(*mt));
	struct model_bus bus = { bus_read, bus_write, mt };
	int err;

	if (!mt)
		return target_fail(t, -ENOMEM, "out of memory");
	t->priv = mt;
	mt->next_iova = IOVA_FIRST;
	mt->m = model_new(&bus);
	if (!mt->m)
		err = target_fail(t, -ENOMEM, "out of memory");
	else
		err = target_options(t, address, model_option_keys, set_option, t);
	if (!err)
		err = set_up(t);
	if (err)
		model_close(t);
	return err;
}

static int model_caps(struct target *t, struct target_caps *ret)
{
	struct model_target *mt = mine(t);

	*ret = (struct target_caps){
		.has = NEED_QUEUES | NEED_CONFIG | NEED_IRQ | NEED_HOLE | NEED_OWN_BAR |
		       NEED_MSIX_TABLE | NEED_RESTART,
		.emulated = true,
		.vectors = mt->vectors,
		.bar_size = { mt->bar_bytes },
		.bar_addr = { BAR_ADDR },
		.dma_bytes = 4ull << 30,
		.hole = HOLE_ADDR,
		.hole_bytes = HOLE_BYTES,
		.engine = "nvrig model",
	};
	return 0;
}

static uint64_t model_time(struct target *t)
{
	return model_now(mine(t)->m);
}

const struct target_ops target_model = {
	.scheme = "model",
	.help = "model:[KEY=VALUE,...]  the controller in the process. "
		"preset=full|minimal|oldspec|tiny|dbbuf|pi is another drive; what is given "
		"beside it outweighs it. Numbers and sizes: queues, mqes, cqr, mdts, mpsmax, "
		"dstrd, vectors, ns, nn, size. Version: vs=1.0 to 2.0; claims that came later "
		"are dropped. Claims, as Identify Controller has them: oacs, oncs, fuses, vwc, "
		"lpa, ctratt, oaes, frmw, fwug, bps, kas, aerl, acl, elpe, npss, sgls, wzsl, wusl. "
		"Features, 0 or 1: apsta, "
		"hmb, hctma, hbs, iocss, hostid, nwpc, vendor, meta (formats with metadata), "
		"dlguard "
		"(DLFEAT bit 4). shapes=DATA[/META][x][a][tN][gN][sN]+... are the first "
		"namespaces: bytes of a block, metadata at its end (x), protection type, in the "
		"first bytes (a), guard bits, Storage Tag bits. store=FILE keeps the media; "
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
	.reset = model_reset_device,
	.cfg_read = model_config_read,
	.cfg_write = model_config_write,
	.now = model_time,
	.relax = model_relax_for,
};
