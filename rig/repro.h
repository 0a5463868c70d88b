/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a case sent, as a shell script for nvme-cli. What passthrough cannot do is a comment that
 * says so; what could cost data, the drive or the access to it is written and commented out.
 */
#ifndef RIG_REPRO_H
#define RIG_REPRO_H

#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>

struct repro {
	struct json_object *run;     /* run_begin, or NULL */
	struct json_object *end;     /* case_end, or NULL: the journal stops in the case */
	struct json_object *records; /* array of command, completion, register and reset events */
	struct json_object *blocks;  /* NSID as text -> bytes of a logical block */
	const char *name;	     /* of the case */
};

/* 0 or -EIO of the output. */
int repro_write(FILE *out, const struct repro *r);

#endif
