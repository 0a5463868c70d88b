// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig drive watch`: drives that come and go, as udev (or a kernel without udev) tells of them. */
#include <errno.h>
#include <libudev.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "event/event.h"
#include "rig/drive.h"
#include "rig/plan.h"
#include "rig/stop.h"

#define SETTLE_MS  300 /* without an event: nodes of one drive come one by one */
#define DRIVES_MAX 256

/* What makes a drive the one that it was. */
struct known {
	char name[GUARD_NAME], address[GUARD_NAME + 16], serial[GUARD_NAME], model[GUARD_NAME];
};

struct drives {
	struct known at[DRIVES_MAX];
	unsigned n;
};

struct watch {
	const struct drive_args *args;
	struct udev *udev;
	struct udev_monitor *monitor;
	struct drives *now, *next;
};

/* ---- which there are ---- */

static int collect(void *ctx, const struct guard_drive *d)
{
	struct drives *all = ctx;
	struct known *k = &all->at[all->n];

	if (all->n == DRIVES_MAX)
		return -ENOSPC;
	*k = (struct known){ .name = "" };
	memcpy(k->name, d->name, sizeof(k->name));
	memcpy(k->serial, d->serial, sizeof(k->serial));
	memcpy(k->model, d->model, sizeof(k->model));
	guard_drive_address(d, k->address, sizeof(k->address));
	all->n++;
	return 0;
}

static bool has(const struct drives *all, const struct known *k)
{
	for (unsigned i = 0; i < all->n; i++)
		if (!strcmp(all->at[i].name, k->name) && !strcmp(all->at[i].serial, k->serial) &&
		    !strcmp(all->at[i].model, k->model))
			return true;
	return false;
}

/* ---- telling ---- */

/* Its line of the bench file, read anew: somebody may have adopted it meanwhile. */
static void tell(const struct watch *w, const struct known *k, bool came)
{
	char error[BENCH_FILE_ERROR], now[CLOCK_TEXT];
	struct bench_file file = { .n = 0 };
	const struct bench_drive *line =
		bench_file_load(bench_file_path(), &file, error)
			? NULL
			: bench_file_find(&file, k->serial, k->model);
	struct json_object *o;

	clock_utc_text(now);
	if (!w->args->json) {
		printf("%s %-4s %-12s %-22s %-20s %s\n", now, came ? "came" : "went",
		       line ? line->alias : "-", k->address, k->serial[0] ? k->serial : "-",
		       k->model[0] ? k->model : "-");
	} else {
		o = json_object_new_object();
		event_str(o, "t", now);
		event_str(o, "what", came ? "came" : "went");
		event_str(o, "alias", line ? line->alias : NULL);
		event_str(o, "address", k->address);
		event_str(o, "serial", k->serial);
		event_str(o, "model", k->model);
		event_str(o, "may", line ? harm_name(line->may) : NULL);
		puts(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
		json_object_put(o);
	}
	bench_file_free(&file);
}

/* A drive that was changed for another at the same place went and came. */
static int compare(struct watch *w)
{
	struct drives *was = w->now;

	w->next->n = 0;
	if (guard_drive_each("", collect, w->next) == -ENOMEM)
		return RIG_BROKE;
	for (unsigned i = 0; i < was->n; i++)
		if (!has(w->next, &was->at[i]))
			tell(w, &was->at[i], false);
	for (unsigned i = 0; i < w->next->n; i++)
		if (!has(was, &w->next->at[i]))
			tell(w, &w->next->at[i], true);
	w->now = w->next;
	w->next = was;
	return fflush(stdout) ? RIG_BROKE : RIG_GOOD;
}

/* ---- listening ---- */

/* Where no udevd is at work nobody passes its events on, and the kernel's own are what there is. */
static int listen_to(struct watch *w)
{
	static const char *const subsystems[] = { "block", "nvme", "mmc" };
	bool daemon = !access("/run/udev/control", F_OK);

	w->udev = udev_new();
	w->monitor = w->udev ? udev_monitor_new_from_netlink(w->udev, daemon ? "udev" : "kernel")
			     : NULL;
	if (!w->monitor)
		return -ENOTSUP;
	for (size_t i = 0; i < ARRAY_SIZE(subsystems); i++)
		udev_monitor_filter_add_match_subsystem_devtype(w->monitor, subsystems[i], NULL);
	return udev_monitor_enable_receiving(w->monitor);
}

static bool drain(struct watch *w)
{
	struct udev_device *d;
	bool any = false;

	while ((d = udev_monitor_receive_device(w->monitor))) {
		udev_device_unref(d);
		any = true;
	}
	return any;
}

static int loop(struct watch *w, struct stop *stop)
{
	struct pollfd p[] = { { .fd = udev_monitor_get_fd(w->monitor), .events = POLLIN },
			      { .fd = stop_fd(stop), .events = POLLIN } };
	int status = RIG_GOOD;
	bool news = true; /* what there is now came before */

	while (status == RIG_GOOD && !stop_asked(stop)) {
		int n = poll(p, 2, news ? SETTLE_MS : -1);

		if (n < 0 && errno != EINTR)
			return RIG_BROKE;
		if (n > 0 && p[0].revents)
			news = drain(w) || news;
		if (!n && news) {
			status = compare(w);
			news = false;
		}
	}
	return status;
}

int drive_watch(const struct drive_args *a)
{
	struct watch w = { .args = a,
			   .now = calloc(1, sizeof(*w.now)),
			   .next = calloc(1, sizeof(*w.next)) };
	struct stop stop;
	int err = stop_listen(&stop), status = RIG_BROKE;

	if (!err)
		err = w.now && w.next ? listen_to(&w) : -ENOMEM;
	if (err)
		fprintf(stderr, "nvrig drive: what comes and goes is not told here: %s\n",
			strerror(-err));
	else
		status = loop(&w, &stop);
	udev_monitor_unref(w.monitor);
	udev_unref(w.udev);
	free(w.now);
	free(w.next);
	stop_close(&stop);
	return status;
}
