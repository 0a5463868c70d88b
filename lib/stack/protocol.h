/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the agent in a guest and the rig outside say to each other, a JSON object a line
 *(lib/event). Neither trusts the other: a guest is what is under test. A line whose type does not
 *begin with "agent." is an event of the run in the guest.
 *
 * To the rig:
 *	agent.ready	kernel
 *	agent.up	all parts are, the job begins
 *	agent.alive	every PROTOCOL_ALIVE_MS: the sign of life
 *	agent.part	name, state (up, failed, down), text
 *	agent.out	stream (1, 2), hex
 *	agent.file	name (below the directory that was asked for), hex, more
 *	agent.exit	status
 *	agent.done	nothing is left to do
 *	agent.failed	text: the job could not be done
 * To the agent:
 *	signal		number: for the job
 *	go		the guest behind is up: a job that is held goes on with its parts
 *
 * The job itself lies in the image: PROTOCOL_JOB, one such object of type "job": argv (absent: a
 * shell on hvc0), events (stdout is a run's), hold (wait
 *for "go"), ask (there is the second port), collect (a directory whose files are wanted), rows,
 *columns, term, environment (name: value), parts (an array of name, up, life, size, within_ms,
 *down, and of a store's parts below and node).
 *
 * A guest that may be kept and restored has no job in its image, is ready without one, and gets it
 * as a line of type "job", with clock_ns (of CLOCK_REALTIME) and entropy (hex, PROTOCOL_ENTROPY
 * bytes) beside the rest; then it says agent.ready again.
 *
 * Where the stack has hotplug there is a second port, PROTOCOL_ASK, whose path the job has as
 * PROTOCOL_PLUG in its environment, for whoever in the guest opens it first. Lines of text:
 *	unplug TAG	the controller is taken out of its slot
 *	plug TAG	it is put back, the same, over the same store
 * TAG: letters and digits, PROTOCOL_TAG at most. One at a time; the answer, once it is done:
 *	TAG ok | TAG late (the guest did not let it go) | TAG failed: TEXT
 * Anything else has no answer, and too much of it none for ever.
 */
#ifndef STACK_PROTOCOL_H
#define STACK_PROTOCOL_H

#define PROTOCOL_PORT	   "nvrig" /* name of the virtio port */
#define PROTOCOL_ASK	   "nvrig.ask"
#define PROTOCOL_PLUG	   "NVRIG_PLUG"
#define PROTOCOL_TAG	   16
#define PROTOCOL_ENTROPY   64
#define PROTOCOL_JOB	   "/etc/nvrig/job.json"
#define PROTOCOL_ALIVE_MS  500
#define PROTOCOL_CHUNK	   16384 /* bytes in one agent.out or agent.file */
#define PROTOCOL_FILE_MAX  (4u << 20)
#define PROTOCOL_FILES_MAX (64u << 20)

#endif
