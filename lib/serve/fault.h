/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The faults of this layer, chosen like those of the model that it serves (model/fault.def). */
#ifndef SERVE_FAULT_H
#define SERVE_FAULT_H

#include "model/fault.h"
#include "model/model.h"

#define SERVE_FAULT(d, name) model_has_fault((d)->m, FAULT_##name)

#endif
