// SPDX-License-Identifier: GPL-2.0-or-later
/* Stores, layers over them, and stacks that refine others: what comes out, and whatever is wrong. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rig/stack.h"
#include "rig/store.h"
#include "tests/unit.h"

#define GUEST(name, more) "stack \"" name "\" {\n kind = guest\n memory = 256Mi\n" more "}\n"
#define STORE(name, more)                                                                          \
	"store \"" name "\" {\n node = /dev/" name "\n part \"p\" { up = up-" name " down = down-" \
	name " }\n" more "}\n"

static char root[64];

static void put(const char *sub, const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/%s.conf", root, sub, name);
	f = fopen(path, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static int remove_root(void)
{
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Every test begins with these. */
static void fresh(void)
{
	char path[128];

	if (root[0])
		remove_root();
	strcpy(root, "/tmp/rig-test-store-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(root));
	snprintf(path, sizeof(path), "%s/stacks", root);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/stores", root);
	mkdir(path, 0700);
	put("stacks", "s",
	    GUEST("s", " store = base\n modules = { 'm' }\n part \"own\" { up = own }\n"));
	put("stores", "base", STORE("base", " size = 4Ki\n modules = { 'null', 'm' }\n"));
	put("stores", "lossy", STORE("lossy", " keeps-data = no\n"));
	put("stores", "layer", STORE("layer", " on = base\n memory = 64Mi\n programs = { 'dm' }\n"));
	put("stores", "other", STORE("other", " on = layer\n"));
	put("stores", "file", "store \"file\" { kind = file\n format = qcow2 }\n");
}

static bool words_are(const struct stack_words *w, const char *want)
{
	char text[512] = "";

	for (unsigned i = 0; i < w->n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", w->word[i]);
	return !strcmp(text, want);
}

static struct stack_config loaded(const char *name)
{
	struct stack_config c = { .n_parts = 0 };
	char error[512] = "";
	int err = stack_config_load(root, name, &c, error);

	if (err)
		fprintf(stderr, "%s: %d '%s'\n", name, err, error);
	CU_ASSERT_EQUAL_FATAL(err, 0);
	CU_ASSERT_STRING_EQUAL(c.name, name);
	return c;
}

static void own_store(void)
{
	struct stack_config c;

	fresh();
	c = loaded("s");
	CU_ASSERT_EQUAL_FATAL(c.n_parts, 3);
	CU_ASSERT_STRING_EQUAL(c.part[0].name, "base/p");
	CU_ASSERT_STRING_EQUAL(c.part[0].life, "/dev/base");
	CU_ASSERT_EQUAL(c.part[0].size, 4096);
	CU_ASSERT_STRING_EQUAL(c.part[0].node, "/dev/base");
	CU_ASSERT_STRING_EQUAL(c.part[0].below, "");
	CU_ASSERT_STRING_EQUAL(c.part[1].up, "ln -sf /dev/base " STORE_LINK);
	CU_ASSERT_STRING_EQUAL(c.part[2].name, "own");
	CU_ASSERT_STRING_EQUAL(c.part[2].node, "");
	CU_ASSERT_STRING_EQUAL(c.back.store, "base");
	CU_ASSERT_STRING_EQUAL(c.back.node, STORE_LINK);
	CU_ASSERT_STRING_EQUAL(c.back.base, "/dev/base");
	CU_ASSERT(c.back.keeps_data);
	CU_ASSERT(words_are(&c.modules, "m null "));
}

static void layers(void)
{
	struct stack_config c;
	uint64_t own_memory;

	fresh();
	c = loaded("s");
	own_memory = c.memory_bytes;
	c = loaded("s@layer"); /* on its own base */
	CU_ASSERT_EQUAL(c.memory_bytes, own_memory + (64 << 20));
	CU_ASSERT_EQUAL_FATAL(c.n_parts, 4);
	CU_ASSERT_STRING_EQUAL(c.back.store, "base+layer");
	CU_ASSERT_STRING_EQUAL(c.part[1].name, "layer/p");
	CU_ASSERT_STRING_EQUAL(c.part[1].below, "/dev/base");
	CU_ASSERT_STRING_EQUAL(c.part[1].node, "/dev/layer");
	CU_ASSERT_STRING_EQUAL(c.part[2].up, "ln -sf /dev/layer " STORE_LINK);
	CU_ASSERT_STRING_EQUAL(c.back.base, "/dev/base");
	CU_ASSERT(words_are(&c.programs, "dm "));
	c = loaded("s@lossy+layer+other"); /* on one that was named */
	CU_ASSERT_STRING_EQUAL(c.back.store, "lossy+layer+other");
	CU_ASSERT_STRING_EQUAL(c.back.base, "/dev/lossy");
	CU_ASSERT(!c.back.keeps_data);
	c = loaded("s@other");
	CU_ASSERT_STRING_EQUAL(c.back.store, "base+layer+other");
	c = loaded("s@base+other"); /* what was named replaces what it lies on by itself */
	CU_ASSERT_STRING_EQUAL(c.back.store, "base+other");
}

static void files(void)
{
	struct stack_config c;

	fresh();
	put("stores", "plain", "store \"plain\" { kind = file }\n");
	put("stacks", "f", GUEST("f", " store = plain\n namespace \"1\" {}\n"));
	c = loaded("f");
	CU_ASSERT_STRING_EQUAL(c.format, "raw");
	CU_ASSERT_STRING_EQUAL(c.back.node, "");
	c = loaded("f@file");
	CU_ASSERT_STRING_EQUAL(c.format, "qcow2");
	CU_ASSERT_EQUAL(c.n_parts, 0);
}

static void refuses(const char *name, int want, const char *words)
{
	struct stack_config c;
	char error[512] = "";
	int err = stack_config_load(root, name, &c, error);

	if (err != want || !strstr(error, words))
		fprintf(stderr, "%s: %d '%s', want %d '%s'\n", name, err, error, want, words);
	CU_ASSERT_EQUAL(err, want);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, words));
}

static void words(void)
{
	fresh();
	put("stacks", "none", GUEST("none", ""));
	refuses("s@bse", -ENOENT, "unknown store 'bse'; did you mean 'base'?");
	refuses("s@layer+base", -EDOM, "store base lies on none: it can only be the first");
	refuses("s@base+layer+layer", -EDOM, "store layer is to lie on itself");
	refuses("s@", -ENOENT, "unknown store ''");
	refuses("s@+layer", -EDOM, "want the names of stores");
	refuses("s@base+", -ENOENT, "unknown store ''");
	refuses("s@../stores/base", -ENOENT, "unknown store");
	refuses("s@file", -EDOM, "store file is of kind file, and stack s@file wants one of kind node");
	refuses("none@base", -EDOM, "has no store to choose");
	put("stacks", "none", GUEST("none", " store = bas\n"));
	refuses("none", -EINVAL, "stack none: store = 'bas': unknown store 'bas'; did you mean");
}

static void bad_files(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "store \"x\" {\n nod = /dev/x\n}\n",
		  "x.conf:2: unknown key 'nod'; did you mean 'node'?" },
		{ "store \"x\" {\n node = /dev/x\n prat \"p\" {}\n}\n", "x.conf:3: unknown key 'prat'" },
		{ "store \"x\" {\n node = /dev/x\n}\n", "x.conf:3: a store of kind node wants node" },
		{ "store \"x\" {\n part \"p\" { up = u }\n}\n", "x.conf:3: a store of kind node" },
		{ STORE("x", " on = x\n"), ": on = 'x': it wants itself below it" },
		{ STORE("x", " on = y\n"), ": on = 'x': it wants itself below it" },
		{ STORE("x", " on = bas\n"), "x.conf:5: on = 'bas': unknown store 'bas'; did you" },
		{ STORE("x", " kind = disk\n"), "want one of: node file" },
		{ "store \"x\" {\n kind = file\n node = /dev/x\n}\n", "want kind = node" },
		{ STORE("x", " format = raw\n"), "format: wants kind = file" },
		{ STORE("x", " bad-bytes = 512\n"), "bad-bytes: wants kind = file" },
		{ "store \"x\" {\n kind = file\n bad-bytes = 100\n}\n", "whole sectors" },
		{ "store \"y\" {\n}\n", "holds no store \"x\"" },
		{ "stack \"x\" {\n}\n", "x.conf:1: unknown key 'stack'" },
		{ "", "holds no store" },
	};

	fresh();
	put("stores", "y", STORE("y", " on = x\n"));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		put("stores", "x", rows[i].text);
		refuses("s@x", -EINVAL, rows[i].want);
	}
}

static void refined(void)
{
	struct stack_config c;

	fresh();
	put("stacks", "ctrl",
	    "stack \"ctrl\" { kind = qemu-qtest\n device = 'serial=C'\n subsystem = yes\n disk = 8Mi\n"
	    " namespace \"7\" { options = 'ms=8' } }\n");
	put("stacks", "r",
	    "stack \"r\" { kind = guest\n base = s\n controller-of = ctrl\n about = 'of r'\n"
	    " part \"own\" { up = another } part \"more\" { up = more } }\n");
	c = loaded("r");
	CU_ASSERT_STRING_EQUAL(c.about, "of r");
	CU_ASSERT_EQUAL(c.memory_bytes, 256u << 20);
	CU_ASSERT_EQUAL(c.disk_bytes, 8u << 20);
	CU_ASSERT(c.subsystem);
	CU_ASSERT_STRING_EQUAL(c.device, "serial=C");
	CU_ASSERT_EQUAL_FATAL(c.n_ns, 1);
	CU_ASSERT_EQUAL(c.ns[0].nsid, 7);
	CU_ASSERT_EQUAL_FATAL(c.n_parts, 4); /* the store's two, and these */
	CU_ASSERT_STRING_EQUAL(c.part[2].up, "another");
	CU_ASSERT_STRING_EQUAL(c.part[3].up, "more");
	CU_ASSERT(words_are(&c.modules, "m null "));
	put("stacks", "r", "stack \"r\" { kind = guest\n base = s\n modules = { 'n' }\n store = lossy }\n");
	c = loaded("r");
	CU_ASSERT(words_are(&c.modules, "n "));
	CU_ASSERT_STRING_EQUAL(c.back.store, "lossy");
}

static void refined_badly(void)
{
	fresh();
	put("stacks", "a", "stack \"a\" { kind = guest\n base = b\n}\n");
	put("stacks", "b", "stack \"b\" { kind = guest\n base = a\n}\n");
	refuses("a", -EINVAL, "b.conf:3: base = 'a': it wants itself: b wants a, which wants it");
	put("stacks", "b", "stack \"b\" { kind = guest\n base = b\n}\n");
	refuses("b", -EINVAL, "b.conf:3: base = 'b': it wants itself: b wants b");
	put("stacks", "b", "stack \"b\" { kind = guest\n base = ss\n}\n");
	refuses("b", -EINVAL, "b.conf:3: base = 'ss': unknown stack 'ss'; did you mean 's'?");
	put("stacks", "b", "stack \"b\" { kind = qemu-qtest\n base = s\n namespace \"1\" {}\n}\n");
	refuses("b", -EINVAL, "its base is of another kind");
	put("stacks", "b", GUEST("b", " controller-of = s\n"));
	refuses("b", -EINVAL, "controller-of: wants a base");
}

static void behind(void)
{
	struct stack_config c;

	fresh();
	put("stacks", "back", GUEST("back", " base = s\n network = yes\n"));
	put("stacks", "front", GUEST("front", " behind = back\n network = yes\n"));
	c = loaded("front@lossy+layer");
	CU_ASSERT_STRING_EQUAL(c.behind, "back@lossy+layer");
	CU_ASSERT_EQUAL(c.n_parts, 0);
	CU_ASSERT_STRING_EQUAL(c.back.store, "lossy+layer");
	CU_ASSERT_STRING_EQUAL(c.back.node, ""); /* it is in the other guest */
	CU_ASSERT(!c.back.keeps_data);
	put("stacks", "third", GUEST("third", " behind = front\n network = yes\n"));
	refuses("third", -EINVAL, "behind = 'front': want a guest with network = yes and none behind");
	put("stacks", "itself", GUEST("itself", " behind = itself\n network = yes\n"));
	refuses("itself", -EINVAL, "behind = 'itself': want a guest with");
	put("stacks", "alone", GUEST("alone", " behind = back\n"));
	refuses("alone", -EINVAL, "behind: wants network = yes");
	put("stacks", "wireless", GUEST("wireless", " behind = s\n network = yes\n"));
	refuses("wireless", -EINVAL, "behind = 's': want a guest with network = yes");
	put("stacks", "missing", GUEST("missing", " behind = bck\n network = yes\n"));
	refuses("missing", -EINVAL, "unknown stack 'bck'; did you mean 'back'?");
}

/* What is shipped can be read, each store by itself and under the stack that it is for. */
static void shipped(void)
{
	static const char dir[] = TESTS_DIR "/../configs";
	struct stack_config c;
	struct store s;
	char error[512] = "", **names = NULL, name[STACK_NAME];
	unsigned n = 0;

	CU_ASSERT_EQUAL_FATAL(store_names(dir, &names), 0);
	for (; names[n]; n++) {
		CU_ASSERT_EQUAL_FATAL(store_load(dir, names[n], &s, error), 0);
		snprintf(name, sizeof(name), "%s@%s",
			 strcmp(s.kind, STORE_FILE) ? "nvmet-tcp" : "guest-qemu", names[n]);
		if (stack_config_load(dir, name, &c, error))
			fprintf(stderr, "%s: %s\n", name, error);
		CU_ASSERT_EQUAL(stack_config_load(dir, name, &c, error), 0);
	}
	store_names_free(names);
	CU_ASSERT(n >= 10);
	names = NULL;
	CU_ASSERT_EQUAL_FATAL(stack_config_names(dir, &names), 0);
	for (n = 0; names[n]; n++) {
		if (stack_config_load(dir, names[n], &c, error))
			fprintf(stderr, "%s: %s\n", names[n], error);
		CU_ASSERT_EQUAL(stack_config_load(dir, names[n], &c, error), 0);
	}
	stack_config_names_free(names);
}

static int no_set_up(void)
{
	return 0;
}

static const struct unit units[] = {
	{ "own store", own_store },
	{ "layers", layers },
	{ "files", files },
	{ "words", words },
	{ "bad files", bad_files },
	{ "refined", refined },
	{ "refined badly", refined_badly },
	{ "behind", behind },
	{ "shipped", shipped },
};

int main(void)
{
	return unit_main_with("store", no_set_up, remove_root, units, ARRAY_SIZE(units));
}
