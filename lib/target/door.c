// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/door.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/endian.h"

#define WINDOW (64ull << 20)
#define MANY   (16 * WINDOW) /* is told as it is */

static int journal = -1; /* the process's and its children's, as the descriptor is */

void door_journal(int fd)
{
	journal = fd;
}

void door_show(struct target *t, struct door_token *token)
{
	token->alive = true;
	t->token = token;
}

void door_reset(struct target *t)
{
	if (t->token)
		t->token->alive = false;
}

/* ---- what destroys (Base 2.0 Admin Command Set; NVM CS 1.0 and ZNS 1.1 I/O commands) ---- */

static const struct known {
	uint8_t opcode;
	const char *destroys; /* NULL: it does not */
	bool changes;	      /* what the drive is, or has */
} admin[] = {
	{ 0x00, NULL, false },		     { 0x01, NULL, false },
	{ 0x02, NULL, false },		     { 0x04, NULL, false },
	{ 0x05, NULL, false },		     { 0x06, NULL, false },
	{ 0x08, NULL, false },		     { 0x09, NULL, false },
	{ 0x0a, NULL, false },		     { 0x0c, NULL, false },
	{ 0x0d, "Namespace Management", true }, { 0x10, "Firmware Commit", true },
	{ 0x11, "Firmware Image Download", false }, { 0x14, NULL, false },
	{ 0x15, "Namespace Attachment", true },  { 0x18, NULL, false },
	{ 0x19, NULL, false },		     { 0x1a, NULL, false },
	{ 0x1c, NULL, false },		     { 0x1d, "NVMe-MI Send", true },
	{ 0x1e, NULL, false },		     { 0x20, "Capacity Management", true },
	{ 0x24, "Lockdown", true },	     { 0x7c, NULL, false },
	{ 0x7f, NULL, false },		     { 0x80, "Format NVM", true },
	{ 0x81, "Security Send", true },     { 0x82, NULL, false },
	{ 0x84, "Sanitize", true },	     { 0x86, NULL, false },
}, io[] = {
	{ 0x00, NULL, false },		     { 0x01, "Write", false },
	{ 0x02, NULL, false },		     { 0x04, "Write Uncorrectable", false },
	{ 0x05, NULL, false },		     { 0x08, "Write Zeroes", false },
	{ 0x09, "Dataset Management", false }, { 0x0c, NULL, false },
	{ 0x0d, NULL, false },		     { 0x0e, NULL, false },
	{ 0x11, NULL, false },		     { 0x12, NULL, false },
	{ 0x15, NULL, false },		     { 0x18, NULL, false },
	{ 0x19, "Copy", false },	     { 0x79, "Zone Management Send", false },
	{ 0x7a, NULL, false },		     { 0x7d, "Zone Append", false },
};

static const struct known *find(uint16_t qid, uint8_t opcode)
{
	static const struct known unknown = { 0, "a command of which nothing is known", true };
	const struct known *list = qid ? io : admin;

	for (size_t i = 0; i < (qid ? ARRAY_SIZE(io) : ARRAY_SIZE(admin)); i++)
		if (list[i].opcode == opcode)
			return &list[i];
	return &unknown;
}

bool door_destroys(uint16_t qid, const struct sqe *e)
{
	return find(qid, e->opcode)->destroys != NULL;
}

/* ---- the journal ---- */

static bool is_told(const struct door_token *k, const char *what, uint32_t nsid, uint64_t at)
{
	for (unsigned i = 0; i < ARRAY_SIZE(k->told); i++)
		if (k->told[i].what == what && k->told[i].nsid == nsid && k->told[i].at == at)
			return true;
	return false;
}

/* at, bytes: of what is written to; bytes 0: the command is one of its own. */
static int tell_one(struct target *t, const char *what, uint32_t nsid, uint64_t at, uint64_t bytes,
		    const struct sqe *e)
{
	char line[400], now[CLOCK_TEXT];
	int n, err;

	clock_utc_text(now);
	n = snprintf(line, sizeof(line),
		     "{\"type\":\"about_to\",\"t\":\"%s\",\"command\":\"%s\",\"opcode\":%u,"
		     "\"nsid\":%" PRIu32 ",\"from_byte\":%" PRIu64 ",\"bytes\":%" PRIu64
		     ",\"cdw10\":%" PRIu32 ",\"cdw11\":%" PRIu32 "}\n",
		     now, what, e ? e->opcode : 0, nsid, at, bytes, e ? le32_get(e->cdw10) : 0,
		     e ? le32_get(e->cdw11) : 0);
	err = bytes_write(journal, line, (size_t)n);
	if (!err && fdatasync(journal))
		err = -errno;
	return err ? target_fail(t, -EPERM, "%s is not sent: it could not be journalled first: %s",
				 what, strerror(-err))
		   : 0;
}

static int tell(struct target *t, const char *what, uint32_t nsid, uint64_t at, uint64_t bytes,
		const struct sqe *e)
{
	struct door_token *k = t->token;
	int err = 0;

	if (journal < 0)
		return 0;
	if (!bytes || bytes > MANY || at > UINT64_MAX - bytes)
		return tell_one(t, what, nsid, at, bytes, e);
	for (uint64_t w = at / WINDOW; !err && w <= (at + bytes - 1) / WINDOW; w++) {
		if (is_told(k, what, nsid, w))
			continue;
		err = tell_one(t, what, nsid, w * WINDOW, WINDOW, e);
		if (!err)
			k->told[k->n_told++ % ARRAY_SIZE(k->told)] =
				(struct door_window){ what, nsid, w };
	}
	return err;
}

/* ---- the door ---- */

/* A file that was given, and nothing else, is written to without a word of the guards. */
static int open_door(struct target *t, const char *what)
{
	struct door_token *k = t->token;
	int err;

	if (!k)
		return t->caps.given && t->caps.emulated
			       ? 0
			       : target_fail(t, -EPERM,
					     "%s would destroy what is on a device of this "
					     "machine, and "
					     "the guards did not let that",
					     what);
	if (k->alive)
		return 0;
	k->alive = true; /* for what is asked now */
	err = k->renew ? k->renew(t, k->ctx) : 0;
	k->alive = !err;
	if (!err)
		return 0;
	return target_fail(t, -EPERM,
			   "%s is not sent: after a reset it could not be found out that it is "
			   "the same drive (%s)",
			   what, strerror(-err));
}

static int pass(struct target *t, const char *what, uint32_t nsid, uint64_t at, uint64_t bytes,
		const struct sqe *e)
{
	int err = open_door(t, what);

	return err || !t->token ? err : tell(t, what, nsid, at, bytes, e);
}

int door_ask_sqe(struct target *t, uint16_t qid, const struct sqe *e)
{
	const struct known *k = find(qid, e->opcode);
	int err = k->destroys ? pass(t, k->destroys, le32_get(e->nsid), 0, 0, e) : 0;

	if (!err && k->changes)
		door_reset(t);
	return err;
}

int door_ask_io(struct target *t, const struct block_io *one)
{
	static const char *const names[] = { [BLOCK_WRITE] = "Write",
					     [BLOCK_ZEROES] = "Write Zeroes",
					     [BLOCK_DISCARD] = "Discard" };

	/* a block is 512 bytes or more: by this the windows are rather too many than too few */
	return one->op < ARRAY_SIZE(names) && names[one->op]
		       ? pass(t, names[one->op], one->nsid, one->lba * 512, one->blocks * 512ull,
			      NULL)
		       : 0;
}

int door_ask_node(struct target *t, const char *what, uint64_t at, uint64_t bytes)
{
	return pass(t, what, 0, at, bytes, NULL);
}
