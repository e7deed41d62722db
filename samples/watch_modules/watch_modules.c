// SPDX-License-Identifier: GPL-2.0
/*
 * Sample in C of a module that posts events of its own to /dev/watch_queue: a watcher of
 * /dev/watch_modules is told when kernel modules come and go. Documentation/producer.rst
 * explains it line by line; the header beside this file is for user space.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/watch_queue_dev.h>

#include "watch_modules.h"

/* There is one object to watch here: the list of all modules. */
static struct watch_list watchers;

static int tell(struct notifier_block *nb, unsigned long state, void *data)
{
	const struct module *mod = data;
	/* A module's name has at most MODULE_NAME_LEN - 1 bytes; all of the record is visible. */
	union {
		struct module_notification n;
		unsigned char bytes[sizeof(struct module_notification) + ALIGN(MODULE_NAME_LEN, 8)];
	} record = {};
	u32 length = ALIGN(sizeof(record.n) + strlen(mod->name) + 1, 8);

	if (state != MODULE_STATE_LIVE && state != MODULE_STATE_GOING)
		return NOTIFY_DONE;
	record.n.watch.type = WATCH_TYPE_MODULE_NOTIFY;
	record.n.watch.subtype = state == MODULE_STATE_LIVE ? NOTIFY_MODULE_LIVE :
							      NOTIFY_MODULE_GOING;
	record.n.watch.info = length;
	memcpy(record.n.name, mod->name, strlen(mod->name));
	post_watch_notification(&watchers, &record.n.watch, NULL, 0);
	return NOTIFY_DONE;
}

static struct notifier_block notifier = {
	.notifier_call = tell,
};

static long watch_modules_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct watch_modules request;
	struct watch_queue *wqueue;
	struct watch watch;
	int ret;

	if (cmd != WATCH_MODULES)
		return -ENOTTY;
	if (copy_from_user(&request, (void __user *)arg, sizeof(request)))
		return -EFAULT;
	if (request.id > 255)
		return -EINVAL;

	wqueue = get_watch_queue(request.queue);
	if (IS_ERR(wqueue))
		return PTR_ERR(wqueue);
	init_watch(&watch, wqueue);
	watch.info_id = request.id << WATCH_INFO_ID__SHIFT;
	ret = add_watch_to_object(&watch, &watchers);
	put_watch_queue(wqueue);
	return ret;
}

static const struct file_operations watch_modules_fops = {
	.owner		= THIS_MODULE,
	.open		= nonseekable_open,
	.unlocked_ioctl	= watch_modules_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

/* Which modules there are is no secret, but leave it to the administrator: mode 0600. */
static struct miscdevice watch_modules_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "watch_modules",
	.fops	= &watch_modules_fops,
};

static int __init watch_modules_init(void)
{
	int ret;

	/* The watches have nothing that would have to be given back. */
	init_watch_list(&watchers, NULL);
	ret = register_module_notifier(&notifier);
	if (ret)
		return ret;
	ret = misc_register(&watch_modules_misc);
	if (ret)
		unregister_module_notifier(&notifier);
	return ret;
}

static void __exit watch_modules_exit(void)
{
	/* Nobody adds, nobody posts, then nobody watches: each watcher gets his REMOVAL. */
	misc_deregister(&watch_modules_misc);
	unregister_module_notifier(&notifier);
	remove_watch_from_object(&watchers, NULL, 0, true);
}

module_init(watch_modules_init);
module_exit(watch_modules_exit);

MODULE_DESCRIPTION("Sample: tells through /dev/watch_queue when modules come and go");
MODULE_LICENSE("GPL");
