#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests what tools/kernel/self-contained refuses, on kernels, a source and compilers that this script makes up. That
# the module works on a kernel without Rust is a test in the virtual machine (make test-all). Speaks KTAP for
# tools/testing/run.
#
# shellcheck disable=SC2317 # functions are called by check
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export WQ_CACHE=$tmp/cache
unset LINUX_SRC KDIR
n=0 failed=0

put() { mkdir -p "$(dirname "$1")"; printf '%s\n' "${@:2}" >"$1"; }

# refused NAME TEXT [OPTION...]: a kernel that is configured so is refused with TEXT and with advice.
refused()
{
	local word='not ok'

	n=$((n + 1))
	put "$tmp/kdir/.config" "${@:3}"
	if ! "$top/tools/kernel/self-contained" "$tmp/kdir" >"$tmp/out" 2>"$tmp/err" && [ ! -s "$tmp/out" ] &&
		grep -qF -- "$2" "$tmp/err" && grep -q '^  -> ' "$tmp/err"; then
		word=ok
	else
		failed=1
		sed 's/^/# /' "$tmp/err"
	fi
	echo "$word $n $1"
}

for tool in rustc bindgen; do
	put "$tmp/bin/$tool" '#!/bin/sh' 'echo "made up"'
	chmod +x "$tmp/bin/$tool"
done
put "$tmp/cache/toolchain.env" "RUSTC=$tmp/bin/rustc" "BINDGEN=$tmp/bin/bindgen" LIBCLANG_PATH=

echo "KTAP version 1"
echo "1..6"
refused "a folder that is no kernel" "is not a built kernel"
put "$tmp/kdir/Module.symvers" ""
put "$tmp/kdir/include/config/kernel.release" 7.3.9-test
refused "no source" "the source of the kernel" CONFIG_SMP=y
put "$tmp/kdir/source/rust/kernel/lib.rs" ""
put "$tmp/kdir/source/init/Kconfig" ""
# shellcheck disable=SC2016 # make and the made up script see the variables
put "$tmp/kdir/source/Makefile" 'olddefconfig:' '	echo CONFIG_PREEMPT=y >>$(O)/.config'
# shellcheck disable=SC2016
put "$tmp/kdir/source/scripts/config" '#!/bin/sh' 'echo CONFIG_RUST=y >>"$2"'
chmod +x "$tmp/kdir/source/scripts/config"
refused "structures at random" "CONFIG_RANDSTRUCT=y" CONFIG_RANDSTRUCT=y
refused "versions of symbols that Rust has not" "CONFIG_GENDWARFKSYMS" CONFIG_MODVERSIONS=y
refused "an option that comes out otherwise" "> CONFIG_PREEMPT y" CONFIG_SMP=y
put "$tmp/kdir/source/.config" CONFIG_SMP=y
refused "a source with a kernel in it" "unpack the same source elsewhere" CONFIG_SMP=y
exit $failed
