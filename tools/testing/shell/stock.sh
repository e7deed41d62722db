#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests what tools/kernel/stock and tools/kernel/rust-tree check before a module may be built for a
# distribution's kernel, on headers, a source and compilers that this script makes up: no package is
# fetched, and make is given a Makefile that pretends. Speaks KTAP for tools/testing/run.
#
# shellcheck disable=SC2317 # functions are called by check
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
export WQ_CACHE=$tmp/cache RUSTC=$tmp/bin/rustc BINDGEN=$tmp/bin/bindgen PATH=$tmp/bin:$PATH
unset LINUX_SRC KDIR
n=0 failed=0

# check NAME COMMAND...: COMMAND must succeed.
check()
{
	local name=$1 word=ok

	shift
	n=$((n + 1))
	"$@" || {
		word='not ok'
		failed=1
		sed 's/^/# /' "$tmp/err"
	}
	echo "$word $n $name"
}

# refused TEXT ARGUMENT...: tools/kernel/stock fails with TEXT and says what to do.
refused()
{
	local text=$1

	shift
	! "$top/tools/kernel/stock" "$@" >"$tmp/out" 2>"$tmp/err" && grep -qF -- "$text" "$tmp/err" &&
		grep -q '^  -> ' "$tmp/err" && [ ! -s "$tmp/out" ]
}

# put FILE LINE...: writes the lines.
put()
{
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "${@:2}" >"$1"
}

# a_kernel SYMBOL...: headers of 7.3.9-test, built by rustc 9.9.9, which export these symbols.
a_kernel()
{
	local s

	rm -rf "$tmp/headers" "$tmp/cache"
	mkdir -p "$tmp/headers"/{scripts,arch}
	put "$tmp/headers/.config" CONFIG_RUST=y 'CONFIG_RUSTC_VERSION_TEXT="rustc 9.9.9 (made up)"'
	put "$tmp/headers/include/config/kernel.release" 7.3.9-test
	put "$tmp/headers/Makefile" 'prepare:' \
		'	touch rust/libcore.rmeta rust/libkernel.rmeta rust/libbindings.rmeta' \
		'	echo "EXPORT_SYMBOL_RUST_GPL(_RNvC4core1a);" >rust/exports_core_generated.h' \
		'	echo "EXPORT_SYMBOL_RUST_GPL(_RNvC6kernel1b);" >rust/exports_kernel_generated.h'
	: >"$tmp/headers/Module.symvers"
	for s; do printf '0x0\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' "$s" >>"$tmp/headers/Module.symvers"; done
}

# its_source: the source that belongs to these headers.
its_source()
{
	rm -rf "$tmp/source"
	mkdir -p "$tmp/source"/{rust/bindings,rust/helpers,scripts,drivers/base,drivers/android}
	cp "$tmp/headers/Makefile" "$tmp/source/"
	put "$tmp/source/scripts/min-tool-version.sh" :
	put "$tmp/source/rust/bindings/bindings_helper.h" '#include "../../drivers/base/base.h"'
	put "$tmp/source/rust/helpers/helpers.c" ''
	put "$tmp/source/drivers/base/base.h" ''
	export LINUX_SRC=$tmp/source
}

missing_folder() { refused 'there is no folder' "$tmp/nowhere"; }
no_headers() { mkdir -p "$tmp/empty" && refused 'has no .config and Module.symvers' "$tmp/empty"; }

without_rust()
{
	a_kernel
	put "$tmp/headers/.config" CONFIG_MODULES=y
	refused 'built without Rust' "$tmp/headers"
}

other_series()
{
	a_kernel
	put "$tmp/headers/include/config/kernel.release" 6.12.9-test
	refused 'is of series 6.12' "$tmp/headers"
}

other_rustc()
{
	a_kernel
	its_source
	sed -i 's/9\.9\.9/9.9.8/' "$tmp/headers/.config"
	refused "was built by 'rustc 9.9.8 (made up)'" "$tmp/headers"
}

# These headers are of no package, so the archive can have no source of their version.
no_source()
{
	a_kernel
	unset LINUX_SRC
	refused 'the source of the kernel 7.3.9-test is not to be had' "$tmp/headers"
}

other_source()
{
	a_kernel
	its_source
	echo '# one line more' >>"$tmp/source/Makefile"
	refused 'their Makefiles differ' "$tmp/headers"
}

missing_header()
{
	a_kernel
	its_source
	put "$tmp/source/rust/bindings/bindings_helper.h" '#include "../../fs/internal.h"'
	refused 'include fs/internal.h' "$tmp/headers"
}

missing_symbol()
{
	a_kernel _RNvC4core1a
	its_source
	refused '1 of 2 symbols of the Rust crates are not exported by the kernel' "$tmp/headers" &&
		grep -q _RNvC6kernel1b "$tmp/err" && ! compgen -G "$tmp/cache/stock/7.3.9-test-*/.wq-stock" >/dev/null
}

complete()
{
	local tree

	a_kernel _RNvC4core1a _RNvC6kernel1b
	its_source
	tree=$("$top/tools/kernel/stock" "$tmp/headers" 2>"$tmp/err") || return 1
	[ -f "$tree/rust/libkernel.rmeta" ] && [ -f "$tree/drivers/base/base.h" ] &&
		grep -qx "rustc=$RUSTC" "$tree/.wq-stock"
}

# The second time neither the source is asked for nor anything compiled.
kept()
{
	local tree

	rm -rf "$tmp/source"
	unset LINUX_SRC
	tree=$("$top/tools/kernel/stock" "$tmp/headers" 2>"$tmp/err") && [ -f "$tree/.wq-stock" ]
}

with_crates()
{
	mkdir -p "$tmp/headers/rust" && : >"$tmp/headers/rust/libkernel.rmeta"
	[ "$("$top/tools/kernel/stock" "$tmp/headers" 2>"$tmp/err")" = "$(realpath "$tmp/headers")" ]
}

# What passes for the kernel's compilers.
mkdir -p "$tmp/sysroot/lib/rustlib/src/rust/library/core/src"
: >"$tmp/sysroot/lib/rustlib/src/rust/library/core/src/lib.rs"
put "$tmp/bin/rustc" '#!/bin/sh' "[ \"\$1\" != --print ] || exec echo $tmp/sysroot" 'echo "rustc 9.9.9 (made up)"'
put "$tmp/bin/bindgen" '#!/bin/sh' 'echo bindgen 0.72.0'
chmod +x "$tmp/bin"/*

echo "KTAP version 1"
check "a folder that is not there" missing_folder
check "a folder that is no header package" no_headers
check "a kernel without Rust" without_rust
check "a kernel of another series" other_series
check "a kernel of another compiler" other_rustc
check "no source of that version" no_source
check "a source of another version" other_source
check "a source that lacks what its bindings include" missing_header
check "crates that export what the kernel does not" missing_symbol
check "a tree from headers, source and compilers that fit" complete
check "a tree that is there is taken as it is" kept
check "headers that have the crates" with_crates
echo "1..$n"
exit $failed
