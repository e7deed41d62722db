#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests `make install` as a packager and a user meet it: exactly these files, none with the build's paths in
# it, and README's example in C compiled, linked and run with what was installed and nothing of this tree. Speaks
# KTAP for tools/testing/run.
#
# shellcheck disable=SC2317 # functions are called by check
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
n=0 failed=0 version=$(cat "$top/VERSION")

# check NAME COMMAND...: COMMAND must succeed; what it says is shown otherwise.
check()
{
	local name=$1 word=ok

	shift
	n=$((n + 1))
	if ! "$@" >"$tmp/said" 2>&1; then
		word='not ok'
		failed=1
		sed 's/^/# /' "$tmp/said"
	fi
	echo "$word $n $name"
}

install_to() { make -s -C "$top" install DESTDIR="$tmp/root" "$@"; }

# files FOLDER: each file and link below it is one of these, and each of these is there.
files()
{
	local lib=${2:-lib}

	diff <(cd "$1" && find . ! -type d | cut -c 3- | sort) <(sort <<END
bin/watchq
include/linux/watch_queue_dev.h
include/watch_queue/wq.h
$lib/libwq.a
$lib/libwq.so
$lib/libwq.so.0
$lib/libwq.so.$version
$lib/pkgconfig/wq.pc
lib/modules-load.d/watch-queue.conf
lib/systemd/system/watchq-monitor@.service
share/bash-completion/completions/watchq
share/doc/watch-queue/examples/60-watch-queue.rules
share/doc/watch-queue/examples/consumer.c
share/fish/vendor_completions.d/watchq.fish
share/man/man1/watchq.1
share/man/man4/watch_queue.4
share/zsh/site-functions/_watchq
END
	)
}

# Everyone may read what is installed, and run what is a program.
readable()
{
	local bad

	bad=$(find "$tmp/root" ! -type l ! -perm -444; find "$tmp/root" -type d ! -perm -555;
		find "$tmp/root" -path '*/bin/*' ! -perm -555)
	echo "$bad"
	[ -z "$bad" ]
}

# No text tells where it was built, where DESTDIR was, or has a place that was not filled in.
clean() { ! grep -rIlE "$top|$tmp|@[A-Z]+@" "$tmp/root"; }

# The example of README, with the commands that stand there.
example()
{
	local flags

	mkdir -p "$tmp/example"
	awk '/^```c$/ { on = 1; next } /^```/ { on = 0 } on' "$top/README.md" >"$tmp/example/consumer.c"
	[ -s "$tmp/example/consumer.c" ] || return 1
	cd "$tmp/example" || return 1
	flags=$(PKG_CONFIG_SYSROOT_DIR=$tmp/root PKG_CONFIG_LIBDIR=$tmp/root/usr/lib/pkgconfig pkg-config --cflags --libs wq) || return 1
	# shellcheck disable=SC2086 # flags are many words
	cc consumer.c -Wall -Wextra -Werror -o consumer $flags || return 1
	# Without a device, or for a path that is not there, it says so: it was linked and the library loaded.
	LD_LIBRARY_PATH=$tmp/root/usr/lib timeout 20 ./consumer /nonexistent 2>&1 | grep '^consumer: error [0-9]'
}

manual()
{
	head -n 5 "$tmp/root/usr/share/man/man1/watchq.1" | grep -q '^\.TH watchq 1' &&
		head -n 60 "$tmp/root/usr/share/man/man4/watch_queue.4" | grep -qi '^\.TH "\{0,1\}watch_queue"\{0,1\} "\{0,1\}4'
}

completions()
{
	bash -n "$tmp/root/usr/share/bash-completion/completions/watchq" || return 1
	# shellcheck disable=SC2016 # for the inner shell
	bash -c '. "$1"; complete -p watchq' - "$tmp/root/usr/share/bash-completion/completions/watchq" &&
		grep -q '^#compdef watchq' "$tmp/root/usr/share/zsh/site-functions/_watchq" &&
		grep -q '^complete -c watchq' "$tmp/root/usr/share/fish/vendor_completions.d/watchq.fish"
}

# systemd's own checker, where there is one, finds nothing in the unit but that the program is elsewhere.
unit()
{
	local unit=$tmp/watchq-monitor@tmp.service program=/usr/bin/watchq

	grep -q "^ExecStart=$program " "$tmp/root/usr/lib/systemd/system/watchq-monitor@.service" || return 1
	command -v systemd-analyze >/dev/null || return 0
	sed "s,$program,$tmp/root$program,; /^Documentation=man:/d" "$tmp/root/usr/lib/systemd/system/watchq-monitor@.service" >"$unit"
	SYSTEMD_LOG_LEVEL=warning systemd-analyze --man=no verify "$unit"
}

# What a user without rights, and one who errs, reads.
refused() { ! PREFIX=usr "$top/tools/packages/install" && grep -q 'does not begin with a slash' "$tmp/said"; }

echo "TAP version 13"
check "make install PREFIX=/usr" install_to PREFIX=/usr
check "these files and no others" files "$tmp/root/usr"
check "all may read them" readable
check "no path of the build in them" clean
check "watchq runs" test "$("$tmp/root/usr/bin/watchq" --version)" = "watchq $version"
check "README's example, with the installed files" example
check "manual pages" manual
check "completions" completions
check "unit" unit
rm -rf "$tmp/root"
check "make install, by default below /usr/local" install_to
check "the same files there" files "$tmp/root/usr/local"
check "the unit starts the program there" grep -q '^ExecStart=/usr/local/bin/watchq ' \
	"$tmp/root/usr/local/lib/systemd/system/watchq-monitor@.service"
rm -rf "$tmp/root"
check "make install LIBDIR=" install_to PREFIX=/usr LIBDIR=/usr/lib/x86_64-linux-gnu
check "the library there" files "$tmp/root/usr" lib/x86_64-linux-gnu
check "a PREFIX that cannot be" refused
echo "1..$n"
exit $failed
