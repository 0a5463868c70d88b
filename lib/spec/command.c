// SPDX-License-Identifier: GPL-2.0-or-later
#include "spec/command.h"

#include <string.h>

#include "base/cleanup.h"
#include "spec/feature.h"

static uint32_t dword(const struct sqe *e, unsigned i)
{
	__le32 v;

	memcpy(&v, (const char *)e + 4 * i, sizeof(v));
	return le32_get(v);
}

uint64_t spec_field_get(const struct spec_field *f, const struct sqe *e)
{
	uint64_t v = dword(e, f->dword);

	if (f->low + f->width > 32)
		v |= (uint64_t)dword(e, f->dword + 1u) << 32;
	v >>= f->low;
	return f->width < 64 ? v & ((1ull << f->width) - 1) : v;
}

void spec_field_put(const struct spec_field *f, struct sqe *e, uint64_t value)
{
	uint64_t mask = spec_field_max(f), v = dword(e, f->dword);
	bool two = f->low + f->width > 32;
	__le32 out;

	if (two)
		v |= (uint64_t)dword(e, f->dword + 1u) << 32;
	v = (v & ~(mask << f->low)) | (value & mask) << f->low;
	out = le32_from((uint32_t)v);
	memcpy((char *)e + 4 * f->dword, &out, sizeof(out));
	out = le32_from((uint32_t)(v >> 32));
	if (two)
		memcpy((char *)e + 4 * f->dword + 4, &out, sizeof(out));
}

const struct spec_field *spec_field_of(const struct spec_command *c, const char *name)
{
	for (const struct spec_field *f = c->fields; f && f->name; f++)
		if (!strcmp(f->name, name))
			return f;
	return NULL;
}

/* ---- values and claims ---- */

const struct spec_value *spec_value_nth(const struct spec_field *f, size_t i)
{
	const struct spec_value *v;

	if (!f->values)
		return NULL;
	for (size_t k = 0; k <= i; k++) {
		v = (const struct spec_value *)((const char *)f->values + k * f->value_size);
		if (!v->name)
			return NULL;
	}
	return v;
}

static enum spec_say say_of(const struct spec_ctrl *c, const struct spec_value *v)
{
	if (v->open || c->vs < v->since)
		return SAY_OPEN;
	if (spec_has(c, v->claim))
		return SAY_LEGAL;
	return v->strict ? SAY_UNSUPPORTED : SAY_OPEN;
}

enum spec_say spec_field_say(const struct spec_ctrl *c, const struct spec_field *f, uint64_t value,
			     const struct spec_value **ret_row)
{
	const struct spec_value *v;

	*ret_row = NULL;
	if (!f->values)
		return SAY_LEGAL;
	for (size_t i = 0; (v = spec_value_nth(f, i)); i++) {
		if (value < v->from || value > v->to)
			continue;
		*ret_row = v;
		return say_of(c, v);
	}
	return SAY_RESERVED;
}

bool spec_is_hosts(bool admin, uint8_t opcode, uint32_t dw10)
{
	static const uint8_t opcodes[] = {
		nvme_admin_delete_sq, nvme_admin_create_sq,   nvme_admin_delete_cq,
		nvme_admin_create_cq, nvme_admin_abort_cmd, nvme_admin_async_event,
		nvme_admin_dbbuf,     nvme_admin_keep_alive, nvme_admin_fabrics
	};
	static const uint8_t features[] = { NVME_FEAT_FID_NUM_QUEUES, NVME_FEAT_FID_HOST_MEM_BUF,
					    NVME_FEAT_FID_KATO };

	if (admin && opcode == nvme_admin_set_features)
		return memchr(features, (uint8_t)dw10, sizeof(features));
	return admin && memchr(opcodes, opcode, sizeof(opcodes));
}

bool spec_offers(const struct spec_ctrl *c, const struct spec_command *command)
{
	if (c->vs < command->since)
		return false;
	if (command->claim == CLAIM_NONE)
		return true;
	return spec_has(c, command->claim) ||
	       (command->or_claim != CLAIM_NONE && spec_has(c, command->or_claim));
}

/* Takes the field's bits out of what is left of the 16 dwords. */
static void cover(const struct spec_field *f, uint32_t left[16])
{
	for (unsigned bit = f->low; bit < f->low + f->width; bit++)
		left[f->dword + bit / 32] &= ~(1u << bit % 32);
}

struct teller {
	const struct sqe *e;
	void (*fn)(void *ctx, const char *name, uint64_t value);
	void *ctx;
};

static void tell_fields(const struct teller *t, const struct spec_field *f, uint32_t left[16])
{
	for (; f && f->name; f++) {
		uint64_t v = spec_field_get(f, t->e);

		cover(f, left);
		if (v)
			t->fn(t->ctx, f->name, v);
	}
}

void spec_decode(bool admin, const struct sqe *e,
		 void (*fn)(void *ctx, const char *name, uint64_t value), void *ctx)
{
	static const char *const rest[] = { "CDW10", "CDW11", "CDW12", "CDW13", "CDW14", "CDW15" };
	const struct spec_command *c = spec_command(admin, e->opcode);
	const struct teller t = { e, fn, ctx };
	uint32_t left[16];

	for (unsigned i = 0; i < ARRAY_SIZE(left); i++)
		left[i] = dword(e, i);
	tell_fields(&t, spec_common, left);
	tell_fields(&t, c ? c->fields : NULL, left);
	for (unsigned i = 0; i < ARRAY_SIZE(rest); i++)
		if (left[10 + i])
			fn(ctx, rest[i], left[10 + i]);
}

bool spec_host_to_device(uint8_t opcode)
{
	return opcode & 1;
}

bool spec_device_to_host(uint8_t opcode)
{
	return opcode & 2;
}

static uint64_t field_named(const struct spec_command *c, const struct sqe *e, const char *name)
{
	for (const struct spec_field *f = c->fields; f && f->name; f++)
		if (!strcmp(f->name, name))
			return spec_field_get(f, e);
	return 0;
}

/* By the table of features; those that stand there in a row with others are told apart here. */
static int64_t feature_bytes(const struct spec_command *c, const struct sqe *e)
{
	bool get = c->opcode == nvme_admin_get_features;
	uint64_t fid = field_named(c, e, "FID");
	const struct spec_feature *f = spec_feature((uint8_t)fid);

	if (get && field_named(c, e, "SEL") == NVME_GET_FEATURES_SEL_SUPPORTED)
		return 0;
	switch (fid) {
	case NVME_FEAT_FID_ENH_CTRL_METADATA:
	case NVME_FEAT_FID_CTRL_METADATA:
	case NVME_FEAT_FID_NS_METADATA:
		return 4096;
	case NVME_FEAT_FID_HOST_ID:
		return le32_get(e->cdw11) & 1 ? 16 : 8;
	}
	if (f && (f->get_bytes || f->set_bytes))
		return get ? f->get_bytes : f->set_bytes;
	return fid <= NVME_FEAT_FID_IOCS_PROFILE || (fid & 0xf8) == 0x80 ? 0 : -1;
}

int64_t spec_data_bytes(bool admin, const struct sqe *e, uint32_t block_bytes)
{
	const struct spec_command *c = spec_command(admin, e->opcode);
	uint64_t n = c && c->len_field ? field_named(c, e, c->len_field) : 0;

	if (!c)
		return -1;
	switch (c->len) {
	case LEN_NONE:
		return 0;
	case LEN_FIXED:
		return c->len_of;
	case LEN_DWORDS_Z:
		return (int64_t)(n + 1) * 4;
	case LEN_BYTES:
		return (int64_t)n;
	case LEN_BLOCKS:
		return block_bytes ? (int64_t)(n + 1) * block_bytes : -1;
	case LEN_RANGES:
		return (int64_t)(n + 1) * c->len_of;
	case LEN_FEATURE:
		return feature_bytes(c, e);
	case LEN_DEPENDS:
		break;
	}
	return -1;
}
