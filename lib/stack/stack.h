/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A stack is a path from a command to the place where its bytes come to rest. It is data (parts,
 * store, needs); this brings one up, watches it, restarts it and takes it down in reverse.
 * Everything made lives below the run's directory; every child dies with its parent, also when
 * that is killed, and takes sockets and disks with it.
 */
#ifndef STACK_STACK_H
#define STACK_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define STACK_QTEST	"qemu-qtest"
#define STACK_SERVER	"server" /* a program of this machine that serves on a socket */
#define STACK_GUEST	"guest" /* lib/stack/guest.h brings those up */

#define STACK_NVME	 "nvme"
#define STACK_VIRTIO_BLK "virtio-blk"
/* Of one namespace: QEMU's host controllers share a bus name. Both are the device's name, too. */
#define STACK_SD_CARD	 "sd-card"
#define STACK_EMMC	 "emmc"
/* None of QEMU's: what this program serves (stack/served.h). */
#define STACK_VFIO_USER	 "vfio-user"

#define STACK_NAME	128
#define STACK_NS_MAX	8
#define STACK_ERROR	512 /* bytes of what is said of a failure */
#define STACK_PARTS_MAX 24
#define STACK_WORDS_MAX 32

#define STACK_NODE	64 /* bytes of a node's path */

struct stack_namespace {
	uint32_t nsid;
	char options[256]; /* -device nvme-ns,... options after drive, bus and nsid; may be empty */
};

struct stack_words {
	char word[STACK_WORDS_MAX][80];
	unsigned n;
};

/* Something in a guest that is brought up before the run and taken down after it. */
struct stack_part {
	char name[64]; /* of a store's: STORE/PART */
	char up[2048];	/* a command of the guest's shell; may be empty */
	char life[128]; /* a path that is there once it is up; of a block device, with a size */
	uint64_t size;	/* in bytes, of that block device; 0: any */
	unsigned within_ms;
	char down[1024]; /* as up; runs also when the part, or one after it, did not come up */
	/* Of a part of a store, the paths that it has as $RIG_BELOW and $RIG_NODE; else empty. */
	char below[STACK_NODE], node[STACK_NODE];
};

/* Where the bytes come to rest, in words of the run in a guest: rig/store.h fills it. */
#define STACK_BAD_UNIT 512u	/* bytes: what can fail by itself */
#define STACK_BAD_MAX  (64u << 10) /* bytes */

struct stack_back {
	char store[96];	       /* "null-mem+flakey", from the bottom to the top; "": no choice */
	char node[STACK_NODE]; /* in the guest, what the engine opens; "": the store lies outside */
	char base[STACK_NODE]; /* the node under every layer */
	bool keeps_data;       /* what was written can be read back */
	uint64_t bad_at, bad_bytes; /* of QEMU's disks, by its blkdebug; bytes 0: none */
};

/* Read from configs/stacks/NAME.conf by rig/stack.c. */
struct stack_config {
	char name[STACK_NAME]; /* "nvmet-tcp", or with a store that was chosen "nvmet-tcp@loop" */
	char kind[16];	       /* one of the above */
	char about[128];
	char binary[128];      /* program name or path */
	uint64_t memory_bytes; /* shared guest RAM */
	uint64_t disk_bytes;   /* the store's size, of each namespace */
	char accel[16];	       /* "tcg", "kvm", of a guest also "auto" */
	char cache[16];	       /* "writeback", "none" (no host cache), "unsafe" (flush ignored) */
	char addr[8];	       /* PCI device.function on bus 0: "05.0" */
	char device[512];      /* -device nvme,... options after id and addr */
	bool subsystem;	       /* the controller is one of a subsystem */
	char subsystem_options[128]; /* -device nvme-subsys,... options after id */
	char peer[256]; /* -device nvme,... of the subsystem's other controller; empty: none */
	struct stack_namespace ns[STACK_NS_MAX];
	unsigned n_ns;
	bool keep_disk;	  /* the store outlives the stack */
	char extra[2048]; /* more arguments, blank-separated */
	unsigned start_s; /* deadline to come up */
	char front[16];	  /* what shows the namespaces: one of STACK_NVME ... */
	/* Of a guest: its controller, with its one namespace in it, can be unplugged and plugged in. */
	bool hotplug;
	bool snapshot; /* of a guest: it is kept when it has booted, and restored the next time */
	char format[16];  /* of the stores: "raw", "qcow2" */
	/* Of a server alone: shell's words, in which $RIG_DIR is a short directory of its own and
	 * $NVRIG this program. */
	char command[1024]; /* what serves, in the foreground */
	char setup[2048];   /* what it is told once it runs; may be empty */
	char life[128];	    /* a path that is there once it serves */
	/* Of a guest or a server. */
	char target[256]; /* what the run opens: in the guest, or of the server */
	char serve[256];  /* of front vfio-user: the model behind it, "model:preset=full" */
	char machine[128]; /* -machine options beyond those that every guest has */
	unsigned cpus;
	unsigned silence_s;	  /* without a sign of life for so long it hangs */
	char kernel_options[256]; /* more for its command line */
	struct stack_words modules, programs, extras;
	struct stack_words nodes; /* paths that must be there on this machine */
	struct stack_words devices; /* of QEMU's, beside those of front, that it must have */
	char without[256];	  /* what to say beside the first that is not */
	char behind[STACK_NAME];  /* the stack of the guest that comes up first; "": none */
	bool network;		  /* it has a card on a network of it and the guest behind alone */
	struct stack_part part[STACK_PARTS_MAX]; /* those of the store first */
	unsigned n_parts;
	struct stack_back back;
};

struct stack_death {
	bool died;
	int signal, exit_status; /* one of them */
	char text[256];		 /* "qemu-system-x86_64 died: SIGABRT" */
	char log_tail[4096];	 /* last lines of its own output */
};

struct stack;

/*
 * Starts every part and waits for its sign of life. dir: a directory of the run, for sockets (kept
 * short by a directory of our own when the path would pass 107 bytes), RAM, disk and logs. On
 * failure everything started is taken down and error (STACK_ERROR bytes) says what, where, what to do.
 * -ECHILD: the program ended by itself, in words of its own (it refuses the configuration);
 * -ECONNABORTED: a signal ended it before it answered.
 */
int stack_up(const struct stack_config *cfg, const char *dir, struct stack **ret, char *error);
void stack_down(struct stack *s);

/* The target to open: "qtest:SOCK?mem=RAM,...". Valid until stack_down. */
const char *stack_target(const struct stack *s);
/* Who it is: "QEMU 7.2.22". */
const char *stack_engine(const struct stack *s);

/* The engine's process, for samples of its memory and descriptors; 0 when it is gone. */
pid_t stack_pid(const struct stack *s);

/* Looks, does not wait. After a death `ret` is filled and stays so until stack_restart. */
bool stack_alive(struct stack *s, struct stack_death *ret);

/* Down and up again with the same store. Same errors as stack_up. */
int stack_restart(struct stack *s, char *error);

/*
 * NULL when this machine can bring the stack up as far as can be told without doing it, else the
 * sentence why not (static buffer). A configuration needs every property that it sets.
 */
const char *stack_lacks(const struct stack_config *cfg);

#endif
