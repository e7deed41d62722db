// SPDX-License-Identifier: GPL-2.0
/*
 * C functions for what Rust cannot call: inline functions and macros. One file per topic,
 * no logic, every name with the prefix wqd_ and otherwise the name of what it calls.
 *
 * bindgen reads this file, too, so a helper needs no prototype elsewhere.
 *
 * Sorted alphabetically.
 */

/* Says of a helper that inline.c has it, too. */
#define __wqd_inline

#include "block.c"
#include "cred.c"
#include "dcache.c"
#include "exportfs.c"
#include "fprobe.c"
#include "fsnotify.c"
#include "key.c"
#include "kunit.c"
#include "mm.c"
#include "module.c"
#include "mount_ns.c"
#include "params.c"
#include "path.c"
#include "pid.c"
#include "ratelimit.c"
#include "spinlock.c"
#include "srcu.c"
#include "super.c"
#include "tracepoint.c"
#include "usb.c"
#include "user_ns.c"
#include "wait.c"
#include "wait_bit.c"
#include "xarray.c"
