#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every header compiles alone, so that they can be included in any order.
# usage: headers.sh NVRIG SOURCE_DIR, with CC and CFLAGS as the build has them
set -u
root=$2
failed=0
count=0

cd "$root" || exit 2
for header in $(find lib rig -name '*.h' | sort); do
	count=$((count + 1))
	# shellcheck disable=SC2086 # CFLAGS is a list
	printf '#include "%s"\n' "$header" |
		"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -DNVRIG_VERSION='""' -Wall -Wextra -Werror \
			-Ilib -I. ${CFLAGS:-} -fsyntax-only -x c - || {
		echo "headers: $header does not compile alone" >&2
		failed=$((failed + 1))
	}
done
echo "headers: $count headers, $failed do not compile alone"
[ "$count" -gt 0 ] && [ "$failed" -eq 0 ]
