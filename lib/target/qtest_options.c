// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/qtest_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "target/target.h"

static const char *const option_keys[] = { "mem",   "size",    "addr",	 "peer",
					   "clock", "timeout", "engine", NULL };

static int set_text(char *to, size_t size, const char *value)
{
	if (!*value || strlen(value) >= size)
		return -EINVAL;
	memcpy(to, value, strlen(value) + 1);
	return 0;
}

static int set_addr(unsigned *to, const char *value)
{
	unsigned device, function = 0;
	int end = 0;

	if (sscanf(value, "%2x%n.%1u%n", &device, &end, &function, &end) < 1 || value[end] ||
	    device > 31 || function > 7 || !(device | function))
		return -EINVAL;
	*to = device << 3 | function;
	return 0;
}

static int set_option(void *ctx, const char *key, const char *value)
{
	struct qtest_options *o = ctx;

	if (!strcmp(key, "mem"))
		return set_text(o->mem, sizeof(o->mem), value);
	if (!strcmp(key, "engine"))
		return set_text(o->engine, sizeof(o->engine), value);
	if (!strcmp(key, "size"))
		return text_number(value, &o->size);
	if (!strcmp(key, "addr"))
		return set_addr(&o->bdf, value);
	if (!strcmp(key, "peer"))
		return set_addr(&o->peer, value);
	if (!strcmp(key, "timeout"))
		return text_number(value, &o->timeout_ms) || !o->timeout_ms ||
				       o->timeout_ms > 3600000
			       ? -EINVAL
			       : 0;
	if (!strcmp(key, "clock")) {
		o->step = !strcmp(value, "step");
		return o->step || !strcmp(value, "real") ? 0 : -EINVAL;
	}
	return -ENOENT;
}

int qtest_options_parse(struct target *t, const char *address, struct qtest_options *o,
			char **ret_socket)
{
	size_t len = strcspn(address, "?");
	int err;

	*o = (struct qtest_options){ .bdf = 5 << 3, .timeout_ms = 10000 };
	err = address[len] ? target_options(t, address + len + 1, option_keys, set_option, o) : 0;
	if (err)
		return err;
	if (!len)
		return target_fail(t, -EINVAL, "no socket; write qtest:SOCKET?mem=FILE");
	if (!o->mem[0])
		return target_fail(t, -EINVAL,
				   "option mem=FILE is missing: the file that QEMU's "
				   "memory-backend-file shares");
	*ret_socket = strndup(address, len);
	return *ret_socket ? 0 : -ENOMEM;
}
