// SPDX-License-Identifier: GPL-2.0-or-later
/* A replay file: what is read is saved, and reads as the same again. */
#include "storm/script.h"
#include "tests/fuzz/fuzz.h"

static void check_same(const struct script *a, const struct script *b)
{
	MUST(a->n == b->n && a->seed == b->seed);
	for (size_t i = 0; i < a->n; i++) {
		const struct script_step *x = &a->step[i], *y = &b->step[i];

		MUST(x->number == y->number && x->kind == y->kind && x->queue == y->queue);
		MUST(x->pointer == y->pointer && x->offset == y->offset);
		MUST(x->aims_at == y->aims_at && !memcmp(&x->sqe, &y->sqe, sizeof(x->sqe)));
	}
}

static void save_and_read(const struct script *s)
{
	char error[SCRIPT_ERROR] = "", *text = NULL;
	struct script again;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	MUST(f && !script_save(s, f) && !fclose(f));
	MUST(!script_parse("again", text, len, &again, error));
	check_same(s, &again);
	script_free(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char error[SCRIPT_ERROR] = "";
	struct script s;
	int err = script_parse("input", (const char *)data, size, &s, error);

	MUST(err <= 0 && memchr(error, 0, sizeof(error)));
	if (err) {
		MUST(!strncmp(error, "input:", 6) && !s.step && !s.n);
		return 0;
	}
	save_and_read(&s);
	script_free(&s);
	return 0;
}
