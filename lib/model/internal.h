/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rooms of the model and the doors between them. Each subject keeps its own state in its own
 * struct; struct model holds them. model-core (model.c regs.c queue.c engine.c pci.c irq.c data.c
 * prp.c sgl.c event.c reset.c) on one side, subsystem (identify.c feature.c log.c media.c nvm.c
 * dbbuf.c) on the other.
 */
#ifndef MODEL_INTERNAL_H
#define MODEL_INTERNAL_H

#include "base/endian.h"
#include "model/fault.h"
#include "model/model.h"
#include "spec/status.h"
#include "spec/wire.h"

/* Is this fault switched on? The one question by which wrong behaviour comes in. */
#define FAULT(m, name) fault_is_on((m)->fault, FAULT_##name)

/* Identifiers of the PCI header; Identify Controller VID and SSVID say the same. */
#define MODEL_PCI_VID	0x4e56u
#define MODEL_PCI_DID	0x2000u
#define MODEL_PCI_SSVID 0x4e56u
#define MODEL_PCI_SSID	0x0001u

struct model_core; /* registers, queues, engine: core.h */
struct model_pci;
struct model_irq;
struct model_cmb;
struct model_pmr;
struct model_events;
struct model_features; /* feature.c */
struct model_logs;
struct model_media;
struct model_dbbuf;
struct model_resv;
struct model_firmware;
struct model_selftest;
struct model_sanitize;
struct model_directives;
struct model_virt;
struct model_ana;

/* What the options set; defaults, limits and the names of the keys are in option.c. */
struct model_opt {
	unsigned cqr;	   /* CAP.CQR; 0: queues may be in pieces */
	unsigned mqes;	   /* CAP.MQES, 0's based */
	unsigned nsq, ncq; /* I/O queues allocated at most, 1-based */
	unsigned mdts;	   /* exponent */
	unsigned mpsmax;   /* CAP.MPSMAX */
	unsigned dstrd;
	unsigned kas;	      /* Keep Alive Support, in 100 ms; 0: none */
	unsigned vectors;     /* MSI-X messages */
	unsigned controllers; /* of the subsystem */
	unsigned secondary;   /* the second controller is a secondary one of the first */
	unsigned rescap;      /* Identify Namespace RESCAP, where oncs claims reservations */
	unsigned ana;	      /* Asymmetric Namespace Access Reporting */
	unsigned private_ns;  /* of the namespaces: those that one controller alone has */
	unsigned ns;	      /* namespaces: 512 and 4096 bytes in turn */
	unsigned nn;	      /* Identify Controller NN; 0: two more than there are */
	uint64_t ns_bytes;    /* of each, sparse */
	uint64_t capacity;    /* bytes of the subsystem, TNVMCAP; 0: the namespaces' and 128 MiB */
	unsigned nabsn, nabo; /* atomic boundaries of every namespace, in blocks; nabsn 0: none */
	unsigned dae;	      /* NSFEAT bit 2: a block that holds nothing can be an error */
	unsigned sanicap, sanfail;     /* Sanitize; bit n: operations of SANACT n fail */
	unsigned mnan, maxdna, maxcna; /* most: namespaces, attachments in all, of one; 0: any */
	uint32_t vs;
	char store[256];		/* file, "" for RAM */
	unsigned aerl, acl, elpe, npss; /* 0's based */
	unsigned oacs, oncs, fuses, vwc, lpa, ctratt, oaes;
	unsigned frmw, fwug;	      /* with Firmware Commit; fwug in 4 KiB, 0 and FFh: any */
	unsigned bps;		      /* Boot Partitions */
	unsigned msl;		      /* streams of the subsystem; 0: no Streams Directive */
	unsigned sgls;		      /* Identify Controller SGLS; metadata apart */
	unsigned cmb, cmbuse, cmbloc; /* bytes (0: none), CMBSZ 4:0, CMBLOC 8:3 */
	unsigned pmr;		      /* bytes; 0: none */
	unsigned wrr, intx;	      /* weighted round robin; a pin to interrupt by */
	unsigned wzsl, wusl;	      /* NVM CS Identify Controller (CNS 06h), exponents */
	/* Features that are there (1) or not: 0Ch, 0Dh, 10h, 16h, 19h, 81h, 84h, C0h */
	unsigned apsta, hmb, hctma, hbs, iocss, hostid, nwpc, vendor;
	unsigned fna;	  /* Format NVM Attributes */
	unsigned meta;	  /* LBA formats with metadata, and protection information */
	unsigned dlguard; /* DLFEAT bit 4: the guard of deallocated blocks is their CRC */
	char shapes[256]; /* of the first namespaces, "" for plain ones: shape.h */
	/* Zoned namespaces beside the others: how many, blocks and capacity of a zone, limits (0:
	 * none), Zone Descriptor Extension in 64 bytes, Zone Append and its limit, reads across
	 * zones, whether one zone is Read Only and one Offline */
	unsigned zns, zsze, zcap, mar, mor, zdes, zasl, append, ozcs, zro, zoff;
	unsigned node; /* what the block node beside it has: target/model_node.h */
	unsigned emmc; /* what the card beside it has: card/card.h */
};

struct model_preset; /* preset.c */

#define OPTION_KEYS_MAX 128

#define CONTROLLERS_MAX 2u

/*
 * The NVM subsystem: what its controllers share. Each of them is a struct model; the first one made
 * the subsystem and ends it. Rooms that are shared have a pointer in every controller.
 */
struct model_subsystem {
	uint64_t now; /* ns since power-on of the model process */
	struct model *ctrl[CONTROLLERS_MAX];
	unsigned n;
	bool busy;	    /* in core_tick */
	unsigned mastering; /* a controller is on the bus */
};

/* A controller: what is its own, registers, queues, PCI, MSI-X, events, features, logs, dbbuf. */
struct model {
	bool fault[FAULT_COUNT];
	bool bent;	       /* one of them is a bend: bend.h */
	bool message_based;    /* fabrics.h */
	bool is_static;	       /* of its controllers a host may ask for one */
	uint16_t cntlid_first; /* of the subsystem's controllers; 0: 1 */
	struct model_bus bus;
	struct model_subsystem *sub;
	unsigned index; /* of the controllers of its subsystem */
	struct model_core *core;
	struct model_pci *pci;
	struct model_irq *irq;
	struct model_cmb *cmb;
	struct model_pmr *pmr;
	struct model_events *events;
	struct model_features *features;
	struct model_logs *logs;
	struct model_media *media; /* the subsystem's */
	struct model_resv *resv;   /* the subsystem's */
	struct model_dbbuf *dbbuf;
	struct model_firmware *firmware; /* the subsystem's */
	struct model_selftest *selftest; /* the subsystem's */
	struct model_sanitize *sanitize; /* the subsystem's */
	struct model_directives *directives;
	struct model_virt *virt; /* the subsystem's */
	struct model_ana *ana;	 /* the subsystem's */
	struct model_opt opt;
	bool given[OPTION_KEYS_MAX]; /* keys of opt that were given one by one: option_given() */
	const struct model_preset *preset;
};

/* The other controller of the subsystem, NULL: none. For faults that reach over. */
static inline struct model *model_other(const struct model *m)
{
	return m->sub->n > 1 ? m->sub->ctrl[!m->index] : NULL;
}

/* One command, from fetch to completion. A handler fills status and dw0, dw1. */
struct mcmd {
	struct model *m;
	struct sqe e; /* as fetched: a private copy */
	uint16_t sqid, cid;
	uint32_t nsid;
	uint16_t status; /* SC_SUCCESS to begin with */
	bool dnr, more;
	uint32_t dw0, dw1;
	uint64_t again_ns; /* it is run once more after so long, for its next phase */
	unsigned phase;
	bool held;		 /* no CQE now: an AER, or something that finishes later */
	bool admitted;		 /* by fault: no reservation forbids it any more */
	uint16_t error_location; /* Parameter Error Location for the error log; FFFFh none */
	uint64_t error_lba;
	uint64_t uncounted; /* bytes of the transfer that MDTS is not about: metadata */
	uint64_t specific;  /* Command Specific Information, for the error log */
};

static inline uint32_t mcmd_cdw10(const struct mcmd *c)
{
	return le32_get(c->e.cdw10);
}

/* Parameter Error Location: byte 7:0 and bit 10:8 of the command; and "nowhere in it". */
#define MCMD_AT(byte, bit) ((uint16_t)((bit) << 8 | (byte)))
#define MCMD_NOWHERE	   0xffffu

/* Controller Identifier. */
uint16_t model_cntlid(const struct model *m);

/* (core: admin.c) Sets an error status with DNR and where it stands in the command (byte 7:0, bit
 * 10:8). */
void mcmd_fail(struct mcmd *c, uint16_t status, uint16_t error_location);

/* ---- core gives ---- */

/*
 * Moves len bytes through the command's data pointer, offset bytes into the transfer; total is
 * the whole transfer's length, which decides how PRP2 is read. On a bus or PRP error sets the
 * status and returns -1; 0 when all moved. May be called piecewise.
 */
int mcmd_to_host(struct mcmd *c, const void *from, size_t offset, size_t len, size_t total);
int mcmd_from_host(struct mcmd *c, void *to, size_t offset, size_t len, size_t total);
/* Checks the data pointer of a transfer of `total` bytes without moving: entries, descriptors,
 * MDTS. */
int mcmd_check_data(struct mcmd *c, size_t total);

/* Raises an asynchronous event: type (0 error, 1 SMART, 2 notice), info, log page. */
void model_event(struct model *m, unsigned type, unsigned info, unsigned lid);
/* The log of this page was read with RAE = 0: events of its type may be reported again. */
void model_event_log_read(struct model *m, unsigned lid);
/* A Keep Alive Timeout rounded up to what KAS allows; the timer begins anew. */
uint32_t keepalive_round(const struct model *m, uint32_t ms);
void keepalive_restart(struct model *m);

/* A queue exists / its size / its positions: for dbbuf.c and feature.c. */
bool model_has_io_queues(const struct model *m);
/* A doorbell's new value arrives, by register or by shadow buffer. Validates as the text says. */
void model_doorbell(struct model *m, uint16_t qid, bool cq, uint32_t value);
bool model_queue_exists(const struct model *m, uint16_t qid, bool cq);
uint32_t model_page_size(const struct model *m);	/* of CC.MPS */
unsigned model_commands_running(const struct model *m); /* fetched and not completed, AERs apart */

/* ---- subsystem gives; each *_new returns NULL when out of memory ---- */

enum model_reset {
	MODEL_POWER_ON,
	MODEL_RESET_CC,	 /* Controller Reset by CC.EN */
	MODEL_RESET_FLR, /* and other Controller Level Resets */
	MODEL_POWER_OFF, /* volatile state and the unflushed cache are lost */
	MODEL_SHUTDOWN,	 /* normal shutdown: the cache goes to the medium */
};

struct model_features *features_new(struct model *m);
void features_free(struct model_features *f);
struct model_logs *logs_new(struct model *m);
void logs_free(struct model_logs *l);
struct model_media *media_new(struct model *m); /* NULL also when the store cannot be opened */
void media_free(struct model_media *md);
struct model_dbbuf *dbbuf_new(struct model *m);
void dbbuf_free(struct model_dbbuf *d);

void features_reset(struct model *m, enum model_reset kind);
void logs_reset(struct model *m, enum model_reset kind);
void media_reset(struct model *m, enum model_reset kind);
void dbbuf_reset(struct model *m, enum model_reset kind);

/* Handlers of the admin commands whose subject is the subsystem's. */
void admin_identify(struct mcmd *c);
void admin_get_features(struct mcmd *c);
void admin_set_features(struct mcmd *c);
void admin_get_log(struct mcmd *c);
void admin_dbbuf(struct mcmd *c);
void admin_format(struct mcmd *c);
void admin_fw_commit(struct mcmd *c);
void admin_fw_download(struct mcmd *c);
void admin_self_test(struct mcmd *c);
void admin_virt(struct mcmd *c);
void admin_ns_mgmt(struct mcmd *c);
void admin_sanitize(struct mcmd *c);
void admin_ns_attach(struct mcmd *c);
void admin_directive_recv(struct mcmd *c);
void admin_directive_send(struct mcmd *c);
void admin_security_recv(struct mcmd *c);
void admin_security_send(struct mcmd *c);
void admin_lba_status(struct mcmd *c);
void admin_mi_recv(struct mcmd *c);
void admin_mi_send(struct mcmd *c);
/* Any I/O command. */
void nvm_command(struct mcmd *c);
/* A reset drops this I/O command, fetched and not begun. Does nothing but by fault. */
void nvm_cut_off(struct mcmd *c);

/* Current values that the core acts on. */
uint32_t feature_async_config(const struct model *m); /* FID 0Bh */
uint32_t feature_arbitration(const struct model *m);  /* FID 01h */
unsigned feature_threshold(const struct model *m);    /* FID 08h, 0's based; for a fault */
void feature_queue_count(const struct model *m, unsigned *ret_nsq, unsigned *ret_ncq); /* granted */
void feature_lba_tracked(struct model *m);
bool feature_vector_uncoalesced(const struct model *m, unsigned vector); /* FID 09h CD */

/* A command failed (status not success): the error log gets an entry and c->more is set. */
void logs_add_error(struct model *m, struct mcmd *c, uint16_t sqhd);

/* Time passed (called at each tick): Timestamp, temperature events, late work. */
void features_tick(struct model *m);
/* Reads the shadow doorbells where they are in force; called at each tick. */
void dbbuf_tick(struct model *m);
/* A queue was created or deleted while shadow doorbells are in force. */
void dbbuf_queue_changed(struct model *m, uint16_t qid);
/*
 * A doorbell register was written: the shadow buffer is looked at again. True: there is the value,
 * and the register's may be one that the host has long passed. Of the Admin Queue drivers write the
 * register alone.
 */
bool dbbuf_rung(struct model *m, uint16_t qid, bool cq);
/* Composite temperature in kelvin and the SMART critical warning as of now. */
unsigned logs_temperature(const struct model *m);
/* After a temperature threshold was set: compare, set the warning, raise the event. */
void logs_check_temperature(struct model *m);

#endif
