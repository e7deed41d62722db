#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A path unit that starts nothing passes its check.
#
# Guess, before the run: `systemd-analyze verify` of a .path unit fails when the service that it would start does not
#	exist, and when its path is relative.
# Version: systemd 252.39-1~deb12u2 (Debian 12).
# Seen: the relative path fails, but only as it leaves the unit without any path. The missing service is not
#	mentioned: no output, exit status 0. By the way: neither is a `*` in PathChanged=, which is no pattern
#	there.
# Why it matters: path units are how most systems watch files with inotify; a unit that watches for nothing, or
#	wakes nothing, looks checked.

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

deb systemd '252.39-1~deb12u2'
deb libsystemd-shared '252.39-1~deb12u2'
deb libsystemd0 '252.39-1~deb12u2'
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*):$(echo root/usr/lib/*-linux-*/systemd):$(echo root/lib/*-linux-*/systemd)
export LD_LIBRARY_PATH
mkdir units
printf '[Path]\nPathModified=relative/x\n' >units/one.path
printf '[Service]\nExecStart=/bin/true\n' >units/one.service
printf '[Path]\nPathModified=/tmp/x\n' >units/two.path
printf '[Path]\nPathChanged=/tmp/*.conf\n' >units/three.path

# verify UNIT: the exit status, and the number of lines that name the unit.
verify() {
	status=0
	root/usr/bin/systemd-analyze verify --man=no "units/$1.path" >out 2>&1 || status=$?
	echo "$status $(grep -c "$1" out)"
}
expect "relative path" "$(verify one)" "1 3"
expect "no service" "$(verify two)" "0 0"
expect "pattern" "$(verify three)" "0 0"
echo "analyze-path: as found: a path unit without a service passes"
