#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A field that is text in one line and a list of numbers in the next.
#
# Guess, before the run: journalctl -o json gives a field as a list of numbers where the export format has to give it
#	as binary, that is when it holds a newline; everything else that is UTF-8 is a string.
# Version: systemd 252.39-1~deb12u2 (Debian 12).
# Seen: the other way round. A field with a newline is a string in JSON ("a\nb"), although the export format calls it
#	binary; one with an escape character, as coloured messages have, is a list of numbers. Two MESSAGE fields make
#	a list of strings, so that a list has two meanings.
# Why it matters: names of files may hold both characters. Who reads events back out of the journal has to expect
#	three JSON types for one field.

set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"

# deb PACKAGE VERSION: unpacks it into root/.
deb() {
	apt-get download -q "$1=$2" >apt.log 2>&1 || {
		echo "$1 $2 cannot be had any more: pin the version of today and look again" >&2
		exit 2
	}
	dpkg-deb -x "$1"_*.deb root
	rm -f "$1"_*.deb
}

# expect WHAT SEEN WANTED: fails if what was found once is not so any more.
expect() {
	[ "$2" = "$3" ] && return
	printf '%s changed\n  then: %s\n  now:  %s\n' "$1" "$3" "$2" >&2
	exit 1
}

deb systemd-journal-remote '252.39-1~deb12u2'
deb libsystemd-shared '252.39-1~deb12u2'
deb libsystemd0 '252.39-1~deb12u2'
deb libmicrohttpd12 0.9.75-6
deb systemd '252.39-1~deb12u2'
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*):$(echo root/usr/lib/*-linux-*):$(echo root/usr/lib/*-linux-*/systemd):$(echo root/lib/*-linux-*/systemd)
export LD_LIBRARY_PATH
{
	printf '__REALTIME_TIMESTAMP=1000000000000000\n__MONOTONIC_TIMESTAMP=5\n'
	printf '_BOOT_ID=00112233445566778899aabbccddeeff\n'
	printf 'MESSAGE=one\nMESSAGE=two\n'
	printf 'NEWLINE\n\003\000\000\000\000\000\000\000a\nb\n'
	printf 'ESCAPE=\033b\nTAB=a\tb\n\n'
} >in.export
root/lib/systemd/systemd-journal-remote -o out.journal in.export >remote.log 2>&1
expect "journalctl 252.39 -o json" "$(root/bin/journalctl --file out.journal -o json | python3 -c '
import json, sys
entry = json.loads(sys.stdin.read())
print(*(json.dumps(entry[name]) for name in ("MESSAGE", "NEWLINE", "ESCAPE", "TAB")))')" \
	'["one", "two"] "a\nb" [27, 98] "a\tb"'
expect "binary in the export format" "$(root/bin/journalctl --file out.journal -o export | grep -aE '^(NEWLINE|ESCAPE|TAB)' | cut -c 1-8 | sort | tr '\n' ' ')" \
	"ESCAPE NEWLINE TAB=a	b "
echo "journal-json: as found: newline a string, escape a list of numbers"
