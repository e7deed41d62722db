// SPDX-License-Identifier: GPL-2.0
/*
 * What other modules may call. The functions are those of rust/producer.rs; the prototypes,
 * and what they mean, are in include/linux/watch_queue_dev.h. An object of its own: the helpers
 * are also read by bindgen.
 */
#include <linux/export.h>
#include <linux/watch_queue_dev.h>

/* checkpatch wants an export directly behind its function. */
#define EXPORT_RUST(name) EXPORT_SYMBOL_GPL(name)

EXPORT_RUST(watch_queue_dev_get_queue);
EXPORT_RUST(watch_queue_dev_put_queue);
EXPORT_RUST(watch_queue_dev_add_watch);
EXPORT_RUST(watch_queue_dev_remove_watch);
EXPORT_RUST(watch_queue_dev_post);
EXPORT_RUST(watch_queue_dev_barrier);
