// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest that asks for its drive to be unplugged, or asks anything else, and a monitor that may refuse. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "stack/guest_plug.h"
#include "tests/unit.h"

#define READY	"{\"QMP\":{}}\n{\"return\":{},\"id\":1}\n"
#define DEVICE	"nvme,id=n0,bus=rp0,drive=d1,serial=a\"b\\c"
#define ADD	"device_add \\\"nvme,id=n0,bus=rp0,drive=d1,serial=a\\\\\\\"b\\\\\\\\c\\\""
#define DELETED "{\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"n0\",\"path\":\"/x\"}}\n"

static struct guest_plug *plug;
static int guest, qemu;

static const char *got(int fd)
{
	static char text[2048];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	text[n > 0 ? n : 0] = 0;
	return text;
}

static void say(int fd, const char *text)
{
	(void)!send(fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
	guest_plug_step(plug);
}

static void begin(void)
{
	int a[2], q[2];

	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, a), 0);
	CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, q), 0);
	guest = a[1];
	qemu = q[1];
	plug = guest_plug_open(a[0], q[0], 5 * NS_PER_S, DEVICE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plug);
	say(qemu, READY);
	got(qemu);
}

static void finish(void)
{
	guest_plug_close(plug);
	close(guest);
	close(qemu);
}

static void out_and_in(void)
{
	begin();
	say(guest, "unplug a1\n");
	CU_ASSERT_STRING_EQUAL(
		got(qemu),
		"{\"execute\":\"device_del\",\"arguments\":{\"id\":\"n0\"},\"id\":2}\n");
	say(qemu, "{\"return\":{},\"id\":2}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "");
	say(qemu, "{\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"n1\"}}\n"
		  "{\"event\":\"DEVICE_DELETED\",\"data\":{\"path\":\"/n0\"}}\n"
		  "{\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":7}}\n"
		  "{\"event\":\"DEVICE_DELETED\"}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "");
	say(qemu, DELETED);
	CU_ASSERT_STRING_EQUAL(got(guest), "a1 ok\n");
	say(guest, "unplug a2\n"); /* it is */
	CU_ASSERT_STRING_EQUAL(got(guest), "a2 ok\n");
	say(guest, "plug b\n");
	CU_ASSERT_STRING_EQUAL(got(qemu), "{\"execute\":\"human-monitor-command\",\"arguments\":{"
					  "\"command-line\":\"" ADD "\"},\"id\":3}\n");
	say(qemu, "{\"return\":\"\",\"id\":3}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "b ok\n");
	say(guest, "plug c\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "c ok\n");
	CU_ASSERT_STRING_EQUAL(got(qemu), "");
	finish();
}

static void refusals(void)
{
	begin();
	say(guest, "unplug a\n");
	say(qemu, "{\"error\":{\"desc\":\"in\\nuse\"},\"id\":2}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "a failed: in use\n");
	say(qemu, DELETED); /* let go by itself */
	say(guest, "plug b\n");
	say(qemu, "{\"return\":\"Error: no\\r\\n\",\"id\":3}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "b failed: Error: no  \n");
	say(guest, "plug c\n");
	say(qemu, "{\"return\":{},\"id\":4}\n");
	CU_ASSERT_STRING_EQUAL(got(guest), "c ok\n");
	say(guest, "unplug d\n");
	close(qemu);
	guest_plug_step(plug);
	CU_ASSERT_PTR_NOT_NULL(strstr(got(guest), "d failed: QEMU's monitor hung up"));
	say(guest, "unplug e\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(got(guest), "e failed: "));
	CU_ASSERT_EQUAL(guest_plug_fd(plug, 1), -1);
	qemu = -1;
	finish();
}

static void nonsense(void)
{
	static const char *const lines[] = {
		"\n", "unplug\n", "unplug \n", "plug a b\n", "device_del n0\n", "UNPLUG a\n",
		"unplug abcdefghijklmnopq\n", "unplug a\\\"\n", "unplug \xc3\xa4\n", " unplug a\n",
		"unplug a\r\n", "unplug aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n",
		"{\"execute\":\"quit\"}\n",
	};

	begin();
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		say(guest, lines[i]);
	CU_ASSERT_STRING_EQUAL(got(qemu), "");
	CU_ASSERT_STRING_EQUAL(got(guest), "");
	say(guest, "unplug a\nunplug b\n"); /* one at a time */
	say(qemu, DELETED);
	CU_ASSERT_STRING_EQUAL(got(guest), "a ok\n");
	finish();
}

static void flood(void)
{
	begin();
	for (int i = 0; i < 1000 && guest_plug_fd(plug, 0) >= 0; i++)
		say(guest, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	CU_ASSERT_EQUAL(guest_plug_fd(plug, 0), -1);
	CU_ASSERT_STRING_EQUAL(got(qemu), "");
	guest_plug_step(plug);
	finish();
}

static const struct unit units[] = {
	{ "out and in", out_and_in },
	{ "refusals", refusals },
	{ "nonsense", nonsense },
	{ "flood", flood },
};

UNIT_MAIN("plug", units)
