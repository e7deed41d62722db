#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# modinfo in three orders.
#
# Guesses, before the run: modinfo prints repeated fields in the order of the file; -F with a field that is not there
#	fails.
# Version: kmod 30+20221128-1 (Debian 12).
# Seen: authors and aliases come in the order of the file, parameters in the reverse one. -F nosuch
#	prints nothing and succeeds. By the way: with -0 fields are "key=value", but parameters keep the padded form of
#	the ordinary output ("parm:           z:...").
# Why it matters: who builds documents of a module's parameters from it (or checks them) has to sort, to split two
#	formats, and to tell empty from absent in another way.

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

deb kmod 30+20221128-1
deb libkmod2 30+20221128-1
LD_LIBRARY_PATH=$(echo root/lib/*-linux-*):$(echo root/usr/lib/*-linux-*)
export LD_LIBRARY_PATH
ln -s root/bin/kmod modinfo
cat >find.c <<'END'
#define INFO(name, text) __attribute__((section(".modinfo"), used)) static const char name[] = text;
INFO(a, "author=First") INFO(b, "author=Second")
INFO(c, "parm=x:the first") INFO(d, "parmtype=x:int")
INFO(e, "parm=z:the second") INFO(f, "parmtype=z:int")
END
cc -c -o find.ko find.c
expect "authors" "$(./modinfo -F author ./find.ko | tr '\n' ' ')" "First Second "
expect "parameters" "$(./modinfo -F parm ./find.ko | tr '\n' ' ')" "z:the second (int) x:the first (int) "
expect "-0" "$(./modinfo -0 ./find.ko | tr '\0' '\n' | grep -cE '^author=|^parm: +[xz]:')" 4
status=0
./modinfo -F nosuch ./find.ko >out || status=$?
expect "-F nosuch" "$status $(wc -c <out)" "0 0"
echo "modinfo-parm: as found: parameters in reverse, two formats with -0"
