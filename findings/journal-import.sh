#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An entry that is thrown away, and success.
#
# Guess, before the run: systemd-journal-remote gives an entry of the export format that has no
#	__REALTIME_TIMESTAMP the present time, as journald does with what it receives; fields that cannot be (names in
#	small letters) are left out, the entry is kept.
# Version: systemd-journal-remote 252.39-1~deb12u2 (Debian 12).
# Seen: the fields as guessed, but the entry without a time is dropped: "Entry is invalid, ignoring", exit status 0.
# Why it matters: a program that writes events in this format (watchers do, for journalctl to read) and leaves the
#	time to the reader loses all of them, while the exit status says that all went well.

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
cat >in.export <<'END'
MESSAGE=without a time
PRIORITY=6

__REALTIME_TIMESTAMP=1000000000000000
__MONOTONIC_TIMESTAMP=5
_BOOT_ID=00112233445566778899aabbccddeeff
MESSAGE=with a time
lower=dropped

END
status=0
root/lib/systemd/systemd-journal-remote -o out.journal in.export >remote.log 2>&1 || status=$?
expect "systemd-journal-remote 252.39" "$status $(grep -c 'Entry is invalid, ignoring' remote.log)" "0 1"
expect "what arrived" "$(root/bin/journalctl --file out.journal -o export | grep -v ^_ | tr '\n' ' ')" "MESSAGE=with a time  "
echo "journal-import: as found: the entry without a time is dropped, exit status 0"
