// SPDX-License-Identifier: GPL-2.0
/*
 * MOUNT: changed attributes and expiry, for which there are tracepoints.
 */
#include <sys/mount.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#ifndef MOUNT_ATTR_RDONLY
#define MOUNT_ATTR_RDONLY	0x1
#define MOUNT_ATTR_NOSUID	0x2
struct mount_attr {
	uint64_t attr_set, attr_clr, propagation, userns_fd;
};
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE		0x8000
#endif

#define BIT(subtype)	(1ULL << NOTIFY_MOUNT_##subtype)
#define TOPOLOGY	(BIT(NEW_MOUNT) | BIT(UNMOUNT) | BIT(MOVE_FROM) | BIT(MOVE_TO))

/* Adds a watch on a mount namespace: its descriptor, or -1 for one's own. */
static int add(int queue, int ns, uint64_t mask)
{
	return wq_add_to(queue, WATCH_TYPE_MOUNT_NOTIFY, ns, mask, 0, 0, NULL);
}

#define STORY(text) EXPECT_STREQ(wq_mount_text(text), wq_story(&self->q))

FIXTURE(mount_attr) {
	struct wq q;
};

/* "top" is a tmpfs with folders a, b and c, and the current one. */
FIXTURE_SETUP(mount_attr)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("top", 0755));
	ASSERT_EQ(0, wq_tmpfs("top"));
	ASSERT_EQ(0, chdir("top"));
	ASSERT_EQ(0, mkdir("a", 0755));
	ASSERT_EQ(0, mkdir("b", 0755));
	ASSERT_EQ(0, mkdir("c", 0755));
	ASSERT_TRUE(wq_name_mount(".", "top"));
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(mount_attr)
{
	wq_close(&self->q);
	if (chdir("/") == 0)
		umount2("top", MNT_DETACH);
	wq_tmpdir_leave();
}

static int set_attr(const char *path, uint64_t set, uint64_t clear, unsigned int flags)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof(attr));
}

static int set_propagation(const char *path, uint64_t type, unsigned int flags)
{
	struct mount_attr attr = { .propagation = type };

	return syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &attr, sizeof(attr));
}

#define NEED_HOOKS() do { \
	if (!wq_patches_in_use()) \
		SKIP(return, "needs the tracepoints of a patched kernel"); \
} while (0)

TEST_F(mount_attr, remount)
{
	NEED_HOOKS();
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_EQ(0, add(self->q.fd, -1, WATCH_MOUNT_ALL_EVENTS));
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	STORY("readonly:ro+ A on top");
	/* Nothing has changed. */
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	STORY("");
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND, NULL));
	STORY("readonly:rw+ A on top");
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	STORY("setattr+ A on top");
	/* Both at once: one record each. */
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	STORY("readonly:ro+ A on top, setattr+ A on top");
	/* The whole file system: its mount as well. */
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT, NULL));
	STORY("readonly:rw+ A on top");
}

TEST_F(mount_attr, mount_setattr)
{
	NEED_HOOKS();
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_EQ(0, mkdir("a/in", 0755));
	ASSERT_EQ(0, wq_tmpfs("a/in"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_TRUE(wq_name_mount("a/in", "A/in"));
	ASSERT_EQ(0, add(self->q.fd, -1, WATCH_MOUNT_ALL_EVENTS));
	ASSERT_EQ(0, set_attr("a", MOUNT_ATTR_RDONLY, 0, 0));
	STORY("readonly:ro+ A on top");
	/* Below it something has changed, which only RECURSIVE tells. */
	ASSERT_EQ(0, set_attr("a", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE));
	STORY("setattr*+ A on top");
	/* Nothing has changed, neither here nor below. */
	ASSERT_EQ(0, set_attr("a", MOUNT_ATTR_RDONLY, 0, AT_RECURSIVE));
	STORY("");
	ASSERT_EQ(0, set_attr("a", 0, MOUNT_ATTR_RDONLY, AT_RECURSIVE));
	STORY("readonly:rw*+ A on top");
	ASSERT_EQ(0, set_attr("a", 0, MOUNT_ATTR_RDONLY, AT_RECURSIVE));
	STORY("");
	ASSERT_EQ(0, set_attr("a/in", MOUNT_ATTR_NOSUID, 0, 0));
	STORY("setattr+ A/in on A");
	ASSERT_EQ(0, set_propagation("a", MS_SHARED, AT_RECURSIVE));
	STORY("setattr*+ A on top");
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_PRIVATE, NULL));
	STORY("setattr+ A on top");
	/* Refused: no event. */
	EXPECT_EQ(-1, set_attr("a", 1ULL << 40, 0, 0));
	STORY("");
}

TEST_F(mount_attr, expiry)
{
	NEED_HOOKS();
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_EQ(0, add(self->q.fd, -1, WATCH_MOUNT_ALL_EVENTS));
	EXPECT_EQ(-1, umount2("a", MNT_EXPIRE));
	EXPECT_EQ(EAGAIN, errno);
	STORY("");
	EXPECT_EQ(0, umount2("a", MNT_EXPIRE));
	STORY("expiry+ A on top, unmount+ A on top");
}

/* The same on a kernel without the hooks: refused alone, left out beside others. */
TEST_F(mount_attr, without_hooks)
{
	struct watch_queue_info info;
	uint64_t handle;

	if (wq_patches_in_use())
		SKIP(return, "the kernel has the hooks");
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_EQ(0, wq_add_to(self->q.fd, WATCH_TYPE_MOUNT_NOTIFY, -1,
			       WATCH_MOUNT_ALL_EVENTS, 0, 1, &handle));
	ASSERT_EQ(0, wq_info(self->q.fd, handle, &info));
	EXPECT_EQ(WATCH_MOUNT_ALL_EVENTS, info.mask);
	ASSERT_EQ(0, mount(NULL, "a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	ASSERT_EQ(0, umount("a"));
	STORY("unmount+#1 A on top");
}

TEST_HARNESS_MAIN
