// SPDX-License-Identifier: GPL-2.0
/* Mount namespaces, for rust/fs/mount_ns.rs. */

#include <linux/nsproxy.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>

struct mnt_namespace *wqd_current_mnt_ns(void)
{
	return current->nsproxy->mnt_ns;
}

/*
 * What a mount namespace has in common with others is its first member, unless the
 * compiler was told to shuffle: then it is known to the VFS alone.
 */
struct ns_common *wqd_mnt_ns_common(struct mnt_namespace *ns)
{
	return IS_ENABLED(CONFIG_RANDSTRUCT) ? NULL : (struct ns_common *)ns;
}

/* The dentry is of nsfs. */
struct ns_common *wqd_nsfs_common(const struct dentry *dentry)
{
	return get_proc_ns(d_inode(dentry));
}

struct user_namespace *wqd_ns_owner(struct ns_common *ns)
{
	return ns->ops->owner(ns);
}

bool wqd_is_mnt_ns(const struct ns_common *ns)
{
	return ns->ns_type == CLONE_NEWNS;
}
