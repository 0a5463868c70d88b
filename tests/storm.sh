#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The storm and its replay files: a seeded storm on a faulty model finds it, ten commands or fewer
# show it, and they show it elsewhere; files that are wrong are told in words; the corpus of past
# findings holds on the clean model.
# usage: storm.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"

# ---- what a storm finds ----
while read -r fault case; do
	want 1 + + run "model:fault=$fault" --case "robust.sqe-storm[$case]" --seed 11 --out "$fault" -q
	found=$(echo "$fault"/2*/artifacts/"robust.sqe-storm.$case.replay")
	check "$fault: a replay file" test -f "$found"
	check "$fault: ten commands or fewer" test "$(($(wc -l <"$found") - 1))" -le 10
	want 1 'FAIL  *replay.script' + replay "$found" "model:fault=$fault" --out again
	want 0 'PASS  *replay.script' + replay "$found" model: --out again
	want 1 'FAIL  *replay.script' + replay "$found" "model:preset=dbbuf,fault=$fault" --out again
done <<'LIST'
identify-reserved-cns-accepted admin
lba-end-off-by-one io
rejected-write-stores io
write-zeroes-neighbour io
LIST

# ---- the corpus ----
want 0 'PASS' + replay "$root"/tests/storms/*.replay model: --out corpus

# ---- shrinking by runs of their own ----
zeroes=0000000000000000000000000000000000000000000000
identify() # STEP CNS
{
	echo "{\"step\":$1,\"do\":\"command\",\"queue\":0,\"sqe\":\"06${zeroes}00000000000000000000000000000000$2$zeroes\",\"pointer\":\"prp\",\"offset\":0}"
}
{
	echo '{"type":"nvrig-replay","version":1,"steps":5,"seed":"1"}'
	echo '{"step":0,"do":"wait"}'
	identify 1 01
	identify 2 60
	echo '{"step":3,"do":"wait"}'
	echo '{"step":4,"do":"reset"}'
} >long.replay
want 0 - 'short.replay: 1 steps' replay --shrink short.replay long.replay model:fault=identify-reserved-cns-accepted
check 'the step that matters' grep -q '"step":2' short.replay
want 77 - 'does not fail there' replay --shrink short2.replay long.replay model:

# ---- what is wrong is told ----
want 64 - 'name a replay file' replay model:
want 64 - "name a drive" replay short.replay
want 64 - 'nothere: No such file' replay nothere model:
printf 'no json\n' >bad.replay
want 64 - 'bad.replay:1: no JSON object' replay bad.replay model:
head -n 3 long.replay >cut.replay
want 64 - 'cut short: 2 steps' replay cut.replay model:
sed 's/"version":1/"version":7/' short.replay >newer.replay
want 64 - 'version 7' replay newer.replay model:
sed 's/"queue":0/"queue":3/' short.replay >wide.replay
want 77 'uses I/O queue 3, and the controller allocates 2' + replay wide.replay model:queues=2 --out wide
want 64 - 'one replay file at a time' replay --shrink x.replay short.replay long.replay model:

summary storm
