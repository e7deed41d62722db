// SPDX-License-Identifier: GPL-2.0
/* The current process, for rust/task/pid.rs. */

#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

/* Decides something, unlike most helpers: on a hot path, one call instead of four. */
__wqd_inline pid_t wqd_current_tgid_in(struct pid_namespace *ns, struct pid *only)
{
	if (current->flags & PF_KTHREAD)
		return 0;
	if (only && task_tgid(current) != only)
		return 0;
	/* In the first namespace numbers need no translation. */
	return ns == &init_pid_ns ? task_tgid_nr(current) : task_tgid_nr_ns(current, ns);
}

struct pid *wqd_current_tgid(void)
{
	return task_tgid(current);
}

struct pid *wqd_get_current_tgid(void)
{
	return get_pid(task_tgid(current));
}

void wqd_get_pid(struct pid *pid)
{
	get_pid(pid);
}

pid_t wqd_pid_nr(struct pid *pid)
{
	return pid_nr(pid);
}

/* What pidfd_poll() asks, which is the only other way to learn of it. */
bool wqd_thread_group_exited(struct pid *pid)
{
	struct task_struct *leader;

	guard(rcu)();
	leader = pid_task(pid, PIDTYPE_TGID);
	return !leader || (READ_ONCE(leader->exit_state) && thread_group_empty(leader));
}
