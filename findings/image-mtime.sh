#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What an image made from a directory keeps of the time.
#
# Guess, before the run: mke2fs -d, mkfs.btrfs --rootdir and mkfs.erofs keep the modification time of a file, to the
#	nanosecond, as these formats can. (Written for the first and the last; btrfs was looked at beside them.)
# Versions: e2fsprogs 1.47.0-2+b2, btrfs-progs 6.2-1+deb12u2, erofs-utils 1.5-1 (Debian 12).
# Seen: only mkfs.erofs does. The others keep the second and write 0 for the fraction.
# Why it matters: a watcher that compares (inode, size, mtime) with what it knew finds every file changed after
#	such an image has been made, or misses a change within the second.

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
deb btrfs-progs 6.2-1+deb12u2
deb liblzo2-2 2.10-2
deb erofs-utils 1.5-1
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*)
export LD_LIBRARY_PATH
mkdir tree
echo content >tree/a
touch -d '2001-02-03 04:05:06.789 UTC' tree/a

truncate -s 16M ext4
root/sbin/mke2fs -q -t ext4 -d tree ext4
expect "mke2fs 1.47.0" "$(root/sbin/debugfs -R 'stat /a' ext4 2>/dev/null | grep -o 'mtime: [0-9a-fx:]*')" \
	"mtime: 0x3a7b8372:00000000"
truncate -s 200M btrfs
root/sbin/mkfs.btrfs -q --rootdir tree btrfs >btrfs.log 2>&1
expect "mkfs.btrfs 6.2" "$(root/bin/btrfs inspect-internal dump-tree -t 5 btrfs | grep -o 'mtime 981173106[.][0-9]*')" \
	"mtime 981173106.0"
root/usr/bin/mkfs.erofs erofs tree >erofs.log 2>&1
expect "mkfs.erofs 1.5" "$(TZ=UTC0 root/usr/bin/dump.erofs --path=/a erofs | grep Timestamp)" \
	"Timestamp: 2001-02-03 04:05:06.789000000"
echo "image-mtime: as found: ext4 and btrfs images lose the fraction of the second, erofs keeps it"
