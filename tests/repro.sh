#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# `nvrig repro`: the script it writes, and what that script does with an nvme-cli that only tells.
# usage: repro.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
traced=$root/tests/runs/traced

# ---- what is not there is told ----
want 64 - 'name the run' repro
want 64 - 'name the run' repro "$traced"
want 64 - 'one case at a time' repro "$traced" a b
want 64 - 'No such file' repro no-such-run reg.vs
want 64 - "did you mean 'dptr.many'" repro "$traced" dptr.mani
want 64 - 'has no trace.*--trace always' repro "$traced" robust.gone
want 64 - 'was PASS and has no trace' repro "$traced" reg.vs
want 2 - 'up to major 1' repro "$root/tests/runs/newer" reg.vs
want 64 - 'failed, always, never' run model: --trace=some

# ---- the scripts, to the byte ----
for name in dptr.many io.hostile; do
	want 0 '^#!/bin/sh' - repro "$traced" "$name"
	cp out made
	check "$name: as recorded" cmp made "$traced/repro.$name"
	check "$name: is a shell script" sh -n made
	if command -v shellcheck >/dev/null; then
		check "$name: shellcheck is silent" shellcheck made
	fi
done

# ---- what they send ----
mkdir bin
cat >bin/nvme <<'END'
#!/bin/sh
echo "$*" >>sent
case $* in
*--write*) od -An -tx1 >>sent ;;
esac
END
chmod +x bin/nvme
script()
{
	rm -f sent
	PATH=$dir/bin:$PATH timeout 20 sh "$traced/repro.$1" /dev/nvme7 >out 2>err </dev/null
}
check 'the script runs' script dptr.many
cat >wanted <<'END'
admin-passthru /dev/nvme7 --opcode=0x06 --cdw10=0x1 --data-len=4096 --read
admin-passthru /dev/nvme7 --opcode=0x02 --namespace-id=0xffffffff --cdw10=0x7f0002 --data-len=512 --read
admin-passthru /dev/nvme7 --opcode=0x0a --cdw10=0x4 --cdw14=0x80
admin-passthru /dev/nvme7 --opcode=0x09 --cdw10=0xe --data-len=8 --write
 01 02 03 04 05 06 00 00
io-passthru /dev/nvme7n1 --opcode=0x02 --namespace-id=0x1 --cdw10=0x1 --cdw11=0x1 --cdw12=0x40000007 --data-len=4096 --read
io-passthru /dev/nvme7n1 --opcode=0x00 --namespace-id=0x1
END
check 'it sends what can be sent, and nothing that destroys' cmp wanted sent
check 'a drive that lies gets no shell' script io.hostile
check 'and runs nothing of its own' test ! -e hacked
check 'one command of it is honest' test "$(wc -l <sent)" -eq 1
tests=$((tests + 1))
if timeout 20 sh "$traced/repro.dptr.many" >out 2>err; then
	failed=$((failed + 1))
	complain 'runs without being told on which controller'
fi

# ---- of a run made now ----
want 1 + - run model:fault=delete-sq-ignores-qid --case 'queue.delete-bad-id*' --out "$dir/runs" \
	--to trace=live -q
run=$dir/runs/latest
want 0 - - report "$run" --to trace=later
check 'the same trace as during the run' cmp live later
check 'it tells the command that failed' grep -q 'Delete I/O SQ QID=[0-9A-Fh]* -> ' live
want 0 'Delete I/O SQ' - repro "$run" 'queue.delete-bad-id[sq-admin]'
want 0 + - run model: --suite reg --trace always --out "$dir/always" -q
check 'every case that sent something tells it' grep -q '"type":"command"' \
	"$dir/always/latest/events.jsonl"
want 0 + - run model: --suite reg --out "$dir/quiet" -q
check 'a case that passes tells nothing' sh -c \
	"! grep -q '\"type\":\"\(command\|register\)\"' '$dir/quiet/latest/events.jsonl'"
want 1 + - run model:fault=delete-sq-ignores-qid --suite queue --trace never --out "$dir/never" -q
check 'nor does one that fails and may not' sh -c \
	"! grep -q '\"type\":\"\(command\|register\)\"' '$dir/never/latest/events.jsonl'"

summary repro
