/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known of a target before any case runs: plain bytes, gathered once in a worker and sent
 * to the planner, so that applicability is arithmetic and needs no device.
 */
#ifndef NVME_FACTS_H
#define NVME_FACTS_H

#include "nvme/ctrl.h"
#include "spec/claim.h"
#include "target/mmc.h"
#include "target/node.h"

#define FACTS_NS_MAX 32

/* What the Zoned Namespace Command Set's Identify says of a namespace. */
struct facts_zones {
	uint64_t size;	    /* blocks of a zone; 0: not known */
	uint64_t count;	    /* whole zones */
	uint32_t mar, mor;  /* 1-based; 0: no limit */
	uint32_t extension; /* bytes of a Zone Descriptor Extension; 0: none in this format */
	bool read_across;   /* reads may cross zones */
};

struct facts_ns {
	uint32_t nsid;
	uint8_t csi;	    /* 0 NVM, 2 zoned */
	uint32_t lba_bytes; /* data bytes of a block in the format in use */
	uint16_t ms;	    /* metadata bytes */
	uint64_t nsze;
	bool on_peer; /* active on the other controller of the subsystem as well */
	struct nvme_id_ns id;
	uint8_t pif,
		sts; /* Protection Information Format and Storage Tag Size, CNS 05h; 0 before 2.0 */
	uint64_t lbstm; /* Logical Block Storage Tag Mask */
	struct facts_zones zones; /* csi 2 */
};

/* Its protection information is of an extended format: nothing can be done there while the Host
 * Behavior Support feature has LBAFEE 0h (NVM CS 1.0 Protection Information Formats). */
static inline bool facts_is_extended_pi(const struct facts_ns *ns)
{
	return (ns->id.dps & 7) && (ns->pif || ns->sts);
}

/* The other controller of the subsystem, where the target has NEED_PEER. */
struct facts_peer {
	bool alive;
	char trouble[160];
	uint16_t cntlid;
	uint32_t own_nsid; /* active there and not on the first; 0: none */
};

struct facts {
	struct target_caps caps;
	bool alive;	   /* the controller came up and answered Identify */
	char trouble[160]; /* why not */
	uint64_t cap; /* 0: not known, no register can be read */
	uint32_t vs;
	uint32_t cmbloc, cmbsz; /* as with CMBMSC.CRE = 1; cmbsz 0: no Controller Memory Buffer */
	uint32_t pmrcap;	/* 0: no Persistent Memory Region */
	uint64_t mdts_bytes;	/* 0: no limit */
	struct nvme_id_ctrl id;
	struct nvme_id_ctrl_nvm id_nvm; /* limits of the NVM command set; zeroes: none are told */
	uint16_t nsq, ncq;		/* I/O queues the controller allocates, 1-based */
	uint8_t critical_warning;	/* of the SMART log, as found */
	uint32_t nn;
	unsigned n_ns; /* active namespaces described below */
	struct facts_ns ns[FACTS_NS_MAX];
	bool all_ns;		/* there are no others */
	uint32_t inactive_nsid; /* a valid NSID that is not active; 0: none */
	uint64_t append_bytes;	/* most that a Zone Append moves; 0: there is none */
	bool has_zoned;		/* a zoned namespace without metadata */
	unsigned scratch;	/* index into ns[] of the namespace for I/O: NVM set, no metadata */
	bool has_scratch;
	struct facts_peer peer;
	struct node_facts node; /* with NEED_NODE */
	struct mmc_facts mmc;	/* with NEED_MMC */
};

/* A namespace as Identify tells it now, of a controller of which the rest is known. 0 or -errno. */
int facts_ask_ns(struct ctrl *c, const struct facts *f, uint32_t nsid, struct facts_ns *ret);

/*
 * Of a target that has a Linux block node: what that says, in f->node. Where the target has no
 * commands, the node stands for a controller with one namespace, number 1.
 */
int facts_gather_node(struct target *t, struct facts *f);
/* Calls tell for each fact of the node, as facts_each. */
void facts_each_node(const struct facts *f,
		     void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		     void *ctx);

/* The same of a target that has an MMC card, in f->mmc. */
int facts_gather_mmc(struct target *t, struct facts *f);
/* Where it stands for a controller: model and serial number are its own. */
void facts_name_mmc(struct facts *f);
void facts_each_mmc(const struct facts *f,
		    void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		    void *ctx);

/* Opens, asks, closes. 0 also when the controller would not come up (alive = false). */
int facts_gather(struct target *t, struct facts *ret);

/* The same as claims, for the tables and the oracle of lib/spec. */
void facts_claims(const struct facts *f, struct spec_ctrl *ret);

/* Calls fn for each fact in words: "mdts", "524288", "bytes"; for probe and reports. */
void facts_each(const struct facts *f,
		void (*fn)(void *ctx, const char *name, const char *value, const char *note),
		void *ctx);

#endif
