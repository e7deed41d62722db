// SPDX-License-Identifier: GPL-2.0
/* The current process, for rust/pid.rs. */

#include <linux/pid.h>
#include <linux/preempt.h>
#include <linux/sched.h>

/* The only helper that decides something: on a hot path, one call instead of three. */
pid_t wqd_current_tgid_in(struct pid_namespace *ns)
{
	if (!in_task() || (current->flags & PF_KTHREAD))
		return 0;
	return task_tgid_nr_ns(current, ns);
}
