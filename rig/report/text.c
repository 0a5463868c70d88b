// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/report/text.h"

#include <stdbool.h>
#include <string.h>

#include "base/clock.h"

#define RUNE_BAD  0xfffdu
#define RUNE_TEXT "\xef\xbf\xbd"

unsigned text_rune(const char *s, uint32_t *ret_rune)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead = (unsigned char)s[0];
	unsigned len = lead < 0x80   ? 1
		       : lead < 0xc0 ? 0
		       : lead < 0xe0 ? 2
		       : lead < 0xf0 ? 3
		       : lead < 0xf8 ? 4
				     : 0;
	uint32_t rune = len > 1 ? lead & (0x7fu >> len) : lead;

	*ret_rune = RUNE_BAD;
	if (!len)
		return 1;
	for (unsigned i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 1;
		rune = rune << 6 | (s[i] & 0x3f);
	}
	if (rune < least[len] || rune > 0x10ffff || (rune >= 0xd800 && rune < 0xe000))
		return 1;
	*ret_rune = rune;
	return len;
}

static bool in_xml(uint32_t rune)
{
	return rune == '\t' || rune == '\n' || rune == '\r' ||
	       (rune >= 0x20 && rune != 0xfffe && rune != 0xffff);
}

static const char *xml_escape(uint32_t rune)
{
	switch (rune) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\n': /* as itself it would be a blank in an attribute */
		return "&#10;";
	case '\t':
		return "&#9;";
	case '\r':
		return "&#13;";
	default:
		return in_xml(rune) && rune != RUNE_BAD ? NULL : RUNE_TEXT;
	}
}

void put_xml(FILE *out, const char *s)
{
	while (*s) {
		uint32_t rune;
		unsigned len = text_rune(s, &rune);
		const char *escape = xml_escape(rune);

		if (escape)
			fputs(escape, out);
		else
			fwrite(s, 1, len, out);
		s += len;
	}
}

static bool is_control(uint32_t rune)
{
	return rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
}

static void put_rune(FILE *out, const char *s, unsigned len, uint32_t rune)
{
	if (is_control(rune))
		fputc(' ', out);
	else if (rune == RUNE_BAD)
		fputs(RUNE_TEXT, out);
	else
		fwrite(s, 1, len, out);
}

void put_md(FILE *out, const char *s)
{
	while (*s) {
		uint32_t rune;
		unsigned len = text_rune(s, &rune);

		if (rune < 0x80 && strchr("\\`*_{}[]<>#|~&@", (int)rune))
			fputc('\\', out);
		put_rune(out, s, len, rune);
		s += len;
	}
}

void put_md_code(FILE *out, const char *s)
{
	fputc('`', out);
	while (*s) {
		uint32_t rune;
		unsigned len = text_rune(s, &rune);

		if (rune == '`')
			fputc('\'', out);
		else if (rune == '|')
			fputs("\\|", out);
		else
			put_rune(out, s, len, rune);
		s += len;
	}
	fputc('`', out);
}

void put_line(FILE *out, const char *s, size_t max)
{
	size_t n = 0;

	while (*s) {
		uint32_t rune;
		unsigned len = text_rune(s, &rune);

		n += rune == RUNE_BAD ? strlen(RUNE_TEXT) : len;
		if (n > max) {
			fputs("...", out);
			return;
		}
		put_rune(out, s, len, rune);
		s += len;
	}
}

void put_seconds(FILE *out, uint64_t ns)
{
	fprintf(out, "%llu.%06llu", (unsigned long long)(ns / NS_PER_S),
		(unsigned long long)(ns % NS_PER_S / NS_PER_US));
}
