// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig serve`: the model controller behind vfio-user or NVMe/TCP, in a process of its own. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "event/event.h"
#include "rig/stop.h"
#include "rig/verbs.h"
#include "serve/serve.h"
#include "serve/tcp_target.h"

#define SCHEME "model:"

struct serve_args {
	struct globals globals;
	struct serve_options o;
	bool json;
};

enum {
	KEY_JSON = 0x100,
	KEY_SOCKET,
	KEY_CLOCK,
	KEY_DMA,
	KEY_DOORBELLS,
	KEY_FRESH,
	KEY_TCP,
	KEY_STATIC
};

/* clang-format off */
static const struct argp_option options[] = {
	{ "socket", KEY_SOCKET, "PATH", 0, "Where to listen; an abandoned socket there is replaced", 0 },
	{ "tcp", KEY_TCP, "ADDR:PORT", 0,
	  "Instead: an NVMe/TCP target there, with its discovery service; port 0: any that is free", 0 },
	{ "clock", KEY_CLOCK, "real|step", 0,
	  "The device's time: real, or for an nvrig client stepped by it, so that waiting costs none", 0 },
	{ "dma", KEY_DMA, "map|message", 0,
	  "The client's memory: through its descriptors, or asked for by messages alone", 0 },
	{ "doorbells", KEY_DOORBELLS, "message|mapped", 0,
	  "By message, so that every ring is seen, or stored by the client in memory that is looked at", 0 },
	{ "fresh", KEY_FRESH, NULL, 0,
	  "A new device for every client, side by side, not one that goes from client to client", 0 },
	{ "static", KEY_STATIC, NULL, 0,
	  "With --tcp: the static controller model, whose hosts ask for a controller by its identifier", 0 },
	{ "json", KEY_JSON, NULL, 0, "Events on standard output, one JSON object a line", 0 },
	{ 0 },
};
/* clang-format on */

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct serve_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case ARGP_KEY_ARG:
		if (a->o.model)
			argp_error(state, "one device at a time: '%s' is too much", arg);
		if (strncmp(arg, SCHEME, strlen(SCHEME)))
			argp_error(state, "'%s': the model alone can be served, as model:[OPTIONS]",
				   arg);
		a->o.model = arg + strlen(SCHEME);
		return 0;
	case ARGP_KEY_END:
		if (!a->o.model)
			argp_error(state, "name the device to serve, for example model:");
		if (!a->o.socket == !a->o.tcp)
			argp_error(state, a->o.tcp ? "--socket or --tcp: one of them"
						   : "--socket=PATH or --tcp=ADDR:PORT is "
						     "missing: where to listen");
		if (a->o.tcp && (a->o.by_message || a->o.map_doorbells))
			argp_error(state, "--dma and --doorbells are of vfio-user; over TCP no "
					  "memory is shared");
		if (a->o.is_static && (!a->o.tcp || a->o.fresh))
			argp_error(state, "--static is of --tcp, and of one controller: without "
					  "--fresh");
		return 0;
	case KEY_SOCKET:
		a->o.socket = arg;
		return 0;
	case KEY_TCP:
		a->o.tcp = arg;
		return 0;
	case KEY_CLOCK:
		a->o.step = !strcmp(arg, "step");
		if (!a->o.step && strcmp(arg, "real"))
			argp_error(state, "--clock=%s: one of real, step", arg);
		return 0;
	case KEY_DMA:
		a->o.by_message = !strcmp(arg, "message");
		if (!a->o.by_message && strcmp(arg, "map"))
			argp_error(state, "--dma=%s: one of map, message", arg);
		return 0;
	case KEY_DOORBELLS:
		a->o.map_doorbells = !strcmp(arg, "mapped");
		if (!a->o.map_doorbells && strcmp(arg, "message"))
			argp_error(state, "--doorbells=%s: one of message, mapped", arg);
		return 0;
	case KEY_FRESH:
		a->o.fresh = true;
		return 0;
	case KEY_STATIC:
		a->o.is_static = true;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };

const struct argp serve_argp = {
	.options = options,
	.parser = parse,
	.args_doc = "model:[OPTIONS]",
	.doc = "Serves the model controller, its faults included, to vfio-user clients or NVMe/TCP "
	       "hosts until a signal ends it: `nvrig run vfio-user:PATH`, a virtual machine, "
	       "`nvrig "
	       "run tcp:ADDR:PORT`, a kernel.",
	.children = children,
};

static const char *const names[] = { [SERVE_READY] = "serve_begin",
				     [SERVE_CLIENT] = "client_begin",
				     [SERVE_GONE] = "client_end",
				     [SERVE_END] = "serve_end" };

static void tell_json(const struct serve_event *e)
{
	struct json_object *o = json_object_new_object();

	event_str(o, "type", names[e->kind]);
	if (e->kind == SERVE_READY)
		event_str(o, "socket", e->reason);
	else
		json_object_object_add(o, "client", json_object_new_int64(e->client));
	if (e->kind == SERVE_GONE || e->kind == SERVE_END) {
		json_object_object_add(o, "messages", json_object_new_int64((int64_t)e->messages));
		event_str(o, "reason", e->reason);
	}
	if (e->kind == SERVE_GONE)
		json_object_object_add(o, "errors", json_object_new_int64((int64_t)e->errors));
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
								 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void tell_text(const struct serve_event *e)
{
	switch (e->kind) {
	case SERVE_READY:
		printf("serving on %s\n", e->reason);
		break;
	case SERVE_CLIENT:
		printf("client %u: here\n", e->client);
		break;
	case SERVE_GONE:
		printf("client %u: %s; %llu messages, %llu answered with an error\n", e->client,
		       e->reason, (unsigned long long)e->messages, (unsigned long long)e->errors);
		break;
	case SERVE_END:
		printf("served %u clients\n", e->client);
		break;
	}
}

static void tell(void *ctx, const struct serve_event *e)
{
	const struct serve_args *a = ctx;

	if (a->json)
		tell_json(e);
	else if (!a->globals.quiet)
		tell_text(e);
	fflush(stdout);
}

static int status_of(int err)
{
	return err == -EINVAL || err == -ENAMETOOLONG || err == -EEXIST ? RIG_USAGE : RIG_BROKE;
}

static int serve_socket(struct serve_args *a, int stop, char error[256])
{
	struct serve *s = NULL;
	int err = serve_open(&s, &a->o, error);

	if (err)
		fprintf(stderr, "nvrig serve: %s\n", error);
	else
		err = serve_run(s, stop, tell, a);
	serve_close(s);
	return err;
}

static int serve_tcp(struct serve_args *a, int stop, char error[256])
{
	struct tserve *s = NULL;
	int err = tserve_open(&s, &a->o, error);

	if (err)
		fprintf(stderr, "nvrig serve: %s\n", error);
	else
		err = tserve_run(s, stop, tell, a);
	tserve_close(s);
	return err;
}

int cmd_serve(int argc, char **argv)
{
	struct serve_args a = { 0 };
	struct stop stop;
	char error[256];
	int err;

	if (verb_parse(&serve_argp, argc, argv, &a))
		return RIG_BROKE;
	if (stop_listen(&stop)) {
		fprintf(stderr, "nvrig serve: %s\n", strerror(errno));
		return RIG_BROKE;
	}
	err = a.o.tcp ? serve_tcp(&a, stop_fd(&stop), error)
		      : serve_socket(&a, stop_fd(&stop), error);
	stop_close(&stop);
	return err ? status_of(err) : RIG_GOOD;
}
