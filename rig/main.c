// SPDX-License-Identifier: GPL-2.0-or-later
/* Verb -> cmd_*.c, nothing else. */
#include <malloc.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "rig/verbs.h"

/* The first word after the verb's place, or none: what `nvrig` alone and `nvrig --help` ask. */
static int without_verb(int argc, char **argv)
{
	char *help[] = { (char *)"help", NULL };

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--version")) {
			printf("nvrig %s\n", NVRIG_VERSION);
			return RIG_GOOD;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return cmd_help(1, help);
	}
	fprintf(stderr, "nvrig: name a verb; `nvrig help` lists them\n");
	return RIG_USAGE;
}

static int unknown_verb(const char *word)
{
	const char *near = verb_nearest(word);

	if (near)
		fprintf(stderr, "nvrig: no verb '%s'; did you mean '%s'?\n", word, near);
	else
		fprintf(stderr, "nvrig: no verb '%s'; `nvrig help` lists them\n", word);
	return RIG_USAGE;
}

/* Options that stood before the verb go behind it: argv becomes VERB, those, the rest. */
static void verb_first(char **argv, int verb)
{
	char *name = argv[verb];

	memmove(argv + 2, argv + 1, (size_t)(verb - 1) * sizeof(*argv));
	argv[1] = name;
}

/* Not among the verbs: the kernel of a guest that nvrig booted starts it (lib/stack/guest.c). */
static int be_agent(void)
{
	agent_run();
	fprintf(stderr, "nvrig agent: this is for the first process of a guest; see nvrig vm\n");
	return RIG_USAGE;
}

#define LARGE_BYTES (128 << 10)

int main(int argc, char **argv)
{
	int i = globals_end(argc, argv);
	const struct verb *v;

	/* a reader that went away is an error of the write, told as such */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* large zeroed blocks come from the kernel as they are, in every worker: the model has many
	 */
	mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	/* tidying up what the process has no use for any more would be half of a worker's end */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL);
	if (i == argc)
		return without_verb(argc, argv);
	if (!strcmp(argv[i], "agent"))
		return be_agent();
	v = verb_find(argv[i]);
	if (!v)
		return unknown_verb(argv[i]);
	verb_first(argv, i);
	return v->run(argc - 1, argv + 1);
}
