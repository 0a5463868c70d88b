# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154,SC2086
# In the guest of guard.sh: layouts of several drives, and command lines on them. Everything but the
# drive that was named, and let, is as it was; every refusal is exit status 3 and says what it saw.
# usage: sh -c "$(cat this)" guard ROUNDS SEED PARTS
set -u
export NVRIG_BENCH=/etc/nvrig/bench.conf
rounds=$1
state=$2
parts=$3
tests=0
failed=0
mkdir -p /tmp/m /etc/nvrig
cd /tmp || exit 2

# which is which is by number, as the kernel has them
A=nvme0 B=nvme1 C=nvme2 R=nvme3
a=${A}n1 b=${B}n1 c=${C}n1 r=${R}n1
sb=$(sed 's/ *$//' /sys/class/nvme/$B/serial) sc=$(sed 's/ *$//' /sys/class/nvme/$C/serial)
sr=$(sed 's/ *$//' /sys/class/nvme/$R/serial)

# line SERIAL [MORE [MAY]]: the bench file, of one drive
line()
{
	printf 'drive "named" {\n serial = "%s"\n model = "*"\n emulated = yes\n may = %s\n %s\n}\n' \
		"$1" "${3:-data}" "${2:-}" >$NVRIG_BENCH
	chmod 0644 $NVRIG_BENCH
}

# sums DISK...: what is on them
sums()
{
	sync
	for d; do
		md5sum <"/dev/$d"
	done
}

# says STATUS TEXT MAY ARGUMENT...: that status, TEXT in what is said, and unless MAY the drive as it
# was; the other disks are looked at when all is done, for layouts are of that drive alone
says()
{
	want=$1 text=$2 may=$3
	shift 3
	tests=$((tests + 1))
	[ -n "$may" ] || sums "$b" >before
	nvrig "$@" >err 2>&1 </dev/null
	is=$?
	[ -n "$may" ] || sums "$b" >after
	if [ $is -ne "$want" ]; then
		complain "status $is, want $want: $*"
	elif [ -n "$text" ] && ! grep -q -- "$text" err; then
		complain "says no '$text': $*"
	elif [ -z "$may" ] && ! cmp -s before after; then
		complain "the drive was changed: $*"
	fi
}

# refuses TEXT: the drive of the line is not to be labelled, which would write to it
refuses()
{
	says 3 "$1" '' drive label "/dev/$B" --confirm "$sb"
}

complain()
{
	failed=$((failed + 1))
	echo "FAIL: $1"
	sed 's/^/  /' err | head -n 12
}

run="--case io.flush --out /tmp/runs -q --effort quick"
harm="$run --allow data"

# ---- layouts of the drive that is named; each is undone by wipe ----
wipe()
{
	dd if=/dev/zero of="/dev/$b" bs=64k count=24 2>/dev/null
	blockdev --rereadpt "/dev/$b" 2>/dev/null
}

# partition DISK: an MBR with one
partition()
{
	{
		dd if=/dev/zero bs=446 count=1
		printf '\0\0\0\0\203\0\0\0\100\0\0\0\0\010\0\0'
		dd if=/dev/zero bs=48 count=1
		printf '\125\252'
	} 2>/dev/null | dd of="/dev/$1" conv=notrunc 2>/dev/null
	blockdev --rereadpt "/dev/$1"
}

# waits FILE: until it is there, some seconds
waits()
{
	n=0
	until [ -e "$1" ] || [ $((n += 1)) -gt 500 ]; do usleep 10000; done
}

in_use()
{
	line "$sb"
	partition "$b"
	refuses "G5 .*${b} holds a partition table"
	waits "/dev/${b}p1"
	mke2fs "/dev/${b}p1" >/dev/null 2>&1
	mount -t ext4 -o ro "/dev/${b}p1" /tmp/m
	refuses "G3 .*${b}p1 is mounted at /tmp/m"
	says 3 "G3 .*${b}p1 is mounted at /tmp/m" '' run "kernel:/dev/$B" $harm --confirm "$sb"
	says 3 "G3 .*${b}p1 is mounted at /tmp/m" '' run "block:/dev/$b" $harm --confirm "$sb"
	# of a zpool, too, no more is told than that somebody has the disk
	mkdir -p /home
	mount -t proc none /home
	says 3 "G4 .*what /home of this machine lies on (proc) is not told, and it may be ${b}" '' \
		run "kernel:/dev/$B" $harm --confirm "$sb" --override "G3:$sb" --override "G5:$sb"
	umount /home
	umount /tmp/m
	unshare -m sh -c "mount --make-rprivate / 2>/dev/null
		mount -t ext4 -o ro /dev/${b}p1 /tmp/m && touch /tmp/there && exec sleep 60" &
	other=$!
	waits /tmp/there
	refuses "G3 .*${b}p1 is mounted at /tmp/m (seen by process $other"
	kill $other
	wait $other 2>/dev/null
	wipe
	mke2fs "/dev/$b" >/dev/null 2>&1
	refuses "G5 .*${b} holds ext"
	wipe
	mkswap "/dev/$b" >/dev/null
	swapon "/dev/$b"
	refuses "G3 .*${b} is swapped to: swapoff"
	swapoff "/dev/$b"
	wipe
	printf 'LABELONE\001\0\0\0\0\0\0\0W\026\333\005\040\0\0\0LVM2 001abcdefghijklmnopqrstuvwxyz012345\0\0\100\0\0\0\0\0' |
		dd of="/dev/$b" bs=512 seek=1 conv=sync,notrunc 2>/dev/null
	refuses "G5 .*${b} holds LVM2_member"
	wipe
	losetup /dev/loop0 "/dev/$b"
	refuses "G3 .*${b} is what a loop device lies on"
	losetup -d /dev/loop0
	sleep 60 <"/dev/ng${b#nvme}" &
	other=$!
	waits "/proc/$other/fd/0"
	refuses "G3 .*ng${b#nvme} is open in process $other"
	kill $other
	wait $other 2>/dev/null
}

held()
{
	if command -v dmsetup >/dev/null; then
		dmsetup create one --table "0 2048 linear /dev/$b 0"
		dmsetup create two --table '0 2048 linear /dev/dm-0 0'
		refuses "G3 .*${b} is held by dm-0, that by dm-1"
		dmsetup remove two
		dmsetup remove one
	else
		echo "no dmsetup here: nothing is two levels up"
	fi
	md=/sys/block/md_7/md
	echo md_7 >/sys/module/md_mod/parameters/new_array
	for word in metadata_version=none raid_disks=1 level=raid1 "new_dev=$(cat "/sys/block/$b/dev")" \
		component_size=1024 "dev-$b/slot=0" array_state=active; do
		echo "${word#*=}" >"$md/${word%%=*}"
	done
	refuses "G3 .*${b} is held by md_7"
	echo clear >$md/array_state
	q=/sys/kernel/config/nvmet/subsystems/q
	mkdir $q && mkdir $q/namespaces/1 && echo "/dev/$b" >$q/namespaces/1/device_path
	refuses "G3 .*${b} is exported by nvmet"
	rmdir $q/namespaces/1 $q
}

who()
{
	line "$sr"
	says 3 "G4 .*booted with root=/dev/" '' drive label "/dev/$R" --confirm "$sr"
	says 64 'G4 .*cannot be waived' '' run "kernel:/dev/$R" $harm --override "G4:$sr"
	line TWIN
	says 3 'G1 .*vd[ab] has serial TWIN' '' drive label /dev/vda --confirm TWIN
	says 3 'which one is meant cannot be told' '' run named $harm --confirm TWIN
	line "$sb"
	says 3 'G6 .*--confirm SERIAL, whole' '' drive label "/dev/$B"
	says 3 'G6 .*is not the serial' '' drive label "/dev/$B" --confirm "$sc"
	says 64 'no option --yes' '' run "kernel:/dev/$B" $harm --yes
	line "$sb" '' settings
	refuses 'G2 .*may = settings, and the run wants data'
	line "$sb"
	chmod 0666 $NVRIG_BENCH
	says 78 'others than root may write it' '' drive label "/dev/$B" --confirm "$sb"
	says 3 'G2 .*others than root may write it' '' run "kernel:/dev/$B" $harm --confirm "$sb"
	line "$sb" 'until = "2020-01-01"'
	refuses 'G2 .*until 2020-01-01'
	line "$sb" 'wear = 4095'
	refuses 'G8 .*4096 bytes would be written, and of its budget of 4095'
	line "$sb" 'link-width = 32'
	refuses 'G9 '
	line "$sb" 'hot = 1'
	refuses 'G9 .*degrees'
	line "$sb" 'hours = "0-0"'
	refuses 'G10 '
	command -v script >/dev/null || {
		echo 'no script here: nobody typed a serial number at a terminal'
		return
	}
	line "$sb"
	tests=$((tests + 1))
	sums "$b" >before
	echo "$sc" | script -qec "nvrig drive label /dev/$B" /dev/null >err 2>&1
	is=$?
	sums "$b" >after
	[ $is -eq 3 ] && grep -q 'what was typed is not' err && cmp -s before after ||
		complain "a terminal: status $is"
	tests=$((tests + 2))
	: >err
	(
		until grep -q 'Type the last' err; do usleep 10000; done
		printf '\003'
		sleep 2
	) | script -qec "nvrig run kernel:/dev/$B $harm" /dev/null >err 2>&1
	is=$?
	[ $is -eq 4 ] || complain "Ctrl-C at the question: status $is"
	line "$sb" '' settings
	echo "$sb" | script -qec "nvrig run kernel:/dev/$B $harm" /dev/null >err 2>&1
	is=$?
	[ $is -eq 3 ] && ! grep -q 'Type the last' err || complain "refused, and asked for its name: status $is"
}

once()
{
	line "$sb" 'wear = 1G'
	says 0 '' "$b" run "kernel:/dev/$B" $harm --confirm "$sb"
	tests=$((tests + 1))
	cat /tmp/runs/latest/about_to.jsonl >err
	grep -q '"command":"Write"' err || complain 'what is about to be sent is not in the journal'
	# partitions of a disk that the run has for itself are not in use
	line "$sb" 'contents = mine'
	partition "$b"
	waits "/dev/${b}p1"
	says 0 '' "$b" run "kernel:/dev/$B" $harm --confirm "$sb"
	says 0 '' "$b" run "block:/dev/$b" $harm --case "blk.direct-align*" --confirm "$sb"
	wipe
}

let()
{
	line "$sb" 'wear = 1G'
	mke2fs "/dev/$b" >/dev/null 2>&1
	refuses 'G5 '
	says 0 '' "$b" run named $harm --confirm "$sb" --override "G5:$sb"
	line "$sb" 'contents = mine'
	says 0 labelled "$b" drive label named --confirm "$sb"
	line "$sb"
	says 0 'G5 .*pass' "$b" drive label named --confirm "$sb"
	says 0 'taken out' '' drive release named
	says 3 'G2 ' '' drive label "/dev/$B" --confirm "$sb"
	says 0 'added to' '' drive adopt "/dev/$B" --alias other --may data --confirm "$sb"
	says 0 "^other .*$sb .*data" '' drive ls
	says 0 labelled "$b" drive label other --confirm "$sb"
	wipe
	line "$sb"
	nvrig run "kernel:/dev/$B" --allow data --confirm "$sb" --case 'io.*' --effort soak -q --out /tmp/first \
		</dev/null >/dev/null 2>&1 &
	first=$!
	waits /run/nvrig-lock/"$sb"
	until grep -qs case_begin /tmp/first/2*/events.jsonl; do usleep 10000; done
	says 3 'G7 .*another nvrig' "$b" drive label "/dev/$B" --confirm "$sb"
	kill -INT $first
	wait $first
}

# scheduler [WORD]: of the drive; sets it, or says it
scheduler()
{
	[ $# -eq 0 ] || echo "$1" >"/sys/block/$b/queue/scheduler"
	sed 's/.*\[\(.*\)\].*/\1/' "/sys/block/$b/queue/scheduler"
}

# What a run left otherwise is told and put back: in its time, and by the run that goes on after a crash.
back()
{
	line "$sb"
	was=$(scheduler)
	nvrig run "kernel:/dev/$B" --allow data --confirm "$sb" --case 'io.*' -q --out /tmp/back </dev/null >/dev/null 2>&1 &
	first=$!
	until grep -qs case_begin /tmp/back/2*/events.jsonl; do usleep 10000; done
	scheduler mq-deadline >/dev/null
	n=0
	until [ "$(scheduler)" = "$was" ] || [ $((n += 1)) -gt 1000 ]; do usleep 10000; done
	n=0
	until grep -qs 'not as it was: the scheduler of .* is another than .*; put back' /tmp/back/2*/events.jsonl ||
		[ $((n += 1)) -gt 500 ]; do usleep 10000; done
	tests=$((tests + 2))
	[ "$(scheduler)" = "$was" ] || complain "the scheduler is not put back"
	grep -q 'not as it was: the scheduler' /tmp/back/2*/events.jsonl || complain 'it is not told'
	kill -KILL $first
	wait $first 2>/dev/null
	scheduler mq-deadline >/dev/null
	nvrig run --resume /tmp/back/2* -q >err 2>&1 </dev/null
	tests=$((tests + 1))
	[ "$(scheduler)" = "$was" ] || complain "the scheduler is not put back after a crash"
	grep '"verdict":"FAIL"' /tmp/back/2*/events.jsonl | head -n 2 | cut -c1-300
}

# flbas: of the drive's namespace; "" where it is not attached
flbas()
{
	nvme id-ns /dev/$B -n 1 2>/dev/null | sed -n 's/^flbas *: *//p'
}

# told TEXT: by the run, within some seconds
told()
{
	n=0
	until grep -qs -- "$1" /tmp/layout/2*/events.jsonl || [ $((n += 1)) -gt 1500 ]; do usleep 20000; done
	tests=$((tests + 1))
	grep -q -- "$1" /tmp/layout/2*/events.jsonl || complain "not told: $1"
}

# Another format, and no attachment, in the middle of a run that may wear the drive, and after its end by a crash.
layout()
{
	if ! command -v nvme >/dev/null; then
		echo 'guard: SKIP layout: nvme-cli is not in the guest, so nothing changes a format meanwhile'
		tests=$((tests + 1))
		return
	fi
	line "$sb" '' wear
	was=$(flbas)
	nvrig run "kernel:/dev/$B" --allow wear --confirm "$sb" --case 'io.*' --case 'format.bad*' -q --out /tmp/layout </dev/null >/dev/null 2>&1 &
	first=$!
	until grep -qs case_begin /tmp/layout/2*/events.jsonl; do usleep 10000; done
	nvme format /dev/$B -n 1 -l 4 --force >/dev/null 2>&1 || complain 'the format is not changed'
	told 'not as it was: namespace 1h has format 4h .*; put back'
	grep -q '"opcode":128' /tmp/layout/2*/about_to.jsonl || complain 'it is not in the journal of what was about to be done'
	tests=$((tests + 1))
	[ "$(flbas)" = "$was" ] || complain "the format is $(flbas), and was $was"
	kill -KILL $first
	wait $first 2>/dev/null
	nvme format /dev/$B -n 1 -l 4 --force >err 2>&1 || { complain 'the format is not changed'; cat err; }
	line "$sb" '' data # which lets nobody format
	nvrig run --resume /tmp/layout/2* -q >err 2>&1 </dev/null
	tests=$((tests + 2))
	[ "$(flbas)" = 0x4 ] || { complain "a format is put back that the bench file does not let: $(flbas)"; cat err; }
	line "$sb" '' wear
	nvrig run --resume /tmp/layout/2* -q >err 2>&1 </dev/null
	[ "$(flbas)" = "$was" ] || complain "the format is not put back after a crash"
}

# The link leads elsewhere all the time; only what was looked at is written to.
swapped()
{
	ln -s "/dev/$b" /tmp/link
	(while ln -sfn "/dev/$c" /tmp/l2 && mv /tmp/l2 /tmp/link && ln -sfn "/dev/$b" /tmp/l2 && mv /tmp/l2 /tmp/link; do :; done) 2>/dev/null &
	other=$!
	tests=$((tests + 1))
	line "$sc" '' none # without a line it would be nobody's, and might be written to
	sed 's/"named"/"never"/' $NVRIG_BENCH >never
	line "$sb"
	cat never >>$NVRIG_BENCH
	for n in 1 2 3 4 5 6 7 8; do
		nvrig run block:/tmp/link $run --case 'blk.zeroout*' --allow data --confirm "$sb" >/dev/null 2>&1 </dev/null
	done
	kill $other # what was changed by it is seen at the end
	wait $other 2>/dev/null
}

# plug NUMBER: that drive into the slot, as soon as QEMU has it free
plug()
{
	n=0
	until [ -e /dev/nvme4n1 ] || [ $((n += 1)) -gt 30 ]; do
		echo "device_add nvme,serial=SWAP-$1,drive=xs$1,bus=free-slot,id=swap" >&9
		sleep 1
	done
}

# Plugged in where another one was, between the guards' look and the run: the same node, another serial.
hot_swap()
{
	for port in /sys/class/virtio-ports/*; do
		[ "$(cat "$port/name")" = monitor ] && exec 9<>"/dev/${port##*/}"
	done
	nvrig drive watch >watched 2>&1 &
	watcher=$!
	until grep -q 'came' watched; do usleep 20000; done # what there is already
	plug 1
	line SWAP-1 'contents = mine'
	sed 's/"named"/"next"/; s/SWAP-1/SWAP-2/' $NVRIG_BENCH >next
	cat next >>$NVRIG_BENCH
	says 0 'G1 .*serial SWAP-1' '' run kernel:/dev/nvme4 $harm --confirm SWAP-1 -n
	command -v script >/dev/null || {
		echo 'no script here: no drive was swapped while the guards asked'
		return
	}
	tests=$((tests + 2))
	: >err
	(
		until grep -q 'Type the last' err; do usleep 10000; done
		echo 'device_del swap' >&9
		until [ ! -e /dev/nvme4n1 ]; do usleep 10000; done
		plug 2
		echo SWAP-1
		sleep 3
	) | script -qec "nvrig run kernel:/dev/nvme4 ${harm%-q*} ${harm#*-q}" /dev/null >err 2>&1
	is=$?
	[ $is -eq 3 ] && grep -q 'another drive is at nvme4 now: .*serial SWAP-2; it was .*SWAP-1' err ||
		complain "swapped while the guards asked: status $is"
	says 3 'G6 .*SWAP-1 is not the serial of nvme4' '' run kernel:/dev/nvme4 $harm --confirm SWAP-1
	[ "$(tr -d '\0' </dev/nvme4n1 | wc -c)" -eq 0 ] || complain 'the drive that was plugged in is changed'
	n=0
	until grep -q 'came .*SWAP-2' watched || [ $((n += 1)) -gt 500 ]; do usleep 20000; done
	kill -INT $watcher
	wait $watcher
	is=$?
	tests=$((tests + 2))
	[ $is -eq 0 ] || complain "drive watch ended with $is"
	sed -n 's/^[^ ]* \(came\|went\) .*\(SWAP-[12]\).*/\1 \2/p' watched | tr '\n' ';' >order
	[ "$(cat order)" = 'came SWAP-1;went SWAP-1;came SWAP-2;' ] || {
		complain "drive watch told: $(cat order)"
		cat watched
	}
}

wall()
{
	[ -x /bin/test_wall ] || return
	tests=$((tests + 1))
	test_wall "/dev/$b" "/dev/$c" "/dev/ng${c#nvme}" "/dev/$C" "/dev/vda" >err 2>&1
	[ "$(grep -c ' read EACCES write EACCES$' err)" -eq 4 ] && grep -q "^/dev/$b read 0 write 0" err ||
		complain 'the wall'
}

# trace COMMAND...: what it and its children open, a file a process
trace()
{
	rm -rf traced
	mkdir traced
	strace -ff -yy --seccomp-bpf -o traced/of -e trace=open,openat,openat2,creat "$@" >err 2>&1 </dev/null
}

# Of what was traced and succeeded: nodes of other drives, and files of sysfs that are not the drive's and
# were opened to be written.
foreign()
{
	set -- "/sys/class/block/$b" "/sys/class/nvme/$B" "/sys/class/nvme-generic/ng${b#nvme}"
	own=" $(cat "$1/dev" "$2/dev" "$3/dev" | tr '\n' ' ')"
	for dev in /sys/class/block/*/dev /sys/class/nvme*/*/dev; do
		number=$(cat "$dev")
		case $dev in /sys/class/block/*) kind=block ;; *) kind=char ;; esac
		case $own in *" $number "*) ;; *) echo "<$kind $number>" ;; esac
	done >others
	cat traced/* | grep -F -f others
	cat traced/* | grep 'O_WRONLY\|O_RDWR\|O_CREAT' | grep '= [0-9]*</sys/' |
		grep -v -e "= [0-9]*<$(realpath "$1")/" -e "= [0-9]*<$(realpath "$2/device")/"
}

# A run by each way in, of cases that write: its workers and itself.
traced()
{
	line "$sb" 'contents = mine'
	tests=$((tests + 2))
	trace dd if="/dev/$c" of=/dev/null count=1
	[ "$(foreign | grep -c "/dev/$c")" -eq 1 ] || complain 'a drive that is read is not seen'
	trace sh -c "cat /sys/block/$c/queue/nr_requests >/sys/block/$c/queue/nr_requests"
	[ "$(foreign | grep -c nr_requests)" -eq 1 ] || complain 'a file of sysfs that is written is not seen'
	for way in "kernel:/dev/$B --case io.flush" "block:/dev/$b --case blk.direct-align*"; do
		tests=$((tests + 1))
		set -f
		trace nvrig run $way --out /tmp/runs -q --effort quick --allow data --confirm "$sb"
		is=$?
		set +f
		foreign >>err
		[ $is -eq 0 ] && [ ! -s err ] || complain "not the drive's alone: $way: status $is"
		[ "$(grep -l "= [0-9]*</dev/.*$B" traced/* | wc -l)" -gt 1 ] || complain "no worker opened it: $way"
	done
}

# pick N: 0 to N - 1, by the seed
pick()
{
	state=$(((state * 1103515245 + 12345) % 2147483648))
	picked=$((state / 65536 % $1))
}

# word LIST...: one of them
word()
{
	pick $#
	shift "$picked"
	word=$1
}

# A layout of one drive, a command line on one, both at random: no disk but the one that the line
# names is changed, and that one only where status is 0 or a case ran.
round()
{
	word "$A" "$B" "$C"
	lay=$word
	word clean clean clean clean mounted swapped held open exported filesystem partitioned partitioned
	layout=$word
	word "$A" "$B" "$C"
	aim=$word
	serial=$(sed 's/ *$//' "/sys/class/nvme/$aim/serial")
	word "$serial" "$serial" "$serial" "$sb" "$sc" TWIN
	line_of=$word
	word data data data wear wear settings none
	may=$word
	word '' '' 'contents = mine'
	mine=$word
	line "$line_of" "$mine" "$may"
	word "kernel:/dev/$aim" "kernel:/dev/${aim}n1" "block:/dev/${aim}n1" "kernel:/dev/ng${aim#nvme}n1" named
	target=$word
	word "$serial" "$serial" "$serial" "$sb" TWIN ''
	confirm=$word
	word 'drive label' 'drive label' 'bench --rw randwrite --ios 20 --warm-up 0 --allow data' 'run'
	verb=$word
	word '' '' "--override G3:$serial" "--override G5:$serial" "--override G6:$serial"
	override=$word
	# an alias is for run and drive
	[ "$verb" = "${verb#bench}" ] || [ "$target" != named ] || target=kernel:/dev/$aim
	[ "$verb" = run ] && verb="$run --allow data $override --case blk.direct-align*"
	[ "$verb" = "${verb#bench}" ] && [ -n "$confirm" ] && verb="$verb --confirm $confirm"
	set -f
	lay_out
	sums "${A}n1" "${B}n1" "${C}n1" "$r" vda vdb >before
	nvrig $verb "$target" >err 2>&1 </dev/null
	is=$?
	sums "${A}n1" "${B}n1" "${C}n1" "$r" vda vdb >after
	set +f
	what="round $1: $layout on $lay, line $line_of may $may $mine, nvrig $verb $target: status $is"
	ended="$ended $is"
	changed=
	n=0
	for disk in "$A" "$B" "$C" R va vb; do
		n=$((n + 1))
		[ "$(sed -n ${n}p before)" = "$(sed -n ${n}p after)" ] || changed="$changed $disk"
	done
	tests=$((tests + 1))
	named=$aim
	[ "$target" != named ] || case $line_of in "$sb") named=$B ;; "$sc") named=$C ;; esac
	case $changed in
	'') ;;
	" $named")
		[ $is -ne 3 ] && [ $is -ne 64 ] && [ $is -ne 78 ] || complain "refused, and changed: $what"
		[ "$lay" != "$named" ] || [ -n "$override" ] || case $layout in
		clean) ;;
		filesystem | partitioned) # without a line it is nobody's, and so is what lies on it
			[ -n "$mine" ] || [ "$line_of" != "$(sed 's/ *$//' "/sys/class/nvme/$named/serial")" ] ||
				complain "of value, and changed: $what"
			;;
		*) complain "in use, and changed: $what" ;;
		esac
		;;
	*) complain "changed$changed: $what" ;;
	esac
	undo
}

lay_out()
{
	l=${lay}n1
	case $layout in
	mounted) mke2fs "/dev/$l" >/dev/null 2>&1 && mount -t ext4 -o ro "/dev/$l" /tmp/m ;;
	swapped) mkswap "/dev/$l" >/dev/null && swapon "/dev/$l" ;;
	held) dmsetup create one --table "0 1024 linear /dev/$l 0" 2>/dev/null ;;
	open) sleep 600 <"/dev/$l" & other=$! ;;
	exported) mkdir $q && mkdir $q/namespaces/1 && echo "/dev/$l" >$q/namespaces/1/device_path ;;
	filesystem) mke2fs "/dev/$l" >/dev/null 2>&1 ;;
	partitioned) partition "$l" ;;
	esac
}

undo()
{
	case $layout in
	mounted) umount /tmp/m ;;
	swapped) swapoff "/dev/$l" ;;
	held) dmsetup remove one ;;
	open) kill $other && wait $other 2>/dev/null ;;
	exported) rmdir $q/namespaces/1 $q ;;
	esac
	for d in "$l" "${named}n1"; do
		dd if=/dev/zero of="/dev/$d" bs=64k count=24 2>/dev/null
		blockdev --rereadpt "/dev/$d" 2>/dev/null
	done
}

q=/sys/kernel/config/nvmet/subsystems/q
ended=
if [ "$rounds" -gt 0 ]; then
	i=0
	while [ $((i += 1)) -le "$rounds" ]; do
		round $i
		[ $((i % 50)) -ne 0 ] || echo "round $i: $failed failed"
	done
	for s in 0 1 2 3 4 64 77 78; do
		echo "status $s: $(echo "$ended" | tr ' ' '\n' | grep -cx $s)"
	done
fi
others="$a $c $r vda vdb"
sums $others >others.before
if [ "$rounds" -eq 0 ]; then
	for part in $parts; do
		was=$tests
		start=$(date +%s)
		$part
		echo "$part: $((tests - was)) tests, $(($(date +%s) - start)) s"
	done
fi

sums $others >others.after
tests=$((tests + 1))
cmp -s others.before others.after || complain 'another disk was changed'
echo "in the guest: $tests tests, $failed failed"
[ "$failed" -eq 0 ]
