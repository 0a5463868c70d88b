#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The model's presets: on each the whole suite has nothing to complain of, what one preset has no use
# for another one has, and options that contradict each other are refused in words.
# usage: presets.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"

# NVRIG_PRESETS: some of them, for a build that takes its time
all='full minimal oldspec tiny cmb dbbuf pi multi nsmgmt ana virtual zns'
presets=${NVRIG_PRESETS:-$all}
DEADLINE_S=200

# Cases that no preset has a use for, each with its reason; a line too many is an error as well.
sort >nowhere.want <<'LIST'
derived.compare.psdt[01b]
derived.compare.psdt[10b]
derived.copy.psdt[01b]
derived.copy.psdt[10b]
derived.dsm.psdt[01b]
derived.dsm.psdt[10b]
derived.get-log.lid-claimed[14h]
derived.zone-append.psdt[01b]
derived.zone-append.psdt[10b]
derived.zone-receive.psdt[01b]
derived.zone-receive.psdt[10b]
feat.save-persists[async-event-config]
feat.save-persists[interrupt-coalescing]
feat.save-persists[temperature-threshold]
feat.save-persists[volatile-write-cache]
LIST
# derived.*.psdt: every preset that has these commands has SGLs.
# derived.get-log.lid-claimed: the model has no Lockdown.
# feat.save-persists: the model saves features 01h, 05h and 0Ah alone.

# cases of which a row has that verdict: VERDICT PRESET
cases()
{
	sed -n "s|^$1 ||p" "$2.verdicts" | sed 's/\[.*//' | sort -u | grep -c .
}

for preset in $presets; do
	# a build that looks for leaks does so in every other test; here it would take most of the time
	ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}detect_leaks=0 timeout $DEADLINE_S "$nvrig" run "model:preset=$preset" --seed 1 --effort quick --allow forever --out "$preset" -q \
		>"$preset.out" 2>&1 </dev/null
	echo $? >"$preset.status"
	# what asks about vfio-user messages or NVMe/TCP connections has none here: serve.sh and the
	# fault matrix, which serves the model, run it
	grep -h '"type":"case_end"' "$preset"/2*/events.jsonl |
		sed '/"reason":"needs:.* vfio-user messages of the case/s/"verdict":"SKIP"/"verdict":"SERVED"/
			/"reason":"needs:.*NVMe.TCP connections of the case/s/"verdict":"SKIP"/"verdict":"SERVED"/
			s/.*"case":"\([^"]*\)","verdict":"\([^"]*\)".*/\2 \1/' >"$preset.verdicts"
	check "$preset: exit status $(cat "$preset.status")" test "$(cat "$preset.status")" -eq 0
	check "$preset: every case has its verdict" test "$(grep -c . "$preset.verdicts")" -eq \
		"$(cat "$preset"/2*/plan.jsonl | grep -c .)"
	check "$preset: all are PASS or N/A" sh -c "! grep -Ev '^(PASS|N/A|SERVED) ' '$preset.verdicts'"
	check "$preset: every status is one that the oracle knows to be legal" sh -c \
		"! grep -h 'audit cqe.oracle' '$preset'/2*/events.jsonl"
	# by case, not by row: a matrix of hundreds is one case that does not apply
	check "$preset: most are PASS" test "$(cases PASS "$preset")" -gt "$(cases N/A "$preset")"
done

cat ./*.verdicts | cut -d' ' -f2- | sort -u >all
cat ./*.verdicts | sed -En 's/^(PASS|SERVED) //p' | sort -u >somewhere
comm -23 all somewhere >nowhere
if [ "$presets" = "$all" ]; then
	check 'every case runs on some preset, but for those that say why not' diff nowhere.want nowhere
fi

# ---- what cannot be is refused ----
want 64 - "no preset 'minimla'; did you mean 'minimal'?" probe model:preset=minimla
want 64 - 'there are full, minimal, oldspec, tiny, cmb, dbbuf, pi, multi, nsmgmt, ana, virtual, zns' probe model:preset=zzzzzzzz
want 64 - 'a second preset' probe model:preset=tiny,preset=full
want 64 - 'preset=oldspec is vs=1.3: the option vs contradicts it' probe model:preset=oldspec,vs=2.0
want 64 - 'the option vs contradicts it' probe model:vs=2.0,preset=oldspec
want 64 - 'preset=minimal is oncs=0' probe model:preset=minimal,oncs=1
want 64 - 'claims Verify, which came with 1.4, and vs is 1.3' probe model:preset=oldspec,oncs=0x80
want 64 - 'nothing for the bits 0x8000' probe model:oncs=0x8000
want 64 - 'nn is less than ns' probe model:nn=1
want 64 - 'private to whom' probe model:private_ns=1
want 64 - 'oaes bit 11 is 0' probe model:ana=1,mnan=4,oaes=0x2300
want 64 - 'ANA Change Notices, and ana is 0' probe model:oaes=0x2b00
want 64 - 'a number of namespaces that may be: mnan' probe model:ana=1
want 64 - 'needs controllers=2' probe model:secondary=1
want 64 - 'no firmware is ever activated' probe model:oacs=0,oaes=0x200
want 64 - '01b, which is reserved' probe model:vwc=3
want 64 - '00b, which from 1.4 on' probe model:vwc=1
want 64 - 'lpa bit 1 is 0' probe model:lpa=0
want 64 - 'read by offset' probe model:lpa=0x1a
want 64 - 'ctratt bit 0' probe model:hostid=0,ctratt=1
want 64 - 'no Compare to go with the Write' probe model:fuses=1,oncs=0x0e
want 64 - 'no room for two commands' probe model:preset=tiny,fuses=1
want 64 - 'npss leaves no state' probe model:npss=0,apsta=1
want 64 - 'sgls bits 1:0 are 11b' probe model:sgls=3
want 64 - 'sgls bits 1:0 are 00b' probe model:sgls=0x10000
want 64 - 'entry 2 is no format' probe model:shapes=512+520
want 64 - 'entry 1 is no format' probe model:shapes=512/8xt4
want 64 - 'entry 1 is no format' probe model:shapes=512/8xt1a
want 64 - 'entry 1 is no format' probe model:meta=0,shapes=512/8
want 64 - 'shapes has 3 entries, and ns is 2' probe model:shapes=512+512+512
want 64 - 'ctratt bit 15' probe model:ctratt=0x8000,meta=0
want 64 - 'zcap is above zsze' probe model:zns=1,zsze=16,zcap=17
want 64 - 'mor is above mar' probe model:zns=1,mar=2,mor=3
want 64 - 'iocss is 0' probe model:zns=1,iocss=0
want 64 - 'fewer than 8 zones' probe model:zns=1,size=1Mi
want 64 - "did you mean 'elpe'" probe model:elp=1
want 0 + - probe model:preset=minimal,ns=2,nn=4
want 0 + - probe model:ns=1,nn=1,preset=minimal

summary presets
