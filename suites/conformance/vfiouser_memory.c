// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: memory that is given to the device, and taken back. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "talk.h"

#define PAGE 4096u

/* ---- maps that cannot be ---- */

static const struct overlap_row {
	const char *name;
	int64_t from; /* of the first byte of the one that there is, both in pages */
	uint64_t pages;
} overlaps[] = { { "inside", 64, 1 },
		 { "across-the-begin", -64, 128 },
		 { "across-the-end", 64, 128 },
		 { "around", -64, 256 } };

/* 128 pages, with room before them; the other map has the file from its begin on. */
static void map_overlaps(struct rig *r)
{
	const struct overlap_row *row = rig_row(r);
	struct talk_memory *m = talk_memory(r), other = *m;
	const struct vu_msg *reply;

	m->map.address += 128 * PAGE;
	m->map.size = 128 * PAGE;
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, true)), "128 pages can be mapped");
	other.map.address = m->map.address + (uint64_t)(row->from * PAGE);
	other.map.size = row->pages * PAGE;
	reply = talk_map(r, &other, true);
	CHECK_REFUSED(r, "a map over another", reply);
	if (talk_failed(reply))
		ADVISE_EQ(r, "errno of a map over another (EEXIST is 17)", reply->h.error, EEXIST);
	CHECK_DONE(r, "the unmap of the first", talk_unmap(r, m->map.address, m->map.size));
	talk_check_usable(r);
}

enum number { NUMBER_SIZE, NUMBER_WRAPS, NUMBER_OFFSET, NUMBER_FILE, NUMBER_FDS };

static const struct number_row {
	const char *name;
	enum number what;
} numbers[] = { { "no-bytes", NUMBER_SIZE },
		{ "address-wraps", NUMBER_WRAPS },
		{ "offset-wraps", NUMBER_OFFSET },
		{ "past-the-file", NUMBER_FILE },
		{ "two-descriptors", NUMBER_FDS } };

static void map_numbers(struct rig *r)
{
	const struct number_row *row = rig_row(r);
	struct talk_memory *m = talk_memory(r);
	int fd[2] = { m->fd, m->fd };
	struct talk say = { .command = VU_DMA_MAP,
			    .data = &m->map,
			    .len = sizeof(m->map),
			    .fd = fd,
			    .fds = row->what == NUMBER_FDS ? 2 : 1 };

	if (row->what == NUMBER_SIZE)
		m->map.size = 0;
	if (row->what == NUMBER_WRAPS)
		m->map.address = 0ull - PAGE, m->map.size = 2 * PAGE;
	if (row->what == NUMBER_OFFSET)
		m->map.offset = 0ull - PAGE, m->map.size = 2 * PAGE;
	if (row->what == NUMBER_FILE)
		m->map.offset = TALK_MEMORY - PAGE, m->map.size = 2 * PAGE;
	CHECK_REFUSED(r, "a map that cannot be", talk_say(r, &say));
	talk_check_usable(r);
}

/* ---- what is mapped is reached; what is not exactly a map is not unmapped ---- */

/* Identify Controller to the first page; does it come? */
static struct cpl identify_into(struct rig *r, uint64_t address)
{
	struct ctrl *c = rig_ctrl(r);
	struct cmd cmd = cmd_identify(NVME_IDENTIFY_CNS_CTRL, 0, NULL);
	uint16_t cid;

	cmd.sqe.prp1 = le64_from(address);
	cid = rig_put(r, c->asq, cmd);
	rig_ring(r, c->asq);
	return rig_wait_cid(r, c->asq, cid);
}

static void check_reached(struct rig *r, struct talk_memory *m, const char *when)
{
	struct nvme_id_ctrl id;

	rig_id_ctrl(r, &id);
	memset(m->va, 0xa5, PAGE);
	CHECK_STATUS_OF(r, when, identify_into(r, m->map.address), SC_SUCCESS);
	CHECK_MEM(r, "serial number in the case's own memory", m->va + 4, id.sn, sizeof(id.sn));
	CHECK_EQ(r, "the byte behind what was asked for", m->va[PAGE], 0);
}

static void map_is_reached(struct rig *r)
{
	struct talk_memory *m = talk_memory(r);

	rig_judge_off(r, "what is asked goes where the library does not look");
	talk_lend(r, m); /* a server need not map what it can ask for */
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, true)), "2 MiB can be mapped");
	check_reached(r, m, "Identify into memory of the case's own: status");
	CHECK_DONE(r, "its unmap", talk_unmap(r, m->map.address, m->map.size));
}

static const struct part_row {
	const char *name;
	uint64_t from, bytes;
} parts[] = { { "the-begin", 0, PAGE },	    { "the-end", TALK_MEMORY - PAGE, PAGE },
	      { "the-middle", PAGE, PAGE }, { "and-more", 0, 2 * TALK_MEMORY },
	      { "no-bytes", 0, 0 },	    { "elsewhere", 2 * TALK_MEMORY, PAGE } };

static void unmap_is_exact(struct rig *r)
{
	const struct part_row *row = rig_row(r);
	struct talk_memory *m = talk_memory(r);

	rig_judge_off(r, "what is asked goes where the library does not look");
	talk_lend(r, m);
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, true)), "2 MiB can be mapped");
	CHECK_REFUSED(r, "an unmap of what is no map",
		      talk_unmap(r, m->map.address + row->from, row->bytes));
	check_reached(r, m, "Identify into memory that was not unmapped: status");
	CHECK_DONE(r, "the unmap of all of it", talk_unmap(r, m->map.address, m->map.size));
	CHECK_REFUSED(r, "a second unmap", talk_unmap(r, m->map.address, m->map.size));
	talk_check_usable(r);
}

static void unmap_answers(struct rig *r)
{
	struct talk_memory *m = talk_memory(r);
	struct vu_unmap entry = { .size = 0 };
	const struct vu_msg *reply;

	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, true)), "2 MiB can be mapped");
	reply = talk_unmap(r, m->map.address, m->map.size);
	REQUIRE_TRUE(r, !talk_failed(reply) && reply->len >= sizeof(entry),
		     "the reply to DMA_UNMAP has the entry (%zu bytes)", reply->len);
	memcpy(&entry, reply->data, sizeof(entry));
	CHECK_EQ(r, "address of the reply", entry.address, m->map.address);
	CHECK_EQ(r, "size of the reply", entry.size, m->map.size);
}

/* ---- memory without a descriptor ---- */

/*
 * The server has to ask for it by message, and what is not the target's own it refuses: so no byte
 * can have come, and the command has to say so.
 */
static void far_memory_refused(struct rig *r)
{
	struct talk_memory *m = talk_memory(r);
	struct cpl cpl;

	rig_judge_off(r, "what is asked goes where nothing can be stored");
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, false)),
		     "memory without a descriptor can be mapped");
	cpl = identify_into(r, m->map.address);
	CHECK_ERROR(r, cpl);
	CHECK_DONE(r, "its unmap", talk_unmap(r, m->map.address, m->map.size));
	talk_check_usable(r);
	talk_check_alive(r);
}

static void far_memory_asked(struct rig *r)
{
	struct talk_memory *m = talk_memory(r);

	rig_judge_off(r, "what is asked goes where the library does not look");
	talk_lend(r, m);
	REQUIRE_TRUE(r, !talk_failed(talk_map(r, m, false)),
		     "memory without a descriptor can be mapped");
	check_reached(r, m, "Identify into memory without a descriptor: status");
	CHECK_DONE(r, "its unmap", talk_unmap(r, m->map.address, m->map.size));
}

static const struct rig_case cases[] = {
	{ .id = "map-overlaps",
	  .rule = "A DMA map over another one is an error, EEXIST.",
	  .ref = TALK_REF "VFIO_USER_DMA_MAP",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "map-overlap-taken",
	  .run = map_overlaps,
	  ROWS(overlaps) },
	{ .id = "map-numbers",
	  .rule = "A DMA map that has no bytes, wraps, or is not in its one descriptor is an "
		  "error.",
	  .ref = TALK_REF "VFIO_USER_DMA_MAP; Security Considerations",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .level = SHOULD,
	  .fault = "map-anything-taken",
	  .run = map_numbers,
	  ROWS(numbers) },
	{ .id = "map-is-reached",
	  .rule = "What DMA_MAP gave, the device reaches, where it was said to be.",
	  .ref = TALK_REF "Client memory access; VFIO_USER_DMA_MAP",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "map-offset-missed",
	  .run = map_is_reached },
	{ .id = "unmap-is-exact",
	  .rule = "An unmap that names no map exactly is an error, and takes nothing away.",
	  .ref = TALK_REF "VFIO_USER_DMA_UNMAP",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .level = SHOULD,
	  .fault = "unmap-inexact-taken",
	  .run = unmap_is_exact,
	  ROWS(parts) },
	{ .id = "unmap-answers",
	  .rule = "The reply to DMA_UNMAP repeats the entry.",
	  .ref = TALK_REF "VFIO_USER_DMA_UNMAP",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "unmap-answer-empty",
	  .run = unmap_answers },
	{ .id = "far-memory-asked",
	  .rule = "Memory that comes without a descriptor is read and written by message.",
	  .ref = TALK_REF "VFIO_USER_DMA_MAP; VFIO_USER_DMA_WRITE",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .level = SHOULD,
	  .fault = "far-memory-unasked",
	  .run = far_memory_asked },
	{ .id = "far-memory-refused",
	  .rule = "A command whose memory the client does not give by message does not succeed.",
	  .ref = TALK_REF "VFIO_USER_DMA_READ; VFIO_USER_DMA_WRITE; Base 2.2 Memory Error Handling",
	  .needs = TALK_NEEDS | NEED_HOLE,
	  .fault = "far-refusal-ignored",
	  .run = far_memory_refused },
};

SUITE(vfiouser_memory_suite, CONFORMANCE, "vfiouser", cases);
