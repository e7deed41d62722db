// SPDX-License-Identifier: GPL-2.0
/*
 * The floor of the benchmarks: a backend of fsnotify whose handler does nothing, so that what
 * the kernel itself does for a watched object can be told from what a backend adds. Each open
 * file of /dev/bench_noop is one group.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/fsnotify_backend.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bench_noop.h"

struct listener {
	struct fsnotify_group *group;
	struct mutex lock;		/* protects marks */
	struct list_head marks;
};

struct noop_mark {
	struct fsnotify_mark mark;
	struct list_head list;
};

static int noop_handle_event(struct fsnotify_group *group, u32 mask, const void *data, int data_type,
			     struct inode *dir, const struct qstr *file_name, u32 cookie,
			     struct fsnotify_iter_info *iter_info)
{
	return 0;
}

static void noop_free_mark(struct fsnotify_mark *mark)
{
	kfree(container_of(mark, struct noop_mark, mark));
}

static const struct fsnotify_ops noop_ops = {
	.handle_event = noop_handle_event,
	.free_mark = noop_free_mark,
};

static int noop_open(struct inode *inode, struct file *file)
{
	struct listener *l = kzalloc_obj(*l);

	if (!l)
		return -ENOMEM;
	l->group = fsnotify_alloc_group(&noop_ops, 0);
	if (IS_ERR(l->group)) {
		int error = PTR_ERR(l->group);

		kfree(l);
		return error;
	}
	mutex_init(&l->lock);
	INIT_LIST_HEAD(&l->marks);
	file->private_data = l;
	return 0;
}

static int noop_release(struct inode *inode, struct file *file)
{
	struct listener *l = file->private_data;
	struct noop_mark *mark, *next;

	list_for_each_entry_safe(mark, next, &l->marks, list) {
		list_del(&mark->list);
		fsnotify_destroy_mark(&mark->mark, l->group);
		fsnotify_put_mark(&mark->mark);
	}
	fsnotify_wait_marks_destroyed();
	fsnotify_put_group(l->group);
	kfree(l);
	return 0;
}

static long noop_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct listener *l = file->private_data;
	struct bench_noop_add add;
	struct noop_mark *mark;
	struct inode *inode;
	int error;

	if (cmd != BENCH_NOOP_ADD)
		return -ENOTTY;
	if (copy_from_user(&add, (void __user *)arg, sizeof(add)))
		return -EFAULT;

	CLASS(fd, f)(add.fd);
	if (fd_empty(f))
		return -EBADF;
	mark = kzalloc_obj(*mark);
	if (!mark)
		return -ENOMEM;
	fsnotify_init_mark(&mark->mark, l->group);
	mark->mark.mask = add.mask & ~BENCH_NOOP_WHOLE;
	inode = file_inode(fd_file(f));
	if (add.mask & BENCH_NOOP_WHOLE)
		error = fsnotify_add_mark(&mark->mark, inode->i_sb, FSNOTIFY_OBJ_TYPE_SB, 0);
	else
		error = fsnotify_add_inode_mark(&mark->mark, inode, 0);
	if (error) {
		fsnotify_put_mark(&mark->mark);
		return error;
	}
	/* The file keeps the mark until it is closed. */
	mutex_lock(&l->lock);
	list_add(&mark->list, &l->marks);
	mutex_unlock(&l->lock);
	return 0;
}

static const struct file_operations noop_fops = {
	.owner = THIS_MODULE,
	.open = noop_open,
	.release = noop_release,
	.unlocked_ioctl = noop_ioctl,
};

static struct miscdevice noop_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bench_noop",
	.fops = &noop_fops,
};
module_misc_device(noop_device);

MODULE_DESCRIPTION("watch_queue benchmarks: an fsnotify backend that does nothing");
MODULE_LICENSE("GPL");
