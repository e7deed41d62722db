#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests tools/vm/run on the release kernel: exit statuses, streams, files, time-outs,
# splats, equal counted runs, and what it says to wrong arguments. Speaks KTAP for
# tools/testing/run.
#
# shellcheck disable=SC2317 # functions are called by check
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0

# check NAME COMMAND...: COMMAND must succeed.
check()
{
	local name=$1 word=ok

	shift
	n=$((n + 1))
	if ! "$@"; then
		word='not ok'
		failed=1
		sed 's/^/# /' "$tmp/err"
	fi
	echo "$word $n $name"
}

# vm STATUS ARGUMENT...: tools/vm/run must end with STATUS; its streams are in $tmp.
vm()
{
	local want=$1 got

	shift
	"$top/tools/vm/run" --no-module "$@" >"$tmp/out" 2>"$tmp/err"
	got=$?
	[ "$got" -eq "$want" ] || { echo "# exit status $got instead of $want"; return 1; }
}

# refused TEXT ARGUMENT...: status 2, a message with TEXT and a hint.
refused()
{
	local text=$1

	shift
	"$top/tools/vm/run" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	[ $? -eq 2 ] && grep -qF -- "$text" "$tmp/err" && grep -q '^  -> ' "$tmp/err" && [ ! -s "$tmp/out" ]
}

streams()
{
	vm 3 -- sh -c 'echo to stdout; echo to stderr >&2; exit 3' &&
		[ "$(cat "$tmp/out")" = "to stdout" ] && [ "$(cat "$tmp/err")" = "to stderr" ]
}

binary()
{
	head -c 3000000 /dev/urandom >"$tmp/data"
	vm 0 --stdin -- cat <"$tmp/data" && cmp -s "$tmp/data" "$tmp/out"
}

words() { vm 0 -- printf '%s|' "it's" 'a  b' '$HOME' '' '\n' && [ "$(cat "$tmp/out")" = "it's|a  b|\$HOME||\\n|" ]; }

added()
{
	mkdir -p "$tmp/folder/sub"
	echo content >"$tmp/folder/sub/file"
	vm 0 --add "$tmp/folder:/opt/x" --add /usr/bin/sha256sum -- sha256sum /opt/x/sub/file &&
		[ "$(cut -d ' ' -f 1 "$tmp/out")" = "$(sha256sum "$tmp/folder/sub/file" | cut -d ' ' -f 1)" ]
}

at_once()
{
	local first

	"$top/tools/vm/run" --no-module -- sh -c 'sleep 2; echo first' >"$tmp/first" 2>/dev/null &
	first=$!
	vm 0 -- sh -c 'sleep 2; echo second' && wait "$first" &&
		[ "$(cat "$tmp/first")" = first ] && [ "$(cat "$tmp/out")" = second ]
}

interrupted()
{
	local run

	"$top/tools/vm/run" --no-module --verbose -- sleep 100 >"$tmp/out" 2>"$tmp/err" &
	run=$!
	until grep -q 'guest ready' "$tmp/err"; do
		[ -d "/proc/$run" ] || return 1
		sleep 0.2
	done
	kill -TERM "$run"
	wait "$run"
	[ $? -eq 143 ]
}

counted()
{
	# shellcheck disable=SC2016 # for the guest
	local work='i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); done; cat /proc/uptime'

	vm 0 --icount "$@" --log "$tmp/one" -- sh -c "$work" && cp "$tmp/out" "$tmp/first" &&
		vm 0 --icount "$@" --log "$tmp/two" -- sh -c "$work" && cmp "$tmp/out" "$tmp/first" && cmp "$tmp/one" "$tmp/two"
}

broken_pipe() { "$top/tools/vm/run" --no-module -- yes 2>"$tmp/err" | head -n 1 >"$tmp/out"; [ "${PIPESTATUS[0]}" -eq 141 ]; }
told() { grep -qF "$1" "$tmp/err"; }

echo "KTAP version 1"
check "status and streams" streams
check "three million random bytes in and out" binary
check "words arrive as they are" words
check "added folders and dynamic programs" added
check "a program that is not there" vm 127 -- nosuchprogram
check "the time is over" vm 124 --timeout 5 -- sleep 100
check "which is said" told "did not end within 5 s"
check "a splat" vm 99 -- sh -c 'echo "WARNING: made up for a test" >/dev/kmsg'
check "which is printed" told "WARNING: made up for a test"
check "a panic" vm 99 -- sh -c 'echo c >/proc/sysrq-trigger; sleep 100'
check "a VM that ends by itself" vm 125 -- poweroff -f
check "a reader that goes away" broken_pipe
check "two at once" at_once
check "interrupted" interrupted
check "counted runs are equal" counted
check "counted runs of three CPUs are equal" counted --cpus 3
check "no leak check without kmemleak" vm 125 --kmemleak -- true
check "unknown option" refused "unknown option '--frobnicate'" --frobnicate -- true
check "no command" refused "no command"
check "no separator" refused "put -- before" true
check "unknown kernel" refused "is none of release, debug, norust and stock" --kernel fast -- true
check "too many CPUs" refused "--cpus 64" --cpus 64 -- true
check "bad memory" refused "--mem lots" --mem lots -- true
check "bad time" refused "--timeout soon" --timeout soon -- true
check "missing file" refused "there is no /nonexistent" --add /nonexistent -- true
check "missing value" refused "--mem needs a value" --mem
check "a shell without a terminal" refused "needs a terminal" --shell
check "suites without KUnit" refused "--kunit needs" --kunit -- true
echo "1..$n"
exit $failed
