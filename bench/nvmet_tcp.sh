#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# 4 KiB random reads over loopback against the kernel's NVMe/TCP target, in one guest: our initiator (tcp:), and the kernel's host
# driven by nvrig (block:, io_uring) and by fio where there is one. I/Os a second, and CPU time an I/O of the whole guest, target
# included. usage: nvmet_tcp.sh NVRIG [SECONDS [DEPTH]]
set -eu
nvrig=$1
seconds=${2:-5}
depth=${3:-32}

script=$(mktemp)
trap 'rm -f "$script"' EXIT
cat >"$script" <<END
busy()
{
	awk '/^cpu / { print \$2 + \$3 + \$4 + \$7 + \$8 }' /proc/stat
}
# rate NAME COMMAND...: its I/Os, from the JSON that it prints
rate()
{
	name=\$1
	shift
	before=\$(busy)
	"\$@" >/tmp/bench.json 2>/tmp/bench.err || cat /tmp/bench.err >&2
	after=\$(busy)
	iops=\$(tr ',' '\n' </tmp/bench.json | sed -n 's/.*"iops" *: *\([0-9][0-9]*\).*/\1/p' | sort -n | tail -n 1)
	echo "rate \$name \${iops:-0} \$((after - before))"
}
bench="--bs 4Ki --depth $depth --seconds $seconds --warm-up 0 --json -q"
rate tcp nvrig bench 'tcp:127.0.0.1:4420/nqn.2024-01.org.example:rig0?hostnqn=nqn.2024-01.org.example:bench' \$bench
rate block nvrig bench block:/dev/nvme0n1 \$bench
! command -v fio >/dev/null || rate fio fio --name=a --filename=/dev/nvme0n1 --direct=1 --rw=randread --bs=4k --iodepth=$depth \
	--ioengine=libaio --time_based --runtime=$seconds --output-format=json
END
"$nvrig" vm --stack nvmet-tcp -- sh -c "$(cat "$script")" |
	awk -v s="$seconds" '/^rate/ { n[$2] = $3; us = $3 ? $4 * 10000 / ($3 * s) : 0
			printf "%-6s %8d I/Os a second, %7.1f us of CPU an I/O, all in all\n", $2, $3, us }
		END { if (n["block"] > 0) printf "tcp / block %.2f\n", n["tcp"] / n["block"]
			if (n["fio"] > 0) printf "tcp / fio   %.2f\n", n["tcp"] / n["fio"] }'
