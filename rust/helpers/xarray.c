// SPDX-License-Identifier: GPL-2.0

#include <linux/xarray.h>

int wqd_xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	return xa_insert(xa, index, entry, gfp);
}
