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

/* Whether it was reached by a file handle, and perhaps has no place yet. */
bool wqd_d_disconnected(const struct dentry *dentry)
{
	return READ_ONCE(dentry->d_flags) & DCACHE_DISCONNECTED;
}

void wqd_lock_aliases(struct inode *inode)
{
	spin_lock(&inode->i_lock);
}

void wqd_unlock_aliases(struct inode *inode)
{
	spin_unlock(&inode->i_lock);
}

unsigned int wqd_inode_nlink(const struct inode *inode)
{
	return READ_ONCE(inode->i_nlink);
}

/* The next dentry in the list that has a name; the caller has the lock. */
struct dentry *wqd_next_name(const struct inode *inode, const struct dentry *previous)
{
	struct hlist_node *next = previous ? previous->d_alias.next : inode->i_dentry.first;
	struct dentry *dentry;

	for (; next; next = next->next) {
		dentry = hlist_entry(next, struct dentry, d_alias);
		if (READ_ONCE(dentry->d_parent) != dentry && !d_unhashed(dentry))
			return dentry;
	}
	return NULL;
}
