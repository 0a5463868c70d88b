/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A virtual machine that boots in seconds, in which this same program does a job: stacks of kind
 * "guest". Everything it says is hostile: bounded, and checked before it means anything. It dies
 * with its parent, also when that is killed.
 */
#ifndef STACK_GUEST_H
#define STACK_GUEST_H

#include <json-c/json.h>

#include "image/image.h"
#include "stack/stack.h"


struct guest_job {
	const char *const *argv; /* NULL-terminated; NULL: a shell on its terminal */
	bool events;		 /* what it writes to stdout are the events of a run */
	const char *collect;	 /* a directory in the guest whose files are wanted, or NULL */
	const char *rig;	 /* the program that is the agent: NULL: this one */
	/* The guest that comes up first on a network with this one and goes down last, its part and
	 * findings told as this one's; NULL: none. Its end ends this one. */
	const struct stack_config *behind;
	const struct image_file *files;
	unsigned n_files;
	bool temporary; /* its directory goes with the rig, also when that is killed */
	bool once; /* its files are of this run alone: the guest is not kept */
	unsigned rows, columns; /* of the terminal */
	const char *term;
};

/* Any may be NULL. Strings and objects are the guest's and end with the call. */
struct guest_ops {
	void *ctx;
	void (*up)(void *ctx, const char *kernel);
	void (*part)(void *ctx, const char *name, const char *state, const char *text);
	void (*event)(void *ctx, struct json_object *e);
	void (*output)(void *ctx, int stream, const void *data, size_t n);
	void (*terminal)(void *ctx, const void *data, size_t n);
	/* name: relative, without . and .. and of letters that names have; a piece of it */
	void (*file)(void *ctx, const char *name, const void *data, size_t n);
	void (*finding)(void *ctx, const char *line); /* of its kernel, see console.h */
	void (*junk)(void *ctx, size_t bytes); /* came over the port and was no line of ours */
};

enum guest_end {
	GUEST_RUNS,
	GUEST_DONE,   /* with a status */
	GUEST_FAILED, /* the agent could not do the job: a part did not come up, no such program */
	GUEST_PANIC,
	GUEST_SILENT, /* no sign of life */
	GUEST_DIED,   /* QEMU ended, also that of the guest behind */
	GUEST_FLOOD,  /* more noise over the port than anybody needs */
};

struct guest;

/*
 * Builds the image, starts QEMU; returns before the guest is up. dir: for disks, logs and the
 * console, kept there as rig-console.log. 0, or -errno with error (STACK_ERROR bytes).
 */
int guest_start(const struct stack_config *cfg, const struct guest_job *job, const char *dir,
		const struct guest_ops *ops, struct guest **ret, char *error);

/* Waits for news, or for other_fd (-1: none) to be readable, at most 200 ms, and hands them out. */
enum guest_end guest_step(struct guest *g, int other_fd);

/* How it ended, in a sentence; "" after GUEST_DONE. */
const char *guest_reason(const struct guest *g);
int guest_status(const struct guest *g);	 /* exit status of the job; 128 + N: by signal N */
const char *guest_engine(const struct guest *g); /* "QEMU 7.2.22" */
const char *guest_accel(const struct guest *g);	 /* "tcg", "kvm" */
/* The end of what was kept of its console. */
void guest_console_tail(const struct guest *g, char *text, size_t size);

/* For the job in it; what cannot be sent now is not sent. */
void guest_signal(struct guest *g, int signal);
void guest_type(struct guest *g, const void *data, size_t n);

/* Ends it and frees; NULL is fine. The disks go, the logs stay. */
void guest_stop(struct guest *g);

/* As stack_lacks(), for a stack of kind "guest". */
const char *guest_lacks(const struct stack_config *cfg);

#endif
