# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2016 # part of guest_trouble.sh; $ is for the guest
# What takes minutes: I/O while what is under it goes, a guest that never shuts up, one that always dies.

reads='while dd if=/dev/nvme0n1 of=/dev/null bs=4k count=64 iflag=direct 2>/dev/null; do :; done; echo the reader ended'

# ---- namespace removed under I/O, and back ----
want 0 '^the reader ended$' 'guest: target: down' vm -v --stack nvmet-tcp -- sh -c "($reads) &
	usleep 300000
	n=/sys/kernel/config/nvmet/subsystems/nqn.2024-01.org.example:rig0/namespaces/1
	echo 0 >\$n/enable
	wait
	echo 1 >\$n/enable"
cp err said
check 'everything came down' sh -c '! grep failed said'
unchanged 'a namespace was removed'

# ---- the same as a case ----
want 0 'PASS .*cross.unplug' + run --stack nvmet-tcp block:/dev/nvme0n1 --case cross.unplug --repeat 3 --seed 3 --out nsplug
unchanged 'a namespace was removed by a case'

# ---- port down under I/O: the host gives up after ctrl_loss_tmo ----
want 0 '^the reader ended$' + vm -v --stack nvmet-tcp -- sh -c "($reads) &
	usleep 300000
	rm /sys/kernel/config/nvmet/ports/1/subsystems/*
	wait"
unchanged 'a port went down'

# ---- the controller is pulled under I/O ----
want 0 '^the reader ended$' + vm -v --stack guest-qemu -- sh -c "($reads) &
	usleep 300000
	echo 1 >/sys/class/nvme/nvme0/device/remove
	wait"
unchanged 'a controller was pulled'

# ---- a console that is never still: kept as far as it is bounded, and the run is none the worse ----
stack g-noisy 'part "noise" { up = "(while :; do echo noise on the console, without an end >/dev/console; done) >/dev/null 2>&1 &" }'
want 0 'cases: .*PASS' + run --stack g-noisy --case 'reg.*' --out noisy
check 'the console is bounded' test "$(stat -c %s noisy/latest/stack/rig-console.log)" -lt 9000000
unchanged 'a noisy guest'

# ---- a kernel that always panics: a case each, and then no more ----
ends='$(cat /run/nvrig/*/events.jsonl /root/resumed/events.jsonl 2>/dev/null | grep -c case_end)'
stack g-panics "part \"crash\" { up = \"n=$ends
	(until [ $ends -gt \$n ]; do usleep 1000; done; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &\" }"
want 1 'FAIL .*sysrq triggered crash' + run --stack g-panics --case 'reg.*' --out panics
check 'four guests were tried' test -d panics/latest/stack-4 -a ! -e panics/latest/stack-5
check 'the rest is not run' test "$(verdicts panics | grep -c ' NOTRUN$')" -gt 10
unchanged 'a kernel that always panics'

# ---- modules of another kernel ----
if [ -d "$cache/debian/lib/modules" ]; then
	mkdir other
	cp -r "$cache/debian" other
	module=$(find other -name null_blk.ko)
	release=$(ls other/debian/lib/modules)
	sed -i "s/vermagic=$release/vermagic=9${release#?}/" "$module"
	NVRIG_CACHE=$dir/other
	want 2 - 'null-mem/disk: status' vm --stack nvmet-tcp -- true
	NVRIG_CACHE=$cache
	rm -rf other
	unchanged 'a module of another kernel'
fi
