// SPDX-License-Identifier: GPL-2.0
/* What is inline in fsnotify or depends on the kernel's patches, for rust/fsnotify*.rs. */

#include <linux/dcache.h>
#include <linux/fs.h>
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

bool wqd_d_is_plain(const struct dentry *dentry)
{
	return d_is_reg(dentry) || d_can_lookup(dentry);
}

/* fsnotify protects the flags of a mark by its lock. */
void wqd_fsnotify_mark_clear_no_iref(struct fsnotify_mark *mark)
{
	spin_lock(&mark->lock);
	mark->flags &= ~FSNOTIFY_MARK_FLAG_NO_IREF;
	spin_unlock(&mark->lock);
}

/* Of a mark that is attached, with its group locked: fsnotify's object of it is still there. */
bool wqd_fsnotify_mark_on_dir(const struct fsnotify_mark *mark)
{
	const struct fsnotify_mark_connector *conn = mark->connector;

	return conn->type == FSNOTIFY_OBJ_TYPE_INODE &&
	       S_ISDIR(((const struct inode *)conn->obj)->i_mode);
}

/* Of such a mark, on an inode. NULL if that is on its way out. */
struct inode *wqd_fsnotify_mark_igrab(const struct fsnotify_mark *mark)
{
	return igrab(mark->connector->obj);
}

void wqd_iput(struct inode *inode)
{
	iput(inode);
}

/*
 * What patches of this project add to two events: the parents of a mount, and the kind and
 * range of an error. Kbuild looks whether the kernel's headers have them.
 */
bool wqd_fsnotify_mnt_has_parents(void)
{
#ifdef WQD_FSNOTIFY_MNT_PARENT
	return true;
#else
	return false;
#endif
}

u64 wqd_fsnotify_mnt_parent(const struct fsnotify_mnt *mnt)
{
#ifdef WQD_FSNOTIFY_MNT_PARENT
	return mnt->parent_id;
#else
	return 0;
#endif
}

u64 wqd_fsnotify_mnt_prev_parent(const struct fsnotify_mnt *mnt)
{
#ifdef WQD_FSNOTIFY_MNT_PARENT
	return mnt->prev_parent_id;
#else
	return 0;
#endif
}

/* -1: this kernel does not tell. */
int wqd_fs_error_type(const struct fs_error_report *report)
{
#ifdef WQD_FS_ERROR_RANGE
	return report->type;
#else
	return -1;
#endif
}

u64 wqd_fs_error_pos(const struct fs_error_report *report)
{
#ifdef WQD_FS_ERROR_RANGE
	return report->pos;
#else
	return 0;
#endif
}

u64 wqd_fs_error_len(const struct fs_error_report *report)
{
#ifdef WQD_FS_ERROR_RANGE
	return report->len;
#else
	return 0;
#endif
}

/* For rust/fs/above.rs; inside fsnotify's section, which keeps what is read. */
struct fsnotify_mark_connector *wqd_fsnotify_inode_marks(const struct inode *inode)
{
	return rcu_dereference_raw(inode->i_fsnotify_marks);
}

/* The mark of a group, of which there is one on an object at most; inside fsnotify's section. */
struct fsnotify_mark *wqd_fsnotify_mark_of(const struct fsnotify_mark_connector *marks,
					   const struct fsnotify_group *group)
{
	struct fsnotify_mark *mark;

	hlist_for_each_entry_rcu(mark, &marks->list, obj_list, true)
		if (mark->group == group)
			return mark;
	return NULL;
}
