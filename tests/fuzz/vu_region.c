// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: the reply to DEVICE_GET_REGION_INFO and its chain of capabilities. */
#include "tests/fuzz/fuzz.h"
#include "vfio_user/proto.h"

static void check(const struct vu_region *r, const struct vu_area *area, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		MUST(area[i].size && area[i].offset < r->size);
		MUST(area[i].size <= r->size - area[i].offset);
	}
	MUST(!n || r->flags & VU_REGION_MAPPABLE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned most[] = { 0, 1, 3, VU_AREAS_MAX };
	struct vu_region r;

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		/* exactly as large as told */
		struct vu_area *area = malloc(most[i] * sizeof(*area) + 1);
		unsigned n = 4711;
		int err;

		MUST(area);
		err = vu_region_parse(data, size, &r, area, most[i], &n);
		MUST(err <= 0 && (err ? n == 4711 : n <= most[i]));
		if (!err)
			check(&r, area, n);
		free(area);
	}
	return 0;
}
