// SPDX-License-Identifier: GPL-2.0-or-later
/* Configuration: every kind of bad input is an error that names file and line; good input is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/config.h"
#include "rig/profile.h"
#include "rig/stack.h"
#include "tests/unit.h"

#define NS1 "namespace \"1\" {}\n"

static char root[64];

static void put(const char *sub, const char *name, const char *text, size_t size)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s", root, sub, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fwrite(text, 1, size, f);
	fclose(f);
}

static void drop(const char *sub, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s/%s", root, sub, name);
	unlink(path);
}

static int load_stack(const char *text, struct stack_config *ret, char *error)
{
	int err;

	put("stacks", "t.conf", text, strlen(text));
	err = stack_config_load(root, "t", ret, error);
	drop("stacks", "t.conf");
	return err;
}

static void good_stack(void)
{
	struct stack_config c;
	char error[512];

	CU_ASSERT_EQUAL_FATAL(load_stack("stack \"t\" {\n kind = qemu-qtest\n memory = 32Mi\n"
					 " disk = \"1Gi\"\n start = 2min\n keep-disk = yes\n"
					 " device = 'serial=X,mdts=5'\n" NS1
					 " namespace \"3\" { options = 'ms=8' }\n}\n",
					 &c, error),
			      0);
	CU_ASSERT_EQUAL(c.memory_bytes, 32u << 20);
	CU_ASSERT_EQUAL(c.disk_bytes, 1u << 30);
	CU_ASSERT_EQUAL(c.start_s, 120);
	CU_ASSERT(c.keep_disk);
	CU_ASSERT_EQUAL(c.n_ns, 2);
	CU_ASSERT_EQUAL(c.ns[1].nsid, 3);
	CU_ASSERT_STRING_EQUAL(c.ns[1].options, "ms=8");
	CU_ASSERT_STRING_EQUAL(c.device, "serial=X,mdts=5");
	CU_ASSERT_STRING_EQUAL(c.accel, "tcg");
}

static const struct bad_row {
	const char *text, *want; /* what the message must hold */
} bad_stacks[] = {
	{ "stack \"t\" {\n kind = guest\n moduls = {\"a\"}\n}\n",
	  "t.conf:3: unknown key 'moduls'; did you mean 'modules'?" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n part \"x\" {\n  lief = /dev\n }\n}\n",
	  "t.conf:5: unknown key 'lief'; did you mean 'life'?" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n part \"x\" { down = 'true' }\n}\n",
	  "a part has something to do (up) or to wait for (life)" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n part \"x\" { life = 'dev' }\n}\n",
	  "life: want an absolute path" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n front = vfio-user\n}\n",
	  "front = vfio-user wants serve" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n serve = 'model:'\n}\n",
	  "serve wants it" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n front = vfio-user\n serve = 'tcp:'\n}\n",
	  "serve: want model:OPTIONS" },
	{ "stack \"t\" {\n kind = guest\n memory = 256Mi\n front = vfio-user\n serve = 'model:'\n"
	  " store = raw\n}\n",
	  "the model has the namespaces" },
	{ "stack \"t\" { kind = qemu-qtest\n serve = 'model:'\n" NS1 "}\n",
	  "serve: wants kind = guest" },
	{ "stack \"t\" { kind = server\n command = 'x'\n target = 'vfio-user:x'\n}\n",
	  "a server wants command, life and target" },
	{ "stack \"t\" { kind = server\n command = 'x'\n target = 'y:x'\n life = '/x'\n}\n",
	  "life: want a path below $RIG_DIR" },
	{ "stack \"t\" { kind = server\n command = 'x'\n modules = { \"a\" }\n}\n",
	  "modules: wants kind = guest" },
	{ "stack \"t\" {\n kind = server\n command = 'x'\n target = 'y:x'\n life = '$RIG_DIR/x'\n" NS1
	  "}\n",
	  "namespace: a server has its own" },
	{ "stack \"t\" { kind = server\n command = 'x'\n device = 'serial=A'\n}\n",
	  "device: wants kind = qemu-qtest or guest" },
	{ "stack \"t\" { kind = guest\n memory = 256Mi\n command = 'x'\n}\n",
	  "command: wants kind = server" },
	{ "stack \"t\" { kind = qemu-qtest\n life = 'x'\n" NS1 "}\n", "life: wants kind = server" },
	{ "stack \"t\" { kind = guest }\n", "memory: a guest wants 128Mi at least" },
	{ "stack \"t\" {\n kind = gest\n}\n",
	  "t.conf:2: kind = 'gest': want one of: qemu-qtest server guest" },
	{ "stack \"t\" {\n kind = guest\n cpus = 0\n}\n", "t.conf:3: " },
	{ "stack \"t\" {\n kind = guest\n modules = { \"\" }\n}\n", "t.conf:3: modules" },
	{ "stack \"t\" { kind = qemu-qtest\n target = 'model:'\n" NS1 "}\n", "target: wants kind = guest" },
	{ "stack \"t\" { kind = qemu-qtest\n accel = auto\n" NS1 "}\n",
	  "accel = auto: wants kind = guest" },
	{ "stack \"t\" {\n kind = qemu-qtest\n memroy = 1\n}\n",
	  "t.conf:3: unknown key 'memroy'; did "
	  "you mean 'memory'?" },
	{ "stak \"t\" {\n}\n", "t.conf:1: unknown key 'stak'; did you mean 'stack'?" },
	{ "stack \"t\" {\n kind = qemu-qtest\n" NS1 NS1 "}\n",
	  "t.conf:4: found duplicate title '1'" },
	{ "stack \"t\" {\n kind = qemu-qtest\n" NS1 "}\nstack \"t\" {\n}\n",
	  "t.conf:5: found duplicate title 't'" },
	{ "stack \"t\" {\n kind = qemu-qtest\n memory = banana\n}\n",
	  "t.conf:3: memory = 'banana'" },
	{ "stack \"t\" {\n kind = qemu-qtest\n memory = 1\n}\n",
	  "t.conf:3: memory = 1: out of range" },
	{ "stack \"t\" {\n memory = 99999999999999999999\n}\n", "t.conf:2: memory" },
	{ "stack \"t\" {\n memory = { 64Mi }\n}\n", "t.conf:2: " },
	{ "stack \"t\" {\n start = 20\n}\n",
	  "t.conf:2: start = '20': want a duration with its unit" },
	{ "stack \"t\" {\n start = 20 parsecs\n}\n", "t.conf:2: " },
	{ "stack \"t\" {\n keep-disk = perhaps\n}\n", "t.conf:2: keep-disk = 'perhaps'" },
	{ "stack \"t\" {\n accel = hvf\n}\n", "t.conf:2: accel = 'hvf': want one of: tcg kvm" },
	{ "stack \"t\" {\n address = 0123456789\n}\n", "t.conf:2: address: 10 bytes, at most 7" },
	{ "stack \"t\" {\n kind = qemu-qtest\n" NS1, "closing brace is missing" },
	{ "stack \"t\" {\n kind = qemu-qtest\n" NS1 "} /* no end", "does not end" },
	{ "stack \"t\"\n kind = qemu-qtest\n}\n", "t.conf:2: " },
	{ "stack {\n}\n", "t.conf:1: " },
	{ "stack = 3\n", "t.conf:1: " },
	{ "stack \"t\" {\n" NS1 "}\n", "t.conf:3: stack 't' needs kind" },
	{ "stack \"t\" {\n kind = qemu-qtest\n}\n", "0 namespaces" },
	{ "stack \"t\" {\n kind = qemu-qtest\n namespace \"0\" {}\n}\n",
	  "namespace '0': its title is" },
	{ "stack \"u\" {\n kind = qemu-qtest\n" NS1 "}\n", "holds no stack \"t\"" },
	{ "stack \"t\" {\n device = \"${HOME}\"\n}\n", "t.conf:2: environment variables" },
	{ "include(\"/etc/passwd\")\n", "t.conf:1: unknown key 'include'" },
	{ "stack \"t\" {\n device = \"never closed\n}\n", "t.conf:" },
	{ "stack \"t\" {\n device = 1 \x01\n}\n", "t.conf:2: byte 01h: not text" },
	{ "", "holds no stack" },
	{ "}}}}{{{{", "t.conf:1: " },
};

static void guest_stack(void)
{
	struct stack_config c;
	char error[512];

	CU_ASSERT_EQUAL_FATAL(
		load_stack("stack \"t\" {\n kind = guest\n memory = 256Mi\n accel = auto\n"
			   " modules = { 'a', 'b-c' }\n silence = 5s\n target = 'model:'\n"
			   " part \"x\" { up = 'one\ntwo' within = 2s }\n"
			   " part \"y\" { life = '/dev/z' size = 1Mi down = 'three' }\n}\n",
			   &c, error),
		0);
	CU_ASSERT_EQUAL(c.n_ns, 0);
	CU_ASSERT_EQUAL(c.cpus, 2);
	CU_ASSERT_EQUAL(c.silence_s, 5);
	CU_ASSERT_EQUAL_FATAL(c.modules.n, 2);
	CU_ASSERT_STRING_EQUAL(c.modules.word[1], "b-c");
	CU_ASSERT_EQUAL_FATAL(c.n_parts, 2);
	CU_ASSERT_STRING_EQUAL(c.part[0].up, "one\ntwo");
	CU_ASSERT_EQUAL(c.part[0].within_ms, 2000);
	CU_ASSERT_STRING_EQUAL(c.part[1].life, "/dev/z");
	CU_ASSERT_EQUAL(c.part[1].size, 1 << 20);
}

static void bad_stack_texts(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_stacks); i++) {
		struct stack_config c = { .name = "untouched" };
		char error[512] = "";
		int err = load_stack(bad_stacks[i].text, &c, error);
		bool good = err < 0 && err != -ENOENT && strstr(error, bad_stacks[i].want) &&
			    !strcmp(c.name, "untouched");

		if (!good)
			fprintf(stderr, "row %zu: %d '%s', want '%s'\n", i, err, error,
				bad_stacks[i].want);
		CU_ASSERT(good);
	}
}

static void unknown_stack(void)
{
	struct stack_config c;
	char error[512];

	put("stacks", "qemu-qtest.conf", "", 0);
	CU_ASSERT_EQUAL(stack_config_load(root, "qemu-qtset", &c, error), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(error, "unknown stack 'qemu-qtset'; did you mean 'qemu-qtest'?"));
	CU_ASSERT_EQUAL(stack_config_load(root, "../drives/x", &c, error), -ENOENT);
	CU_ASSERT_EQUAL(stack_config_load(root, "", &c, error), -ENOENT);
	CU_ASSERT(stack_config_load("/nonexistent", "t", &c, error) < 0);
	drop("stacks", "qemu-qtest.conf");
}

static void noise(void)
{
	size_t size = 2 * 1024 * 1024;
	_cleanup_free_ char *bytes = malloc(size);
	struct stack_config c;
	char error[512];
	unsigned seed = 1;

	CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (char)rand_r(&seed);
	put("stacks", "n.conf", bytes, size);
	CU_ASSERT_EQUAL(stack_config_load(root, "n", &c, error), -EFBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "n.conf:1: more than 1048576 bytes"));
	put("stacks", "n.conf", bytes, 1000000);
	CU_ASSERT_EQUAL(stack_config_load(root, "n", &c, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "not text"));
	/* Printable noise gets as far as the parser. */
	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < 4096; i++) {
			bytes[i] = (char)(' ' + rand_r(&seed) % 95);
			if (bytes[i] == '$')
				bytes[i] = '\n';
		}
		put("stacks", "n.conf", bytes, 4096);
		CU_ASSERT(stack_config_load(root, "n", &c, error) < 0);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, "n.conf:"));
	}
	memset(bytes, 'a', 1000000);
	put("stacks", "n.conf", bytes, 1000000);
	CU_ASSERT_EQUAL(stack_config_load(root, "n", &c, error), -EINVAL);
	memset(bytes, '{', 1000000);
	put("stacks", "n.conf", bytes, 1000000);
	CU_ASSERT_EQUAL(stack_config_load(root, "n", &c, error), -EINVAL);
	drop("stacks", "n.conf");
}

/* Every prefix of a good file is either good or refused: no crash, no default taken for a value. */
static void truncated(void)
{
	static const char text[] =
		"stack \"t\" {\n kind = qemu-qtest\n memory = \"32Mi\"\n" NS1 "}\n";

	for (size_t n = 0; n < sizeof(text) - 2; n++) {
		struct stack_config c;
		char error[512];

		put("stacks", "t.conf", text, n);
		CU_ASSERT(stack_config_load(root, "t", &c, error) < 0);
	}
	drop("stacks", "t.conf");
}

static void durations(void)
{
	uint64_t ns = 0;

	CU_ASSERT(!config_parse_duration("120us", &ns) && ns == 120000);
	CU_ASSERT(!config_parse_duration("3min", &ns) && ns == 180000000000ull);
	CU_ASSERT_EQUAL(config_parse_duration("3", &ns), -EINVAL);
	CU_ASSERT_EQUAL(config_parse_duration("-3s", &ns), -EINVAL);
	CU_ASSERT_EQUAL(config_parse_duration("", &ns), -EINVAL);
	CU_ASSERT_EQUAL(config_parse_duration("18446744073709551615s", &ns), -ERANGE);
	CU_ASSERT_EQUAL(config_parse_duration("18446744073709551616ns", &ns), -ERANGE);
}

/* ---- profiles ---- */

static void profile_one(void)
{
	static const char text[] =
		"drive \"qemu\" {\n model = \"QEMU NVMe*\"\n pci = { \"1b36:*\" }\n"
		" known \"queue.cq-full\" { reason = \"all rows\" engine = \"QEMU 7.2*\" }\n"
		" known \"queue.bad[one]\" { reason = \"that row\" firmware = { \"6*\", \"7.2*\" } }\n"
		" known \"log.*\" { reason = \"long ago\" until = \"2001-01-01\" }\n"
		" known \"feat.*\" { reason = \"to come\" until = \"9999-12-31\" ref = \"T1\" "
		"}\n"
		" known \"robust.x: status: got 100h [a]*\" { reason = \"that answer\" "
		"}\n"
		" known \"robust.*: engine died*\" { reason = dies }\n}\n";
	struct profile *p = NULL;
	const struct profile_known *k;
	char error[512];

	put("drives", "a.conf", text, strlen(text));
	CU_ASSERT_EQUAL_FATAL(
		profile_load(root, "QEMU NVMe Ctrl        ", "7.2.22  ", "1b36:0010", &p, error),
		0);
	CU_ASSERT_STRING_EQUAL(p->name, "qemu");
	k = profile_known(p, "queue.cq-full[x]", "7.2.22", "QEMU 7.2.22", "x");
	CU_ASSERT(k && !strcmp(k->reason, "all rows"));
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.cq-full", "7.2.22", "QEMU 9.0.0", "x"));
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.cq-full", "7.2.22", NULL, "x"));
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.cq-full2", "7.2.22", "QEMU 7.2.22", "x"));
	CU_ASSERT_PTR_NOT_NULL(profile_known(p, "queue.bad[one]", "7.2.22  ", "", "x"));
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.bad[two]", "7.2.22", "", "x"));
	CU_ASSERT_PTR_NULL(
		profile_known(p, "queue.bado", "7.2.22", "", "x")); /* no character class */
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.bad[one]", "8.0", "", "x"));
	CU_ASSERT_PTR_NULL(profile_known(p, "log.lpo", "7.2.22", "", "x"));
	k = profile_known(p, "feat.set-get[a]", "7.2.22", "", "x");
	CU_ASSERT(k && !strcmp(k->ref, "T1"));
	CU_ASSERT_PTR_NULL(profile_known(p, "feat.set-get[a]", "7", "", "engine died: SIGSEGV"));
	CU_ASSERT_PTR_NOT_NULL(profile_known(p, "feat.set-get[a]", "7", "", NULL));
	k = profile_known(p, "robust.x", "7", "", "status: got 100h [a], want 101h");
	CU_ASSERT(k && !strcmp(k->reason, "that answer"));
	CU_ASSERT_PTR_NULL(profile_known(p, "robust.x", "7", "", "status: got 002h, want 101h"));
	CU_ASSERT_PTR_NULL(profile_known(p, "robust.x", "7", "", NULL));
	k = profile_known(p, "robust.x", "7", "", "engine died: SIGSEGV");
	CU_ASSERT(k && !strcmp(k->reason, "dies"));
	profile_free(p);
	/* Another device id, another model: nobody's. */
	CU_ASSERT_EQUAL_FATAL(profile_load(root, "QEMU NVMe Ctrl", "7", "8086:5845", &p, error), 0);
	CU_ASSERT_STRING_EQUAL(p->name, "generic");
	CU_ASSERT_PTR_NULL(profile_known(p, "queue.cq-full", "7.2.22", "QEMU 7.2.22", "x"));
	profile_free(p);
	CU_ASSERT_EQUAL_FATAL(profile_load(root, "X", "7", NULL, &p, error), 0);
	CU_ASSERT_STRING_EQUAL(p->name, "generic");
	profile_free(p);
	drop("drives", "a.conf");
}

static void profile_two(void)
{
	static const char a[] = "drive \"first\" { model = \"X*\" }\n";
	static const char b[] = "drive \"second\" { model = \"*9\" }\n";
	struct profile *p = NULL;
	char error[512];

	put("drives", "a.conf", a, strlen(a));
	put("drives", "b.conf", b, strlen(b));
	CU_ASSERT_EQUAL(profile_load(root, "X9", "1", NULL, &p, error), -EEXIST);
	CU_ASSERT(strstr(error, "first") && strstr(error, "second") && strstr(error, "b.conf"));
	CU_ASSERT_EQUAL_FATAL(profile_load(root, "X1", "1", NULL, &p, error), 0);
	CU_ASSERT_STRING_EQUAL(p->name, "first");
	profile_free(p);
	drop("drives", "a.conf");
	drop("drives", "b.conf");
}

static void profile_bad(void)
{
	static const struct bad_row rows[] = {
		{ "drive \"d\" {\n model = X\n known \"c\" {\n }\n}\n",
		  "b.conf:4: known 'c' needs reason" },
		{ "drive \"d\" {\n known \"c\" { reason = y until = 2027-6 }\n}\n",
		  "b.conf:2: until = '2027-6': want a date" },
		{ "drive \"d\" {\n modle = X\n}\n",
		  "b.conf:2: unknown key 'modle'; did you mean 'model'?" },
		{ "drive \"d\" {\n}\n", "b.conf:2: drive 'd' needs model" },
		{ "drive \"d\" {\n model = X\n known \"c\" { reason = a }\n known \"c\" { reason = "
		  "b "
		  "}\n}\n",
		  "b.conf:4: found duplicate title 'c'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct profile *p = NULL;
		char error[512] = "";

		put("drives", "b.conf", rows[i].text, strlen(rows[i].text));
		CU_ASSERT_EQUAL(profile_load(root, "X", "1", NULL, &p, error), -EINVAL);
		CU_ASSERT_PTR_NULL(p);
		if (!strstr(error, rows[i].want))
			fprintf(stderr, "row %zu: '%s', want '%s'\n", i, error, rows[i].want);
		CU_ASSERT_PTR_NOT_NULL(strstr(error, rows[i].want));
	}
	drop("drives", "b.conf");
}

/* The files we ship are good, and the names in them what the rest relies on. */
static void shipped(void)
{
	struct stack_config c;
	struct profile *p = NULL;
	char error[512] = "";

	CU_ASSERT_EQUAL_FATAL(stack_config_load(TESTS_DIR "/../configs", "qemu-qtest", &c, error),
			      0);
	CU_ASSERT_EQUAL(c.n_ns, 2);
	CU_ASSERT_EQUAL_FATAL(profile_load(TESTS_DIR "/../configs", "QEMU NVMe Ctrl", "7.2.22",
					   "1b36:0010", &p, error),
			      0);
	CU_ASSERT_STRING_EQUAL(p->name, "qemu-nvme");
	profile_free(p);
	CU_ASSERT_EQUAL_FATAL(profile_load(TESTS_DIR "/../configs", "nvrig model controller", "1",
					   NULL, &p, error),
			      0);
	CU_ASSERT_STRING_EQUAL(p->name, "model");
	profile_free(p);
}

static int make_root(void)
{
	char path[128];

	strcpy(root, "/tmp/rig-test-config-XXXXXX");
	if (!mkdtemp(root))
		return -1;
	snprintf(path, sizeof(path), "%s/stacks", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/drives", root);
	return mkdir(path, 0700);
}

static int remove_root(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/stacks", root);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/drives", root);
	rmdir(path);
	return rmdir(root); /* fails when a test left a file */
}

static const struct unit units[] = {
	{ "good stack", good_stack },
	{ "guest stack", guest_stack },
	{ "bad stack texts", bad_stack_texts },
	{ "unknown stack", unknown_stack },
	{ "noise", noise },
	{ "truncated", truncated },
	{ "durations", durations },
	{ "profile one", profile_one },
	{ "profile two", profile_two },
	{ "profile bad", profile_bad },
	{ "shipped", shipped },
};

int main(void)
{
	return unit_main_with("config", make_root, remove_root, units, ARRAY_SIZE(units));
}
