#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guards in a guest with several drives: what is in use, somebody's, or not the one that was meant is
# refused, and every other disk is as it was. One boot, many layouts. By hand the longer parts, and 1,000
# random layouts and command lines:
#	NVRIG_GUARD_ALL=1 sh tests/guard.sh build/dev/nvrig .
#	NVRIG_GUARD_ROUNDS=1000 NVRIG_GUARD_SEED=1 sh tests/guard.sh build/dev/nvrig .
# usage: guard.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
rounds=${NVRIG_GUARD_ROUNDS:-0}
seed=${NVRIG_GUARD_SEED:-1}
parts='in_use held who once wall hot_swap'
[ -z "${NVRIG_GUARD_ALL:-}" ] || parts="$parts let back layout swapped"
if command -v strace >/dev/null; then
	parts="$parts traced"
else
	echo 'guard: SKIP traced: strace is not installed, so what a worker opens is not seen'
fi
parts=${NVRIG_GUARD_PARTS:-$parts}
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
patience=$((300 + 20 * rounds))

stacks='guest-qemu'
# shellcheck source=tests/inc/guest_conf.sh
. "$root/tests/inc/guest_conf.sh"
# libblkid looks for members of arrays on disks above 1440 KiB; what is read over and over is smaller
size=1536K
[ "$rounds" -eq 0 ] || size=1024K
for n in b c r ta tb s1 s2; do
	truncate -s "$size" "disk-$n"
done
# each has a namespace that says who it is, which only those by nvme-ns can
drives=
for n in b c r; do
	serial=RIG-$(echo $n | tr "[:lower:]" "[:upper:]")
	drives="$drives -drive if=none,id=x$n,format=raw,file=$dir/disk-$n -device nvme,id=n$n,serial=$serial,max_ioqpairs=2
		-device nvme-ns,drive=x$n,bus=n$n,nsid=1,eui64=0x52494700000000$(printf %s $n | od -An -tx1 | tr -d ' ')"
done
for n in ta tb; do
	drives="$drives -drive if=none,id=x$n,format=raw,file=$dir/disk-$n -device virtio-blk-pci,serial=TWIN,drive=x$n"
done
# a slot for two that are plugged in one after the other, and QEMU's monitor, which the guest has at a port
for n in s1 s2; do
	drives="$drives -drive if=none,id=x$n,format=raw,file=$dir/disk-$n"
done
drives="$drives -device pcie-root-port,id=free-slot,chassis=9,slot=9
	-chardev socket,id=monitor,path=$dir/monitor,server=on,wait=off -mon chardev=monitor,mode=readline
	-chardev socket,id=to-monitor,path=$dir/monitor
	-device virtserialport,bus=channels.0,nr=9,chardev=to-monitor,name=monitor"
wall=$(dirname "$nvrig")/tests/test_wall
cat >conf/stacks/guard.conf <<END
stack "guard" {
	about = "several drives"
	kind = "guest"
	accel = "auto"
	memory = "512Mi"
	start = "100s"
	disk = "${size}i"
	device = "serial=RIG-A,max_ioqpairs=2"
	extra = "$drives"
	kernel-options = "root=/dev/nvme3n1"
	target = "kernel:/dev/nvme0"
	modules = { "nvme", "virtio_blk", "loop", "ext4", "dm_mod", "md_mod", "raid1", "configfs", "nvmet" }
	extras = { "dmsetup", "script", "strace", "nvme", "$wall" }
	namespace "1" { options = "eui64=0x5249470000000061" }
	part "drives" { life = "/dev/nvme3n1" }
	part "other drives" { life = "/dev/vdb" }
}
END
need_guest guard guard
timeout "$patience" "$nvrig" vm --stack guard -q -- sh -c "$(cat "$root/tests/inc/guard_guest.sh")" guard "$rounds" "$seed" "$parts" </dev/null >said 2>errors
status=$?
cat said
[ "$status" -eq 0 ] || tail -n 5 errors
check "the guest ended well (status $status)" test "$status" -eq 0
check 'every part asked something' sh -c '! grep ": 0 tests" said'
check 'something was asked' grep -q '^in the guest: [1-9][0-9]* tests, 0 failed' said
summary guard
