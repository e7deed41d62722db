#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Two names that are one, and a checker that is content.
#
# Guess, before the run: debugfs refuses to write "foo" beside "Foo" into a casefolded directory of ext4; if not,
#	e2fsck finds the two.
# Version: e2fsprogs 1.47.0-2+b2 (Debian 12).
# Seen: debugfs makes both, and `e2fsck -fn` finds nothing to say about it (exit status 0).
# Why it matters: in such a directory the kernel finds one of them by either name, so that events carry one name for
#	two files: whoever tests a watcher on casefolded directories with images made offline must not take
#	a clean check for a possible state.

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

deb e2fsprogs 1.47.0-2+b2
deb libext2fs2 1.47.0-2+b2
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*)
export LD_LIBRARY_PATH
truncate -s 16M image
root/sbin/mke2fs -q -t ext4 -O casefold -E encoding=utf8 image
echo content >file
# 0x40000000: casefolded, 0x80000: its map is of extents.
cat >commands <<'END'
mkdir /ci
set_inode_field /ci flags 0x40080000
cd /ci
write file Foo
write file foo
END
root/sbin/debugfs -w -f commands image >debugfs.out 2>&1
expect "debugfs 1.47.0" "$(root/sbin/debugfs -R 'ls -p /ci' image 2>/dev/null | cut -d / -f 6 | grep -i foo | tr '\n' ' ')" "Foo foo "
status=0
root/sbin/e2fsck -fn image >e2fsck.out 2>&1 || status=$?
expect "e2fsck 1.47.0" "$status" 0
echo "debugfs-casefold: as found: Foo and foo lie in one casefolded directory, e2fsck is content"
