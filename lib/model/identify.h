/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identify: who builds which data structure. A builder gets IDENTIFY_BYTES zeroed bytes. */
#ifndef MODEL_IDENTIFY_H
#define MODEL_IDENTIFY_H

#include "model/internal.h"

#define IDENTIFY_BYTES	4096u
#define IDENTIFY_CNTLID 1u

/*
 * The data structure of a command, into page. On an error the status is set, and what stands in
 * page is not sent.
 */
typedef void identify_builder(struct mcmd *c, uint8_t *page);

identify_builder identify_ctrl;	     /* 01h */
identify_builder identify_ctrl_nvm;  /* 06h */
identify_builder identify_iocs;	     /* 1Ch */
identify_builder identify_ns;	     /* 00h */
identify_builder identify_ns_nvm;    /* 05h */
identify_builder identify_ns_common; /* 08h */
identify_builder identify_list;	     /* 02h, 07h */
identify_builder identify_ns_desc;   /* 03h */

#endif
