// SPDX-License-Identifier: GPL-2.0
/* Files and paths, for rust/fs/path.rs. */

#include <linux/fs.h>

const struct path *wqd_file_path(const struct file *file)
{
	return &file->f_path;
}

int wqd_path_permission(const struct path *path, int mask)
{
	return path_permission(path, mask);
}
