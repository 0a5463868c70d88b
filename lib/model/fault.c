// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/fault.h"

#include <string.h>

#include "model/internal.h"
#include "model/model.h"

const struct fault fault_all[FAULT_COUNT] = {
#define X(constant, name, where, sentence) { name, where, sentence },
#include "model/fault.def"
#undef X
};

unsigned char *fault_asked;

int fault_find(const char *name)
{
	for (int i = 0; i < FAULT_COUNT; i++)
		if (!strcmp(fault_all[i].name, name))
			return i;
	return -1;
}

bool model_has_fault(const struct model *m, int fault)
{
	return m && fault_is_on(m->fault, (unsigned)fault);
}
