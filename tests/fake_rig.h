/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small nvrig around the fake suites, as a program of its own: the runner is tested from outside,
 * killed and stopped as a user would. test_runner starts itself with these words:
 *	run DIR [case=PATTERN]... [repeat=N] [deadline=S] [fail-fast] [known] [dies=CASE]
 *		[silent=CASE] [no-restart] [full] [dead] [says=RECORD] [says-after=RECORD]
 *	resume DIR (the same)
 */
#ifndef TESTS_FAKE_RIG_H
#define TESTS_FAKE_RIG_H

#include <fcntl.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "event/event.h"
#include "fake_suite.h"
#include "rig/runner.h"
#include "rig/session_tell.h"
#include "rig/stop.h"

struct fake_rig {
	struct session s;
	struct run_options options;
	struct outputs outputs;
	const char *patterns[8];
	struct plan_filter filter;
	const char *dies, *silent;     /* the case after which the engine is gone, or mute */
	const char *now;	       /* the case that runs or ran last */
	const char *says, *says_after; /* a record of the kernel's, in each case, between them */
	int kmsg;		       /* where it is written */
	bool no_restart, fail_fast, known, full, dead, stuck, restarted;
	unsigned deadline_s;
};

static bool fake_alive(struct bench *b, struct stack_death *ret)
{
	struct fake_rig *f = b->ctx;

	if (f->restarted || !f->dies || !f->now || strcmp(f->dies, f->now))
		return true;
	*ret = (struct stack_death){ .died = true, .signal = SIGABRT };
	strcpy(ret->text, "engine died: SIGABRT");
	strcpy(ret->log_tail, "assertion failed\n");
	return false;
}

static int fake_restart(struct bench *b, char error[BENCH_ERROR])
{
	struct fake_rig *f = b->ctx;

	f->restarted = true;
	strcpy(error, "no spare engine");
	return f->no_restart ? -EIO : 0;
}

static enum health fake_health(struct bench *b, char trouble[BENCH_ERROR])
{
	struct fake_rig *f = b->ctx;

	if (f->restarted || !f->silent || !f->now || strcmp(f->silent, f->now))
		return HEALTH_GOOD;
	strcpy(trouble, "no answer");
	return HEALTH_SILENT;
}

static void fake_kernel(const struct fake_rig *f, const char *record)
{
	if (record && write(f->kmsg, record, strlen(record)) < 0)
		_exit(98);
}

static void fake_tell(void *ctx, const struct json_object *e)
{
	struct fake_rig *f = ctx;
	static char now[CASE_NAME];

	if (!strcmp(event_type(e), "case_begin"))
		fake_kernel(f, f->says);
	else if (!strcmp(event_type(e), "case_end"))
		fake_kernel(f, f->says_after);
	if (strcmp(event_type(e), "case_begin"))
		return;
	snprintf(now, sizeof(now), "%s", event_get_str(e, "case"));
	f->now = now;
}

static const char *fake_known(void *ctx, const char *name, const char *what)
{
	(void)ctx;
	(void)what;
	return !strncmp(name, "bad.fails", 9) || !strcmp(name, "good.passes") ? "ticket 4711"
									      : NULL;
}

static void fake_old(void *ctx, struct json_object *e)
{
	resume_event(ctx, e);
}

static void fake_words(struct fake_rig *f, int argc, char **argv)
{
	f->filter.cases = f->patterns;
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *value = strchr(word, '=');

		value = value ? value + 1 : "";
		if (!strncmp(word, "case=", 5))
			f->patterns[f->filter.n_cases++] = value;
		else if (!strncmp(word, "repeat=", 7))
			f->filter.repeat = (unsigned)atoi(value);
		else if (!strncmp(word, "deadline=", 9))
			f->deadline_s = (unsigned)atoi(value);
		else if (!strncmp(word, "dies=", 5))
			f->dies = value;
		else if (!strncmp(word, "silent=", 7))
			f->silent = value;
		else if (!strncmp(word, "says=", 5))
			f->says = value;
		else if (!strncmp(word, "says-after=", 11))
			f->says_after = value;
		f->fail_fast |= !strcmp(word, "fail-fast");
		f->no_restart |= !strcmp(word, "no-restart");
		f->known |= !strcmp(word, "known");
		f->full |= !strcmp(word, "full");
		f->stuck |= !strcmp(word, "stuck");
		f->dead |= !strcmp(word, "dead");
	}
}

static int fake_begin(struct fake_rig *f, bool resume, const char *dir)
{
	struct session *s = &f->s;
	char error[JOURNAL_ERROR] = "";
	int err;

	f->filter.allow = f->stuck ? HARM_FOREVER : HARM_DATA;
	if (resume)
		err = journal_reopen(&s->journal, dir, fake_old, &s->resume, &s->cut_bytes, error);
	else
		err = journal_create(&s->journal, dir, error);
	s->sink = (struct sink){ &s->journal, fake_tell, f };
	if (!err)
		err = plan_make(fake_suites, &f->filter, s->facts, &s->plan);
	if (!err && resume)
		err = resume_plan(&s->resume, &s->journal, &s->plan, error);
	if (!err && resume)
		err = tell_resume(s);
	else if (!err)
		err = sink_event(&s->sink, journal_format()) || tell_plan_file(s) || tell_begin(s);
	if (!err)
		err = tell_plan(s, s->resume.planned);
	if (err)
		fprintf(stderr, "fake rig: %s\n", error);
	return err;
}

static int fake_rig_main(int argc, char **argv)
{
	struct fake_rig f = { .options.asked = json_object_new_object() };
	struct session *s = &f.s;
	bool resume = !strcmp(argv[0], "resume");
	struct runner r = { .plan = &s->plan,
			    .sink = &s->sink,
			    .bench = &s->bench,
			    .effort = EFFORT_NORMAL,
			    .stop = &s->stop,
			    .run_case = fake_runner,
			    .seed = 1 };
	struct rlimit full = { 0, 0 };
	struct kernel_log log = { .sink = &s->sink };
	int status, kmsg[2];

	fake_words(&f, argc - 2, argv + 2);
	s->options = &f.options;
	s->facts = calloc(1, sizeof(*s->facts));
	s->facts->alive = !f.dead;
	s->start_ns = clock_mono_ns();
	s->bench.ctx = &f;
	s->bench.alive = f.dies ? fake_alive : NULL;
	s->bench.restart = f.dies ? fake_restart : NULL;
	s->bench.health = f.silent ? fake_health : NULL;
	if (stop_listen(&s->stop) || fake_begin(&f, resume, argv[1]))
		return 99;
	if (pipe2(kmsg, O_DIRECT | O_NONBLOCK | O_CLOEXEC))
		return 99;
	kmsg_on(&log.kmsg, kmsg[0]);
	f.kmsg = kmsg[1];
	r.kernel_log = f.says || f.says_after ? &log : NULL;
	r.facts = s->facts;
	r.deadline_s = f.deadline_s;
	r.fail_fast = f.fail_fast;
	r.patience_ns = f.stuck ? 300 * NS_PER_MS : 0;
	r.known = f.known ? fake_known : NULL;
	r.before = resume ? s->resume.before : NULL;
	signal(SIGXFSZ, SIG_IGN);
	full.rlim_cur = full.rlim_max = (rlim_t)s->journal.end + 2000;
	if (f.full)
		setrlimit(RLIMIT_FSIZE, &full);
	s->tally.broke |= runner_run(&r, &s->tally) != 0;
	if (s->tally.stuck != f.stuck)
		return 99;
	status = tally_status(&s->tally);
	tell_end(s, NULL, status);
	journal_close(&s->journal);
	plan_free(&s->plan);
	resume_free(&s->resume);
	free(s->facts);
	options_free(&f.options);
	stop_close(&s->stop);
	return status;
}

#endif
