#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The model served and reached over vfio-user judges as it does in the process: every case, the same
# verdict, faults included; what vfio-user cannot give is SKIP and says so. And bad ends: servers
# that are not there, not whole, killed in the middle; nothing is left behind.
# usage: serve.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
server=
dma=map
trap '[ -z "$server" ] || kill "$server"; rm -rf "$dir"' EXIT

# serve ARGUMENT...: a server on $dir/sock, listening when this returns; it ends also without us
serve()
{
	timeout -s KILL $((${NVRIG_PATIENCE:-200} + 50)) "$nvrig" serve --socket "$dir/sock" --dma "$dma" "$@" >"$dir/served" 2>"$dir/served.err" &
	server=$!
	i=0
	while ! grep -q 'serv' "$dir/served" && [ $((i += 1)) -lt 500 ]; do
		sleep 0.01
	done
}

# ends STATUS: the server stops when told to, with that status, and its socket is gone
ends()
{
	kill "$server"
	wait "$server"
	status=$?
	server=
	check "the server ends with $1, not $status" test "$status" -eq "$1"
	check 'its socket is gone' test ! -e "$dir/sock"
}

# judged ARGUMENT...: a run that may take its time. A build that looks for leaks does so in every
# other test; in each of thousands of workers it would take most of the time.
judged()
{
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 timeout "${NVRIG_PATIENCE:-200}" \
		"$nvrig" run "$@" --seed 7 -q </dev/null >/dev/null 2>&1
}

# begun DIRECTORY: waits until the run has judged some cases
begun()
{
	i=0
	while [ "$(verdicts "$1" 2>/dev/null | wc -l)" -lt 5 ] && [ $((i += 1)) -lt 500 ]; do
		sleep 0.01
	done
}

# Cases about messages have nothing to ask in the process, those about block nodes and cards nothing over the socket.
messages="--exclude vfiouser.* --exclude blk.* --exclude cross.* --exclude emmc.* --exclude robust.client-vanishes --exclude robust.unmap-inflight
	--exclude robust.msg-transport --exclude fabrics.*"

# same MODEL MOST ARGUMENT...: the run in the process and over the socket differ in nothing but MOST
# cases, which are SKIP over the socket because it cannot give what they need. A faulty device would suffer from one case
# to the next, so it is a fresh one for each, as in the process.
same()
{
	model=$1 most=$2
	shift 2
	rm -rf here there
	case $model in
	*fault=*) serve --clock step --fresh "$model" ;;
	*) serve --clock step "$model" ;;
	esac
	# shellcheck disable=SC2086 # a list of arguments
	judged "$model" $messages --out here "$@"
	here=$?
	# shellcheck disable=SC2086
	judged "vfio-user:$dir/sock" $messages --out there "$@"
	check "$model: status $here in the process, $? over the socket" test "$?" -eq "$here"
	ends 0
	verdicts here >a
	verdicts there >b
	diff a b | sed -n 's/^> //p' >differ
	check "$model: cases were judged" test -s a
	check "$model: the same verdicts" test -z "$(grep -v ' SKIP$' differ)"
	check "$model: at most $most skipped" test "$(wc -l <differ)" -le "$most"
	check "$model: skipped for a need" test "$(wc -l <differ)" -eq \
		"$(grep '"verdict":"SKIP"' there/2*/events.jsonl | grep -c '"reason":"needs: ')"
	check "$model: as many cases" test "$(wc -l <a)" -eq "$(wc -l <b)"
}

same model: 40 --effort quick
same model:preset=tiny 10 --effort quick --case 'queue.*' --case 'reg.*' --case 'dptr.*'
same model:fault=identify-reserved-cns-accepted+delete-sq-ignores-qid 10 --effort quick \
	--case 'identify.*' --case 'queue.*'
same model:fault=irq-lost-when-two 10 --effort quick --case 'queue.irq*' --case 'queue.intx*'
dma=message
same model:preset=tiny 10 --effort quick --case 'queue.*' --case 'dptr.*'
dma=map
same model:fault=vanish-mid-case 0 --effort quick --case 'pci.*' --case 'dbbuf.*'

# ---- messages: asked over the socket, whatever its time and its memory are ----
asked()
{
	want 0 ' PASS' + run "vfio-user:$dir/sock" --effort quick --seed 7 --out "asked-$1" \
		--case 'vfiouser.*' --case robust.client-vanishes --case robust.unmap-inflight \
		--case robust.msg-transport
	check "$1: every one of them passed" test "$(verdicts "asked-$1" | grep -vc ' PASS$')" -eq 0
	check "$1: without advice" test "$(grep -c '"ok":false,"level":"should"' "asked-$1"/2*/events.jsonl)" -eq 0
	ends 0
}

want 77 'needs: .*vfio-user messages' + run model: --case vfiouser.no-reply --out none
serve --clock step --doorbells mapped model:
asked step
dma=message
serve --doorbells mapped model:
asked far
dma=map

# ---- the real clock ----
serve --json model:
want 0 'PASS' + run "vfio-user:$dir/sock" --case reg.vs-valid --case queue.irq-mask-pba --out real
want 0 'nvrig model' - probe "vfio-user:$dir/sock?clock=real,doorbells=message,mem=8Mi"
want 64 - "doorbells" probe "vfio-user:$dir/sock?doorbels=message"
want 2 - 'somebody serves there' serve model: --socket "$dir/sock"
ends 0
check 'events: begin' grep -q '^{"type":"serve_begin","socket":"' served
check 'events: client' grep -q '^{"type":"client_end","client":1,"messages":[1-9][0-9]*,"reason":"hung up","errors":[0-9]*}$' served
check 'events: end' grep -q '"type":"serve_end"' served

# ---- the real clock, and memory by message ----
dma=message
serve --json model:
want 0 'PASS' + run "vfio-user:$dir/sock" --case io.read-write-verify --case queue.irq-mask-pba --out far
ends 0
check 'no error was answered' grep -q '"errors":0}' served
dma=map

# ---- wrong words ----
want 64 - 'name the device' serve --socket x
want 64 - 'socket=PATH or --tcp=ADDR:PORT is missing' serve model:
want 64 - 'the model alone' serve qtest:x --socket x
want 64 - "did you mean 'queues'" serve model:quues=3 --socket x
want 64 - 'one of map, message' serve model: --socket x --dma=fast
want 64 - 'one of real, step' serve model: --socket x --clock=fast
want 64 - '1 to 107 bytes' serve model: --socket "$(printf '%0200d' 1)"
touch file
want 64 - 'is no socket' serve model: --socket file
check 'a file is not removed' test -e file
want 2 - 'No such file' serve model: --socket nowhere/sock
want 64 - 'is no socket' probe vfio-user:file
want 2 - 'No such file' probe "vfio-user:$dir/nowhere?timeout=100"

# ---- killed in the middle ----
serve model:
timeout 60 "$nvrig" run "vfio-user:$dir/sock?timeout=500" --case 'reg.*' --out dies -q </dev/null >out 2>err &
run=$!
begun dies
kill -9 "$(pgrep -P "$server")"
wait "$server" 2>/dev/null
wait "$run"
status=$?
server=
check "a server killed in the middle: status 1 or 2, not $status" test "$status" -eq 1 -o "$status" -eq 2
check 'the run came to its end' grep -q '"type":"run_end"' dies/2*/events.jsonl
check 'one verdict for a device that is gone' test "$(verdicts dies | grep -c ' FAIL$')" -le 1
check 'and the rest is skipped' test "$(verdicts dies | grep -c ' SKIP$')" -gt 0
check 'the abandoned socket' test -S sock
serve model:
want 0 'alive  *yes' - probe "vfio-user:$dir/sock"
ends 0

# ---- a tester killed in the middle: the next finds the device served ----
serve model:
"$nvrig" run "vfio-user:$dir/sock" --case 'queue.*' --out killed -q </dev/null >out 2>err &
run=$!
begun killed
kill -9 "$run"
wait "$run" 2>/dev/null
want 0 'PASS' + run "vfio-user:$dir/sock" --case 'reg.vs-valid' --out next
ends 0

summary serve
