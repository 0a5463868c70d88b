// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest_snap.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/hex.h"
#include "event/event.h"
#include "stack/guest_argv.h"
#include "stack/guest_internal.h"
#include "stack/guest_states.h"
#include "stack/protocol.h"
#include "stack/qmp.h"

#define RESTORE_NS (15 * NS_PER_S) /* until a guest that is restored gives a sign of life */
#define SAVE_NS	   (30 * NS_PER_S)
#define ANSWER_NS  (10 * NS_PER_S)
#define TELL_NS	   (10 * NS_PER_S) /* for the guest to take its job */

enum at { RESTORING, BOOTING, SAVING, GOING_ON, PLUGGING, TOLD };

struct guest_snap {
	enum at at;
	struct json_object *job;
	char path[STATES_PATH], part[STATES_PATH];
	int lock_fd;
	uint64_t until_ns;
	bool asked;
};

const char *guest_snap_lacks(const struct stack_config *cfg, const struct guest_job *job,
			     const char *accel)
{
	const char *said = getenv(GUEST_SNAP_ENV);

	if (!cfg->snapshot || (said && !strcmp(said, "no")))
		return "";
	if (strcmp(accel, "tcg"))
		return "under KVM a boot is as fast";
	if (cfg->network || job->behind)
		return "it has a network with another guest";
	if (cfg->serve[0] || (cfg->n_ns && !cfg->hotplug))
		return "its drive cannot be plugged in later (hotplug)";
	if (!job->argv)
		return "it has a terminal";
	return job->once ? "its image is of this run alone" : NULL;
}

struct guest_snap *guest_snap_new(void)
{
	struct guest_snap *s = calloc(1, sizeof(*s));

	if (s)
		s->lock_fd = -1;
	return s;
}

static void drop_lock(struct guest_snap *s)
{
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	s->lock_fd = -1;
}

void guest_snap_free(struct guest_snap *s)
{
	if (!s)
		return;
	if (s->part[0])
		unlink(s->part);
	drop_lock(s);
	json_object_put(s->job);
	free(s);
}

int guest_snap_take_job(struct guest_snap *s, struct json_object *job)
{
	s->job = json_object_get(job);
	return s->job ? 0 : -ENOMEM;
}

/* ---- its name ---- */

/* The command line as it would be of any guest like it: no descriptor, no path of this run. */
static int name_state(struct guest *g)
{
	struct guest_files f = { .program = g->program,
				 .accel = g->accel,
				 .kernel = g->kernel,
				 .initrd = "",
				 .served = "",
				 .terminal = -1,
				 .link = -1,
				 .ask = g->cfg.hotplug ? 0 : -1,
				 .bare = true };
	char **argv;
	int err;

	for (unsigned i = 0; i < g->cfg.n_ns; i++)
		f.disk[i] = "";
	argv = guest_argv(&g->cfg, &f);
	if (!argv)
		return -ENOMEM;
	err = states_path(g->program, g->engine, argv, g->initrd_fd, g->snap->path);
	qemu_free(argv);
	return err;
}

int guest_snap_start(struct guest *g, char *error)
{
	struct guest_snap *s = g->snap;
	char quoted[2 * STATES_PATH];

	s->at = BOOTING;
	if (name_state(g) || states_quote(s->path, quoted, sizeof(quoted)))
		s->path[0] = 0; /* it boots, and is not kept */
	if (s->path[0] && states_use(s->path)) {
		s->at = RESTORING;
		s->until_ns = clock_mono_ns() + RESTORE_NS;
	}
	return guest_relaunch(g, s->at == RESTORING ? quoted : NULL, error);
}

/* ---- the job ---- */

static void add_time(struct json_object *job)
{
	uint8_t random[PROTOCOL_ENTROPY];
	char hex[2 * sizeof(random) + 1];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	event_u64(job, "clock_ns", (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return;
	hex_from(random, sizeof(random), hex);
	event_str(job, "entropy", hex);
}

/* Whole, or the guest does not go on and is told to be silent. */
static void tell_job(struct guest *g)
{
	const char *text;
	uint64_t until = clock_mono_ns() + TELL_NS;
	size_t len, done = 0;

	add_time(g->snap->job);
	text = json_object_to_json_string_ext(g->snap->job, JSON_C_TO_STRING_PLAIN);
	len = text ? strlen(text) : 0;
	while (done <= len && g->port_fd >= 0 && clock_mono_ns() < until) {
		struct pollfd p = { .fd = g->port_fd, .events = POLLOUT };
		ssize_t n = done < len ? send(g->port_fd, text + done, len - done,
					      MSG_NOSIGNAL | MSG_DONTWAIT)
				       : send(g->port_fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);

		done += n > 0 ? (size_t)n : 0;
		if (n <= 0)
			poll(&p, 1, 50);
	}
	g->snap->at = TOLD;
}

static void give_job(struct guest *g)
{
	if (!g->cfg.hotplug) {
		tell_job(g);
		return;
	}
	g->snap->at = PLUGGING;
	guest_plug_insert(g->plug);
}

/* ---- to keep it ---- */

void guest_snap_say(struct guest *g, const char *state, const char *text)
{
	if (g->ops.part)
		g->ops.part(g->ops.ctx, "snapshot", state, text);
}

static void went_on(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct guest *g = ctx;

	(void)value;
	if (end != QMP_OK)
		guest_end(g, GUEST_DIED, "QEMU did not let the guest go on after it was kept: %s",
			  text);
	else
		give_job(g);
}

/* Kept or not, the guest goes on. */
static void go_on(struct guest *g, const char *why)
{
	struct guest_snap *s = g->snap;

	if (!why && states_keep(s->part, s->path))
		why = strerror(errno);
	if (why)
		unlink(s->part);
	guest_snap_say(g, why ? "not kept" : "kept", why ? why : s->path);
	s->part[0] = 0;
	drop_lock(s);
	s->at = GOING_ON;
	if (qmp_ask(guest_plug_qmp(g->plug), "cont", NULL, ANSWER_NS, went_on, g))
		went_on(g, QMP_GONE, NULL, "its monitor takes nothing");
}

static void hear_migrate(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct guest *g = ctx;
	struct json_object *status = NULL;
	const char *word;

	g->snap->asked = false;
	if (g->snap->at != SAVING)
		return;
	if (end != QMP_OK) {
		go_on(g, text);
		return;
	}
	json_object_object_get_ex(value, "status", &status);
	word = status ? json_object_get_string(status) : "";
	if (!strcmp(word, "completed"))
		go_on(g, NULL);
	else if (!strcmp(word, "failed") || !strcmp(word, "cancelled"))
		go_on(g, "QEMU could not save it");
}

static void saving(void *ctx, enum qmp_end end, struct json_object *value, const char *text)
{
	struct guest *g = ctx;

	(void)value;
	if (end != QMP_OK && g->snap->at == SAVING)
		go_on(g, text);
}

static struct json_object *argument(const char *key, struct json_object *value)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, key, value);
	return o;
}

/* The guest has booted and waits for its job. */
static void keep(struct guest *g)
{
	struct guest_snap *s = g->snap;
	struct qmp *q = guest_plug_qmp(g->plug);
	char uri[2 * STATES_PATH + 16] = "exec:cat >";

	if (!s->path[0] || states_begin(s->path, s->part, &s->lock_fd) ||
	    states_quote(s->part, uri + strlen(uri), sizeof(uri) - strlen(uri))) {
		give_job(g); /* somebody else keeps one */
		return;
	}
	s->at = SAVING;
	s->until_ns = clock_mono_ns() + SAVE_NS;
	qmp_ask(q, "migrate-set-parameters", argument("max-bandwidth", json_object_new_int64(1ll << 40)),
		ANSWER_NS, NULL, NULL);
	if (qmp_ask(q, "migrate", argument("uri", json_object_new_string(uri)), ANSWER_NS, saving, g))
		go_on(g, "its monitor takes nothing");
}

static void look_at_saving(struct guest *g)
{
	struct guest_snap *s = g->snap;

	if (clock_mono_ns() >= s->until_ns)
		go_on(g, "it took too long");
	else if (!s->asked && !qmp_ask(guest_plug_qmp(g->plug), "query-migrate", NULL, ANSWER_NS,
				       hear_migrate, g))
		s->asked = true;
}

/* ---- step by step ---- */

/* It did not wake up, or QEMU would not have it: it boots, and the state goes. */
static bool begin_anew(struct guest *g)
{
	char error[STACK_ERROR];

	guest_snap_say(g, "broken", "the state that was kept did not come to life: it is deleted, and the guest boots");
	unlink(g->snap->path);
	g->snap->at = BOOTING;
	if (guest_relaunch(g, NULL, error))
		guest_end(g, GUEST_DIED, "%.400s", error);
	return true;
}

bool guest_snap_boots(const struct guest_snap *s)
{
	return s->at == BOOTING;
}

bool guest_snap_told(const struct guest_snap *s)
{
	return s->at == TOLD;
}

bool guest_snap_step(struct guest *g, bool ended)
{
	struct guest_snap *s = g->snap;

	if (s->at == RESTORING && g->alive) {
		guest_snap_say(g, "restored", s->path);
		give_job(g);
	} else if (s->at == RESTORING && (ended || clock_mono_ns() >= s->until_ns)) {
		return begin_anew(g);
	} else if (s->at == BOOTING && g->alive) {
		keep(g);
	} else if (s->at == SAVING && !ended) {
		look_at_saving(g);
	} else if (s->at == PLUGGING) {
		int in = guest_plug_inserted(g->plug);

		if (in > 0)
			tell_job(g);
		else if (in < 0)
			guest_end(g, GUEST_DIED, "QEMU did not plug the drive in");
	}
	return false;
}
