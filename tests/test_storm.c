// SPDX-License-Identifier: GPL-2.0-or-later
/* The storm's parts without a device: scripts as files, what blocks may hold, shrinking. */
#include "storm/blocks.h"
#include "storm/script.h"
#include "storm/shrink.h"
#include "unit.h"

#include <errno.h>
#include <string.h>

#define HEADER(steps)                                                                              \
	"{\"type\":\"nvrig-replay\",\"version\":1,\"steps\":" #steps ",\"seed\":\"7\"}\n"
#define SQE_HEX                                                                                    \
	"02000000010000000000000000000000000000000000000000000000000000000000000000000000"         \
	"000000000000000000000000000000000000000000000000"
#define READ                                                                                       \
	"{\"step\":4,\"do\":\"command\",\"queue\":1,\"sqe\":\"" SQE_HEX                            \
	"\",\"pointer\":\"list\",\"offset\":8}\n"
#define WAIT  "{\"step\":5,\"do\":\"wait\"}\n"
#define RESET "{\"step\":6,\"do\":\"reset\"}\n"

/* ---- files ---- */

static int parse(const char *text, struct script *s, char *error)
{
	return script_parse("f", text, strlen(text), s, error);
}

static void a_good_file(void)
{
	char error[SCRIPT_ERROR], *text = NULL;
	size_t len = 0;
	struct script s, again;
	FILE *f = open_memstream(&text, &len);

	CU_ASSERT_EQUAL_FATAL(parse(HEADER(2) READ WAIT, &s, error), 0);
	CU_ASSERT_EQUAL_FATAL(s.n, 2);
	CU_ASSERT_EQUAL(s.seed, 7);
	CU_ASSERT_EQUAL(s.step[0].queue, 1);
	CU_ASSERT_EQUAL(s.step[0].pointer, POINTER_LIST);
	CU_ASSERT_EQUAL(s.step[0].offset, 8);
	CU_ASSERT_EQUAL(s.step[0].sqe.opcode, 2);
	CU_ASSERT_EQUAL(s.step[0].aims_at, SCRIPT_NOBODY);
	CU_ASSERT_EQUAL(s.step[1].kind, SCRIPT_WAIT);
	CU_ASSERT_EQUAL_FATAL(script_save(&s, f), 0);
	fclose(f);
	CU_ASSERT_EQUAL_FATAL(script_parse("g", text, len, &again, error), 0);
	CU_ASSERT_EQUAL(again.n, s.n);
	CU_ASSERT(!memcmp(again.step, s.step, s.n * sizeof(*s.step)));
	script_free(&again);
	script_free(&s);
	free(text);
}

static void bad_files(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "", "f:0: cut short" },
		{ "\n", "f:1: no JSON object" },
		{ "hello\n", "f:1: no JSON object" },
		{ "[1]\n", "f:1: no JSON object" },
		{ "{\"type\":\"format\"}\n", "no replay file" },
		{ "{\"type\":\"nvrig-replay\",\"version\":2,\"steps\":0}\n", "of version 2" },
		{ "{\"type\":\"nvrig-replay\",\"version\":1}\n", "\"steps\"" },
		{ "{\"type\":\"nvrig-replay\",\"version\":1,\"steps\":1e9}\n", "\"steps\"" },
		{ "{\"type\":\"nvrig-replay\",\"version\":1,\"steps\":99999999}\n", "at most" },
		{ HEADER(2) READ, "cut short: 1 steps" },
		{ HEADER(2) READ "{\"step\":5,\"do\"", "f:3: no JSON object" },
		{ HEADER(1) READ WAIT, "f:3: more than the 1 steps" },
		{ HEADER(1) "{\"step\":1,\"do\":\"format\"}\n", "none of command, wait, reset" },
		{ HEADER(1) "{\"do\":\"wait\"}\n", "\"step\"" },
		{ HEADER(1) "{\"step\":-1,\"do\":\"wait\"}\n", "\"step\" is -1" },
		{ HEADER(1) "{\"step\":1,\"do\":\"command\"}\n", "\"pointer\"" },
		{ HEADER(1) "{\"step\":1,\"do\":\"command\",\"pointer\":\"prp\",\"queue\":9,"
			    "\"offset\":0}\n",
		  "\"queue\" is 9" },
		{ HEADER(1) "{\"step\":1,\"do\":\"command\",\"pointer\":\"prp\",\"queue\":1,"
			    "\"offset\":2}\n",
		  "no multiple of 4" },
		{ HEADER(1) "{\"step\":1,\"do\":\"command\",\"pointer\":\"prp\",\"queue\":1,"
			    "\"offset\":0,\"sqe\":\"02\"}\n",
		  "hex digits" },
		{ HEADER(1) "{\"step\":1,\"do\":\"wait\"} trailing\n", "f:2: no JSON object" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		char error[SCRIPT_ERROR] = "";
		struct script s;

		CU_ASSERT_EQUAL(parse(bad[i].text, &s, error), -EINVAL);
		if (!strstr(error, bad[i].says))
			printf("got: %s\n", error);
		CU_ASSERT(strstr(error, bad[i].says) != NULL);
		CU_ASSERT_PTR_NULL(s.step);
	}
}

/* Every byte of a good file bent in turn: a script or a sentence, never anything else. */
static void bent_files(void)
{
	static const char good[] = HEADER(2) READ WAIT;
	char text[sizeof(good)], error[SCRIPT_ERROR];

	for (size_t i = 0; i < sizeof(good) - 1; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			struct script s;
			int err;

			memcpy(text, good, sizeof(good));
			text[i] = (char)(text[i] ^ 1 << bit);
			err = script_parse("f", text, sizeof(good) - 1, &s, error);
			CU_ASSERT(err == 0 || (err == -EINVAL && strstr(error, "f:")));
			script_free(&s);
		}
}

static void no_file(void)
{
	char error[SCRIPT_ERROR];
	struct script s;

	CU_ASSERT_EQUAL(script_load("/nonexistent/x", &s, error), -ENOENT);
	CU_ASSERT(strstr(error, "/nonexistent/x: No such file") != NULL);
	CU_ASSERT_EQUAL(script_load("/", &s, error), -EISDIR);
}

/* ---- blocks ---- */

#define BYTES 512u

static bool may_hold(const struct blocks *b, uint64_t lba, uint64_t id, uint64_t since)
{
	uint8_t data[BYTES];
	struct blocks_odd odd;

	blocks_fill(data, id, BYTES);
	return blocks_match(b, lba, 1, data, since, &odd);
}

static void begin(struct blocks *b, uint64_t lba, uint64_t n, uint64_t id)
{
	blocks_begin(b, &(struct blocks_change){ lba, n, id, true });
}

static void end(struct blocks *b, uint64_t lba, uint64_t n, uint64_t id, enum blocks_end how,
		uint64_t now)
{
	blocks_end(b, &(struct blocks_change){ lba, n, id, true }, how, now);
}

static struct blocks *written(uint64_t id)
{
	struct blocks *b = blocks_new(100, 8, BYTES);

	begin(b, 100, 8, id);
	end(b, 100, 8, id, BLOCKS_DONE, 10);
	return b;
}

static void one_after_the_other(void)
{
	struct blocks *b = blocks_new(100, 8, BYTES);

	CU_ASSERT(may_hold(b, 103, 0x99, 1)); /* nobody knows */
	blocks_free(b);
	b = written(0x100);
	CU_ASSERT(may_hold(b, 103, 0x103, 11));
	CU_ASSERT(!may_hold(b, 103, 0x104, 11));
	CU_ASSERT(!may_hold(b, 103, BLOCKS_ZEROES, 11));
	CU_ASSERT(may_hold(b, 103, 0x999, 5)); /* sent before the write ended */
	CU_ASSERT(may_hold(b, 99, 0x999, 11)); /* not followed */
	begin(b, 102, 2, BLOCKS_ZEROES);
	CU_ASSERT(may_hold(b, 103, 0x103, 11) && may_hold(b, 103, BLOCKS_ZEROES, 11));
	end(b, 102, 2, BLOCKS_ZEROES, BLOCKS_DONE, 20);
	CU_ASSERT(may_hold(b, 103, 0x103, 15)); /* a read sent before */
	CU_ASSERT(!may_hold(b, 103, 0x103, 21));
	CU_ASSERT(may_hold(b, 103, BLOCKS_ZEROES, 21) && may_hold(b, 104, 0x104, 21));
	blocks_free(b);
}

static void together(void)
{
	struct blocks *b = written(0x100);

	begin(b, 100, 4, 0x200);
	begin(b, 102, 4, 0x300);
	end(b, 100, 4, 0x200, BLOCKS_DONE, 20);
	CU_ASSERT(may_hold(b, 102, 0x202, 21) && may_hold(b, 102, 0x300, 21));
	end(b, 102, 4, 0x300, BLOCKS_DONE, 30);
	CU_ASSERT(may_hold(b, 102, 0x202, 31) && may_hold(b, 102, 0x300, 31));
	CU_ASSERT(!may_hold(b, 102, 0x102, 31));
	CU_ASSERT(may_hold(b, 100, 0x200, 31) && !may_hold(b, 100, 0x100, 31));
	blocks_free(b);
}

static void other_ends(void)
{
	struct blocks *b = written(0x100);

	begin(b, 100, 1, 0x200);
	end(b, 100, 1, 0x200, BLOCKS_NONE, 20);
	CU_ASSERT(may_hold(b, 100, 0x100, 21) && !may_hold(b, 100, 0x200, 21));
	begin(b, 101, 1, 0x200);
	end(b, 101, 1, 0x200, BLOCKS_MAYBE, 30);
	CU_ASSERT(may_hold(b, 101, 0x101, 31) && may_hold(b, 101, 0x200, 31));
	CU_ASSERT(!may_hold(b, 101, 0x201, 31));
	begin(b, 102, 1, 0x200);
	end(b, 102, 1, 0x200, BLOCKS_TORN, 40);
	CU_ASSERT(may_hold(b, 102, 0x12345, 41));
	/* two deallocations, one refused: what the first may have left is still there */
	for (int i = 0; i < 2; i++) {
		begin(b, 103, 1, BLOCKS_ZEROES);
		end(b, 103, 1, BLOCKS_ZEROES, i ? BLOCKS_NONE : BLOCKS_MAYBE, 50);
	}
	CU_ASSERT(may_hold(b, 103, BLOCKS_ZEROES, 51) && may_hold(b, 103, 0x103, 51));
	blocks_free(b);
}

static void unreadable(void)
{
	struct blocks *b = written(0x100);

	CU_ASSERT(!blocks_spoilt(b, 100, 8, 20));
	blocks_spoil(b, 104, 2);
	CU_ASSERT(blocks_spoilt(b, 100, 8, 20) && !blocks_spoilt(b, 100, 4, 20));
	begin(b, 104, 2, 0x500);
	end(b, 104, 2, 0x500, BLOCKS_DONE, 30);
	CU_ASSERT(!blocks_spoilt(b, 104, 2, 31));
	CU_ASSERT(blocks_spoilt(b, 104, 2, 25)); /* a read sent before it healed */
	CU_ASSERT(may_hold(b, 104, 0x500, 31) && !may_hold(b, 104, 0x104, 31));
	blocks_free(b);
}

static void comparing(void)
{
	struct blocks *b = written(0x100);
	bool equal, differs;

	blocks_compare(b, 100, 8, 0x100, 20, &equal, &differs);
	CU_ASSERT(equal && !differs);
	blocks_compare(b, 100, 8, 0x777, 20, &equal, &differs);
	CU_ASSERT(!equal && differs);
	blocks_compare(b, 98, 4, 0x98, 20, &equal, &differs);
	CU_ASSERT(differs); /* of two of them nothing is known */
	begin(b, 102, 1, 0x200);
	blocks_compare(b, 100, 8, 0x100, 20, &equal, &differs);
	CU_ASSERT(equal && differs);
	blocks_free(b);
}

/* ---- mixtures ---- */

/* The block's first `cut` bytes of one content, the rest of another. */
static bool may_tear(const struct blocks *b, uint64_t lba, uint64_t head, uint64_t tail, size_t cut,
		     uint64_t since, struct blocks_odd *odd)
{
	uint8_t data[BYTES], rest[BYTES];

	blocks_fill(data, head, BYTES);
	blocks_fill(rest, tail, BYTES);
	memcpy(data + cut, rest + cut, BYTES - cut);
	return blocks_match(b, lba, 1, data, since, odd);
}

/* Beside an atomic writer a block is of one thing, beside a loose one of what may be there. */
static void torn_beside_one(void)
{
	struct blocks_change w = { 100, 1, 0x200, true };
	struct blocks *b = written(0x100);
	struct blocks_odd odd = { 0 };

	blocks_begin(b, &w);
	CU_ASSERT(!may_tear(b, 100, 0x200, 0x100, 203, 11, &odd));
	CU_ASSERT(odd.torn && odd.lba == 100 && odd.at == 203 && odd.want == 0x200);
	blocks_end(b, &w, BLOCKS_DONE, 20);
	w = (struct blocks_change){ 100, 8, 0x300, false };
	blocks_begin(b, &w);
	CU_ASSERT(may_tear(b, 103, 0x303, 0x103, 203, 21, &odd));
	CU_ASSERT(!may_tear(b, 103, 0x303, 0x104, 203, 21, &odd)); /* of nobody's */
	CU_ASSERT(!odd.torn && odd.lba == 103 && odd.at == 203 && odd.want == 0x303);
	CU_ASSERT(!may_tear(b, 100, 0x300, 0x100, 8, 21, &odd)); /* overwritten before */
	blocks_end(b, &w, BLOCKS_DONE, 30);
	CU_ASSERT(may_tear(b, 103, 0x303, 0x103, 203, 25, &odd)); /* a read sent before */
	CU_ASSERT(!may_tear(b, 103, 0x303, 0x103, 203, 31, &odd));
	blocks_free(b);
}

/* Two at once, one of them loose: the mixture stays, until something is written alone. */
static void torn_by_two(void)
{
	struct blocks_change large = { 100, 8, 0x300, false }, small = { 103, 1, 0x400, true };
	struct blocks *b = written(0x100);
	struct blocks_odd odd = { 0 };

	blocks_begin(b, &large);
	blocks_begin(b, &small);
	blocks_end(b, &large, BLOCKS_DONE, 20);
	blocks_end(b, &small, BLOCKS_DONE, 30);
	CU_ASSERT(may_tear(b, 103, 0x400, 0x303, 203, 31, &odd));
	CU_ASSERT(!may_tear(b, 103, 0x400, 0x103, 203, 31, &odd)); /* the old is gone */
	CU_ASSERT(!may_tear(b, 102, 0x302, 0x102, 203, 31, &odd)); /* there it was alone */
	small.id = 0x500;
	blocks_begin(b, &small);
	blocks_end(b, &small, BLOCKS_NONE, 40); /* refused: nothing has changed */
	CU_ASSERT(may_tear(b, 103, 0x400, 0x303, 203, 41, &odd));
	blocks_begin(b, &small);
	blocks_end(b, &small, BLOCKS_DONE, 50);
	CU_ASSERT(may_tear(b, 103, 0x400, 0x303, 203, 45, &odd)); /* a read sent before */
	CU_ASSERT(!may_tear(b, 103, 0x400, 0x303, 203, 51, &odd));
	blocks_free(b);
}

/* Two atomic ones at once leave one of the two. */
static void torn_by_none(void)
{
	struct blocks_change a = { 100, 1, 0x200, true }, c = { 100, 1, 0x300, true };
	struct blocks *b = written(0x100);
	struct blocks_odd odd = { 0 };

	blocks_begin(b, &a);
	blocks_begin(b, &c);
	blocks_end(b, &a, BLOCKS_DONE, 20);
	blocks_end(b, &c, BLOCKS_DONE, 30);
	CU_ASSERT(!may_tear(b, 100, 0x200, 0x300, 8, 31, &odd) && odd.torn);
	blocks_free(b);
}

/* More writes at once than are followed: then anything may be there, and nothing is accused. */
static void too_many(void)
{
	struct blocks *b = written(0x100);

	for (uint64_t i = 0; i < 2 * BLOCKS_MAY; i++)
		begin(b, 100, 1, 0x1000 * (i + 2));
	for (uint64_t i = 0; i < 2 * BLOCKS_MAY; i++)
		end(b, 100, 1, 0x1000 * (i + 2), BLOCKS_DONE, 20 + i);
	CU_ASSERT(may_hold(b, 100, 0x1000 * (2 * BLOCKS_MAY + 1), 100));
	CU_ASSERT(may_hold(b, 100, 0x42, 100));
	begin(b, 100, 1, 0x9000);
	end(b, 100, 1, 0x9000, BLOCKS_DONE, 200);
	CU_ASSERT(may_hold(b, 100, 0x9000, 201) && !may_hold(b, 100, 0x42, 201));
	blocks_free(b);
}

/* ---- the player ---- */

struct bench {
	struct target *t;
	struct facts facts;
	struct ctrl *c;
	struct play_stage stage;
};

static struct bench *bench_open(const char *address)
{
	struct bench *b = calloc(1, sizeof(*b));
	char error[256];

	CU_ASSERT_EQUAL_FATAL(target_open("model:", &b->t, error), 0);
	CU_ASSERT_EQUAL_FATAL(facts_gather(b->t, &b->facts), 0);
	target_close(b->t);
	CU_ASSERT_EQUAL_FATAL(target_open(address, &b->t, error), 0);
	CU_ASSERT_EQUAL_FATAL(ctrl_open(b->t, &b->c), 0);
	CU_ASSERT_EQUAL_FATAL(play_stage(b->c, &b->facts, true, &b->stage), 0);
	return b;
}

static void bench_close(struct bench *b)
{
	ctrl_close(b->c);
	target_close(b->t);
	free(b);
}

static void play_steps(struct bench *b, const char *text, struct play_result *ret)
{
	char error[SCRIPT_ERROR];
	struct script s;

	CU_ASSERT_EQUAL_FATAL(parse(text, &s, error), 0);
	CU_ASSERT_EQUAL(play(&b->stage, &s, ret), 0);
	script_free(&s);
}

static void expect_silence(const struct play_result *r)
{
	CU_ASSERT(r->stopped);
	CU_ASSERT_EQUAL_FATAL(r->findings, 1);
	CU_ASSERT_EQUAL(r->finding[0].class, PLAY_SILENT);
	CU_ASSERT(strstr(r->finding[0].text, "does not bring it up") != NULL);
}

/* No queue is there, then and at the end. */
static void no_controller(void)
{
	struct bench *b = bench_open("model:fault=never-ready");
	struct play_result r;

	play_steps(b, HEADER(2) READ WAIT, &r);
	expect_silence(&r);
	bench_close(b);
}

/* The queues of the time before it are gone. */
static void no_second_controller(void)
{
	struct bench *b = bench_open("model:fault=cfs-on-enable");
	struct play_result r;

	play_steps(b, HEADER(3) READ RESET READ, &r);
	expect_silence(&r);
	bench_close(b);
}

static void add_io(struct script *s, uint8_t queue, struct cmd c)
{
	struct script_step step = {
		.number = (uint32_t)s->n, .queue = queue, .sqe = c.sqe, .aims_at = SCRIPT_NOBODY
	};

	CU_ASSERT_EQUAL_FATAL(script_add(s, &step), 0);
}

/* The first Read shows what is wrong; the others complete before the controller is taken down. */
static void ends_in_quiet(void)
{
	static const struct script_step wait = { .kind = SCRIPT_WAIT };
	struct bench *b = bench_open("model:fault=write-zeroes-neighbour");
	uint32_t nsid = b->stage.area[0].ns->nsid;
	uint64_t lba = b->stage.area[0].first + 8;
	struct script s = { .seed = 1 };
	unsigned reads = 0, completed = 0;
	struct play_result r;

	add_io(&s, 1, cmd_write_zeroes(nsid, lba, 1, false));
	CU_ASSERT_EQUAL_FATAL(script_add(&s, &wait), 0);
	for (uint8_t i = 0; i < 6; i++)
		add_io(&s, 1 + i % 2, cmd_read(nsid, lba, 2, NULL, 0));
	CU_ASSERT_EQUAL(play(&b->stage, &s, &r), 0);
	CU_ASSERT_EQUAL_FATAL(r.findings, 1);
	CU_ASSERT_EQUAL(r.finding[0].class, PLAY_DATA);
	for (uint64_t i = 0; i < b->c->trace.n; i++) {
		const struct trace_record *t = trace_at(&b->c->trace, i);

		if (!t || t->kind != TRACE_COMMAND || !t->sqid || t->sqe.opcode != nvme_cmd_read)
			continue;
		reads++;
		completed += t->completed;
	}
	CU_ASSERT_EQUAL(reads, 6);
	CU_ASSERT_EQUAL(completed, 6);
	script_free(&s);
	bench_close(b);
}

/* ---- shrinking ---- */

struct fake {
	unsigned a, b; /* the steps that go wrong together; the same one: alone */
	unsigned plays;
};

/* Wrong when both are there, in that order. */
static int fake_play(void *ctx, const struct script *s, struct play_result *ret)
{
	struct fake *f = ctx;
	bool first = false;

	f->plays++;
	*ret = (struct play_result){ .findings = 0 };
	for (size_t i = 0; i < s->n; i++) {
		first |= s->step[i].number == f->a;
		if (!first || s->step[i].number != f->b)
			continue;
		ret->findings = 1;
		ret->finding[0].index = i;
		strcpy(ret->finding[0].key, "it");
		return 0;
	}
	return 0;
}

static bool for_ever(void *ctx)
{
	(void)ctx;
	return true;
}

static void shrink_to(unsigned a, unsigned b, size_t want)
{
	struct fake f = { a, b, 0 };
	struct shrink sh = { fake_play, for_ever, &f, 0 };
	struct play_finding was = { .index = b, .key = "it" };
	struct script s = { .seed = 1 };

	for (uint32_t i = 0; i < 200; i++) {
		struct script_step step = { .number = i,
					    .kind = SCRIPT_COMMAND,
					    .queue = 3,
					    .offset = 64,
					    .aims_at = SCRIPT_NOBODY };

		CU_ASSERT_EQUAL_FATAL(script_add(&s, &step), 0);
	}
	CU_ASSERT_EQUAL(shrink(&sh, &s, &was), 0);
	CU_ASSERT_EQUAL(s.n, want);
	CU_ASSERT_EQUAL(s.step[0].number, a);
	CU_ASSERT_EQUAL(s.step[s.n - 1].number, b);
	CU_ASSERT_EQUAL(s.step[0].offset, 0); /* and plainer */
	CU_ASSERT_EQUAL(s.step[0].queue, 1);
	CU_ASSERT(f.plays < 120);
	script_free(&s);
}

static void shrinking(void)
{
	shrink_to(150, 150, 1);
	shrink_to(0, 0, 1);
	shrink_to(17, 190, 2);
	shrink_to(98, 99, 2);
}

static int gone(void *ctx, const struct script *s, struct play_result *ret)
{
	(void)ctx;
	(void)s;
	(void)ret;
	return -ENODEV;
}

/* The device does not come back: what was reached stands. */
static void shrinking_ends(void)
{
	struct shrink sh = { gone, for_ever, NULL, 0 };
	struct play_finding was = { .index = 1, .key = "it" };
	struct script s = { .seed = 1 };
	struct script_step step = { .number = 1 };

	for (int i = 0; i < 3; i++)
		script_add(&s, &step);
	CU_ASSERT_EQUAL(shrink(&sh, &s, &was), 0);
	CU_ASSERT_EQUAL(s.n, 3);
	script_free(&s);
}

static const struct unit units[] = {
	{ "a good file", a_good_file },
	{ "bad files", bad_files },
	{ "bent files", bent_files },
	{ "no file", no_file },
	{ "one write after the other", one_after_the_other },
	{ "writes together", together },
	{ "other ends", other_ends },
	{ "unreadable blocks", unreadable },
	{ "comparing", comparing },
	{ "torn beside one", torn_beside_one },
	{ "torn by two", torn_by_two },
	{ "torn by none", torn_by_none },
	{ "too many at once", too_many },
	{ "a controller that does not come up", no_controller },
	{ "a controller that does not come up again", no_second_controller },
	{ "the play ends in quiet", ends_in_quiet },
	{ "shrinking", shrinking },
	{ "shrinking without a device", shrinking_ends },
};

UNIT_MAIN("storm", units)
