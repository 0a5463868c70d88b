/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model as a vfio-user server on one socket. A client that breaks the protocol gets an error or
 * is hung up on; the next one is served. There is one device, so clients have it one after another;
 * with `fresh` each has a device and a thread of its own, side by side.
 *
 * Time. The device's clock follows the real one from access to access and while nothing happens.
 * With `step` it stands still for a client that knows the word (the version text's "nvrig"): it
 * moves by accesses and by what that client lets pass, as in the process of the tester, so that
 * waiting costs nothing and verdicts do not depend on the machine. Other clients get real time.
 */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

#include <stdbool.h>
#include <stdint.h>

#define SERVE_CLIENTS_MAX 64u /* at a time, with `fresh`; more wait */

struct serve;

struct serve_options {
	const char *socket; /* made, mode 0600; one that nobody serves any more is replaced */
	const char *tcp;    /* instead: "ADDR:PORT", for serve/tcp_target.h */
	const char *model;  /* options as behind "model:" */
	bool by_message; /* reach the client's memory by messages alone, never by its descriptors */
	bool map_doorbells; /* the client may store them itself; else every one is a message */
	bool step;	    /* offer the stepped clock */
	bool fresh;	    /* every client has a device of its own, as it was made */
	bool is_static;	    /* over TCP: the static controller model, of one controller */
};

enum serve_kind {
	SERVE_READY,  /* listening */
	SERVE_CLIENT, /* one has come */
	SERVE_GONE,   /* and gone; reason says how */
	SERVE_END,    /* no longer listening */
};

struct serve_event {
	enum serve_kind kind;
	unsigned client;   /* counted from 1 */
	uint64_t messages; /* handled of this client, or of all at the end */
	uint64_t errors;   /* of those, answered with an error */
	const char *reason;
};

/* Never called twice at a time; from any thread. */
typedef void serve_tell(void *ctx, const struct serve_event *e);

/*
 * Listens. 0, or -errno and why (256 bytes): -EADDRINUSE somebody serves there, -EEXIST no socket
 * is at that path but something else, -ENAMETOOLONG, -EINVAL a wrong option.
 */
int serve_open(struct serve **ret, const struct serve_options *o, char *error);
/* Serves until stop_fd is readable. 0, or -errno of the listening socket. */
int serve_run(struct serve *s, int stop_fd, serve_tell *tell, void *ctx);
void serve_close(struct serve *s); /* and removes the socket, if it is still ours */

#endif
