// SPDX-License-Identifier: GPL-2.0
/* Superblocks, for rust/hooks/fprobe/superblock.rs. */

#include <linux/fs.h>
#include <linux/fs_context.h>

struct super_block *wqd_fs_context_sb(const struct fs_context *fc)
{
	return fc->root->d_sb;
}
