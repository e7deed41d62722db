# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the shell tools of this project share: where things are cached, how a step
# announces itself, how a failure says what to do, and one lock per resource.
#
# Sourced by the shell tools below tools/; sets no shell options.

WQ_TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
WQ_CACHE=${WQ_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/watch_queue}
# WQ_SERIES in the environment chooses the series of the distribution's kernel (tools/kernel/stock); children
# get it under another name, as the variable is that of the pinned kernel from here on.
export WQ_STOCK_SERIES=${WQ_STOCK_SERIES:-${WQ_SERIES:-}}
WQ_SERIES=7.3                       # the pinned kernel series; see Documentation/kernel.rst
WQ_JOBS=${JOBS:-$(nproc)}

wq_t0=${wq_t0:-$(date +%s)}

# wq_say TEXT: one progress line on stderr, with the minutes since the start.
wq_say()
{
	local s=$(($(date +%s) - wq_t0))

	printf '[%3d:%02d] %s\n' $((s / 60)) $((s % 60)) "$*" >&2
}

# wq_die TEXT [HINT...]: says what went wrong, then what to do about it; exits 1.
wq_die()
{
	printf 'error: %s\n' "$1" >&2
	shift
	[ $# -eq 0 ] || printf '  -> %s\n' "$@" >&2
	exit 1
}

# wq_lock NAME: waits for the lock NAME; it is held until this shell exits.
wq_lock()
{
	local fd file=$WQ_CACHE/lock/$1

	mkdir -p "$WQ_CACHE/lock" || wq_die "cannot create $WQ_CACHE/lock" \
		"set XDG_CACHE_HOME to a folder you can write to"
	exec {fd}>"$file"
	flock -n "$fd" && return 0
	wq_say "waiting for another run that holds $file"
	flock "$fd"
}

# wq_need_space DIR GIB WHAT: fails early when DIR's file system has less than GIB free.
wq_need_space()
{
	local free

	mkdir -p "$1" || wq_die "cannot create $1" "set XDG_CACHE_HOME to a folder you can write to"
	free=$(($(df -Pk "$1" | awk 'NR == 2 { print $4 }') / 1048576))
	[ "$free" -ge "$2" ] || wq_die "$3 needs $2 GiB in $1, only $free GiB are free" \
		"free some space, or point XDG_CACHE_HOME at a larger disk"
}

# wq_run LOG COMMAND...: runs COMMAND with its output in LOG and a sign of life every
# half minute; on failure shows the end of LOG and returns the command's status.
wq_run()
{
	local log=$1 pid rc n=0

	shift
	mkdir -p "$(dirname "$log")"
	"$@" >"$log" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 1
		n=$((n + 1))
		[ $((n % 30)) -ne 0 ] ||
			wq_say "  … $(tail -n 1 "$log" | tr -s ' \t' ' ' | cut -c 1-70)"
	done
	wait "$pid"
	rc=$?
	if [ "$rc" -ne 0 ]; then
		printf '%s\n' "--- last lines of $log" >&2
		grep -nE 'error|Error|ERROR|No space' "$log" | tail -n 15 >&2
		tail -n 15 "$log" >&2
	fi
	return "$rc"
}

# wq_toolchain: puts the tools that tools/kernel/toolchain found into the environment.
wq_toolchain()
{
	[ -r "$WQ_CACHE/toolchain.env" ] || "$WQ_TOP/tools/kernel/toolchain" || exit 1
	# shellcheck disable=SC1091
	. "$WQ_CACHE/toolchain.env"
	[ -x "$RUSTC" ] && [ -x "$BINDGEN" ] || {
		"$WQ_TOP/tools/kernel/toolchain" --force || exit 1
		# shellcheck disable=SC1091
		. "$WQ_CACHE/toolchain.env"
	}
	export LIBCLANG_PATH
	export CCACHE_DIR=$WQ_CACHE/ccache CCACHE_MAXSIZE=8G CCACHE_NOHASHDIR=1
}

# wq_vm_tools: sets QEMU, and installs what boots a VM if that is all that this machine lacks.
wq_vm_tools()
{
	local env

	for env in "$WQ_CACHE"/{toolchain,vm}.env; do
		# shellcheck disable=SC1090
		[ -r "$env" ] && QEMU=$(. "$env"; echo "$QEMU") && [ -x "$QEMU" ] && return 0
	done
	"$WQ_TOP/tools/kernel/toolchain" --vm --force || exit 1
	# shellcheck disable=SC1091
	. "$WQ_CACHE/vm.env"
}

# wq_static PACKAGE LOG: builds the program PACKAGE of tools/ so that it runs in any virtual machine,
# which has no shared libraries, and prints where it is. The caller ran wq_toolchain, or set what that sets
# and wq_in_root, the command before the compiler's.
wq_in_root=()
wq_static()
{
	local target=x86_64-unknown-linux-gnu

	(
		cd "$WQ_TOP/tools" || exit 1
		export RUSTC RUSTDOC RUSTFLAGS='-Ctarget-feature=+crt-static'
		wq_run "$2" "${wq_in_root[@]}" "$CARGO" build --locked --release --target "$target" -p "$1" -j "$WQ_JOBS"
	) || wq_die "$1 cannot be built" "the messages above are in $2" \
		"if a crate could not be fetched, check the network and run this again"
	echo "$WQ_TOP/build/cargo/$target/release/$1"
}

# wq_make ARGS...: the kernel's make with the toolchain above. The caller ran wq_toolchain.
wq_make()
{
	make LLVM="$LLVM" CC="ccache $CLANG" RUSTC="$RUSTC" RUSTDOC="$RUSTDOC" \
		RUSTFMT="$RUSTFMT" CLIPPY_DRIVER="$CLIPPY_DRIVER" BINDGEN="$BINDGEN" \
		KBUILD_BUILD_USER=watch_queue KBUILD_BUILD_HOST=localhost \
		KBUILD_BUILD_TIMESTAMP='2026-01-01' "$@"
}

# wq_stock_make TREE ARGS...: make in a tree of tools/kernel/stock, with the compilers it was made by.
wq_stock_make()
{
	(
		# shellcheck disable=SC1091
		. "$1/.wq-stock"
		shift
		# shellcheck disable=SC2154 # suite, rustc and bindgen come from there
		set -- make RUSTC="$rustc" BINDGEN="$bindgen" "$@"
		[ -z "$suite" ] || set -- "$WQ_TOP/tools/kernel/root" "$suite" -- "$@"
		"$@"
	)
}
