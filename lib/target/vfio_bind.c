// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/vfio_bind.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "target/vfio_note.h"

#define WRITE_NS  (20 * NS_PER_S) /* a driver's remove waits for its commands */
#define SETTLE_NS (2 * NS_PER_S) /* drivers may probe behind our back */
#define STEP_US	  2000

__attribute__((format(printf, 3, 4))) static int fail(char *error, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, VFIO_BIND_ERROR, fmt, ap);
	va_end(ap);
	return err;
}

static const char *sysfs_of(const struct vfio_place *p)
{
	return p->sysfs ? p->sysfs : "/sys";
}

static const char *notes_of(const struct vfio_place *p)
{
	return p->notes ? p->notes : VFIO_BIND_NOTES;
}

/* ---- one word into a file of sysfs ---- */

static int write_word(const char *path, const char *word)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, word, strlen(word)) < 0 ? errno : 0;
}

static int wait_child(pid_t pid)
{
	uint64_t deadline = clock_mono_ns() + WRITE_NS;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (clock_mono_ns() >= deadline) {
			kill(pid, SIGKILL); /* it dies when the kernel lets it; init reaps it */
			return -ETIMEDOUT;
		}
		usleep(STEP_US);
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/*
 * In a child: the kernel takes a device from its driver in the writing process, and waits there,
 * also for ever, for whoever still uses it.
 */
static int write_within(const char *path, const char *word)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (!pid)
		_exit(write_word(path, word));
	return wait_child(pid);
}

/* To KIND/NAME/FILE below bus/pci, or without a name to KIND. */
static int write_at(const struct vfio_place *p, const char *word, const char *kind,
		    const char *name, const char *file)
{
	char path[PCI_DEV_PATH];

	snprintf(path, sizeof(path), "%.250s/bus/pci/%.20s%s%.64s%s%.20s", sysfs_of(p), kind,
		 name ? "/" : "", name ? name : "", name ? "/" : "", name ? file : "");
	return write_within(path, word);
}

/* ---- who drives it ---- */

static int set_override(const struct vfio_place *p, const char *name, const char *driver)
{
	/* an empty line is what takes it away */
	return write_at(p, driver[0] ? driver : "\n", "devices", name, "driver_override");
}

static void get_override(const struct vfio_place *p, const char *name, char ret[PCI_DEV_WORD])
{
	char path[PCI_DEV_PATH];
	_cleanup_fclose_ FILE *f = NULL;

	snprintf(path, sizeof(path), "%.250s/bus/pci/devices/%s/driver_override", sysfs_of(p),
		 name);
	f = fopen(path, "re");
	*ret = 0;
	if (f && !fgets(ret, PCI_DEV_WORD, f))
		*ret = 0;
	ret[strcspn(ret, "\n")] = 0;
	if (!strcmp(ret, "(null)"))
		*ret = 0;
}

static int unbind(const struct vfio_place *p, const char *name, const char *driver)
{
	int err = *driver ? write_at(p, name, "drivers", driver, "unbind") : 0;

	return err == -ENODEV ? 0 : err; /* it is not that driver's any more */
}

/* Asks for a driver until it is the one wanted ("": any). */
static int probe(const struct vfio_place *p, const char *name, const char *want)
{
	uint64_t deadline = clock_mono_ns() + SETTLE_NS;
	char driver[PCI_DEV_WORD];
	int err = write_at(p, name, "drivers_probe", NULL, NULL);

	while (!err) {
		err = pci_dev_driver(p->sysfs, name, driver);
		if (err || (*want ? !strcmp(driver, want) : *driver))
			break;
		if (clock_mono_ns() >= deadline)
			err = -ENXIO;
		usleep(STEP_US);
	}
	return err;
}

/* ---- may it be taken ---- */

struct member {
	const struct vfio_place *p;
	const char *self;
	char *error;
	unsigned n;
};

/* Bridges share a group with what is behind them and do no DMA of their own. */
static bool is_harmless(const char *driver)
{
	return !*driver || !strcmp(driver, VFIO_BIND_DRIVER) || !strcmp(driver, "pci-stub") ||
	       !strcmp(driver, "pcieport");
}

static int look_member(void *ctx, const char *name)
{
	struct member *m = ctx;
	char driver[PCI_DEV_WORD];
	size_t len = strlen(m->error);

	if (!strcmp(name, m->self) || pci_dev_driver(m->p->sysfs, name, driver) ||
	    is_harmless(driver))
		return 0;
	if (len < VFIO_BIND_ERROR)
		snprintf(m->error + len, VFIO_BIND_ERROR - len, "%s%s (%.30s)", m->n ? ", " : "",
			 name, driver);
	m->n++;
	return 0;
}

int vfio_check_group(const struct vfio_place *p, const struct pci_device_info *info, char *error)
{
	char list[VFIO_BIND_ERROR] = "";
	struct member m = { p, info->name, list, 0 };
	int err = pci_dev_group(p->sysfs, info->iommu_group, look_member, &m);

	if (err)
		return fail(error, err, "IOMMU group %d: %s", info->iommu_group, strerror(-err));
	if (!m.n)
		return 0;
	return fail(error, -EBUSY,
		    "%s shares IOMMU group %d with what the kernel uses: %.120s; take those from "
		    "their drivers too, or put the drive into another slot",
		    info->name, info->iommu_group, list);
}

static int check_possible(const struct vfio_place *p, const struct pci_device_info *info,
			  char *error)
{
	char path[PCI_DEV_PATH];

	if (info->iommu_group < 0)
		return fail(
			error, -ENODEV,
			"%s is behind no IOMMU: switch it on (intel_iommu=on or amd_iommu=on on "
			"the kernel's command line, VT-d or AMD-Vi in the firmware); VFIO's "
			"no-IOMMU mode is not used",
			info->name);
	snprintf(path, sizeof(path), "%.250s/bus/pci/drivers/" VFIO_BIND_DRIVER, sysfs_of(p));
	if (access(path, F_OK))
		return fail(error, -ENODEV,
			    "this kernel has no driver vfio-pci: modprobe vfio-pci");
	return vfio_check_group(p, info, error);
}

/* ---- taking ---- */

static int take(const struct vfio_place *p, const char *name, const char *driver, char *error)
{
	int err = set_override(p, name, VFIO_BIND_DRIVER);

	if (!err)
		err = unbind(p, name, driver);
	if (!err)
		err = probe(p, name, VFIO_BIND_DRIVER);
	if (!err)
		return 0;
	return fail(error, err, "%s: taking it from %.30s for vfio-pci: %s", name,
		    *driver ? driver : "nobody",
		    err == -ENXIO ? "the kernel did not bind it; see dmesg" : strerror(-err));
}

static int put_back(const struct vfio_place *p, const char *name, const struct vfio_note *n,
		    char *error)
{
	char now[PCI_DEV_WORD];
	int err = pci_dev_driver(p->sysfs, name, now);

	if (err == -ENOENT) /* unplugged meanwhile: nothing to give back */
		return 0;
	if (!err)
		err = set_override(p, name, n->override);
	if (!err && strcmp(now, n->driver))
		err = unbind(p, name, now);
	if (!err && n->driver[0] && strcmp(now, n->driver))
		err = probe(p, name, n->driver);
	if (!err)
		return 0;
	return fail(error, err,
		    "%s could not be given back to %.30s: %s; by hand: echo %s > %.60s"
		    "/bus/pci/drivers_probe",
		    name, n->driver[0] ? n->driver : "nobody",
		    err == -ETIMEDOUT ? "a process still has it open" : strerror(-err), name,
		    sysfs_of(p));
}

/* Is the process one of those above us? A worker may use what its run took. */
static bool is_above(pid_t pid)
{
	pid_t at = getpid();
	char path[64], text[512], *c;

	for (unsigned i = 0; i < 16 && at > 1; i++) {
		_cleanup_close_ int fd = -1;
		ssize_t n;

		if (at == pid)
			return true;
		snprintf(path, sizeof(path), "/proc/%d/stat", at);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = 0;
		c = strrchr(text, ')');
		if (!c || sscanf(c, ") %*c %d", &at) != 1)
			return false;
	}
	return at == pid;
}

/* 1: nobody's; 0: it is ours already, by our parent; or -errno. */
static int look_note(const struct vfio_place *p, const char *name, char *error)
{
	struct vfio_note n;
	int err = vfio_note_read(notes_of(p), name, &n);

	if (err == -ENOENT)
		return 1;
	if (err == -EACCES)
		return fail(error, err, "%s is another user's nvrig's", name);
	if (err)
		return fail(error, err, "%.100s/%s is no note of ours: remove it", notes_of(p),
			    name);
	if (is_above(n.pid))
		return 0;
	if (vfio_note_alive(&n))
		return fail(error, -EBUSY, "%s is in use by nvrig, process %d", name, n.pid);
	err = put_back(p, name, &n, error);
	if (!err)
		vfio_note_remove(notes_of(p), name);
	return err ? err : 1;
}

static int note(const struct vfio_place *p, const char *name, struct vfio_note *n, char *error)
{
	int err;

	vfio_note_self(n);
	get_override(p, name, n->override);
	err = vfio_note_write(notes_of(p), name, n);
	if (err == -EEXIST)
		return fail(error, -EBUSY, "%s is being taken by another nvrig", name);
	if (err)
		return fail(error, err, "%.100s: %s", notes_of(p), strerror(-err));
	return 0;
}

static int take_noted(const struct vfio_place *p, const char *name, const struct vfio_note *n,
		      char *error)
{
	char ignored[VFIO_BIND_ERROR];
	int err = vfio_check_unused(p, name, error);

	if (!err)
		err = take(p, name, n->driver, error);
	if (err && !put_back(p, name, n, ignored))
		vfio_note_remove(notes_of(p), name);
	return err;
}

int vfio_bind(const struct vfio_place *p, const struct pci_device_info *info,
	      struct vfio_bound *ret, char *error)
{
	struct vfio_note n = { .pid = 0 };
	int err;

	*ret = (struct vfio_bound){ .ours = false };
	strcpy(ret->name, info->name);
	if (info->class != PCI_DEV_NVME_CLASS)
		return fail(error, -EINVAL, "%s is no NVMe controller: class %06x, not %06x",
			    info->name, info->class, PCI_DEV_NVME_CLASS);
	err = check_possible(p, info, error);
	if (!err)
		err = look_note(p, info->name, error);
	if (err <= 0)
		return err;
	err = pci_dev_driver(p->sysfs, info->name, n.driver); /* it may just have been given back */
	if (err)
		return fail(error, err, "%s: %s", info->name, strerror(-err));
	if (geteuid())
		return !strcmp(n.driver, VFIO_BIND_DRIVER)
			       ? 0
			       : fail(error, -EPERM,
				      "%s is driven by %.30s: taking it for vfio-pci wants root",
				      info->name, n.driver[0] ? n.driver : "nobody");
	err = note(p, info->name, &n, error);
	if (!err && strcmp(n.driver, VFIO_BIND_DRIVER))
		err = take_noted(p, info->name, &n, error);
	ret->ours = !err;
	return err;
}

int vfio_give_back(const struct vfio_place *p, struct vfio_bound *b, char *error)
{
	struct vfio_note n;
	int err;

	if (!b->ours)
		return 0;
	err = vfio_note_read(notes_of(p), b->name, &n);
	if (err)
		return fail(error, err, "%s: the note of whose it was is gone: %s", b->name,
			    strerror(-err));
	err = put_back(p, b->name, &n, error);
	if (err)
		return err;
	vfio_note_remove(notes_of(p), b->name);
	b->ours = false;
	return 0;
}

int vfio_give_back_left(const struct vfio_place *p, char *error)
{
	char names[16][PCI_DEV_NAME], name[PCI_DEV_NAME];
	unsigned found = 0;
	int given = 0, err = 0;
	DIR *d = opendir(notes_of(p));

	for (struct dirent *e; d && found < ARRAY_SIZE(names) && (e = readdir(d));)
		if (!pci_dev_parse(e->d_name, name) && !strcmp(e->d_name, name))
			strcpy(names[found++], name);
	if (d)
		closedir(d);
	for (unsigned i = 0; i < found && !err; i++) {
		struct vfio_note n;

		if (vfio_note_read(notes_of(p), names[i], &n) || vfio_note_alive(&n))
			continue;
		err = put_back(p, names[i], &n, error);
		if (!err)
			vfio_note_remove(notes_of(p), names[i]);
		given += !err;
	}
	return err ? err : given;
}
