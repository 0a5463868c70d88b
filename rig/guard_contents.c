// SPDX-License-Identifier: GPL-2.0-or-later
/* G5: nothing of value lies on the drive, by what libblkid knows. */
#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rig/guard.h"
#include "rig/guard_label.h"

static const char *value(blkid_probe p, const char *name)
{
	const char *v = NULL;

	return blkid_probe_lookup_value(p, name, &v, NULL) ? NULL : v;
}

static void say_found(const struct guard_node *n, blkid_probe p, struct guard_finding *f)
{
	const char *type = value(p, "TYPE"), *table = value(p, "PTTYPE"),
		   *label = value(p, "LABEL");
	bool boots = n->disk && !label_goes_on(n); /* then nothing there is wiped by hand */

	guard_refuse(f,
		     "%s holds %s%.32s%s%.40s%s: say contents = mine in the bench file if that may "
		     "go%s%s",
		     n->name, type ? "" : "a partition table, ",
		     type    ? type
		     : table ? table
			     : "of no name",
		     label ? " '" : "", label ? label : "", label ? "'" : "",
		     boots ? "" : ", or wipefs -a /dev/", boots ? "" : n->name);
}

static void probe(const struct guard_node *n, int fd, struct guard_finding *f)
{
	blkid_probe p = blkid_new_probe();
	int found = -1;

	if (p && !blkid_probe_set_device(p, fd, 0, 0)) {
		blkid_probe_enable_superblocks(p, 1);
		blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL);
		blkid_probe_enable_partitions(p, 1);
		found = blkid_do_safeprobe(p);
	}
	if (found == 0)
		say_found(n, p, f);
	else if (found == -2)
		guard_refuse(f, "%s holds signs of more than one thing: wipefs shows them",
			     n->name);
	else if (found != 1)
		guard_refuse(f, "%s: what lies on it cannot be found out: it cannot be read",
			     n->name);
	blkid_free_probe(p);
}

static void look_at(const struct guard_ask *a, const struct guard_node *n, struct guard_finding *f)
{
	_cleanup_close_ int fd = guard_node_open(a->root, n, O_RDONLY);

	if (fd == -ENOMEDIUM || fd == -ENXIO)
		return;
	if (fd < 0)
		guard_refuse(f, "/dev/%s: %s: what lies on it cannot be found out; run as root",
			     n->name, strerror(-fd));
	else if (!label_goes_on(n) || !label_found(fd, a->drive->serial))
		probe(n, fd, f);
}

void guard_contents(const struct guard_ask *a, struct guard_finding *ret)
{
	unsigned looked = 0;

	if (a->line && a->line->mine) {
		guard_pass(ret, "contents = mine");
		return;
	}
	if (a->light && emulated_in_guest(a->root)) {
		guard_na(ret, "all that this guest has was made for the run");
		return;
	}
	for (unsigned i = 0; i < a->drive->n; i++) {
		if (!a->drive->node[i].block)
			continue;
		look_at(a, &a->drive->node[i], ret);
		looked++;
	}
	if (!looked && !a->light)
		guard_refuse(
			ret,
			"%s shows no block device, so what lies on it cannot be found out: say "
			"contents = mine in the bench file if it may go",
			a->drive->name);
	guard_pass(ret, "%u block devices hold nothing that libblkid knows", looked);
}
