/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of verbs.h in forms for machines. Pure: the same bytes on every machine. */
#ifndef RIG_HELP_H
#define RIG_HELP_H

#include <stdio.h>

void help_json(FILE *out); /* verbs, options, exit statuses */
void help_man(FILE *out);  /* nvrig.1, man(7) */
void help_bash(FILE *out); /* completion script */

#endif
