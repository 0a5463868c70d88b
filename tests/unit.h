/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main() of a unit test program: a table of functions, run by CUnit. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <stdio.h>

#include "base/cleanup.h"

struct unit {
	const char *name;
	void (*run)(void);
};

/* 0 when at least one assertion was made and all held. */
static inline int unit_main(const char *suite_name, const struct unit *units, size_t n)
{
	CU_pSuite suite;
	int bad;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(suite_name, NULL, NULL);
	for (size_t i = 0; suite && i < n; i++)
		if (!CU_add_test(suite, units[i].name, units[i].run))
			suite = NULL;
	if (!suite)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	bad = CU_get_number_of_failures() || !CU_get_number_of_asserts();
	CU_cleanup_registry();
	return bad;
}

#define UNIT_MAIN(suite_name, units)                                                               \
	int main(void)                                                                             \
	{                                                                                          \
		return unit_main(suite_name, units, ARRAY_SIZE(units));                            \
	}

#endif
