// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/profile.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "rig/config.h"

/* ---- matching ---- */

/* Identify pads its strings with blanks. */
static void trim(const char *s, char *to, size_t size)
{
	size_t n = strlen(s);

	while (n && s[n - 1] == ' ')
		n--;
	snprintf(to, size, "%.*s", (int)n, s);
}

static bool matches_trimmed(const char *pattern, const char *s)
{
	char text[128];

	trim(s, text, sizeof(text));
	return text_match(pattern, text);
}

static bool matches_one(const struct profile_patterns *p, const char *s)
{
	bool found = !p->n;

	for (size_t i = 0; !found && i < p->n; i++)
		found = matches_trimmed(p->at[i], s ? s : "");
	return found;
}

/* The brackets of a case name are its row's, never a pattern's. */
static bool case_matches(const char *pattern, const char *name)
{
	char quoted[512], base[256];
	size_t n = 0;

	for (; *pattern && n + 3 < sizeof(quoted); pattern++) {
		if (*pattern == '[' || *pattern == ']')
			quoted[n++] = '\\';
		quoted[n++] = *pattern;
	}
	quoted[n] = 0;
	if (*pattern)
		return false;
	if (!fnmatch(quoted, name, 0))
		return true;
	if (strchr(quoted, '['))
		return false;
	snprintf(base, sizeof(base), "%.*s", (int)strcspn(name, "["), name);
	return !fnmatch(quoted, base, 0);
}

/* The brackets of evidence are text, never a pattern's. */
static bool says(const char *pattern, const char *what)
{
	char quoted[512];
	size_t n = 0;

	if (!*pattern)
		return !what || strncmp(what, "engine ", 7);
	if (!what)
		return false;
	for (; *pattern && n + 3 < sizeof(quoted); pattern++) {
		if (*pattern == '[' || *pattern == ']')
			quoted[n++] = '\\';
		quoted[n++] = *pattern;
	}
	quoted[n] = 0;
	return !*pattern && !fnmatch(quoted, what, 0);
}

const struct profile_known *profile_known(const struct profile *p, const char *case_name,
					  const char *firmware, const char *engine,
					  const char *what)
{
	for (size_t i = 0; i < p->n_known; i++) {
		const struct profile_known *k = &p->known[i];

		if (*k->until && strcmp(p->today, k->until) > 0)
			continue;
		if (case_matches(k->cases, case_name) &&
		    matches_one(&k->firmware, firmware) && matches_one(&k->engine, engine) &&
		    says(k->what, what))
			return k;
	}
	return NULL;
}

/* ---- from configuration ---- */

static struct profile *new_profile(void)
{
	struct profile *p = calloc(1, sizeof(*p));
	time_t now = time(NULL);
	struct tm tm;

	if (p && gmtime_r(&now, &tm))
		strftime(p->today, sizeof(p->today), "%Y-%m-%d", &tm);
	return p;
}

static int copy(char **ret, const char *s)
{
	*ret = strdup(s ? s : "");
	return *ret ? 0 : -ENOMEM;
}

static int read_patterns(struct profile_patterns *p, cfg_t *s, const char *key)
{
	unsigned n = cfg_size(s, key);
	int err = 0;

	p->at = calloc(n + 1, sizeof(*p->at));
	if (!p->at)
		return -ENOMEM;
	for (p->n = 0; p->n < n && !err; p->n++)
		err = copy(&p->at[p->n], cfg_getnstr(s, key, (unsigned)p->n));
	return err;
}

static void free_patterns(struct profile_patterns *p)
{
	for (size_t i = 0; i < p->n; i++)
		free(p->at[i]);
	free(p->at);
}

static int read_known(struct profile_known *k, cfg_t *s)
{
	const char *title = cfg_title(s), *colon = strstr(title, ": ");
	int err;

	k->cases = strndup(title, colon ? (size_t)(colon - title) : strlen(title));
	err = k->cases ? 0 : -ENOMEM;
	err = err ? err : read_patterns(&k->firmware, s, "firmware");
	err = err ? err : read_patterns(&k->engine, s, "engine");
	err = err ? err : copy(&k->what, colon ? colon + 2 : "");
	err = err ? err : copy(&k->reason, config_text(s, "reason"));
	err = err ? err : copy(&k->ref, config_text(s, "ref"));
	return err ? err : copy(&k->until, config_text(s, "until"));
}

static int read_all_known(struct profile *p, cfg_t *s)
{
	unsigned n = cfg_size(s, "known");
	int err = 0;

	p->known = calloc(n + 1, sizeof(*p->known));
	if (!p->known)
		return -ENOMEM;
	for (p->n_known = 0; p->n_known < n && !err; p->n_known++)
		err = read_known(&p->known[p->n_known],
				 cfg_getnsec(s, "known", (unsigned)p->n_known));
	return err;
}

static int make_profile(cfg_t *s, const char *path, struct profile **ret)
{
	struct profile *p = new_profile();
	int err = p ? 0 : -ENOMEM;

	err = err ? err : copy(&p->name, s ? cfg_title(s) : "generic");
	err = err ? err : copy(&p->path, path);
	err = err ? err : copy(&p->model, s ? config_text(s, "model") : "*");
	err = err ? err : copy(&p->firmware, s ? config_text(s, "firmware") : "*");
	if (!err && s)
		err = read_patterns(&p->pci, s, "pci");
	if (!err && s)
		err = read_all_known(p, s);
	if (err) {
		profile_free(p);
		return err;
	}
	*ret = p;
	return 0;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->n_known; i++) {
		struct profile_known *k = &p->known[i];

		free(k->cases);
		free_patterns(&k->firmware);
		free_patterns(&k->engine);
		free(k->what);
		free(k->reason);
		free(k->ref);
		free(k->until);
	}
	free_patterns(&p->pci);
	free(p->known);
	free(p->name);
	free(p->path);
	free(p->model);
	free(p->firmware);
	free(p);
}

/* ---- which one ---- */

struct drive {
	const char *model, *firmware, *pci;
};

static bool is_for(cfg_t *s, const struct drive *d)
{
	unsigned n = cfg_size(s, "pci");

	if (!matches_trimmed(config_text(s, "model"), d->model) ||
	    !matches_trimmed(config_text(s, "firmware"), d->firmware))
		return false;
	for (unsigned i = 0; d->pci && i < n; i++)
		if (text_match(cfg_getnstr(s, "pci", i), d->pci))
			return true;
	return !d->pci || !n;
}

/* Adds what the file has for the drive to *found; a second match is an error. */
static int look_in(const char *path, const struct drive *d, struct profile **found, char *error)
{
	cfg_t *file;
	int err = config_load(path, &config_drive, &file, error);

	if (err)
		return err;
	for (unsigned i = 0; !err && i < cfg_size(file, "drive"); i++) {
		cfg_t *s = cfg_getnsec(file, "drive", i);

		if (!is_for(s, d))
			continue;
		if (!*found) {
			err = make_profile(s, path, found);
			continue;
		}
		snprintf(error, CONFIG_ERROR,
			 "two profiles match the drive '%.40s': %.40s (%.140s) and %.40s (%.140s)",
			 d->model, (*found)->name, (*found)->path, cfg_title(s), path);
		err = -EEXIST;
	}
	cfg_free(file);
	return err;
}

static int list_files(const char *dir, char ***ret_paths, size_t *ret_n)
{
	char root[PATH_MAX];
	int err = 0;

	if (!dir)
		err = config_find_dir(root, sizeof(root));
	return err ? err : config_list(dir ? dir : root, "drives", ret_paths, ret_n);
}

int profile_load(const char *dir, const char *model, const char *firmware, const char *pci,
		 struct profile **ret, char *error)
{
	const struct drive d = { model, firmware, pci };
	struct profile *found = NULL;
	char **paths = NULL;
	size_t n = 0;
	int err = list_files(dir, &paths, &n);

	error[0] = 0;
	if (err == -ENOENT) /* no configuration at all: every drive is generic */
		err = 0;
	for (size_t i = 0; !err && i < n; i++)
		err = look_in(paths[i], &d, &found, error);
	if (!err && !found)
		err = make_profile(NULL, "", &found);
	config_free_paths(paths, n);
	if (err) {
		if (!error[0])
			snprintf(error, CONFIG_ERROR, "drive profiles: %s%s", strerror(-err),
				 err == -ENOTDIR ? " (NVRIG_CONFIGS)" : "");
		profile_free(found);
		return err;
	}
	*ret = found;
	return 0;
}
