// SPDX-License-Identifier: GPL-2.0
/*
 * The version of the module, for modinfo and /sys/module/watch_queue_dev/version: that of the file
 * VERSION, from Kbuild. The macro module! of the kernel crate knows no version.
 */
#include <linux/module.h>

MODULE_VERSION(WQD_VERSION);
