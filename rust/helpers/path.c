// SPDX-License-Identifier: GPL-2.0
/* Files and paths, for rust/fs/path.rs and rust/fs/viewer.rs. */

#include <linux/fs.h>
#include <linux/mnt_idmapping.h>
#include <linux/mount.h>

const struct path *wqd_file_path(const struct file *file)
{
	return &file->f_path;
}

int wqd_path_permission(const struct path *path, int mask)
{
	return path_permission(path, mask);
}

/* Takes a reference. */
struct mnt_idmap *wqd_mount_idmap(const struct vfsmount *mnt)
{
	return mnt_idmap_get(mnt_idmap(mnt));
}

/* Whether a directory may be read and searched, as far as that can be told under RCU. */
bool wqd_may_search(struct mnt_idmap *idmap, const struct inode *inode)
{
	return !inode_permission(idmap, (struct inode *)inode,
				 MAY_READ | MAY_EXEC | MAY_ACCESS | MAY_NOT_BLOCK);
}
