// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Presets: named option sets, each another drive. An option beside it has the last word, unless it
 * takes away what the preset is by its name.
 */
#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "model/option.h"

static const struct model_preset {
	const char *name;
	const char *fixed;   /* what makes it what it is */
	const char *options; /* what goes with it */
} presets[] = {
	/* All that the model has, and the model without a preset. */
	{ "full", "", "" },
	/* What Base 2.0 makes mandatory of an I/O controller, and no more. */
	{ "minimal", "oacs=0,oncs=0,vwc=4",
	  "lpa=0x22,ctratt=0,sanicap=0,dae=0,meta=0,ns=1,nn=1,npss=0,apsta=0,hmb=0,hctma=0,hbs=0,"
	  "iocss=0,hostid=0,nwpc=0,vendor=0,sgls=0,cmb=0,pmr=0,wrr=0,intx=0,node=0,emmc=0" },
	{ "oldspec", "vs=1.3",
	  "kas=10,cqr=0,bps=0,ns=4,size=16Mi,shapes=512+4096+512/16xt1a+4096/64t2a" },
	/* The least of everything that is counted. */
	{ "tiny", "mqes=1,queues=1",
	  "mdts=1,mpsmax=0,vectors=2,ns=1,nn=1,mnan=1,size=1Mi,aerl=0,acl=0,elpe=0,npss=0,"
	  "oacs=0x108,oncs=0x1d5,wzsl=1,wusl=1,sgls=2,kas=10,node=0x27,emmc=0x20" },
	/* A Controller Memory Buffer that claims more than its BAR holds and is for some uses
	 * alone, with the restrictions on mixing lifted; queues may be in pieces, and not there. */
	{ "cmb", "cmb=0x10000,cmbuse=0xd,cmbloc=0xe8", "pmr=0x4000,cqr=0" },
	/* Doorbell Buffer Config where its layout counts: a wide stride and many queues; and
	 * transfers of 8 MiB, which no other preset takes. */
	{ "dbbuf", "oacs=0x100", "dstrd=2,queues=16,vectors=17,mdts=11,sgls=1" },
	/* Metadata of every layout, protection information of every type and guard, a namespace
	 * without, where the rest is at home. */
	{ "pi", "meta=1",
	  "size=4Mi,dlguard=1,fna=8,ns=14,shapes=512/8xt1+4096/16t3+512/64+512+512/16t2+4096/64xt2+"
	  "512/8t1+512/64x+4096/16xg32s16t1+4096/16g64t1+4096/64g64s48t2+512/8s16t2+4096/"
	  "16xg64s18t3+512/8" },
	/* Two controllers of one subsystem: namespaces of both, and one of each alone. */
	{ "multi", "controllers=2", "ns=4,private_ns=2,oncs=0x1ff" },
	/* Namespaces to make: more than a Changed Namespace List tells, few of them attached; and
	 * a Sanitize that deallocates always and cannot overwrite. */
	{ "nsmgmt", "oacs=0x8", "nn=1100,maxcna=4,nabsn=15,nabo=3,sanicap=0xa0000006,sanfail=8" },
	/* Asymmetric access: two groups, each with a namespace of both controllers, and with some
	 * that one controller alone has. */
	{ "ana", "ana=1", "controllers=2,ns=6,private_ns=4,mnan=8,oncs=0x1ff" },
	/* A primary controller, and its secondary one that can be driven once it is online. Not in
	 * full, which is one controller alone: CMIC. */
	{ "virtual", "secondary=1", "controllers=2,oacs=0x19c" },
	/* Two zoned namespaces beside a plain one. */
	{ "zns", "zns=2", "ns=1" },
};

const char *model_preset_name(size_t i)
{
	return i < ARRAY_SIZE(presets) ? presets[i].name : NULL;
}

/* The next "key=value" of a list; false at its end. */
static bool next_pair(const char **list, char key[16], char value[160])
{
	int used = 0;

	if (sscanf(*list, "%15[^=]=%159[^,]%n", key, value, &used) != 2)
		return false;
	*list += used + ((*list)[used] == ',');
	return true;
}

static int apply(struct model *m, const char *list)
{
	char key[16], value[160];
	int err = 0;

	while (!err && next_pair(&list, key, value))
		if (!option_given(m, key))
			err = option_set(&m->opt, key, value);
	return err;
}

int preset_apply(struct model *m, const char *name)
{
	int err;

	if (m->preset)
		return -EEXIST;
	for (size_t i = 0; i < ARRAY_SIZE(presets) && !m->preset; i++)
		if (!strcmp(name, presets[i].name))
			m->preset = &presets[i];
	if (!m->preset)
		return -EINVAL;
	err = apply(m, m->preset->fixed);
	return err ? err : apply(m, m->preset->options);
}

const char *preset_name(const struct model *m)
{
	return m->preset ? m->preset->name : "full";
}

int preset_check(const struct model *m, char *why, size_t len)
{
	const char *list = m->preset ? m->preset->fixed : "";
	char key[16], value[160];

	while (next_pair(&list, key, value)) {
		struct model_opt would;

		memcpy(&would, &m->opt, sizeof(would)); /* padding as well: it is compared */
		option_set(&would, key, value);
		if (!memcmp(&would, &m->opt, sizeof(would)))
			continue;
		if (option_given(m, key))
			snprintf(why, len, "preset=%s is %s=%s: the option %s contradicts it",
				 m->preset->name, key, value, key);
		else /* fabrics_settle() took it away */
			snprintf(why, len,
				 "preset=%s is %s=%s, which is of PCIe alone: it does not go "
				 "behind a message-based transport",
				 m->preset->name, key, value);
		return -EINVAL;
	}
	return 0;
}
