// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/claim.h"

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* As the descriptors themselves, it is the process's and not one run's object. */
static struct {
	int fd;
	dev_t dev;
	bool write;
} held[CLAIM_MAX];
static size_t n_held;

int claim_take(int fd, dev_t dev, bool write)
{
	if (n_held == CLAIM_MAX)
		return -ENOSPC;
	held[n_held].fd = fd;
	held[n_held].dev = dev;
	held[n_held++].write = write;
	return 0;
}

bool claim_has(dev_t dev)
{
	for (size_t i = 0; i < n_held; i++)
		if (held[i].dev == dev)
			return true;
	return false;
}

bool claim_writes(dev_t dev)
{
	for (size_t i = 0; i < n_held; i++)
		if (held[i].dev == dev)
			return held[i].write;
	return false;
}

void claim_drop(void)
{
	while (n_held)
		close(held[--n_held].fd);
}
