// SPDX-License-Identifier: GPL-2.0-or-later
/* Guards, asked of trees that look like the proc, sys and dev of machines. */
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "fake_drives.h"
#include "rig/guard.h"
#include "rig/guard_label.h"
#include "unit.h"

static struct bench_drive line = { .alias = "one",
				   .serial = "S1",
				   .model = "EXAMPLE*",
				   .may = HARM_WEAR,
				   .from_hour = -1,
				   .to_hour = -1 };
static struct guard_drive drive;

static const struct guard *guard_of(const char *id)
{
	for (const struct guard *g = guard_all; g->id; g++)
		if (!strcmp(g->id, id))
			return g;
	CU_FAIL_FATAL("no such guard");
	return NULL;
}

/* What one guard says of nvme1. */
static struct guard_finding ask(const char *id, const struct guard_words *words)
{
	static const struct guard_words none;
	struct guard_finding f = { .verdict = GUARD_REFUSE };
	char error[GUARD_ERROR];
	struct guard_ask a = { .root = root,
			       .drive = &drive,
			       .line = &line,
			       .harm = HARM_DATA,
			       .words = words ? words : &none,
			       .pid = 4242 };

	CU_ASSERT_EQUAL_FATAL(guard_drive_of(root, S_IFCHR, makedev(242, 1), &drive, error), 0);
	guard_of(id)->look(&a, &f);
	return f;
}

static void passes(const char *id)
{
	struct guard_finding f = ask(id, NULL);

	CU_ASSERT_EQUAL(f.verdict, GUARD_PASS);
	if (f.verdict != GUARD_PASS)
		printf("\n%s: %s\n", id, f.text);
}

static void refuses(const char *id, const char *says)
{
	struct guard_finding f = ask(id, NULL);
	bool right = f.verdict == GUARD_REFUSE && strstr(f.text, says);

	CU_ASSERT(right);
	if (!right)
		printf("\n%s: wanted '%s', said '%s'\n", id, says, f.text);
}

/* ---- the drive ---- */

static void a_drive_is_whole(void)
{
	char error[GUARD_ERROR];

	begin();
	CU_ASSERT_EQUAL_FATAL(guard_drive_of(root, S_IFBLK, makedev(259, 12), &drive, error), 0);
	CU_ASSERT_EQUAL(drive.kind, GUARD_NVME);
	CU_ASSERT_STRING_EQUAL(drive.name, "nvme1");
	CU_ASSERT_STRING_EQUAL(drive.serial, "S1");
	CU_ASSERT_STRING_EQUAL(drive.model, "EXAMPLE 1000");
	CU_ASSERT_STRING_EQUAL(drive.pci, "0000:00:01.0");
	CU_ASSERT_EQUAL(drive.n,
			5); /* controller, namespace and its generic node, two partitions */
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, true, makedev(259, 11)));
	CU_ASSERT_FALSE(guard_drive_node(&drive, true, makedev(259, 11))->disk);
	CU_ASSERT_EQUAL(guard_drive_node(&drive, true, makedev(259, 11))->whole, makedev(259, 10));
	CU_ASSERT_EQUAL(guard_drive_node(&drive, true, makedev(259, 10))->whole, makedev(259, 10));
	CU_ASSERT_PTR_NULL(guard_drive_node(&drive, true, makedev(259, 21)));
	CU_ASSERT_EQUAL(guard_drive_of(root, S_IFBLK, makedev(99, 1), &drive, error), -ENODEV);
}

/* Another controller of the subsystem is the same drive. */
static void a_subsystem_is_one_drive(void)
{
	char error[GUARD_ERROR];

	begin();
	tie("sys/class/nvme-subsystem/nvme-subsys1/nvme1", NVME(1));
	tie("sys/class/nvme-subsystem/nvme-subsys1/nvme2", NVME(2));
	CU_ASSERT_EQUAL_FATAL(guard_drive_of(root, S_IFCHR, makedev(242, 1), &drive, error), 0);
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, true, makedev(259, 22)));
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, false, makedev(242, 2)));
	CU_ASSERT_PTR_NOT_NULL_FATAL(guard_drive_other_ctrl(&drive));
	CU_ASSERT_EQUAL(guard_drive_other_ctrl(&drive)->dev, makedev(242, 2));
	begin();
	CU_ASSERT_EQUAL_FATAL(guard_drive_of(root, S_IFCHR, makedev(242, 1), &drive, error), 0);
	CU_ASSERT_PTR_NULL(guard_drive_other_ctrl(&drive));
}

#define CARD "sys/devices/platform/mmc0/mmc0:0001"

/* The boot partitions are disks of their own, and RPMB is a character node of the card. */
static void a_card_is_one_drive(void)
{
	char error[GUARD_ERROR];

	begin();
	block(CARD "/block", "mmcblk0", "179:0");
	partition(CARD "/block/mmcblk0", "mmcblk0p1", "179:1");
	block(CARD "/block/mmcblk0", "mmcblk0boot0", "179:32");
	block(CARD "/block/mmcblk0", "mmcblk0boot1", "179:64");
	put(CARD "/mmcblk0rpmb/dev", "237:0");
	put(CARD "/cid", "150100\n");
	put(CARD "/name", "ABCDEF\n");
	tie(CARD "/block/mmcblk0/device", CARD);
	tie(CARD "/block/mmcblk0/mmcblk0boot0/device", CARD);
	CU_ASSERT_EQUAL_FATAL(guard_drive_of(root, S_IFBLK, makedev(179, 1), &drive, error), 0);
	CU_ASSERT_STRING_EQUAL(drive.name, "mmcblk0");
	CU_ASSERT_STRING_EQUAL(drive.serial, "150100");
	CU_ASSERT_EQUAL(drive.n, 5);
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, true, makedev(179, 32)));
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, true, makedev(179, 64)));
	CU_ASSERT_TRUE(label_goes_on(guard_drive_node(&drive, true, makedev(179, 0))));
	CU_ASSERT_FALSE(label_goes_on(guard_drive_node(&drive, true, makedev(179, 1))));
	CU_ASSERT_FALSE(label_goes_on(guard_drive_node(&drive, true, makedev(179, 32))));
	CU_ASSERT_FALSE(label_goes_on(guard_drive_node(&drive, true, makedev(179, 64))));
	CU_ASSERT_PTR_NOT_NULL(guard_drive_node(&drive, false, makedev(237, 0)));
}

static int count(void *ctx, const struct guard_drive *d)
{
	*(unsigned *)ctx += d->kind == GUARD_NVME;
	return 0;
}

static void every_drive_once(void)
{
	unsigned n = 0;

	begin();
	CU_ASSERT_EQUAL(guard_drive_each(root, count, &n), 0);
	CU_ASSERT_EQUAL(n, 2);
}

/* ---- G1 ---- */

static void identity(void)
{
	begin();
	passes("G1");
	put(NVME(2) "/serial", "S1\n");
	refuses("G1", "nvme2 has serial S1 and model EXAMPLE 1000 as well");
	begin();
	put(NVME(1) "/serial", "   \n");
	refuses("G1", "tells no serial number");
}

/* Looked up, and then another one sits there. */
static void a_hot_swap(void)
{
	static const struct guard_words none;
	struct guard_finding f = { .verdict = GUARD_REFUSE };
	struct guard_ask a = {
		.root = root, .drive = &drive, .line = &line, .harm = HARM_DATA, .words = &none
	};

	begin();
	passes("G1");
	put(NVME(1) "/serial", "S9\n");
	guard_identity(&a, &f);
	CU_ASSERT_EQUAL(f.verdict, GUARD_REFUSE);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(f.text, "another drive is at nvme1 now: EXAMPLE 1000, serial S9"));
}

/* ---- G2, G6 ---- */

static void bench_line(void)
{
	begin();
	passes("G2");
	strcpy(line.until, "2020-01-01");
	refuses("G2", "until 2020-01-01");
	strcpy(line.until, "2999-12-31");
	passes("G2");
	line.until[0] = 0;
	line.may = HARM_SETTINGS;
	refuses("G2", "may = settings, and the run wants data");
	line.may = HARM_WEAR;
	line.emulated = true;
	refuses("G2", "said to be emulated, and this is nvme1: PCI 144d:a80a");
	line.emulated = false;
}

static void said_by_name(void)
{
	const char *right[] = { "S1" }, *wrong[] = { "S2" }, *part[] = { "S" };
	const struct guard_words a = { .confirm = right, .n_confirm = 1 };
	const struct guard_words b = { .confirm = wrong, .n_confirm = 1 };
	const struct guard_words c = { .confirm = part, .n_confirm = 1 };

	begin();
	CU_ASSERT_EQUAL(ask("G6", &a).verdict, GUARD_PASS);
	CU_ASSERT_EQUAL(ask("G6", &b).verdict, GUARD_REFUSE);
	CU_ASSERT_EQUAL(ask("G6", &c).verdict, GUARD_REFUSE);
	refuses("G6", "--confirm SERIAL");
}

/* ---- G3 ---- */

static void nobody_uses_it(void)
{
	begin();
	passes("G3");
}

static void mounted(void)
{
	begin();
	process(77, "other",
		ROOT_MOUNT "40 27 259:12 / /mnt/my\\040data rw - ext4 /dev/nvme1n1p2 rw\n");
	refuses("G3", "nvme1n1p2 is mounted at /mnt/my data (seen by process 77 (other))");
	begin(); /* btrfs has a number of its own */
	process(77, "other", "40 27 0:50 /@ /data rw shared:1 - btrfs /dev/nvme1n1 rw\n");
	refuses("G3", "nvme1n1 is mounted at /data");
	begin(); /* of another drive */
	process(77, "other", "40 27 259:21 / /data rw - ext4 /dev/nvme2n1p1 rw\n");
	passes("G3");
	begin(); /* a name that begins alike */
	process(77, "other", "40 27 0:50 / /data rw - btrfs /dev/nvme1n10 rw\n");
	passes("G3");
}

/* What cannot be read is no proof that nothing is there. */
static void mounts_that_are_none(void)
{
	static const char *const bad[] = {
		"40 27 259:12 / /data rw - ext4 /dev/nvme1n1p2 rw", /* cut: no end of the line */
		"40 27 259:12 / /data rw\n",
		"40 27 259:12 / /data rw ext4 /dev/nvme1n1p2 rw\n",
		"40 27 x:y / /data rw - ext4 /dev/nvme1n1p2 rw\n",
		"\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		begin();
		process(77, "other", bad[i]);
		refuses("G3", "cannot be found out");
	}
}

static void chains(void)
{
	begin();
	block(VIRTUAL, "md127", "9:127");
	block(VIRTUAL, "dm-0", "254:0");
	HELD("nvme1n1p2", "md127");
	refuses("G3", "nvme1n1p2 is held by md127: take that down");
	HELD("md127", "dm-0");
	refuses("G3", "nvme1n1p2 is held by md127, that by dm-0: take");
	process(77, "other", "40 27 254:0 / /data rw - xfs /dev/mapper/vg-lv rw\n");
	refuses("G3", "nvme1n1p2 is held by md127, that by dm-0 is mounted at /data");
}

/* sysfs of a kernel gone mad: it ends, and refuses. */
static void circles(void)
{
	begin();
	block(VIRTUAL, "dm-0", "254:0");
	block(VIRTUAL, "dm-1", "254:1");
	HELD("nvme1n1", "dm-0");
	HELD("dm-0", "dm-1");
	HELD("dm-1", "dm-0");
	HELD("dm-1", "nvme1n1");
	refuses("G3", "nvme1n1 is held by dm-0, that by dm-1");
	begin();
	tie("sys/class/block/nvme1n1/holders/dm-7", "nowhere");
	refuses("G3", "nvme1n1 is held by dm-7, which sysfs does not tell more of");
}

static void swapped_to(void)
{
	begin();
	put("proc/swaps", "Filename Type\n/dev/nvme1n1p1 partition 1 0 -2\n");
	refuses("G3", "nvme1n1p1 is swapped to: swapoff /dev/nvme1n1p1");
	put("proc/swaps", "Filename Type\n/dev/nvme2n1p1 partition 1 0 -2\n");
	passes("G3");
	put("proc/swaps", "Filename Type\n/dev/nvme1n");
	refuses("G3", "cannot be found out");
}

static void kernel_users(void)
{
	begin();
	block(VIRTUAL, "loop3", "7:3");
	put(VIRTUAL "/loop3/loop/backing_file", "/dev/nvme1n1p2\n");
	refuses("G3", "losetup -d /dev/loop3");
	begin();
	put("sys/fs/btrfs/6f1d/devices/nvme1n1p1", "");
	refuses("G3", "nvme1n1p1 is a member of a btrfs");
	begin();
	put("sys/kernel/config/nvmet/subsystems/nqn/namespaces/1/device_path", "/dev/nvme1n1\n");
	refuses("G3", "nvme1n1 is exported by nvmet");
	begin();
	put("sys/kernel/config/nvmet/subsystems/nqn/passthru/device_path", "/dev/nvme1\n");
	refuses("G3", "nvme1 is lent by nvmet");
	begin();
	put("sys/module/nvmet/refcnt", "1\n");
	refuses("G3",
		"nvmet is loaded, and what it exports cannot be found out: mount -t configfs");
	begin();
	put("sys/kernel/config/target/core/iblock_0/a/udev_path", "/dev/nvme1n1\n");
	refuses("G3", "nvme1n1 is exported by the kernel's SCSI target");
	begin();
	put("sys/power/resume", "259:11\n");
	refuses("G3", "nvme1n1p1 is where this machine resumes from");
	put("sys/power/resume", "0:0\n");
	passes("G3");
}

static void open_elsewhere(void)
{
	begin();
	process(77, "qemu)(", ROOT_MOUNT);
	tie("proc/77/fd/5", "/dev/ng1n1");
	refuses("G3", "ng1n1 is open in process 77 (qemu)()");
	begin();
	process(77, "cat", ROOT_MOUNT);
	tie("proc/77/fd/5", "/dev/nvme2n1");
	passes("G3");
	begin(); /* the run itself, and its worker */
	process(4242, "nvrig", ROOT_MOUNT);
	tie("proc/4242/fd/5", "/dev/nvme1n1");
	process(4243, "nvrig", ROOT_MOUNT);
	put("proc/4243/stat", "4243 (nvrig) S 4242 1 1");
	tie("proc/4243/fd/5", "/dev/nvme1");
	passes("G3");
	begin(); /* a container sees its own processes alone */
	put("proc/2/comm", "sh\n");
	refuses("G3", "outside this PID namespace");
}

/* ---- G4 ---- */

static void this_machine(void)
{
	begin();
	passes("G4");
	put("proc/self/mountinfo", "27 1 259:11 / / rw - ext4 /dev/nvme1n1p1 rw\n");
	refuses("G4", "/ of this machine lies on it (nvme1n1p1)");
	begin();
	put("proc/1/mountinfo", ROOT_MOUNT "28 27 0:44 / /home rw - btrfs /dev/nvme1n1p2 rw\n");
	refuses("G4", "/home of this machine lies on it");
	begin(); /* two levels up */
	block(VIRTUAL, "dm-0", "254:0");
	HELD("nvme1n1p1", "dm-0");
	put("proc/1/mountinfo", "27 1 254:0 / / rw - ext4 /dev/mapper/root rw\n");
	refuses("G4", "/ of this machine lies on it (nvme1n1p1 is held by dm-0)");
	begin();
	put("proc/1/mountinfo", "27 1 8:1");
	refuses("G4", "a line is no mount");
}

/* File systems of several devices, of which mountinfo names one or none. */
static void this_machine_on_many(void)
{
	begin();
	put("proc/1/mountinfo", "27 1 0:30 /@ / rw - btrfs /dev/sda1 rw\n");
	put("sys/fs/btrfs/6f1d/devices/sda1", "");
	put("sys/fs/btrfs/7a2e/devices/nvme1n1p1", ""); /* another one, which is for G3 */
	passes("G4");
	put("sys/fs/btrfs/6f1d/devices/nvme1n1p2", "");
	refuses("G4", "/ of this machine lies on it (nvme1n1p2)");
	begin();
	put("proc/1/mountinfo", "27 1 0:30 / / rw - zfs rpool/ROOT rw\n");
	refuses("G4", "what / of this machine lies on (zfs) is not told, and it may be nvme1n1");
	begin();
	put("proc/1/mountinfo", "27 1 0:30 / / rw - bcachefs /dev/nvme1n1p2:/dev/sda1 rw\n");
	refuses("G4", "(bcachefs) is not told");
	begin();
	put("proc/1/mountinfo", "27 1 7:0 / / rw - squashfs /dev/loop0 rw\n");
	refuses("G4", "(squashfs) is not told");
	begin();
	put("proc/1/mountinfo", "27 1 0:30 / / rw - tmpfs none rw\n");
	passes("G4");
}

static void booted_from(void)
{
	begin();
	put("proc/cmdline", "quiet root=/dev/nvme1n1p2 ro\n");
	refuses("G4", "booted with root=/dev/nvme1n1p2, which is nvme1n1p2");
	put("proc/cmdline", "root=259:12\n");
	refuses("G4", "which is nvme1n1p2");
	put("proc/cmdline", "root=PARTUUID=ab-01\n");
	passes("G4"); /* / is known, and lies elsewhere */
	put("proc/1/mountinfo", "27 1 0:2 / / rw - rootfs rootfs rw\n");
	put("proc/self/mountinfo", "27 1 0:2 / / rw - rootfs rootfs rw\n");
	refuses("G4", "cannot be told without /dev/disk");
	put("dev/nvme1n1p2", "");
	tie("dev/disk/by-partuuid/ab-01", "dev/nvme1n1p2");
	refuses("G4", "booted with root=PARTUUID=ab-01, which is nvme1n1p2");
}

/* ---- overrides, the table ---- */

static unsigned looked;

static void hear(void *ctx, const struct guard *g, const struct guard_finding *f)
{
	enum guard_verdict *v = ctx;

	v[looked++] = f->verdict;
	CU_ASSERT(f->text[0] != 0);
	(void)g;
}

static void overrides(void)
{
	const char *words[] = { "G3:S1", "G6:S1" }, *other[] = { "G3:S2" };
	struct guard_words w = { .override = words, .n_override = 2 };
	enum guard_verdict v[GUARD_MAX];
	struct guard_ask a = {
		.root = root, .drive = &drive, .line = &line, .harm = HARM_DATA, .words = &w
	};
	char error[256];

	begin();
	passes("G1");
	put("proc/swaps", "Filename Type\n/dev/nvme1n1p1 partition 1 0 -2\n");
	looked = 0;
	CU_ASSERT_EQUAL(guard_look(&a, 1u << 2 | 1u << 5, hear, v), 0);
	CU_ASSERT_EQUAL_FATAL(looked, 2);
	CU_ASSERT_EQUAL(v[0], GUARD_WAIVED);
	CU_ASSERT_EQUAL(v[1], GUARD_WAIVED);
	w.override = other;
	w.n_override = 1;
	looked = 0;
	CU_ASSERT_EQUAL(guard_look(&a, 1u << 2 | 1u << 5, hear, v), 1u << 2 | 1u << 5);
	line.may = HARM_SETTINGS; /* then nothing is waived */
	w.override = words;
	w.n_override = 2;
	looked = 0;
	CU_ASSERT_EQUAL(guard_look(&a, 1u << 2, hear, v), 1u << 2);
	line.may = HARM_WEAR;
	CU_ASSERT_EQUAL(guard_check_override("G5:S1", error), 0);
	CU_ASSERT_EQUAL(guard_check_override("G10:S1", error), 0);
	CU_ASSERT_EQUAL(guard_check_override("G1:S1", error), -EINVAL);
	CU_ASSERT_EQUAL(guard_check_override("G2:S1", error), -EINVAL);
	CU_ASSERT_EQUAL(guard_check_override("G4:S1", error), -EINVAL);
	CU_ASSERT_EQUAL(guard_check_override("G11:S1", error), -EINVAL);
	CU_ASSERT_EQUAL(guard_check_override("G5:", error), -EINVAL);
	CU_ASSERT_EQUAL(guard_check_override("G5", error), -EINVAL);
}

static const struct unit units[] = {
	{ "a drive is whole", a_drive_is_whole },
	{ "a subsystem is one drive", a_subsystem_is_one_drive },
	{ "a card is one drive", a_card_is_one_drive },
	{ "every drive once", every_drive_once },
	{ "G1", identity },
	{ "G1: a hot swap", a_hot_swap },
	{ "G2", bench_line },
	{ "G3: nobody", nobody_uses_it },
	{ "G3: mounted", mounted },
	{ "G3: mounts that are none", mounts_that_are_none },
	{ "G3: chains", chains },
	{ "G3: circles", circles },
	{ "G3: swap", swapped_to },
	{ "G3: the kernel's own", kernel_users },
	{ "G3: other processes", open_elsewhere },
	{ "G4", this_machine },
	{ "G4: on many devices", this_machine_on_many },
	{ "G4: root=", booted_from },
	{ "G6", said_by_name },
	{ "overrides", overrides },
};

UNIT_MAIN_IN(top, "guards", units)
