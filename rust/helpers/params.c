// SPDX-License-Identifier: GPL-2.0
/*
 * Module parameters that may be changed while the module is loaded, which the module!
 * macro does not offer. Documented in Documentation/abi.rst.
 */
#include <linux/compiler.h>
#include <linux/fs.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>

static unsigned int wqd_param_max_pages = 16384;
module_param_named(max_pages, wqd_param_max_pages, uint, 0644);
MODULE_PARM_DESC(max_pages, "Largest ring that SET_SIZE allows, in pages");

static unsigned int wqd_param_max_user_queues = 128;
module_param_named(max_user_queues, wqd_param_max_user_queues, uint, 0644);
MODULE_PARM_DESC(max_user_queues, "How many queues one user may have open");

static unsigned int wqd_param_max_user_watches;
static bool wqd_max_user_watches_given;

static int wqd_set_max_user_watches(const char *val, const struct kernel_param *kp)
{
	int ret = param_set_uint(val, kp);

	if (!ret)
		wqd_max_user_watches_given = true;
	return ret;
}

static const struct kernel_param_ops wqd_max_user_watches_ops = {
	.set = wqd_set_max_user_watches,
	.get = param_get_uint,
};

module_param_cb(max_user_watches, &wqd_max_user_watches_ops, &wqd_param_max_user_watches, 0644);
__MODULE_PARM_TYPE(max_user_watches, "uint");
MODULE_PARM_DESC(max_user_watches, "How many watches one user may have (default: by the memory)");

static unsigned int wqd_param_max_subtrees = 256;
module_param_named(max_subtrees, wqd_param_max_subtrees, uint, 0644);
MODULE_PARM_DESC(max_subtrees, "How many watches on subtrees one file system may have");

static unsigned int wqd_param_max_user_subtrees = 32;
module_param_named(max_user_subtrees, wqd_param_max_user_subtrees, uint, 0644);
MODULE_PARM_DESC(max_user_subtrees, "How many watches on subtrees one user may have without privileges");

static bool wqd_param_unprivileged_subtrees = true;
module_param_named(unprivileged_subtrees, wqd_param_unprivileged_subtrees, bool, 0644);
MODULE_PARM_DESC(unprivileged_subtrees, "Let users without privileges watch subtrees (default: 1)");

static unsigned int wqd_param_max_permission_ms = 60000;
module_param_named(max_permission_ms, wqd_param_max_permission_ms, uint, 0644);
MODULE_PARM_DESC(max_permission_ms, "Longest time that SET_PERMISSION allows, in milliseconds");

static bool wqd_param_use_patches = true;
module_param_named(use_patches, wqd_param_use_patches, bool, 0444);
MODULE_PARM_DESC(use_patches, "Use what only a patched kernel exports, but for LSM rules, which apply in any case (for tests: 0)");

static bool wqd_param_probes;
module_param_named(probes, wqd_param_probes, bool, 0444);
MODULE_PARM_DESC(probes, "Probe functions where the kernel has no hook for events (default: 0)");

/*
 * The default of max_user_watches is a share of the memory, and the bounds of the result those of inotify's.
 * A watch takes watch_size bytes and keeps an inode; twice the size of the VFS's part is enough for that of
 * any file system.
 */
void wqd_limit_watches_by_memory(size_t watch_size)
{
	struct sysinfo si;
	unsigned long bytes;

	if (wqd_max_user_watches_given)
		return;
	si_meminfo(&si);
	bytes = ((si.totalram - si.totalhigh) / 100) << PAGE_SHIFT;
	WRITE_ONCE(wqd_param_max_user_watches,
		   clamp(bytes / (watch_size + 2 * sizeof(struct inode)), 8192UL, 1048576UL));
}

unsigned int wqd_max_pages(void)
{
	return READ_ONCE(wqd_param_max_pages);
}

unsigned int wqd_max_user_queues(void)
{
	return READ_ONCE(wqd_param_max_user_queues);
}

unsigned int wqd_max_user_watches(void)
{
	return READ_ONCE(wqd_param_max_user_watches);
}

unsigned int wqd_max_subtrees(void)
{
	return READ_ONCE(wqd_param_max_subtrees);
}

unsigned int wqd_max_user_subtrees(void)
{
	return READ_ONCE(wqd_param_max_user_subtrees);
}

bool wqd_unprivileged_subtrees(void)
{
	return READ_ONCE(wqd_param_unprivileged_subtrees);
}

unsigned int wqd_max_permission_ms(void)
{
	return READ_ONCE(wqd_param_max_permission_ms);
}

bool wqd_use_patches(void)
{
	return wqd_param_use_patches;
}

bool wqd_probes(void)
{
	return wqd_param_probes;
}
