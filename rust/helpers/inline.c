// SPDX-License-Identifier: GPL-2.0
/*
 * The helpers that every event calls, once more, as LLVM bitcode: where the kernel links its
 * own helpers into the Rust code that calls them (CONFIG_RUST_INLINE_HELPERS), Kbuild does the
 * same with these. A call costs more than what most of them do.
 *
 * Always inline, because LLVM would not dare: flags of C and of Rust code differ in ways
 * that do not matter here.
 */
#define __wqd_inline __always_inline

#include "pid.c"
#include "spinlock.c"
#include "srcu.c"
#include "wait.c"
