// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/text.h"

/*
 * libconfuse takes the end of the file for the end of every open section. So an assignment that
 * only the top level knows is put behind the text; its name is one that no text may have.
 */
#define END_NAME "\001"
#define END_TEXT "\n" END_NAME "=1\n"

/* libconfuse's callbacks carry no context of ours; set during config_load() alone. */
static _Thread_local char *error_text;

/* ---- values ---- */

int config_parse_duration(const char *s, uint64_t *ret_ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "ns", 1ull },
		{ "us", 1000ull },
		{ "ms", 1000000ull },
		{ "s", 1000000000ull },
		{ "min", 60000000000ull },
		{ "h", 3600000000000ull },
		{ "d", 86400000000000ull },
	};
	unsigned long long v;
	char *end;

	if (!isdigit((unsigned char)s[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno)
		return -ERANGE;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		if (v > UINT64_MAX / units[i].ns)
			return -ERANGE;
		*ret_ns = v * units[i].ns;
		return 0;
	}
	return -EINVAL;
}

static int parse_bool(const char *s)
{
	static const char *const yes = "yes true on", *const no = "no false off";

	return text_in_list(yes, s, strlen(s)) ? 1 : text_in_list(no, s, strlen(s)) ? 0 : -EINVAL;
}

static bool is_date(const char *s)
{
	unsigned year, month, day;
	int end = 0;

	return strlen(s) == 10 && sscanf(s, "%4u-%2u-%2u%n", &year, &month, &day, &end) == 3 &&
	       end == 10 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

static int bad(cfg_t *cfg, const struct config_key *k, const char *value, const char *want)
{
	cfg_error(cfg, "%s = '%.80s': want %s", k->name, value, want);
	return -1;
}

static int check_range(cfg_t *cfg, const struct config_key *k, const char *value, uint64_t v,
		       const char *unit)
{
	if (v >= k->min && v <= k->max)
		return 0;
	cfg_error(cfg, "%s = %.80s: out of range, %llu to %llu %s", k->name, value,
		  (unsigned long long)k->min, (unsigned long long)k->max, unit);
	return -1;
}

static int check_number(cfg_t *cfg, const struct config_key *k, const char *value)
{
	uint64_t v;
	int err = text_number(value, &v);

	if (err)
		return bad(cfg, k, value,
			   err == -ERANGE ? "a number of at most 64 bits"
					  : "a number, with k M G T Ki Mi Gi Ti");
	return check_range(cfg, k, value, v, k->unit ? k->unit : "");
}

static int check_duration(cfg_t *cfg, const struct config_key *k, const char *value)
{
	uint64_t v;

	if (config_parse_duration(value, &v))
		return bad(cfg, k, value, "a duration with its unit: ns us ms s min h d");
	return check_range(cfg, k, value, v, "ns");
}

static int check_text(cfg_t *cfg, const struct config_key *k, const char *value)
{
	size_t n = strlen(value);

	if (n < k->min)
		return bad(cfg, k, value, "some text");
	if (n <= k->max)
		return 0;
	cfg_error(cfg, "%s: %zu bytes, at most %llu are possible", k->name, n,
		  (unsigned long long)k->max);
	return -1;
}

static int check_choice(cfg_t *cfg, const struct config_key *k, const char *value)
{
	if (text_in_list(k->unit, value, strlen(value)))
		return 0;
	cfg_error(cfg, "%s = '%.80s': want one of: %s", k->name, value, k->unit);
	return -1;
}

static int check_value(cfg_t *cfg, const struct config_key *k, const char *value)
{
	switch (k->type) {
	case CONFIG_TEXT:
	case CONFIG_PATTERN:
	case CONFIG_LIST:
		return check_text(cfg, k, value);
	case CONFIG_NUMBER:
		return check_number(cfg, k, value);
	case CONFIG_DURATION:
		return check_duration(cfg, k, value);
	case CONFIG_BOOL:
		return parse_bool(value) < 0 ? bad(cfg, k, value, "yes or no") : 0;
	case CONFIG_CHOICE:
		return check_choice(cfg, k, value);
	case CONFIG_DATE:
		return *value && !is_date(value) ? bad(cfg, k, value, "a date, YYYY-MM-DD") : 0;
	}
	return -1;
}

static const struct config_key *find_key(const char *section, const char *name)
{
	for (const struct config_section *const *s = config_all; *s; s++) {
		if (strcmp((*s)->name, section))
			continue;
		for (const struct config_key *k = (*s)->keys; k->name; k++)
			if (!strcmp(k->name, name))
				return k;
	}
	return NULL;
}

/* Called by libconfuse when a value was read, while it knows the line. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
	const struct config_key *k = find_key(cfg_name(cfg), cfg_opt_name(opt));
	unsigned n = cfg_opt_size(opt);

	return k && n ? check_value(cfg, k, cfg_opt_getnstr(opt, n - 1)) : 0;
}

/* ---- errors ---- */

static const char *nth_option(const void *ctx, size_t i)
{
	const cfg_t *cfg = ctx;

	return cfg->opts[i].name;
}

static void say_unknown(const cfg_t *cfg, const char *key, char *text, size_t size)
{
	const char *near = text_nearest(key, nth_option, cfg);

	if (near && !strcmp(near, END_NAME))
		near = NULL;
	if (!strcmp(key, END_NAME))
		snprintf(text, size, "the file ends inside a section: a closing brace is missing");
	else
		snprintf(text, size, "unknown key '%.60s'%s%s%s", key,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

/* Keeps the first message: what follows is usually its consequence. */
static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	const char *key = NULL;
	int n;

	if (!error_text || error_text[0])
		return;
	if (strstr(fmt, "no such option"))
		key = va_arg(ap, const char *);
	/* our own mark of the end stands on a line behind the file's last */
	n = snprintf(error_text, CONFIG_ERROR, "%.240s:%d: ", cfg->filename ? cfg->filename : "?",
		     cfg->line - (key && !strcmp(key, END_NAME)));
	if (key) {
		say_unknown(cfg, key, error_text + n, CONFIG_ERROR - (size_t)n);
		return;
	}
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	vsnprintf(error_text + n, CONFIG_ERROR - (size_t)n, fmt, ap);
#pragma GCC diagnostic pop
}

/* ---- libconfuse's options from our tables ---- */

static void free_options(cfg_opt_t *opts)
{
	for (cfg_opt_t *o = opts; o && o->name; o++)
		if (o->type == CFGT_SEC)
			free_options(o->subopts);
	free(opts);
}

static cfg_opt_t *make_options(const struct config_section *s);

static cfg_opt_t section_option(const struct config_section *s)
{
	cfg_flag_t flags = s->title ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;

	return (cfg_opt_t)CFG_SEC(s->name, make_options(s), flags);
}

static cfg_opt_t key_option(const struct config_key *k)
{
	if (k->type == CONFIG_LIST)
		return (cfg_opt_t)CFG_STR_LIST(k->name, (char *)k->def, CFGF_NONE);
	return (cfg_opt_t)CFG_STR(k->name, k->def, k->def ? CFGF_NONE : CFGF_NODEFAULT);
}

static cfg_opt_t *make_options(const struct config_section *s)
{
	size_t nkeys = 0, nsecs = 0;
	cfg_opt_t *opts;

	while (s->keys[nkeys].name)
		nkeys++;
	while (s->sections && s->sections[nsecs])
		nsecs++;
	opts = calloc(nkeys + nsecs + 1, sizeof(*opts));
	for (size_t i = 0; opts && i < nkeys; i++)
		opts[i] = key_option(&s->keys[i]);
	for (size_t i = 0; opts && i < nsecs; i++)
		opts[nkeys + i] = section_option(s->sections[i]);
	return opts;
}

static void watch_values(cfg_t *cfg, const struct config_section *s, const char *prefix)
{
	char path[128];

	for (const struct config_key *k = s->keys; k->name; k++) {
		snprintf(path, sizeof(path), "%s|%s", prefix, k->name);
		cfg_set_validate_func(cfg, path, on_value);
	}
	for (size_t i = 0; s->sections && s->sections[i]; i++) {
		snprintf(path, sizeof(path), "%s|%s", prefix, s->sections[i]->name);
		watch_values(cfg, s->sections[i], path);
	}
}

static cfg_t *make_parser(const struct config_section *top)
{
	static const struct config_key end[] = { { .name = END_NAME }, { .name = NULL } };
	const struct config_section file = {
		.keys = end,
		.sections = (const struct config_section *const[]){ top, NULL },
	};
	cfg_opt_t *opts = make_options(&file);
	cfg_t *cfg = opts ? cfg_init(opts, CFGF_NONE) : NULL;

	free_options(opts);
	if (cfg) {
		cfg_set_error_function(cfg, on_error);
		watch_values(cfg, top, top->name);
	}
	return cfg;
}

/* ---- what must be given ---- */

/* libconfuse keeps no line of a section, so the section is named by its title. */
static int check_complete(cfg_t *cfg, const struct config_section *s, const char *path)
{
	for (const struct config_key *k = s->keys; k->name; k++) {
		if (k->def || cfg_size(cfg, k->name))
			continue;
		snprintf(error_text, CONFIG_ERROR, "%.240s:%d: %s '%.60s' needs %s: %s", path,
			 cfg->line, s->name, cfg_title(cfg) ? cfg_title(cfg) : "", k->name,
			 k->help);
		return -EINVAL;
	}
	for (size_t i = 0; s->sections && s->sections[i]; i++)
		for (unsigned n = 0; n < cfg_size(cfg, s->sections[i]->name); n++) {
			int err = check_complete(cfg_getnsec(cfg, s->sections[i]->name, n),
						 s->sections[i], path);

			if (err)
				return err;
		}
	return 0;
}

/* ---- files ---- */

static int read_text(const char *path, char **ret, size_t *ret_size, char *error)
{
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	char *text;
	size_t n;

	if (!f) {
		snprintf(error, CONFIG_ERROR, "%.400s: %s", path, strerror(errno));
		return -errno;
	}
	text = malloc(CONFIG_BYTES_MAX + sizeof(END_TEXT));
	if (!text)
		return -ENOMEM;
	n = fread(text, 1, CONFIG_BYTES_MAX + 1, f);
	if (ferror(f) || n > CONFIG_BYTES_MAX) {
		free(text);
		if (ferror(f)) {
			snprintf(error, CONFIG_ERROR, "%.400s: cannot be read", path);
			return -EIO;
		}
		snprintf(error, CONFIG_ERROR, "%.400s:1: more than %u bytes", path,
			 CONFIG_BYTES_MAX);
		return -EFBIG;
	}
	text[n] = 0;
	*ret = text;
	*ret_size = n;
	return 0;
}

/* What the parser must never see: bytes that are no text, and what it would look up in our
 * environment. */
static int check_bytes(const char *path, const char *text, size_t size, char *error)
{
	unsigned line = 1;

	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < ' ' && c != '\n' && c != '\t' && c != '\r') || c == 0x7f) {
			snprintf(error, CONFIG_ERROR, "%.400s:%u: byte %02Xh: not text", path, line,
				 c);
			return -EINVAL;
		}
		if (c == '$' && text[i + 1] == '{') {
			snprintf(error, CONFIG_ERROR,
				 "%.400s:%u: environment variables have no place here", path, line);
			return -EINVAL;
		}
		line += c == '\n';
	}
	return 0;
}

static int parse(cfg_t *cfg, const char *path, char *text, size_t size)
{
	_cleanup_fclose_ FILE *f = NULL;

	if (size && text[size - 1] == '\n') /* END_TEXT has one */
		size--;
	memcpy(text + size, END_TEXT, sizeof(END_TEXT));
	f = fmemopen(text, size + sizeof(END_TEXT) - 1, "r");
	if (!f)
		return -errno;
	cfg->filename = strdup(path);
	if (cfg_parse_fp(cfg, f) != CFG_SUCCESS)
		return -EINVAL;
	if (cfg_size(cfg, END_NAME))
		return 0;
	snprintf(error_text, CONFIG_ERROR, "%.400s:%d: a comment or string does not end", path,
		 cfg->line);
	return -EINVAL;
}

int config_load(const char *path, const struct config_section *top, cfg_t **ret, char *error)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	cfg_t *cfg;
	int err;

	error[0] = 0;
	err = read_text(path, &text, &size, error);
	if (!err)
		err = check_bytes(path, text, size, error);
	if (err)
		return err;
	cfg = make_parser(top);
	if (!cfg)
		return -ENOMEM;
	error_text = error;
	err = parse(cfg, path, text, size);
	for (unsigned i = 0; !err && i < cfg_size(cfg, top->name); i++)
		err = check_complete(cfg_getnsec(cfg, top->name, i), top, path);
	error_text = NULL;
	if (err) {
		if (!error[0])
			snprintf(error, CONFIG_ERROR, "%.400s:%d: cannot be parsed", path,
				 cfg->line);
		cfg_free(cfg);
		return err;
	}
	*ret = cfg;
	return 0;
}

const char *config_text(cfg_t *section, const char *key)
{
	return cfg_getstr(section, key);
}

uint64_t config_number(cfg_t *section, const char *key)
{
	uint64_t v = 0;

	text_number(cfg_getstr(section, key), &v);
	return v;
}

uint64_t config_duration_ns(cfg_t *section, const char *key)
{
	uint64_t v = 0;

	config_parse_duration(cfg_getstr(section, key), &v);
	return v;
}

bool config_said(cfg_t *section, const char *key)
{
	const cfg_opt_t *o = cfg_getopt(section, key);

	return o && !(o->flags & CFGF_RESET);
}

bool config_bool(cfg_t *section, const char *key)
{
	return parse_bool(cfg_getstr(section, key)) == 1;
}
