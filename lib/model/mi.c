// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NVMe-MI Receive of what can be read without effect: the NVMe-MI Data Structure of the subsystem.
 * Source: NVMe-MI 1.1 NVMe-MI Receive command, Read NVMe-MI Data Structure.
 */
#include "model/core.h"

#define MESSAGE_TYPE   0x4u /* MCTP: NVM Express Management Messages */
#define COMMAND_SET    0x1u /* NMIMT: Management Interface Command Set */
#define READ_STRUCTURE 0x00u
#define SUBSYSTEM      0x00u /* DTYP */
#define PORT	       0x01u
#define RESPONSE_BYTES 32u
#define INVALID_OPCODE 0x03u /* Response Message Status */
#define INVALID_PARAM  0x04u
#define PCIE_PORT      0x01u
#define VERSION_MAJOR  1u
#define VERSION_MINOR  1u

/* Tunneled Status, and the Tunneled NVMe Management Response. */
static void respond(struct mcmd *c, unsigned status, unsigned response)
{
	c->dw0 = status | response << 8;
}

static void read_structure(struct mcmd *c)
{
	uint8_t data[RESPONSE_BYTES] = { 0 };
	unsigned dtyp = le32_get(c->e.cdw12) >> 24, portid = le32_get(c->e.cdw12) >> 16 & 0xff;

	if (dtyp == SUBSYSTEM) {
		data[1] = VERSION_MAJOR;
		data[2] = VERSION_MINOR;
	} else if (dtyp == PORT && !portid) {
		data[0] = PCIE_PORT;
	} else {
		respond(c, INVALID_PARAM, 0);
		return;
	}
	if (FAULT(c->m, MI_RESPONSE_EMPTY))
		memset(data, 0, sizeof(data));
	if (!mcmd_check_data(c, sizeof(data)) &&
	    !mcmd_to_host(c, data, 0, sizeof(data), sizeof(data)))
		respond(c, 0, FAULT(c->m, MI_LENGTH_ZERO) ? 0 : RESPONSE_BYTES);
}

void admin_mi_recv(struct mcmd *c)
{
	uint32_t cdw10 = mcmd_cdw10(c);

	if ((cdw10 & 0x7f) != MESSAGE_TYPE || (cdw10 >> 11 & 0xf) != COMMAND_SET)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	else if ((le32_get(c->e.cdw11) & 0xff) == READ_STRUCTURE)
		read_structure(c);
	else if (FAULT(c->m, MI_OPCODE_HANGS))
		c->held = true;
	else
		respond(c, FAULT(c->m, MI_OPCODE_ANY) ? 0 : INVALID_OPCODE, 0);
}

/* Nothing that changes the subsystem is there. */
void admin_mi_send(struct mcmd *c)
{
	uint32_t cdw10 = mcmd_cdw10(c);

	if ((cdw10 & 0x7f) != MESSAGE_TYPE || (cdw10 >> 11 & 0xf) != COMMAND_SET)
		mcmd_fail(c, SC_INVALID_FIELD, MCMD_AT(40, 0));
	else
		respond(c, INVALID_OPCODE, 0);
}
