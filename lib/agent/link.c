// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "agent/internal.h"
#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"
#include "event/event.h"
#include "stack/protocol.h"

#define PORTS	  "/sys/class/virtio-ports"
#define PORT_WAIT (10 * NS_PER_S)

static bool has_name(const char *port, const char *want)
{
	char path[320], name[64] = "";
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), PORTS "/%s/name", port);
	f = fopen(path, "re");
	if (!f || !fgets(name, sizeof(name), f))
		return false;
	name[strcspn(name, "\n")] = 0;
	return !strcmp(name, want);
}

/* Is its node there? */
static bool find(const char *name, char *ret_path, size_t size)
{
	DIR *d = opendir(PORTS);
	bool found = false;
	struct dirent *e;

	while (d && !found && (e = readdir(d))) {
		if (e->d_name[0] == '.' || !has_name(e->d_name, name))
			continue;
		snprintf(ret_path, size, "/dev/%s", e->d_name);
		found = !access(ret_path, F_OK);
	}
	if (d)
		closedir(d);
	return found;
}

int link_port(const char *name, char *ret_path, size_t size)
{
	uint64_t deadline = clock_mono_ns() + PORT_WAIT;

	while (!find(name, ret_path, size)) {
		if (clock_mono_ns() >= deadline)
			return -ETIMEDOUT;
		usleep(5000);
	}
	return 0;
}

int link_open(struct link *l)
{
	char path[300];
	int err;

	*l = (struct link){ .fd = -1 };
	err = link_port(PROTOCOL_PORT, path, sizeof(path));
	if (err)
		return err;
	l->fd = open(path, O_RDWR | O_CLOEXEC);
	return l->fd < 0 ? -errno : 0;
}

void link_raw(struct link *l, const char *line, size_t n)
{
	bytes_write(l->fd, line, n);
}

void link_send(struct link *l, struct json_object *e)
{
	if (e)
		event_write(l->fd, e);
	json_object_put(e);
	l->alive_ns = clock_mono_ns();
}

void link_bytes(struct link *l, const char *type, struct json_object *more, const void *data,
		size_t n)
{
	_cleanup_free_ char *hex = malloc(2 * n + 1);
	struct json_object *e = event_new(type);

	if (hex && e) {
		hex_from(data, n, hex);
		if (more) {
			json_object_object_foreach (more, key, value)
				json_object_object_add(e, key, json_object_get(value));
		}
		json_object_object_add(e, "hex", json_object_new_string(hex));
		link_send(l, e);
	} else {
		json_object_put(e);
	}
	json_object_put(more);
}

void link_alive(struct link *l)
{
	if (clock_mono_ns() - l->alive_ns >= PROTOCOL_ALIVE_MS * NS_PER_MS)
		link_send(l, event_new("agent.alive"));
}

static void take_line(struct link *l)
{
	struct json_object *e = event_decode(l->line, l->len);
	uint64_t number = event_get_u64(e, "number");

	if (e && !strcmp(event_type(e), "signal") && number > 0 && number < 65)
		l->signal = (int)number;
	if (e && !strcmp(event_type(e), "go"))
		l->go = true;
	if (e && !l->job && !strcmp(event_type(e), "job"))
		l->job = json_object_get(e);
	json_object_put(e);
}

void link_hear(struct link *l)
{
	char data[4096];
	struct pollfd p = { .fd = l->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, 0) <= 0)
		return;
	if (p.revents & POLLHUP)
		reboot(RB_POWER_OFF);
	n = p.revents & POLLIN ? read(l->fd, data, sizeof(data)) : 0;
	for (ssize_t i = 0; i < n; i++) {
		if (data[i] == '\n') {
			take_line(l);
			l->len = 0;
		} else if (l->len < sizeof(l->line)) {
			l->line[l->len++] = data[i];
		}
	}
}
