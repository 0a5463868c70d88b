#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Guests: what runs in one judges as it does outside; what goes wrong in one is a verdict in time, and
# nothing of it is left. Each takes a boot of some seconds under emulation.
# usage: guest.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
patience=150

stacks='guest-qemu nvmet-tcp tcp-target guest-virtio-blk guest-vfio-user'
# shellcheck source=tests/inc/guest_conf.sh
. "$root/tests/inc/guest_conf.sh"
began='until grep -qs case_begin /run/nvrig/*/events.jsonl; do usleep 10000; done'
stack g-plain ''
stack g-quiet 'silence = "6s"'
later='until [ $(grep -c case_end /run/nvrig/*/events.jsonl) -gt 4 ]; do usleep 10000; done'
# in the first guest alone: one that goes on has what was before it in /root/resumed
stack g-kernel "part \"words\" { up = \"[ -e /root/resumed ] || ($began
	echo '<4>WARNING: CPU: 0 PID: 1 at a.c:1 b' >/dev/kmsg
	$later; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &\" }"
stack g-panics "part \"words\" { up = \"($began; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &\" }"
stack g-parts 'part "one" { up = "echo 1" life = "/bin" down = "echo what went wrong; exit 3" }
	part "two" { life = "/dev/of-nowhere" within = "300ms" }
	part "three" { up = "touch /tmp/never" }'
stack g-words 'modules = { "no_such_module" }'
stack g-ways 'target = "teleport:1"'
cat >conf/stacks/guest-vfio-faulty.conf <<-END
	stack "guest-vfio-faulty" { kind = "guest" base = "guest-vfio-user"
		serve = "model:fault=cntrltype-zero" }
END

need_guest guest g-plain

# guest_of PID: the QEMU below that nvrig
guest_of()
{
	for keeper in $(pgrep -P "$1"); do
		pgrep -P "$keeper" && return
	done
}

# waits PATTERN: until an event of that kind stands in the journal below out/
waits()
{
	i=0
	while ! cat "$1"/2*/events.jsonl 2>/dev/null | grep -q "$2" && [ $((i += 1)) -lt 1000 ]; do
		sleep 0.1
	done
}

# gone PID: within some seconds
gone()
{
	i=0
	while kill -0 "$1" 2>/dev/null && [ $((i += 1)) -lt 100 ]; do
		sleep 0.1
	done
	! kill -0 "$1" 2>/dev/null
}

verdicts()
{
	sed -n 's/.*"type":"case_end","case":"\([^"]*\)".*"verdict":"\([^"]*\)".*/\1 \2/p' "$1"/2*/events.jsonl
}

# ---- which there are ----
want 0 'has no module no_such_module' - list --stacks g-words
want 0 'no way in of that kind' - list --stacks g-ways
want 2 - 'no way in of that kind' run --stack g-ways
cat >conf/stacks/qemu.conf <<-END
	stack "qemu" { kind = "qemu-qtest" device = "serial=A" namespace "1" {} }
END
want 64 - 'of kind qemu-qtest and has no guest' vm --stack qemu
want 64 - 'not both' run --stack qemu model:
want 64 - "unknown stack 'g-plian'; did you mean 'g-plain'?" vm --stack g-plian

# ---- one command ----
export TMPDIR="$dir/tmp"
mkdir "$TMPDIR"
# shellcheck disable=SC2016 # expanded in the guest
want 7 '^ok .*cores' '^to stderr$' vm --stack g-plain -- sh -c \
	'nvrig doctor; echo to stderr >&2; printf "\\0\\377\\n"; exit 7'
cp out said
check 'bytes come as they are' sh -c 'tail -c 3 said | od -An -tx1 | grep -q "00 ff 0a"'
check 'nothing of a guest is left in $TMPDIR' test -z "$(ls "$TMPDIR")"
unset TMPDIR

# ---- the same verdicts, a faulty device included ----
fault=model:fault=aqa-reserved-bits-stick+identify-reserved-cns-accepted
set -- --seed 7 --case 'reg.a*' --case 'reg.r*' --case 'identify.c*' --case 'identify.r*' --effort quick -q
"$nvrig" run "$fault" --out outside "$@" </dev/null >/dev/null 2>&1
outside=$?
timeout 150 "$nvrig" run --stack g-plain "$fault" --out inside "$@" --to junit=inside.xml </dev/null >out 2>err
check "status $outside outside, $? inside" test $? -eq "$outside"
verdicts outside >a
verdicts inside >b
check 'cases were judged' test "$(wc -l <a)" -gt 20
check 'the same verdicts inside' diff a b
check 'the plan was kept' test "$(wc -l <inside/latest/plan.jsonl)" -eq "$(wc -l <a)"
check 'the journal is whole' sh -c "\"$nvrig\" report inside/latest >again; grep -q ' cases: ' again"
check 'JUnit of the guest is as of the journal' sh -c "\"$nvrig\" report inside/latest --to junit=later.xml -q; cmp inside.xml later.xml"
check 'the console was kept' test -s inside/latest/stack/rig-console.log

# ---- the same device outside, put on the guest's bus by QEMU 10.1 or later, under the guest's driver ----
lacks=$("$nvrig" list --stacks guest-vfio-user 2>&1 | sed -n 's/.*not here: //p')
if [ -n "$lacks" ]; then
	echo "guest: the model over vfio-user under a guest's driver: SKIP: $lacks"
else
	TMPDIR=$dir
	export TMPDIR
	want 1 'FAIL .*identify.cntrltype' + run --stack guest-vfio-faulty --case 'identify.cntrltype' \
		--case 'io.flush*' --out served
	unset TMPDIR
	verdicts served >a
	check 'one case tells of the fault' test "$(grep -c FAIL a)" -eq 1
	check 'another passes' grep -q '^io.flush.* PASS$' a
	socket=$(sed -n 's/^serving on //p' served/latest/stack/rig-serve.log)
	check 'it was served from here' sh -c 'case $1 in "$PWD"/*) ;; *) false ;; esac' sh "$socket"
	check 'who served is gone' sh -c '! pgrep -f "serve --socket=$PWD/[n]vrig-" >&2'
	check 'and its socket' test ! -e "${socket%/*}"
fi

# ---- the kernel in it ----
want 1 'FAIL .*Kernel panic - not syncing: sysrq triggered crash' + run --stack g-kernel --case 'reg.*' --seed 7 --out kernel
cp out said
check 'a word of the kernel is of one case' grep -q '^FAIL .*reg.*guest kernel: WARNING: CPU: 0 PID: 1 at a.c:1 b' said
check 'so is its end' test "$(verdicts kernel | grep -c ' FAIL$')" -eq 2
check 'the rest is run in a new guest' test "$(verdicts kernel | grep -c ' PASS$')" -gt 40
check 'none is left over' sh -c '! grep -q "\"verdict\":\"NOTRUN\"" kernel/latest/events.jsonl'
check 'that is told' grep -q '"from":"runner","text":"the rest of the plan runs in a new guest (1 of' kernel/latest/events.jsonl
check 'each guest has its console' test -s kernel/latest/stack/rig-console.log -a -s kernel/latest/stack-2/rig-console.log
"$nvrig" run model: --case 'reg.*' --seed 7 --out whole -q >/dev/null 2>&1
verdicts whole | sed 's/ .*//' >a
verdicts kernel | sed 's/ .*//' >b
check 'every case has one end, in the order of the plan' cmp a b
check 'the trace stands with it' grep -q '"type":"engine".*"log":".*Call Trace' kernel/latest/events.jsonl

# ---- one that hangs before it is up is begun once more ----
cat >slow-qemu <<END
#!/bin/sh
case "\$*" in
*virtserialport*)
	if [ ! -e "$dir/hung" ]; then
		: >"$dir/hung"
		exec sleep 1000
	fi
esac
exec qemu-system-x86_64 "\$@"
END
chmod +x slow-qemu
stack g-slow "binary = \"$dir/slow-qemu\"
	start = \"40s\""
sed -i '/start = "100s"/d' conf/stacks/g-slow.conf
want 0 '^hi$' 'boot: hung: it does not come up: it is begun once more' vm -v --stack g-slow -- echo hi

# ---- no sign of life ----
"$nvrig" run --stack g-quiet --case 'reg.*' --out hang -q </dev/null >out 2>err &
run=$!
waits hang case_begin
guest=$(guest_of $run)
kill -STOP "$guest"
wait $run
status=$?
check "a guest that hangs: status $status, want 1" test $status -eq 1
check 'it is a verdict' grep -q '"verdict":"FAIL","reason":"the guest gave no sign of life for 6 s' hang/2*/events.jsonl
check 'and it is gone' gone "$guest"

# ---- stopped, and gone on with ----
"$nvrig" run --stack g-plain --case 'reg.*' --seed 7 --out stopped </dev/null >out 2>err &
run=$!
waits stopped case_end
kill -INT $run
wait $run
status=$?
cp err said
check "stopped: status $status, want 4" test $status -eq 4
check 'it can be gone on with' grep -q 'to go on: nvrig run --resume' said
want 0 'cases: .* PASS' + run --resume stopped/latest --to tty --to junit=live.xml
verdicts stopped | grep -v NOTRUN | sed 's/ .*//' | sort >b
sort a >c
check 'every case has one end' cmp c b
want 0 - + report stopped/latest --to junit=later.xml -q
check 'JUnit as of the journal' cmp live.xml later.xml
want 0 '^' 'nothing is left' run --resume stopped/latest

# ---- killed ----
"$nvrig" run --stack g-plain --case 'reg.*' --out killed -q </dev/null >out 2>err &
run=$!
waits killed case_begin
guest=$(guest_of $run)
check 'there is a guest' kill -0 "$guest"
kill -9 $run
wait $run 2>/dev/null
check 'no rig, no guest' gone "$guest"

# ---- parts ----
want 2 + 'two: /dev/of-nowhere is not there after 300 ms' run --stack g-parts --suite reg --out parts
journal=parts/latest/events.jsonl
check 'the first came up' grep -q '"state":"up".*"part":"one"' $journal
check 'the second did not' grep -q '"state":"failed".*"part":"two"' $journal
check 'the third was not begun' sh -c "! grep '\"part\":\"three\"' $journal"
check 'the first did not come down' grep -q '"state":"failed".*"part":"one","text":"one: taking it down: it failed: what went wrong' $journal
check 'a run that never was says so' grep -q '"type":"run_end".*of-nowhere' $journal

# ---- stacks ----
# A store is under what is asked, a layer over it, and all of it comes down.
# shellcheck disable=SC2016 # expanded in the guest
want 0 '^null-mem+flakey /dev/rig-store /dev/rig-null 1 tcp$' 'guest: flakey/layer: down' vm -v --stack nvmet-tcp \
	--store flakey -- sh -c 'echo $NVRIG_STORE $NVRIG_BACK $NVRIG_BASE $NVRIG_KEEPS $(cat /sys/class/nvme/nvme0/transport)'
cp err said
check 'everything came down' sh -c '! grep failed said && grep -q "guest: host: down" said && grep -q "null-mem/disk: down" said'
want 0 '^vda 131072$' - vm --stack guest-virtio-blk --store raw -- sh -c 'echo vda $(cat /sys/block/vda/size)'
want 64 - "unknown store 'flaky'; did you mean 'flakey'?" vm --stack nvmet-tcp --store flaky
want 64 - 'store raw is of kind file' vm --stack nvmet-tcp --store raw

# ---- through the driver ----
# qemu NAME LINES: QEMU's controller, a part more in it
qemu()
{
	sed -e "s/^stack \"guest-qemu\"/stack \"$1\"/" -e '/^	part "smoke"/,$d' "$root/configs/stacks/guest-qemu.conf" >"conf/stacks/$1.conf"
	printf '%s\n}\n' "$2" >>"conf/stacks/$1.conf"
}
qemu g-says "part \"words\" { up = \"($began; echo h >/proc/sysrq-trigger) >/dev/null 2>&1 &\" }"
qemu g-gone "part \"pull\" { up = \"($began; usleep 500000; echo 1 >/sys/class/nvme/nvme0/device/remove) >/dev/null 2>&1 &\" }"
qemu g-busy 'part "swap" { up = "mkswap /dev/nvme0n1 >/dev/null && swapon /dev/nvme0n1" down = "swapoff /dev/nvme0n1" }'
want 0 - - run --stack g-says --case 'identify.*' --case 'pci.*' --case 'reg.cap*' --case 'io.read-write*' --case 'feat.reserved*' \
	--effort quick --seed 7 -q --out driver
journal=driver/latest/events.jsonl
check 'cases were judged through the driver' test "$(verdicts driver | grep -c ' PASS$')" -gt 20
check 'none failed' sh -c "! grep '\"verdict\":\"FAIL\"' $journal"
check 'what needs queues is SKIP' grep -q '"case":"pci.flr".*"verdict":"SKIP","reason":"needs: .*queues' $journal
check 'what the kernel says is of a case' grep -q '"type":"note","case":".*"from":"kernel","text":"sysrq: HELP' $journal
check 'and told once' test "$(grep -c 'sysrq: HELP' $journal)" -eq 1
want 0 - - run --stack g-busy --case io.flush --case reg.cap-invariants -q --out busy
check 'what is in use is not harmed' grep -q '"case":"io.flush.*"verdict":"SKIP","reason":"guard: .*G3 .*nvme0n1 is swapped to' busy/latest/events.jsonl
check 'and may be asked' grep -q '"case":"reg.cap-invariants.*"verdict":"PASS"' busy/latest/events.jsonl
want 1 - - run --stack g-gone --case log.smart-io-counters --case io.flush --effort soak --seed 7 -q --out gone
check 'a controller that goes is a verdict' grep -q '"verdict":"FAIL","reason":".*gone' gone/latest/events.jsonl
check 'and the rest is told of it' grep -q '"verdict":"SKIP","reason":"target: the device did not come back' gone/latest/events.jsonl

summary guest
