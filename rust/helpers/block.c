// SPDX-License-Identifier: GPL-2.0
/* Failed operations of block devices, for rust/device/block.rs. */

#include <linux/blk-mq.h>
#include <linux/blkdev.h>

/* What is said of a failed operation. */
struct wqd_block_place {
	dev_t disk;	/* 0: not known */
	dev_t part;	/* the partition that was used, or the disk; 0: not known */
	u64 sector;	/* on the disk */
};

void wqd_block_place_of_request(const struct request *rq, struct wqd_block_place *place)
{
#ifdef CONFIG_BLOCK
	place->disk = rq->q->disk ? disk_devt(rq->q->disk) : 0;
	place->part = rq->bio && rq->bio->bi_bdev ? rq->bio->bi_bdev->bd_dev : 0;
	place->sector = blk_rq_pos(rq);
#endif
}

void wqd_block_place_of_bio(const struct bio *bio, struct wqd_block_place *place)
{
#ifdef CONFIG_BLOCK
	place->disk = bio->bi_bdev ? disk_devt(bio->bi_bdev->bd_disk) : 0;
	place->part = bio->bi_bdev ? bio->bi_bdev->bd_dev : 0;
	place->sector = bio->bi_iter.bi_sector;
#endif
}

bool wqd_bio_is_quiet(const struct bio *bio)
{
	return bio_flagged((struct bio *)bio, BIO_QUIET);
}
