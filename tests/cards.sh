#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Cards of other kinds than the model's own: none of what they are is held against them, and what is
# not asked of them is told, with the reason.
# usage: cards.sh NVRIG SOURCE_DIR
set -u
nvrig=$1
root=$2
# shellcheck source=tests/inc/want.sh
. "$root/tests/inc/want.sh"

# card NAME BITS (of card/card.h): the rows that were not asked, and why, on standard input
card()
{
	want 0 + + run "model:emmc=$2" --case 'emmc.*' --effort quick --allow forever --seed 1 --out "$1"
	grep -h '"type":"case_end"' "$1"/2*/events.jsonl | grep -v '"verdict":"PASS"' |
		sed 's/.*"case":"emmc\.\([^"]*\)","verdict":"\([^"]*\)".*"reason":"\([^"]*\)".*/\2 \1: \3/
			s/sectors [0-9]* to [0-9]*/those sectors/' | sort >"$1.have"
	sort >"$1.want"
	check "$1: what is not asked of it" diff "$1.want" "$1.have"
	check "$1: no advice" grep -q '"type":"run_end".*"advice":0' "$1"/2*/events.jsonl
}

card full 0x1f </dev/null

card small 0x5f <<'END'
N/A ext-csd[size]: addresses count bytes: its size is the CSD's to tell
END

card native 0x9f <<'END'
SKIP erase-semantics[discard]: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
SKIP erase-semantics[trim]: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
SKIP illegal-command[past-the-end]: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
SKIP sanitize: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
SKIP status-clean: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
SKIP write-protect: size: sectors of 512 bytes: DATA_SECTOR_SIZE is 1, they have 4 KiB
END

locked='unsafe: a card that no password locks'
card locked 0x11f <<END
SKIP boot-write[apart]: $locked
SKIP boot-write[force-ro]: $locked
SKIP cache-flush[flush]: $locked
SKIP cache-flush[power-cut]: $locked
SKIP cmdq-bkops-load[background]: $locked
SKIP cmdq-bkops-load[queue]: $locked
SKIP erase-semantics[discard]: $locked
SKIP erase-semantics[groups]: $locked
SKIP erase-semantics[trim]: $locked
SKIP power-off-keeps: $locked
SKIP rpmb-counter: $locked
SKIP sanitize: $locked
SKIP status-clean: $locked
SKIP write-protect: $locked
END

protected='unsafe: those sectors, which are protected'
card protected 0x21f <<END
SKIP boot-write[apart]: $protected
SKIP cache-flush[flush]: $protected
SKIP cache-flush[power-cut]: $protected
SKIP cmdq-bkops-load[background]: $protected
SKIP cmdq-bkops-load[queue]: $protected
SKIP erase-semantics[discard]: $protected
SKIP erase-semantics[groups]: $protected
SKIP erase-semantics[trim]: $protected
SKIP power-off-keeps: $protected
SKIP sanitize: $protected
SKIP write-protect: unsafe: a group that nobody has protected
END

summary cards
