/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identify: who builds which data structure. A builder gets IDENTIFY_BYTES zeroed bytes. */
#ifndef MODEL_IDENTIFY_H
#define MODEL_IDENTIFY_H

#include "model/internal.h"
#include "model/media.h"

#define IDENTIFY_BYTES	  4096u
#define IDENTIFY_ENDGID	  1u
#define IDENTIFY_ATOMIC_Z 7u /* AWUN, AWUPF and the namespaces' own, 0's based */

/*
 * The data structure of a command, into page. On an error the status is set, and what stands in
 * page is not sent.
 */
typedef void identify_builder(struct mcmd *c, uint8_t *page);

identify_builder identify_ctrl;	     /* 01h */
identify_builder identify_ctrl_nvm;  /* 06h */
identify_builder identify_iocs;	     /* 1Ch */
identify_builder identify_groups;    /* 19h */
identify_builder identify_granules;  /* 16h */
identify_builder identify_uuids;     /* 17h */
identify_builder identify_ctrls;     /* 12h, 13h */
identify_builder identify_ns;	     /* 00h */
identify_builder identify_ns_nvm;    /* 05h */
identify_builder identify_ns_common; /* 08h */
identify_builder identify_list;	     /* 02h, 07h */
identify_builder identify_ns_desc;   /* 03h */

/* The namespace asked for. NULL: the status is set, or NSID is inactive and zeroes are the answer.
 */
struct media_ns *identify_find_ns(struct mcmd *c);
extern const uint8_t identify_oui[3];
/* What faults make of a data structure. */
void identify_bend(struct model *m, uint8_t cns, uint8_t *page);

#endif
