// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections of configs/stores, and the parts that stacks have too. */
#include "rig/config.h"

#include "base/clock.h"
#include "rig/store.h"

#define FIELD(struct_, member) (sizeof(((struct struct_ *)NULL)->member) - 1)

static const struct config_key part_keys[] = {
	{ .name = "up",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_part, up),
	  .def = "",
	  .help = "command of the guest's shell that brings it up; one of a store finds in $RIG_BELOW the "
		  "node of the store that it lies on, and in $RIG_NODE its own" },
	{ .name = "life",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_part, life),
	  .def = "",
	  .help = "its sign of life: a path in the guest, or a pattern of paths, that is there then; a block device has a size" },
	{ .name = "size",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .max = 1ull << 50,
	  .def = "0",
	  .help = "the size of that block device; 0: any" },
	{ .name = "within",
	  .type = CONFIG_DURATION,
	  .min = NS_PER_MS,
	  .max = 3600 * NS_PER_S,
	  .def = "10s",
	  .help = "how long it may take until it lives, and to come down" },
	{ .name = "down",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_part, down),
	  .def = "",
	  .help = "command that takes it down; runs in reverse order, also when a part did not come "
		  "up" },
	{ .name = NULL },
};

const struct config_section config_part = {
	.name = "part",
	.title = "its name",
	.keys = part_keys,
	.help = "something in a guest that is brought up before the run, in the order of the file",
};

static const struct config_key store_keys[] = {
	{ .name = "about",
	  .type = CONFIG_TEXT,
	  .max = FIELD(store, about),
	  .def = "",
	  .help = "one line on what it is for" },
	{ .name = "kind",
	  .type = CONFIG_CHOICE,
	  .unit = STORE_NODE " " STORE_FILE,
	  .def = STORE_NODE,
	  .help = "a node that parts make in the guest, or the files that QEMU shows as disks" },
	{ .name = "on",
	  .type = CONFIG_TEXT,
	  .max = FIELD(store, on),
	  .def = "",
	  .help = "the store that it lies on unless one is named: loop+lvm; empty: it lies on none" },
	{ .name = "node",
	  .type = CONFIG_TEXT,
	  .max = FIELD(store, node),
	  .def = "",
	  .help = "of kind node: the block device that its parts make" },
	{ .name = "size",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .max = 1ull << 50,
	  .def = "0",
	  .help = "the size of that node; 0: any" },
	{ .name = "memory",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .max = 1ull << 36,
	  .def = "0",
	  .help = "of kind node: what the guest has for it beyond the stack's own memory" },
	{ .name = "keeps-data",
	  .type = CONFIG_BOOL,
	  .def = "yes",
	  .help = "what was written can be read back" },
	{ .name = "format",
	  .type = CONFIG_CHOICE,
	  .unit = "raw qcow2",
	  .def = "raw",
	  .help = "of kind file: their format" },
	{ .name = "modules",
	  .type = CONFIG_LIST,
	  .min = 1,
	  .max = FIELD(stack_words, word[0]),
	  .def = "{}",
	  .help = "kernel modules that the guest loads for it" },
	{ .name = "programs",
	  .type = CONFIG_LIST,
	  .min = 1,
	  .max = FIELD(stack_words, word[0]),
	  .def = "{}",
	  .help = "programs that the guest must have for it" },
	{ .name = NULL },
};

const struct config_section config_store = {
	.name = "store",
	.title = "its name, also the file's",
	.keys = store_keys,
	.sections = (const struct config_section *const[]){ &config_part, NULL },
	.help = "a place where the bytes of a stack come to rest, or a layer over one",
};
