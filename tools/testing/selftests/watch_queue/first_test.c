// SPDX-License-Identifier: GPL-2.0
/*
 * A program that was compiled with the first header that the module ever had, which is
 * data/first/linux/watch_queue.h and stays as it was, and with nothing of today's: what it was promised then,
 * it gets from the module of today. Its numbers, sizes and offsets are an old binary's.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/watch_queue.h>
#include "kselftest_harness.h"

#define PAGES 4
#define COOKIE 0x123456789abcdef0ULL

FIXTURE(first) {
	int fd;				/* the queue */
	int dir;			/* what is watched */
	unsigned int mask;
	struct watch_queue_buffer *ring;
	char path[32];
};

#define SELF FIXTURE_DATA(first)

/* Bit fields have no type that the harness could take. */
static unsigned int type(const struct watch_notification *record)
{
	return record->type;
}

static unsigned int subtype(const struct watch_notification *record)
{
	return record->subtype;
}

FIXTURE_SETUP(first)
{
	void *map;

	self->fd = open("/dev/watch_queue", O_RDWR | O_CLOEXEC);
	if (self->fd < 0)
		SKIP(return, "no /dev/watch_queue");
	strcpy(self->path, "/tmp/wq-first-XXXXXX");
	ASSERT_NE(NULL, mkdtemp(self->path));
	self->dir = open(self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_LE(0, self->dir);
	ASSERT_EQ(0, ioctl(self->fd, IOC_WATCH_QUEUE_SET_SIZE, PAGES));
	map = mmap(NULL, PAGES * sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	self->ring = map;
	self->mask = self->ring->meta.mask;
	ASSERT_EQ(PAGES * sysconf(_SC_PAGESIZE) / 8 - 1, self->mask);
}

FIXTURE_TEARDOWN(first)
{
	if (self->fd < 0)
		return;
	close(self->fd);
	close(self->dir);
	rmdir(self->path);
}

/* The next record that is no padding, or NULL after a second; the one before is given back. */
static const struct watch_notification *next(struct __test_metadata *const _metadata, SELF *self)
{
	static unsigned int length;
	unsigned int tail = self->ring->meta.tail;
	const struct watch_notification *record;

	do {
		if (length)
			__atomic_store_n(&self->ring->meta.tail, tail += length, __ATOMIC_RELEASE);
		length = 0;
		if (tail == __atomic_load_n(&self->ring->meta.head, __ATOMIC_ACQUIRE)) {
			struct pollfd p = { .fd = self->fd, .events = POLLIN };

			if (poll(&p, 1, 1000) != 1)
				return NULL;
			EXPECT_EQ(POLLIN, p.revents & (POLLIN | POLLERR));
		}
		record = &self->ring->slots[tail & self->mask];
		length = (record->info & WATCH_INFO_LENGTH) >> WATCH_LENGTH_SHIFT;
		ASSERT_NE(0, length);
	} while (record->type == WATCH_TYPE_META && record->subtype == WATCH_META_SKIP_NOTIFICATION);
	return record;
}

static __u64 add(SELF *self, __u32 flags, __u64 mask)
{
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = WATCH_SCOPE_CHILDREN,
		.flags = flags, .object = self->dir, .id = 7, .mask = mask, .cookie = COOKIE,
	};

	return ioctl(self->fd, IOC_WATCH_QUEUE_ADD_WATCH, &add) ? 0 : add.handle;
}

static void touch(SELF *self, const char *name)
{
	close(openat(self->dir, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
}

/* The event of a file, with every field that was promised; then the end of the watch. */
TEST_F(first, event_and_removal)
{
	const struct watch_removal_notification *end;
	struct watch_queue_remove remove = { .size = sizeof(remove) };
	const struct fs_notification *fs;
	struct stat st;

	remove.handle = add(self, WATCH_ADD_ONLYDIR, WATCH_FS_CREATE | WATCH_FS_DELETE);
	ASSERT_NE(0, remove.handle);
	touch(self, "a file");
	ASSERT_EQ(0, fstatat(self->dir, "a file", &st, 0));
	fs = (const struct fs_notification *)next(_metadata, self);
	ASSERT_NE(NULL, fs);
	EXPECT_EQ(WATCH_TYPE_FS_NOTIFY, type(&fs->watch));
	EXPECT_EQ(NOTIFY_FS_CREATE, subtype(&fs->watch));
	EXPECT_EQ(7, (fs->watch.info & WATCH_INFO_ID) >> WATCH_INFO_ID__SHIFT);
	EXPECT_EQ(0, fs->watch.info & (WATCH_INFO_OVERRUN | WATCH_INFO_ENOMEM | NOTIFY_FS_IS_DIR));
	EXPECT_EQ(COOKIE, fs->cookie);
	EXPECT_EQ(st.st_ino, fs->inode);
	EXPECT_EQ(st.st_dev, fs->dev);
	EXPECT_EQ(WATCH_FS_CREATE, fs->mask);
	EXPECT_EQ(getpid(), fs->pid);
	EXPECT_EQ(0, fs->rename_cookie);
	ASSERT_EQ(sizeof(*fs), fs->name_off);
	EXPECT_EQ(6, fs->name_len);
	EXPECT_STREQ("a file", (const char *)fs + fs->name_off);
	EXPECT_EQ(0, fs->handle_off);

	EXPECT_EQ(0, unlinkat(self->dir, "a file", 0));
	fs = (const struct fs_notification *)next(_metadata, self);
	ASSERT_NE(NULL, fs);
	EXPECT_EQ(NOTIFY_FS_DELETE, subtype(&fs->watch));

	ASSERT_EQ(0, ioctl(self->fd, IOC_WATCH_QUEUE_REMOVE_WATCH, &remove));
	end = (const struct watch_removal_notification *)next(_metadata, self);
	ASSERT_NE(NULL, end);
	EXPECT_EQ(WATCH_TYPE_META, type(&end->watch));
	EXPECT_EQ(WATCH_META_REMOVAL_NOTIFICATION, subtype(&end->watch));
	EXPECT_EQ(remove.handle, end->handle);
	EXPECT_EQ(COOKIE, end->cookie);
	EXPECT_EQ(WATCH_REMOVAL_REMOVED, end->reason);
	EXPECT_EQ(NULL, next(_metadata, self));
}

/* Both halves of a rename, with one cookie. */
TEST_F(first, rename)
{
	const struct fs_notification *from, *to;
	__u32 cookie;

	touch(self, "a");
	ASSERT_NE(0, add(self, 0, WATCH_FS_MOVE));
	ASSERT_EQ(0, renameat(self->dir, "a", self->dir, "b"));
	from = (const struct fs_notification *)next(_metadata, self);
	ASSERT_NE(NULL, from);
	EXPECT_EQ(NOTIFY_FS_MOVED_FROM, subtype(&from->watch));
	EXPECT_STREQ("a", (const char *)from + from->name_off);
	cookie = from->rename_cookie;
	EXPECT_NE(0, cookie);
	to = (const struct fs_notification *)next(_metadata, self);
	ASSERT_NE(NULL, to);
	EXPECT_EQ(NOTIFY_FS_MOVED_TO, subtype(&to->watch));
	EXPECT_STREQ("b", (const char *)to + to->name_off);
	EXPECT_EQ(cookie, to->rename_cookie);
	EXPECT_EQ(0, unlinkat(self->dir, "b", 0));
}

/* A filter stops what it does not name. */
TEST_F(first, filter)
{
	struct {
		struct watch_notification_filter head;
		struct watch_notification_type_filter one;
	} filter = {
		.head = { .nr_filters = 1 },
		.one = { .type = WATCH_TYPE_FS_NOTIFY, .subtype_filter = { 1U << NOTIFY_FS_DELETE } },
	};
	const struct watch_notification *record;

	ASSERT_EQ(0, ioctl(self->fd, IOC_WATCH_QUEUE_SET_FILTER, &filter));
	ASSERT_NE(0, add(self, 0, WATCH_FS_CREATE | WATCH_FS_DELETE));
	touch(self, "a");
	EXPECT_EQ(0, unlinkat(self->dir, "a", 0));
	record = next(_metadata, self);
	ASSERT_NE(NULL, record);
	EXPECT_EQ(NOTIFY_FS_DELETE, subtype(record));
}

/* What finds no room is counted: in a LOSS record, and in the counters. */
TEST_F(first, loss)
{
	struct watch_queue_info info = { .size = sizeof(info) };
	const struct watch_notification *record;
	__u64 records = 0, lost = 0;
	int poke;

	touch(self, "a");
	ASSERT_NE(0, add(self, 0, WATCH_FS_MODIFY));
	poke = openat(self->dir, "a", O_WRONLY | O_CLOEXEC);
	ASSERT_LE(0, poke);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(1, write(poke, "x", 1));
	while ((record = next(_metadata, self))) {
		if (record->type == WATCH_TYPE_FS_NOTIFY)
			records++;
		else if (record->type == WATCH_TYPE_META && record->subtype == WATCH_META_LOSS_NOTIFICATION)
			lost += ((const struct watch_loss_notification *)record)->count;
	}
	EXPECT_EQ(1000, records + lost);
	EXPECT_LT(0, lost);
	ASSERT_EQ(0, ioctl(self->fd, IOC_WATCH_QUEUE_GET_INFO, &info));
	EXPECT_EQ(WATCH_QUEUE_ABI_VERSION, info.abi_version);
	EXPECT_EQ(self->mask + 1, info.ring_slots);
	EXPECT_EQ(1, info.watches);
	EXPECT_EQ(records, info.delivered);
	EXPECT_EQ(lost, info.lost);
	EXPECT_EQ(1000, info.posted);
	EXPECT_NE(0, info.sources & (1U << WATCH_TYPE_FS_NOTIFY));
	close(poke);
	EXPECT_EQ(0, unlinkat(self->dir, "a", 0));
}

/* What a newer program asks of it is refused by a number that it knows, not misunderstood. */
TEST_F(first, newer_program)
{
	struct {
		struct watch_queue_add add;
		__u64 unknown[4];
	} newer = {
		.add = {
			.size = sizeof(newer), .type = WATCH_TYPE_FS_NOTIFY, .object = self->dir,
			.mask = WATCH_FS_CREATE,
		},
		.unknown = { 0, 0, 0, 1 },
	};

	EXPECT_EQ(-1, ioctl(self->fd, IOC_WATCH_QUEUE_ADD_WATCH, &newer));
	EXPECT_EQ(E2BIG, errno);
	newer.unknown[3] = 0;
	EXPECT_EQ(0, ioctl(self->fd, IOC_WATCH_QUEUE_ADD_WATCH, &newer));
	EXPECT_NE(0, newer.add.handle);
}

TEST_HARNESS_MAIN
