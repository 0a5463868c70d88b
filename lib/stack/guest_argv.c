// SPDX-License-Identifier: GPL-2.0-or-later
#include "stack/guest_argv.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "image/image.h"
#include "stack/protocol.h"
#include "stack/served.h"

/*
 * Each was measured (docs/guests.md): no decompression, no self tests, no calibration, no
 * mitigations under emulation. Warnings come to the console (loglevel 5), a panic ends QEMU
 * (panic=-1 with -no-reboot), a command that is lost costs seconds and not half a minute.
 */
#define KERNEL_OPTIONS                                                                             \
	"console=ttyS0 loglevel=5 panic=-1 cryptomgr.notests tsc=reliable no_timer_check "         \
	"mitigations=off random.trust_cpu=on rodata=off lsm=landlock audit=0 nowatchdog "        \
	"nvme_core.io_timeout=5"

static void add_machine(struct qemu_args *a, const struct stack_config *cfg,
			const struct guest_files *f)
{
	static const char *const fixed[] = {
		"-nodefaults", "-no-user-config", "-display", "none", "-nic", "none", "-no-reboot"
	};

	qemu_add(a, "%s", f->program);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++)
		qemu_add(a, "%s", fixed[i]);
	qemu_add(a, "-machine");
	qemu_add(a, GUEST_MACHINE "%s%s", cfg->machine[0] ? "," : "", cfg->machine);
	qemu_add(a, "-accel");
	qemu_add(a, "%s", strcmp(f->accel, "tcg") ? f->accel : "tcg,thread=multi");
	qemu_add(a, "-cpu");
	qemu_add(a, "max");
	qemu_add(a, "-smp");
	qemu_add(a, "%u", cfg->cpus);
	qemu_add(a, "-m");
	qemu_add(a, "%lluk", (unsigned long long)cfg->memory_bytes >> 10);
}

static void add_kernel(struct qemu_args *a, const struct stack_config *cfg,
		       const struct guest_files *f)
{
	qemu_add(a, "-kernel");
	qemu_add(a, "%s", f->kernel);
	qemu_add(a, "-initrd");
	qemu_add(a, "%s", f->initrd);
	qemu_add(a, "-append");
	qemu_add(a, KERNEL_OPTIONS " %s%srdinit=" IMAGE_RIG " -- agent", cfg->kernel_options,
		 cfg->kernel_options[0] ? " " : "");
}

static void add_channels(struct qemu_args *a, const struct guest_files *f)
{
	qemu_add(a, "-chardev");
	qemu_add(a, "socket,id=console,fd=%d", f->console);
	qemu_add(a, "-serial");
	qemu_add(a, "chardev:console");
	qemu_add(a, "-device");
	qemu_add(a, "virtio-serial-pci,id=channels,addr=1e.0");
	qemu_add(a, "-chardev");
	qemu_add(a, "socket,id=port,fd=%d", f->port);
	qemu_add(a, "-device");
	qemu_add(a, "virtserialport,bus=channels.0,nr=1,chardev=port,name=" PROTOCOL_PORT);
	if (f->ask >= 0) {
		qemu_add(a, "-chardev");
		qemu_add(a, "socket,id=ask,fd=%d", f->ask);
		qemu_add(a, "-device");
		qemu_add(a, "virtserialport,bus=channels.0,nr=3,chardev=ask,name=" PROTOCOL_ASK);
	}
	if (f->terminal < 0)
		return;
	qemu_add(a, "-chardev");
	qemu_add(a, "socket,id=terminal,fd=%d", f->terminal);
	qemu_add(a, "-device");
	qemu_add(a, "virtconsole,bus=channels.0,nr=2,chardev=terminal");
}

/* Who serves it reaches the guest's memory through a descriptor of it. */
static void add_served(struct qemu_args *a, const struct stack_config *cfg, const char *socket)
{
	qemu_add(a, "-object");
	qemu_add(a, "memory-backend-memfd,id=m0,size=%lluk,share=on",
		 (unsigned long long)cfg->memory_bytes >> 10);
	qemu_add(a, "-machine");
	qemu_add(a, "memory-backend=m0");
	qemu_add(a, "-device");
	qemu_add(a,
		 "{\"driver\":\"" SERVED_DEVICE "\",\"id\":\"n0\",\"addr\":\"%s\","
		 "\"socket\":{\"type\":\"unix\",\"path\":\"%s\"}}",
		 cfg->addr, socket);
}

static void add_monitor(struct qemu_args *a, const struct guest_files *f)
{
	if (f->qmp < 0)
		return;
	qemu_add(a, "-chardev");
	qemu_add(a, "socket,id=qmp,fd=%d", f->qmp);
	qemu_add(a, "-mon");
	qemu_add(a, "chardev=qmp,mode=control");
}

/* The wire is a pair of sockets, so that nothing of it has a name. */
static void add_network(struct qemu_args *a, const struct guest_files *f)
{
	qemu_add(a, "-netdev");
	if (f->link >= 0)
		qemu_add(a, "stream,id=link,server=off,addr.type=fd,addr.str=%d", f->link);
	else
		qemu_add(a, "hubport,id=link,hubid=0");
	qemu_add(a, "-device");
	qemu_add(a, "virtio-net-pci,netdev=link,addr=1d.0,romfile=,mac=52:54:00:52:47:%02x",
		 f->held ? 2 : 1);
}

char **guest_argv(const struct stack_config *cfg, const struct guest_files *f)
{
	struct qemu_args a = { .err = 0 };

	add_machine(&a, cfg, f);
	add_kernel(&a, cfg, f);
	add_channels(&a, f);
	add_monitor(&a, f);
	for (unsigned i = 0; i < cfg->n_ns; i++)
		qemu_add_disk(&a, cfg, i, f->disk[i]);
	if (cfg->n_ns)
		qemu_add_devices(&a, cfg, f->bare);
	if (cfg->serve[0])
		add_served(&a, cfg, f->served);
	if (cfg->network)
		add_network(&a, f);
	qemu_add_extra(&a, cfg->extra);
	if (f->incoming) {
		qemu_add(&a, "-incoming");
		qemu_add(&a, "exec:cat %s", f->incoming);
	}
	return qemu_args_take(&a);
}
