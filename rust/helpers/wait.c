// SPDX-License-Identifier: GPL-2.0
/* Wait queues, for rust/wait_queue.rs. */

#include <linux/wait.h>

__wqd_inline bool wqd_wq_has_sleeper(struct wait_queue_head *head)
{
	return wq_has_sleeper(head);
}
