#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The door is the only one: whatever object of a way in can send by system call also asks the door,
# and the functions of a target that send are called where that is done, and nowhere else.
# usage: door.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
build=$(cd "$(dirname "$nvrig")" && pwd)
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
command -v nm >/dev/null || {
	echo 'door: SKIP: no nm'
	exit 77
}

# senders LIBRARY...: objects that can write to what is open, by data or by command
senders()
{
	for lib; do
		nm -A "$build/lib$lib.a" 2>/dev/null
	done | awk '$2 == "U" && $3 ~ /^(ioctl|io_uring_submit(_and_wait)?|pwrite(64)?|pwritev2|pwritev64v2|fallocate(64)?)$/ {
		sub(/^[^:]*:/, "", $1); sub(/:$/, "", $1); print $1 }' | sort -u
}

# askers LIBRARY...: objects that ask the door
askers()
{
	for lib; do
		nm -A "$build/lib$lib.a" 2>/dev/null
	done | awk '$2 == "U" && $3 ~ /^door_ask_/ { sub(/^[^:]*:/, "", $1); sub(/:$/, "", $1); print $1 }' | sort -u
}

# What sends nothing to a drive: limits of a queue, a table of device mapper, the VFIO device's own registers and
# memory (its queues are rung in queue.c and io_fast.c), a Controller Reset.
cat >harmless <<-END
	block_dm.c.o
	block_facts.c.o
	target_kernel.c.o
	vfio_device.c.o
	vfio_iommu.c.o
END
senders target nvme kit load storm conformance model >sends
askers target nvme >asks
grep -vxFf harmless sends | grep -vxFf asks >by
check 'something sends, something asks' test -s sends -a -s asks
check "what can send asks the door: $(tr '\n' ' ' <by)" test ! -s by
for object in queue.c.o io_fast.c.o kernel_pass.c.o kernel_ring.c.o block_ring.c.o block_node.c.o block_control.c.o mmc_send.c.o; do
	check "$object asks" grep -qx "$object" asks
done

# calls PATTERN FILE...: only these files have it
calls()
{
	pattern=$1
	shift
	(cd "$root" && grep -rlE "$pattern" lib suites rig --include=*.c) | sort >is
	printf '%s\n' "$@" | sort >only
	check "$pattern: $(comm -23 is only | tr '\n' ' ')" test -z "$(comm -23 is only)"
}
calls 'ops->submit\(' lib/nvme/native.c lib/nvme/identity.c
calls 'ops->io_submit\(' lib/nvme/rung.c lib/target/target_mmc.c
calls 'NVME_(URING_CMD|IOCTL)_(IO|ADMIN)' lib/target/kernel_pass.c lib/target/kernel_ring.c rig/guard_ask.c
calls 'ioctl\(.*MMC_IOC_' lib/target/mmc_send.c
summary door
