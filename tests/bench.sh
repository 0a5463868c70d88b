#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `nvrig bench` as a user meets it: what is refused and why, what is counted, and which exit status.
# usage: bench.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
short='--ios 300 --warm-up 0'

# ---- what makes no sense ----
want 64 - 'name a target' bench
want 64 - 'did you mean randwrite' bench model: --rw randwrit
want 64 - 'did you mean randread' bench model: --rw read,ranread
want 64 - 'one of randread' bench model: --rw zzzzzzzz
want 64 - 'no mode' bench model: --rw ,
want 64 - 'did you mean --depth' bench model: --deph 3
want 64 - 'depth=0: a number' bench model: --depth 0
want 64 - 'depth=70000: a number' bench model: --depth 1,70000
want 64 - 'depth=3x: a number' bench model: --depth 3x
want 64 - 'no value' bench model: --bs ,
want 64 - 'mix=100: a number' bench model: --mix 100
want 64 - 'seconds=0: seconds' bench model: --seconds 0
want 64 - 'seconds=nan: seconds' bench model: --seconds nan
want 64 - 'seconds=5s: seconds' bench model: --seconds 5s
want 64 - 'ios=-1' bench model: --ios=-1
want 64 - 'queues=257' bench model: --queues 257
want 64 - 'at most 16 values' bench model: --depth 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1
want 64 - 'rows a target: at most 64' bench model: --rw read,write,rw --bs 512,1Ki,2Ki,4Ki,8Ki,16Ki \
	--depth 1,2,4,8
want 64 - "did you mean 'model:'" bench modle:
want 64 - "did you mean 'batch'" bench null:btch=1
want 64 - 'bad value' bench null:batch=0

# ---- what this target does not have ----
want 64 - 'bs\|block size of 1000 bytes is no multiple' bench model: --bs 1000
want 64 - 'MDTS' bench model: --bs 1Mi
want 64 - 'take 1 to 16' bench model:mqes=16 --depth 32
want 64 - 'gives 1 to 8' bench model: --queues 9
want 64 - 'namespace 99 is not there' bench model: --nsid 99
want 64 - 'ends past' bench model: --region 1Ti
want 64 - 'no logical block' bench model: --region 1Mi@3
want 64 - 'metadata' bench model:preset=pi --nsid 1
want 64 - 'is zoned' bench model:preset=zns --nsid 2 --rw randwrite
want 2 - 'No such file' bench vfio-user:/nonexistent/sock
want 2 - 'come up' bench model:fault=never-ready --ios 9

# ---- what is measured ----
# shellcheck disable=SC2086 # a list of options
{
	want 0 '^model: *randread  *4096  *32  *1 ' - bench model: $short
	want 0 'steps its own time' - bench model: $short
	want 0 '^null: .* 1.00$' - bench null: model: $short
	want 0 'randrw,r .*' - bench model: $short --rw randrw
	want 0 'randrw,w .*' - bench model: $short --rw randrw
	want 0 '"type": *"bench"' - bench model: $short --json --rw randwrite,rw --bs 512,8Ki --depth 1,9 \
		--queues 3 --region 1Mi@64Ki --seed 0x10 --fua
	cp "$dir/out" doc
	check 'eight cells' test "$(grep -c '"type": *"bench_cell"' doc)" -eq 8
	check 'each with its I/Os' test "$(grep -c '^ *"ios": *300,' doc)" -ge 8
	check 'and no error' test "$(grep -c '"errors": *0,' doc)" -eq 8
}
want 0 'measured\|null' - bench null: --seconds 0.05 --warm-up 0.01
want 0 + 'measuring null:' bench null: --ios 10 --warm-up 0 --progress plain

# ---- what goes wrong is told, and is the exit status ----
# shellcheck disable=SC2086
{
	want 1 '300 times 07Fh' - bench model:fault=reserved-status $short
	want 1 '"errors": *300' - bench model:fault=reserved-status $short --json
	want 1 + 'CID' bench model:fault=wrong-cid $short
	want 1 + 'completed twice' bench model:fault=double-cqe $short
	want 1 + 'no completion by the deadline' bench model:fault=wrong-phase $short --patience 0.5
	want 1 '"errors": *\[' 'CID' bench model:fault=wrong-cid $short --json
	want 1 '^null: ' 'CID' bench null: model:fault=wrong-cid $short
}
tests=$((tests + 1))
timeout 60 "$nvrig" bench null: --ios 10 --warm-up 0 >/dev/full 2>"$dir/err" </dev/null
status=$?
[ "$status" -eq 2 ] || complain "status $status on a full disk, want 2" bench null:

# ---- served: the same over a socket; a real drive may be behind what is not ours ----
"$nvrig" serve model: --socket "$dir/sock" >"$dir/serve.out" 2>&1 &
server=$!
"$nvrig" serve model: --clock step --socket "$dir/step" >"$dir/step.out" 2>&1 &
step=$!
trap 'kill $server $step 2>/dev/null; rm -rf "$dir"' EXIT
# shellcheck disable=SC2086
{
	want 0 'doorbells shadow' - bench "vfio-user:$dir/sock" --rw randrw $short
	want 0 'doorbells message; it steps' - bench "vfio-user:$dir/step" --rw randrw --depth 1,7 $short
}
kill -TERM "$server" "$step"
wait "$server"
check 'the server ended well' test $? -eq 0
wait "$step"
check 'and the other' test $? -eq 0

# ---- a signal ends it, and what was measured before is told ----
tests=$((tests + 1))
"$nvrig" bench null: --seconds 600 --json >doc 2>"$dir/err" </dev/null &
bench=$!
until [ -n "$(ps -o pid= --ppid "$bench" 2>/dev/null)" ]; do
	kill -0 "$bench" 2>/dev/null || break
done
kill -TERM "$bench"
wait "$bench"
status=$?
[ "$status" -eq 4 ] || complain "status $status after SIGTERM, want 4" bench null:
check 'the document is there' grep -q '"exit_status": *4' doc

want 0 'IOPS and MB/s are by the clock on the wall' - bench --help
want 0 '^.SS nvrig bench' - help --man
want 0 'randread randwrite randrw' - help --completion bash

summary bench
