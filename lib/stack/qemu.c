// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/qemu.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/capture.h"

#define ARGS_MAX   256
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
	if (!err)
		return strstr(help, "=<") != NULL;
	if (err != -EIO || !strstr(help, "not found"))
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
	int err = offers(program, "nvme", cfg->device, error);

	if (!err && cfg->subsystem)
		err = offers(program, "nvme-subsys", cfg->subsystem_options, error);
	if (!err && cfg->subsystem)
		err = offers(program, "nvme", "subsys=", error);
	if (!err && cfg->peer[0])
		err = offers(program, "nvme", cfg->peer, error);
	for (unsigned i = 0; !err && i < cfg->n_ns; i++)
		err = offers(program, "nvme-ns", cfg->ns[i].options, error);
	return err;
}

/* ---- its arguments ---- */

struct args {
	char *v[ARGS_MAX];
	unsigned n;
	int err;
};

__attribute__((format(printf, 2, 3))) static void add(struct args *a, const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	if (a->n + 1 >= ARGS_MAX) {
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

/* In QEMU's key=value lists a comma inside a value is written twice. */
static char *escape(const char *path)
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

static void add_disk(struct args *a, const struct stack_config *cfg, unsigned i, const char *path)
{
	const struct stack_namespace *ns = &cfg->ns[i];
	_cleanup_free_ char *file = escape(path);
	const char *direct = strcmp(cfg->cache, "none") ? "off" : "on";
	const char *noflush = strcmp(cfg->cache, "unsafe") ? "off" : "on";

	if (!file) {
		a->err = -ENOMEM;
		return;
	}
	add(a, "-blockdev");
	add(a,
	    "driver=file,node-name=f%u,filename=%s,discard=unmap,cache.direct=%s,"
	    "cache.no-flush=%s",
	    ns->nsid, file, direct, noflush);
	add(a, "-blockdev");
	add(a, "driver=raw,node-name=d%u,file=f%u,discard=unmap,cache.direct=%s,cache.no-flush=%s",
	    ns->nsid, ns->nsid, direct, noflush);
}

static void add_devices(struct args *a, const struct stack_config *cfg)
{
	if (cfg->subsystem) {
		add(a, "-device");
		add(a, "nvme-subsys,id=s0%s%s", cfg->subsystem_options[0] ? "," : "",
		    cfg->subsystem_options);
	}
	add(a, "-device");
	add(a, "nvme,id=n0,addr=%s%s%s%s", cfg->addr, cfg->subsystem ? ",subsys=s0" : "",
	    cfg->device[0] ? "," : "", cfg->device);
	if (cfg->peer[0]) { /* before the namespaces, which attach to every controller there is */
		add(a, "-device");
		add(a, "nvme,id=n1,subsys=s0,%s", cfg->peer);
	}
	for (unsigned i = 0; i < cfg->n_ns; i++) {
		const struct stack_namespace *ns = &cfg->ns[i];

		add(a, "-device");
		add(a, "nvme-ns,drive=d%u,bus=n0,nsid=%u%s%s", ns->nsid, ns->nsid,
		    ns->options[0] ? "," : "", ns->options);
	}
}

static void add_extra(struct args *a, const char *extra)
{
	_cleanup_free_ char *copy = strdup(extra);
	char *save = NULL;

	if (!copy)
		a->err = -ENOMEM;
	for (char *w = copy ? strtok_r(copy, " \t\n", &save) : NULL; w;
	     w = strtok_r(NULL, " \t\n", &save))
		add(a, "%s", w);
}

static void add_machine(struct args *a, const struct stack_config *cfg, const struct qemu_files *f)
{
	static const char *const fixed[] = { "-nodefaults", "-no-user-config", "-display", "none" };

	add(a, "%s", f->program);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		add(a, "%s", fixed[i]);
	add(a, "-machine");
	add(a, "q35,memory-backend=m0");
	add(a, "-accel");
	add(a, "%s", cfg->accel);
	add(a, "-m");
	add(a, "%lluk", (unsigned long long)cfg->memory_bytes >> 10);
	add(a, "-bios");
	add(a, "%s", f->bios);
	add(a, "-object");
	add(a, "memory-backend-file,id=m0,size=%lluk,mem-path=%s,share=on",
	    (unsigned long long)cfg->memory_bytes >> 10, f->ram);
}

char **qemu_argv(const struct stack_config *cfg, const struct qemu_files *f)
{
	_cleanup_free_ char *socket = escape(f->socket);
	struct args a = { .err = socket ? 0 : -ENOMEM };
	char **argv;

	add_machine(&a, cfg, f);
	for (unsigned i = 0; i < cfg->n_ns; i++)
		add_disk(&a, cfg, i, f->disk[i]);
	add_devices(&a, cfg);
	add(&a, "-qtest");
	add(&a, "unix:%s,server=on,wait=off", socket ? socket : "");
	add(&a, "-qtest-log");
	add(&a, "/dev/null");
	add_extra(&a, cfg->extra);
	argv = a.err ? NULL : calloc(a.n + 1, sizeof(*argv));
	if (argv)
		memcpy(argv, a.v, a.n * sizeof(*argv));
	else
		while (a.n)
			free(a.v[--a.n]);
	return argv;
}

void qemu_free(char **argv)
{
	for (char **p = argv; p && *p; p++)
		free(*p);
	free(argv);
}
