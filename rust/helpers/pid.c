// SPDX-License-Identifier: GPL-2.0
/* The current process, for rust/pid.rs. */

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/preempt.h>
#include <linux/sched.h>

/* The only helper that decides something: on a hot path, one call instead of three. */
__wqd_inline pid_t wqd_current_tgid_in(struct pid_namespace *ns)
{
	if (!in_task() || (current->flags & PF_KTHREAD))
		return 0;
	/* In the first namespace numbers need no translation. */
	return ns == &init_pid_ns ? task_tgid_nr(current) : task_tgid_nr_ns(current, ns);
}
