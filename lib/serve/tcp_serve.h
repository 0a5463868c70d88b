/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of the NVMe/TCP target share: a connection is one queue, an association is a
 * host's connections to one controller. One thread serves them all, and nobody waits for a host:
 * what cannot be sent is kept, what does not come in time ends its connection.
 */
#ifndef SERVE_TCP_SERVE_H
#define SERVE_TCP_SERVE_H

#include <poll.h>

#include "model/fault.h"
#include "model/model.h"
#include "serve/serve.h"
#include "serve/tcp_device.h"
#include "spec/status.h"
#include "tcp/fabrics.h"
#include "tcp/link.h"

#define R2T_MAX	       (128u << 10) /* of data that are asked for at a time */
#define MAXH2CDATA     (16u << 10)  /* less than that: hosts have to cut what they give */
#define C2H_CHUNK      (128u << 10) /* of data in a C2HData */
#define PENDING_MAX    (4u << 20) /* bytes not read by a host, beyond which it is not listened to */
#define CONNS_MAX      512u
#define DISCOVERY_AERS 4u
#define DEVICES_MAX    64u

struct tserve;
struct tassoc;

enum tcmd_state {
	TCMD_DATA,  /* its data are on their way */
	TCMD_READY, /* its turn comes when those before it have gone */
	TCMD_GONE,  /* with the controller */
	TCMD_OURS,  /* being run here */
};

/* A command from its capsule to its response. */
struct tcmd {
	struct tcmd *next;
	struct sqe sqe; /* as it came */
	enum tcmd_state state;
	unsigned direction;  /* sqe_direction() */
	uint32_t len;	     /* of its data, as SGL1 says */
	uint32_t got, asked; /* of data to the controller: bytes that came, that were asked for */
	int buf;	     /* of the device; -1: none */
	uint8_t *own;	     /* data of a command that the model does not see */
	bool bad_data;	     /* a data digest did not fit */
	uint16_t status;     /* found wrong before it began; SC_SUCCESS: not */
	uint16_t ttag;
};

struct tconn {
	struct tconn *next;
	struct tserve *s;
	struct tcp_link link;
	struct tassoc *a; /* NULL: no Connect yet */
	unsigned number;
	uint16_t qid;
	uint32_t entries;
	bool live;	   /* the queue exists */
	bool no_sqhd;	   /* SQ flow control is off */
	bool closing;	   /* nothing is listened to any more */
	bool ends;	   /* it goes once all is sent */
	bool dead;	   /* nothing can be sent */
	bool fatal_digest; /* by fault: a wrong data digest is a fatal error */
	uint64_t begun_ns; /* when it came, or of the PDU that has begun and not ended; 0: none */
	uint64_t sent_ns;  /* when the host last took something */
	uint64_t greet_ns; /* when it came */
	struct tcmd *first, **last;
	unsigned n_cmds;
	uint32_t taken; /* capsules that have left the submission queue, with no device */
	uint32_t put;	/* likewise given to the device, of which some wait there */
	uint16_t next_ttag;
	uint64_t capsules, errors;
	const char *reason;
};

/* A controller, and with `fresh` whose it is: that host finds it again as it left it. */
struct tdevice {
	struct tdevice *next;
	struct tdev d;
	uint16_t cntlid;
	bool taken;	  /* by an association */
	uint64_t left_ns; /* when the last one ended */
	uint8_t hostid[16];
	char hostnqn[NQN_BYTES];
};

struct tassoc {
	struct tassoc *next;
	struct tserve *s;
	struct tconn *conn[TDEV_QUEUES];
	struct tdevice *device; /* NULL: of the discovery service */
	struct tdev *d;		/* its */
	uint16_t cntlid;
	uint8_t cattr;
	bool was_reset; /* CC.EN was cleared */
	bool is_cut;	/* by fault: without a connection it goes on */
	struct connect_data who;
	/* of the discovery service */
	uint32_t cc, csts, kato_ms, aec;
	uint64_t alive_ns; /* when it was last kept alive */
};

#define TFAULT(s, name) model_has_fault((s)->first->d.m, FAULT_##name)

struct tserve {
	struct serve_options o;
	int sock, stop_fd;
	char where[96]; /* "127.0.0.1:4420" */
	struct tdevice
		*first; /* made at the start; with `fresh` nobody's, but its faults are all's */
	struct tdevice *devices; /* without `fresh` one */
	unsigned n_devices;
	struct tconn *conns;
	struct tassoc *assocs;
	unsigned n_conns, clients;
	uint16_t last_cntlid;
	bool all_fatal; /* by fault: what ended one connection ends all */
	uint64_t messages;
	serve_tell *tell;
	void *ctx;
	struct pollfd poll[CONNS_MAX + 2];
};

/* ---- tcp_serve.c: whose turn it is ---- */

/* A connection more, on a connected socket, which is its. NULL: no memory, and it is closed. */
struct tconn *tserve_seat(struct tserve *s, int fd);
/* Hears whom s->poll, from its third on, says to have said something; lets the devices work; ends
 * who is late. */
void tserve_round(struct tserve *s);

/* ---- tcp_conn.c: PDUs ---- */

/* All that can be heard and said now. */
void tconn_hear(struct tconn *c);
void tconn_flush(struct tconn *c);
/* Ends for a breach of the rules: C2HTermReq, and no more is listened to. */
void tconn_fatal(struct tconn *c, enum tcp_fes fes, uint32_t fei);
/* No more is listened to; it is closed once everything is sent. */
void tconn_end(struct tconn *c, const char *reason);
/* Asks for the next piece of a command's data. */
void tconn_ask(struct tconn *c, struct tcmd *t);
void tconn_answer(struct tconn *c, const struct cqe *e);
void tconn_respond(struct tconn *c, struct tcmd *t, struct cqe *e, const void *data, size_t len);

/* ---- tcp_cmd.c: commands ---- */

void tcmd_begin(struct tconn *c, const struct tcp_pdu *pdu);
/* The one that such data are for; NULL: there is none. */
struct tcmd *tcmd_find(struct tconn *c, uint16_t cid, bool wants_data);
/* Where the data lie while they come. */
uint8_t *tcmd_data(struct tconn *c, struct tcmd *t);
/* Gives what is ready its turn, and takes what is complete. */
void tcmd_pump(struct tconn *c);
void tcmd_drop_all(struct tconn *c);
void tcmd_drop_gone(struct tconn *c); /* those that the controller had */
/* Of a command that came too early: before Connect, or with CC.EN = 0. */
uint16_t tcmd_early_status(const struct tconn *c);
/* Completes it here: dw is dword 0 and 1. It is gone afterwards. */
void tcmd_complete(struct tconn *c, struct tcmd *t, uint16_t status, uint64_t dw, const void *data,
		   size_t len);

/* ---- tcp_fabrics.c, tcp_connect.c: Fabrics commands ---- */

void fabrics_run(struct tconn *c, struct tcmd *t);
void connect_run(struct tconn *c, struct tcmd *t);

/* ---- tcp_assoc.c: associations and controllers ---- */

/* With that controller, which is then taken; NULL: of the discovery service. NULL: no memory. */
struct tassoc *assoc_new(struct tserve *s, struct tdevice *v);
void assoc_free(struct tassoc *a);
/* Of several with that identifier, which with `fresh` there are, the host's own. */
struct tassoc *assoc_find(struct tserve *s, uint16_t cntlid, const struct connect_data *who);
/* A connection's queue and commands go. */
void assoc_let_go(struct tconn *c);
/* A connection goes, and with it what depends on it. */
void assoc_lost(struct tconn *c);
/* The controller was reset: its I/O queues are gone. */
void assoc_was_reset(struct tassoc *a);
void assoc_pump(struct tassoc *a);
void assoc_end(struct tassoc *a, const char *reason);

/* A controller more. 0, or -errno and why (256 bytes). */
int device_add(struct tserve *s, const struct connect_data *who, struct tdevice **ret, char *error);
/* That host's; NULL: there is no room for one more. */
struct tdevice *device_find(struct tserve *s, const struct connect_data *who);
/* Has somebody that device, who has not hung up? */
bool device_is_taken(struct tserve *s, const struct tdevice *v);
void device_forget_all(struct tserve *s);
void device_free(struct tdevice *v);

/* ---- tcp_discovery.c: the discovery controller ---- */

void discovery_run(struct tconn *c, struct tcmd *t);
int discovery_property_get(struct tassoc *a, uint32_t off, unsigned width, uint64_t *ret);
int discovery_property_set(struct tassoc *a, uint32_t off, unsigned width, uint64_t value);
bool discovery_is_dead(const struct tassoc *a, uint64_t now_ns);

#endif
