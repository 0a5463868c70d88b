// SPDX-License-Identifier: GPL-2.0-or-later
/* Sections of configs/drives, and the list of every section that there is. */
#include "rig/config.h"

static const struct config_key known_keys[] = {
	{ .name = "firmware",
	  .type = CONFIG_LIST,
	  .min = 1,
	  .max = 63,
	  .def = "{}",
	  .help = "patterns of the firmware revisions that have it; empty: all" },
	{ .name = "engine",
	  .type = CONFIG_LIST,
	  .min = 1,
	  .max = 63,
	  .def = "{}",
	  .help = "patterns of the engines that have it, for example QEMU 7.2*; empty: any" },
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

const struct config_section *const config_all[] = {
	&config_stack, &config_namespace, &config_part,
	&config_store, &config_drive,	  &config_known, &config_bench_drive,
	NULL,
};
