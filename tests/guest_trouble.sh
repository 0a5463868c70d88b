#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests in trouble, and the host after it: what is seen is told, and nothing is left, be it killed in
# the middle. It runs in namespaces of its own, so that every process, mount, socket and file in /tmp
# that is there afterwards is one of ours.
# usage: guest_trouble.sh NVRIG SOURCE_DIR [--all]     --all: also what takes minutes
set -u
nvrig=$1
root=$2
all=${3:-}

if [ "${RIG_ALONE:-}" != yes ]; then
	who=
	[ "$(id -u)" -eq 0 ] || who=-r
	cover='mount -t tmpfs none /tmp'
	case :$nvrig:$root in
	*:/tmp/*) cover=: ;; # it would hide what is tested
	esac
	alone="unshare $who -mpn -f --kill-child --mount-proc"
	# shellcheck disable=SC2086 # words
	if ! $alone true 2>/dev/null; then
		echo "guest_trouble: SKIP: no namespaces of one's own here (unshare)"
		exit 77
	fi
	# shellcheck disable=SC2086
	RIG_ALONE=yes exec $alone sh -c "$cover && exec sh \"\$@\"" sh "$0" "$@"
fi

# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
patience=200

stacks='guest-qemu guest-plug nvmet-tcp tcp-target guest-tcp'
# shellcheck source=tests/inc/guest_conf.sh
. "$root/tests/inc/guest_conf.sh"
begun='until grep -qs case_begin /run/nvrig/*/events.jsonl; do usleep 10000; done'
stack g-plain ''
stack g-device 'devices = { "no-such-device" }'
stack g-run-killed "part \"killer\" { up = \"($begun
	killall -9 nvrig) >/dev/null 2>&1 &\" }" # the agent is process 1, which no signal of the guest's ends

cat >conf/stacks/g-pulled.conf <<END
stack "g-pulled" {
	about = "a drive that is unplugged in a case"
	kind = "guest"
	base = "guest-plug"
	part "pull" { up = "($begun; usleep 500000; echo unplug 1 >\$NVRIG_PLUG) >/dev/null 2>&1 &" }
}
END

need_guest guest_trouble g-plain

# ---- the host ----

# What a run may leave behind on it.
host()
{
	awk '{ print "mount", $5, $9 }' /proc/self/mountinfo | sort
	awk 'NR > 1 && NF > 7 { print "socket", $8 }' /proc/net/unix | sort
	awk 'NR > 1 { print "tcp", $2, $3 }' /proc/net/tcp /proc/net/tcp6
	cat /sys/block/loop*/loop/backing_file 2>/dev/null | grep "$dir"
	ls /sys/block | grep '^dm-'
	ls -A /tmp | grep -v "^${dir##*/}\$" | sed 's/^/file /'
	ps -eo stat=,comm= | awk '$1 !~ /^Z/ { print "process", $2 }' | grep 'nvrig\|qemu' | sort
} 2>/dev/null

# unchanged TEXT: within some seconds
unchanged()
{
	i=0
	host >now
	while ! cmp -s before now && [ $((i += 1)) -lt 150 ]; do
		sleep 0.1
		host >now
	done
	check "$1: the host is as it was" diff before now
}

# waits DIRECTORY PATTERN: until an event of that kind stands in the journal below it
waits()
{
	i=0
	while ! cat "$1"/2*/events.jsonl 2>/dev/null | grep -q "$2" && [ $((i += 1)) -lt 1500 ]; do
		sleep 0.1
	done
}

# engines N: until so many QEMUs are there
engines()
{
	i=0
	while [ "$(pgrep -c qemu-system)" -lt "$1" ] && [ $((i += 1)) -lt 300 ]; do
		sleep 0.1
	done
	pgrep -c qemu-system >/dev/null
}

verdicts()
{
	sed -n 's/.*"type":"case_end","case":"\([^"]*\)".*"verdict":"\([^"]*\)".*/\1 \2/p' "$1"/2*/events.jsonl
}

# goes_on DIRECTORY TEXT: the case that was begun is LOST at most, the others have their end
goes_on()
{
	timeout "$patience" "$nvrig" run --resume "$(echo "$1"/2*)" </dev/null >said 2>&1
	check "$2: it goes on to the end" sh -c '! grep "^NOTRUN" said && grep "cases: .* PASS" said'
	check "$2: one case at most is lost" test "$(grep -c '^LOST' said)" -le 2 # its line, and among the reasons
	unchanged "$2"
}

host >before

# ---- refusals: nothing is booted ----
want 2 - 'has no device no-such-device' run --stack g-device
want 0 'not here: .*has no device no-such-device' - list --stacks g-device
cache=${NVRIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nvrig}
export NVRIG_CACHE
mkdir none
if [ -d "$cache/debian/boot" ]; then # modules and all, but for a kernel that is one
	mkdir -p wrong/debian
	cp -rs "$cache"/debian/* wrong/debian
	for kernel in wrong/debian/boot/vmlinuz-*; do
		rm "$kernel"
		head -c 100000 /dev/urandom >"$kernel"
	done
	NVRIG_CACHE=$dir/wrong
	want 2 + 'wrong/debian/boot/vmlinuz-' run --stack g-plain --out refused
fi
if [ ! -e /boot/vmlinuz-"$(uname -r)" ]; then
	NVRIG_CACHE=$dir/none
	want 2 - 'kernel.*nvrig vm --fetch' run --stack g-plain --out refused
fi
NVRIG_CACHE=$cache
unchanged 'a refusal'

# ---- a whole run ----
want 0 + + run --stack guest-qemu model: --case reg.vs-valid --out whole
check 'its disk is gone' sh -c '! ls whole/2*/stack/*.img'
unchanged 'a run'

# ---- killed while it boots, and in the middle ----
"$nvrig" run --stack guest-tcp model: --case 'reg.*' --out booting -q </dev/null >out 2>err &
run=$!
check 'there are two guests' engines 2
kill -9 $run
wait $run 2>/dev/null
unchanged 'killed with two guests that boot'
mkdir pair
TMPDIR=$dir/pair "$nvrig" vm --stack guest-tcp -q -- sleep 100 </dev/null >out 2>err &
run=$!
check 'there are two guests' engines 2
check 'in a directory' test -n "$(ls pair)"
keeper=$(ps -o ppid= "$(pgrep -f 'qemu-system.*52:54:00:52:47:01')" | tr -d " ")
kill -STOP "$keeper" # so that the one behind is the last to go
kill -9 $run
wait $run 2>/dev/null
i=0
while ls pair/*/rig-qemu.log >/dev/null 2>&1 && [ $((i += 1)) -lt 100 ]; do
	sleep 0.1
done
kill -CONT "$keeper"
unchanged 'killed with two guests of vm'
check 'the directory is gone' rmdir pair
"$nvrig" run --stack guest-qemu model: --case 'reg.*' --seed 3 --out killed -q </dev/null >out 2>err &
run=$!
waits killed case_end
kill -9 $run
wait $run 2>/dev/null
unchanged 'killed in a case'
check 'its disk is gone' sh -c '! ls killed/2*/stack/*.img'

# ---- the run in the guest is killed ----
want 2 'BROKEN .*' + run --stack g-run-killed --case 'reg.*' --out agent
cp out said
check 'by what' grep -q 'nvrig in the guest ended early, with status 137' said
unchanged 'the run in the guest was killed'

# ---- no room for what the guest sends ----
mkdir small
mount -t tmpfs -o size=120k none small
host >before
"$nvrig" run --stack g-plain --case 'reg.*' --seed 3 --out small </dev/null >out 2>err
status=$?
cp err said
check "a full disk: status $status, want 2" test $status -eq 2
check 'it is told, and what to do' grep -q 'No space left on device; the run stops here. Make room, then: nvrig run --resume' said
unchanged 'a full disk'
if [ "$all" = --all ]; then
	mount -o remount,size=8m small
	goes_on small 'a disk with room again'
	goes_on killed 'a run that was killed'
fi
umount small
host >before

# ---- the guest behind ends ----
# cases enough that the run is not over before the guest is hit
"$nvrig" run --stack guest-tcp model: --case 'reg.*' --case 'queue.*' --effort quick --seed 3 --out behind </dev/null >out 2>err &
run=$!
waits behind case_begin
kill -9 "$(pgrep -f 'qemu-system.*52:54:00:52:47:01')"
wait $run
status=$?
if [ $status -eq 2 ]; then # it was hit between two cases: none is to blame, so none is gone on from
	check 'no case is blamed' test "$(verdicts behind | grep -c ' FAIL$')" -eq 0
	check 'the rest has the reason' grep -q '"verdict":"NOTRUN","reason":"the guest behind, tcp-target: QEMU died: SIGKILL' behind/2*/events.jsonl
else
	check "the target's guest was killed: status $status, want 1" test $status -eq 1
	check 'it is told' grep -q '"verdict":"FAIL","reason":"the guest behind, tcp-target: QEMU died: SIGKILL' behind/2*/events.jsonl
	check 'it is one case' test "$(verdicts behind | grep -c ' FAIL$')" -eq 1
	check 'new guests ran the rest' sh -c '! grep -q NOTRUN behind/2*/plan.jsonl && grep -q "runs in a new guest" behind/2*/events.jsonl'
fi
check 'its console was kept' test -s behind/latest/stack/tcp-target/rig-console.log
unchanged 'the guest behind was killed'

# ---- the drive is unplugged: by a case that asks for it, and in the middle of one that does not ----
want 0 'PASS .*cross.unplug' + run --stack guest-plug block:/dev/nvme0n1 --case cross.unplug --case blk.flush --repeat 2 --seed 3 --out plug
check 'there is a drive after it' test "$(verdicts plug | grep -c 'buffered-reaches.* PASS$\|blk.flush PASS$')" -ge 2
unchanged 'an unplugged drive'
want 1 + + run --stack g-pulled --case log.smart-io-counters --case io.flush --effort soak --seed 7 --out pulled
cp out said
check 'a drive that vanishes is a verdict' grep -q '"verdict":"FAIL","reason":".*gone' pulled/2*/events.jsonl
check 'and the rest is told of it' grep -q '"verdict":"SKIP","reason":"target: the device did not come back' pulled/2*/events.jsonl
check 'no kernel was hurt by it' sh -c '! grep "guest kernel: \(BUG\|WARN\|INFO\)" said'
unchanged 'a drive that vanished'

if [ "$all" = --all ]; then
	# shellcheck source=tests/inc/guest_trouble_all.sh
	. "$root/tests/inc/guest_trouble_all.sh"
fi
summary guest_trouble
