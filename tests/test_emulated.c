// SPDX-License-Identifier: GPL-2.0-or-later
/* What is emulated, asked of trees that look like the sysfs of machines with and without. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fake_suite.h"
#include "rig/plan.h"
#include "target/emulated.h"
#include "target/target.h"
#include "unit.h"

static char top[] = "/tmp/nvrig-emulated-XXXXXX";

static void make_dirs(char *path)
{
	for (char *at = path + 1; (at = strchr(at, '/')); at++) {
		*at = 0;
		mkdir(path, 0755);
		*at = '/';
	}
}

/* A file below the tree, and the folders it is in. */
static void put(const char *name, const char *text)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", top, name);
	make_dirs(path);
	f = fopen(path, "w");
	CU_ASSERT_FATAL(f != NULL);
	fputs(text, f);
	fclose(f);
}

/* A link below the tree to another place below it. */
static void tie(const char *name, const char *to)
{
	char path[512], target[512];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	snprintf(target, sizeof(target), "%s/%s", top, to);
	make_dirs(path);
	CU_ASSERT_EQUAL_FATAL(symlink(target, path), 0);
}

#define VIRTUAL "sys/devices/virtual/block/"
#define PCI0	"sys/devices/pci0000:00/"
#define NVMET	"sys/kernel/config/nvmet/subsystems/"

static void make_disk(const char *name, const char *number)
{
	char dir[256], link[256];

	snprintf(dir, sizeof(dir), VIRTUAL "%s/dev", name);
	put(dir, number);
	dir[strlen(dir) - 4] = 0;
	snprintf(link, sizeof(link), "sys/dev/block/%s", number);
	tie(link, dir);
}

static void make_function(const char *name, const char *vendor, const char *device)
{
	char path[256], link[256];

	snprintf(path, sizeof(path), PCI0 "%s/vendor", name);
	put(path, vendor);
	snprintf(path, sizeof(path), PCI0 "%s/device", name);
	put(path, device);
	snprintf(link, sizeof(link), "sys/bus/pci/devices/%s", name);
	snprintf(path, sizeof(path), PCI0 "%s", name);
	tie(link, path);
}

/* What is no regular file; a pipe's node may be made by everybody. */
static void make_node(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	CU_ASSERT(!mkfifo(path, 0600) || errno == EEXIST);
}

static void make_tree(void)
{
	put("proc/devices",
	    "Character devices:\n  8 nobody\n 240 nvme\n\nBlock devices:\n  7 loop\n"
	    "  8 sd\n253 device-mapper\n254 virtblk\n252 nullb\n259 blkext\n");
	make_disk("rig-null", "252:0");
	make_disk("vda", "254:0");
	make_disk("loop0", "7:0");
	put(VIRTUAL "loop0/loop/backing_file", "/tmp/rig.img\n");
	put("tmp/rig.img", "");
	make_disk("loop1", "7:1");
	put(VIRTUAL "loop1/loop/backing_file", "/dev/sda\n");
	make_disk("loop2", "7:2");
	make_disk("loop3", "7:3");
	put(VIRTUAL "loop3/loop/backing_file", "/tmp/node\n"); /* a node beside /dev */
	make_node("tmp/node");
	make_disk("sda", "8:0");
	put(VIRTUAL "sda/device/vendor", "ATA     \n");
	put(VIRTUAL "sda/device/model", "Real Drive      \n");
	make_disk("sdb", "8:16");
	put(VIRTUAL "sdb/device/vendor", "Linux   \n");
	put(VIRTUAL "sdb/device/model", "scsi_debug      \n");
	put(VIRTUAL "sda/sda1/dev", "8:1\n");
	put(VIRTUAL "sda/sda1/partition", "1\n");
	tie("sys/dev/block/8:1", VIRTUAL "sda/sda1");
	put(VIRTUAL "vda/vda1/partition", "1\n");
	tie("sys/dev/block/254:1", VIRTUAL "vda/vda1");
	make_disk("dm-0", "253:0");
	tie(VIRTUAL "dm-0/slaves/rig-null", VIRTUAL "rig-null");
	make_disk("dm-1", "253:1");
	tie(VIRTUAL "dm-1/slaves/dm-0", VIRTUAL "dm-0");
	tie(VIRTUAL "dm-1/slaves/sda1", VIRTUAL "sda/sda1");
	make_disk("dm-2", "253:2");
	make_disk("dm-3", "253:3");
	tie(VIRTUAL "dm-3/slaves/dm-3", VIRTUAL "dm-3"); /* a loop, which no kernel makes */
	make_disk("zd0", "230:0");
}

static void make_ctrl(const char *name, const char *dir, const char *transport, const char *number)
{
	char path[256];

	snprintf(path, sizeof(path), "%s%s/transport", dir, name);
	put(path, transport);
	path[strlen(path) - 10] = 0;
	tie(number, path);
}

#define CTL	"sys/devices/virtual/nvme-fabrics/ctl/"
#define SUBSYS0 "sys/devices/virtual/nvme-subsystem/nvme-subsys0/"

static void make_fabrics(const char *name, const char *number, const char *nqn, const char *address)
{
	char path[256];

	make_ctrl(name, CTL, "tcp\n", number);
	snprintf(path, sizeof(path), CTL "%s/subsysnqn", name);
	put(path, nqn);
	snprintf(path, sizeof(path), CTL "%s/address", name);
	put(path, address);
	snprintf(path, sizeof(path), CTL "%s/model", name);
	put(path, "Linux                                   \n");
}

static void make_nvme(void)
{
	make_function("0000:00:04.0", "0x1b36\n", "0x0010\n");
	make_function("0000:00:05.0", "0x144d\n", "0xa80a\n");
	make_function("0000:00:06.0", "0x8086\n", "0x5845\n");
	make_function("0000:00:07.0", "0x8086\n", "0x0a54\n");
	make_function("0000:00:09.0", "0x4e56\n", "0x2000\n");
	make_function("0000:00:0a.0", "0x4e56\n", "0x2001\n");
	put(PCI0 "0000:00:08.0/vendor", "0x");
	tie("sys/bus/pci/devices/0000:00:08.0", PCI0 "0000:00:08.0");
	make_ctrl("nvme0", PCI0 "0000:00:04.0/nvme/", "pcie\n", "sys/dev/char/240:0");
	tie(PCI0 "0000:00:04.0/nvme/nvme0/device", PCI0 "0000:00:04.0");
	put(PCI0 "0000:00:04.0/nvme/nvme0/nvme0n1/dev", "259:0\n");
	tie(PCI0 "0000:00:04.0/nvme/nvme0/nvme0n1/device", PCI0 "0000:00:04.0/nvme/nvme0");
	tie("sys/dev/block/259:0", PCI0 "0000:00:04.0/nvme/nvme0/nvme0n1");
	make_ctrl("nvme1", PCI0 "0000:00:05.0/nvme/", "pcie\n", "sys/dev/char/240:1");
	tie(PCI0 "0000:00:05.0/nvme/nvme1/device", PCI0 "0000:00:05.0");
	put(PCI0 "0000:00:05.0/nvme/nvme1/ng1n1/dev", "242:1\n");
	tie(PCI0 "0000:00:05.0/nvme/nvme1/ng1n1/device", PCI0 "0000:00:05.0/nvme/nvme1");
	tie("sys/dev/char/242:1", PCI0 "0000:00:05.0/nvme/nvme1/ng1n1");
	/* a namespace with two ways to it, one of them by a real controller */
	put(SUBSYS0 "nvme0n1/dev", "259:7\n");
	tie(SUBSYS0 "nvme0n1/device", "sys/devices/virtual/nvme-subsystem/nvme-subsys0");
	tie(SUBSYS0 "nvme0", PCI0 "0000:00:04.0/nvme/nvme0");
	tie(SUBSYS0 "nvme1", PCI0 "0000:00:05.0/nvme/nvme1");
	tie("sys/dev/block/259:7", SUBSYS0 "nvme0n1");
	put("sys/devices/virtual/misc/nvme-fabrics/dev", "10:122\n");
	tie("sys/dev/char/10:122", "sys/devices/virtual/misc/nvme-fabrics");
}

static void make_target(void)
{
	make_fabrics("nvme2", "sys/dev/char/240:2", "nqn.rig:file\n", "traddr=127.0.0.1,trsvcid=1");
	make_fabrics("nvme3", "sys/dev/char/240:3", "nqn.rig:mixed\n",
		     "traddr=127.0.0.1,trsvcid=1");
	make_fabrics("nvme4", "sys/dev/char/240:4", "nqn.rig:file\n", "traddr=192.0.2.1,trsvcid=1");
	make_fabrics("nvme5", "sys/dev/char/240:5", "nqn.rig:gone\n", "traddr=127.0.0.1,trsvcid=1");
	make_fabrics("nvme6", "sys/dev/char/240:6", "../subsystems/nqn.rig:file\n",
		     "traddr=127.0.0.1,trsvcid=1");
	put("store.img", "data");
	put(NVMET "nqn.rig:file/namespaces/1/device_path", "/store.img\n");
	put(NVMET "nqn.rig:file/namespaces/2/device_path", "(null)\n");
	put(NVMET "nqn.rig:mixed/namespaces/1/device_path", "/store.img\n");
	put(NVMET "nqn.rig:mixed/namespaces/2/device_path", "/no-such-device\n");
}

static void check_dev(mode_t type, unsigned maj, unsigned min, bool yes, const char *word)
{
	struct emulated e;

	emulated_dev(top, type, makedev(maj, min), &e);
	if (e.yes != yes || !strstr(e.what, word))
		printf("  %u:%u: %d, %s\n", maj, min, e.yes, e.what);
	CU_ASSERT_EQUAL(e.yes, yes);
	CU_ASSERT(strstr(e.what, word) != NULL);
}

static void disks(void)
{
	make_tree();
	check_dev(S_IFBLK, 252, 0, true, "rig-null: a device of nullb");
	check_dev(S_IFBLK, 254, 0, true, "virtblk");
	check_dev(S_IFBLK, 254, 1, true, "vda");
	check_dev(S_IFBLK, 7, 0, true, "/tmp/rig.img");
	check_dev(S_IFBLK, 7, 1, false, "loop over no regular file: /dev/sda");
	check_dev(S_IFBLK, 7, 2, false, "nothing");
	check_dev(S_IFBLK, 7, 3, false, "loop over no regular file: /tmp/node");
	check_dev(S_IFBLK, 8, 0, false, "Real Drive");
	check_dev(S_IFBLK, 8, 1, false, "Real Drive");
	check_dev(S_IFBLK, 8, 16, true, "scsi_debug");
	check_dev(S_IFBLK, 253, 0, true, "dm-0 over rig-null");
	check_dev(S_IFBLK, 253, 1, false, "Real Drive");
	check_dev(S_IFBLK, 253, 2, true, "over no device");
	check_dev(S_IFBLK, 253, 3, false, "dm-3 over dm-3");
	check_dev(S_IFBLK, 230, 0, false, "a driver that is not known");
	check_dev(S_IFBLK, 99, 9, false, "99:9: not in sysfs");
	check_dev(S_IFCHR, 252, 0, false, "252:0: not in sysfs");
}

static void check_pci(const char *function, bool yes, const char *word)
{
	struct emulated e;

	emulated_pci(top, function, &e);
	CU_ASSERT_EQUAL(e.yes, yes);
	CU_ASSERT(strstr(e.what, word) != NULL);
}

static void controllers(void)
{
	make_nvme();
	check_pci("0000:00:04.0", true, "PCI 1b36:0010 at 0000:00:04.0");
	check_pci("0000:00:05.0", false, "PCI 144d:a80a");
	check_pci("0000:00:06.0", true, "8086:5845");
	check_pci("0000:00:07.0", false, "8086:0a54");
	check_pci("0000:00:08.0", false, "no PCI ids");
	check_pci("0000:00:09.0", true, "4e56:2000");
	check_pci("0000:00:0a.0", false, "4e56:2001");
	check_pci("0000:00:1f.7", false, "no such PCI function");
	check_pci("../devices/0000:00:04.0", false, "no such PCI function");
	check_dev(S_IFCHR, 240, 0, true, "nvme0: PCI 1b36:0010");
	check_dev(S_IFBLK, 259, 0, true, "nvme0: PCI 1b36:0010");
	check_dev(S_IFCHR, 240, 1, false, "nvme1: PCI 144d:a80a");
	check_dev(S_IFCHR, 242, 1, false, "nvme1: PCI 144d:a80a");
	check_dev(S_IFBLK, 259, 7, false, "nvme1: PCI 144d:a80a");
	check_dev(S_IFCHR, 10, 122, false, "no controllers");
}

static void targets(void)
{
	make_target();
	check_dev(S_IFCHR, 240, 2, true, "over a file, /store.img");
	check_dev(S_IFCHR, 240, 3, false, "/no-such-device");
	check_dev(S_IFCHR, 240, 4, false, "192.0.2.1");
	check_dev(S_IFCHR, 240, 5, false, "cannot be seen");
	check_dev(S_IFCHR, 240, 6, false, "cannot be seen");
	/* a machine with this command line is the rig's own guest, and so is what it reaches */
	put("proc/cmdline", "console=ttyS0 quiet rdinit=/bin/nvrig -- agent\n");
	check_dev(S_IFCHR, 240, 4, true, "another guest");
	check_dev(S_IFCHR, 240, 3, false, "/no-such-device");
	check_dev(S_IFBLK, 230, 0, true, "guest");
	check_dev(S_IFBLK, 8, 0, false, "Real Drive");
}

static void descriptors(void)
{
	int fd = open(top, O_RDONLY | O_CLOEXEC), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FILE *f = tmpfile();
	struct emulated e;

	emulated_fd("", fd, &e);
	CU_ASSERT_FALSE(e.yes);
	emulated_fd("", null, &e);
	CU_ASSERT_FALSE(e.yes);
	CU_ASSERT(strstr(e.what, "no NVMe device") != NULL || strstr(e.what, "sysfs") != NULL);
	emulated_fd("", fileno(f), &e);
	CU_ASSERT(e.yes);
	close(fd);
	emulated_fd("", fd, &e);
	CU_ASSERT_FALSE(e.yes);
	close(null);
	fclose(f);
}

static size_t harmed(struct facts *facts)
{
	static const struct rig_suite *const suites[] = { &fake_good_suite, NULL };
	const struct plan_filter f = { .allow = HARM_FOREVER };
	struct plan p;
	size_t n = 0;

	CU_ASSERT_EQUAL_FATAL(plan_make(suites, &f, facts, &p), 0);
	for (size_t i = 0; i < p.n; i++) {
		n += !p.item[i].action && p.item[i].c->harm > HARM_NONE;
		if (!target_may_harm(&facts->caps) && p.item[i].c->harm > HARM_NONE)
			CU_ASSERT_STRING_EQUAL(p.item[i].reason,
					       "guard: harm forever is not done here: "
					       "nvme1: PCI 144d:a80a");
	}
	CU_ASSERT(p.selected > n);
	plan_free(&p);
	return n;
}

/* Whatever --allow says: no device of this machine is harmed that the guards did not let. */
static void rule(void)
{
	struct facts facts = { .caps = { .has = ~0u, .behind = "nvme1: PCI 144d:a80a" } };

	CU_ASSERT_EQUAL(harmed(&facts), 2);
	facts.caps.of_machine = true;
	CU_ASSERT_EQUAL(harmed(&facts), 0);
	facts.caps.emulated = true; /* that alone is not enough: it may be in use */
	CU_ASSERT_EQUAL(harmed(&facts), 0);
	facts.caps.cleared = true;
	CU_ASSERT_EQUAL(harmed(&facts), 2);
}

/* What nobody has allowed by a word: an emulated disk of this machine may be somebody's. */
static void unsaid(void)
{
	struct facts facts = { .caps = { .emulated = true } };

	CU_ASSERT_EQUAL(harm_default(&facts), HARM_WEAR);
	facts.caps.of_machine = true;
	CU_ASSERT_EQUAL(harm_default(&facts), HARM_NONE);
	facts.caps.given = true;
	CU_ASSERT_EQUAL(harm_default(&facts), HARM_WEAR);
	facts.caps.emulated = false;
	CU_ASSERT_EQUAL(harm_default(&facts), HARM_NONE);
}

static const struct unit units[] = {
	{ "block devices", disks },	{ "controllers", controllers },
	{ "kernel's target", targets }, { "descriptors", descriptors },
	{ "the plan's rule", rule },
	{ "what goes unsaid", unsaid },
};

UNIT_MAIN_IN(top, "emulated", units)
