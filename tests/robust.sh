#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Controllers that are aimed at the rig: cases of every kind on each, side by side, as most of the
# time is waiting. Each run ends in verdicts and with a status that is not good; no worker goes down.
# NVRIG_WHOLE=1: the whole suite on each, as `nvrig faults` has it as well, but it tells less.
# usage: robust.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"

# cqe-reserved-bits is left to advice: a host does not check what is reserved.
faults='all-ones vanish-mid-case stops-answering never-ready rdy-stuck-on-disable wrong-cid
	wrong-sqid wrong-phase reserved-status double-cqe cqe-to-wrong-queue write-past-buffer'
DEADLINE_S=100
some='pci.flr reg.cap-invariants life.enable life.disable life.reset-inflight-io life.shutdown-normal
	queue.wrap-phase queue.cq-full queue.delete-sq-inflight queue.irq-delivery queue.many-sq-one-cq
	identify.ns-inactive feat.set-get log.error-entry aer.limit abort.exactly-once dptr.list-chain
	io.read-write-verify io.write-zeroes[1] dbbuf.io robust.*fuzz'
if [ -n "${NVRIG_WHOLE:-}" ]; then
	some='*'
	DEADLINE_S=600
fi
set -f # the patterns are for nvrig
# shellcheck disable=SC2046,SC2086 # a list of arguments
set -- $(printf -- '--case %s ' $some)
set +f
mark=nvrig-robust-$$

for fault in $faults cqe-reserved-bits; do
	{
		NVRIG_MARK=$mark timeout $DEADLINE_S "$nvrig" run "model:fault=$fault" "$@" \
			--effort quick --out "$fault" -q --to junit="$fault.xml" \
			>"$fault.out" 2>&1 </dev/null
		echo $? >"$fault.status"
	} &
done
wait

# judge FAULT STATUS WORD: the journal of the run says WORD of at least one case
judge()
{
	journal=$(echo "$1"/2*/events.jsonl)
	check "$1: exit status $2" test "$(cat "$1.status")" -eq "$2"
	check "$1: the journal ends with the run" \
		sh -c "tail -n 1 '$journal' | grep -q '\"type\":\"run_end\"'"
	planned=$(grep -c . "${journal%/*}/plan.jsonl")
	check "$1: every case has its verdict" \
		test "$(grep -c '"type":"case_end"' "$journal")" -eq "$planned"
	grep '"type":"case_end"' "$journal" >ends
	check "$1: it was noticed" grep -q "$3" ends
	check "$1: no worker went down" \
		sh -c '! grep -E "\"error\":|then (worker died|deadline)|BROKEN" ends'
	check "$1: no sanitizer spoke" \
		sh -c "! grep -rlE 'Sanitizer|runtime error' '$1' '$1.out'"
	check "$1: its report is whole" grep -q '</testsuites>' "$1.xml"
}

for fault in $faults; do
	judge "$fault" 1 '"verdict":"FAIL"'
done
judge cqe-reserved-bits 0 '"advice":[1-9]'
# No process of theirs is left: each would have the mark in its environment.
check 'nobody is left' sh -c "! grep -lz '^NVRIG_MARK=$mark\$' /proc/[0-9]*/environ 2>/dev/null"

summary robust
