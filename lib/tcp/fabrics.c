// SPDX-License-Identifier: GPL-2.0-or-later
#include "tcp/fabrics.h"

#define PSDT_SGL 0x40u

static struct sqe command(uint8_t fctype, bool data)
{
	struct sqe e = { .opcode = FABRICS_OPCODE, .nsid = le32_from(fctype) };

	if (data)
		e.flags = PSDT_SGL;
	return e;
}

struct sqe fabrics_connect(const struct connect *c)
{
	struct sqe e = command(FC_CONNECT, true);

	e.cdw10 = le32_from((uint32_t)c->qid << 16 | c->recfmt);
	e.cdw11 = le32_from((uint32_t)c->cattr << 16 | c->sqsize_z);
	e.cdw12 = le32_from(c->kato_ms);
	return e;
}

struct sqe fabrics_disconnect(void)
{
	return command(FC_DISCONNECT, false);
}

struct sqe fabrics_property_get(uint32_t off, unsigned width)
{
	struct sqe e = command(FC_PROPERTY_GET, false);

	e.cdw10 = le32_from(width == 64);
	e.cdw11 = le32_from(off);
	return e;
}

struct sqe fabrics_property_set(uint32_t off, unsigned width, uint64_t value)
{
	struct sqe e = command(FC_PROPERTY_SET, false);

	e.cdw10 = le32_from(width == 64);
	e.cdw11 = le32_from(off);
	e.cdw12 = le32_from((uint32_t)value);
	e.cdw13 = le32_from((uint32_t)(value >> 32));
	return e;
}

struct sqe fabrics_relax(uint64_t ns)
{
	struct sqe e = fabrics_property_set(0, 64, ns);

	e.nsid = le32_from(FC_NVRIG_RELAX);
	return e;
}

struct sgl_desc sgl_in_capsule(uint64_t offset, uint32_t len)
{
	return (struct sgl_desc){ .addr = le64_from(offset),
				  .len = le32_from(len),
				  .id = SGL_ID_IN_CAPSULE };
}

struct sgl_desc sgl_transport(uint32_t len)
{
	return (struct sgl_desc){ .len = le32_from(len), .id = SGL_ID_TRANSPORT };
}
