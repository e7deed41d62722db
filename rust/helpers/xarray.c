// SPDX-License-Identifier: GPL-2.0
/* XArrays, for rust/sync/handle_table.rs and pointer_map.rs. */

#include <linux/xarray.h>

int wqd_xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	return xa_insert(xa, index, entry, gfp);
}

void *wqd_xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp)
{
	return xa_cmpxchg(xa, index, old, entry, gfp);
}
