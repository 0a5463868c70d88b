#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line as a user meets it: what is said where, and with which exit status.
# usage: cli.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
mixed=$root/tests/runs/mixed

# ---- what is not known is refused, with the nearest word ----
want 64 - 'name a verb'
want 64 - "did you mean 'report'" reporr
want 64 - 'nvrig help' zzzzzzzz
want 64 - 'did you mean --to' report --tp=tty "$mixed"
want 64 - 'lists them' report --zzzzzzzz "$mixed"
want 64 - 'did you mean junit' report --to junitt "$mixed"
want 64 - 'there are tty' report --to zzzzzz "$mixed"
want 64 - 'standard output is taken' report --to junit --to ktap=- "$mixed"
want 64 - 'no file name' report --to junit= "$mixed"
want 64 - 'name the run' report
want 64 - 'one RUN' report a b
want 64 - 'No such file' report no-such-run
want 64 - 'did you mean report' help reporr
want 64 - 'takes no argument' doctor now
want 64 - 'only bash' help --completion=csh
want 64 - 'one of auto, always, never' --color=blue doctor
want 64 - 'did you mean' run modle:
want 64 - 'did you mean' run model: --suite quue
want 64 - 'did you mean' run model: --case queue.delete-bad-idd
want 64 - 'did you mean' run --stack qemu-qtset

# ---- facts ----
want 0 'usage: nvrig' - --help
want 0 'nvrig [0-9]' - --version
want 0 'Exit status' - help
want 0 'Usage: nvrig report' - help report
want 0 'Usage: nvrig report' - report --help
want 0 '"exit_statuses"' - help --json
want 0 '^.SS nvrig doctor' - help --man
want 0 'preset=full' - help --man
want 0 'complete -F _nvrig nvrig' - help --completion bash
check 'the completion is bash' bash -n "$dir/out"
want 0 'list --stores --names' - help --completion bash
want 0 '^nvmet-tcp$' - list --stacks --names
want 0 '^null-mem$' - list --stores --names 'null*'
want 0 'cores' - doctor
want 0 'kernel  .* NVMe controllers.*io_uring' - doctor
want 0 '"name": *"kvm"' - doctor --json
want 0 '"streams"' - report --formats --json
want 0 '"rule"' + list --json

# ---- reports ----
want 0 '^FAIL .*robust.abort' - report "$mixed"
want 0 '^KTAP version 1' - report "$mixed" --to ktap
want 0 '<testsuites' - report "$mixed/events.jsonl" --to=junit=-
want 2 - 'nvrig-events 2.*up to major 1' report "$root/tests/runs/newer" --to junit=newer.xml
check 'a refused journal leaves no file' test ! -e newer.xml
want 0 - - report "$mixed" --to junit=a.xml --to md=a.md --to ktap=a.ktap
# shellcheck disable=SC2016 # expanded by the inner shell
check 'nothing is left beside' sh -c 'test "$(echo *)" = "a.ktap a.md a.xml err out"'
printf '{"type":"format"\n' >noise
want 2 - 'noise' report noise
head -c 100000 /dev/urandom >noise
want 2 - 'noise' report noise

# ---- colours ----
escape=$(printf '\033')
want 0 "$escape" - --color=always report "$mixed"
want 0 "$escape" - report --color=always "$mixed"
want 0 'FAIL' - report "$mixed"
check 'no colours into a file' sh -c "! grep -q '$escape' '$dir/out'"

# ---- a full disk is told ----
for args in "report $mixed" "report $mixed --to junit" 'help --man' 'help --json' 'doctor'; do
	tests=$((tests + 1))
	# shellcheck disable=SC2086 # a list of arguments
	timeout 60 "$nvrig" $args >/dev/full 2>"$dir/err" </dev/null
	status=$?
	[ "$status" -eq 2 ] || complain "status $status on a full disk, want 2" "$args"
done

# ---- a run, and its reports made again ----
if timeout 300 "$nvrig" run model: --out "$dir/runs" --suite reg --seed 7 --to junit=live.xml \
	--to ktap=live.ktap --to md=live.md --to tty=live.tty --to jsonl=live.jsonl -q >"$dir/out" \
	2>"$dir/err"; then
	run=$(echo "$dir"/runs/2*)
	want 0 - - report "$run" --to junit=later.xml --to ktap=later.ktap --to md=later.md \
		--to tty=later.tty --to jsonl=later.jsonl
	for format in xml ktap md tty; do
		check "$format: same bytes as during the run" cmp "live.$format" "later.$format"
	done
	check 'jsonl is the journal' cmp later.jsonl "$run/events.jsonl"
	if command -v xmllint >/dev/null; then
		check 'junit keeps the schema' xmllint --noout --schema "$root/tests/junit.xsd" \
			live.xml
	fi
	cases=$(grep -c '"type":"case_end"' "$run/events.jsonl")
	check 'junit has every case of the journal' test "$(grep -c '<testcase' live.xml)" -eq "$cases"
	check 'ktap has every case of the journal' \
		test "$(grep -c '^  \(not \)\{0,1\}ok ' live.ktap)" -eq "$cases"
else
	failed=$((failed + 1))
	complain 'no run on model:' run model:
fi

# ---- a run that goes on tells every case once, during the run as later ----
want 1 'NOTRUN' + run model:fault=cap-chain-loop --out "$dir/stopped" --suite pci --suite reg \
	--fail-fast
run=$(echo "$dir"/stopped/2*)
want 1 - - run --resume "$run" --to junit=live.xml --to ktap=live.ktap --to md=live.md \
	--to tty=live.tty -q
want 0 - - report "$run" --to junit=later.xml --to ktap=later.ktap --to md=later.md \
	--to tty=later.tty
for format in xml ktap md tty; do
	check "$format: same bytes as during the resumed run" cmp "live.$format" "later.$format"
done
planned=$(wc -l <"$run/plan.jsonl")
check 'the journal has more ends than cases' \
	test "$(grep -c '"type":"case_end"' "$run/events.jsonl")" -gt "$planned"
check 'junit of a resumed run has every case once' \
	test "$(grep -c '<testcase' live.xml)" -eq "$planned"
check 'tty of a resumed run has every case once' grep -q "^$planned cases: " live.tty
want 1 "^$planned cases: " 'nothing is left' run --resume "$run"

# ---- what must have run ----
want 64 - "did you mean 'reg.vs-valid'" run model: --require reg.vs-vali
want 0 + - run model: --out "$dir/required" --suite reg --require 2 --require reg.vs-valid -q
want 2 + 'require 1000: only [1-9][0-9]* cases ran' run model: --out "$dir/required" --suite reg \
	--require 1000 -q
want 2 + 'require pci.flr: it did not run' run model: --out "$dir/missing" --suite reg \
	--require pci.flr -q
run=$(echo "$dir"/missing/2*)
check 'the journal says what was missing' grep -q '"text":"--require ' "$run/events.jsonl"
check 'and its end has the status' grep -q '"type":"run_end".*"exit_status":2' "$run/events.jsonl"
want 2 - 'require 1000' run --resume "$run" --require 1000 -q
want 1 + 'require 1000' run model:fault=vs-unpublished --out "$dir/required" --suite reg \
	--require 1000 -q

touch file
want 2 - 'file' run model: --out file --suite reg

summary cli
