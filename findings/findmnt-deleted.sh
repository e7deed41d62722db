#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A mount whose mount point is gone has a path that never was.
#
# Guess, before the run: findmnt takes the kernel's "//deleted" off the mount point and the root that it reads from
#	mountinfo (a name cannot hold "//"), and leaves a directory that is really called "x (deleted)" alone.
# Version: util-linux 2.38.1-5+deb12u3 (Debian 12).
# Seen: the second half is right, the first is not: TARGET is "/mnt/gone//deleted" and FSROOT "/sub//deleted", as if
#	that were a path.
# Why it matters: a mount whose mount point was removed in another mount namespace can be there until it is
#	unmounted; who joins mount events with this output by path gets one that opens something else or nothing.

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

deb util-linux 2.38.1-5+deb12u3
deb libmount1 2.38.1-5+deb12u3
deb libblkid1 2.38.1-5+deb12u3
deb libsmartcols1 2.38.1-5+deb12u3
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*):$(echo root/usr/lib/*-linux-*)
export LD_LIBRARY_PATH
cat >mountinfo <<'END'
21 1 8:1 / / rw,relatime shared:1 - ext4 /dev/root rw
22 21 0:30 / /mnt/gone//deleted rw,relatime shared:2 - tmpfs none rw
23 21 0:31 / /mnt/report\040(deleted) rw,relatime shared:3 - tmpfs none rw
24 21 8:2 /sub//deleted /mnt/bind rw,relatime shared:4 - ext4 /dev/sdb rw
END
expect "findmnt 2.38.1" "$(root/bin/findmnt --tab-file mountinfo -n -r -o TARGET,FSROOT | tail -n +2)" \
	'/mnt/gone//deleted /
/mnt/report\x20(deleted) /
/mnt/bind /sub//deleted'
echo "findmnt-deleted: as found: //deleted is printed as a part of the path"
