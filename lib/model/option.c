// SPDX-License-Identifier: GPL-2.0-or-later
/* The options of `model:`. What they say of one another is for preset.c and claim.c to judge. */
#include "model/option.h"

#include <errno.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "model/media.h"
#include "model/zns.h"

#define QUEUES_MAX 64u

/* X(name, least, most, default): each an unsigned of struct model_opt with the same name. */
#define NUMBERS(X)                                                                                 \
	X(mqes, 1, 65535, 1023)                                                                    \
	X(cqr, 0, 1, 1)                                                                            \
	X(mdts, 0, 15, 7)                                                                          \
	X(mpsmax, 0, 8, 4)                                                                         \
	X(dstrd, 0, 8, 0)                                                                          \
	X(kas, 0, 65535, 0)                                                                        \
	X(vectors, 2, 2048, 9)                                                                     \
	X(controllers, 1, CONTROLLERS_MAX, 1)                                                      \
	X(secondary, 0, 1, 0)                                                                      \
	X(ana, 0, 1, 0)                                                                            \
	X(rescap, 0, 255, 255)                                                                     \
	X(private_ns, 0, 32, 0)                                                                    \
	X(ns, 1, 32, 2)                                                                            \
	X(nn, 1, MEDIA_NS_MAX, 0)                                                                  \
	X(nabsn, 0, 65535, 0)                                                                      \
	X(nabo, 0, 65535, 0)                                                                       \
	X(dae, 0, 1, 1)                                                                            \
	X(sanicap, 0, 0xffffffff, 0x40000007)                                                      \
	X(sanfail, 0, 0x1c, 0)                                                                     \
	X(mnan, 0, MEDIA_NS_MAX, 0)                                                                \
	X(maxdna, 0, 2 * MEDIA_NS_MAX, 0)                                                          \
	X(maxcna, 0, MEDIA_NS_MAX, 0)                                                              \
	X(aerl, 0, 255, 3)                                                                         \
	X(acl, 0, 255, 3)                                                                          \
	X(elpe, 0, LOG_ELPE_MAX, 63)                                                               \
	X(npss, 0, POWER_STATES - 1, 2)                                                            \
	X(oacs, 0, 0xffff, 0x037f)                                                                 \
	X(oncs, 0, 0xffff, 0x01df)                                                                 \
	X(oaes, 0, 0xffffffff, 0x2f00)                                                             \
	X(frmw, 2, 0x1f, 0x17)                                                                     \
	X(fwug, 0, 255, 1)                                                                         \
	X(bps, 0, 1, 1)                                                                            \
	X(fuses, 0, 1, 1)                                                                          \
	X(vwc, 0, 0xff, 0x07)                                                                      \
	X(lpa, 0, 0xff, 0x3e)                                                                      \
	X(ctratt, 0, 0xffffffff, 0x8291)                                                           \
	X(apsta, 0, 1, 1)                                                                          \
	X(hmb, 0, 1, 1)                                                                            \
	X(hctma, 0, 1, 1)                                                                          \
	X(hbs, 0, 1, 1)                                                                            \
	X(hostid, 0, 1, 1)                                                                         \
	X(nwpc, 0, 1, 1)                                                                           \
	X(iocss, 0, 1, 1)                                                                          \
	X(msl, 0, 64, 8)                                                                           \
	X(sgls, 0, 0xffffffff, 0x00050001)                                                         \
	X(wzsl, 0, 15, 0)                                                                          \
	X(wusl, 0, 15, 0)                                                                          \
	X(fna, 0, 15, 4)                                                                           \
	X(meta, 0, 1, 1)                                                                           \
	X(dlguard, 0, 1, 0)                                                                        \
	X(cmb, 0, 0x10000000, 0xfe000)                                                             \
	X(cmbuse, 0, 0x1f, 0x1f)                                                                   \
	X(cmbloc, 0, 0x1f8, 0)                                                                     \
	X(pmr, 0, 0x10000000, 0x10000)                                                             \
	X(wrr, 0, 1, 1)                                                                            \
	X(intx, 0, 1, 1)                                                                           \
	X(vendor, 0, 1, 1)                                                                         \
	X(zns, 0, ZNS_NS_MAX, 0)                                                                   \
	X(zsze, 8, 1u << 20, 384)                                                                  \
	X(zcap, 8, 1u << 20, 320)                                                                  \
	X(mar, 0, 1024, 6)                                                                         \
	X(mor, 0, 1024, 4)                                                                         \
	X(zdes, 0, 255, 1)                                                                         \
	X(zasl, 0, 15, 4)                                                                          \
	X(append, 0, 1, 1)                                                                         \
	X(ozcs, 0, 1, 0)                                                                           \
	X(zro, 0, 1, 1)                                                                            \
	X(zoff, 0, 1, 1)                                                                           \
	X(node, 0, 0x3f, 0x1f)                                                                     \
	X(emmc, 0, 0x3ff, 0x1f)

static const struct number {
	const char *key;
	uint64_t min, max;
	unsigned def;
	size_t offset;
} numbers[] = {
#define X(name, min, max, def) { #name, min, max, def, offsetof(struct model_opt, name) },
	NUMBERS(X)
#undef X
};

const char *const model_option_keys[] = { "preset",
					  "fault",
					  "queues",
					  "size",
					  "capacity",
					  "vs",
					  "store",
					  "shapes",
#define X(name, min, max, def) #name,
					  NUMBERS(X)
#undef X
						  NULL };

static int number_in(const char *value, uint64_t min, uint64_t max, uint64_t *ret)
{
	if (text_number(value, ret) || *ret < min || *ret > max)
		return -EINVAL;
	return 0;
}

static int set_number(struct model_opt *opt, const struct number *o, const char *value)
{
	uint64_t n;

	if (number_in(value, o->min, o->max, &n))
		return -EINVAL;
	*(unsigned *)((char *)opt + o->offset) = (unsigned)n;
	return 0;
}

static int set_version(struct model_opt *opt, const char *value)
{
	static const char *const published[] = { "1.0", "1.1", "1.2", "1.3", "1.4", "2.0" };

	for (size_t i = 0; i < ARRAY_SIZE(published); i++) {
		if (strcmp(value, published[i]))
			continue;
		opt->vs = VS((uint32_t)(value[0] - '0'), (uint32_t)(value[2] - '0'), 0);
		return 0;
	}
	return -EINVAL;
}

static int set_text(char *to, size_t size, const char *value)
{
	if (strlen(value) >= size)
		return -EINVAL;
	memset(to, 0, size);
	strcpy(to, value);
	return 0;
}

static int set_queues(struct model_opt *opt, const char *value)
{
	uint64_t n;

	if (number_in(value, 1, QUEUES_MAX, &n))
		return -EINVAL;
	opt->nsq = opt->ncq = (unsigned)n;
	return 0;
}

int option_set(struct model_opt *opt, const char *key, const char *value)
{
	if (!strcmp(key, "vs"))
		return set_version(opt, value);
	if (!strcmp(key, "store"))
		return set_text(opt->store, sizeof(opt->store), value);
	if (!strcmp(key, "shapes"))
		return set_text(opt->shapes, sizeof(opt->shapes), value);
	if (!strcmp(key, "queues"))
		return set_queues(opt, value);
	if (!strcmp(key, "size"))
		return number_in(value, SIZE_MIN, 1ull << 40, &opt->ns_bytes);
	if (!strcmp(key, "capacity"))
		return number_in(value, 0, 1ull << 40, &opt->capacity);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(key, numbers[i].key))
			return set_number(opt, &numbers[i], value);
	return -ENOENT;
}

void option_defaults(struct model_opt *opt)
{
	*opt = (struct model_opt){
		.nsq = 8,
		.ncq = 8,
		.ns_bytes = 64ull << 20,
		.vs = VS(2, 0, 0),
	};
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*(unsigned *)((char *)opt + numbers[i].offset) = numbers[i].def;
}

_Static_assert(ARRAY_SIZE(model_option_keys) <= OPTION_KEYS_MAX, "struct model has no room");

/* Where the key stands among all of them; it is one. */
static unsigned key_index(const char *key)
{
	unsigned i = 0;

	while (model_option_keys[i] && strcmp(key, model_option_keys[i]))
		i++;
	return i;
}

bool option_given(const struct model *m, const char *key)
{
	return m->given[key_index(key)];
}

static int set_faults(struct model *m, const char *list)
{
	while (*list) {
		char name[64];
		size_t n = strcspn(list, "+&");
		int i;

		if (n >= sizeof(name))
			return -EINVAL;
		memcpy(name, list, n);
		name[n] = 0;
		i = fault_find(name);
		if (i < 0)
			return -EINVAL;
		m->fault[i] = true;
		m->bent |= !strcmp(fault_all[i].where, "bend");
		list += n + (list[n] != 0);
	}
	return 0;
}

int model_option(struct model *m, const char *key, const char *value)
{
	int err;

	if (!strcmp(key, "fault"))
		return set_faults(m, value);
	if (!strcmp(key, "preset"))
		return preset_apply(m, value);
	err = option_set(&m->opt, key, value);
	if (!err)
		m->given[key_index(key)] = true;
	return err;
}
