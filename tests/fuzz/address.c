// SPDX-License-Identifier: GPL-2.0-or-later
/* What stands behind --target: the grammar of addresses and options of every target. */
#include "target/target.h"
#include "tests/fuzz/fuzz.h"

/* Nothing outside may be opened by chance, and nothing that takes long. */
static bool is_tame(const char *address)
{
	const char *colon = strchr(address, ':');

	if (strstr(address, "store="))
		return false;
	return !colon || !strncmp(address, "model:", 6) || !strncmp(colon, ":/nowhere", 9);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *address = text_of(data, size), error[256] = "";
	struct target *t = NULL;
	int err, fd = lowest_fd();

	if (is_tame(address)) {
		err = target_open(address, &t, error);
		MUST(err <= 0 && !err == (t != NULL));
		MUST(memchr(error, 0, sizeof(error)) && (!err || error[0]));
		target_close(t);
	}
	free(address);
	MUST(lowest_fd() == fd);
	return 0;
}
