#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A tree with a hard link to the outside makes an image that fails its own check.
#
# Guess, before the run: mkfs.btrfs --rootdir counts the names in the tree as the links of a file, as mke2fs -d
#	and mkfs.erofs do.
# Version: btrfs-progs 6.2-1+deb12u2 (Debian 12).
# Seen: wrong. The link count is the one of the source (2 for a file whose other name lies outside), so that
#	`btrfs check` of the fresh image fails. By the way: its inode numbers are those of the source's file system plus 256.
# Why it matters: handles and (device, inode) pairs in tests that use such images depend on the machine that made
#	them, and a file in it never reaches a link count of 0, by which deletion is told.

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

deb btrfs-progs 6.2-1+deb12u2
deb liblzo2-2 2.10-2
PATH=$tmp/root/bin:$tmp/root/sbin:$PATH
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*)
export LD_LIBRARY_PATH
mkdir tree
echo content >tree/a
ln tree/a outside
truncate -s 200M image
mkfs.btrfs -q --rootdir tree image >mkfs.log 2>&1
number=$(($(stat -c %i tree/a) + 256))
btrfs inspect-internal dump-tree -t 5 image >dump
expect "number of the inode" "$(grep -c "key ($number INODE_ITEM 0) itemoff" dump)" 1
expect "links of the only name" "$(grep -A 3 "key ($number INODE_ITEM 0) itemoff" dump | grep -o 'links [0-9]*')" "links 2"
status=0
btrfs check image >check.log 2>&1 || status=$?
expect "btrfs check" "$status $(grep -c 'errors found in fs roots' check.log)" "1 1"
# Without the link to the outside the same is clean.
rm outside
truncate -s 0 image
truncate -s 200M image
mkfs.btrfs -q --rootdir tree image >mkfs.log 2>&1
status=0
btrfs check image >check.log 2>&1 || status=$?
expect "btrfs check without the outer link" "$status" 0
echo "btrfs-rootdir: as found: links counted outside of the tree, inode numbers of the source plus 256"
