// SPDX-License-Identifier: GPL-2.0
/* The tree of dentries, read without locks, for rust/fs/dcache.rs. */

#include <linux/dcache.h>
#include <linux/fs.h>

unsigned int wqd_rename_begin(void)
{
	return read_seqbegin(&rename_lock);
}

bool wqd_rename_changed(unsigned int seq)
{
	return read_seqretry(&rename_lock, seq);
}

void wqd_rename_lock(void)
{
	read_seqlock_excl(&rename_lock);
}

void wqd_rename_unlock(void)
{
	read_sequnlock_excl(&rename_lock);
}

unsigned int wqd_d_seq_begin(const struct dentry *dentry)
{
	return read_seqcount_begin(&dentry->d_seq);
}

bool wqd_d_seq_changed(const struct dentry *dentry, unsigned int seq)
{
	return read_seqcount_retry(&dentry->d_seq, seq);
}

/* A directory has one dentry, so there is no list to walk. */
struct dentry *wqd_directory_dentry(const struct inode *dir)
{
	return hlist_entry_safe(READ_ONCE(dir->i_dentry.first), struct dentry, d_alias);
}
