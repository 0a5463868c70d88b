#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand: Linux's NVMe/TCP host in a guest on the model served beside it, with both digests. fio writes and verifies, clean; and on
# a model that reads wrongly it finds that. usage: linux_tcp.sh NVRIG SOURCE_DIR [SECONDS]
set -u
nvrig=$1
root=$2
seconds=${3:-60}
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
NVRIG_CONFIGS=$dir/configs
export NVRIG_CONFIGS
cp -r "$root/configs" configs

# verify OPTIONS: fio in the guest on model:OPTIONS; said has its words
verify()
{
	sed "s/serve model:[^ ]*/serve model:$1/" "$root/configs/stacks/linux-serve.conf" >configs/stacks/linux-serve.conf
	timeout 600 "$nvrig" vm --stack linux-serve -- sh -c "
		fio --name=v --filename=/dev/nvme0n1 --direct=1 --rw=randrw --rwmixread=50 --bsrange=512-64k --iodepth=16 \
			--ioengine=libaio --verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=$seconds \
			--output-format=terse >/tmp/fio.out 2>/tmp/fio.err
		echo fio status \$?
		head -c 400 /tmp/fio.err
		dmesg | grep -i 'nvme.*\(error\|digest\|timeout\)' | tail -n 5" >said 2>err </dev/null
}

verify ''
check 'clean: fio verified' grep -q '^fio status 0' said
check 'clean: the kernel complains of nothing' test "$(wc -l <said)" -eq 1
cat said
for fault in read-stale-tail nlb-plus-one tcp-capsule-limit-short; do
	verify "fault=$fault"
	check "$fault: fio finds it" grep -q '^fio status [1-9]' said
done
summary linux_tcp
