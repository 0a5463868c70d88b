// SPDX-License-Identifier: GPL-2.0-or-later
/* Every section that a configuration file may hold, and every key in it. */
#include "rig/config.h"

#include "base/clock.h"
#include "stack/stack.h"

#define FIELD(struct_, member) (sizeof(((struct struct_ *)NULL)->member) - 1)
#define MIB		       (1024ull * 1024)

static const struct config_key namespace_keys[] = {
	{ .name = "options",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_namespace, options),
	  .def = "",
	  .help = "options of -device nvme-ns beyond drive, bus and nsid" },
	{ .name = NULL },
};

const struct config_section config_namespace = {
	.name = "namespace",
	.title = "its NSID",
	.keys = namespace_keys,
	.help = "a namespace of the controller, with a store of its own",
};

static const struct config_key stack_keys[] = {
	{ .name = "about",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_config, about),
	  .def = "",
	  .help = "one line on what it is for" },
	{ .name = "kind",
	  .type = CONFIG_CHOICE,
	  .unit = "qemu-qtest",
	  .def = NULL,
	  .help = "what brings it up" },
	{ .name = "binary",
	  .type = CONFIG_TEXT,
	  .min = 1,
	  .max = FIELD(stack_config, binary),
	  .def = "qemu-system-x86_64",
	  .help = "program, looked for in PATH unless it has a slash" },
	{ .name = "accel",
	  .type = CONFIG_CHOICE,
	  .unit = "tcg kvm",
	  .def = "tcg",
	  .help = "QEMU accelerator; the processor sleeps, so tcg is as good and runs everywhere" },
	{ .name = "memory",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .min = 16 * MIB,
	  .max = 1024 * MIB,
	  .def = "64Mi",
	  .help = "shared memory for queues and buffers" },
	{ .name = "disk",
	  .type = CONFIG_NUMBER,
	  .unit = "bytes",
	  .min = MIB,
	  .max = 1ull << 44,
	  .def = "256Mi",
	  .help = "size of each namespace's store, a sparse file" },
	{ .name = "keep-disk",
	  .type = CONFIG_BOOL,
	  .def = "no",
	  .help = "the stores stay when the stack goes down, and are used again" },
	{ .name = "cache",
	  .type = CONFIG_CHOICE,
	  .unit = "writeback none unsafe",
	  .def = "writeback",
	  .help = "host cache: used, bypassed, or used with flushes ignored" },
	{ .name = "address",
	  .type = CONFIG_TEXT,
	  .min = 2,
	  .max = FIELD(stack_config, addr),
	  .def = "05.0",
	  .help = "PCI device and function on bus 0, hexadecimal" },
	{ .name = "device",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_config, device),
	  .def = "",
	  .help = "options of -device nvme beyond id and addr" },
	{ .name = "subsystem",
	  .type = CONFIG_BOOL,
	  .def = "no",
	  .help = "the controller is one of an NVM subsystem of its own (-device nvme-subsys)" },
	{ .name = "subsystem-options",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_config, subsystem_options),
	  .def = "",
	  .help = "options of -device nvme-subsys beyond id" },
	{ .name = "peer",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_config, peer),
	  .def = "",
	  .help = "options of the subsystem's second controller, which the rig does not drive; "
		  "empty: none" },
	{ .name = "extra",
	  .type = CONFIG_TEXT,
	  .max = FIELD(stack_config, extra),
	  .def = "",
	  .help = "more arguments for the program, separated by blanks" },
	{ .name = "start",
	  .type = CONFIG_DURATION,
	  .min = NS_PER_S,
	  .max = 3600 * NS_PER_S,
	  .def = "20s",
	  .help = "how long it may take until it answers, in whole seconds" },
	{ .name = NULL },
};

const struct config_section config_stack = {
	.name = "stack",
	.title = "its name, also the file's",
	.keys = stack_keys,
	.sections = (const struct config_section *const[]){ &config_namespace, NULL },
	.help = "a path from a command to the place where its bytes come to rest",
};

static const struct config_key known_keys[] = {
	{ .name = "firmware",
	  .type = CONFIG_PATTERN,
	  .min = 1,
	  .max = 63,
	  .def = "*",
	  .help = "firmware revisions that have it" },
	{ .name = "engine",
	  .type = CONFIG_PATTERN,
	  .min = 1,
	  .max = 63,
	  .def = "*",
	  .help = "engines that have it, for example QEMU 7.2*" },
	{ .name = "reason",
	  .type = CONFIG_TEXT,
	  .min = 1,
	  .max = 1023,
	  .def = NULL,
	  .help = "what the drive does and why that is known" },
	{ .name = "ref",
	  .type = CONFIG_TEXT,
	  .max = 255,
	  .def = "",
	  .help = "ticket, finding or erratum" },
	{ .name = "until",
	  .type = CONFIG_DATE,
	  .def = "",
	  .help = "the last day on which the entry counts" },
	{ .name = NULL },
};

const struct config_section config_known = {
	.name = "known",
	.title = "case name, pattern allowed, without [row] every row; then, after a colon and a "
		 "blank, a pattern over what goes wrong, as the run says it: without one whatever "
		 "it is, but the engine's end. A case is KNOWN when all that went wrong with it is",
	.keys = known_keys,
	.help = "a deviation that is known: its FAIL is shown as KNOWN",
};

static const struct config_key drive_keys[] = {
	{ .name = "model",
	  .type = CONFIG_PATTERN,
	  .min = 1,
	  .max = 63,
	  .def = NULL,
	  .help = "model numbers of Identify Controller, without trailing blanks" },
	{ .name = "firmware",
	  .type = CONFIG_PATTERN,
	  .min = 1,
	  .max = 63,
	  .def = "*",
	  .help = "firmware revisions the profile is for" },
	{ .name = "pci",
	  .type = CONFIG_LIST,
	  .max = 15,
	  .def = "{}",
	  .help = "patterns of vendor:device, four hexadecimal digits each; empty: any" },
	{ .name = NULL },
};

const struct config_section config_drive = {
	.name = "drive",
	.title = "the profile's name",
	.keys = drive_keys,
	.sections = (const struct config_section *const[]){ &config_known, NULL },
	.help = "a drive family: how to know it and what is known of it",
};

const struct config_section *const config_all[] = { &config_stack, &config_namespace, &config_drive,
						    &config_known, NULL };
