/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The main() of a unit test program: a table of functions, run by CUnit. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/Basic.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"

struct unit {
	const char *name;
	void (*run)(void);
};

/*
 * 0 when at least one assertion was made and all held. setup and teardown may be NULL; one that
 * returns non-zero is a failure.
 */
static inline int unit_main_with(const char *suite_name, int (*setup)(void), int (*teardown)(void),
				 const struct unit *units, size_t n)
{
	CU_pSuite suite;
	int bad;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 2;
	suite = CU_add_suite(suite_name, setup, teardown);
	for (size_t i = 0; suite && i < n; i++)
		if (!CU_add_test(suite, units[i].name, units[i].run))
			suite = NULL;
	if (!suite)
		return 2;
	CU_basic_set_mode(CU_BRM_NORMAL);
	CU_basic_run_tests();
	bad = CU_get_number_of_failures() || CU_get_number_of_suites_failed() ||
	      !CU_get_number_of_asserts();
	CU_cleanup_registry();
	return bad;
}

static inline int unit_main(const char *suite_name, const struct unit *units, size_t n)
{
	return unit_main_with(suite_name, NULL, NULL, units, n);
}

static inline int unit_remove_one(const char *path, const struct stat *st, int flag,
				  struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

/* The same with a directory made of the template `top` around it, removed with all it holds. */
static inline int unit_main_in(char *top, const char *suite_name, const struct unit *units,
			       size_t n)
{
	int bad;

	if (!mkdtemp(top))
		return 2;
	bad = unit_main(suite_name, units, n);
	return nftw(top, unit_remove_one, 16, FTW_DEPTH | FTW_PHYS) ? 2 : bad;
}

#define UNIT_MAIN(suite_name, units)                                                               \
	int main(void)                                                                             \
	{                                                                                          \
		return unit_main(suite_name, units, ARRAY_SIZE(units));                            \
	}

#define UNIT_MAIN_IN(top, suite_name, units)                                                       \
	int main(void)                                                                             \
	{                                                                                          \
		return unit_main_in(top, suite_name, units, ARRAY_SIZE(units));                    \
	}

#endif
