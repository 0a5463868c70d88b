/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by tty.c, which tells a run as it goes, and tty_summary.c, which tells what it came to. */
#ifndef RIG_REPORT_TTY_H
#define RIG_REPORT_TTY_H

#include "rig/report/report.h"
#include "rig/report/story.h"

#define SHOWN_MAX 400 /* bytes of one line; the journal has it whole */

struct tty {
	FILE *out;
	struct report_style style;
	struct story story;
	struct tale_list kept; /* what the summary names */
	bool drawn;	       /* a progress line stands on the screen */
	uint64_t cases, done, first_ns, said_ns, began_ns;
	int error;
};

extern const char *const tty_colours[V_COUNT]; /* SGR parameters */
void tty_put_verdict(struct tty *t, enum report_verdict v);
uint64_t tty_elapsed_ns(const struct tty *t);
const char *tty_why(const struct tale *tale); /* the reason, or why a deviation is known */
bool tty_is_fixed(const struct tale *tale);   /* passes, and the profile says it should not */

void tty_summary(struct tty *t);

#endif
