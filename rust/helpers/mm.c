// SPDX-License-Identifier: GPL-2.0
/* Pages and mappings, for rust/mm/ring_memory.rs and rust/mm/nofs.rs. */

#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/vmalloc.h>

void wqd_put_page(struct page *page)
{
	put_page(page);
}

void *wqd_vmap(struct page **pages, unsigned int count)
{
	return vmap(pages, count, VM_MAP, PAGE_KERNEL);
}

unsigned int wqd_memalloc_nofs_save(void)
{
	return memalloc_nofs_save();
}

void wqd_memalloc_nofs_restore(unsigned int flags)
{
	memalloc_nofs_restore(flags);
}
