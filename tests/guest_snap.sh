#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests that are kept when they have booted and restored the next time: the same verdicts, none that
# is like another, and whatever is wrong with what was kept, a guest that boots.
# usage: guest_snap.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
cache=${NVRIG_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nvrig}
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
patience=150

stacks='guest-qemu guest-plug nvmet-tcp tcp-target'
# shellcheck source=tests/inc/guest_conf.sh
. "$root/tests/inc/guest_conf.sh"
stack g-kept 'snapshot = auto'
stack g-terminal 'snapshot = auto network = yes'

# a cache of the test's own, with the kernels of the real one
mkdir cache
for file in "$cache"/debian "$cache"/vmlinux-* "$cache"/accelerator; do
	[ ! -e "$file" ] || ln -s "$file" cache/
done
[ ! -e "$cache" ] || export NVRIG_CACHE="$dir/cache"
kept=$dir/cache/guests

need_guest guest_snap g-kept
want 0 + + vm -v --stack g-kept -- true
if ! grep -q 'snapshot: kept' err; then
	echo "guest_snap: SKIP: no guest is kept here: $(grep snapshot err)"
	exit 77
fi

# states: how many there are
states()
{
	find "$kept" -name '*.state' | wc -l
}

# restored TEXT: the last guest was
restored()
{
	cp err said
	check "$1: it was restored" grep -q 'snapshot: restored' said
}

check 'one was kept' test "$(states)" -eq 1
check 'and nothing else' sh -c "! ls $kept/*.part"

# ---- none is like another ----
# shellcheck disable=SC2016 # expanded in the guest
draw='head -c 16 /dev/urandom | od -An -tx1; date +%s; cat /proc/sys/kernel/random/uuid'
want 0 '^' + vm -v --stack g-kept -- sh -c "$draw"
restored 'a draw'
cp out first
want 0 '^' + vm -v --stack g-kept -- sh -c "$draw"
cp out second
check 'two draws differ' sh -c '[ "$(sed -n 1p first)" != "$(sed -n 1p second)" ] && [ "$(sed -n 3p first)" != "$(sed -n 3p second)" ]'
want 0 '^' + vm -v --stack g-kept -- date +%s
cp out said
check 'it has the time of this machine' sh -c 't=$(($(date +%s) - $(cat said))); [ $t -ge 0 ] && [ $t -le 60 ]'

# ---- the same verdicts, a faulty device included ----
fault=model:fault=aqa-reserved-bits-stick+identify-reserved-cns-accepted
set -- "$fault" --seed 7 --case 'reg.a*' --case 'reg.r*' --case 'identify.r*' --effort quick -q
NVRIG_SNAPSHOT=no timeout 150 "$nvrig" run --stack g-kept --out booted "$@" </dev/null >out 2>err
one=$?
timeout 150 "$nvrig" run --stack g-kept --out again "$@" </dev/null >out 2>err
check "status $one booted, $? restored" test $? -eq "$one"
verdicts booted >a
verdicts again >b
check 'cases were judged' test "$(wc -l <a)" -gt 10
check 'the same verdicts restored' diff a b
check 'the journal says so' grep -q '"type":"stack","state":"restored"' again/latest/events.jsonl
check 'and of the one that booted nothing' sh -c "! grep snapshot booted/latest/events.jsonl"

# ---- two at once from one state ----
for i in 1 2; do
	timeout 150 "$nvrig" vm -v --stack g-kept -- sh -c "$draw" </dev/null >out$i 2>err$i &
done
wait
check 'both were restored' sh -c 'grep -q "snapshot: restored" err1 && grep -q "snapshot: restored" err2'
check 'and differ' sh -c '[ -s out1 ] && [ -s out2 ] && ! cmp -s out1 out2'

# ---- what is wrong with it ----
state=$(ls "$kept"/*.state)
truncate -s $(($(stat -c %s "$state") / 2)) "$state"
want 0 '^hi$' 'snapshot: broken' vm -v --stack g-kept -- echo hi
cp err said
check 'it is kept anew' grep -q 'snapshot: kept' said
head -c 5000000 /dev/urandom >"$state"
want 0 '^hi$' 'snapshot: broken' vm -v --stack g-kept -- echo hi
: >"$state" # as after a machine that lost its power
want 0 '^hi$' - vm --stack g-kept -- echo hi
want 0 '^hi$' + vm -v --stack g-kept -- echo hi
cp err said
rm -f "$state"

# ---- killed while it is kept ----
mkdir tmp
TMPDIR="$dir/tmp" "$nvrig" vm --stack g-kept -- true </dev/null >out 2>err &
run=$!
i=0
while ! ls "$kept"/*.part >/dev/null 2>&1 && [ $((i += 1)) -lt 3000 ]; do
	sleep 0.01
done
kill -9 $run
wait $run 2>/dev/null
i=0
while [ -n "$(ls tmp)" ] && [ $((i += 1)) -lt 1000 ]; do
	sleep 0.01
done
check 'nothing of its directory is left' test -z "$(ls tmp)"
check 'what is half written does not count' test "$(states)" -le 1
rm -f "$kept"/*.state
: >"$kept/1.part"
want 0 '^hi$' 'snapshot: kept' vm -v --stack g-kept -- echo hi
check 'and is gone' sh -c "! ls $kept/*.part"

# ---- bounds ----
rm -f "$kept"/*.state
for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
	truncate -s 2M "$kept/old$i.state"
	touch -d "2020-01-01 00:00:$i" "$kept/old$i.state"
done
want 0 + 'snapshot: kept' vm -v --stack g-kept -- true
check 'no more than eight' test "$(states)" -eq 8
check 'the oldest went' test ! -e "$kept/old1.state" -a ! -e "$kept/old5.state" -a -e "$kept/old12.state"
rm -f "$kept"/old*
# one of somebody who is at it: this one is not kept, and runs
rm -f "$kept"/*.state
flock -F "$kept/lock" sleep 60 &
holder=$!
want 0 '^hi$' - vm --stack g-kept -- echo hi
kill $holder
wait $holder 2>/dev/null
check 'one builder at a time' test "$(states)" -eq 0

# ---- with a drive ----
want 0 'PASS .*io.flush' + run --stack guest-plug --case io.flush --out plug1
want 0 'PASS .*io.flush' + run --stack guest-plug --case io.flush --out plug2
check 'it was restored, with its drive' grep -q '"state":"restored"' plug2/latest/events.jsonl
want 0 'PASS .*cross.unplug' + run --stack guest-plug block:/dev/nvme0n1 --case cross.unplug --out plug3
want 0 - 'snapshot: not kept: it has a network' vm -v --stack g-terminal -- true
NVRIG_SNAPSHOT=no
export NVRIG_SNAPSHOT
want 0 - + vm -v --stack g-kept -- true
cp err said
check 'it can be switched off' sh -c '! grep snapshot said'

summary guest_snap
