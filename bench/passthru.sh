#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Commands a second through kernel: and through nvme-cli, in one guest on QEMU's controller: reads of one block, one at a time.
# nvme-cli is a process a command, which is what a script of its calls pays. usage: passthru.sh NVRIG [SECONDS]
set -eu
nvrig=$1
seconds=${2:-3}

"$nvrig" vm --stack guest-qemu -- sh -c "
	nvrig bench kernel:/dev/nvme0n1 --bs 512 --depth 1 --seconds $seconds --json -q >/tmp/bench.json
	tr ',' '\n' </tmp/bench.json | sed -n 's/.*\"iops\": *\([0-9]*\).*/kernel \1/p' | head -n 1
	command -v nvme >/dev/null || { echo 'nvme-cli none'; exit 0; }
	end=\$((\$(date +%s) + $seconds + 1)) n=0
	until [ \$(date +%s) -ge \$((end - $seconds)) ]; do :; done
	while [ \$(date +%s) -lt \$end ]; do
		nvme io-passthru /dev/nvme0n1 --opcode=2 --namespace-id=1 --data-len=512 --read -b >/dev/null 2>&1
		n=\$((n + 1))
	done
	echo nvme-cli \$((n / $seconds))" |
	awk '{ rate[$1] = $2; printf "%-9s %s commands a second\n", $1, $2 }
		END { if (rate["nvme-cli"] > 0) printf "ratio     %.0f\n", rate["kernel"] / rate["nvme-cli"] }'
