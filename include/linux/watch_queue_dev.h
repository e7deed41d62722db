/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For kernel modules that post events of their own to /dev/watch_queue.
 *
 * Documentation/producer.rst says how, with two samples; the names are those of the 2019
 * proposal. What is exported has the prefix watch_queue_dev_, the name of the module that
 * exports it, because mainline's pipe-based queue owns the plain names; the 2019 names are
 * macros at the end of this header. For the same reason a source file includes this header or
 * mainline's <linux/watch_queue.h>, never both. A module's Makefile adds two folders:
 *
 *   LINUXINCLUDE += -I.../include -I.../include/uapi
 */
#ifndef _LINUX_WATCH_QUEUE_DEV_H
#define _LINUX_WATCH_QUEUE_DEV_H

#ifdef _LINUX_WATCH_QUEUE_H
#error "mainline's <linux/watch_queue.h> (pipe-based queue) is included, too: a file can have one of them"
#endif

#include <linux/build_bug.h>
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/string.h>
#include <linux/types.h>
#include <uapi/linux/watch_queue_dev.h>

static_assert(WATCH_INFO_LENGTH == 0x1f8, "<uapi/linux/watch_queue_dev.h> is of another version");

struct cred;
struct watch_queue;

/*
 * A watch, as its maker describes it. watch_queue_dev_add_watch() copies it, so it may be on
 * the stack. To be filled in after watch_queue_dev_init_watch().
 */
struct watch {
	u32			info_id;	/* 0 to 255, shifted by WATCH_INFO_ID__SHIFT */
	void			*private;	/* the maker's, for release_watch() */
	u64			id;		/* which posts it gets: those with this id */
	struct watch_queue	*queue;		/* internal */
};

/*
 * The watches on an object. Part of the object, or an allocation of its own.
 */
struct watch_list {
	void			*slot;		/* internal: NULL without watches */
	struct module		*owner;		/* internal */
	void			(*release_watch)(struct watch *watch);
	struct rcu_head		rcu;		/* for remove_list() */
};

/**
 * watch_queue_dev_init_list() - make an empty list
 * @wlist: uninitialised memory, or a list that has ended and cannot be reached
 * @release_watch: called with a copy of the watch, exactly once for each watch that was
 *	added, when it has ended, whatever ended it; in process context. May be NULL.
 */
static inline void watch_queue_dev_init_list(struct watch_list *wlist,
					     void (*release_watch)(struct watch *watch))
{
	memset(wlist, 0, sizeof(*wlist));
	wlist->owner = THIS_MODULE;
	wlist->release_watch = release_watch;
}

/**
 * watch_queue_dev_get_queue() - the queue behind a descriptor of the current process
 * @fd: what user space has passed in
 *
 * Process context. Keeps the queue's memory, not the file: a queue whose file was closed
 * refuses new watches.
 *
 * Return: a queue, to be given to watch_queue_dev_put_queue(); or an ERR_PTR: EBADF, EINVAL
 * when it is another kind of file, EACCES unless it was opened for reading and writing.
 */
struct watch_queue *watch_queue_dev_get_queue(int fd);

/**
 * watch_queue_dev_put_queue() - give back what watch_queue_dev_get_queue() gave
 * @wqueue: the queue
 *
 * Process context; may sleep.
 */
void watch_queue_dev_put_queue(struct watch_queue *wqueue);

/**
 * watch_queue_dev_init_watch() - begin to describe a watch
 * @watch: uninitialised memory
 * @wqueue: the queue, which the caller keeps until the watch was added
 */
static inline void watch_queue_dev_init_watch(struct watch *watch, struct watch_queue *wqueue)
{
	memset(watch, 0, sizeof(*watch));
	watch->queue = wqueue;
}

/**
 * watch_queue_dev_add_watch() - begin to deliver
 * @watch: the description; it is copied
 * @wlist: the list, which the caller keeps during the call
 *
 * Process context; may sleep. On failure @watch->private stays the caller's, and
 * release_watch() is not called.
 *
 * Return: 0; EBUSY when the queue has a watch with this id here already, ENOENT when the
 * queue or the list has ended, ENOBUFS when the queue has no ring yet, EINVAL when info_id
 * is more than an id in its place, EDQUOT above the user's limit of watches, ERESTARTSYS when a
 * signal came while it waited for watches of the user's closed queues to end, ENOMEM.
 */
int watch_queue_dev_add_watch(const struct watch *watch, struct watch_list *wlist);

/**
 * watch_queue_dev_remove_watch() - end one watch, or all
 * @wlist: the list
 * @wqueue: whose watch; ignored when @all
 * @id: its id; ignored when @all
 * @all: end every watch, and refuse new ones: the watched object is going away
 *
 * Each watcher gets one REMOVAL record, with @all a moment later. Process context, may sleep;
 * with @all any context but NMI, whatever locks are held. When it returns after @all, the list
 * may be freed as soon as nothing posts to it any more.
 *
 * Return: 0, or EBADSLT when there was nothing to end.
 */
int watch_queue_dev_remove_watch(struct watch_list *wlist, struct watch_queue *wqueue, u64 id,
				 bool all);

/**
 * watch_queue_dev_remove_list() - end every watch and free the list
 * @wlist: a list from kmalloc(), or NULL
 *
 * Any context but NMI, whatever locks are held. The memory goes after an RCU grace period,
 * so a post may find the list by RCU.
 */
static inline void watch_queue_dev_remove_list(struct watch_list *wlist)
{
	if (!wlist)
		return;
	watch_queue_dev_remove_watch(wlist, NULL, 0, true);
	kfree_rcu(wlist, rcu);
}

/**
 * watch_queue_dev_post() - post an event to the watches of a list
 * @wlist: the list, which the caller keeps during the call; NULL is a list without watches
 * @n: the record: header, body, padding, all of it initialised, because user space will see
 *	all of it. Type from WATCH_TYPE_FOREIGN_FIRST to _LAST; length in @n->info. Of the
 *	other bits in info, RECURSIVE, IN_SUBTREE and TYPE_FLAGS are kept. Read once, never
 *	written.
 * @cred: ignored
 * @id: what the event is about; only watches with this id get it
 *
 * Any context but NMI, whatever locks are held, interrupts on or off; RCU must be watching.
 *
 * Return: 0; EINVAL when the length is 0 or the type is not for modules.
 */
int watch_queue_dev_post(struct watch_list *wlist, const struct watch_notification *n,
			 const struct cred *cred, u64 id);

/**
 * watch_queue_dev_barrier() - wait for release_watch()
 *
 * Returns when release_watch() has been called, and has returned, for every watch that had
 * ended before. A module that gave a release_watch() calls this in its exit function, after
 * the end of its lists. Process context, sleeps; not from release_watch() itself.
 */
void watch_queue_dev_barrier(void);

/* The names of 2019. */
#define init_watch_list(wlist, release_watch) \
	watch_queue_dev_init_list(wlist, release_watch)
#define remove_watch_list(wlist) \
	watch_queue_dev_remove_list(wlist)
#define get_watch_queue(fd) \
	watch_queue_dev_get_queue(fd)
#define put_watch_queue(wqueue) \
	watch_queue_dev_put_queue(wqueue)
#define init_watch(watch, wqueue) \
	watch_queue_dev_init_watch(watch, wqueue)
#define add_watch_to_object(watch, wlist) \
	watch_queue_dev_add_watch(watch, wlist)
#define remove_watch_from_object(wlist, wqueue, id, all) \
	watch_queue_dev_remove_watch(wlist, wqueue, id, all)
#define post_watch_notification(wlist, n, cred, id) \
	watch_queue_dev_post(wlist, n, cred, id)

#endif /* _LINUX_WATCH_QUEUE_DEV_H */
