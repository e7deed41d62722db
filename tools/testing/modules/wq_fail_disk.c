// SPDX-License-Identifier: GPL-2.0
/*
 * A disk that fails as it is told, for block_class_test: an operation that begins in sector
 * 8 * n ends with the block status n, 0 being success. It has no requests, and ends its
 * operations in a hard interrupt.
 */
#include <linux/blkdev.h>
#include <linux/irq_work.h>
#include <linux/module.h>

#define DISK_SECTORS	2048

static struct gendisk *disk;

/* One operation that is on its way. */
struct pending {
	struct irq_work work;
	struct bio *bio;
	struct rcu_head rcu;
};

static void end_in_irq(struct irq_work *work)
{
	struct pending *pending = container_of(work, struct pending, work);

	bio_endio(pending->bio);
	/* Not at once: the caller writes to the work after this. */
	kfree_rcu(pending, rcu);
}

static void submit(struct bio *bio)
{
	struct pending *pending = kmalloc(sizeof(*pending), GFP_NOIO);

	if (!pending) {
		bio_io_error(bio);
		return;
	}
	bio->bi_status = (__force blk_status_t)(bio->bi_iter.bi_sector / 8);
	if (!bio->bi_status && bio_op(bio) == REQ_OP_READ)
		zero_fill_bio(bio);
	pending->work = IRQ_WORK_INIT_HARD(end_in_irq);
	pending->bio = bio;
	irq_work_queue(&pending->work);
}

static const struct block_device_operations fail_disk_ops = {
	.owner = THIS_MODULE,
	.submit_bio = submit,
};

static int __init fail_disk_init(void)
{
	struct queue_limits limits = { .logical_block_size = SECTOR_SIZE };
	int err;

	disk = blk_alloc_disk(&limits, NUMA_NO_NODE);
	if (IS_ERR(disk))
		return PTR_ERR(disk);
	disk->flags |= GENHD_FL_NO_PART;
	disk->fops = &fail_disk_ops;
	strscpy(disk->disk_name, "wqfail", DISK_NAME_LEN);
	set_capacity(disk, DISK_SECTORS);
	err = add_disk(disk);
	if (err)
		put_disk(disk);
	return err;
}

static void __exit fail_disk_exit(void)
{
	del_gendisk(disk);
	put_disk(disk);
}

module_init(fail_disk_init);
module_exit(fail_disk_exit);
MODULE_DESCRIPTION("A disk that fails as it is told, for tests of watch_queue_dev");
MODULE_LICENSE("GPL");
