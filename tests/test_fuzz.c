// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every parser of bytes that come from outside, on seeded noise: mutations of good input, so that
 * they get past the first character. NVRIG_FUZZ_SEED and NVRIG_FUZZ_TIMES make it another and a
 * longer one; the sanitizers are what finds most.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "event/event.h"
#include "rig/config.h"
#include "rig/journal_read.h"
#include "rig/profile.h"
#include "rig/report/report.h"
#include "rig/stack.h"
#include "target/qtest_wire.h"
#include "target/target.h"
#include "unit.h"

#define BYTES_MAX 65536u

static char top[] = "/tmp/nvrig-test-fuzz-XXXXXX";
static uint64_t state;
static unsigned times = 1;

/* ---- noise ---- */

static uint32_t rnd(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (uint32_t)(state >> 33) % below : 0;
}

struct bytes {
	char data[BYTES_MAX + 1]; /* ended by NUL behind len */
	size_t len;
};

static void insert(struct bytes *b, size_t at, const char *from, size_t n)
{
	if (b->len + n > BYTES_MAX)
		return;
	memmove(b->data + at + n, b->data + at, b->len - at);
	memcpy(b->data + at, from, n);
	b->len += n;
}

static void mutate_once(struct bytes *b, const char *const *words, size_t n_words)
{
	size_t at = rnd((uint32_t)b->len + 1), n = rnd(1 + (uint32_t)(b->len - at) / 4);
	const char *word = words[rnd((uint32_t)n_words)];
	char copy[256];

	switch (rnd(6)) {
	case 0:
		if (at < b->len)
			b->data[at] ^= (char)(1 << rnd(8));
		break;
	case 1:
		if (at < b->len)
			b->data[at] = (char)rnd(256);
		break;
	case 2:
		memmove(b->data + at, b->data + at + n, b->len - at - n);
		b->len -= n;
		break;
	case 3:
		n = n < sizeof(copy) ? n : sizeof(copy);
		memcpy(copy, b->data + at, n);
		insert(b, rnd((uint32_t)b->len + 1), copy, n);
		break;
	case 4:
		insert(b, at, word, strlen(word));
		break;
	default:
		if (!rnd(8))
			b->len = at;
	}
}

/* One of the good ones with one to eight things done to it. */
static void mutate(struct bytes *b, const char *good, const char *const *words, size_t n_words)
{
	b->len = strnlen(good, BYTES_MAX);
	memcpy(b->data, good, b->len);
	for (unsigned i = 1 + rnd(8); i; i--)
		mutate_once(b, words, n_words);
	b->data[b->len] = 0;
}

static struct bytes noise;

#define MUTATE(good, words) mutate(&noise, good, words, ARRAY_SIZE(words))

/* ---- the qtest wire ---- */

static void wire(void)
{
	static const char *const good[] = { "OK\n", "OK 0x1234\n", "IRQ raise 3\nOK 0x0\n",
					    "FAIL Unknown command 'x'\n",
					    "IRQ lower 1\nIRQ raise 1\nOK 0xffffffffffffffff\n" };
	static const char *const words[] = {
		"OK", "\n", " ", "0x", "IRQ raise ", "FAIL", "\r\n", "ffffffffffffffffffffff"
	};

	for (unsigned i = 0; i < 2000 * times; i++) {
		struct wire w = { .timeout_ns = 2 * NS_PER_MS };
		uint64_t v = 4711;
		int fds[2], err;

		MUTATE(good[rnd(ARRAY_SIZE(good))], words);
		CU_ASSERT_EQUAL_FATAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
		w.fd = fds[0];
		CU_ASSERT_EQUAL(send(fds[1], noise.data, noise.len, MSG_NOSIGNAL),
				(ssize_t)noise.len);
		shutdown(fds[1], SHUT_WR);
		for (int k = 0; k < 4; k++) {
			err = k == 1 ? wire_post(&w, "writel 0x0 0x0")
				     : wire_ask(&w, &v, "readl 0x%x", k);
			CU_ASSERT_TRUE(err == 0 || err == -EPROTO || err == -ENODEV ||
				       err == -ETIMEDOUT);
			CU_ASSERT_TRUE(!err || w.error[0]);
			CU_ASSERT_TRUE(memchr(w.error, 0, sizeof(w.error)) != NULL);
			CU_ASSERT_TRUE(w.have <= WIRE_LINE);
		}
		wire_close(&w);
		close(fds[1]);
	}
}

/* ---- addresses ---- */

static void addresses(void)
{
	static const char *const good[] = {
		"model:",
		"model:fault=all-ones",
		"model:mqes=7,dstrd=1,to=2",
		"model:fault=wrong-cid,fault=double-cqe",
		"qtest:/nowhere/s?mem=/nowhere/ram,addr=05.0,timeout=300,clock=step,size=64Mi",
	};
	static const char *const words[] = { ":",      ",",    "=",	   "?",
					     "fault=", "mem=", "%n%s",	   "99999999999999999999",
					     "-1",     "0x",   "addr=1f.7" };

	for (unsigned i = 0; i < 3000 * times; i++) {
		char error[256] = "";
		struct target *t = NULL;
		int err;

		MUTATE(good[rnd(ARRAY_SIZE(good))], words);
		err = target_open(noise.data, &t, error);
		CU_ASSERT_TRUE(err <= 0);
		CU_ASSERT_EQUAL(err == 0, t != NULL);
		CU_ASSERT_TRUE(memchr(error, 0, sizeof(error)) && (!err || error[0]));
		if (!err)
			target_close(t);
	}
}

/* ---- events ---- */

static const char *const json_words[] = {
	"{",	"}",	"[",	    "]",	 "\"",	    ":",
	",",	"null", "1e999",    "-1",	 "\\u0000", "\\ud800",
	"true", "\xff", "\"seq\":", "\"type\":", "\n",	    "18446744073709551616"
};

static char *load(const char *name)
{
	char path[300], *text = calloc(1, BYTES_MAX);
	FILE *f;

	snprintf(path, sizeof(path), "%s/runs/%s/events.jsonl", TESTS_DIR, name);
	f = fopen(path, "r");
	if (f) {
		size_t n = fread(text, 1, BYTES_MAX - 1, f);

		text[n] = 0;
		fclose(f);
	}
	return text;
}

/* What every reader does with an event, whatever is in it. */
static void read_event(const struct json_object *e)
{
	static const char *const keys[] = { "seq", "case", "verdict", "got", "advice", "t" };

	CU_ASSERT_TRUE(event_type(e) != NULL);
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		CU_ASSERT_PTR_NOT_NULL(event_get_str(e, keys[i]));
		event_get_u64(e, keys[i]);
		event_get_bool(e, keys[i]);
	}
}

static void events(void)
{
	_cleanup_free_ char *text = load("mixed");
	char *lines[200];
	unsigned n = 0;

	for (char *line = strtok(text, "\n"); line && n < 200; line = strtok(NULL, "\n"))
		lines[n++] = line;
	CU_ASSERT_TRUE_FATAL(n > 10);
	for (unsigned i = 0; i < 10000 * times; i++) {
		struct json_object *e;

		MUTATE(lines[rnd(n)], json_words);
		e = event_decode(noise.data, noise.len);
		if (e)
			read_event(e);
		json_object_put(e);
	}
}

/* ---- journals, and every report of what is left of them ---- */

static void keep(void *ctx, struct json_object *e)
{
	json_object_array_add(ctx, json_object_get(e));
}

static void tell(const struct report_ops *ops, const struct json_object *all)
{
	const struct report_style style = { .verbose = rnd(2), .colour = rnd(2) };
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	void *report = ops->open(out, &style);

	for (size_t i = 0; i < json_object_array_length(all); i++)
		ops->event(report, json_object_array_get_idx(all, i));
	CU_ASSERT_EQUAL(ops->close(report), 0);
	fclose(out);
}

static void one_journal(void)
{
	struct json_object *all = json_object_new_array();
	char error[JOURNAL_ERROR] = "";
	int fd = memfd_create("journal", MFD_CLOEXEC), err;
	off_t end = -1;

	CU_ASSERT_EQUAL(write(fd, noise.data, noise.len), (ssize_t)noise.len);
	lseek(fd, 0, SEEK_SET);
	err = journal_load(fd, keep, all, &end, error);
	CU_ASSERT_TRUE(err <= 0 && (!err || error[0]));
	CU_ASSERT_TRUE(err || (end >= 0 && end <= (off_t)noise.len));
	for (size_t i = 0; report_all[i]; i++)
		tell(report_all[i], all);
	json_object_put(all);
	close(fd);
}

static void journals(void)
{
	static const char *const names[] = { "mixed", "good", "cut", "resumed", "nothing-ran" };

	for (size_t k = 0; k < ARRAY_SIZE(names); k++) {
		_cleanup_free_ char *text = load(names[k]);

		CU_ASSERT_TRUE_FATAL(text && *text);
		for (unsigned i = 0; i < 60 * times; i++) {
			MUTATE(text, json_words);
			one_journal();
		}
	}
}

/* ---- configuration ---- */

static const char good_stack[] =
	"# a comment\nstack \"t\" {\n\tkind = qemu-qtest\n\tbinary = \"qemu\"\n\tmemory = 64Mi\n"
	"\tdisk = \"256Mi\"\n\taddress = 05.0\n\tstart = 20s\n\tkeep-disk = yes\n\taccel = tcg\n"
	"\tnamespace \"1\" { options = 'logical_block_size=512' }\n}\n";
static const char good_drive[] =
	"drive \"d\" {\n\tmodel = \"X*\"\n\tfirmware = \"1.*\"\n\tpci = { \"1b36:*\", \"8086:1\" "
	"}\n"
	"\tknown \"queue.*\" {\n\t\treason = \"why\"\n\t\tuntil = \"2027-06-01\"\n\t}\n}\n";
static const char *const config_words[] = { "{",
					    "}",
					    "\"",
					    "'",
					    "=",
					    "+=",
					    "/*",
					    "*/",
					    "#",
					    "\n",
					    "(",
					    ")",
					    "known",
					    "Mi",
					    "${X}",
					    "\\",
					    "-1",
					    "0x",
					    "4611686018427387904Gi",
					    "\xff",
					    "\t" };

static void put(const char *sub)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/t.conf", top, sub);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(noise.data, 1, noise.len, f);
	fclose(f);
}

static void stacks(void)
{
	for (unsigned i = 0; i < 500 * times; i++) {
		struct stack_config c;
		char error[CONFIG_ERROR] = "";
		int err;

		MUTATE(good_stack, config_words);
		put("stacks");
		err = stack_config_load(top, "t", &c, error);
		CU_ASSERT_TRUE(err <= 0);
		CU_ASSERT_TRUE(!err || strstr(error, "t.conf"));
		if (err)
			continue;
		CU_ASSERT_TRUE(c.n_ns >= 1 && c.n_ns <= STACK_NS_MAX && c.start_s > 0);
		CU_ASSERT_TRUE(c.memory_bytes >= 1 << 20 && c.disk_bytes > 0);
		CU_ASSERT_TRUE(memchr(c.binary, 0, sizeof(c.binary)) &&
			       memchr(c.addr, 0, sizeof(c.addr)));
	}
}

static void profiles(void)
{
	for (unsigned i = 0; i < 500 * times; i++) {
		struct profile *p = NULL;
		char error[CONFIG_ERROR] = "";
		int err;

		MUTATE(good_drive, config_words);
		put("drives");
		err = profile_load(top, "X1", "1.0", "1b36:0010", &p, error);
		CU_ASSERT_TRUE(err <= 0);
		CU_ASSERT_TRUE(!err || strstr(error, "t.conf:"));
		CU_ASSERT_EQUAL(err == 0, p != NULL);
		if (p)
			profile_known(p, "queue.wrap-phase[2]", "1.0", "QEMU 7.2.22", "status: got x");
		profile_free(p);
	}
}

static void values(void)
{
	static const char *const good[] = { "64Mi",	  "20s",     "120us",
					    "0x7fffffff", "1048576", "18446744073709551615" };
	static const char *const words[] = { "Mi", "Gi", "K", "s", "ms", "0x", "-", "+", " ", "9" };

	for (unsigned i = 0; i < 20000 * times; i++) {
		uint64_t v = 4711, ns = 4711;
		int err;

		MUTATE(good[rnd(ARRAY_SIZE(good))], words);
		err = text_number(noise.data, &v);
		CU_ASSERT_TRUE(err == 0 || (err < 0 && v == 4711));
		CU_ASSERT_TRUE(err || !strpbrk(noise.data, "-+"));
		err = config_parse_duration(noise.data, &ns);
		CU_ASSERT_TRUE(err == 0 || (ns == 4711 && (err == -EINVAL || err == -ERANGE)));
	}
}

static const struct unit units[] = {
	{ "qtest wire", wire },		  { "addresses", addresses }, { "events", events },
	{ "journals", journals },	  { "stacks", stacks },	      { "profiles", profiles },
	{ "numbers, durations", values },
};

static void make_dir(const char *sub)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", top, sub);
	mkdir(path, 0700);
}

static void remove_dir(const char *sub)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s/t.conf", top, sub);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%s", top, sub);
	rmdir(path);
}

int main(void)
{
	const char *seed = getenv("NVRIG_FUZZ_SEED"), *more = getenv("NVRIG_FUZZ_TIMES");
	int status;

	state = seed ? strtoull(seed, NULL, 0) : 1;
	times = more ? (unsigned)strtoul(more, NULL, 0) : 1;
	if (!mkdtemp(top))
		return 2;
	make_dir("stacks");
	make_dir("drives");
	status = unit_main("fuzz", units, ARRAY_SIZE(units));
	remove_dir("stacks");
	remove_dir("drives");
	rmdir(top);
	return status;
}
