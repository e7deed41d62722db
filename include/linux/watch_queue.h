/* SPDX-License-Identifier: GPL-2.0 */
/* The former name, for what is built from this tree; not installed, mainline has a header of this name. */
#include <linux/watch_queue_dev.h>
