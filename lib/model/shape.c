// SPDX-License-Identifier: GPL-2.0-or-later
#include "model/shape.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "model/feature.h"

#define PLAIN	 2u /* formats without metadata */
#define METADATA 8u /* and with it */

static const struct media_format formats[] = {
	{ .lbads = 9 },
	{ .lbads = 12 },
	{ .lbads = 9, .ms = 8 },
	{ .lbads = 9, .ms = 16 },
	{ .lbads = 9, .ms = 64 },
	{ .lbads = 12, .ms = 8 },
	{ .lbads = 12, .ms = 16 },
	{ .lbads = 12, .ms = 64 },
	/* from here on: with CTRATT.ELBAS */
	{ .lbads = 12, .ms = 16, .pif = PIF_32B, .sts = 16 },
	{ .lbads = 12, .ms = 16, .pif = PIF_32B, .sts = 32 },
	{ .lbads = 12, .ms = 64, .pif = PIF_32B, .sts = 64 },
	{ .lbads = 12, .ms = 16, .pif = PIF_64B },
	{ .lbads = 12, .ms = 16, .pif = PIF_64B, .sts = 18 },
	{ .lbads = 12, .ms = 64, .pif = PIF_64B, .sts = 48 },
	{ .lbads = 9, .ms = 8, .sts = 16 },
	{ .lbads = 9, .ms = 16, .sts = 32 },
	{ .lbads = 12, .ms = 64, .pif = PIF_64B },
	{ .lbads = 12, .ms = 64, .pif = PIF_32B, .sts = 32 },
};

unsigned media_formats(const struct model *m, const struct media_format **ret)
{
	*ret = formats;
	if (!m->opt.meta)
		return PLAIN;
	return m->opt.ctratt & NVME_CTRL_CTRATT_ELBAS ? ARRAY_SIZE(formats) : METADATA;
}

unsigned shape_formats_told(const struct model *m)
{
	const struct media_format *all;
	unsigned n = media_formats(m, &all);

	return n > FORMATS_PLAIN && !feature_many_formats(m) ? FORMATS_PLAIN : n;
}

bool shape_is_extended_pi(const struct model *m, const struct media_shape *s)
{
	const struct media_format *all;

	media_formats(m, &all);
	return (s->dps & DPS_TYPE) && (all[s->format].pif || all[s->format].sts);
}

unsigned media_pi_bytes(const struct media_format *f)
{
	return f->pif == PIF_16B ? 8 : 16;
}

bool shape_holds_pi(const struct model *m, unsigned format, uint8_t dps)
{
	const struct media_format *all;

	media_formats(m, &all);
	if (!(dps & DPS_TYPE))
		return true;
	if ((dps & DPS_FIRST) && m->opt.vs >= VS(1, 4, 0))
		return false;
	return all[format].ms >= media_pi_bytes(&all[format]);
}

uint16_t media_shape_status(const struct model *m, const struct media_shape *s)
{
	const struct media_format *all;

	if (s->format >= media_formats(m, &all) || (s->dps & DPS_TYPE) > 3 ||
	    !shape_holds_pi(m, s->format, s->dps))
		return SC_FORMAT_INVALID;
	return shape_is_extended_pi(m, s) && !feature_many_formats(m) &&
			       !FAULT(m, NS_LBAFEE_UNCHECKED)
		       ? SC_INVALID_NS
		       : SC_SUCCESS;
}

/* ---- the option ---- */

struct wanted {
	unsigned long data, meta, type, guard, sts;
	bool extended, first;
};

static int read_letters(const char *p, char *end, struct wanted *w)
{
	while (*p && *p != '+') {
		char letter = *p++;
		unsigned long v = strtoul(p, &end, 10);

		if (letter == 'x')
			w->extended = true;
		else if (letter == 'a')
			w->first = true;
		else if (end == p)
			return -EINVAL;
		else if (letter == 't')
			w->type = v;
		else if (letter == 'g')
			w->guard = v;
		else if (letter == 's')
			w->sts = v;
		else
			return -EINVAL;
		p = letter == 'x' || letter == 'a' ? p : end;
	}
	return 0;
}

static int read_entry(const char *p, struct wanted *w)
{
	char *end;

	*w = (struct wanted){ .guard = 16 };
	w->data = strtoul(p, &end, 10);
	if (*end == '/')
		w->meta = strtoul(end + 1, &end, 10);
	return read_letters(end, end, w);
}

static bool is_format(const struct media_format *f, const struct wanted *w)
{
	return 1ul << f->lbads == w->data && f->ms == w->meta && f->sts == w->sts &&
	       16ul << f->pif == w->guard;
}

int shape_of(const struct model *m, unsigned index, struct media_shape *ret)
{
	const struct media_format *all;
	const char *p = m->opt.shapes;
	unsigned n = media_formats(m, &all);
	struct wanted w;

	for (; index && p; index--) {
		p = strchr(p, '+');
		p = p ? p + 1 : NULL;
	}
	if (!p || !*p)
		return -ENOENT;
	if (read_entry(p, &w) || w.type > 3)
		return -EINVAL;
	*ret = (struct media_shape){ .extended = w.extended,
				     .dps = (uint8_t)(w.type | (w.first ? DPS_FIRST : 0)) };
	while (ret->format < n && !is_format(&all[ret->format], &w))
		ret->format++;
	return ret->format < n && shape_holds_pi(m, ret->format, ret->dps) ? 0 : -EINVAL;
}
