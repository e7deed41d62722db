#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
#
# Installs the library into a folder and uses what is there, and nothing of this tree: the examples compile,
# link and run, static and shared; the header gets along with the system's <linux/watch_queue.h>; the shared
# library exports what its map says. `make check` runs it; needs CC and CXX, or takes cc and c++.
#
#   installed.sh
set -u
here=$(cd "$(dirname "$0")/.." && pwd)
cc=${CC:-cc} cxx=${CXX:-c++}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

n=0 bad=0
# ok NAME COMMAND...: one test.
ok()
{
	local name=$1 result=ok
	shift
	if ! "$@" >out 2>&1; then
		result='not ok'
		bad=$((bad + 1))
		sed 's/^/# /' out
	fi
	n=$((n + 1))
	echo "$result $n $name"
}

# flags OPTION...: what the installed wq.pc says; the folder stands for the root.
flags() { PKG_CONFIG_SYSROOT_DIR=$work/root PKG_CONFIG_LIBDIR=$work/root/usr/lib/pkgconfig pkg-config "$@" wq; }

compile()
{
	# shellcheck disable=SC2046,SC2086 # flags are many words
	$1 -Wall -Wextra -Werror -o "$2" "${@:3}" $(flags --cflags)
}

shared()
{
	compile "$cc -std=gnu11" "$2-shared" "$1" -L"$work/root/usr/lib" -lwq &&
		readelf -d "$2-shared" | grep -q 'NEEDED.*libwq\.so\.0'
}

# both COMPILER FILE [OPTION...]
both()
{
	compile "$1" both "${@:2}" -L"$work/root/usr/lib" -lwq && LD_LIBRARY_PATH=$work/root/usr/lib ./both
}

# Without a device to open it says so: it was loaded, and the library with it.
runs()
{
	local text
	text=$(LD_LIBRARY_PATH=$work/root/usr/lib timeout 20 "$1" /nonexistent 2>&1)
	echo "$text"
	grep -q ': error [0-9]' <<<"$text"
}

# Both lists as `name@@version`.
exports()
{
	local map so
	map=$(awk '/^WQ_[0-9.]* *\{/ { v = $1 } /local:/ { l = 1 } /global:/ { l = 0 }
		!l && /^\twq_[a-z_0-9]*;/ { sub(/;/, "", $1); print $1 "@@" v }' "$here/libwq.map" | sort)
	so=$(nm -D --defined-only --with-symbol-versions root/usr/lib/libwq.so.0 | awk '$2 != "A" { print $3 }' | sort)
	[ -n "$map" ] && diff <(echo "$map") <(echo "$so")
}

# What the header declares as functions of the library, each in the map.
declared()
{
	local f rc=0
	while read -r f; do
		grep -q "^	$f;" "$here/libwq.map" || { echo "$f is not in the map"; rc=1; }
	done < <(sed -nE 's/^(int |void |const char \*)(wq_[a-z_0-9]+)\(.*/\2/p' root/usr/include/watch_queue/wq.h)
	return $rc
}

echo "TAP version 13"
ok install make -s -C "$here" install DESTDIR="$work/root" PREFIX=/usr OUT="$work/build"
ok "no file of mainline's name" test ! -e root/usr/include/linux/watch_queue.h
ok "version of wq.pc" test "$(flags --modversion)" = "$(cat "$here/../../../../VERSION")"
ok "exports are the map" exports
ok "declarations are in the map" declared
for source in "$here"/examples/*.c; do
	name=$(basename "$source" .c)
	# A copy elsewhere, so that nothing beside it is found.
	cp "$source" "$name.c"
	ok "$name, static" compile "$cc -std=gnu11 -static" "$name-static" "$name.c" -L"$work/root/usr/lib" -lwq
	ok "$name, shared" shared "$name.c" "$name"
	ok "$name runs, static" runs "./$name-static"
	ok "$name runs, shared" runs "./$name-shared"
done
for order in "" -DOURS_FIRST; do
	cp "$here/tests/both_names.c" both.c
	cp both.c both.cc
	# shellcheck disable=SC2086 # none or one word
	ok "beside mainline's header, C $order" both "$cc -std=gnu11" both.c $order
	# shellcheck disable=SC2086
	ok "beside mainline's header, C++ $order" both "$cxx -std=c++17" both.cc $order
done
echo "1..$n"
[ $bad = 0 ]
