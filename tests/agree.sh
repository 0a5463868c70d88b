#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In one guest the same controller through two ways in: by VFIO on the raw rung, and through the
# kernel's driver. Where both can ask a row, they must agree.
# usage: agree.sh NVRIG SOURCE_DIR [PATTERN...]    patterns of cases: a chosen set unless given
set -u
nvrig=$1
root=$2
shift 2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"
[ $# -gt 0 ] || set -- 'identify.*' 'io.lba-range' 'io.read-write-verify' 'feat.set-get'

NVRIG_CONFIGS=$root/configs
export NVRIG_CONFIGS
need_guest agree guest-vfio

words=
for pattern; do
	words="$words --case '$pattern'"
done
if "$nvrig" probe kernel: 2>&1 | grep -q 'unknown scheme'; then
	echo 'agree: SKIP: this nvrig has no kernel: to agree with'
	exit 77
fi
cat >inside.sh <<END
ask()
{
	nvrig run "\$2" --seed 7 --effort quick -q $words --out /tmp/\$1 >/dev/null 2>/tmp/err
	echo "\$1 status \$? \$(head -c 300 /tmp/err | tr '\n' ' ')"
	sed -n 's/.*"type":"case_end","case":"\([^"]*\)".*"verdict":"\([^"]*\)"\(.*\)/'\$1' \1 \2 \3/p' /tmp/\$1/2*/events.jsonl
}
ask kernel kernel:/dev/nvme0
ask vfio vfio:00:05.0
END
timeout "${NVRIG_AGREE_S:-280}" "$nvrig" vm --stack guest-vfio -- sh -c "$(cat inside.sh)" >said 2>err </dev/null
check 'the guest ended well' test $? -eq 0
for way in kernel vfio; do
	check "$way ran" grep -q "^$way status [01] " said
	sed -n "s/^$way \([a-z][^ ]*[.][^ ]*\) \([A-Z/]*\) .*/\1 \2/p" said | sort >$way
done

# judged NAME: what was a question to the drive, and answered
judged()
{
	grep -E ' (PASS|FAIL|KNOWN)$' "$1"
}
judged kernel >a
judged vfio >b
join a b >both
awk '$2 != $3' both >differ
while read -r name kernel vfio; do
	echo "agree: $name: kernel $kernel, vfio $vfio"
	grep -F " $name " said | cut -c1-300
done <differ
check 'both were asked' test "$(wc -l <both)" -gt 20
check 'they agree' test ! -s differ
echo "agree: $(wc -l <kernel) rows by kernel, $(wc -l <vfio) by vfio; both judged $(wc -l <both), $(wc -l <differ) differ"
summary agree
