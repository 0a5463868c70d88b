// SPDX-License-Identifier: GPL-2.0-or-later
#include "rig/drive_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/endian.h"
#include "base/hex.h"
#include "event/event.h"
#include "nvme/cmd.h"
#include "rig/guard_ask.h"
#include "rig/guard_tree.h"

/*
 * Features that are one value each and not the driver's own to change (queues, interrupts, events,
 * keep alive, host memory): arbitration, power, write cache, atomicity, thermal management (Base 2.0
 * Feature Identifiers). Error Recovery is of a namespace and Read Recovery Level of an NVM Set: more
 * than a value is needed for them.
 */
static const uint8_t fids[] = { 0x01, 0x02, 0x06, 0x0a, 0x10, 0x11 };

static int take_name(const struct guard_drive *d, struct drive_state *s)
{
	struct guard_answer id;
	char ignored[GUARD_ERROR];
	int err = guard_ask_identify(d, &id, ignored);

	if (err)
		return err;
	snprintf(s->serial, sizeof(s->serial), "%s", id.serial);
	snprintf(s->model, sizeof(s->model), "%s", id.model);
	return 0;
}

static void take_features(const struct guard_drive *d, struct drive_state *s)
{
	for (size_t i = 0; i < sizeof(fids); i++) {
		s->feature[i].fid = fids[i];
		s->feature[i].known = !guard_ask_feature(d, fids[i], &s->feature[i].value);
	}
	s->n_features = sizeof(fids);
}

static void read_ns(const struct nvme_id_ns *id, struct drive_ns *ret)
{
	ret->nsze = le64_get(id->nsze);
	ret->format = cmd_format_now(id);
	memcpy(ret->ids, id->nguid, sizeof(id->nguid));
	memcpy(ret->ids + sizeof(id->nguid), id->eui64, sizeof(id->eui64));
}

static int take_ns(const struct guard_drive *d, struct drive_state *s)
{
	_cleanup_free_ __le32 *list = calloc(1024, sizeof(*list));
	struct nvme_id_ns id;
	int err = list ? guard_ask_identify_page(d, 0x02, 0, list) : -ENOMEM;

	for (unsigned i = 0; !err && i < STATE_NS && le32_get(list[i]); i++) {
		err = guard_ask_identify_page(d, 0x00, le32_get(list[i]), &id);
		s->ns[i].nsid = le32_get(list[i]);
		if (!err)
			read_ns(&id, &s->ns[i]);
		s->n_ns = i + 1;
	}
	return err;
}

/* "[none] mq-deadline": what stands in brackets. */
static void take_scheduler(const char *name, char ret[32])
{
	char dir[PATH_MAX], word[SYSFS_WORD];
	const char *open;

	ret[0] = 0;
	if (!tree_at(dir, "", "/sys/class/block/%s/queue", name))
		return;
	open = strchr(sysfs_word(dir, "scheduler", word), '[');
	if (open)
		snprintf(ret, 32, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
}

int state_take(const struct guard_drive *d, struct drive_state *ret)
{
	int err;

	*ret = (struct drive_state){ 0 };
	err = take_name(d, ret);
	if (err)
		return err;
	for (unsigned i = 0; i < d->n && ret->n_disks < STATE_NS; i++) {
		if (!d->node[i].disk)
			continue;
		memcpy(ret->disk[ret->n_disks].name, d->node[i].name, GUARD_NAME);
		take_scheduler(d->node[i].name, ret->disk[ret->n_disks++].scheduler);
	}
	take_features(d, ret);
	return take_ns(d, ret);
}

/* ---- compared ---- */

bool state_is_of(const struct drive_state *a, const struct drive_state *b)
{
	return !strcmp(a->serial, b->serial) && !strcmp(a->model, b->model);
}

static bool feature_differs(const struct drive_state *a, const struct drive_state *b, unsigned i)
{
	return a->feature[i].known &&
	       (!b->feature[i].known || a->feature[i].value != b->feature[i].value);
}

static int find_ns(const struct drive_state *s, uint32_t nsid)
{
	for (unsigned i = 0; i < s->n_ns; i++)
		if (s->ns[i].nsid == nsid)
			return (int)i;
	return -1;
}

static bool ns_differs(const struct drive_state *a, const struct drive_state *b, unsigned i,
		       char text[STATE_TEXT])
{
	int k = find_ns(b, a->ns[i].nsid);

	if (k < 0)
		snprintf(text, STATE_TEXT, "namespace %Xh is gone", a->ns[i].nsid);
	else if (memcmp(a->ns[i].ids, b->ns[k].ids, sizeof(a->ns[i].ids)))
		snprintf(text, STATE_TEXT, "namespace %Xh is another one than before",
			 a->ns[i].nsid);
	else if (a->ns[i].format != b->ns[k].format || a->ns[i].nsze != b->ns[k].nsze)
		snprintf(text, STATE_TEXT,
			 "namespace %Xh has format %Xh and %llu blocks, and had %Xh and %llu",
			 a->ns[i].nsid, b->ns[k].format, (unsigned long long)b->ns[k].nsze,
			 a->ns[i].format, (unsigned long long)a->ns[i].nsze);
	else
		return false;
	return true;
}

static bool disk_differs(const struct drive_state *a, const struct drive_state *b, unsigned i)
{
	for (unsigned k = 0; k < b->n_disks; k++)
		if (!strcmp(a->disk[i].name, b->disk[k].name))
			return strcmp(a->disk[i].scheduler, b->disk[k].scheduler) &&
			       a->disk[i].scheduler[0] && b->disk[k].scheduler[0];
	return false;
}

bool state_differs(const struct drive_state *was, const struct drive_state *is, unsigned which,
		   char text[STATE_TEXT])
{
	for (unsigned i = 0; i < was->n_features; i++)
		if (feature_differs(was, is, i) && !which--) {
			snprintf(text, STATE_TEXT, "feature %02Xh is %Xh, and was %Xh",
				 was->feature[i].fid, is->feature[i].value, was->feature[i].value);
			return true;
		}
	for (unsigned i = 0; i < was->n_disks; i++)
		if (disk_differs(was, is, i) && !which--) {
			snprintf(text, STATE_TEXT, "the scheduler of %.40s is another than %.30s",
				 was->disk[i].name, was->disk[i].scheduler);
			return true;
		}
	for (unsigned i = 0; i < was->n_ns; i++)
		if (ns_differs(was, is, i, text) && !which--)
			return true;
	for (unsigned i = 0; i < is->n_ns; i++)
		if (find_ns(was, is->ns[i].nsid) < 0 && !which--) {
			snprintf(text, STATE_TEXT, "namespace %Xh is new", is->ns[i].nsid);
			return true;
		}
	return false;
}

/* ---- put back ---- */

static void set_scheduler(const char *name, const char *scheduler)
{
	char dir[PATH_MAX], path[PATH_MAX];
	_cleanup_close_ int fd = -1;

	if (!tree_at(dir, "", "/sys/class/block/%s/queue", name) ||
	    !tree_join(path, dir, "scheduler"))
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* what did not go back is told by the next look */
	if (fd >= 0 && write(fd, scheduler, strlen(scheduler)) < 0)
		return;
}

void state_put_back(const struct guard_drive *d, const struct drive_state *was,
		    const struct drive_state *is)
{
	for (unsigned i = 0; i < was->n_features; i++)
		if (feature_differs(was, is, i))
			guard_set_feature(d, was->feature[i].fid, was->feature[i].value);
	for (unsigned i = 0; i < was->n_disks; i++)
		if (disk_differs(was, is, i))
			set_scheduler(was->disk[i].name, was->disk[i].scheduler);
}

/* ---- kept ---- */

struct json_object *state_save(const struct drive_state *s)
{
	struct json_object *o = event_new("drive_state"), *list;
	char ids[2 * sizeof(s->ns[0].ids) + 1];

	event_str(o, "serial", s->serial);
	event_str(o, "model", s->model);
	list = json_object_new_array();
	for (unsigned i = 0; i < s->n_features; i++) {
		struct json_object *f = json_object_new_object();

		event_u64(f, "fid", s->feature[i].fid);
		event_bool(f, "known", s->feature[i].known);
		event_u64(f, "value", s->feature[i].value);
		json_object_array_add(list, f);
	}
	json_object_object_add(o, "features", list);
	list = json_object_new_array();
	for (unsigned i = 0; i < s->n_ns; i++) {
		struct json_object *n = json_object_new_object();

		event_u64(n, "nsid", s->ns[i].nsid);
		event_u64(n, "format", s->ns[i].format);
		event_u64(n, "nsze", s->ns[i].nsze);
		hex_from(s->ns[i].ids, sizeof(s->ns[i].ids), ids);
		event_str(n, "ids", ids);
		json_object_array_add(list, n);
	}
	json_object_object_add(o, "namespaces", list);
	list = json_object_new_array();
	for (unsigned i = 0; i < s->n_disks; i++) {
		struct json_object *d = json_object_new_object();

		event_str(d, "name", s->disk[i].name);
		event_str(d, "scheduler", s->disk[i].scheduler);
		json_object_array_add(list, d);
	}
	json_object_object_add(o, "disks", list);
	return o;
}

static size_t length(struct json_object *o, const char *key, size_t most, struct json_object **ret)
{
	size_t n;

	if (!json_object_object_get_ex(o, key, ret) || !json_object_is_type(*ret, json_type_array))
		return 0;
	n = json_object_array_length(*ret);
	return n < most ? n : most;
}

/* False: it was kept by an nvrig that did not tell them, and nothing may be concluded. */
static bool load_ns(struct json_object *o, struct drive_ns *ret)
{
	const char *ids = event_get_str(o, "ids");

	ret->nsid = (uint32_t)event_get_u64(o, "nsid");
	ret->format = (uint32_t)event_get_u64(o, "format");
	ret->nsze = event_get_u64(o, "nsze");
	return json_object_object_get_ex(o, "format", NULL) &&
	       strlen(ids) == 2 * sizeof(ret->ids) && hex_to(ids, ret->ids) == sizeof(ret->ids);
}

bool state_load(struct json_object *o, struct drive_state *ret)
{
	struct json_object *list;

	*ret = (struct drive_state){ 0 };
	if (!o || strcmp(event_type(o), "drive_state"))
		return false;
	snprintf(ret->serial, sizeof(ret->serial), "%.63s", event_get_str(o, "serial"));
	snprintf(ret->model, sizeof(ret->model), "%.63s", event_get_str(o, "model"));
	ret->n_features = (unsigned)length(o, "features", STATE_FEATURES, &list);
	for (unsigned i = 0; i < ret->n_features; i++) {
		struct json_object *f = json_object_array_get_idx(list, i);

		ret->feature[i].fid = (uint8_t)event_get_u64(f, "fid");
		ret->feature[i].known = event_get_bool(f, "known");
		ret->feature[i].value = (uint32_t)event_get_u64(f, "value");
	}
	ret->n_ns = (unsigned)length(o, "namespaces", STATE_NS, &list);
	for (unsigned i = 0; i < ret->n_ns; i++) {
		if (!load_ns(json_object_array_get_idx(list, i), &ret->ns[i]))
			return false;
	}
	ret->n_disks = (unsigned)length(o, "disks", STATE_NS, &list);
	for (unsigned i = 0; i < ret->n_disks; i++) {
		struct json_object *d = json_object_array_get_idx(list, i);

		snprintf(ret->disk[i].name, GUARD_NAME, "%.63s", event_get_str(d, "name"));
		snprintf(ret->disk[i].scheduler, 32, "%.31s", event_get_str(d, "scheduler"));
	}
	return true;
}
