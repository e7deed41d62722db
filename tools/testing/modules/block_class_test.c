// SPDX-License-Identifier: GPL-2.0
/*
 * Every status that an operation of a block device can end with, and the class of error that
 * it comes as; from a hard interrupt, and so many at once that the ring overflows. The module
 * wq_fail_disk does it; wq_fail_disk.ko has to be in the current folder.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "kselftest_harness.h"

#include "consumer.h"

/* enum of the kernel's blk_status_t, which programs do not see. */
enum {
	NOTSUPP = 1, TIMEOUT, NOSPC, TRANSPORT, TARGET, RESV_CONFLICT, MEDIUM, PROTECTION, RESOURCE,
	IOERR, DM_REQUEUE, AGAIN, DEV_RESOURCE, ZONE_OPEN, ZONE_ACTIVE, OFFLINE, DURATION_LIMIT,
};

static const struct {
	int status;
	uint32_t subtype;	/* 0: none */
} classes[] = {
	{ 0, 0 }, { NOTSUPP, 0 }, { AGAIN, 0 }, { DM_REQUEUE, 0 },
	{ TIMEOUT, NOTIFY_BLOCK_ERROR_TIMEOUT },
	{ NOSPC, NOTIFY_BLOCK_ERROR_NO_SPACE },
	{ TRANSPORT, NOTIFY_BLOCK_ERROR_RECOVERABLE_TRANSPORT },
	{ TARGET, NOTIFY_BLOCK_ERROR_CRITICAL_TARGET },
	{ RESV_CONFLICT, NOTIFY_BLOCK_ERROR_CRITICAL_NEXUS },
	{ MEDIUM, NOTIFY_BLOCK_ERROR_CRITICAL_MEDIUM },
	{ PROTECTION, NOTIFY_BLOCK_ERROR_PROTECTION },
	{ RESOURCE, NOTIFY_BLOCK_ERROR_KERNEL_RESOURCE },
	{ DEV_RESOURCE, NOTIFY_BLOCK_ERROR_DEVICE_RESOURCE },
	{ ZONE_OPEN, NOTIFY_BLOCK_ERROR_DEVICE_RESOURCE },
	{ ZONE_ACTIVE, NOTIFY_BLOCK_ERROR_DEVICE_RESOURCE },
	{ DURATION_LIMIT, NOTIFY_BLOCK_ERROR_TIMEOUT },
	{ IOERR, NOTIFY_BLOCK_ERROR_IO },
	{ OFFLINE, NOTIFY_BLOCK_ERROR_IO },
};

/* A direct read of one sector; 0 or an errno. */
static int read_at(int fd, uint64_t sector)
{
	static __thread char buffer[512] __attribute__((aligned(4096)));

	return pread(fd, buffer, sizeof(buffer), sector * 512) == sizeof(buffer) ? 0 : errno;
}

FIXTURE(disk) {
	struct wq *wq;
	int fd;
	uint64_t number;
};

FIXTURE_SETUP(disk)
{
	struct watch_queue_add add = {
		.type = WATCH_TYPE_BLOCK_NOTIFY, .mask = WATCH_BLOCK_ALL_EVENTS, .id = 7,
	};
	struct stat st;
	int err = load("wq_fail_disk");

	ASSERT_TRUE(err == 0 || err == -EEXIST);
	self->wq = open_queue(1);
	ASSERT_NE(NULL, self->wq);
	for (int i = 0; i < 100; i++) {
		self->fd = open("/dev/wqfail", O_RDONLY | O_DIRECT | O_CLOEXEC);
		if (self->fd >= 0)
			break;
		usleep(100000);
	}
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, fstat(self->fd, &st));
	self->number = st.st_rdev;
	add.object = self->fd;
	ASSERT_EQ(0, wq_add_watch(self->wq, &add));
}

FIXTURE_TEARDOWN(disk)
{
	close(self->fd);
	wq_close(self->wq);
	unload("wq_fail_disk");
}

TEST_F(disk, each_status_has_its_class)
{
	const struct block_notification *n;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(classes); i++) {
		uint64_t sector = 8 * classes[i].status;
		int err = read_at(self->fd, sector);

		EXPECT_EQ(classes[i].status != 0, err != 0);
		n = (const void *)wq_next(self->wq);
		if (!classes[i].subtype) {
			EXPECT_EQ(NULL, n) {
				TH_LOG("status %d", classes[i].status);
			}
			continue;
		}
		ASSERT_NE(NULL, n) {
			TH_LOG("status %d", classes[i].status);
		}
		EXPECT_EQ(WATCH_TYPE_BLOCK_NOTIFY, (uint32_t)n->watch.type);
		EXPECT_EQ(classes[i].subtype, (uint32_t)n->watch.subtype) {
			TH_LOG("status %d", classes[i].status);
		}
		EXPECT_EQ(ID(7) | 24, n->watch.info);
		EXPECT_EQ(self->number, n->dev);
		EXPECT_EQ(sector, n->sector);
		wq_advance(self->wq);
		EXPECT_EQ(NULL, wq_next(self->wq));
	}
}

struct reader {
	int fd;
	long failed;
};

static void *read_much(void *arg)
{
	struct reader *r = arg;
	unsigned int i;

	for (i = 0; i < scaled(5000); i++)
		if (read_at(r->fd, 8 * MEDIUM))
			r->failed++;
	return NULL;
}

/* A ring of one page, and no reader: what does not fit is counted, nothing else is lost. */
TEST_F(disk, more_than_fits)
{
	struct reader r[4];
	pthread_t threads[4];
	struct watch_queue_info info;
	uint64_t seen = 0, lost = 0, failed = 0;
	const struct watch_notification *n;
	int i;

	for (i = 0; i < 4; i++) {
		r[i] = (struct reader){ .fd = self->fd };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, read_much, &r[i]));
	}
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		failed += r[i].failed;
	}
	EXPECT_EQ(4ull * scaled(5000), failed);
	ASSERT_EQ(0, wq_info(self->wq, 0, &info));
	EXPECT_EQ(failed, info.posted);
	EXPECT_LT(0, info.lost);
	while ((n = wq_next(self->wq)) || wq_wait(self->wq, 100) == 1) {
		if (!n)
			continue;
		if (n->type == WATCH_TYPE_BLOCK_NOTIFY)
			seen++;
		else
			lost += ((const struct watch_loss_notification *)n)->count;
		wq_advance(self->wq);
	}
	EXPECT_EQ(info.delivered, seen);
	EXPECT_EQ(info.lost, lost);
	EXPECT_EQ(failed, seen + lost);
}

TEST_HARNESS_MAIN
