# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh disable=SC2154 # nvrig comes from the test
# What the shell tests share. Before it is read: nvrig, the program under test. It makes $dir, goes
# there, and removes it at the end; tests and failed are the sums.
: "${nvrig:?}"
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
tests=0
failed=0
cd "$dir" || exit 2

# patience, when set: seconds that a command may take, in place of 60

# want STATUS STDOUT STDERR ARGUMENT...: STDOUT and STDERR are basic regular expressions, - is empty, + anything
want()
{
	want_status=$1 want_out=$2 want_err=$3
	shift 3
	tests=$((tests + 1))
	timeout "${patience:-60}" "$nvrig" "$@" >"$dir/out" 2>"$dir/err" </dev/null
	status=$?
	if [ "$status" -ne "$want_status" ]; then
		complain "status $status, want $want_status" "$@"
	elif ! has "$want_out" "$dir/out"; then
		complain "standard output has no '$want_out'" "$@"
	elif ! has "$want_err" "$dir/err"; then
		complain "standard error has no '$want_err'" "$@"
	fi
}

has()
{
	case $1 in
	-) [ ! -s "$2" ] ;;
	+) true ;;
	*) grep -q -- "$1" "$2" ;;
	esac
}

complain()
{
	failed=$((failed + 1))
	echo "FAIL: $1"
	shift
	echo "  nvrig $*"
	sed 's/^/  out: /' "$dir/out" | head -n 20
	sed 's/^/  err: /' "$dir/err" | head -n 20
}

# check TEXT COMMAND...: the command succeeds
check()
{
	text=$1
	shift
	tests=$((tests + 1))
	"$@" >"$dir/out" 2>"$dir/err" && return
	complain "$text" "($*)"
}

# need_guest NAME STACK: without it test NAME is skipped; a stack that cannot be read is a failure
need_guest()
{
	lacks=$("$nvrig" list --stacks "$2" 2>&1 | sed -n 's/.*not here: //p')
	case $lacks in
	'') return ;;
	*.conf:*) echo "FAIL: $lacks" && exit 1 ;;
	esac
	echo "$1: SKIP: no guest can be booted here: $lacks"
	exit 77
}

# verdicts DIRECTORY: one line a case and row
verdicts()
{
	sed -n 's/.*"type":"case_end","case":"\([^"]*\)",\("row":"\([^"]*\)",\)*.*"verdict":"\([^"]*\)".*/\1[\3] \4/p' \
		"$1"/2*/events.jsonl
}

# summary NAME: last line of a test
summary()
{
	echo "$1: $tests tests, $failed failed"
	[ "$tests" -gt 0 ] && [ "$failed" -eq 0 ]
}
