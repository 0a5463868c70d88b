// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's log, on a pipe of packets that gives a record a read as /dev/kmsg does. */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "rig/kmsg.h"
#include "unit.h"

struct heard {
	char text[16][KMSG_TEXT + 1];
	enum console_kind kind[16];
	unsigned n;
};

static void hear(void *ctx, enum console_kind kind, const char *line, unsigned lost)
{
	struct heard *h = ctx;

	CU_ASSERT_EQUAL(lost, 0);
	if (h->n < ARRAY_SIZE(h->text)) {
		snprintf(h->text[h->n], sizeof(h->text[0]), "%s", line);
		h->kind[h->n] = kind;
	}
	h->n++;
}

static void say(int fd, const char *record, size_t n)
{
	CU_ASSERT_EQUAL(write(fd, record, n), (ssize_t)n);
}

static int open_fake(struct kmsg *k)
{
	int fd[2];

	CU_ASSERT_EQUAL_FATAL(pipe2(fd, O_DIRECT | O_NONBLOCK | O_CLOEXEC), 0);
	kmsg_on(k, fd[0]);
	return fd[1];
}

static void check(const char *record, bool told, enum console_kind kind, const char *text)
{
	struct heard h = { .n = 0 };
	struct kmsg k;
	int fd = open_fake(&k);

	kmsg_own(&k, "nvme1: PCI 1b36:0010 at 0000:00:04.0");
	say(fd, record, strlen(record));
	kmsg_read(&k, hear, &h);
	if (h.n != told || (told && h.kind[0] != kind))
		printf("  %s: %u\n", record, h.n);
	CU_ASSERT_EQUAL(h.n, told);
	if (told) {
		CU_ASSERT_EQUAL(h.kind[0], kind);
		CU_ASSERT_STRING_EQUAL(h.text[0], text);
	}
	kmsg_close(&k);
	close(fd);
}

static void records(void)
{
	check("6,1,2,-;plain words\n SUBSYSTEM=pci\n DEVICE=+pci:x\n", true, CONSOLE_PLAIN,
	      "plain words");
	check("4,1,2,-;WARNING: CPU: 0 PID: 1 at x\n", true, CONSOLE_FINDING,
	      "WARNING: CPU: 0 PID: 1 at x");
	check("4,1,2,-,caller=T1;Oops: 0000 [#1]", true, CONSOLE_FINDING, "Oops: 0000 [#1]");
	check("3,1,2,c;INFO: task x:1 blocked for more than 120 seconds.\n", true, CONSOLE_FINDING,
	      "INFO: task x:1 blocked for more than 120 seconds.");
	check("4,1,2,-;nvme nvme1: I/O 12 QID 1 timeout, aborting\n", true, CONSOLE_DRIVER,
	      "nvme nvme1: I/O 12 QID 1 timeout, aborting");
	check("4,1,2,-;BUG: soft lockup - CPU#0\n", true, CONSOLE_PLAIN,
	      "BUG: soft lockup - CPU#0");
	/* another controller's trouble is not this drive's */
	check("4,1,2,-;nvme nvme0: I/O 12 QID 1 timeout, aborting\n", true, CONSOLE_PLAIN,
	      "nvme nvme0: I/O 12 QID 1 timeout, aborting");
	check("4,1,2,-;nvme nvme11: I/O 12 QID 1 timeout, aborting\n", true, CONSOLE_PLAIN,
	      "nvme nvme11: I/O 12 QID 1 timeout, aborting");
	/* what a process wrote there */
	check("12,1,2,-;WARNING: CPU: 0 says a process\n", false, 0, NULL);
	/* no records */
	check("no record at all", false, 0, NULL);
	check(";text without a level", false, 0, NULL);
	check("6;text without a comma", false, 0, NULL);
	check("-4,1,2,-;BUG: negative", false, 0, NULL);
	check("6,1,2,-;", false, 0, NULL);
	check("6,1,2,-;\nKEY=value\n", false, 0, NULL);
}

/* Whatever is there ends, in bounded pieces. */
static void hostile(void)
{
	static char record[4096];
	struct heard h = { .n = 0 };
	struct kmsg k;
	int fd = open_fake(&k);

	memset(record, 'x', sizeof(record));
	memcpy(record, "4,1,2,-;BUG: ", 13);
	say(fd, record, sizeof(record));
	memset(record, 0, sizeof(record));
	say(fd, record, sizeof(record));
	memset(record, 0xff, sizeof(record));
	say(fd, record, sizeof(record));
	kmsg_read(&k, hear, &h);
	CU_ASSERT_EQUAL(h.n, 1);
	CU_ASSERT_EQUAL(strlen(h.text[0]), KMSG_TEXT);
	CU_ASSERT_EQUAL(h.kind[0], CONSOLE_FINDING);
	close(fd);
	kmsg_read(&k, hear, &h); /* nobody is left who writes */
	CU_ASSERT_EQUAL(h.n, 1);
	kmsg_close(&k);
}

static void count_lost(void *ctx, enum console_kind kind, const char *line, unsigned lost)
{
	CU_ASSERT_EQUAL(kind, CONSOLE_PLAIN);
	CU_ASSERT_STRING_EQUAL(line, "");
	*(unsigned *)ctx += lost;
}

/* One that never ends is left, and that is told. */
static void endless(void)
{
	unsigned lost = 0;
	struct kmsg k;

	kmsg_on(&k, open("/dev/zero", O_RDONLY | O_CLOEXEC));
	CU_ASSERT_FATAL(k.fd >= 0);
	kmsg_read(&k, count_lost, &lost);
	CU_ASSERT_EQUAL(lost, 1);
	kmsg_close(&k);
}

static void nobody(void)
{
	struct heard h = { .n = 0 };
	struct kmsg k = { .fd = -1 };

	kmsg_read(&k, hear, &h);
	kmsg_close(&k);
	CU_ASSERT_EQUAL(h.n, 0);
	kmsg_own(&k, "nvme0n1 is in use: mounted");
	CU_ASSERT_STRING_EQUAL(k.own, "nvme0");
	kmsg_own(&k, "PCI 1b36:0010 at 0000:00:04.0");
	CU_ASSERT_STRING_EQUAL(k.own, "");
}

static const struct unit units[] = {
	{ "records", records },
	{ "hostile", hostile },
	{ "endless", endless },
	{ "none", nobody },
};

UNIT_MAIN("kmsg", units)
