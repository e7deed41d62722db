/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads: headers whose contents the kernel crate has no bindings for, and our
 * own C helpers, whose definitions serve as prototypes. Which names are generated is
 * decided in ../bindgen_parameters; every type that is not listed there is the kernel
 * crate's.
 *
 * Enum types that are used before they are defined confuse bindgen, so the header that
 * the kernel's own helper puts first is first here, too.
 */
#include <linux/hrtimer_types.h>

#include <linux/capability.h>
#include <linux/dcache.h>
#include <linux/exportfs.h>
#include <linux/fprobe.h>
#include <linux/fs.h>
#include <linux/fsnotify.h>
#include <linux/fsnotify_backend.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/statfs.h>
#include <linux/vmalloc.h>
#include <linux/watch_queue.h>

#include "../helpers/helpers.c"

/* Macros that bindgen cannot evaluate; Kbuild strips the prefix. */
const gfp_t WQ_CONST___GFP_ACCOUNT = __GFP_ACCOUNT;
const slab_flags_t WQ_CONST_SLAB_ACCOUNT = SLAB_ACCOUNT;
const slab_flags_t WQ_CONST_SLAB_NO_MERGE = SLAB_NO_MERGE;
const fmode_t WQ_CONST_FMODE_READ = FMODE_READ;
const fmode_t WQ_CONST_FMODE_WRITE = FMODE_WRITE;
const gfp_t WQ_CONST_XA_FLAGS_ACCOUNT = XA_FLAGS_ACCOUNT;
