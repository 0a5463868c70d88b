// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: the payload of VERSION. */
#include "tests/fuzz/fuzz.h"
#include "vfio_user/proto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct vu_version v, again;
	char text[256];
	size_t n;

	if (vu_version_parse(data, size, &v))
		return 0;
	MUST(size >= 4);
	n = vu_version_format(&v, text, sizeof(text));
	MUST(n > 4 && n <= sizeof(text) && !text[n - 1]);
	MUST(!vu_version_parse(text, n, &again));
	MUST(again.major == v.major && again.minor == v.minor && again.fds_max == v.fds_max);
	MUST(again.data_max == v.data_max && again.step == v.step && again.power == v.power);
	MUST(again.twin == v.twin && (!v.twin || again.twin_fd == v.twin_fd));
	for (size_t len = 0; len < n; len++)
		MUST(!vu_version_format(&v, text, len));
	return 0;
}
