// SPDX-License-Identifier: GPL-2.0-or-later
/* The door before what destroys: who may pass, what stands in the journal before, what a reset
 * does. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/endian.h"
#include "target/door.h"
#include "unit.h"

static struct target machine(void)
{
	return (struct target){ .caps = { .of_machine = true } };
}

static struct sqe command(uint8_t opcode)
{
	return (struct sqe){ .opcode = opcode, .nsid = le32_from(1) };
}

static const uint8_t admin_harmless[] = { 0x02, 0x06, 0x09, 0x0a, 0x0c, 0x82, 0x86 };
static const uint8_t admin_harmful[] = { 0x0d, 0x10, 0x11, 0x15, 0x24, 0x80,
					 0x81, 0x84, 0xc0, 0xff, 0x7b };
static const uint8_t io_harmless[] = { 0x00, 0x02, 0x05, 0x0c, 0x0e, 0x7a };
static const uint8_t io_harmful[] = { 0x01, 0x04, 0x08, 0x09, 0x19, 0x79, 0x7d, 0x80, 0xff };

static void what_destroys(void)
{
	struct target t = machine(), model = { .caps = { .emulated = true } };
	struct sqe e;

	for (size_t i = 0; i < sizeof(admin_harmless); i++) {
		e = command(admin_harmless[i]);
		CU_ASSERT_EQUAL(door_sqe(&t, 0, &e), 0);
	}
	for (size_t i = 0; i < sizeof(io_harmless); i++) {
		e = command(io_harmless[i]);
		CU_ASSERT_EQUAL(door_sqe(&t, 3, &e), 0);
	}
	for (size_t i = 0; i < sizeof(admin_harmful); i++) {
		e = command(admin_harmful[i]);
		CU_ASSERT_EQUAL(door_sqe(&t, 0, &e), -EPERM);
		CU_ASSERT_EQUAL(door_sqe(&model, 0, &e), 0);
	}
	for (size_t i = 0; i < sizeof(io_harmful); i++) {
		e = command(io_harmful[i]);
		CU_ASSERT_EQUAL(door_sqe(&t, 3, &e), -EPERM);
		CU_ASSERT_EQUAL(door_sqe(&model, 3, &e), 0);
	}
	CU_ASSERT_PTR_NOT_NULL(strstr(t.error, "the guards did not let that"));
}

static void blocks(void)
{
	struct target t = machine();
	struct block_io io = { .op = BLOCK_READ, .nsid = 1, .blocks = 8 };
	struct door_token token;

	CU_ASSERT_EQUAL(door_io(&t, &io), 0);
	io.op = BLOCK_FLUSH;
	CU_ASSERT_EQUAL(door_io(&t, &io), 0);
	for (unsigned op = 0; op < 3; op++) {
		io.op = (const enum block_op[]){ BLOCK_WRITE, BLOCK_ZEROES, BLOCK_DISCARD }[op];
		t.token = NULL;
		CU_ASSERT_EQUAL(door_io(&t, &io), -EPERM);
		token = (struct door_token){ 0 };
		door_show(&t, &token);
		CU_ASSERT_EQUAL(door_io(&t, &io), 0);
	}
	t.token = NULL;
	CU_ASSERT_EQUAL(door_node(&t, "Discard", 0, 4096), -EPERM);
	t.caps.given = t.caps.emulated = true; /* a file that was given up */
	CU_ASSERT_EQUAL(door_node(&t, "Discard", 0, 4096), 0);
}

static int asked, answer;

static int renew(struct target *t, const void *ctx)
{
	(void)ctx;
	asked++;
	if (t->token->alive) /* what is asked for it may itself go through the door */
		CU_PASS("alive meanwhile");
	return answer;
}

static void it_dies(void)
{
	struct target t = machine();
	struct door_token token = { .renew = renew };
	struct sqe write = command(0x01), format = command(0x80);

	asked = answer = 0;
	door_show(&t, &token);
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), 0);
	CU_ASSERT_EQUAL(asked, 0);
	door_reset(&t);
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), 0);
	CU_ASSERT_EQUAL(asked, 1);
	CU_ASSERT_EQUAL(door_sqe(&t, 0, &format), 0);
	CU_ASSERT_EQUAL(asked, 1);
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), 0); /* what the drive is may have changed */
	CU_ASSERT_EQUAL(asked, 2);
	door_reset(&t);
	answer = -ENODEV; /* another drive */
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), -EPERM);
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), -EPERM);
	CU_ASSERT_EQUAL(asked, 4);
	answer = 0;
	CU_ASSERT_EQUAL(door_sqe(&t, 1, &write), 0);
}

static unsigned lines(int fd)
{
	char text[65536];
	ssize_t n = pread(fd, text, sizeof(text), 0);
	unsigned count = 0;

	for (ssize_t i = 0; i < n; i++)
		count += text[i] == '\n';
	return count;
}

static void journalled_first(void)
{
	FILE *f = tmpfile();
	struct target t = machine();
	struct door_token token = { 0 };
	struct block_io io = { .op = BLOCK_WRITE, .nsid = 1, .blocks = 8 };
	struct sqe format = command(0x80);
	int full = open("/dev/full", O_WRONLY);

	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	door_show(&t, &token);
	door_journal(fileno(f));
	CU_ASSERT_EQUAL(door_io(&t, &io), 0);
	CU_ASSERT_EQUAL(lines(fileno(f)), 1);
	io.lba = 100;
	CU_ASSERT_EQUAL(door_io(&t, &io), 0); /* the same 64 MiB */
	CU_ASSERT_EQUAL(lines(fileno(f)), 1);
	io.lba = 131072 - 4; /* over the edge of it */
	CU_ASSERT_EQUAL(door_io(&t, &io), 0);
	CU_ASSERT_EQUAL(lines(fileno(f)), 2);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(door_sqe(&t, 0, &format), 0); /* each time */
	CU_ASSERT_EQUAL(lines(fileno(f)), 4);
	CU_ASSERT_EQUAL(door_node(&t, "Discard", 0, UINT64_MAX),
			0); /* told as it is, not by windows */
	CU_ASSERT_EQUAL(door_node(&t, "Discard", UINT64_MAX - 1, 4096), 0);
	CU_ASSERT_EQUAL(lines(fileno(f)), 6);
	door_journal(full); /* what cannot be journalled is not sent */
	CU_ASSERT_EQUAL(door_sqe(&t, 0, &format), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(t.error, "journalled first"));
	io.lba = 1ull << 30;
	for (int i = 0; i < 2; i++) /* nor is it the second time */
		CU_ASSERT_EQUAL(door_io(&t, &io), -EPERM);
	door_journal(-1);
	close(full);
	fclose(f);
}

static const struct unit units[] = {
	{ "what destroys", what_destroys },
	{ "blocks", blocks },
	{ "it dies at a reset", it_dies },
	{ "journalled first", journalled_first },
};

UNIT_MAIN("the door", units)
