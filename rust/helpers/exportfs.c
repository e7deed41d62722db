// SPDX-License-Identifier: GPL-2.0
/* What a file system can do about file handles, for rust/fs/file_handle.rs. */

#include <linux/exportfs.h>

bool wqd_can_decode_fh(const struct super_block *sb)
{
	return exportfs_can_decode_fh(sb->s_export_op);
}
