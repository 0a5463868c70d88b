#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `block:` as a user meets it: what is written to and what is not, on a file and on a loop device
# where this machine gives one; and nothing of it stays.
# usage: block.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
DEADLINE_S=100
patience=$DEADLINE_S

truncate -s 32M scratch
if ! dd if=scratch of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null; then
	echo "block: no direct I/O on the file system of $dir"
	exit 77
fi

# ---- what is no block device, and what is wrong ----
want 64 - 'write block:/dev/NAME' probe block:
want 2 - 'No such file' probe block:/nonexistent
want 2 - 'neither a block device nor a regular file' probe "block:$dir"
want 64 - "did you mean 'poll'" probe 'block:scratch?pol=1'
want 2 - 'poll=1: .* is not polled' probe 'block:scratch?poll=1'
want 64 - 'depth' probe 'block:scratch?depth=0'

# ---- data of somebody else are never written ----
seq 300000 >precious
truncate -s 4M precious
cp precious before
want 0 'scratch=1 gives it up' - probe block:precious
want 77 'scratch=1 gives it up' + run block:precious --case 'blk.zeroout*' --allow forever --out refused
want 3 - 'may be a real drive' bench block:precious --rw randwrite --ios 10
check 'a file with data is as it was' cmp precious before

# ---- a file ----
want 0 'node-kind  *regular file' - probe block:scratch
want 0 '"node-size":\|node-size' - probe block:scratch --json
want 0 'randrw' + bench block:scratch --rw randrw --ios 500 --warm-up 0
want 0 ' PASS' + run block:scratch --case 'blk.*' --effort quick --out file
check 'a file: nothing failed' sh -c '! grep -E "\"verdict\":\"(FAIL|BROKEN)\"" file/2*/events.jsonl'
check 'a file: what cannot be asked says why' sh -c \
	'test "$(grep -c "\"verdict\":\"SKIP\"" file/2*/events.jsonl)" -eq "$(grep "\"verdict\":\"SKIP\"" file/2*/events.jsonl | grep -c "needs: ")"'
check 'a file: as large as it was' test "$(stat -c %s scratch)" -eq 33554432

# ---- a loop device ----
loop=$(losetup -f --show scratch 2>/dev/null) || loop=
if [ -n "$loop" ]; then
	want 0 'node-kind  *block device' - probe "block:$loop"
	want 0 'harm: needs --allow data' + run "block:$loop" --case 'blk.*' --effort quick --out unsaid
	want 0 'PASS  *blk.zeroout' + run "block:$loop" --case 'blk.*' --effort quick --allow wear --out loop
	check 'loop: nothing failed' sh -c '! grep -E "\"verdict\":\"(FAIL|BROKEN)\"" loop/2*/events.jsonl'
	check 'loop: can be written again' test "$(blockdev --getro "$loop")" -eq 0
	check 'loop: as large as it was' test "$(blockdev --getsize64 "$loop")" -eq 33554432
	check 'loop: taken away again' losetup -d "$loop"
else
	echo 'block: this machine gives no loop device'
fi

summary block
