// SPDX-License-Identifier: GPL-2.0
/* Wait queues, for rust/sync/wait_queue.rs. */

#include <linux/sched.h>
#include <linux/wait.h>

__wqd_inline bool wqd_wq_has_sleeper(struct wait_queue_head *head)
{
	return wq_has_sleeper(head);
}

int wqd_wait_killable_while(struct wait_queue_head *head, const u32 *word, u32 value, s64 ns)
{
	return __wait_event_hrtimeout(*head, READ_ONCE(*word) != value, ns_to_ktime(ns),
				      (TASK_KILLABLE | TASK_FREEZABLE));
}
