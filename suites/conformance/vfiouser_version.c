// SPDX-License-Identifier: GPL-2.0-or-later
/* vfio-user: the first words of a session, and clients that never get so far. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "talk.h"

#define TEXT(t) (t), sizeof(t)

static const char empty[] = "{}";
static const char plain[] = "{\"capabilities\":{\"max_msg_fds\":8}}";
static const char twin[] = "{\"capabilities\":{\"max_msg_fds\":8,\"twin_socket\":"
			   "{\"supported\":true}}}";

/* A connection of the case's own where the target's was; the server may serve one alone. */
static int instead(struct rig *r)
{
	talk_drop(r);
	return talk_dial(r);
}

/* The reply to a version that a server of any kind takes. */
static struct vu_version agreed(struct rig *r, int sock, uint16_t minor, const char *text,
				size_t len, struct vu_msg **ret)
{
	struct vu_version v = { 0 };
	int err = talk_version(r, sock, VU_MAJOR, minor, text, len, ret, TALK_NS);

	if (err)
		rig_fail(r, "VERSION 0.%u is not answered (%s)", minor, strerror(-err));
	REQUIRE_TRUE(r, !talk_failed(*ret), "VERSION 0.%u is accepted (errno %u)", minor,
		     (*ret)->h.error);
	REQUIRE_TRUE(r, !vu_version_parse((*ret)->data, (*ret)->len, &v),
		     "the reply to VERSION is two numbers and a JSON text with its NUL");
	return v;
}

static const struct minor_row {
	const char *name;
	uint16_t minor;
} minors[] = { { "0.0", 0 }, { "0.1", 1 }, { "0.65535", 65535 } };

static void version_agrees(struct rig *r)
{
	const struct minor_row *row = rig_row(r);
	int sock = instead(r);
	struct vu_msg *m;
	struct vu_version v = agreed(r, sock, row->minor, TEXT(plain), &m);

	CHECK_EQ(r, "major version of the reply", v.major, VU_MAJOR);
	CHECK_TRUE(r, v.minor <= row->minor, "minor version of the reply: %u, proposed %u", v.minor,
		   row->minor);
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
}

static void version_without_text(struct rig *r)
{
	int sock = instead(r);
	struct vu_msg *m;

	agreed(r, sock, VU_MINOR, NULL, 0, &m);
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
}

/* An error and a hang-up will both do. */
static void version_other_major(struct rig *r)
{
	int sock = instead(r), err;
	struct vu_msg *m;

	err = talk_version(r, sock, VU_MAJOR + 1, 0, TEXT(empty), &m, TALK_NS);
	CHECK_TRUE(r, err || talk_failed(m), "version 1.0 is not accepted (%s)",
		   err ? strerror(-err) : "it is answered");
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
}

static const struct text_row {
	const char *name, *text;
	size_t len;
} texts[] = {
	{ "no-nul", "{}", 2 },
	{ "no-json", TEXT("hello") },
	{ "no-object", TEXT("[]") },
	{ "cut", TEXT("{\"capabilities\":{") },
	{ "wrong-kind", TEXT("{\"capabilities\":{\"max_msg_fds\":\"many\"}}") },
};

static void version_malformed(struct rig *r)
{
	const struct text_row *row = rig_row(r);
	int sock = instead(r), err;
	struct vu_msg *m;

	err = talk_version(r, sock, VU_MAJOR, VU_MINOR, row->text, row->len, &m, TALK_NS);
	CHECK_TRUE(r, err || talk_failed(m), "a malformed version text is not accepted");
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
}

static void twin_not_offered(struct rig *r)
{
	int sock = instead(r);
	struct vu_msg *m;
	struct vu_version v = agreed(r, sock, VU_MINOR, TEXT(plain), &m);

	CHECK_TRUE(r, !v.twin, "no twin socket is set up for a client that offered none");
	talk_hang_up(r, sock);
	talk_renew(r);
}

static bool is_socket(const struct vu_msg *m, int index)
{
	struct stat st;

	return index >= 0 && (unsigned)index < m->fds && !fstat(m->fd[index], &st) &&
	       S_ISSOCK(st.st_mode);
}

static void twin_is_there(struct rig *r)
{
	int sock = instead(r);
	struct vu_msg *m;
	struct vu_version v = agreed(r, sock, 0, TEXT(twin), &m);

	if (v.twin)
		CHECK_TRUE(r, is_socket(m, v.twin_fd),
			   "descriptor %d of the %u that came is the twin socket", v.twin_fd,
			   m->fds);
	else
		CHECK_TRUE(r, true, "no twin socket is promised");
	talk_hang_up(r, sock);
	talk_renew(r);
}

/* ---- clients that are none ---- */

#define SIZE_OF(n)                                                                                 \
	{                                                                                          \
		TALK_ID, VU_VERSION, (n), 0, 0                                                     \
	}

static const struct vu_header heads[] = {
	SIZE_OF(0),
	SIZE_OF(15),
	SIZE_OF(UINT32_MAX),
	SIZE_OF(26), /* and not a byte behind it */
	{ TALK_ID, VU_VERSION, 16, VU_REPLY, 0 },
	{ TALK_ID, VU_VERSION, 16, 0xf, 0 },
};

static const struct bytes_row {
	const char *name;
	const void *bytes;
	size_t len;
} strangers[] = {
	{ "nothing", "", 0 },
	{ "one-byte", "\1", 1 },
	{ "half-header", &heads[3], 8 },
	{ "no-payload", &heads[3], 16 },
	{ "size-0", &heads[0], 16 },
	{ "size-15", &heads[1], 16 },
	{ "size-4g", &heads[2], 16 },
	{ "a-reply", &heads[4], 16 },
	{ "unknown-type", &heads[5], 16 },
	{ "http", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27 },
};

/* Leaves at once: how long a server waits for the rest of a message is its own affair. */
static void stranger(struct rig *r)
{
	const struct bytes_row *row = rig_row(r);
	int sock = instead(r);

	talk_bytes(r, sock, row->bytes, row->len);
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
	talk_check_alive(r);
}

/* The same, once it is known as a client. */
static void stranger_later(struct rig *r)
{
	const struct bytes_row *row = rig_row(r);
	int sock = instead(r);
	struct vu_msg *m;

	agreed(r, sock, VU_MINOR, TEXT(plain), &m);
	talk_bytes(r, sock, row->bytes, row->len);
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
	talk_check_alive(r);
}

/* A size that leaves no room for the header it stands in. */
static void size_below_header(struct rig *r)
{
	int sock = instead(r), err;
	struct talk nothing = { .command = VU_DEVICE_RESET, .flags = VU_NO_REPLY };
	struct vu_msg *m;

	agreed(r, sock, VU_MINOR, TEXT(plain), &m);
	talk_bytes(r, sock, &heads[1], sizeof(heads[1]));
	err = talk_on(r, sock, &nothing, &m, NS_PER_S / 5);
	CHECK_TRUE(r, err || talk_failed(m), "a message of 15 bytes is not answered as done");
	talk_hang_up(r, sock);
	talk_renew(r);
	talk_check_usable(r);
}

static const struct rig_case cases[] = {
	{ .id = "version-agrees",
	  .rule = "The reply to VERSION has the proposed major version, and no higher minor one.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .fault = "version-minor-above",
	  .run = version_agrees,
	  ROWS(minors) },
	{ .id = "version-other-major",
	  .rule = "A major version that is not known is not accepted, and the next client is "
		  "served.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .fault = "version-any-major",
	  .run = version_other_major },
	{ .id = "version-without-text",
	  .rule = "The version data are optional.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .fault = "version-text-missed",
	  .run = version_without_text },
	{ .id = "version-malformed",
	  .rule = "Version data that are no JSON object with its NUL are not accepted.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "version-text-unread",
	  .run = version_malformed,
	  ROWS(texts) },
	{ .id = "twin-not-offered",
	  .rule = "A twin socket is set up only for a client that offered it.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .fault = "twin-unasked",
	  .run = twin_not_offered },
	{ .id = "twin-is-there",
	  .rule = "A twin socket that the reply promises comes with it, at the index it says.",
	  .ref = TALK_REF "VFIO_USER_VERSION",
	  .needs = TALK_NEEDS,
	  .fault = "twin-without-descriptor",
	  .run = twin_is_there },
	{ .id = "stranger",
	  .rule = "After a connection on which no client spoke the next client is served.",
	  .ref = TALK_REF "Security Considerations; Client Disconnection",
	  .needs = TALK_NEEDS,
	  .fault = "half-message-ends-server",
	  .run = stranger,
	  ROWS(strangers) },
	{ .id = "cut-off",
	  .rule = "After a client that left in the middle of a message the next client is served.",
	  .ref = TALK_REF "Security Considerations; Client Disconnection",
	  .needs = TALK_NEEDS,
	  .fault = "half-message-ends-server",
	  .run = stranger_later,
	  ROWS(strangers) },
	{ .id = "size-below-header",
	  .rule = "A message size that leaves no room for the header is not taken for a message.",
	  .ref = TALK_REF "Header",
	  .needs = TALK_NEEDS,
	  .level = SHOULD,
	  .fault = "bad-size-taken",
	  .run = size_below_header },
};

SUITE(vfiouser_version_suite, CONFORMANCE, "vfiouser", cases);
