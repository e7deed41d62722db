// SPDX-License-Identifier: GPL-2.0
/* Credentials and limits of the current task, for rust/task/cred.rs and rust/mm/memlock.rs. */

#include <linux/cred.h>
#include <linux/sched/signal.h>
#include <linux/sched/user.h>

const struct cred *wqd_override_creds(const struct cred *cred)
{
	return override_creds(cred);
}

const struct cred *wqd_revert_creds(const struct cred *cred)
{
	return revert_creds(cred);
}

const struct cred *wqd_current_cred(void)
{
	return current_cred();
}

struct user_struct *wqd_get_uid(struct user_struct *user)
{
	return get_uid(user);
}

unsigned long wqd_rlimit(unsigned int limit)
{
	return rlimit(limit);
}
