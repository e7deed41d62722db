// SPDX-License-Identifier: GPL-2.0
/* Locks and tests of fsnotify that are inline functions, for rust/fsnotify.rs. */

#include <linux/dcache.h>
#include <linux/fsnotify_backend.h>

void wqd_fsnotify_group_lock(struct fsnotify_group *group)
{
	fsnotify_group_lock(group);
}

void wqd_fsnotify_group_unlock(struct fsnotify_group *group)
{
	fsnotify_group_unlock(group);
}

bool wqd_d_unlinked(const struct dentry *dentry)
{
	return d_unlinked(dentry);
}

/* fsnotify protects the flags of a mark by its lock. */
void wqd_fsnotify_mark_clear_no_iref(struct fsnotify_mark *mark)
{
	spin_lock(&mark->lock);
	mark->flags &= ~FSNOTIFY_MARK_FLAG_NO_IREF;
	spin_unlock(&mark->lock);
}
