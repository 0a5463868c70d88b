// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/stack_guest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "rig/stack.h"
#include "target/target.h"

#define GUEST_MEMORY_MIN (128ull << 20)

static int refuse(const struct stack_reading *r, const char *what)
{
	return stack_refuse(r->error, r->path, r->section->line, what);
}

int stack_read_words(cfg_t *s, const char *key, struct stack_words *ret, const char *path,
		     char *error)
{
	unsigned n = cfg_size(s, key);

	if (n > STACK_WORDS_MAX) {
		snprintf(error, CONFIG_ERROR, "%.380s:%d: %s: at most %d words", path, s->line, key,
			 STACK_WORDS_MAX);
		return -EINVAL;
	}
	for (unsigned i = 0; i < n; i++)
		snprintf(ret->word[i], sizeof(ret->word[i]), "%s", cfg_getnstr(s, key, i));
	ret->n = n;
	return 0;
}

int stack_read_part(cfg_t *s, struct stack_part *ret, const char *path, char *error)
{
	if (strlen(cfg_title(s)) > 31)
		return stack_refuse(error, path, s->line, "a part's name has at most 31 bytes");
	*ret = (struct stack_part){ .size = config_number(s, "size") };
	strcpy(ret->name, cfg_title(s));
	strcpy(ret->up, config_text(s, "up"));
	strcpy(ret->life, config_text(s, "life"));
	strcpy(ret->down, config_text(s, "down"));
	ret->within_ms = (unsigned)(config_duration_ns(s, "within") / NS_PER_MS);
	if (!*ret->up && !*ret->life)
		return stack_refuse(error, path, s->line,
				    "a part has something to do (up) or to wait for (life)");
	if (*ret->life && *ret->life != '/')
		return stack_refuse(error, path, s->line, "life: want an absolute path");
	return 0;
}

/* Where a part of that name stands, or the place behind the last. */
static unsigned place_of(const struct stack_config *c, const char *name)
{
	unsigned i = 0;

	while (i < c->n_parts && strcmp(c->part[i].name, name))
		i++;
	return i;
}

static int read_parts(const struct stack_reading *r)
{
	struct stack_config *to = r->to;

	for (unsigned i = 0; i < cfg_size(r->section, "part"); i++) {
		cfg_t *s = cfg_getnsec(r->section, "part", i);
		unsigned at = place_of(to, cfg_title(s));

		if (at == STACK_PARTS_MAX) {
			snprintf(r->error, CONFIG_ERROR, "%.380s:%d: at most %d parts are possible",
				 r->path, s->line, STACK_PARTS_MAX);
			return -EINVAL;
		}
		if (stack_read_part(s, &to->part[at], r->path, r->error))
			return -EINVAL;
		to->n_parts += at == to->n_parts;
	}
	return 0;
}

/* The first of these keys that the section says; NULL: none. */
static const char *said(const struct stack_reading *r, const char *const *keys)
{
	while (*keys && !config_said(r->section, *keys))
		keys++;
	return *keys;
}

static int refuse_keys(const struct stack_reading *r, const char *const *keys, const char *kind)
{
	const char *key = said(r, keys);
	char text[160];

	snprintf(text, sizeof(text), "%s: wants kind = %s", key ? key : "", kind);
	return key ? refuse(r, text) : 0;
}

static const char *const of_guests[] = { "kernel-options", "store",   "behind", "machine",
					 "modules",	   "extras",  "nodes",	"network",
					 "devices",	   "serve",   "hotplug", "snapshot", NULL };
static const char *const of_qemu[] = { "binary", "accel",   "memory",    "disk",
				       "cache",	 "address", "keep-disk", "device",
				       "peer",	 "extra",   "subsystem", NULL };
static const char *const of_servers[] = { "command", "setup", "life", NULL };
static const char *const of_both[] = { "target", "programs", "without", NULL };

/* What only a guest can have, in a stack that is none. */
static int check_none(const struct stack_reading *r)
{
	if (refuse_keys(r, of_guests, STACK_GUEST))
		return -EINVAL;
	if (cfg_size(r->section, "part"))
		return refuse(r, "part: wants kind = guest");
	if (strcmp(r->to->front, STACK_NVME))
		return refuse(r, "front: another than nvme wants kind = guest");
	if (!strcmp(r->to->accel, "auto"))
		return refuse(r, "accel = auto: wants kind = guest");
	return 0;
}

static int read_lists(const struct stack_reading *r)
{
	const struct {
		const char *key;
		struct stack_words *to;
	} lists[] = { { "modules", &r->to->modules },
		      { "programs", &r->to->programs },
		      { "extras", &r->to->extras },
		      { "nodes", &r->to->nodes },
		      { "devices", &r->to->devices } };

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (stack_says(r, lists[i].key) &&
		    stack_read_words(r->section, lists[i].key, lists[i].to, r->path, r->error))
			return -EINVAL;
	return 0;
}

static void read_texts(const struct stack_reading *r)
{
	const struct {
		const char *key;
		char *to;
	} texts[] = { { "target", r->to->target },
		      { "serve", r->to->serve },
		      { "command", r->to->command },
		      { "setup", r->to->setup },
		      { "life", r->to->life },
		      { "machine", r->to->machine },
		      { "kernel-options", r->to->kernel_options },
		      { "store", r->to->back.store },
		      { "behind", r->to->behind },
		      { "without", r->to->without } };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (stack_says(r, texts[i].key))
			strcpy(texts[i].to, config_text(r->section, texts[i].key));
}

static int check_serve(const struct stack_reading *r)
{
	const struct stack_config *c = r->to;
	bool served = !strcmp(c->front, STACK_VFIO_USER);

	if (served != (c->serve[0] != 0))
		return refuse(r, "front = vfio-user wants serve, and serve wants it");
	if (served && strncmp(c->serve, "model:", strlen("model:")))
		return refuse(r, "serve: want model:OPTIONS");
	if (served && (c->n_ns || cfg_size(r->section, "namespace") || c->back.store[0]))
		return refuse(r, "front = vfio-user: the model has the namespaces and their store");
	return 0;
}

static int read_server(const struct stack_reading *r)
{
	struct stack_config *to = r->to;

	if (check_none(r) || refuse_keys(r, of_qemu, "qemu-qtest or guest") || read_lists(r))
		return -EINVAL;
	read_texts(r);
	to->accel[0] = 0;
	if (!to->command[0] || !to->life[0] || !to->target[0])
		return refuse(r, "a server wants command, life and target");
	if (strncmp(to->life, "$RIG_DIR/", strlen("$RIG_DIR/")))
		return refuse(r, "life: want a path below $RIG_DIR");
	return 0;
}

int stack_guest_read(const struct stack_reading *r)
{
	struct stack_config *to = r->to;

	if (!strcmp(to->kind, STACK_SERVER))
		return read_server(r);
	if (refuse_keys(r, of_servers, STACK_SERVER))
		return -EINVAL;
	if (strcmp(to->kind, STACK_GUEST))
		return refuse_keys(r, of_both, "guest or server") ? -EINVAL : check_none(r);
	read_texts(r);
	if (stack_says(r, "cpus"))
		to->cpus = (unsigned)config_number(r->section, "cpus");
	if (stack_says(r, "silence"))
		to->silence_s = (unsigned)(config_duration_ns(r->section, "silence") / NS_PER_S);
	if (stack_says(r, "network"))
		to->network = config_bool(r->section, "network");
	if (stack_says(r, "snapshot"))
		to->snapshot = !strcmp(config_text(r->section, "snapshot"), "auto");
	if (stack_says(r, "hotplug"))
		to->hotplug = config_bool(r->section, "hotplug");
	if (to->behind[0] && !to->network)
		return refuse(r, "behind: wants network = yes");
	if (read_lists(r) || check_serve(r))
		return -EINVAL;
	if (to->memory_bytes < GUEST_MEMORY_MIN)
		return refuse(r, "memory: a guest wants 128Mi at least");
	return read_parts(r);
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

int stack_guest_behind(const struct stack_config *cfg, struct stack_config *ret, char *error)
{
	int err = cfg->behind[0] ? stack_config_load(NULL, cfg->behind, ret, error) : 0;

	return err ? err : cfg->behind[0] != 0;
}

/* Of itself, then of the one behind it. */
static const char *guests_lack(const struct stack_config *cfg, char *text)
{
	static struct stack_config behind;
	const char *lacks = stack_lacks(cfg);
	int found = lacks ? 0 : stack_guest_behind(cfg, &behind, text);

	return found < 0 ? text : found ? stack_lacks(&behind) : lacks;
}

const char *stack_guest_lacks(const struct stack_config *cfg, const char *target)
{
	static char text[CONFIG_ERROR];
	const char *lacks = guests_lack(cfg, text);

	if (lacks || strcmp(cfg->kind, STACK_GUEST))
		return lacks;
	target = target ? target : cfg->target;
	if (!*target)
		return "nothing is run in it unless the command line names a drive; nvrig vm "
		       "brings it up";
	if (cfg->back.bad_bytes && strncmp(target, "block:", strlen("block:"))) {
		snprintf(text, sizeof(text),
			 "store %s has blocks that always fail, which cases would tell of the drive; "
			 "only block:/dev/NAME knows of them",
			 cfg->back.store);
		return text;
	}
	if (has_scheme(target))
		return NULL;
	snprintf(
		text, sizeof(text),
		"its drive is %.200s, and this nvrig has no way in of that kind; name another, for "
		"example model:, or bring it up with nvrig vm",
		target);
	return text;
}
