// SPDX-License-Identifier: GPL-2.0-or-later
/* `nvrig doctor`: what this machine lacks and what that costs. Opens no drive. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <linux/kvm.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/capture.h"
#include "base/cleanup.h"
#include "image/kernel.h"
#include "rig/ask.h"
#include "rig/verbs.h"
#include "stack/accel.h"
#include "target/kernel_ring.h"
#include "target/vfio_bind.h"

#define ASK_MS	   5000
#define MIB	   (1024ull * 1024)
#define MEMORY_MIN (512 * MIB) /* QEMU with its 64 MiB of guest RAM, and room beside it */
#define DISK_MIN   (512 * MIB) /* the stack's store and a run's directory */
#define QEMU_MAJOR 7	       /* tried with 7.2; what is older has fewer nvme options */
#define QEMU_MINOR 2
#define RUN_PATH   48 /* bytes that a run adds: its name and the socket's */

enum state { OK, LIMITED, MISSING };

/* One thing looked at. Texts that are not ok say what is lost and what would help. */
struct finding {
	const char *name;
	enum state state;
	char found[256];
	const char *cost, *remedy;
};

__attribute__((format(printf, 2, 3))) static void found(struct finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
}

static void lacks(struct finding *f, enum state state, const char *cost, const char *remedy)
{
	f->state = state;
	f->cost = cost;
	f->remedy = remedy;
}

static void look_cores(struct finding *f)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	found(f, "%ld", n);
	if (n < 2)
		lacks(f, LIMITED,
		      "QEMU and the rig share one core: qtest runs take about twice as long",
		      "give the machine a second core");
}

static void look_memory(struct finding *f)
{
	unsigned long long kib = 0;
	_cleanup_fclose_ FILE *info = fopen("/proc/meminfo", "re");
	char line[128];

	while (info && fgets(line, sizeof(line), info))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	found(f, "%llu MiB available", kib / 1024);
	if (kib * 1024 < MEMORY_MIN)
		lacks(f, LIMITED, "the qemu-qtest stack may not start", "free memory: 512 MiB do");
}

static void look_disk(struct finding *f)
{
	struct statvfs v;

	if (statvfs(".", &v) || access(".", W_OK)) {
		found(f, "%s", strerror(errno));
		lacks(f, LIMITED, "runs cannot be kept below this directory",
		      "go to a directory that may be written, or run with --out DIR");
		return;
	}
	found(f, "%llu MiB free here", (unsigned long long)v.f_bavail * v.f_frsize / MIB);
	if ((unsigned long long)v.f_bavail * v.f_frsize < DISK_MIN)
		lacks(f, LIMITED, "a stack's store or a long journal may fill the disk",
		      "free space, or run with --out DIR on another file system");
}

static void look_socket_path(struct finding *f)
{
	_cleanup_free_ char *here = getcwd(NULL, 0);
	size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	size_t len = here ? strlen(here) + RUN_PATH : room + 1;

	found(f, "%zu of %zu bytes for a socket below this directory", len, room);
	if (len <= room)
		return;
	if (access("/tmp", W_OK | X_OK))
		lacks(f, MISSING, "no stack can be brought up: its socket has nowhere to be",
		      "run from a shorter path, or make /tmp writable");
	else
		found(f, "path too long for sockets (%zu of %zu bytes): they go to /tmp", len,
		      room);
}

/* ---- QEMU ---- */

#define QEMU "qemu-system-x86_64"

static void look_qemu(struct finding *f)
{
	char *const ask[] = { (char[]){ QEMU }, (char[]){ "--version" }, NULL };
	unsigned major = 0, minor = 0;
	char out[512];
	int err = ask_program(ask, ASK_MS, out, sizeof(out));
	const char *version = strstr(out, "version ");

	if (err || !version || sscanf(version, "version %u.%u", &major, &minor) != 2) {
		found(f, "%s",
		      err == -ENOENT	  ? QEMU " is not installed"
		      : err == -ETIMEDOUT ? QEMU " does not answer"
					  : QEMU " does not tell its version");
		lacks(f, MISSING, "no qemu-qtest stack: only model: can be run",
		      "apt install qemu-system-x86");
		return;
	}
	found(f, "%.*s", (int)strcspn(version, "\n"), version);
	if (major < QEMU_MAJOR || (major == QEMU_MAJOR && minor < QEMU_MINOR))
		lacks(f, LIMITED, "older than 7.2: options of the stack may be refused",
		      "install QEMU 7.2 or later");
}

static void look_qemu_nvme(struct finding *f)
{
	char *const ask[] = { (char[]){ QEMU }, (char[]){ "-device" }, (char[]){ "help" }, NULL };
	size_t size = 256 * 1024;
	_cleanup_free_ char *out = malloc(size);

	if (out && !ask_program(ask, ASK_MS, out, size) && strstr(out, "name \"nvme\"")) {
		found(f, "there");
		return;
	}
	found(f, "not there");
	lacks(f, MISSING, "no qemu-qtest stack: only model: can be run",
	      "a QEMU built with the nvme device (Debian's qemu-system-x86 has it)");
}

/*
 * A virtual machine whose one instruction is HLT. In a child: the /dev/kvm of a container or of a
 * nested machine may do anything, also hang.
 */
static int try_kvm(void)
{
	struct kvm_regs regs = { .rip = 0x1000, .rflags = 2 };
	struct kvm_userspace_memory_region slot = { .guest_phys_addr = 0x1000,
						    .memory_size = 0x1000 };
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC), vm, cpu, size;
	struct kvm_sregs sregs;
	struct kvm_run *run;
	char *code;

	if (kvm < 0 || ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION)
		return -1;
	size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
	vm = ioctl(kvm, KVM_CREATE_VM, 0);
	code = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm < 0 || size <= 0 || code == MAP_FAILED)
		return -1;
	code[0] = (char)0xf4;
	slot.userspace_addr = (uintptr_t)code;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &slot))
		return -1;
	cpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (cpu < 0 || ioctl(cpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = sregs.cs.selector = 0;
	run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
	if (run == MAP_FAILED || ioctl(cpu, KVM_SET_SREGS, &sregs) ||
	    ioctl(cpu, KVM_SET_REGS, &regs) || ioctl(cpu, KVM_RUN, 0))
		return -1;
	return run->exit_reason == KVM_EXIT_HLT ? 0 : -1;
}

static void look_kvm(struct finding *f)
{
	if (!ask_function(try_kvm, 2000)) {
		found(f, "a virtual machine runs");
		return;
	}
	found(f, "%s",
	      access("/dev/kvm", F_OK)		? "no /dev/kvm"
	      : access("/dev/kvm", R_OK | W_OK) ? "/dev/kvm may not be opened"
						: "no virtual machine runs on /dev/kvm");
	lacks(f, LIMITED,
	      "QEMU emulates its processor: about 7,000 register reads a second, not 40,000",
	      "nothing to do for conformance; for speed a machine with KVM, and the group kvm");
}

static void look_guests(struct finding *f)
{
	char path[KERNEL_PATH], elf[KERNEL_PATH], error[512], qemu[256];
	bool kernel, busybox = !kernel_program("busybox", path, sizeof(path));
	struct kernel k;

	kernel = !kernel_find(&k, error);
	if (kernel && busybox) {
		bool any = !capture_find(QEMU, qemu, sizeof(qemu)) &&
			   !kernel_unpacked(&k, elf, sizeof(elf), error);

		found(f, "Linux %s%s%s", k.release, any ? ", by " : "",
		      any ? accel_choose(qemu, elf, "auto") : "");
		return;
	}
	found(f, "%s", kernel ? "no busybox" : "no kernel for them");
	lacks(f, LIMITED, "no stacks of kind guest, no nvrig vm",
	      "nvrig vm --fetch gets both from Debian into the cache (28 MB), nothing is "
	      "installed");
}

/* ---- drives by VFIO ---- */

static unsigned entries(const char *path, char ret_first[64])
{
	DIR *d = opendir(path);
	unsigned n = 0;

	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.' && !n++)
			snprintf(ret_first, 64, "%.63s", e->d_name);
	if (d)
		closedir(d);
	return n;
}

static void look_vfio(struct finding *f)
{
	char first[64] = "";
	unsigned groups = entries("/sys/kernel/iommu_groups", first);
	bool driver = !access("/sys/bus/pci/drivers/" VFIO_BIND_DRIVER, F_OK);

	found(f, "%u IOMMU groups, %s%s%s", groups, driver ? "vfio-pci" : "vfio-pci not loaded",
	      access("/dev/iommu", F_OK) ? "" : ", iommufd", geteuid() ? ", not root" : "");
	if (!groups)
		lacks(f, LIMITED, "no vfio: drives of this machine cannot be asked on the raw rung",
		      "an IOMMU switched on: intel_iommu=on or amd_iommu=on; or the stack "
		      "guest-vfio, which needs none here");
	else if (!driver)
		lacks(f, LIMITED, "no vfio: drives of this machine cannot be asked on the raw rung",
		      "modprobe vfio-pci");
	else if (geteuid())
		lacks(f, LIMITED, "vfio: takes only what is bound to vfio-pci already", "be root");
	/* also one of a run that goes on at this moment */
	if (entries(VFIO_BIND_NOTES, first))
		found(f, "%.30s is taken from its driver, as " VFIO_BIND_NOTES " has it", first);
}

/* ---- drives by the kernel's driver, block devices ---- */

static void look_kernel(struct finding *f)
{
	char first[64] = "";
	unsigned n = entries("/sys/class/nvme", first);
	int err = kernel_rings_probe();

	found(f, "%u NVMe controllers%s, io_uring passthrough%s%s", n,
	      n || !access("/sys/module/nvme_core", F_OK) ? "" : ", no driver for them loaded",
	      err ? ": " : "", err ? strerror(-err) : "");
	if (err)
		lacks(f, LIMITED, "kernel: has commands and no block I/O, nor has block: any",
		      "Linux 5.19 or later, and io_uring not switched off: "
		      "sysctl kernel.io_uring_disabled=0");
	else if (geteuid())
		lacks(f, LIMITED, "kernel: and most of block: open nothing", "be root");
}

/* ---- the rest ---- */

static void look_landlock(struct finding *f)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi > 0) {
		found(f, "version %ld", abi);
		return;
	}
	found(f, "%s", errno == EOPNOTSUPP ? "switched off" : "not in this kernel");
	lacks(f, LIMITED,
	      "no wall keeps the workers of a run from other devices than its drive; the guards look "
	      "before every case that harms",
	      "a kernel with CONFIG_SECURITY_LANDLOCK, and landlock in lsm=");
}

static void look_xmllint(struct finding *f)
{
	char *const ask[] = { (char[]){ "xmllint" }, (char[]){ "--version" }, NULL };
	char out[64];

	if (!ask_program(ask, ASK_MS, out, sizeof(out))) {
		found(f, "there");
		return;
	}
	found(f, "not installed");
	lacks(f, LIMITED, "the rig's own test of JUnit reports against their schema is skipped",
	      "apt install libxml2-utils");
}

static void look_json(struct finding *f)
{
	found(f, "json-c %s", json_c_version());
}

static const struct {
	const char *name;
	void (*look)(struct finding *f);
} checks[] = {
	{ "cores", look_cores }, { "memory", look_memory },
	{ "disk", look_disk },	 { "socket-path", look_socket_path },
	{ "qemu", look_qemu },	 { "qemu-nvme", look_qemu_nvme },
	{ "kvm", look_kvm },	 { "guests", look_guests },
	{ "kernel", look_kernel }, { "vfio", look_vfio },
	{ "landlock", look_landlock }, { "json", look_json },
	{ "xmllint", look_xmllint },
};

static const char *const state_names[] = { "ok", "limited", "missing" };

static void print_text(const struct finding *f, size_t n, const struct globals *g)
{
	static const char *const colours[] = { "32", "33", "31" };
	bool colour = globals_colour(g, STDOUT_FILENO);

	for (size_t i = 0; i < n; i++) {
		if (colour)
			printf("\033[%sm%-8s\033[0m", colours[f[i].state], state_names[f[i].state]);
		else
			printf("%-8s", state_names[f[i].state]);
		printf(" %-12s %s\n", f[i].name, f[i].found);
		if (f[i].state != OK)
			printf("         costs: %s\n         helps: %s\n", f[i].cost, f[i].remedy);
	}
}

static int print_json(const struct finding *f, size_t n)
{
	struct json_object *all = json_object_new_array();

	for (size_t i = 0; all && i < n; i++) {
		struct json_object *row = json_object_new_object();

		json_object_object_add(row, "name", json_object_new_string(f[i].name));
		json_object_object_add(row, "state",
				       json_object_new_string(state_names[f[i].state]));
		json_object_object_add(row, "found", json_object_new_string(f[i].found));
		if (f[i].state != OK) {
			json_object_object_add(row, "costs", json_object_new_string(f[i].cost));
			json_object_object_add(row, "helps", json_object_new_string(f[i].remedy));
		}
		json_object_array_add(all, row);
	}
	puts(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PRETTY |
							 JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(all);
	return fflush(stdout) ? RIG_BROKE : RIG_GOOD;
}

/* ---- the verb ---- */

struct doctor_args {
	struct globals globals;
	bool json;
};

enum { KEY_JSON = 0x4000 };

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "As JSON", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor_args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->globals;
		return 0;
	case KEY_JSON:
		a->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': the doctor looks at this machine and takes no argument",
			   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { GLOBALS_CHILD, { 0 } };
const struct argp doctor_argp = {
	.options = options,
	.parser = parse,
	.doc = "Says what this machine has, what it lacks, what that costs and what helps. Opens "
	       "no "
	       "drive and changes nothing.",
	.children = children,
};

int cmd_doctor(int argc, char **argv)
{
	struct doctor_args a = { 0 };
	struct finding f[ARRAY_SIZE(checks)] = { 0 };

	if (verb_parse(&doctor_argp, argc, argv, &a))
		return RIG_BROKE;
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		f[i].name = checks[i].name;
		checks[i].look(&f[i]);
	}
	if (a.json)
		return print_json(f, ARRAY_SIZE(f));
	print_text(f, ARRAY_SIZE(f), &a.globals);
	return fflush(stdout) ? RIG_BROKE : RIG_GOOD;
}
