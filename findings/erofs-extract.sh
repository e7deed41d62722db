#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Hard links come apart on the way out of an erofs image.
#
# Guess, before the run: erofs-utils keep hard links: one inode with as many names, into the image and out of it.
# Version: erofs-utils 1.5-1 (Debian 12).
# Seen: half right. The image has one inode ("Links: 2"; dump.erofs asked for /b even calls it "/a"), the extracted tree two
#	files with one link each. (unsquashfs 4.5.1 links them again.)
# Why it matters: after a restore by this way, a write by one name is no longer told by the other; tests of watches
#	on hard links must not take their tree from there.

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

deb erofs-utils 1.5-1
mkdir tree
echo content >tree/a
ln tree/a tree/b
root/usr/bin/mkfs.erofs image tree >mkfs.log 2>&1
expect "dump.erofs 1.5 of /b" "$(root/usr/bin/dump.erofs --path=/b image | grep -oE '^File : .*|Links: [0-9]+' | tr '\n' ' ')" \
	"File : /a Links: 2 "
root/usr/bin/fsck.erofs --extract=out image >fsck.log 2>&1
expect "fsck.erofs 1.5 --extract" "$(stat -c %h out/a out/b | tr '\n' ' ')" "1 1 "
[ "$(stat -c %i out/a)" != "$(stat -c %i out/b)" ] || expect "inodes" same different
echo "erofs-extract: as found: two names of one inode become two files"
