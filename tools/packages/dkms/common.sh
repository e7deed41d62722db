# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Where the steps of a build under DKMS keep what outlasts it: one link for each kernel, in $trees, to the tree that
# tools/kernel/stock made. Sourced by them.
# shellcheck disable=SC2034 # trees is for them
export WQ_CACHE=/var/cache/watch-queue
# DKMS says which compilers it took for another module, or what the caller's shell had: the tree knows its own.
unset RUSTC BINDGEN CC LD KDIR LINUX_SRC WQ_SERIES WQ_STOCK_SERIES MAKEFLAGS MAKELEVEL
trees=$WQ_CACHE/kernels
