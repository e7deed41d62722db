// SPDX-License-Identifier: GPL-2.0
/*
 * A module for tests only: calls the API of include/linux/watch_queue_dev.h from every context
 * it is allowed in, as user space asks by ioctl on /dev/wq_context_test. What it finds wrong
 * itself (a changed record, a release_watch() in the wrong context or for the second time)
 * it counts and logs. Used by the tests beside it.
 */
#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/watch_queue_dev.h>
#include <linux/watch_queue.h> /* the former name: in this tree, the same header */
#include <linux/workqueue.h>

#include "wq_context_test.h"

static struct watch_list __rcu *lists[WQT_LISTS];
static DEFINE_MUTEX(lists_mutex);
static DEFINE_RAW_SPINLOCK(raw_lock);
static atomic64_t added, released, errors;

static void error(const char *what)
{
	atomic64_inc(&errors);
	pr_err("wq_context_test: %s\n", what);
}

/* What is done in a context, and all that entering one takes. */
struct call {
	void (*fn)(struct call *call);
	struct wqt_post post;
	u32 list;
	int error;
	struct completion done;
	struct timer_list timer;
	struct work_struct work;
	struct hrtimer hrtimer;
	struct irq_work irq_work;
	struct rcu_head rcu;
};

static void finish(struct call *call)
{
	call->fn(call);
	complete(&call->done);
}

static void in_timer(struct timer_list *timer)
{
	finish(container_of(timer, struct call, timer));
}

static void in_work(struct work_struct *work)
{
	finish(container_of(work, struct call, work));
}

static enum hrtimer_restart in_hrtimer(struct hrtimer *hrtimer)
{
	finish(container_of(hrtimer, struct call, hrtimer));
	return HRTIMER_NORESTART;
}

static void in_irq_work(struct irq_work *irq_work)
{
	finish(container_of(irq_work, struct call, irq_work));
}

static void in_rcu(struct rcu_head *rcu)
{
	finish(container_of(rcu, struct call, rcu));
}

static void under_hrtimer(struct call *call, enum hrtimer_mode mode)
{
	hrtimer_setup(&call->hrtimer, in_hrtimer, CLOCK_MONOTONIC, mode);
	hrtimer_start(&call->hrtimer, ns_to_ktime(50 * NSEC_PER_USEC), mode);
	wait_for_completion(&call->done);
	hrtimer_cancel(&call->hrtimer);
}

/* Calls call->fn in the context and waits until it has returned. */
static void enter(u32 context, struct call *call)
{
	unsigned long flags;

	reinit_completion(&call->done);
	switch (context) {
	case WQT_PROCESS:
		call->fn(call);
		break;
	case WQT_IRQS_OFF:
		local_irq_save(flags);
		call->fn(call);
		local_irq_restore(flags);
		break;
	case WQT_RAW_LOCK:
		raw_spin_lock(&raw_lock);
		call->fn(call);
		raw_spin_unlock(&raw_lock);
		break;
	case WQT_PI_LOCK:
		raw_spin_lock_irqsave(&current->pi_lock, flags);
		call->fn(call);
		raw_spin_unlock_irqrestore(&current->pi_lock, flags);
		break;
	case WQT_TIMER:
		timer_setup(&call->timer, in_timer, 0);
		mod_timer(&call->timer, jiffies);
		wait_for_completion(&call->done);
		timer_shutdown_sync(&call->timer);
		break;
	case WQT_BH_WORK:
		INIT_WORK(&call->work, in_work);
		queue_work(system_bh_wq, &call->work);
		flush_work(&call->work);
		break;
	case WQT_HRTIMER_SOFT:
		under_hrtimer(call, HRTIMER_MODE_REL_SOFT);
		break;
	case WQT_HRTIMER_HARD:
		under_hrtimer(call, HRTIMER_MODE_REL_HARD);
		break;
	case WQT_IRQ_WORK:
		call->irq_work = IRQ_WORK_INIT_HARD(in_irq_work);
		irq_work_queue(&call->irq_work);
		irq_work_sync(&call->irq_work);
		break;
	case WQT_RCU_CALLBACK:
		call_rcu(&call->rcu, in_rcu);
		wait_for_completion(&call->done);
		rcu_barrier();
		break;
	}
}

/* Any context. */
static void release(struct watch *watch)
{
	might_sleep();
	if (!in_task() || irqs_disabled())
		error("release_watch() outside process context");
	if (*(u64 *)watch->private != watch->id)
		error("release_watch() with another private pointer");
	atomic64_inc(&released);
	/* A second call for the same watch is a double free. */
	kfree(watch->private);
}

/* Posts the next records of call->post. */
static void post_batch(struct call *call)
{
	struct wqt_post *p = &call->post;
	/* Only 32-bit aligned, as a record may be. */
	union {
		u32 words[1 + 126];
		unsigned char bytes[4 + 63 * 8];
	} buffer;
	struct wqt_record *r = (struct wqt_record *)&buffer.words[1];
	u32 length = p->info & WATCH_INFO_LENGTH, n, i;

	for (n = 0; n < p->batch && p->count; n++, p->count--, p->first++) {
		u32 sum = 0, again = 0;
		int ret;

		memset(&buffer, 0, sizeof(buffer));
		((struct watch_notification *)r)->type = p->type;
		((struct watch_notification *)r)->subtype = p->producer;
		((struct watch_notification *)r)->info = p->info;
		if (length >= sizeof(*r)) {
			r->producer = p->producer;
			r->seq = p->first;
		}
		for (i = sizeof(*r); i < length; i++)
			buffer.bytes[4 + i] = WQT_PATTERN(p->producer, p->first, i);
		for (i = 0; i < ARRAY_SIZE(buffer.words); i++)
			sum = sum * 33 + buffer.words[i];
		rcu_read_lock();
		ret = post_watch_notification(rcu_dereference(lists[call->list]),
					      (struct watch_notification *)r, NULL, p->id);
		rcu_read_unlock();
		for (i = 0; i < ARRAY_SIZE(buffer.words); i++)
			again = again * 33 + buffer.words[i];
		if (sum != again)
			call->error = -EIO;
		if (ret)
			call->error = ret;
	}
}

/* Ends the list. */
static void end_list(struct call *call)
{
	struct watch_list *wlist;

	wlist = unrcu_pointer(xchg(&lists[call->list], NULL));
	if (!wlist)
		call->error = -ENOENT;
	remove_watch_list(wlist);
}

static struct call *new_call(void (*fn)(struct call *call), u32 context, u32 list)
{
	struct call *call;

	if (context >= WQT_CONTEXTS || list >= WQT_LISTS)
		return ERR_PTR(-EINVAL);
	call = kzalloc_obj(*call, GFP_KERNEL);
	if (!call)
		return ERR_PTR(-ENOMEM);
	call->fn = fn;
	call->list = list;
	init_completion(&call->done);
	return call;
}

static int do_post(const struct wqt_post *arg)
{
	struct call *call = new_call(post_batch, arg->context, arg->list);
	int ret;

	if (IS_ERR(call))
		return PTR_ERR(call);
	call->post = *arg;
	while (call->post.count && !call->error && !signal_pending(current)) {
		enter(arg->context, call);
		cond_resched();
	}
	ret = call->error ?: call->post.count ? -EINTR : 0;
	kfree(call);
	return ret;
}

static int do_end(const struct wqt_end *arg)
{
	struct call *call = new_call(end_list, arg->context, arg->list);
	int ret;

	if (IS_ERR(call))
		return PTR_ERR(call);
	/* An add needs the list to stay. */
	mutex_lock(&lists_mutex);
	enter(arg->context, call);
	mutex_unlock(&lists_mutex);
	ret = call->error;
	kfree(call);
	return ret;
}

/* The list, made if need be. Under lists_mutex, as is its end. */
static struct watch_list *list_of(u32 n)
{
	struct watch_list *wlist = rcu_access_pointer(lists[n]);

	if (wlist)
		return wlist;
	wlist = kmalloc_obj(*wlist, GFP_KERNEL);
	if (!wlist)
		return NULL;
	init_watch_list(wlist, release);
	rcu_assign_pointer(lists[n], wlist);
	return wlist;
}

static int do_watch(const struct wqt_watch *arg)
{
	struct watch_queue *wqueue = get_watch_queue(arg->fd);
	struct watch_list *wlist;
	struct watch watch;
	u64 *private;
	int ret;

	if (IS_ERR(wqueue))
		return PTR_ERR(wqueue);
	private = kmalloc_obj(*private, GFP_KERNEL);
	mutex_lock(&lists_mutex);
	wlist = list_of(arg->list);
	if (!private || !wlist) {
		ret = -ENOMEM;
	} else {
		*private = arg->id;
		init_watch(&watch, wqueue);
		watch.info_id = arg->info_id;
		watch.private = private;
		watch.id = arg->id;
		ret = add_watch_to_object(&watch, wlist);
		/* It is ours, whatever happened. */
		memset(&watch, 0xa5, sizeof(watch));
	}
	mutex_unlock(&lists_mutex);
	if (ret)
		kfree(private);
	else
		atomic64_inc(&added);
	put_watch_queue(wqueue);
	return ret;
}

static int do_unwatch(const struct wqt_watch *arg)
{
	struct watch_queue *wqueue = get_watch_queue(arg->fd);
	struct watch_list *wlist;
	int ret = -EBADSLT;

	if (IS_ERR(wqueue))
		return PTR_ERR(wqueue);
	mutex_lock(&lists_mutex);
	wlist = rcu_access_pointer(lists[arg->list]);
	if (wlist)
		ret = remove_watch_from_object(wlist, wqueue, arg->id, false);
	mutex_unlock(&lists_mutex);
	put_watch_queue(wqueue);
	return ret;
}

static long wqt_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	union {
		struct wqt_watch watch;
		struct wqt_post post;
		struct wqt_end end;
		struct wqt_stats stats;
	} a = {};

	if (_IOC_TYPE(cmd) != '|' || _IOC_SIZE(cmd) > sizeof(a))
		return -ENOTTY;
	if (_IOC_DIR(cmd) == _IOC_WRITE &&
	    copy_from_user(&a, (void __user *)arg, _IOC_SIZE(cmd)))
		return -EFAULT;

	switch (cmd) {
	case WQT_WATCH:
		return a.watch.list < WQT_LISTS ? do_watch(&a.watch) : -EINVAL;
	case WQT_UNWATCH:
		return a.watch.list < WQT_LISTS ? do_unwatch(&a.watch) : -EINVAL;
	case WQT_POST:
		return do_post(&a.post);
	case WQT_END:
		return do_end(&a.end);
	case WQT_STATS:
		watch_queue_dev_barrier();
		a.stats.added = atomic64_read(&added);
		a.stats.released = atomic64_read(&released);
		a.stats.errors = atomic64_read(&errors);
		return copy_to_user((void __user *)arg, &a, sizeof(a.stats)) ? -EFAULT : 0;
	}
	return -ENOTTY;
}

static const struct file_operations wqt_fops = {
	.owner		= THIS_MODULE,
	.open		= nonseekable_open,
	.unlocked_ioctl	= wqt_ioctl,
};

static struct miscdevice wqt_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "wq_context_test",
	.fops	= &wqt_fops,
};

static int __init wqt_init(void)
{
	return misc_register(&wqt_misc);
}

static void __exit wqt_exit(void)
{
	int i;

	misc_deregister(&wqt_misc);
	for (i = 0; i < WQT_LISTS; i++)
		remove_watch_list(unrcu_pointer(xchg(&lists[i], NULL)));
	/* Nothing. */
	remove_watch_list(NULL);
	watch_queue_dev_barrier();
	WARN(atomic64_read(&added) != atomic64_read(&released),
	     "wq_context_test: %lld watches added, %lld released\n",
	     atomic64_read(&added), atomic64_read(&released));
}

module_init(wqt_init);
module_exit(wqt_exit);

MODULE_DESCRIPTION("Calls the API of /dev/watch_queue from every context, for tests");
MODULE_LICENSE("GPL");
