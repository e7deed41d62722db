#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The first line of KTAP makes a TAP reader fail the file.
#
# Guess, before the run: a TAP consumer takes "KTAP version 1" for an unknown line and goes on, so that a run in
#	which everything passed passes; indented subtests are not counted.
# Version: tap.py 3.2.1 (Python; its command tappy).
# Seen: subtests are skipped as guessed, but the first line counts as something before the plan: "A plan must appear
#	at the beginning or end of the file", exit status 1. With "TAP version 13" in its place, as kselftest writes
#	at its top, the same file passes.
# Why it matters: KUnit's output and that of single kselftests begin with the KTAP line; a CI that hands them to this
#	reader is red although all tests passed.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# wheel PACKAGE VERSION: installs it into py/.
wheel() {
	python3 -m pip install -q --root-user-action ignore --target py "$1==$2" >pip.log 2>&1 || {
		echo "$1 $2 cannot be had any more: pin the version of today and look again" >&2
		exit 2
	}
}
export PYTHONPATH="$tmp/py" PYTHONDONTWRITEBYTECODE=1

# expect WHAT SEEN WANTED: fails if what was found once is not so any more.
expect() {
	[ "$2" = "$3" ] && return
	printf '%s changed\n  then: %s\n  now:  %s\n' "$1" "$3" "$2" >&2
	exit 1
}

wheel tap.py 3.2.1
results='1..2
  KTAP version 1
  1..1
  ok 1 ring.wrap
ok 1 ring
ok 2 queue'
printf 'TAP version 13\n%s\n' "$results" >tap
printf 'KTAP version 1\n%s\n' "$results" >ktap
status=0
python3 py/bin/tappy tap >tap.out 2>&1 || status=$?
expect "tappy 3.2.1 of TAP" "$status" 0
status=0
python3 py/bin/tappy ktap >ktap.out 2>&1 || status=$?
expect "tappy 3.2.1 of KTAP" "$status $(grep -c 'A plan must appear at the beginning or end' ktap.out)" "1 1"
echo "tappy-ktap: as found: a file that passes as TAP fails as KTAP"
