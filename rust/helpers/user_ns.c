// SPDX-License-Identifier: GPL-2.0
/* User namespaces, for rust/task/user_ns.rs, and what they number, for rust/fs/superblock.rs. */

#include <linux/cred.h>
#include <linux/projid.h>
#include <linux/quota.h>
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

struct user_namespace *wqd_user_ns_of(const struct cred *cred)
{
	return cred->user_ns;
}

struct user_namespace *wqd_user_ns_parent(struct user_namespace *ns)
{
	return ns->parent;
}

kuid_t wqd_user_ns_owner(struct user_namespace *ns)
{
	return ns->owner;
}

unsigned long wqd_user_ns_memlock(struct user_namespace *ns)
{
	return get_userns_rlimit_max(ns, UCOUNT_RLIMIT_MEMLOCK);
}

void wqd_get_user_ns(struct user_namespace *ns)
{
	get_user_ns(ns);
}

void wqd_put_user_ns(struct user_namespace *ns)
{
	put_user_ns(ns);
}

/* Decides something, unlike most helpers: from_kqid_munged() is there only on kernels with quotas. */
u32 wqd_quota_id_in(struct user_namespace *ns, unsigned int type, u32 id)
{
	switch (type) {
	case USRQUOTA:
		return from_kuid_munged(ns, KUIDT_INIT(id));
	case GRPQUOTA:
		return from_kgid_munged(ns, KGIDT_INIT(id));
	default:
		return from_kprojid_munged(ns, KPROJIDT_INIT(id));
	}
}
