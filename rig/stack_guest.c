// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stack_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "target/target.h"

#define GUEST_MEMORY_MIN (128ull << 20)

static int refuse(char *error, const char *path, int line, const char *what)
{
	snprintf(error, CONFIG_ERROR, "%.380s:%d: %s", path, line, what);
	return -EINVAL;
}

static int read_words(cfg_t *s, const char *key, struct stack_words *ret)
{
	unsigned n = cfg_size(s, key);

	if (n > STACK_WORDS_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < n; i++)
		snprintf(ret->word[i], sizeof(ret->word[i]), "%s", cfg_getnstr(s, key, i));
	ret->n = n;
	return 0;
}

static int read_part(cfg_t *s, struct stack_part *ret, const char *path, char *error)
{
	if (strlen(cfg_title(s)) >= sizeof(ret->name))
		return refuse(error, path, s->line, "a part's name has at most 31 bytes");
	strcpy(ret->name, cfg_title(s));
	strcpy(ret->up, config_text(s, "up"));
	strcpy(ret->life, config_text(s, "life"));
	strcpy(ret->down, config_text(s, "down"));
	ret->size = config_number(s, "size");
	ret->within_ms = (unsigned)(config_duration_ns(s, "within") / NS_PER_MS);
	if (!*ret->up && !*ret->life)
		return refuse(error, path, s->line,
			      "a part has something to do (up) or to wait for "
			      "(life)");
	if (*ret->life && *ret->life != '/')
		return refuse(error, path, s->line, "life: want an absolute path");
	return 0;
}

static int read_parts(cfg_t *s, struct stack_config *ret, const char *path, char *error)
{
	unsigned n = cfg_size(s, "part");

	if (n > STACK_PARTS_MAX)
		return refuse(error, path, s->line, "at most 8 parts are possible");
	for (unsigned i = 0; i < n; i++)
		if (read_part(cfg_getnsec(s, "part", i), &ret->part[i], path, error))
			return -EINVAL;
	ret->n_parts = n;
	return 0;
}

/* What only a guest can have, in a stack that is none. */
static int check_none(cfg_t *s, const struct stack_config *c, const char *path, char *error)
{
	if (*config_text(s, "target") || *config_text(s, "kernel-options") || cfg_size(s, "part") ||
	    cfg_size(s, "modules") || cfg_size(s, "programs") || cfg_size(s, "extras"))
		return refuse(
			error, path, s->line,
			"target, kernel-options, modules, programs, extras and parts: want kind = "
			"guest");
	if (!strcmp(c->accel, "auto"))
		return refuse(error, path, s->line, "accel = auto: wants kind = guest");
	return 0;
}

int stack_guest_read(cfg_t *s, struct stack_config *ret, const char *path, char *error)
{
	if (strcmp(ret->kind, STACK_GUEST))
		return check_none(s, ret, path, error);
	strcpy(ret->target, config_text(s, "target"));
	strcpy(ret->kernel_options, config_text(s, "kernel-options"));
	ret->cpus = (unsigned)config_number(s, "cpus");
	ret->silence_s = (unsigned)(config_duration_ns(s, "silence") / NS_PER_S);
	if (read_words(s, "modules", &ret->modules) || read_words(s, "programs", &ret->programs) ||
	    read_words(s, "extras", &ret->extras))
		return refuse(error, path, s->line,
			      "modules, programs, extras: at most 32 words each");
	if (ret->memory_bytes < GUEST_MEMORY_MIN)
		return refuse(error, path, s->line, "memory: a guest wants 128Mi at least");
	return read_parts(s, ret, path, error);
}

/* Is the way in one of this program's? */
static bool has_scheme(const char *target)
{
	size_t n = strcspn(target, ":");

	for (size_t i = 0; target_all[i]; i++)
		if (strlen(target_all[i]->scheme) == n &&
		    !strncmp(target_all[i]->scheme, target, n))
			return true;
	return false;
}

const char *stack_guest_lacks(const struct stack_config *cfg, const char *target)
{
	static char text[CONFIG_ERROR];
	const char *lacks = stack_lacks(cfg);

	if (lacks || strcmp(cfg->kind, STACK_GUEST))
		return lacks;
	target = target ? target : cfg->target;
	if (!*target)
		return "nothing is run in it unless the command line names a drive; nvrig vm "
		       "brings it up";
	if (has_scheme(target))
		return NULL;
	snprintf(
		text, sizeof(text),
		"its drive is %.200s, and this nvrig has no way in of that kind; name another, for "
		"example model:, or bring it up with nvrig vm",
		target);
	return text;
}
