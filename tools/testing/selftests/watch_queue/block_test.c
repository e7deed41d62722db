// SPDX-License-Identifier: GPL-2.0
/*
 * The BLOCK source: errors of request-based devices (scsi_debug, null_blk) and of bio-based
 * ones (device mapper), to watches on all devices and on one, under load, and what ADD_WATCH
 * refuses. Every class of error, also those that no driver here gives, is in
 * tools/testing/modules/block_class_test.c.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sys/mount.h>

#include "block_dev.h"
#include "wq_test.h"
#include "kselftest_harness.h"

#define READ_10		0x28
#define CHECK		0x02	/* CHECK CONDITION */

static int watch(int fd, int object, uint64_t mask, unsigned int id, unsigned int flags)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_BLOCK_NOTIFY, .flags = flags,
		.object = object, .id = id, .mask = mask,
	};

	return wq_add(fd, &add);
}

/* Like wq_story(), but the records may still be on their way from an interrupt. */
static const char *story(struct wq *q)
{
	wq_poll(q->fd, wq_patience(1000));
	return wq_story(q);
}

FIXTURE(block) {
	struct wq q;
	struct watch_queue_info info;
};

FIXTURE_SETUP(block)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_OK(wq_open(&self->q, 4));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->info));
	if (!(self->info.sources >> WATCH_TYPE_BLOCK_NOTIFY & 1))
		SKIP(return, "this kernel has no hook for block devices");
}

FIXTURE_TEARDOWN(block)
{
	wq_close(&self->q);
	dm_remove("wq-error");
	dm_remove("wq-dust");
	mod_unload("scsi_debug");
}

TEST_F(block, present)
{
	EXPECT_EQ(WATCH_BLOCK_ALL_EVENTS, self->info.events[WATCH_TYPE_BLOCK_NOTIFY]);
	EXPECT_EQ(WATCH_HOOK_TRACEPOINT, ~WATCH_HOOK_PATCH &
		  WATCH_HOOKS(self->info.hooks, WATCH_TYPE_BLOCK_NOTIFY));
}

struct class {
	int host, status, key, asc, ascq;
	const char *tells;
	bool partly;	/* may be tried again by the driver */
};

/* What SCSI says in its many ways comes as one of the classes, once for each failed read. */
TEST_F_TIMEOUT(block, scsi, 120)
{
	static const struct class classes[] = {
		{ 0, CHECK, 3, 0x11, 0, "block_medium#1 80" },
		{ 0, CHECK, 5, 0x24, 0, "block_target#1 80" },
		{ 0, CHECK, 5, 0x10, 1, "block_protection#1 80" },
		{ 0, CHECK, 7, 0x27, 7, "block_no_space#1 80" },
		{ 0, 0x18, 0, 0, 0, "block_nexus#1 80" },
		{ 0x0f, 0, 0, 0, 0, "block_transport#1 80" },
		{ 0x04, 0, 0, 0, 0, "block_io#1 80" },
	};
	struct scsi_disk disk;
	struct wq_rec r;
	int fd;

	if (!mod_load("scsi_debug", "dev_size_mb=8"))
		SKIP(return, "no scsi_debug");
	ASSERT_TRUE(scsi_disk_find(&disk));
	fd = open_disk(disk.node);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, watch(self->q.fd, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		const struct class *c = &classes[i];

		ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, c->host, c->status, c->key, c->asc,
					   c->ascq));
		EXPECT_NE(0, read_sectors(fd, 80, 8)) TH_LOG("%s", c->tells);
		EXPECT_STREQ(c->tells, story(&self->q));
		EXPECT_EQ(0, read_sectors(fd, 80, 8));
	}
	ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, 0, CHECK, 3, 0x11, 0));
	EXPECT_NE(0, read_sectors(fd, 80, 8));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(WATCH_TYPE_BLOCK_NOTIFY, r.type);
	EXPECT_EQ(3, r.slots);
	EXPECT_EQ(number_of(disk.node), r.block.dev);
	EXPECT_EQ(80, r.block.sector);
	EXPECT_STREQ("", wq_story(&self->q));
	close(fd);
}

/* A watch on one device sees that one only; the mask says which errors. */
TEST_F_TIMEOUT(block, one_device, 120)
{
	struct scsi_disk disk;
	int fd, other, error;
	char node[64];

	if (!mod_load("scsi_debug", "dev_size_mb=8"))
		SKIP(return, "no scsi_debug");
	ASSERT_TRUE(scsi_disk_find(&disk));
	ASSERT_TRUE(dm_create("wq-error", "error", 2048, "", node));
	fd = open_disk(disk.node);
	other = open_disk(node);
	ASSERT_LE(0, fd);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, watch(self->q.fd, fd, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	EXPECT_EQ(-EEXIST, watch(self->q.fd, fd, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	EXPECT_EQ(-EIO, read_sectors(other, 0, 8));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, 0, CHECK, 3, 0x11, 0));
	EXPECT_NE(0, read_sectors(fd, 8, 8));
	EXPECT_STREQ("block_medium#1 8", story(&self->q));

	/* O_PATH will do; each watch gets its own record. */
	error = open(node, O_PATH);
	ASSERT_EQ(0, watch(self->q.fd, error, 1 << NOTIFY_BLOCK_ERROR_IO, 2, WATCH_ADD_ONESHOT));
	ASSERT_EQ(0, watch(self->q.fd, -1, 1 << NOTIFY_BLOCK_ERROR_TIMEOUT, 3, 0));
	EXPECT_EQ(-EIO, read_sectors(other, 16, 8));
	EXPECT_EQ(-EIO, read_sectors(other, 16, 8));
	EXPECT_STREQ("block_io#2 16, removal:oneshot#2", story(&self->q));
	ASSERT_EQ(0, watch(self->q.fd, -1, 1 << NOTIFY_BLOCK_ERROR_IO, 3, WATCH_ADD_MASK_ADD));
	EXPECT_EQ(-EIO, read_sectors(other, 24, 8));
	EXPECT_STREQ("block_io#3 24", story(&self->q));
	close(error);
	close(other);
	close(fd);
}

/* The watch is on the number: it stays when the device goes, and sees the next one. */
TEST_F_TIMEOUT(block, device_goes, 120)
{
	uint64_t number;
	char node[64];
	int fd;

	ASSERT_TRUE(dm_create("wq-error", "error", 2048, "", node));
	fd = open_disk(node);
	number = number_of(node);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, watch(self->q.fd, fd, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	close(fd);
	/* It holds nothing of the device. */
	dm_remove("wq-error");
	EXPECT_EQ(0, number_of(node));
	ASSERT_TRUE(dm_create("wq-error", "error", 2048, "", node));
	fd = open_disk(node);
	ASSERT_EQ(number, number_of(node));
	EXPECT_EQ(-EIO, read_sectors(fd, 0, 8));
	EXPECT_STREQ("block_io#1 0", story(&self->q));
	close(fd);
}

/* Devices without requests: bad blocks of dm-dust, under a device that is fine. */
TEST_F_TIMEOUT(block, dust, 120)
{
	struct scsi_disk disk;
	char node[64], parameters[128];
	struct wq_rec r;
	int fd;

	if (!mod_load("scsi_debug", "dev_size_mb=8"))
		SKIP(return, "no scsi_debug");
	if (!dm_has("dust"))
		SKIP(return, "this kernel has no dm-dust (CONFIG_DM_DUST)");
	ASSERT_TRUE(scsi_disk_find(&disk));
	close(open_disk(disk.node));
	snprintf(parameters, sizeof(parameters), "%s 0 4096", disk.node);
	ASSERT_TRUE(dm_create("wq-dust", "dust", 8192, parameters, node));
	ASSERT_TRUE(dm_message("wq-dust", "addbadblock 60"));
	ASSERT_TRUE(dm_message("wq-dust", "enable"));
	fd = open_disk(node);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, watch(self->q.fd, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	EXPECT_EQ(0, read_sectors(fd, 0, 64));
	EXPECT_EQ(-EIO, read_sectors(fd, 480, 8));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(NOTIFY_BLOCK_ERROR_IO, r.subtype);
	EXPECT_EQ(number_of(node), r.block.dev);
	EXPECT_EQ(480, r.block.sector);
	EXPECT_STREQ("", wq_story(&self->q));

	/* What fails below is an error of both. */
	ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, 0, CHECK, 3, 0x11, 0));
	EXPECT_NE(0, read_sectors(fd, 8, 8));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(number_of(disk.node), r.block.dev);
	EXPECT_EQ(NOTIFY_BLOCK_ERROR_CRITICAL_MEDIUM, r.subtype);
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(number_of(node), r.block.dev);
	EXPECT_EQ(NOTIFY_BLOCK_ERROR_CRITICAL_MEDIUM, r.subtype);
	EXPECT_STREQ("", wq_story(&self->q));
	close(fd);
}

/* A partition: what went through it. The record names the disk and its sector. */
TEST_F_TIMEOUT(block, partition, 120)
{
	struct scsi_disk disk;
	char node[80];
	struct wq_rec r;
	int fd, whole;

	if (!mod_load("scsi_debug", "dev_size_mb=8 num_parts=2"))
		SKIP(return, "no scsi_debug");
	ASSERT_TRUE(scsi_disk_find(&disk));
	whole = open_disk(disk.node);
	snprintf(node, sizeof(node), "%s1", disk.node);
	fd = access(node, F_OK) && usleep(1000000) ? -1 : open(node, O_RDONLY | O_DIRECT);
	if (fd < 0) {
		close(whole);
		SKIP(return, "the kernel does not read this partition table");
	}
	ASSERT_EQ(0, watch(self->q.fd, fd, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, 0, CHECK, 3, 0x11, 0));
	EXPECT_NE(0, read_sectors(whole, 80, 8));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_TRUE(scsi_disk_fail(&disk, READ_10, 1, 0, CHECK, 3, 0x11, 0));
	EXPECT_NE(0, read_sectors(fd, 8, 8));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000)));
	EXPECT_EQ(number_of(disk.node), r.block.dev);
	EXPECT_LT(8, r.block.sector);
	EXPECT_EQ(1, r.id);
	close(fd);
	close(whole);
}

#define CONFIGFS "/sys/kernel/config"

/* null_blk completes from a timer's hard interrupt; some of its blocks are bad. */
TEST_F_TIMEOUT(block, null_blk, 120)
{
	static const char *const settings[][2] = {
		{ "size", "8" }, { "irqmode", "2" }, { "blocksize", "512" },
		{ "badblocks", "+100-101" }, { "power", "1" },
	};
	char path[128];
	int fd;

	if (!mod_load("configfs", "") || !mod_load("null_blk", "nr_devices=0"))
		SKIP(return, "no null_blk");
	mount("configfs", CONFIGFS, "configfs", 0, NULL);
	ASSERT_EQ(0, mkdir(CONFIGFS "/nullb/wq", 0755));
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		snprintf(path, sizeof(path), CONFIGFS "/nullb/wq/%s", settings[i][0]);
		EXPECT_TRUE(wq_put(path, settings[i][1])) TH_LOG("%s", path);
	}
	fd = open_disk("/dev/wq");
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, watch(self->q.fd, fd, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	EXPECT_EQ(0, read_sectors(fd, 0, 8));
	EXPECT_EQ(-EIO, read_sectors(fd, 100, 1));
	EXPECT_STREQ("block_io#1 100", story(&self->q));
	EXPECT_EQ(-EIO, read_sectors(fd, 96, 8));
	EXPECT_STREQ("block_io#1 96", story(&self->q));
	close(fd);
	EXPECT_EQ(0, rmdir(CONFIGFS "/nullb/wq"));
	mod_unload("null_blk");
}

struct load {
	const char *node;
	long rounds, failed;
	uint64_t bad;
};

static void *load(void *arg)
{
	struct load *l = arg;
	int fd = open_disk(l->node);

	for (long i = 0; i < l->rounds; i++)
		if (read_sectors(fd, i % 4 ? i % 64 * 8 : l->bad, 8))
			l->failed++;
	close(fd);
	return NULL;
}

/* Many readers, some of whose reads fail: one record for each failure, or counted as lost. */
TEST_F_TIMEOUT(block, under_load, 120)
{
	struct scsi_disk disk;
	struct load l[4];
	pthread_t threads[4];
	struct watch_queue_info info;
	long failed = 0, seen = 0;
	struct wq_rec r;
	char node[64], parameters[128];

	if (!mod_load("scsi_debug", "dev_size_mb=8 delay=0"))
		SKIP(return, "no scsi_debug");
	if (!dm_has("dust"))
		SKIP(return, "this kernel has no dm-dust (CONFIG_DM_DUST)");
	ASSERT_TRUE(scsi_disk_find(&disk));
	close(open_disk(disk.node));
	snprintf(parameters, sizeof(parameters), "%s 0 4096", disk.node);
	ASSERT_TRUE(dm_create("wq-dust", "dust", 8192, parameters, node));
	ASSERT_TRUE(dm_message("wq-dust", "addbadblock 600"));
	ASSERT_TRUE(dm_message("wq-dust", "enable"));
	/* Two of them read the disk itself, where scsi_debug has an unreadable sector. */
	ASSERT_TRUE(wq_put("/sys/bus/pseudo/drivers/scsi_debug/opts", "2"));
	ASSERT_EQ(0, watch(self->q.fd, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0));
	for (int i = 0; i < 4; i++) {
		l[i] = (struct load){ .node = i % 2 ? disk.node : node, .rounds = wq_scaled(400),
				      .bad = i % 2 ? 0x1230 : 4800 };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, load, &l[i]));
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		failed += l[i].failed;
		EXPECT_EQ((l[i].rounds + 3) / 4, l[i].failed);
	}
	while (wq_next_wait(&self->q, &r, 200) == 1)
		if (r.type == WATCH_TYPE_BLOCK_NOTIFY)
			seen++;
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(failed, seen + (long)info.lost);
	EXPECT_EQ(failed, (long)info.posted);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

TEST_F(block, refused)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_BLOCK_NOTIFY, .object = -1,
		.mask = WATCH_BLOCK_ALL_EVENTS,
	}, bad;
	int file = open("/dev/null", O_RDONLY), root = open("/", O_PATH);

#define REFUSED(error, field, value) do { \
	bad = add; \
	bad.field = value; \
	EXPECT_EQ(-(error), wq_add(self->q.fd, &bad)) TH_LOG(#field " = %#llx", \
							     (unsigned long long)bad.field); \
} while (0)
	REFUSED(EINVAL, mask, 0);
	REFUSED(EINVAL, mask, 1);
	REFUSED(EINVAL, mask, 1 << 11);
	REFUSED(EINVAL, ignore_mask, 2);
	REFUSED(EINVAL, scope, 1);
	REFUSED(EINVAL, flags, WATCH_ADD_ONLYDIR);
	REFUSED(EBADF, object, -2);
	REFUSED(EBADF, object, 9999);
	REFUSED(ENOTBLK, object, file);
	REFUSED(ENOTBLK, object, root);
	close(file);
	close(root);
}

static int unprivileged(void *arg)
{
	int *root = arg;
	struct wq q;

	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(watch(q.fd, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0) == -EPERM);
	/* Nor on the queue that root has opened. */
	CHILD_CHECK(watch(*root, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0) == -EPERM);
	return 0;
}

TEST_F(block, rights)
{
	EXPECT_EQ(0, wq_child_nobody(unprivileged, &self->q.fd));
	EXPECT_EQ(0, watch(self->q.fd, -1, WATCH_BLOCK_ALL_EVENTS, 1, 0));
}

TEST_HARNESS_MAIN
