// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/model_options.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/fault.h"
#include "model/model.h"
#include "target/target.h"

static const char *nth_fault(const void *ctx, size_t i)
{
	(void)ctx;
	return i < FAULT_COUNT ? fault_all[i].name : NULL;
}

/* Names the first of the list that is no fault, and the one that was meant. */
static int no_such_fault(struct target *t, const char *list)
{
	char name[64];
	const char *near;

	for (; *list; list += strcspn(list, "+&"), list += *list != 0) {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(list, "+&"), list);
		if (fault_find(name) < 0)
			break;
	}
	near = text_nearest(name, nth_fault, NULL);
	return target_fail(t, -EINVAL, "no fault '%s'%s%s%s (`nvrig faults` names them all)", name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static const char *nth_preset(const void *ctx, size_t i)
{
	(void)ctx;
	return model_preset_name(i);
}

static int no_such_preset(struct target *t, const char *name)
{
	const char *near = text_nearest(name, nth_preset, NULL);
	char all[128] = "";

	for (size_t i = 0, used = 0; model_preset_name(i) && used < sizeof(all); i++)
		used += (size_t)snprintf(all + used, sizeof(all) - used, "%s%s", i ? ", " : "",
					 model_preset_name(i));
	return target_fail(t, -EINVAL, "no preset '%.40s'%s%s%s (there are %s)", name,
			   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "", all);
}

struct parsing {
	struct target *t;
	struct model *m;
};

static int set_option(void *ctx, const char *key, const char *value)
{
	struct parsing *p = ctx;
	int err = model_option(p->m, key, value);

	if (err == -EINVAL && !strcmp(key, "fault"))
		return no_such_fault(p->t, value);
	if (err == -EINVAL && !strcmp(key, "preset"))
		return no_such_preset(p->t, value);
	if (err == -EEXIST)
		return target_fail(p->t, -EINVAL, "a second preset, '%.40s': give one", value);
	return err;
}

static int power_up(struct target *t, struct model *m)
{
	char why[160];
	int err = model_settle(m, why, sizeof(why));

	if (err)
		return target_fail(t, err, "%s", why);
	err = model_power_on(m);
	if (err)
		return target_fail(t, err,
				   err == -EIO ? "the store cannot be opened" : "out of memory");
	return 0;
}

int model_options_start(struct target *t, const char *options, struct model *m)
{
	struct parsing p = { t, m };
	int err = target_options(t, options, model_option_keys, set_option, &p);

	return err ? err : power_up(t, m);
}
