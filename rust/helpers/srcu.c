// SPDX-License-Identifier: GPL-2.0
/* SRCU-fast, for rust/sync/srcu_fast.rs. */

#include <linux/srcu.h>

int wqd_init_srcu_struct_fast(struct srcu_struct *ssp, const char *name,
			      struct lock_class_key *key)
{
#ifdef CONFIG_DEBUG_LOCK_ALLOC
	return __init_srcu_struct_fast(ssp, name, key);
#else
	return init_srcu_struct_fast(ssp);
#endif
}

__wqd_inline struct srcu_ctr __percpu *wqd_srcu_read_lock_fast(struct srcu_struct *ssp)
{
	return srcu_read_lock_fast(ssp);
}

__wqd_inline void wqd_srcu_read_unlock_fast(struct srcu_struct *ssp, struct srcu_ctr __percpu *scp)
{
	srcu_read_unlock_fast(ssp, scp);
}
