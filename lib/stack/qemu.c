// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/qemu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/capture.h"
#include "stack/qemu_args.h"

#define VERSION_MS 10000
#define HELP_MS	   3000
#define HELP_BYTES 65536u

/* ---- which QEMU ---- */

int qemu_parse_version(const char *text, struct qemu_version *ret)
{
	const char *at = strstr(text, "version ");
	struct qemu_version v = { 0 };

	if (strncmp(text, "QEMU ", 5) || !at ||
	    sscanf(at + 8, "%u.%u.%u", &v.major, &v.minor, &v.micro) < 2)
		return -EPROTO;
	*ret = v;
	return 0;
}

int qemu_find(const char *binary, char *ret_path, size_t size, struct qemu_version *ret_version,
	      char *error)
{
	char text[256], *argv[] = { ret_path, (char[]){ "--version" }, NULL };
	struct qemu_version v;
	int err = capture_find(binary, ret_path, size);

	if (err) {
		snprintf(error, 512, "%s is not installed; on Debian: apt-get install %s", binary,
			 QEMU_PACKAGE);
		return err;
	}
	err = capture(argv, VERSION_MS, text, sizeof(text));
	if (err || qemu_parse_version(text, &v)) {
		text[strcspn(text, "\n")] = 0;
		snprintf(error, 512, "%s --version says '%.200s'%s: not a QEMU that works",
			 ret_path, text, err == -ETIMEDOUT ? " and does not end" : "");
		return err == -ETIMEDOUT ? err : -EPROTO;
	}
	if (v.major < QEMU_MIN_MAJOR || (v.major == QEMU_MIN_MAJOR && v.minor < QEMU_MIN_MINOR)) {
		snprintf(error, 512, "%s is QEMU %u.%u.%u, too old: %u.%u or later is needed",
			 ret_path, v.major, v.minor, v.micro, QEMU_MIN_MAJOR, QEMU_MIN_MINOR);
		return -ENOTSUP;
	}
	*ret_version = v;
	return 0;
}

/* ---- what it offers ---- */

/* "  zoned=<bool>  - ..." or, from newer ones, "  zoned=<bool>": is there such a line? */
static bool has_property(const char *help, const char *key, size_t n)
{
	for (const char *line = help; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n ");
		if (!strncmp(line, key, n) && line[n] == '=')
			return true;
	}
	return false;
}

/*
 * 1 with the list of properties; 0: no answer that would settle anything, so starting it will
 * tell; -ENOTSUP: there is no such device.
 */
static int ask_device(const char *program, const char *device, char *help, char *error)
{
	char name[40], path[256], *argv[] = { path,
					      (char[]){ "-machine" },
					      (char[]){ "none" },
					      (char[]){ "-device" },
					      name,
					      NULL };
	int err;

	snprintf(path, sizeof(path), "%s", program);
	snprintf(name, sizeof(name), "%s,help", device);
	err = capture(argv, HELP_MS, help, HELP_BYTES);
	if (!err && strstr(help, "=<"))
		return 1;
	if ((err && err != -EIO) || !strstr(help, "' not found")) /* 7.2 says it with status 0 */
		return 0;
	snprintf(error, 512, "%s has no device %s", program, device);
	return -ENOTSUP;
}

/* Every key of a list key=value,key=value,... must be a property; ",," is a comma of a value. */
static int offers(const char *program, const char *device, const char *options, char *error)
{
	_cleanup_free_ char *help = malloc(HELP_BYTES);
	int err = help ? ask_device(program, device, help, error) : 0;

	if (err <= 0)
		return err;
	err = 0;
	for (const char *at = options; !err && *at;) {
		size_t n = strcspn(at, "=,");

		if (!has_property(help, at, n)) {
			snprintf(error, 512, "%s: device %s has no property '%.*s'", program,
				 device, (int)n, at);
			err = -ENOTSUP;
		}
		for (at += strcspn(at, ","); at[0] == ',' && at[1] == ',';)
			at += 2 + strcspn(at + 2, ",");
		at += *at == ',';
	}
	return err;
}

int qemu_offers(const char *program, const struct stack_config *cfg, char *error)
{
	bool virtio = !strcmp(cfg->front, STACK_VIRTIO_BLK);
	bool card = !strcmp(cfg->front, STACK_SD_CARD) || !strcmp(cfg->front, STACK_EMMC);
	const char *disk = virtio	? "virtio-blk-pci"
			   : card	? cfg->front
			   : cfg->hotplug ? "nvme"
					: "nvme-ns";
	int err = virtio ? 0 : offers(program, card ? "sdhci-pci" : "nvme", cfg->device, error);

	if (!err && cfg->subsystem)
		err = offers(program, "nvme-subsys", cfg->subsystem_options, error);
	if (!err && cfg->subsystem)
		err = offers(program, "nvme", "subsys=", error);
	if (!err && cfg->peer[0])
		err = offers(program, "nvme", cfg->peer, error);
	for (unsigned i = 0; !err && i < cfg->n_ns; i++)
		err = offers(program, disk, cfg->ns[i].options, error);
	return err;
}

int qemu_has_device(const char *program, const char *device, char *error)
{
	return offers(program, device, "", error);
}

/* ---- its arguments ---- */

static void add_machine(struct qemu_args *a, const struct stack_config *cfg,
			const struct qemu_files *f)
{
	static const char *const fixed[] = { "-nodefaults", "-no-user-config", "-display", "none" };

	qemu_add(a, "%s", f->program);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		qemu_add(a, "%s", fixed[i]);
	qemu_add(a, "-machine");
	qemu_add(a, "q35,memory-backend=m0");
	qemu_add(a, "-accel");
	qemu_add(a, "%s", cfg->accel);
	qemu_add(a, "-m");
	qemu_add(a, "%lluk", (unsigned long long)cfg->memory_bytes >> 10);
	qemu_add(a, "-bios");
	qemu_add(a, "%s", f->bios);
	qemu_add(a, "-object");
	qemu_add(a, "memory-backend-file,id=m0,size=%lluk,mem-path=%s,share=on",
		 (unsigned long long)cfg->memory_bytes >> 10, f->ram);
}

char **qemu_argv(const struct stack_config *cfg, const struct qemu_files *f)
{
	_cleanup_free_ char *socket = qemu_escape(f->socket);
	struct qemu_args a = { .err = socket ? 0 : -ENOMEM };

	add_machine(&a, cfg, f);
	for (unsigned i = 0; i < cfg->n_ns; i++)
		qemu_add_disk(&a, cfg, i, f->disk[i]);
	qemu_add_devices(&a, cfg, false);
	qemu_add(&a, "-qtest");
	qemu_add(&a, "unix:%s,server=on,wait=off", socket ? socket : "");
	qemu_add(&a, "-qtest-log");
	qemu_add(&a, "/dev/null");
	qemu_add_extra(&a, cfg->extra);
	return qemu_args_take(&a);
}
