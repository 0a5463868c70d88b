#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# vfio: in a guest, on QEMU's controller: who may not be taken, who has it, when it goes back; and
# the same verdicts as over qtest. Each boot takes some seconds under emulation.
# usage: vfio.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
patience=150

mkdir -p conf/stacks
cp -r "$root/configs/drives" "$root/configs/stores" conf
cp "$root"/configs/stacks/guest-vfio.conf "$root"/configs/stacks/qemu-qtest.conf conf/stacks
sed 's/"guest-vfio"/"g-no-iommu"/; /extra =/d; /part "iommu"/,/}/d' "$root/configs/stacks/guest-vfio.conf" \
	>conf/stacks/g-no-iommu.conf
# beside it a drive of two controllers
truncate -s 4M two
two="-device nvme-subsys,id=two -device nvme,serial=RIG0002,subsys=two,addr=06.0,id=one
	-device nvme,serial=RIG0002,subsys=two,addr=07.0
	-drive if=none,id=two,format=raw,file=$dir/two -device nvme-ns,bus=one,drive=two,shared=on"
awk -v two="$two" '{ sub(/"guest-vfio"/, "\"g-two\""); sub(/intremap=on/, "intremap=on " two); print }' \
	"$root/configs/stacks/guest-vfio.conf" >conf/stacks/g-two.conf
NVRIG_CONFIGS=$dir/conf
export NVRIG_CONFIGS

need_guest vfio guest-vfio

# said PATTERN: a line of what the guest said
said()
{
	check "the guest said '$1'" grep -q -- "$1" said
}

verdicts()
{
	sed -n 's/.*"type":"case_end","case":"\([^"]*\)".*"verdict":"\([^"]*\)".*/\1 \2/p' "$1"/2*/events.jsonl
}

# ---- who drives it ----
cat >inside.sh <<'END'
at=/sys/bus/pci/devices/0000:00:05.0
drive=vfio:00:05.0
driver() { echo "$1: $(basename "$(readlink $at/driver)"), override '$(cat $at/driver_override)', notes $(ls /run/nvrig-vfio 2>&1)"; }

echo "not there: $(nvrig probe vfio:09:00.0 2>&1)"
nvrig probe vfio:nvme0 >/tmp/said 2>&1
echo "no address: $? $(cat /tmp/said)"
echo "no NVMe: $(nvrig probe vfio:00:1e.0 2>&1)"
echo "option: $(nvrig probe "$drive?via=iommu" 2>&1)"

head -c 65536 /dev/urandom >/tmp/pattern
dd if=/tmp/pattern of=/dev/nvme0n1 bs=4k oflag=direct 2>/dev/null
mkswap /dev/nvme0n2 >/dev/null 2>&1 || mkswap /dev/nvme0n3 >/dev/null 2>&1
for swap in /dev/nvme0n2 /dev/nvme0n3; do swapon $swap 2>/dev/null && break; done
echo "swap: $(nvrig probe $drive 2>&1)"
driver 'refused'
swapoff $swap

nvrig run $drive --suite reg --effort quick -q --out /tmp/first >/dev/null 2>&1 &
run=$!
until grep -qs case_end /tmp/first/2*/events.jsonl; do usleep 10000; done
driver 'in a run'
echo "second: $(nvrig run $drive --suite reg -q --out /tmp/second 2>&1)" | sed "s/process $run/process RUN/"
kill -9 $run
sleep 1
driver 'killed'
echo "doctor: $(nvrig doctor | grep vfio)"
nvrig run $drive --case 'reg.r*' --effort quick --out /tmp/third >/tmp/said 2>&1
echo "third: status $?, $(grep 'given back' /tmp/said)"
driver 'after'
until [ -b /dev/nvme0n1 ]; do usleep 10000; done
dd if=/dev/nvme0n1 bs=4k count=16 iflag=direct 2>/dev/null | cmp - /tmp/pattern && echo 'the data are there'
nvrig run $drive --case 'life.e*' --effort soak -q --out /tmp/unbound >/dev/null 2>&1 &
run=$!
until grep -qs case_begin /tmp/unbound/2*/events.jsonl; do usleep 10000; done
echo 0000:00:05.0 >/sys/bus/pci/drivers/vfio-pci/unbind
wait $run
echo "unbound: status $?, $(grep -c '"verdict":"BROKEN"' /tmp/unbound/2*/events.jsonl) broken"
grep -o '"verdict":"FAIL","reason":"[^"]*' /tmp/unbound/2*/events.jsonl | sed 's/^/taken, FAIL: /'
driver 'unbound'
nvrig run $drive --case 'queue.*' --effort quick -q --out /tmp/pulled >/tmp/said 2>&1 &
run=$!
until grep -qs case_end /tmp/pulled/2*/events.jsonl; do usleep 10000; done
echo 1 >$at/remove
wait $run
echo "pulled: status $?, notes $(ls /run/nvrig-vfio 2>&1), $(grep -c 'the device did not come back after' /tmp/pulled/2*/events.jsonl) not asked"
grep -o '"verdict":"FAIL","reason":"[^"]*' /tmp/pulled/2*/events.jsonl | sed 's/^/taken, FAIL: /'
echo 1 >/sys/bus/pci/rescan
until [ -b /dev/nvme0n1 ]; do usleep 10000; done
echo "iommufd: $(nvrig probe "$drive?via=iommufd" 2>&1)"
rmmod vfio_pci 2>&1
echo "no vfio-pci: $(nvrig probe $drive 2>&1)"
driver 'end'
END
timeout $patience "$nvrig" vm --stack guest-vfio -- sh -c "$(cat inside.sh)" >said 2>err </dev/null
check "the guest ended well" test $? -eq 0
said 'not there: .*no PCI function at 0000:09:00.0; NVMe controllers are at 0000:00:05.0'
said 'no address: 64 .*write DDDD:BB:DD.F'
said 'no NVMe: .*0000:00:1e.0 is no NVMe controller: class 0780'
said "option: .*via.*bad value 'iommu'"
said 'swap: .*0000:00:05.0 is in use by this machine: nvme0n[23]: swap is on /dev/nvme0n[23]; nothing was changed'
said "refused: nvme, override '(null)', notes ls:.*No such"
said "in a run: vfio-pci, override 'vfio-pci', notes 0000:00:05.0"
said 'second: .*0000:00:05.0 is in use by nvrig, process RUN$'
said "killed: vfio-pci, override 'vfio-pci', notes 0000:00:05.0"
said 'doctor: .*0000:00:05.0'
said 'third: status 0, .*1 drive given back to the kernel that a killed run had taken'
said "after: nvme, override '(null)', notes ls:.*No such"
said 'the data are there'
said 'unbound: status 2, [1-9][0-9]* broken'
said "unbound: nvme, override '(null)', notes ls:.*No such"
said 'pulled: status 2, notes ls:.*No such.* [1-9][0-9]* not asked'
check 'a drive that is taken away has not failed' sh -c '! grep "^taken, FAIL" said'
said 'no vfio-pci: .*modprobe vfio-pci'
said "end: nvme, override '(null)', notes ls:.*No such"

# ---- a drive of the bench file: the guards look while its own driver has it ----
cat >guarded.sh <<'END'
at=/sys/bus/pci/devices/0000:00:05.0
drive=vfio:00:05.0
export NVRIG_BENCH=/etc/nvrig/bench.conf
mkdir -p /etc/nvrig
line() { printf 'drive "named" { serial = "RIG000?" model = "*" emulated = yes may = %s contents = mine }\n' "$1" >$NVRIG_BENCH; }
disk() { echo "/dev/$(basename $at/nvme/nvme*)n$1"; }
back() { until [ -b "$(disk 1)" ]; do usleep 10000; done; }
asked()
{
	what=$1
	shift
	nvrig run $drive --case io.flush --effort quick -q --out "/tmp/$what" --allow data "$@" >/tmp/said 2>&1
	status=$?
	echo "$what: status $status, by $(basename "$(readlink $at/driver)"), $(grep -h '"type":"guard"' /tmp/$what/2*/events.jsonl | grep -c '"verdict":"pass"') pass, $(grep -m 1 refused /tmp/said)"
}
line data
printf '\0\0\0\0\203\0\0\0\100\0\0\0\0\010\0\0' | dd of="$(disk 1)" bs=1 seek=446 conv=notrunc 2>/dev/null
printf '\125\252' | dd of="$(disk 1)" bs=1 seek=510 conv=notrunc 2>/dev/null
blockdev --rereadpt "$(disk 1)"
asked let --confirm RIG0001
grep -h case_end /tmp/let/2*/events.jsonl | grep -o '"verdict":"[A-Z]*"' | sort | uniq -c | tr '\n' ' '
echo "journal: $(grep -c '"command":"Write"' /tmp/let/2*/about_to.jsonl)"
back
asked another --confirm RIG0002
line none
asked none --confirm RIG0001
line data
back
for n in 2 3; do mkswap "$(disk $n)" && swapon "$(disk $n)" && break; done >/dev/null 2>&1
asked swap --confirm RIG0001
swapoff "$(disk $n)"
drive=vfio:00:06.0
asked two --confirm RIG0002
drive=vfio:00:05.0
echo "dry: $(nvrig run $drive --allow data --confirm RIG0001 --case io.flush -n 2>&1 | grep -c '^guard .*pass')"
END
timeout $patience "$nvrig" vm --stack g-two -- sh -c "$(cat guarded.sh)" >said 2>err </dev/null
check "the guest ended well" test $? -eq 0
said 'let: status 0, by nvme, 10 pass'
said '3 "verdict":"PASS".* journal: [1-9]'
said 'another: status 3, by nvme, .*G6 .*RIG0002 is not the serial of nvme'
said 'none: status 3, by nvme, .*G2 .*may = none'
said 'swap: status 3, by nvme, .*G3 .*is swapped to'
said 'two: status 3, .*G3 .*nvme[0-9]* is another controller of it'
said 'dry: 10$'

# ---- without an IOMMU ----
want 2 'vfio: 0000:00:05.0 is behind no IOMMU: switch it on (intel_iommu=on' + run --stack g-no-iommu --suite reg

# ---- the same verdicts as over qtest, but for what the kernel edits ----
set -- --seed 7 --effort quick -q --case 'pci.*' --case 'reg.a*' --case 'queue.db*' --case 'queue.intx' --case 'queue.irq*'
timeout 300 "$nvrig" run --stack qemu-qtest --out outside "$@" </dev/null >out 2>err
outside=$?
timeout 300 "$nvrig" run --stack guest-vfio --out inside "$@" </dev/null >out 2>err
check "status $outside over qtest, $? by vfio" test $? -eq "$outside"
verdicts outside >a
verdicts inside >b
check 'cases were judged' test "$(grep -c PASS b)" -gt 20
diff a b | sed -n 's/^> //p' >differ
check 'what differs was not asked' sh -c "! grep -v ' SKIP$' differ"
check 'and it is what the kernel edits' sh -c "! grep -v '^pci\.\|^queue.irq-mask-pba \|^queue.intx.msix-enabled. ' differ"

summary vfio
