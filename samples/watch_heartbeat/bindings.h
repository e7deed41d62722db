/* SPDX-License-Identifier: GPL-2.0 */
/* What bindgen reads for watch_queue.rs; the Kbuild file says which names it takes. */
#include <linux/hrtimer_types.h>
#include <linux/watch_queue_dev.h>
