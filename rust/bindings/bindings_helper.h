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

#include <linux/blk_types.h>
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
#include <linux/usb.h>
#include <linux/vmalloc.h>
#include <linux/watch_queue_dev.h>

#include "../helpers/helpers.c"

/* Macros that bindgen cannot evaluate; Kbuild strips the prefix. */
const gfp_t WQ_CONST___GFP_ACCOUNT = __GFP_ACCOUNT;
const slab_flags_t WQ_CONST_SLAB_ACCOUNT = SLAB_ACCOUNT;
const slab_flags_t WQ_CONST_SLAB_NO_MERGE = SLAB_NO_MERGE;
const fmode_t WQ_CONST_FMODE_READ = FMODE_READ;
const fmode_t WQ_CONST_FMODE_WRITE = FMODE_WRITE;
const unsigned long WQ_CONST_SB_NOUSER = SB_NOUSER;
const unsigned long WQ_CONST_SB_RDONLY = SB_RDONLY;
const unsigned int WQ_CONST_MNT_READONLY = MNT_READONLY;
const unsigned int WQ_CONST_MNT_USER_SETTABLE_MASK = MNT_USER_SETTABLE_MASK;
const gfp_t WQ_CONST_XA_FLAGS_ACCOUNT = XA_FLAGS_ACCOUNT;

const u8 WQ_CONST_BLK_STS_NOTSUPP = (__force u8)BLK_STS_NOTSUPP;
const u8 WQ_CONST_BLK_STS_TIMEOUT = (__force u8)BLK_STS_TIMEOUT;
const u8 WQ_CONST_BLK_STS_NOSPC = (__force u8)BLK_STS_NOSPC;
const u8 WQ_CONST_BLK_STS_TRANSPORT = (__force u8)BLK_STS_TRANSPORT;
const u8 WQ_CONST_BLK_STS_TARGET = (__force u8)BLK_STS_TARGET;
const u8 WQ_CONST_BLK_STS_RESV_CONFLICT = (__force u8)BLK_STS_RESV_CONFLICT;
const u8 WQ_CONST_BLK_STS_MEDIUM = (__force u8)BLK_STS_MEDIUM;
const u8 WQ_CONST_BLK_STS_PROTECTION = (__force u8)BLK_STS_PROTECTION;
const u8 WQ_CONST_BLK_STS_RESOURCE = (__force u8)BLK_STS_RESOURCE;
const u8 WQ_CONST_BLK_STS_DM_REQUEUE = (__force u8)BLK_STS_DM_REQUEUE;
const u8 WQ_CONST_BLK_STS_AGAIN = (__force u8)BLK_STS_AGAIN;
const u8 WQ_CONST_BLK_STS_DEV_RESOURCE = (__force u8)BLK_STS_DEV_RESOURCE;
const u8 WQ_CONST_BLK_STS_ZONE_OPEN_RESOURCE = (__force u8)BLK_STS_ZONE_OPEN_RESOURCE;
const u8 WQ_CONST_BLK_STS_ZONE_ACTIVE_RESOURCE = (__force u8)BLK_STS_ZONE_ACTIVE_RESOURCE;
const u8 WQ_CONST_BLK_STS_DURATION_LIMIT = (__force u8)BLK_STS_DURATION_LIMIT;

/* Actions that only a patched usbcore has; 0 is none. */
#ifndef USB_DEVICE_RESET
#define USB_DEVICE_RESET 0
#define USB_DEVICE_ERROR 0
#endif
const unsigned int WQ_CONST_WQD_USB_DEVICE_RESET = USB_DEVICE_RESET;
const unsigned int WQ_CONST_WQD_USB_DEVICE_ERROR = USB_DEVICE_ERROR;
