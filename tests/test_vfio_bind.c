// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking a function from its driver and giving it back, against a sysfs tree of our own with a
 * process in the kernel's place: it reads what is written to the drivers' files and moves links.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "target/vfio_bind.h"
#include "target/vfio_note.h"
#include "tests/fake_sysfs.h"

#define DRIVE  "0000:01:00.0"
#define TWIN   "0000:01:00.1"
#define ALONE  "0000:02:00.0"
#define NO_MMU "0000:03:00.0"
#define NIC    "0000:04:00.0"

static char top[] = "/tmp/nvrig-bind-XXXXXX";
static char notes[64], dev[64];
static struct vfio_place place;

/* ---- the kernel's part ---- */

enum { UNBIND_NVME, UNBIND_VFIO, PROBE, FILES };

struct kernel {
	int fd[FILES];
	bool refuses; /* vfio-pci does not take what it is offered */
};

static int fifo(const char *path)
{
	unlink(path);
	return mkfifo(path, 0600) ? -1 : open(path, O_RDWR);
}

static void bind_by_override(const struct kernel *k, const char *name)
{
	char path[FAKE_PATH], word[FAKE_PATH];

	fake_read(fake_path(path, "%s/bus/pci/devices/%s/driver_override", top, name), word);
	word[strcspn(word, "\n")] = 0;
	if (!strcmp(word, "vfio-pci") && k->refuses)
		return;
	fake_driven_by(top, name, *word && strcmp(word, "(null)") ? word : "nvme");
}

static void be_kernel(struct kernel *k)
{
	for (;;) {
		struct pollfd p[FILES] = { { k->fd[0], POLLIN, 0 },
					   { k->fd[1], POLLIN, 0 },
					   { k->fd[2], POLLIN, 0 } };
		char name[64];

		poll(p, FILES, -1);
		for (int i = 0; i < FILES; i++) {
			ssize_t n = p[i].revents ? read(k->fd[i], name, sizeof(name) - 1) : 0;

			if (n <= 0)
				continue;
			name[n] = 0;
			if (i == PROBE)
				bind_by_override(k, name);
			else
				fake_driven_by(top, name, NULL);
		}
	}
}

static pid_t start_kernel(bool refuses)
{
	struct kernel k = { .refuses = refuses };
	char path[FAKE_PATH];
	pid_t pid;

	k.fd[UNBIND_NVME] = fifo(fake_path(path, "%s/bus/pci/drivers/nvme/unbind", top));
	k.fd[UNBIND_VFIO] = fifo(fake_path(path, "%s/bus/pci/drivers/vfio-pci/unbind", top));
	k.fd[PROBE] = fifo(fake_path(path, "%s/bus/pci/drivers_probe", top));
	pid = fork();
	if (!pid)
		be_kernel(&k);
	for (int i = 0; i < FILES; i++)
		close(k.fd[i]);
	return pid;
}

static void stop_kernel(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- what is asked ---- */

static const char *driver(const char *name)
{
	static char word[PCI_DEV_WORD];

	CU_ASSERT_EQUAL(pci_dev_driver(top, name, word), 0);
	return word;
}

static const char * override(const char *name)
{
	static char word[FAKE_PATH];
	char path[FAKE_PATH];

	return fake_read(fake_path(path, "%s/bus/pci/devices/%s/driver_override", top, name), word);
}

static int take(const char *name, struct vfio_bound *ret, char *error)
{
	struct pci_device *d;
	int err = pci_dev_open(top, name, &d, error);

	CU_ASSERT_EQUAL_FATAL(err, 0);
	err = vfio_bind(&place, pci_dev_info(d), ret, error);
	pci_dev_close(d);
	return err;
}

static int notes_left(void)
{
	return access(notes, F_OK) == 0;
}

/* ---- the tests; the first makes the tree ---- */

static void tree(void)
{
	char path[FAKE_PATH];

	snprintf(notes, sizeof(notes), "%s/notes", top);
	snprintf(dev, sizeof(dev), "%s/dev", top);
	place = (struct vfio_place){ top, dev, notes };
	fake_dir(dev);
	fake_function(top, DRIVE, PCI_DEV_NVME_CLASS, 7);
	fake_function(top, TWIN, PCI_DEV_NVME_CLASS, 7);
	fake_function(top, ALONE, PCI_DEV_NVME_CLASS, 8);
	fake_function(top, NO_MMU, PCI_DEV_NVME_CLASS, -1);
	fake_function(top, NIC, 0x020000, 9);
	fake_driver(top, "nvme");
	fake_driven_by(top, ALONE, "nvme");
	fake_dir(fake_path(path, "%s/bus/pci", top));
}

static void no_vfio_pci(void)
{
	char error[VFIO_BIND_ERROR] = "";
	struct vfio_bound b;

	CU_ASSERT_EQUAL(take(ALONE, &b, error), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "modprobe vfio-pci"));
	CU_ASSERT_FALSE(b.ours);
	fake_driver(top, "vfio-pci");
}

static void refused(void)
{
	char error[VFIO_BIND_ERROR] = "";
	struct vfio_bound b;

	CU_ASSERT_EQUAL(take(NIC, &b, error), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, NIC " is no NVMe controller: class 020000"));
	CU_ASSERT_EQUAL(take(NO_MMU, &b, error), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "behind no IOMMU"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "intel_iommu=on"));
	fake_driven_by(top, TWIN, "nvme");
	CU_ASSERT_EQUAL(take(DRIVE, &b, error), -EBUSY);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "shares IOMMU group 7"));
	CU_ASSERT_PTR_NOT_NULL(strstr(error, TWIN " (nvme)"));
	fake_driven_by(top, TWIN, "pcieport");
	CU_ASSERT_EQUAL(notes_left(), 0);
}

static void and_back(void)
{
	char error[VFIO_BIND_ERROR] = "", path[FAKE_PATH];
	pid_t kernel = start_kernel(false);
	struct vfio_bound b, again;

	CU_ASSERT_EQUAL(take(ALONE, &b, error), 0);
	CU_ASSERT_TRUE(b.ours);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "vfio-pci");
	CU_ASSERT_STRING_EQUAL(override(ALONE), "vfio-pci");
	/* for a worker of this run it is there, and not its to give back */
	CU_ASSERT_EQUAL(take(ALONE, &again, error), 0);
	CU_ASSERT_FALSE(again.ours);
	CU_ASSERT_EQUAL(vfio_give_back(&place, &again, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "vfio-pci");
	CU_ASSERT_EQUAL(vfio_give_back(&place, &b, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "nvme");
	CU_ASSERT_STRING_EQUAL(override(ALONE), "\n");
	CU_ASSERT_EQUAL(notes_left(), 0);
	/* one that nobody drove, in a group with a bridge, goes back to nobody */
	CU_ASSERT_EQUAL(take(DRIVE, &b, error), 0);
	CU_ASSERT_EQUAL(vfio_give_back(&place, &b, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(DRIVE), "");
	/* one that was vfio-pci's, by an override of the owner's, stays so */
	fake_driven_by(top, DRIVE, "vfio-pci");
	fake_text(fake_path(path, "%s/bus/pci/devices/" DRIVE "/driver_override", top),
		  "vfio-pci\n");
	CU_ASSERT_EQUAL(take(DRIVE, &b, error), 0);
	CU_ASSERT_EQUAL(vfio_give_back(&place, &b, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(DRIVE), "vfio-pci");
	CU_ASSERT_STRING_EQUAL(override(DRIVE), "vfio-pci");
	stop_kernel(kernel);
}

static void not_taken(void)
{
	char error[VFIO_BIND_ERROR] = "";
	pid_t kernel = start_kernel(true);
	struct vfio_bound b;

	CU_ASSERT_EQUAL(take(ALONE, &b, error), -ENXIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "the kernel did not bind it"));
	CU_ASSERT_FALSE(b.ours);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "nvme");
	CU_ASSERT_EQUAL(notes_left(), 0);
	stop_kernel(kernel);
}

/* A child takes it and ends, or lives on: its number, with the drive taken. */
static pid_t take_in_child(bool lives)
{
	int done[2];
	char c = 0;
	pid_t pid;

	CU_ASSERT_EQUAL_FATAL(pipe(done), 0);
	pid = fork();
	if (!pid) {
		char error[VFIO_BIND_ERROR];
		struct vfio_bound b;

		c = !take(ALONE, &b, error) && b.ours;
		c = write(done[1], &c, 1) == 1;
		if (lives)
			pause();
		_exit(0);
	}
	CU_ASSERT_EQUAL(read(done[0], &c, 1), 1);
	CU_ASSERT_EQUAL(c, 1);
	close(done[0]);
	close(done[1]);
	return pid;
}

static void another_run(void)
{
	char error[VFIO_BIND_ERROR] = "", want[64];
	pid_t kernel = start_kernel(false), other = take_in_child(true);
	struct vfio_bound b;

	CU_ASSERT_EQUAL(take(ALONE, &b, error), -EBUSY);
	snprintf(want, sizeof(want), "in use by nvrig, process %d", other);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, want));
	CU_ASSERT_EQUAL(vfio_give_back_left(&place, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "vfio-pci");
	kill(other, SIGKILL);
	waitpid(other, NULL, 0);
	CU_ASSERT_EQUAL(vfio_give_back_left(&place, error), 1);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "nvme");
	CU_ASSERT_EQUAL(vfio_give_back_left(&place, error), 0);
	stop_kernel(kernel);
}

static void killed_run(void)
{
	char error[VFIO_BIND_ERROR] = "", path[FAKE_PATH];
	pid_t kernel = start_kernel(false), other = take_in_child(false);
	struct vfio_bound b;

	waitpid(other, NULL, 0);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "vfio-pci");
	/* the next who takes it gives it back first: what was noted is the driver before both */
	CU_ASSERT_EQUAL(take(ALONE, &b, error), 0);
	CU_ASSERT_TRUE(b.ours);
	CU_ASSERT_EQUAL(vfio_give_back(&place, &b, error), 0);
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "nvme");
	/* what is no note of ours is told, and nothing is changed */
	fake_dir(notes);
	fake_text(fake_path(path, "%s/" ALONE, notes), "pid something\n");
	CU_ASSERT_EQUAL(take(ALONE, &b, error), -EBADMSG);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "no note of ours"));
	CU_ASSERT_STRING_EQUAL(driver(ALONE), "nvme");
	unlink(path);
	stop_kernel(kernel);
}

static void unplugged(void)
{
	char error[VFIO_BIND_ERROR] = "", path[FAKE_PATH], away[FAKE_PATH];
	pid_t kernel = start_kernel(false);
	struct vfio_bound b;

	CU_ASSERT_EQUAL(take(ALONE, &b, error), 0);
	fake_path(path, "%s/bus/pci/devices/" ALONE, top);
	fake_path(away, "%s/away", top);
	CU_ASSERT_EQUAL(rename(path, away), 0);
	CU_ASSERT_EQUAL(vfio_give_back(&place, &b, error), 0);
	CU_ASSERT_EQUAL(notes_left(), 0);
	CU_ASSERT_EQUAL(rename(away, path), 0);
	fake_driven_by(top, ALONE, "nvme");
	stop_kernel(kernel);
}

/* That the kernel refuses an exclusive open of what is mounted is asked in a guest: tests/vfio.sh
 */
static void in_use(void)
{
	char error[VFIO_BIND_ERROR] = "", path[FAKE_PATH];

	fake_dir(fake_path(path, "%s/bus/pci/devices/" ALONE "/nvme/nvme3/nvme3n1", top));
	fake_dir(fake_path(path, "%s/bus/pci/devices/" ALONE "/nvme/nvme3/nvme2c3n5", top));
	CU_ASSERT_EQUAL(vfio_check_unused(&place, ALONE, error), 0); /* no such nodes */
	fake_text(fake_path(path, "%s/nvme3n1", dev), "");
	CU_ASSERT_EQUAL(vfio_check_unused(&place, ALONE, error), 0);
	unlink(path);
	/* a node that cannot be asked is not an unused one */
	fake_link(fake_path(path, "%s/nvme2n5", dev), "nvme2n5");
	CU_ASSERT_EQUAL(vfio_check_unused(&place, ALONE, error), -ELOOP);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, "cannot be told"));
	unlink(path);
}

static const struct unit units[] = {
	{ "tree", tree },
	{ "no vfio-pci", no_vfio_pci },
	{ "refused", refused },
	{ "and back", and_back },
	{ "not taken", not_taken },
	{ "another run", another_run },
	{ "killed run", killed_run },
	{ "unplugged", unplugged },
	{ "in use", in_use },
};

UNIT_MAIN_IN(top, "vfio_bind", units)
