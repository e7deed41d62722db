// SPDX-License-Identifier: GPL-2.0
/*
 * The numbers that programs are compiled with, and the device's answers to what it does
 * not offer. Compiled for 64 and for 32 bits: both must see one layout (header_cpp.cc
 * says the same to a C++ compiler).
 */
#include <sys/sysmacros.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define AT(type, field, offset) \
	_Static_assert(offsetof(type, field) == (offset), #type "." #field)
#define IS(name, number) _Static_assert((name) == (number), #name)

/* Fixed by the proposal of 2019. */
SIZE(struct watch_notification, 8);
SIZE(struct watch_queue_buffer, 24);
AT(struct watch_queue_buffer, meta.watch, 0);
AT(struct watch_queue_buffer, meta.head, 8);
AT(struct watch_queue_buffer, meta.tail, 12);
AT(struct watch_queue_buffer, meta.mask, 16);
AT(struct watch_queue_buffer, meta.__reserved, 20);
AT(struct watch_queue_buffer, slots, 0);
SIZE(struct watch_notification_type_filter, 44);
AT(struct watch_notification_type_filter, info_mask, 8);
AT(struct watch_notification_type_filter, subtype_filter, 12);
SIZE(struct watch_notification_filter, 8);
AT(struct watch_notification_filter, filters, 8);
AT(struct mount_notification, triggered_on, 8);
AT(struct mount_notification, changed_mount, 12);
AT(struct mount_notification, triggered_on_id, 16);
SIZE(struct mount_notification, 32);
AT(struct superblock_notification, sb_id, 8);
AT(struct error_notification, error_code, 16);
AT(struct error_notification, error_cookie, 20);
AT(struct error_notification, inode, 24);
AT(struct error_notification, generation, 32);
AT(struct error_notification, error_type, 36);
AT(struct error_notification, pos, 40);
AT(struct error_notification, len, 48);
SIZE(struct error_notification, 56);
AT(struct quota_notification, quota_type, 16);
AT(struct quota_notification, quota_id, 20);
AT(struct quota_notification, warning, 24);
SIZE(struct quota_notification, 32);
SIZE(struct key_notification, 16);
AT(struct block_notification, dev, 8);
AT(struct block_notification, sector, 16);
AT(struct usb_notification, error, 8);
AT(struct usb_notification, name_len, 16);
AT(struct usb_notification, name, 17);

IS(WATCH_INFO_OVERRUN, 0x1);
IS(WATCH_INFO_ENOMEM, 0x2);
IS(WATCH_INFO_RECURSIVE, 0x4);
IS(WATCH_INFO_LENGTH, 0x1f8);
IS(WATCH_LENGTH_SHIFT, 3);
IS(WATCH_INFO_IN_SUBTREE, 0x200);
IS(WATCH_INFO_TYPE_FLAGS, 0xff0000);
IS(WATCH_INFO_FLAG_0, 0x10000);
IS(WATCH_INFO_FLAG_7, 0x800000);
IS(WATCH_INFO_ID, 0xff000000);
IS(WATCH_INFO_ID__SHIFT, 24);
IS(WATCH_TYPE_META, 0);
IS(WATCH_TYPE_MOUNT_NOTIFY, 1);
IS(WATCH_TYPE_SB_NOTIFY, 2);
IS(WATCH_TYPE_KEY_NOTIFY, 3);
IS(WATCH_TYPE_BLOCK_NOTIFY, 4);
IS(WATCH_TYPE_USB_NOTIFY, 5);
IS(WATCH_TYPE_FS_NOTIFY, 6);
IS(WATCH_META_SKIP_NOTIFICATION, 0);
IS(WATCH_META_REMOVAL_NOTIFICATION, 1);
IS(WATCH_META_LOSS_NOTIFICATION, 2);
IS(NOTIFY_MOUNT_MOVE_TO, 6);
IS(NOTIFY_SUPERBLOCK_NETWORK, 3);
IS(NOTIFY_KEY_SETATTR, 7);
IS(NOTIFY_BLOCK_ERROR_TIMEOUT, 1);
IS(NOTIFY_BLOCK_ERROR_IO, 10);
IS(NOTIFY_USB_DEVICE_ERROR, 5);
IS(IOC_WATCH_QUEUE_SET_SIZE, 0x5760);
IS(IOC_WATCH_QUEUE_SET_FILTER, 0x5761);

/* Ours. */
IS(IOC_WATCH_QUEUE_ADD_WATCH, 0x5762);
IS(IOC_WATCH_QUEUE_REMOVE_WATCH, 0x5763);
IS(IOC_WATCH_QUEUE_GET_INFO, 0x5764);
IS(IOC_WATCH_QUEUE_SHUTDOWN, 0x5765);
IS(IOC_WATCH_QUEUE_RESPOND, 0x5767);
IS(IOC_WATCH_QUEUE_OPEN_TARGET, 0x5768);
IS(IOC_WATCH_QUEUE_SET_PERMISSION, 0x5769);
IS(WATCH_META_UNANSWERED_NOTIFICATION, 3);
IS(WATCH_FS_OPEN_PERM, 0x10000);
IS(WATCH_FS_ACCESS_PERM, 0x20000);
IS(WATCH_FS_OPEN_EXEC_PERM, 0x40000);
IS(WATCH_FS_PRE_ACCESS, 0x100000);
IS(WATCH_RESPONSE_ALLOW, 1);
IS(WATCH_RESPONSE_DENY, 2);
SIZE(struct watch_removal_notification, 32);
AT(struct watch_removal_notification, handle, 8);
AT(struct watch_removal_notification, cookie, 16);
AT(struct watch_removal_notification, reason, 24);
SIZE(struct watch_loss_notification, 24);
AT(struct watch_loss_notification, count, 8);
AT(struct watch_loss_notification, cookie, 16);
SIZE(struct fs_notification, 48);
AT(struct fs_notification, cookie, 8);
AT(struct fs_notification, inode, 16);
AT(struct fs_notification, dev, 24);
AT(struct fs_notification, mask, 28);
AT(struct fs_notification, pid, 32);
AT(struct fs_notification, rename_cookie, 36);
AT(struct fs_notification, name_off, 40);
AT(struct fs_notification, name_len, 42);
AT(struct fs_notification, handle_off, 44);
AT(struct fs_notification, handle_len, 46);
SIZE(struct fs_permission_notification, 80);
AT(struct fs_permission_notification, request, 48);
AT(struct fs_permission_notification, deadline, 56);
AT(struct fs_permission_notification, pos, 64);
AT(struct fs_permission_notification, count, 72);
SIZE(struct watch_unanswered_notification, 32);
AT(struct watch_unanswered_notification, request, 8);
AT(struct watch_unanswered_notification, count, 16);
AT(struct watch_unanswered_notification, reason, 24);
AT(struct watch_unanswered_notification, error, 28);
SIZE(struct watch_queue_respond, WATCH_QUEUE_RESPOND_SIZE_VER0);
AT(struct watch_queue_respond, request, 8);
AT(struct watch_queue_respond, error, 16);
SIZE(struct watch_queue_open_target, WATCH_QUEUE_OPEN_TARGET_SIZE_VER0);
AT(struct watch_queue_open_target, request, 8);
SIZE(struct watch_queue_permission, WATCH_QUEUE_PERMISSION_SIZE_VER0);
AT(struct watch_queue_permission, timeout_ms, 4);
AT(struct watch_queue_permission, unanswered, 8);
SIZE(struct watch_queue_add, WATCH_QUEUE_ADD_SIZE_VER0);
AT(struct watch_queue_add, object, 16);
AT(struct watch_queue_add, id, 20);
AT(struct watch_queue_add, mask, 24);
AT(struct watch_queue_add, handle, 48);
SIZE(struct watch_queue_remove, WATCH_QUEUE_REMOVE_SIZE_VER0);
AT(struct watch_queue_remove, handle, 8);
AT(struct watch_queue_remove, type, 16);
SIZE(struct watch_queue_info, WATCH_QUEUE_INFO_SIZE_VER3);
AT(struct watch_queue_info, asked, WATCH_QUEUE_INFO_SIZE_VER1);
AT(struct watch_queue_info, pending, 216);
AT(struct watch_queue_info, not_asked, WATCH_QUEUE_INFO_SIZE_VER2);
AT(struct watch_queue_info, unplaced, 248);
AT(struct watch_queue_info, handle, 8);
AT(struct watch_queue_info, posted, 64);
AT(struct watch_queue_info, id, 120);
AT(struct watch_queue_info, hooks, WATCH_QUEUE_INFO_SIZE_VER0);
AT(struct watch_queue_info, events, 136);

/* The bitfields lie where the numbers of the contract say, on this machine at least. */
TEST(bitfields)
{
	union {
		struct watch_notification n;
		__u32 words[2];
	} u = { .n = { .type = 0x123456, .subtype = 0x78, .info = 0x9abcdef0 } };

	EXPECT_EQ(0x78123456, u.words[0]);
	EXPECT_EQ(0x9abcdef0, u.words[1]);
}

FIXTURE(abi) {
	struct wq q;
};

FIXTURE_SETUP(abi)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_open(&self->q, 1));
}

FIXTURE_TEARDOWN(abi)
{
	wq_close(&self->q);
}

/* The node is a character device that everybody may open. */
TEST_F(abi, node)
{
	struct stat st;

	ASSERT_EQ(0, stat(WQ_DEVICE, &st));
	EXPECT_TRUE(S_ISCHR(st.st_mode));
	EXPECT_EQ(0666, st.st_mode & 07777);
	EXPECT_EQ(10, major(st.st_rdev)) TH_LOG("not a misc device");
}

/*
 * Unknown numbers of ours, and the neighbours', are refused as no ioctl of this device;
 * numbers with a size or direction in them are different numbers.
 * TRAPS: B39
 */
TEST_F(abi, unknown_ioctls)
{
	static const unsigned int wrong[] = {
		_IO('W', 0x5f), _IO('W', 0x6a), _IO('W', 0x6f), _IO('W', 0x70), _IO('V', 0x60),
		_IO('W', 0), _IOW('W', 0x60, int), _IOR('W', 0x61, long), 0, 0xffffffff,
		_IOWR('W', 0x62, struct watch_queue_add), 0x5401 /* TCGETS */,
	};

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		errno = 0;
		EXPECT_EQ(-1, ioctl(self->q.fd, wrong[i], 0));
		EXPECT_EQ(ENOTTY, errno) TH_LOG("ioctl 0x%x", wrong[i]);
	}
}

/*
 * No position, and no read() or write(): the debugging write() of 2019 is not there.
 * TRAPS: B43
 */
TEST_F(abi, no_read_write_seek)
{
	char buf[64] = {};

	EXPECT_EQ(-1, lseek(self->q.fd, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, lseek(self->q.fd, 0, SEEK_END));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, read(self->q.fd, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, write(self->q.fd, buf, sizeof(buf)));
	EXPECT_EQ(EINVAL, errno);
	/* Whatever a positioned call is refused for first, it must be refused. */
	EXPECT_EQ(-1, pread(self->q.fd, buf, sizeof(buf), 0));
	EXPECT_EQ(-1, pwrite(self->q.fd, buf, sizeof(buf), 0));
	EXPECT_EQ(0, wq_drain(&self->q));
}

/*
 * A descriptor that cannot move tail must not be able to change anything, watch least of
 * all; asking is allowed.
 * TRAPS: B42
 */
TEST_F(abi, read_only_descriptor)
{
	struct watch_queue_info info;
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .mask = WATCH_FS_CREATE,
	};
	int fd = open(WQ_DEVICE, O_RDONLY);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, wq_size(fd, 1));
	EXPECT_EQ(-EBADF, wq_filter(fd, NULL));
	add.object = open("/", O_PATH);
	EXPECT_EQ(-EBADF, wq_add(fd, &add));
	EXPECT_EQ(-EBADF, wq_remove(fd, 1));
	EXPECT_EQ(-EBADF, wq_remove_all(fd, 0));
	EXPECT_EQ(-EBADF, wq_shutdown(fd));
	EXPECT_EQ(0, wq_info(fd, 0, &info));
	EXPECT_EQ(0, info.ring_slots);
	/* Unknown is unknown, whatever the descriptor. */
	EXPECT_EQ(-1, ioctl(fd, _IO('W', 0x6f), 0));
	EXPECT_EQ(ENOTTY, errno);
	close(add.object);
	close(fd);
}

/* O_PATH and O_WRONLY descriptors: the first is no file, the second cannot map. */
TEST_F(abi, other_descriptors)
{
	int fd = open(WQ_DEVICE, O_PATH);

	ASSERT_LE(0, fd);
	EXPECT_EQ(-EBADF, wq_size(fd, 1));
	close(fd);
	fd = open(WQ_DEVICE, O_WRONLY);
	if (fd >= 0) {
		void *p;

		wq_size(fd, 1);
		p = mmap(NULL, wq_page(), PROT_READ, MAP_SHARED, fd, 0);
		EXPECT_EQ(MAP_FAILED, p);
		close(fd);
	}
}

/* After SHUTDOWN everything that would change the queue says so; asking still works. */
TEST_F(abi, after_shutdown)
{
	struct watch_queue_info info;
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .mask = WATCH_FS_CREATE,
	};

	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	add.object = open("/", O_PATH);
	EXPECT_EQ(-ESHUTDOWN, wq_add(self->q.fd, &add));
	EXPECT_EQ(-ESHUTDOWN, wq_remove(self->q.fd, 1));
	EXPECT_EQ(-ESHUTDOWN, wq_remove_all(self->q.fd, 0));
	EXPECT_EQ(-ESHUTDOWN, wq_filter(self->q.fd, NULL));
	EXPECT_EQ(-ESHUTDOWN, wq_shutdown(self->q.fd));
	EXPECT_EQ(-1, ioctl(self->q.fd, _IO('W', 0x6f), 0));
	EXPECT_EQ(ENOTTY, errno);
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(0, info.watches);
	close(add.object);
}

/* SHUTDOWN takes no argument; a later version may give it a meaning. */
TEST_F(abi, shutdown_argument)
{
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_SHUTDOWN, 1));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
}

TEST_HARNESS_MAIN
