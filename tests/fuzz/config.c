// SPDX-License-Identifier: GPL-2.0-or-later
/* A configuration file, read as a stack's and as a drive's. */
#include <sys/stat.h>

#include "rig/config.h"
#include "rig/profile.h"
#include "rig/stack.h"
#include "tests/fuzz/fuzz.h"

static char top[] = "/tmp/nvrig-fuzz-XXXXXX";
static const char *const subs[] = { "stacks", "drives" };

static void path_of(char path[64], const char *sub, const char *name)
{
	snprintf(path, 64, "%s/%s%s", top, sub, name);
}

static void clean(void)
{
	char path[64];

	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		path_of(path, subs[i], "/t.conf");
		unlink(path);
		path_of(path, subs[i], "");
		rmdir(path);
	}
	rmdir(top);
}

static void begin_once(void)
{
	static bool begun;
	char path[64];

	if (begun)
		return;
	begun = true;
	MUST(mkdtemp(top));
	for (size_t i = 0; i < ARRAY_SIZE(subs); i++) {
		path_of(path, subs[i], "");
		MUST(!mkdir(path, 0700));
	}
	atexit(clean);
}

static void put(const char *sub, const uint8_t *data, size_t size)
{
	char path[64];
	FILE *f;

	path_of(path, sub, "/t.conf");
	f = fopen(path, "w");
	MUST(f && fwrite(data, 1, size, f) == size && !fclose(f));
}

static void as_stack(void)
{
	struct stack_config c;
	char error[CONFIG_ERROR] = "";
	int err = stack_config_load(top, "t", &c, error);

	MUST(err <= 0 && memchr(error, 0, sizeof(error)));
	if (err) {
		MUST(strstr(error, "t.conf"));
		return;
	}
	MUST(c.n_ns >= 1 && c.n_ns <= STACK_NS_MAX && c.start_s > 0);
	MUST(c.memory_bytes >= 1 << 20 && c.disk_bytes > 0);
	MUST(memchr(c.binary, 0, sizeof(c.binary)) && memchr(c.device, 0, sizeof(c.device)));
}

static void as_profile(void)
{
	struct profile *p = NULL;
	char error[CONFIG_ERROR] = "";
	int err = profile_load(top, "X1", "1.0", "1b36:0010", &p, error);

	MUST(err <= 0 && memchr(error, 0, sizeof(error)));
	MUST(!err == (p != NULL) && (!err || strstr(error, "t.conf:")));
	if (p) {
		profile_known(p, "queue.wrap-phase[2]", "1.0", "QEMU 7.2.22", "status: got x");
		profile_known(p, "queue.wrap-phase", "1.0", NULL, NULL);
	}
	profile_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	begin_once();
	put("stacks", data, size);
	put("drives", data, size);
	as_stack();
	as_profile();
	return 0;
}
