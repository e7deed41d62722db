// SPDX-License-Identifier: GPL-2.0
/*
 * The user-visible header in a C++ program: it compiles, and the layout is the one that
 * abi_test.c asserts for C. Building it is the test; running it says so.
 */
#include <cstddef>
#include <cstdio>

#include <linux/watch_queue_dev.h>

static_assert(sizeof(watch_notification) == 8, "record header");
static_assert(offsetof(watch_queue_buffer, meta.mask) == 16, "ring header");
static_assert(offsetof(watch_queue_buffer, slots) == 0, "slots");
static_assert(sizeof(watch_notification_type_filter) == 44, "filter entry");
static_assert(offsetof(watch_notification_filter, filters) == 8, "filter");
static_assert(sizeof(watch_removal_notification) == 32, "REMOVAL");
static_assert(sizeof(watch_loss_notification) == 24, "LOSS");
static_assert(sizeof(fs_notification) == 48, "FS");
static_assert(offsetof(fs_notification, handle_len) == 46, "FS");
static_assert(sizeof(mount_notification) == 32, "MOUNT");
static_assert(offsetof(error_notification, error_code) == 16, "SB");
static_assert(sizeof(key_notification) == 16, "KEY");
static_assert(sizeof(block_notification) == 24, "BLOCK");
static_assert(offsetof(usb_notification, name) == 17, "USB");
static_assert(sizeof(watch_queue_add) == WATCH_QUEUE_ADD_SIZE_VER0, "ADD_WATCH");
static_assert(offsetof(watch_queue_add, handle) == 48, "ADD_WATCH");
static_assert(sizeof(watch_queue_remove) == WATCH_QUEUE_REMOVE_SIZE_VER0, "REMOVE_WATCH");
static_assert(sizeof(watch_queue_info) == WATCH_QUEUE_INFO_SIZE_VER3, "GET_INFO");

int main()
{
	watch_queue_add add = {};

	add.size = sizeof(add);
	add.mask = WATCH_FS_MUTATIONS;
	std::puts("TAP version 13\n1..1");
	std::printf("%s 1 header in C++\n",
		    add.mask & WATCH_FS_CREATE && !(add.mask & WATCH_FS_OPEN) ? "ok" : "not ok");
	return 0;
}
