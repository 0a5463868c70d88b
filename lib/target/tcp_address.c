// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/tcp_address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "target/target.h"
#include "tcp/pdu.h"

/* Ours is the same on every machine: who is let in by name lets in every nvrig, and no other. */
#define HOSTNQN	      "nqn.2014-08.org.nvmexpress:uuid:6e767269-6700-4d6f-8465-6c00000000ff"
#define HOSTID	      "6e76726967004d6f84656c00000000ff"

#define ARENA_UNIT    0x200000ull
#define ARENA_MAX     (64ull << 30)
#define ARENA_DEFAULT (256ull << 20)
#define MS_MAX	      3600000u

const char tcp_address_help[] =
	"tcp:HOST:PORT[/"
	"NQN][?digest=hdr,data][,queues=N][,hostnqn=NQN][,hostid=UUID|random][,kato=MS]"
	"[,timeout=MS][,align=BYTES][,flow=on|off][,mem=BYTES][,clock=step][,engine=TEXT]: "
	"an NVMe/TCP controller, reached by sockets alone. Without NQN the discovery service at "
	"that "
	"address is asked, and has to know one subsystem. queues are those of I/O at most, kato is "
	"0 "
	"for no Keep Alive, clock=step is for `nvrig serve --clock step`, "
	"hostid=random, new each time, for --fresh beside it";

static int set_digest(struct tcp_address *a, const char *value)
{
	char copy[16], *save = NULL;

	if (!*value || strlen(value) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, value);
	for (char *w = strtok_r(copy, "+&", &save); w; w = strtok_r(NULL, "+&", &save)) {
		if (strcmp(w, "hdr") && strcmp(w, "data"))
			return -EINVAL;
		a->hdgst |= *w == 'h';
		a->ddgst |= *w == 'd';
	}
	return 0;
}

static int set_nqn(char to[NQN_BYTES], const char *value)
{
	if (strncmp(value, "nqn.", 4) || strlen(value) > NQN_MAX)
		return -EINVAL;
	memset(to, 0, NQN_BYTES);
	memcpy(to, value, strlen(value));
	return 0;
}

static int random_hostid(uint8_t to[16])
{
	return getentropy(to, 16) ? -EINVAL : 0;
}

/* 32 hexadecimal digits, hyphens where a UUID has them or anywhere. */
static int set_hostid(uint8_t to[16], const char *value)
{
	unsigned n = 0;

	if (!strcmp(value, "random"))
		return random_hostid(to);
	for (; *value; value++) {
		const char *digits = "0123456789abcdef0123456789ABCDEF";
		const char *at = strchr(digits, *value);

		if (*value == '-')
			continue;
		if (!at || n == 32)
			return -EINVAL;
		to[n / 2] = (uint8_t)(to[n / 2] << 4 | ((at - digits) & 15));
		n++;
	}
	return n == 32 ? 0 : -EINVAL;
}

static int set_number(uint64_t *to, const char *value, uint64_t min, uint64_t max)
{
	uint64_t n;

	if (text_number(value, &n) || n < min || n > max)
		return -EINVAL;
	*to = n;
	return 0;
}

static int set_word(bool *to, const char *value, const char *on, const char *off)
{
	*to = !strcmp(value, on);
	return *to || !strcmp(value, off) ? 0 : -EINVAL;
}

static int set_text(char *to, size_t size, const char *value)
{
	if (!*value || strlen(value) >= size)
		return -EINVAL;
	memcpy(to, value, strlen(value) + 1);
	return 0;
}

/* "data" alone goes on where "digest=hdr" ended. */
static const char *const keys[] = { "digest", "data",	 "queues", "hostnqn", "hostid",
				    "kato",   "timeout", "align",  "flow",    "mem",
				    "clock",  "engine",	 NULL };

static int set_option(void *ctx, const char *key, const char *value)
{
	struct tcp_address *a = ctx;

	if (!strcmp(key, "digest"))
		return set_digest(a, value);
	if (!strcmp(key, "data"))
		return *value ? -EINVAL : set_digest(a, "data");
	if (!strcmp(key, "queues"))
		return set_number(&a->queues, value, 1, 64);
	if (!strcmp(key, "hostnqn"))
		return set_nqn(a->hostnqn, value);
	if (!strcmp(key, "hostid"))
		return set_hostid(a->hostid, value);
	if (!strcmp(key, "kato"))
		return set_number(&a->kato_ms, value, 0, UINT32_MAX);
	if (!strcmp(key, "timeout"))
		return set_number(&a->timeout_ms, value, 1, MS_MAX);
	if (!strcmp(key, "align"))
		return set_number(&a->align, value, 4, TCP_ALIGN_MAX) || a->align % 4 ? -EINVAL : 0;
	if (!strcmp(key, "flow"))
		return set_word(&a->no_flow_control, value, "off", "on");
	if (!strcmp(key, "mem"))
		return set_number(&a->mem, value, ARENA_UNIT, ARENA_MAX) || a->mem % ARENA_UNIT
			       ? -EINVAL
			       : 0;
	if (!strcmp(key, "clock"))
		return set_word(&a->step, value, "step", "real");
	return strcmp(key, "engine") ? -ENOENT : set_text(a->engine, sizeof(a->engine), value);
}

/* "HOST:PORT" or "[ADDRESS]:PORT", len characters. */
static int set_place(struct target *t, struct tcp_address *a, const char *text, size_t len)
{
	const char *colon = memrchr(text, ':', len);
	size_t n = colon ? (size_t)(colon - text) : 0, m = colon ? len - n - 1 : 0;
	bool six = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	uint64_t port;

	if (!n || n >= sizeof(a->host) || !m || m >= sizeof(a->port) ||
	    (!six && memchr(text, ':', n)))
		return target_fail(t, -EINVAL,
				   "'%.*s': write HOST:PORT/NQN, for example 127.0.0.1:4420/nqn...",
				   len < 80 ? (int)len : 80, text);
	memcpy(a->host, text + six, n - 2 * six);
	memcpy(a->port, colon + 1, m);
	if (text_number(a->port, &port) || !port || port > 65535)
		return target_fail(t, -EINVAL, "'%s' is no port", a->port);
	return 0;
}

int tcp_address_parse(struct target *t, const char *text, struct tcp_address *ret)
{
	size_t place = strcspn(text, "/?"), end = strcspn(text, "?");
	char nqn[NQN_BYTES] = "";
	int err;

	*ret = (struct tcp_address){ .queues = 64,
				     .kato_ms = 15000,
				     .timeout_ms = 10000,
				     .mem = ARENA_DEFAULT,
				     .align = 4 };
	set_nqn(ret->hostnqn, HOSTNQN);
	set_hostid(ret->hostid, HOSTID);
	err = set_place(t, ret, text, place);
	if (!err && end > place + 1) {
		size_t n = end - place - 1;

		memcpy(nqn, text + place + 1, n < sizeof(nqn) ? n : sizeof(nqn) - 1);
		if (n >= sizeof(nqn) || set_nqn(ret->nqn, nqn))
			err = target_fail(t, -EINVAL,
					  "'%.80s' is no NVMe Qualified Name: nqn.YYYY-MM.NAME",
					  nqn);
	}
	if (!err && text[end])
		err = target_options(t, text + end + 1, keys, set_option, ret);
	return err;
}
