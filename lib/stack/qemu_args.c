// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/qemu_args.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

void qemu_add(struct qemu_args *a, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	if (a->n + 1 >= QEMU_ARGS_MAX) {
		a->err = -E2BIG;
		return;
	}
	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0) {
		s = NULL;
		a->err = -ENOMEM;
	}
	va_end(ap);
	if (s)
		a->v[a->n++] = s;
}

char *qemu_escape(const char *path)
{
	char *to = malloc(2 * strlen(path) + 1), *p = to;

	for (; to && *path; path++) {
		if (*path == ',')
			*p++ = ',';
		*p++ = *path;
	}
	if (to)
		*p = 0;
	return to;
}

/* A rule of blkdebug names one sector, for one kind of I/O. */
static void add_bad(struct qemu_args *a, const struct stack_config *cfg, unsigned nsid)
{
	static const char *const kinds[] = { "read", "write" };
	_cleanup_free_ char *rules = NULL;
	unsigned rule = 0;
	size_t size;
	FILE *f = open_memstream(&rules, &size);

	for (uint64_t at = 0; f && at < cfg->back.bad_bytes; at += STACK_BAD_UNIT)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++, rule++)
			fprintf(f,
				",inject-error.%u.event=none,inject-error.%u.iotype=%s,"
				"inject-error.%u.errno=5,inject-error.%u.sector=%llu",
				rule, rule, kinds[k], rule, rule,
				(unsigned long long)((cfg->back.bad_at + at) / STACK_BAD_UNIT));
	if (!f || fclose(f)) {
		a->err = -ENOMEM;
		return;
	}
	qemu_add(a, "-blockdev");
	qemu_add(a, "driver=blkdebug,node-name=b%u,image=f%u%s", nsid, nsid, rules);
}

void qemu_add_disk(struct qemu_args *a, const struct stack_config *cfg, unsigned i,
		   const char *path)
{
	const struct stack_namespace *ns = &cfg->ns[i];
	_cleanup_free_ char *file = qemu_escape(path);
	const char *direct = strcmp(cfg->cache, "none") ? "off" : "on";
	const char *noflush = strcmp(cfg->cache, "unsafe") ? "off" : "on";

	if (!file) {
		a->err = -ENOMEM;
		return;
	}
	qemu_add(a, "-blockdev");
	qemu_add(a,
		 "driver=file,node-name=f%u,filename=%s,discard=unmap,cache.direct=%s,"
		 "cache.no-flush=%s",
		 ns->nsid, file, direct, noflush);
	if (cfg->back.bad_bytes)
		add_bad(a, cfg, ns->nsid);
	qemu_add(a, "-blockdev");
	qemu_add(
		a,
		"driver=%s,node-name=d%u,file=%c%u,discard=unmap,cache.direct=%s,cache.no-flush=%s",
		cfg->format[0] ? cfg->format : "raw", ns->nsid,
		cfg->back.bad_bytes ? 'b' : 'f', ns->nsid, direct, noflush);
}

/* A disk each, from the address on. */
static void add_virtio(struct qemu_args *a, const struct stack_config *cfg)
{
	unsigned long slot = strtoul(cfg->addr, NULL, 16);

	for (unsigned i = 0; i < cfg->n_ns; i++) {
		const struct stack_namespace *ns = &cfg->ns[i];

		qemu_add(a, "-device");
		qemu_add(a, "virtio-blk-pci,id=v%u,drive=d%u,addr=%lx%s%s", ns->nsid, ns->nsid,
			 slot + i, ns->options[0] ? "," : "", ns->options);
	}
}

static void add_card(struct qemu_args *a, const struct stack_config *cfg)
{
	qemu_add(a, "-device");
	qemu_add(a, "sdhci-pci,id=h0,addr=%s%s%s", cfg->addr, cfg->device[0] ? "," : "",
		 cfg->device);
	for (unsigned i = 0; i < cfg->n_ns; i++) {
		const struct stack_namespace *ns = &cfg->ns[i];

		qemu_add(a, "-device");
		qemu_add(a, "%s,id=c%u,drive=d%u,bus=sd-bus%s%s", cfg->front, ns->nsid, ns->nsid,
			 ns->options[0] ? "," : "", ns->options);
	}
}

char *qemu_hotplug_device(const struct stack_config *cfg)
{
	const struct stack_namespace *ns = &cfg->ns[0];
	char *s;

	return asprintf(&s, "nvme,id=" QEMU_HOTPLUG_ID ",bus=rp0,drive=d%u%s%s%s%s", ns->nsid,
			cfg->device[0] ? "," : "", cfg->device, ns->options[0] ? "," : "",
			ns->options) < 0
		       ? NULL
		       : s;
}

/* In a slot of its own, from which it can be taken: bus 0 of q35 lets nothing go. */
static void add_hotplug(struct qemu_args *a, const struct stack_config *cfg, bool bare)
{
	_cleanup_free_ char *device = qemu_hotplug_device(cfg);

	qemu_add(a, "-device");
	qemu_add(a, "pcie-root-port,id=rp0,chassis=1,slot=1,addr=%s", cfg->addr);
	if (!bare) {
		qemu_add(a, "-device");
		qemu_add(a, "%s", device ? device : "");
	}
	if (!device)
		a->err = -ENOMEM;
}

void qemu_add_devices(struct qemu_args *a, const struct stack_config *cfg, bool bare)
{
	if (cfg->hotplug) {
		add_hotplug(a, cfg, bare);
		return;
	}
	if (!strcmp(cfg->front, STACK_SD_CARD) || !strcmp(cfg->front, STACK_EMMC)) {
		add_card(a, cfg);
		return;
	}
	if (!strcmp(cfg->front, STACK_VIRTIO_BLK)) {
		add_virtio(a, cfg);
		return;
	}
	if (cfg->subsystem) {
		qemu_add(a, "-device");
		qemu_add(a, "nvme-subsys,id=s0%s%s", cfg->subsystem_options[0] ? "," : "",
			 cfg->subsystem_options);
	}
	qemu_add(a, "-device");
	qemu_add(a, "nvme,id=n0,addr=%s%s%s%s", cfg->addr, cfg->subsystem ? ",subsys=s0" : "",
		 cfg->device[0] ? "," : "", cfg->device);
	if (cfg->peer[0]) { /* before the namespaces, which attach to every controller there is */
		qemu_add(a, "-device");
		qemu_add(a, "nvme,id=n1,subsys=s0,%s", cfg->peer);
	}
	for (unsigned i = 0; i < cfg->n_ns; i++) {
		const struct stack_namespace *ns = &cfg->ns[i];

		qemu_add(a, "-device");
		qemu_add(a, "nvme-ns,drive=d%u,bus=n0,nsid=%u%s%s", ns->nsid, ns->nsid,
			 ns->options[0] ? "," : "", ns->options);
	}
}

void qemu_add_extra(struct qemu_args *a, const char *extra)
{
	_cleanup_free_ char *copy = strdup(extra);
	char *save = NULL;

	if (!copy)
		a->err = -ENOMEM;
	for (char *w = copy ? strtok_r(copy, " \t\n", &save) : NULL; w;
	     w = strtok_r(NULL, " \t\n", &save))
		qemu_add(a, "%s", w);
}

char **qemu_args_take(struct qemu_args *a)
{
	char **argv = a->err ? NULL : calloc(a->n + 1, sizeof(*argv));

	if (argv)
		memcpy(argv, a->v, a->n * sizeof(*argv));
	else
		while (a->n)
			free(a->v[--a->n]);
	return argv;
}

void qemu_free(char **argv)
{
	for (char **p = argv; p && *p; p++)
		free(*p);
	free(argv);
}
