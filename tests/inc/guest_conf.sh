# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154 # root and dir come from the test and want.sh
# A configuration of the test's own, with some of the stacks that there are. Before it is read:
# stacks, their names.
mkdir -p conf/stacks
cp -r "$root/configs/drives" "$root/configs/stores" conf
for name in $stacks; do
	cp "$root/configs/stacks/$name.conf" conf/stacks
done
NVRIG_CONFIGS=$dir/conf
export NVRIG_CONFIGS

# stack NAME LINES: a guest with the model in it
stack()
{
	cat >"conf/stacks/$1.conf" <<-END
		stack "$1" {
			about = "about $1"
			kind = "guest"
			accel = "auto"
			memory = "256Mi"
			start = "100s"
			target = "model:"
			$2
		}
	END
}
