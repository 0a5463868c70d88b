// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest boots from: its kernel, and an image with its job. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/capture.h"
#include "stack/accel.h"
#include "stack/guest_internal.h"
#include "stack/guest_job.h"
#include "stack/protocol.h"
#include "stack/qemu.h"

static void describe_image(const struct stack_config *cfg, struct image *i,
			   const char *modules[STACK_WORDS_MAX],
			   const char *programs[STACK_WORDS_MAX],
			   const char *extras[STACK_WORDS_MAX])
{
	for (unsigned n = 0; n < cfg->modules.n; n++)
		modules[n] = cfg->modules.word[n];
	for (unsigned n = 0; n < cfg->programs.n; n++)
		programs[n] = cfg->programs.word[n];
	for (unsigned n = 0; n < cfg->extras.n; n++)
		extras[n] = cfg->extras.word[n];
	*i = (struct image){ .modules = modules,
			     .programs = programs,
			     .extras = extras,
			     .n_modules = cfg->modules.n,
			     .n_programs = cfg->programs.n,
			     .n_extras = cfg->extras.n };
}

static int write_image(struct guest *g, const struct guest_job *job, const struct kernel *k,
		       const char *text, char *error)
{
	const char *words[3][STACK_WORDS_MAX];
	struct image_file *files = calloc(job->n_files + 1, sizeof(*files));
	char self[GUEST_PATH] = "";
	struct image i;
	int err = -ENOMEM;

	describe_image(&g->cfg, &i, words[0], words[1], words[2]);
	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		self[0] = 0;
	i.rig = job->rig ? job->rig : self;
	i.files = files;
	i.n_files = job->n_files + !g->snap;
	if (files) {
		if (job->n_files)
			memcpy(files, job->files, job->n_files * sizeof(*files));
		if (!g->snap)
			files[job->n_files] = (struct image_file){ .path = PROTOCOL_JOB,
							   .data = text,
							   .size = strlen(text) };
		err = image_write(&i, k, g->initrd_fd, error);
	}
	free(files);
	return err;
}

static int no_memory(char *error)
{
	snprintf(error, STACK_ERROR, "no memory for the guest's image");
	return -ENOMEM;
}

/* With which accelerator, and whether it may be kept, which is an image without a job. */
static int choose_start(struct guest *g, const struct guest_job *job, char *error)
{
	const char *lacks;

	g->accel = accel_choose(g->program, g->kernel, g->cfg.accel);
	lacks = guest_snap_lacks(&g->cfg, job, g->accel);
	if (lacks && *lacks)
		guest_snap_say(g, "not kept", lacks);
	if (lacks)
		return 0;
	g->snap = guest_snap_new();
	return g->snap ? 0 : no_memory(error);
}

int guest_make_image(struct guest *g, const struct guest_job *job, char *error)
{
	struct json_object *o = guest_job_object(&g->cfg, job);
	const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	struct kernel k;
	int err = kernel_find(&k, error);

	if (!err)
		err = kernel_unpacked(&k, g->kernel, sizeof(g->kernel), error);
	if (!err)
		err = choose_start(g, job, error);
	g->initrd_fd = err ? -1 : memfd_create("rig-initrd", MFD_CLOEXEC);
	if (!err && (g->initrd_fd < 0 || !text))
		err = no_memory(error);
	if (!err && g->snap)
		err = guest_snap_take_job(g->snap, o) ? no_memory(error) : 0;
	if (!err)
		err = write_image(g, job, &k, text, error);
	json_object_put(o);
	return err;
}

/* What it wants of this machine beyond QEMU and its image. NULL or error. */
static const char *machine_lacks(const struct stack_config *cfg, char *error)
{
	char path[256];

	for (unsigned i = 0; i < cfg->nodes.n; i++) {
		if (!access(cfg->nodes.word[i], R_OK | W_OK))
			continue;
		snprintf(error, STACK_ERROR, "%.80s: %s%s%s", cfg->nodes.word[i], strerror(errno),
			 cfg->without[0] ? ": " : "", cfg->without);
		return error;
	}
	if (strcmp(cfg->format, "qcow2") || !capture_find(GUEST_QEMU_IMG, path, sizeof(path)))
		return NULL;
	snprintf(error, STACK_ERROR,
		 GUEST_QEMU_IMG " is not installed; on Debian: apt-get install qemu-utils");
	return error;
}

static const char *no_device(const struct stack_config *cfg, const char *program, char *error)
{
	if (cfg->serve[0] && qemu_has_device(program, SERVED_DEVICE, error))
		return error;
	for (unsigned i = 0; i < cfg->devices.n; i++)
		if (qemu_has_device(program, cfg->devices.word[i], error))
			return error;
	return NULL;
}

static const char *too_old(const struct stack_config *cfg, const struct qemu_version *v,
			   char *error)
{
	if (!cfg->network || v->major > 7 || (v->major == 7 && v->minor >= 2))
		return NULL;
	snprintf(error, STACK_ERROR, "QEMU %u.%u has no network by a socket (-netdev stream): 7.2 "
		 "or later is needed", v->major, v->minor);
	return error;
}

const char *guest_lacks(const struct stack_config *cfg)
{
	static char error[STACK_ERROR];
	const char *words[3][STACK_WORDS_MAX];
	struct qemu_version version;
	struct image i;
	char path[256];

	describe_image(cfg, &i, words[0], words[1], words[2]);
	if (machine_lacks(cfg, error) ||
	    qemu_find(cfg->binary, path, sizeof(path), &version, error) ||
	    too_old(cfg, &version, error) || no_device(cfg, path, error) || (cfg->n_ns && qemu_offers(path, cfg, error)) || image_lacks(&i, error))
		return error;
	return NULL;
}
