/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by guest.c (its life), guest_image.c (its birth) and guest_hear.c (what it says). */
#ifndef STACK_GUEST_INTERNAL_H
#define STACK_GUEST_INTERNAL_H

#include "stack/console.h"
#include "stack/guest.h"
#include "stack/guest_plug.h"
#include "stack/guest_snap.h"
#include "stack/keeper.h"
#include "stack/served.h"

#define GUEST_PATH     4096
#define GUEST_QEMU_IMG "qemu-img"

struct guest {
	struct stack_config cfg;
	struct guest_ops ops;
	bool temporary; /* dir is nobody's once the rig is gone */
	char dir[GUEST_PATH], program[256], kernel[KERNEL_PATH], engine[64];
	char disk[STACK_NS_MAX][GUEST_PATH];
	const char *accel;
	int initrd_fd, log_fd;
	off_t log_from, console_from;	      /* where what is of this one begins */
	int console_fd, port_fd, terminal_fd; /* our ends */
	struct guest_snap *snap; /* NULL: it boots with its job, and is not kept */
	struct guest_plug *plug; /* NULL: its drive cannot be unplugged */
	struct keeper keeper;
	struct served served; /* the controller, where it is none of QEMU's */
	struct console console;
	char panic[CONSOLE_LINE]; /* its first line about that */
	uint64_t panic_ns, heard_ns;
	bool ready, parts_up;
	bool alive; /* QEMU's guest said something since it was launched */
	bool again; /* it hung at boot, and was begun once more */
	/* the guest that comes up before this one's parts, and goes down after them */
	struct guest *behind;
	char who[STACK_NAME];  /* of the one behind: its name */
	struct guest *front;   /* of the one behind: who hears of it */
	bool told_go;
	uint64_t closing_ns;   /* when the one behind was told to come down; 0: not yet */
	const struct guest *blamed; /* whose console tells why this one ended; NULL: its own */
	/* over the port */
	char *line;
	size_t len;
	bool skipping; /* the line is too long: its rest is junk */
	uint64_t junk, file_bytes;
	bool failed, done;
	int status;
	enum guest_end end;
	char reason[STACK_ERROR];
};

/* Finds the kernel (g->kernel), chooses g->accel and g->snap, writes the image (g->initrd_fd). 0 or
 * -errno with error. */
int guest_make_image(struct guest *g, const struct guest_job *job, char *error);

/*
 * The pair, in guest_pair.c. Start: the one behind, its end of the wire in *ret_link (-1: none is
 * wanted). Look: what became of it, and of this one therefore. May this one be told to have ended?
 */
int guest_pair_start(struct guest *g, const struct guest_job *job, int *ret_link, char *error);
void guest_pair_look(struct guest *g);
bool guest_pair_ended(struct guest *g);

/*
 * One guest of a pair or alone, as guest_start(); front: whom it stands behind, and link: its end of
 * the wire between them; NULL and -1.
 */
int guest_start_one(const struct stack_config *cfg, const struct guest_job *job, const char *dir,
		    const struct guest_ops *ops, struct guest *front, int link, struct guest **ret,
		    char *error);
/* Says in one line what follows is about; g->end is how. */
__attribute__((format(printf, 3, 4))) void guest_end(struct guest *g, enum guest_end how,
						     const char *fmt, ...);
void guest_tell(struct guest *g, const char *line);
/*
 * Starts QEMU; held, link, incoming as in struct guest_files. Again: of what was started before
 * nothing is left, without a terminal and a network. 0 or -errno with error.
 */
int guest_launch(struct guest *g, bool terminal, bool held, int link, const char *incoming,
		 char *error);
int guest_relaunch(struct guest *g, const char *incoming, char *error);

/* Takes n bytes that came over the port. */
void guest_hear(struct guest *g, const char *data, size_t n);

/* The name of a file that a guest sent: may it be one of ours? */
bool guest_file_name(const char *name);

#endif
