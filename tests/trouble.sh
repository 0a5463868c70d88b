#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What goes wrong around the device: words, configuration, disk, QEMU. Each is told, none hangs.
# usage: trouble.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"

# ---- words ----
want 64 - "did you mean 'model:'" run modle:
want 64 - "did you mean 'model:'" probe modle:
want 64 - "did you mean 'all-ones'" run model:fault=all-one
want 64 - "did you mean 'fault'" run model:falut=all-ones
want 64 - "did you mean 'all-ones'" faults all-one
want 64 - "did you mean 'queue" faults --case queue.wrap-fase
want 64 - "did you mean 'queue'" run model: --suite quue
want 64 - "did you mean 'queue" run model: --case queue.wrap-fase
want 64 - "did you mean 'queue" run model: --exclude queue.wrap-fase
want 64 - "did you mean 'qemu-qtest'" run --stack qemu-qtset
want 64 - 'did you mean --suite' run model: --suitee reg
want 64 - 'not both' run --stack qemu-qtest model:
want 64 - 'quick, normal, soak' run model: --effort quik
want 64 - 'none, settings, data, wear, forever' run model: --allow dat
check 'no run is left of a word misspelt' sh -c '! ls runs/2* runs/latest 2>/dev/null'

# ---- configuration ----
mkdir -p conf/stacks conf/drives
# config WHERE WANT: the file's text is on standard input
config()
{
	cat >"conf/$1"
	if [ "${1%%/*}" = stacks ]; then
		NVRIG_CONFIGS=conf want 78 - "$2" run --stack s --out conf-runs
	else
		NVRIG_CONFIGS=conf want 78 - "$2" run model: --suite reg --out conf-runs
	fi
	rm "conf/$1"
}
printf 'stack "s" {\n\tmemroy = 1\n}\n' | config stacks/s.conf "s.conf:2: unknown key 'memroy'; did you mean 'memory'?"
printf 'stack "s" {\n\tstart = 20\n}\n' | config stacks/s.conf 's.conf:2: start'
printf 'stack "s" {\n\tkind = qemu-qtest\n' | config stacks/s.conf 's.conf:2: .*closing brace is missing'
head -c 2097152 /dev/urandom | config stacks/s.conf 's.conf:1: more than 1048576 bytes'
head -c 65536 /dev/zero | tr '\0' '{' | config stacks/s.conf 's.conf:1: '
printf 'drive "d" {\n\tmodle = "X"\n}\n' | config drives/d.conf "d.conf:2: unknown key 'modle'; did you mean 'model'?"
printf 'drive "d" {\n\tmodel = { { }\n}\n' | config drives/d.conf 'd.conf:2: '
printf 'drive "d" {\n\tmodel = "X"\n' | config drives/d.conf 'd.conf:2: .*closing brace is missing'
head -c 2097152 /dev/urandom | config drives/d.conf 'd.conf:1: more than 1048576 bytes'
NVRIG_CONFIGS=nowhere want 78 - 'NVRIG_CONFIGS' run model: --suite reg --out conf-runs
NVRIG_CONFIGS=nowhere want 78 - 'NVRIG_CONFIGS' run --stack s --out conf-runs
check 'no run is left of a configuration that is wrong' test ! -e conf-runs

# ---- the output directory ----
touch file
want 2 - 'file/.*: Not a directory; choose another place with --out' run model: --suite reg --out file
want 2 - 'choose another place with --out' run model: --suite reg --out /proc/nowhere
want 2 - 'no/such/place/x.xml' run model: --suite reg --out dirs --to junit=no/such/place/x.xml
mkdir locked
chmod 500 locked
if ! touch locked/x 2>/dev/null; then # not for root, whom no mode stops
	want 2 - 'locked: Permission denied; choose another place' run model: --suite reg --out locked
fi

# ---- the disk is full in the middle of the run ----
# cut_short: the run in full/ stopped cleanly, its reports were made, and it can go on
cut_short()
{
	run=$(echo full/2*)
	check 'the report of a run cut short is whole' grep -q '</testsuites>' full.xml
	want 0 '<testsuites' - report "$run" --to junit
	want 0 'the journal has no end: the run was cut' - report "$run"
	cp -r "$run" again
	# the rest runs; a case that the disk cut is lost, and the run no good one
	tests=$((tests + 1))
	timeout 60 "$nvrig" run -q --resume again >out 2>err </dev/null
	status=$?
	lost=$(grep -c '"verdict":"LOST"' again/events.jsonl)
	[ "$status:$lost" = 0:0 ] || [ "$status:$lost" = 2:1 ] ||
		complain "status $status with $lost lost" run --resume again
	check 'the run that went on has its end' sh -c 'tail -n 1 again/events.jsonl | grep -q run_end &&
		! grep -q "NOTRUN" again/events.jsonl'
	rm -rf again full.xml
}

tests=$((tests + 1))
(
	ulimit -f 400 && timeout 60 "$nvrig" run model: --suite queue --effort quick --out full -q --to junit=full.xml
) >out 2>err
status=$?
if [ $status -eq 2 ] && grep -q 'events.jsonl: File too large; the run stops here' err; then
	cut_short
else
	complain "status $status under a limit on file sizes, want 2" run model: --out full
fi
rm -rf full

mkdir full
if [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null; then
	tests=$((tests + 1))
	# The disk in a mount namespace of its own; what it held is taken out before it goes.
	# shellcheck disable=SC2016 # expanded by the inner shell
	unshare -m sh -c 'mount -t tmpfs -o size=200k none full || exit 77
		timeout 60 "$1" run model: --suite queue --effort quick --out full -q --to junit=full.xml
		status=$?
		cp -r full kept
		exit $status' sh "$nvrig" >out 2>err
	status=$?
	if [ $status -eq 2 ] && grep -q 'No space left on device; the run stops here' err; then
		rm -rf full
		mv kept full
		cut_short
	elif [ $status -ne 77 ]; then
		complain "status $status on a full disk, want 2" run model: --out full
	fi
fi

# ---- QEMU ----
# engine WANT SCRIPT: a stack whose QEMU is a shell script
engine()
{
	printf '#!/bin/sh\n%s\n' "$2" >fake
	chmod 700 fake
	NVRIG_CONFIGS=conf want 2 + "$1" run --stack fake --suite reg --out qemu-runs
}
cat >conf/stacks/fake.conf <<END
stack "fake" {
	kind = qemu-qtest
	binary = "$dir/fake"
	start = 2s
	namespace "1" { }
}
END
# shellcheck disable=SC2016 # expanded by the script that it goes into
# shellcheck disable=SC2016 # for the fake to expand
version='[ "$1" = --version ] && { echo QEMU emulator version 9.1.2; exit 0; }'
mkdir empty
tests=$((tests + 1))
env PATH="$dir/empty" "$nvrig" run --stack qemu-qtest --out qemu-runs >out 2>err </dev/null
status=$?
{ [ $status -eq 2 ] && grep -q 'not installed; on Debian: apt-get install' err; } ||
	complain "status $status without QEMU" run --stack qemu-qtest
engine 'QEMU 2.12.1, too old' 'echo QEMU emulator version 2.12.1'
engine 'not a QEMU that works' 'echo hello'
engine "fake exited with status 1 before it answered: fake: -device nvme: no such thing" "$version
echo 'fake: -device nvme: no such thing' >&2
exit 1"
engine 'fake died: SIGABRT before it answered' "$version
kill -ABRT \$\$"
engine 'does not answer within 2 s' "$version
exec sleep 30"
for run in qemu-runs/2*; do
	check 'a run that never came to its cases tells so' \
		sh -c "tail -n 1 '$run/events.jsonl' | grep -q '\"type\":\"run_end\"'"
	want 0 + - report "$run"
	for left in "$run"/stack*/rig-ns* "$run"/stack*/rig-qtest* "$run"/stack*/*.sock; do
		check 'no socket and no disk is left of it' test ! -e "$left"
	done
done
long=$(printf '%0120d' 0)
want 2 + 'at most 107' run "qtest:/tmp/$long?mem=/dev/null" --out qemu-runs
if command -v qemu-system-x86_64 >/dev/null; then
	want 0 + + run --stack qemu-qtest --case reg.vs-valid --out "$dir/$long"
	sed 's/RIG0001/RIG0001,nonsense=1/' "$root/configs/stacks/qemu-qtest.conf" |
		sed 's/"qemu-qtest" {/"odd" {/' >conf/stacks/odd.conf
	NVRIG_CONFIGS=conf want 2 + 'nonsense' run --stack odd --out qemu-runs
fi

summary trouble
