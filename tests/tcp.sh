#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The model served and reached over NVMe/TCP, with digests, judges as it does in the process: every
# row, the same verdict, faults included. What NVMe/TCP cannot give is SKIP and says so; what the
# model claims for one transport alone is N/A with the other.
# usage: tcp.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
server=
how=digest=hdr,data
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT

# serve ARGUMENT...: a server that listens on $port when this returns; it ends also without us
serve()
{
	: >served
	timeout -s KILL 250 "$nvrig" serve --tcp 127.0.0.1:0 "$@" >served 2>served.err &
	server=$!
	i=0
	while ! grep -q 'serv' served && [ $((i += 1)) -lt 500 ]; do
		sleep 0.01
	done
	port=$(sed -n 's/.*127[.]0[.]0[.]1:\([0-9]*\).*/\1/p' served | head -n 1)
}

# ends STATUS: the server stops when told to, with that status
ends()
{
	kill "$server"
	wait "$server"
	status=$?
	server=
	check "the server ends with $1, not $status" test "$status" -eq "$1"
}

# Cases that one of the two alone can be asked: they have their own tests.
apart="--exclude vfiouser.* --exclude blk.* --exclude cross.* --exclude emmc.* --exclude fabrics.*"

# What is claimed on PCIe and not over NVMe/TCP: memory of the controller's or the host's, interrupts, boot partitions, bit
# buckets, commands for queues, metadata; and what the lack of these lets be asked.
cat >claims <<END
dbbuf[.].*
derived[.](create|delete)-[cs]q[.].*
derived[.]dbbuf[.].*
derived[.]feature[.]interrupt-coalescing[.].*
derived[.]get-features[.]fid-claimed.0[89]h.
derived[.]keep-alive[.].*
dptr[.](cmb-data|sgl-bit-bucket).*
feat[.](hmb|host-id).*
feat[.].*.interrupt-(coalescing|vector).
format[.]bad-(lbaf|fields.lbafee.).*
fw[.]commit-bad-action.boot-.*
keepalive[.]stopped.timeout-of-zero.
nsmgmt[.]create-errors.(format-past-the-last|guard-without-lbafee).
queue[.](cmb-sq|irq-).*
reg[.](boot-partition-read|cmb-).*
sanitize[.](bad-action|locks-commands).memory-region.*
END

# same MODEL SKIPPED FAILED ARGUMENT...: the run in the process and the one over NVMe/TCP differ in nothing but at most
# SKIPPED rows, which are SKIP for a need, and in claims; at least FAILED rows fail in both.
same()
{
	model=$1 most=$2 red=$3
	shift 3
	rm -rf here there
	serve --clock step --fresh "$model"
	# shellcheck disable=SC2086 # a list of arguments
	timeout 200 "$nvrig" run "$model" $apart --seed 7 --out here -q "$@" </dev/null >/dev/null 2>&1 &
	in_process=$!
	# shellcheck disable=SC2086
	timeout 200 "$nvrig" run "tcp:127.0.0.1:$port?clock=step,hostid=random,$how" $apart --seed 7 \
		--out there -q "$@" </dev/null >/dev/null 2>&1
	there=$?
	wait "$in_process"
	check "$model: status $? in the process, $there over TCP" test "$?" -eq "$there"
	ends 0
	verdicts here | sort >a
	verdicts there | sort >b
	join a b >both
	check "$model: rows were judged" test -s both
	check "$model: the same rows" test "$(wc -l <a) $(wc -l <b)" = "$(wc -l <both) $(wc -l <both)"
	awk '$3 == "SKIP" && $2 != "SKIP"' both >skipped
	check "$model: at most $most skipped" test "$(wc -l <skipped)" -le "$most"
	check "$model: skipped for a need" test "$(grep -c '"verdict":"SKIP"' there/2*/events.jsonl)" -eq \
		"$(grep '"verdict":"SKIP"' there/2*/events.jsonl | grep -c '"reason":"needs: ')"
	awk '$3 != "SKIP" && $2 != $3' both | grep -Evx -f claims.rows >differ
	check "$model: the same verdicts" test ! -s differ
	head -n 5 differ
	check "$model: $red rows and more fail in both" test "$(grep -c ' FAIL FAIL$' both)" -ge "$red"
}
sed 's%.*%&.* (PASS N/A|N/A PASS)%' claims >claims.rows

same model: 520 0 --effort quick
same model:fault=identify-reserved-cns-accepted+log-nsid-ignored 0 5 --effort quick --case 'identify.csi' \
	--case 'identify.reserved-*' --case 'log.nsid*'
same model:fault=abort-completes-twice 0 1 --case abort.exactly-once
same model:fault=read-stale-tail+write-zeroes-neighbour 5 2 --effort quick --case 'io.*'
same model:fault=aer-retain-ignored 3 1 --effort quick --case 'aer.*'
how=flow=off,align=128
same model: 10 0 --effort quick --case 'io.*' --case 'log.*' --case 'aer.*'
same model:preset=nsmgmt 0 0 --effort quick --case 'nsmgmt.*'

# ---- a subsystem with the static controller model ----
serve --static model:
want 0 'PASS' + run "tcp:127.0.0.1:$port" --case 'fabrics.connect*' --case fabrics.property-reset --out static
check 'static: every one of them passed' test "$(verdicts static | grep -vc ' PASS$')" -eq 0
ends 0
want 64 - 'is of --tcp' serve model: --static --socket "$dir/sock"

# ---- the least of everything: queues of two entries, transfers of 8 KiB ----
serve model:preset=tiny
want 0 'PASS' + run "tcp:127.0.0.1:$port" --allow data --case 'fabrics.*' --out tiny
ends 0

# ---- presets that are made of what PCIe alone has ----
want 64 - 'preset=cmb is cmb=0x10000, which is of PCIe alone' serve model:preset=cmb --tcp 127.0.0.1:0
want 64 - 'preset=virtual is secondary=1, which is of PCIe alone' serve model:preset=virtual --tcp 127.0.0.1:0
want 64 - 'preset=oldspec has shapes with metadata' serve model:preset=oldspec --tcp 127.0.0.1:0

summary tcp
