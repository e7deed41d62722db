// SPDX-License-Identifier: GPL-2.0
/*
 * What other modules may call. The functions are those of rust/producer.rs; the prototypes,
 * and what they mean, are in include/linux/watch_queue.h. An object of its own: the helpers
 * are also read by bindgen.
 */
#include <linux/export.h>
#include <linux/watch_queue.h>

EXPORT_SYMBOL_GPL(watch_queue_dev_get_queue);
EXPORT_SYMBOL_GPL(watch_queue_dev_put_queue);
EXPORT_SYMBOL_GPL(watch_queue_dev_add_watch);
EXPORT_SYMBOL_GPL(watch_queue_dev_remove_watch);
EXPORT_SYMBOL_GPL(watch_queue_dev_post);
EXPORT_SYMBOL_GPL(watch_queue_dev_barrier);
