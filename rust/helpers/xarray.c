// SPDX-License-Identifier: GPL-2.0
/* XArrays, for rust/sync/handle_table.rs. */

#include <linux/xarray.h>

int wqd_xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	return xa_insert(xa, index, entry, gfp);
}
