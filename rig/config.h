/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configuration files: libconfuse's dialect, checked against const tables. Whatever is wrong is
 * told as "file:line: what", with the nearest known key where a key is unknown. Environment
 * variables and include() are not part of the dialect; a file is at most 1 MiB of text.
 */
#ifndef RIG_CONFIG_H
#define RIG_CONFIG_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_ERROR	 512 /* bytes of an error buffer */
#define CONFIG_BYTES_MAX (1024u * 1024)

enum config_type {
	CONFIG_TEXT,	 /* max: bytes it may have */
	CONFIG_NUMBER,	 /* min..max; suffixes k M G T Ki Mi Gi Ti */
	CONFIG_DURATION, /* min..max in ns; suffixes ns us ms s min h d, one is required */
	CONFIG_BOOL,	 /* yes no true false on off */
	CONFIG_PATTERN,	 /* shell pattern; max as CONFIG_TEXT */
	CONFIG_CHOICE,	 /* one of `unit`, words separated by blanks */
	CONFIG_DATE,	 /* YYYY-MM-DD, or nothing */
	CONFIG_LIST,	 /* texts in braces */
};

struct config_key {
	const char *name;
	enum config_type type;
	const char *unit; /* "bytes"; the words of a choice */
	uint64_t min, max;
	const char *def; /* as it would be written; NULL: must be given */
	const char *help;
};

struct config_section {
	const char *name;
	const char *title;	       /* what its title is; NULL: it has none */
	const struct config_key *keys; /* ends with name NULL */
	const struct config_section *const
		*sections; /* what it may hold, ends with NULL; NULL: none */
	const char *help;
};

/* Every section of every kind of file, NULL-terminated: for the man page. */
extern const struct config_section *const config_all[];
extern const struct config_section config_stack, config_namespace, config_part, config_store,
	config_drive, config_known, config_bench_drive;

/*
 * Reads a file that may hold sections of the kind `top`. -EINVAL with "file:line: what" for bad
 * content, -EFBIG, or the -errno of opening. Freed with cfg_free().
 */
int config_load(const char *path, const struct config_section *top, cfg_t **ret, char *error);

/* Values of a loaded section; they were validated, so nothing can go wrong here. */
const char *config_text(cfg_t *section, const char *key);
uint64_t config_number(cfg_t *section, const char *key);
uint64_t config_duration_ns(cfg_t *section, const char *key);
bool config_bool(cfg_t *section, const char *key);
/* Does the file say it, or is it the key's default? */
bool config_said(cfg_t *section, const char *key);

/* "250ms" as nanoseconds: 0, -EINVAL (no number, no or unknown unit), -ERANGE. */
int config_parse_duration(const char *s, uint64_t *ret_ns);

/* Where configs/ lies: $NVRIG_CONFIGS, else beside the installed program, else the source tree. */
int config_find_dir(char *ret_dir, size_t size);

/* dir, or where config_find_dir() looks when it is NULL. 0 or -errno. */
int config_choose_dir(const char *dir, char *ret_dir, size_t size);

/* Paths of DIR/SUB/NAME.conf in byte order, freed with config_free_paths. 0 or -errno. */
int config_list(const char *dir, const char *sub, char ***ret_paths, size_t *ret_n);
void config_free_paths(char **paths, size_t n);

/*
 * The names alone, NULL-terminated, freed with config_names_free. dir as in config_choose_dir().
 * config_nearest: "; did you mean 'x'?" of those, or nothing.
 */
int config_names(const char *dir, const char *sub, char ***ret_names);
void config_names_free(char **names);
void config_nearest(const char *dir, const char *sub, const char *name, char *text, size_t size);

#endif
