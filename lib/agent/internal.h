/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef AGENT_INTERNAL_H
#define AGENT_INTERNAL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event/event.h"

/* ---- link.c: to the rig outside ---- */

struct link {
	int fd;
	uint64_t alive_ns; /* when the last sign of life went out */
	char line[EVENT_LINE_MAX];
	size_t len;
	struct json_object *job; /* that came, for who takes it */
	bool go;    /* the guest behind is up */
	int signal; /* asked for by the rig and not yet given to the job; 0: none */
};

/* Finds the port among the virtio ports, within 10 s. 0 or -errno. */
int link_open(struct link *l);
/* The path of the port of that name, within 10 s. 0 or -ETIMEDOUT. */
int link_port(const char *name, char *ret_path, size_t size);
/* Takes the object. Waits for the rig to read. */
void link_send(struct link *l, struct json_object *e);
void link_raw(struct link *l, const char *line, size_t n); /* with its newline */
void link_bytes(struct link *l, const char *type, struct json_object *more, const void *data,
		size_t n);
/* A sign of life when one is due. */
void link_alive(struct link *l);
/* Reads what the rig says; a rig that is gone ends the guest. */
void link_hear(struct link *l);

/* ---- child.c: programs in the guest ---- */

struct child {
	pid_t pid; /* leads a group of its own */
	int out, err;
	int status; /* as waitpid(2) has it, once ended */
	bool ended;
};

enum child_from { CHILD_PIPES, CHILD_TERMINAL };

/* 0 or -errno. argv[0] is looked for in PATH. */
int child_start(struct child *c, char *const *argv, enum child_from from);
/* Waits for news of it or of the link, at most until the next sign of life is due. */
void child_step(struct child *c, struct link *l,
		void (*out)(void *ctx, int stream, const char *data, size_t n), void *ctx);
/* Kills what is left of its group, closes its pipes. */
void child_close(struct child *c);
int child_exit_status(const struct child *c); /* 128 + N: by signal N */

/* ---- part.c ---- */

/* Brings all up in order; on the first that fails *ret_failed says why (512 bytes). How many were
 * begun. */
unsigned parts_up(struct link *l, const struct json_object *parts, char *ret_failed);
/* Takes the first n down in reverse. */
void parts_down(struct link *l, const struct json_object *parts, unsigned n);

/* ---- collect.c ---- */

/* Sends every regular file below the directories that the pattern names. */
void collect(struct link *l, const char *pattern);

#endif
