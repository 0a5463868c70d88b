/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Strings of drives, kernels and operators on their way into a format: escaped here and nowhere
 * else. All accept any bytes up to the NUL. */
#ifndef RIG_REPORT_TEXT_H
#define RIG_REPORT_TEXT_H

#include <stdint.h>
#include <stdio.h>

/*
 * Decodes one UTF-8 character (RFC 3629) at s, which is not "". Returns its length and the code
 * point; bytes that are no UTF-8 are U+FFFD, one byte each.
 */
unsigned text_rune(const char *s, uint32_t *ret_rune);

/* Text or attribute value of XML 1.0: what XML cannot hold becomes U+FFFD. */
void put_xml(FILE *out, const char *s);

/* Markdown text on one line, also inside a table cell. */
void put_md(FILE *out, const char *s);

/* Markdown code span on one line, also inside a table cell. */
void put_md_code(FILE *out, const char *s);

/*
 * One line of a terminal or of KTAP: control characters become blanks, at most max bytes, cut at a
 * character's end with "...".
 */
void put_line(FILE *out, const char *s, size_t max);

/* Seconds as a plain decimal with six places. */
void put_seconds(FILE *out, uint64_t ns);

#endif
