// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * libwq's header and mainline's <linux/watch_queue.h> in one file, in either order: it compiles, and
 * what both have means ours. Also compiled as C++; installed.sh does it.
 */
#ifdef OURS_FIRST
#include <watch_queue/wq.h>
#include <linux/watch_queue.h>
#else
#include <linux/watch_queue.h>
#ifndef O_NOTIFICATION_PIPE
#error "this is not mainline's <linux/watch_queue.h>"
#endif
#include <watch_queue/wq.h>
#endif

#ifdef __cplusplus
#define _Static_assert static_assert
#endif

_Static_assert(WATCH_TYPE_KEY_NOTIFY == 3 && WATCH_META_LOSS_NOTIFICATION == 2, "records of our queue");
_Static_assert(WATCH_INFO_LENGTH == 0x1f8 && WATCH_INFO_ID__SHIFT == 24, "their info");
_Static_assert(sizeof(struct key_notification) == 16, "their layout");

int main(void)
{
	struct wq_opts opts = { sizeof(opts), 0, 0, NULL, NULL, "/dev/null" };
	struct wq *wq;

	return wq_open(&wq, &opts) != -ENOTTY;
}
