#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# One plan on many stacks: what cannot come up is a SKIP with its words, the others run.
# usage: matrix.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
command -v qemu-system-x86_64 >/dev/null || exit 77

mkdir -p conf/stacks
cp -r "$root/configs/drives" conf/drives
NVRIG_CONFIGS=$dir/conf
export NVRIG_CONFIGS

# stack NAME OPTIONS-OF-NVME OPTIONS-OF-NVME-NS [LINE]
stack()
{
	cat >"conf/stacks/$1.conf" <<-END
		stack "$1" {
			about = "about $1"
			kind = "qemu-qtest"
			disk = "16Mi"
			device = "serial=T,$2"
			${4:-}
			namespace "1" { options = "$3" }
		}
	END
}
stack m-fine mdts=5 logical_block_size=512,physical_block_size=512
stack m-two mdts=7 logical_block_size=4096,physical_block_size=4096
stack m-lacks no_such_property=1 logical_block_size=512
stack m-refused mdts=5 zoned=on,zoned.zone_size=3
stack m-absent mdts=5 logical_block_size=512 'binary = "qemu-system-of-nowhere"'

# ---- which there are ----
want 0 '^m-fine  *about m-fine$' - list --stacks
want 0 "not here: .*device nvme has no property 'no_such_property'" - list --stacks
want 0 'not here: qemu-system-of-nowhere is not installed' - list --stacks 'm-a*'
want 0 '"possible": *true' - list --stacks m-fine --json
want 64 - 'no stack of that name' list --stacks nosuch

# ---- words ----
want 64 - "no stack is named 'x-\*'" run --stack 'x-*'
want 64 - 'written as tty, md or json' run --stack 'm-*' --to junit
want 64 - 'did you mean' run --stack 'm-*' --suite quue
want 64 - 'not both' run --stack 'm-*' model:
check 'no directory is left of a word misspelt' test ! -e runs

# ---- the table ----
want 0 '^controller .*absent .*fine .*lacks .*refused .*two' 'm-refused: SKIP: .*zone' \
	run --stack 'm-*' --suite reg --out all -v --to md=live.md --to tty --to json=live.json
cp out table
matrix=$(echo all/matrix-*)
check 'the others ran' grep -q '^reg.vs-valid .*-  *PASS  *-  *-  *PASS' table
check 'counts stand below' grep -q '^PASS  *0  *[1-9][0-9]*  *0  *0  *[1-9]' table
check 'a program that is not there' grep -q '^SKIP  *m-absent: .*not installed' table
check 'a property that is not there' grep -q '^SKIP  *m-lacks: .*no_such_property' table
check "a refusal in QEMU's own words" grep -q '^SKIP  *m-refused: .*nvme-ns' table
check 'JSON has the cells' grep -q '"m-two":{' live.json
check 'no part of a file is left' sh -c '! ls ./*.part 2>/dev/null'
for stack in m-fine m-two; do
	check "$stack has a journal of its own" sh -c "grep -q run_end '$matrix/$stack/'2*/events.jsonl"
done

# ---- made again ----
want 0 + - report "$matrix" --to md=later.md --to json=later.json -v
check 'Markdown: same bytes as after the run' cmp live.md later.md
check 'JSON: same bytes as after the run' cmp live.json later.json
want 0 '^| case | m-absent' - report "$matrix" --to md
want 64 - 'written as tty, md or json' report "$matrix" --to junit

# ---- plain rows are left out; nothing is left to do ----
want 0 '^PASS' 'nothing is left' run --resume "$matrix"
want 0 + - report "$matrix"
check 'no row where all is well' sh -c "! grep -q '^reg.vs-valid' '$dir/out'"

# ---- JUnit of each, and several patterns ----
check 'a JUnit file a stack' sh -c "'$nvrig' report '$matrix'/m-fine/2* -q --to junit=fine.xml && cmp fine.xml '$matrix/m-fine.junit.xml'"
check 'none of a stack that was no run' sh -c "! ls '$matrix'/m-absent.junit.xml 2>/dev/null"
want 0 '^controller .*fine .*two' + run --stack 'm-f*,m-two' --suite reg --out some -v
cp out said
check 'no other' sh -c '! grep -q lacks said'
want 64 - "no stack is named 'x-\*,y'" run --stack 'x-*,y'

# ---- stores ----
mkdir conf/stores
store()
{
	echo "store \"$1\" { node = /dev/$1 part \"p\" { up = true } $2 }" >"conf/stores/$1.conf"
}
store alpha ''
store beta 'modules = { "no_such_module" }'
store gamma 'on = alpha'
echo 'stack "s-one" { kind = guest memory = 256Mi target = "model:" store = alpha }' >conf/stacks/s-one.conf
echo 'stack "s-none" { kind = guest memory = 256Mi target = "model:" }' >conf/stacks/s-none.conf
want 0 'not here: .*no_such_module\|no kernel' - list --stores beta
want 0 '"on": *"alpha"' - list --stores gamma --json
want 64 - 'no store of that name' list --stores nosuch
want 64 - "unknown store 'alpa'; did you mean 'alpha'?" run --stack s-one --store alpa
want 64 - 'has no store to choose' run --stack s-none --store alpha
want 64 - '--store: of which stack' run --store alpha
# neither can be brought up, so nothing is booted for this
want 77 '^SKIP *s-one@beta+gamma: ' 's-none is left out' run --stack 's-*' --store 'b*,beta+gamma' --suite reg --out stores
cp out said
check 'both have a column' grep -q '^SKIP *s-one@beta: ' said

# ---- the exit status is of the whole ----
want 1 + + run --stack 'm-*' --suite reg --out strict --strict-skip
want 77 + + run --stack 'm-[alr]*' --suite reg --out nothing
want 2 + 'require 100000' run --stack 'm-[ft]*' --suite reg --out required --require 100000 -q
want 0 + - run --stack 'm-[ft]*' --suite reg --out required --require reg.vs-valid -q
want 1 'FAIL  *m-fine pci.flr' + run --stack 'm-f*' --case pci.flr --out failed --no-known
want 0 '^# m-fine' + run --stack 'm-f*' --suite reg --dry-run

# ---- a stop ends it, and it goes on ----
"$nvrig" run --stack 'm-[ft]*' --case reg.vs-valid --repeat 200 --out stopped -q >/dev/null 2>&1 </dev/null &
pid=$!
for _ in $(seq 100); do
	grep -qs case_end stopped/matrix-*/m-fine/2*/events.jsonl && break
	sleep 0.1
done
kill -TERM $pid
wait $pid
status=$?
check 'a stop ends the matrix with 4' test $status -eq 4
matrix=$(echo stopped/matrix-*)
check 'the next stack was not begun' test ! -e "$matrix/m-two"
want 0 'not begun m-two' - report "$matrix"
want 64 - 'another stack' run --resume "$matrix" --stack 'm-*'
want 0 + + run --resume "$matrix"
check 'the stopped run went on where it was' sh -c "ls -d '$matrix'/m-fine/2* | wc -l | grep -q '^1$'"
check 'and the next one ran' sh -c "grep -q run_end '$matrix'/m-two/2*/events.jsonl"

# ---- hostile directories ----
mkdir -p bad
for text in '' '[]' '{"nvrig-matrix":2}' '{"nvrig-matrix":1,"options":{},"stacks":[{"stack":"m-fine","run":"../x","state":"done"}]}'; do
	printf '%s' "$text" >bad/matrix.json
	want 2 - 'not a matrix' report bad
	want 2 - 'not a matrix' run --resume bad
done

summary matrix
