#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A mask of 64 bits becomes an i32 of minus one.
#
# Guess, before the run: bindgen gives a macro the type of its C expression: 0xffffffffffffffffULL a u64, 1ULL << 63
#	a u64; what it cannot evaluate (a cast) is left out.
# Version: bindgen 0.60.1-2+b2 (Debian 12) with libclang 18.1.1 (the Python wheel that carries the library).
# Seen: the value goes through an i64 and then gets the smallest type that fits: `pub const ALL: i32 = -1`,
#	`pub const TOP: i64 = -9223372036854775808`; but 1ULL << 40 is a u64 and 1 << 31, an int in C, a u32. Macros with a
#	cast, a comparison or ?: are left out without a word.
# Why it matters: headers of the kernel's interface are full of such masks. `ALL as u64` happens to be right by sign
#	extension, `u64::from(ALL)` does not compile, and a mask whose constant is missing is noticed late.

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

deb bindgen 0.60.1-2+b2
wheel libclang 18.1.1
cat >uapi.h <<'END'
#define ALL 0xffffffffffffffffULL
#define TOP (1ULL << 63)
#define MID (1ULL << 40)
#define INT (1 << 31)
#define CAST ((unsigned int)1 << 3)
#define LESS (1 < 2)
#define CHOICE (1 ? 2 : 3)
END
LIBCLANG_PATH=py/clang/native root/usr/bin/bindgen uapi.h >out.rs
expect "bindgen 0.60.1" "$(grep -o 'const .*' out.rs | tr '\n' ' ')" \
	"const ALL: i32 = -1; const TOP: i64 = -9223372036854775808; const MID: u64 = 1099511627776; const INT: u32 = 2147483648; "
echo "bindgen-u64: as found: the mask of all 64 bits is an i32"
