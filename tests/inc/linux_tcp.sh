#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# By hand: Linux's NVMe/TCP host in a guest on the model served beside it, with both digests. fio writes and verifies, clean; and on
# models that store or read wrongly it finds that. usage: linux_tcp.sh NVRIG SOURCE_DIR [SECONDS]
set -u
nvrig=$1
root=$2
seconds=${3:-60}
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
NVRIG_CONFIGS=$root/configs
export NVRIG_CONFIGS
faults='read-stale-tail nlb-plus-one tcp-capsule-limit-short'

# In the guest the stack has connected to a model without a fault; another one is served on a port of its own.
cat >inside <<END
verify()
{
	fio --name=v --filename=\$2 --direct=1 --rw=randrw --rwmixread=50 --bsrange=\$3-64k --iodepth=16 --ioengine=libaio \\
		--verify=crc32c --verify_backlog=64 --verify_fatal=1 --time_based --runtime=\$4 >/tmp/fio.out 2>&1
	echo "fio \$1 \$?"
}
verify clean /dev/nvme0n1 512 $seconds
dmesg | sed -n 's/.*nvme nvme\(.*[Ee]rror\|.*digest\|.*timeout\)/complaint &/p'
port=4430
for fault in $faults; do
	port=\$((port + 1))
	nvrig serve model:fault=\$fault --tcp 127.0.0.1:\$port >/tmp/served 2>&1 &
	i=0
	until grep -q serv /tmp/served || [ \$i -ge 100 ]; do i=\$((i + 1)); sleep 0.1; done
	sed -n 's/^\(transport=.*\)/\1/p' /run/rig-connect | sed "s/4420/\$port/" >/dev/nvme-fabrics
	n=\$((port - 4430))
	i=0
	until [ -b /dev/nvme\${n}n1 ] || [ \$i -ge 100 ]; do i=\$((i + 1)); sleep 0.1; done
	verify \$fault /dev/nvme\${n}n1 512 10
done
END
timeout 900 "$nvrig" vm --stack linux-serve -- sh -c "$(cat inside)" >said 2>err </dev/null
grep -v '^$' said
check 'clean: fio verified' grep -q '^fio clean 0$' said
check 'clean: the kernel complains of nothing' test "$(grep -c '^complaint' said)" -eq 0
for fault in $faults; do
	check "$fault: fio finds it" grep -q "^fio $fault [1-9]" said
done
summary linux_tcp
