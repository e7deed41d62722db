// SPDX-License-Identifier: GPL-2.0
/*
 * MOUNT: what happens to the mounts of a namespace. Each test runs in a mount namespace
 * of its own, in which nothing is shared with the rest of the machine, so every record is
 * of its own doing.
 */
#include <sys/mount.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define BIT(subtype)	(1ULL << NOTIFY_MOUNT_##subtype)
#define TOPOLOGY	(BIT(NEW_MOUNT) | BIT(UNMOUNT) | BIT(MOVE_FROM) | BIT(MOVE_TO))

/* Adds a watch on a mount namespace: its descriptor, or -1 for one's own. */
static int add_id(int queue, int ns, uint64_t mask, unsigned int flags, unsigned int id,
		  uint64_t *handle)
{
	return wq_add_to(queue, WATCH_TYPE_MOUNT_NOTIFY, ns, mask, flags, id, handle);
}

static int add(int queue, int ns, uint64_t mask)
{
	return add_id(queue, ns, mask, 0, 0, NULL);
}

#define STORY(text) EXPECT_STREQ(wq_mount_text(text), wq_story(&self->q))

FIXTURE(mount) {
	struct wq q;
};

/* "top" is a tmpfs with folders a, b and c, and the current one. */
FIXTURE_SETUP(mount)
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

FIXTURE_TEARDOWN(mount)
{
	wq_close(&self->q);
	if (chdir("/") == 0)
		umount2("top", MNT_DETACH);
	wq_tmpdir_leave();
}

TEST_F(mount, mount_and_umount)
{
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	STORY("new_mount+ A on top");
	ASSERT_EQ(0, umount("a"));
	STORY("unmount+ A on top");
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/* Failures change nothing and report nothing. */
TEST_F(mount, failures)
{
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	EXPECT_EQ(-1, mount("none", "a", "no such type", 0, NULL));
	EXPECT_EQ(-1, umount("b"));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	STORY("new_mount+ A on top");
	ASSERT_EQ(0, chdir("a"));
	EXPECT_EQ(-1, umount("../a"));
	EXPECT_EQ(EBUSY, errno);
	ASSERT_EQ(0, chdir(".."));
	STORY("");
}

TEST_F(mount, bind)
{
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_EQ(0, mkdir("a/in", 0755));
	ASSERT_EQ(0, wq_tmpfs("a/in"));
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, mount("a", "b", NULL, MS_BIND, NULL));
	ASSERT_TRUE(wq_name_mount("b", "B"));
	STORY("new_mount+ B on top");
	ASSERT_EQ(0, mount("a", "c", NULL, MS_BIND | MS_REC, NULL));
	ASSERT_TRUE(wq_name_mount("c", "C"));
	ASSERT_TRUE(wq_name_mount("c/in", "C/in"));
	STORY("new_mount+ C on top, new_mount+ C/in on C");
	ASSERT_EQ(0, umount("b"));
	STORY("unmount+ B on top");
}

/* What is mounted below goes with it. */
TEST_F(mount, lazy_umount)
{
	int fd;

	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_EQ(0, mkdir("a/in", 0755));
	ASSERT_EQ(0, wq_tmpfs("a/in"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_TRUE(wq_name_mount("a/in", "A/in"));
	fd = open("a/in/file", O_CREAT | O_RDWR, 0600);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, umount2("a", MNT_DETACH));
	STORY("unmount+ A on top, unmount+ A/in on A");
	/* It has gone for good when nobody uses it any more, which nobody is told. */
	close(fd);
	STORY("");
}

/* One record for each place, directly after each other. */
TEST_F(mount, move)
{
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_EQ(0, wq_tmpfs("b"));
	ASSERT_EQ(0, mkdir("b/in", 0755));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_TRUE(wq_name_mount("b", "B"));
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	ASSERT_EQ(0, mount("a", "b/in", NULL, MS_MOVE, NULL));
	STORY("move_from+ A on top, move_to+ A on B");
	ASSERT_EQ(0, mount("b", "c", NULL, MS_MOVE, NULL));
	STORY("move_from+ B on top, move_to+ B on top");
}

/* Only what is asked for. */
TEST_F(mount, masks)
{
	struct wq to, gone;

	ASSERT_OK(wq_open(&to, 1));
	ASSERT_OK(wq_open(&gone, 1));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	ASSERT_EQ(0, add(self->q.fd, -1, BIT(MOVE_FROM)));
	ASSERT_EQ(0, add(to.fd, -1, BIT(MOVE_TO)));
	ASSERT_EQ(0, add(gone.fd, -1, BIT(UNMOUNT)));
	ASSERT_EQ(0, mount("a", "b", NULL, MS_MOVE, NULL));
	ASSERT_EQ(0, umount("b"));
	STORY("move_from+ A on top");
	EXPECT_STREQ(wq_mount_text("move_to+ A on top"), wq_story(&to));
	EXPECT_STREQ(wq_mount_text("unmount+ A on top"), wq_story(&gone));
	wq_close(&to);
	wq_close(&gone);
}

/* A detached tree comes into the namespace when it is moved there, and not before. */
TEST_F(mount, open_tree)
{
	int fd;

	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_EQ(0, add(self->q.fd, -1, TOPOLOGY));
	fd = syscall(SYS_open_tree, AT_FDCWD, "a", 1 /* OPEN_TREE_CLONE */);
	ASSERT_LE(0, fd);
	STORY("");
	ASSERT_EQ(0, syscall(SYS_move_mount, fd, "", AT_FDCWD, "b", 4 /* F_EMPTY_PATH */));
	ASSERT_TRUE(wq_name_mount("b", "B"));
	STORY("new_mount+ B on top");
	close(fd);
	STORY("");
}

TEST_F(mount, two_watches)
{
	struct watch_queue_info info;
	uint64_t handle, again;
	struct wq other;

	ASSERT_OK(wq_open(&other, 1));
	ASSERT_EQ(0, add_id(self->q.fd, -1, BIT(NEW_MOUNT), 0, 7, &handle));
	EXPECT_EQ(-EEXIST, add_id(self->q.fd, -1, BIT(UNMOUNT), 0, 7, NULL));
	EXPECT_EQ(-EINVAL, add_id(self->q.fd, -1, BIT(UNMOUNT), WATCH_ADD_UPDATE, 8, NULL));
	ASSERT_EQ(0, add_id(other.fd, -1, BIT(NEW_MOUNT), WATCH_ADD_ONESHOT, 9, NULL));
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_TRUE(wq_name_mount("a", "A"));
	EXPECT_EQ(0, add_id(self->q.fd, -1, BIT(UNMOUNT), WATCH_ADD_MASK_ADD, 7, &again));
	EXPECT_EQ(handle, again);
	ASSERT_EQ(0, umount("a"));
	STORY("new_mount+#7 A on top, unmount+#7 A on top");
	EXPECT_STREQ(wq_mount_text("new_mount+#9 A on top, removal:oneshot#9"), wq_story(&other));
	EXPECT_EQ(0, add_id(self->q.fd, -1, BIT(UNMOUNT), WATCH_ADD_UPDATE, 7, &again));
	EXPECT_EQ(handle, again);
	ASSERT_EQ(0, wq_info(self->q.fd, handle, &info));
	EXPECT_EQ(BIT(UNMOUNT), info.mask);
	EXPECT_EQ(WATCH_TYPE_MOUNT_NOTIFY, info.type);
	EXPECT_EQ(2, info.delivered);
	ASSERT_EQ(0, wq_tmpfs("a"));
	ASSERT_EQ(0, wq_remove(self->q.fd, handle));
	ASSERT_EQ(0, umount("a"));
	STORY("removal:removed#7");
	wq_close(&other);
}

TEST_F(mount, arguments)
{
	struct watch_queue_info info;
	struct watch_queue_add a;
	int file = open("a", O_PATH);

	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_TRUE(info.sources & 1 << WATCH_TYPE_MOUNT_NOTIFY);
	EXPECT_EQ(wq_patches_in_use() ? WATCH_MOUNT_ALL_EVENTS : TOPOLOGY,
		  info.events[WATCH_TYPE_MOUNT_NOTIFY]);
	EXPECT_EQ(WATCH_HOOK_API | (wq_patches_in_use() ? WATCH_HOOK_TRACEPOINT | WATCH_HOOK_PATCH : 0),
		  WATCH_HOOKS(info.hooks, WATCH_TYPE_MOUNT_NOTIFY));
#define TRY(error, change) do { \
	a = (struct watch_queue_add){ .size = sizeof(a), .type = WATCH_TYPE_MOUNT_NOTIFY, \
				      .object = -1, .mask = BIT(NEW_MOUNT) }; \
	change; \
	EXPECT_EQ(error, wq_add(self->q.fd, &a)) TH_LOG(#change); \
} while (0)
	TRY(-EINVAL, a.mask = 0);
	TRY(-EINVAL, a.mask = WATCH_MOUNT_ALL_EVENTS + 1);
	TRY(-EINVAL, a.mask |= 1ULL << 32);
	TRY(-EINVAL, a.ignore_mask = BIT(UNMOUNT));
	TRY(-EINVAL, a.scope = WATCH_SCOPE_SUBTREE);
	TRY(-EINVAL, a.flags = WATCH_ADD_ONLYDIR);
	TRY(-EINVAL, a.flags = WATCH_ADD_EVICTABLE);
	TRY(-EINVAL, a.flags = WATCH_ADD_FILE_HANDLE);
	TRY(-EINVAL, a.flags = WATCH_ADD_UPDATE | WATCH_ADD_MASK_ADD);
	if (wq_patches_in_use()) {
		TRY(-EBADF, a.object = -2);
		TRY(-EBADF, a.object = 99);
		TRY(-EINVAL, a.object = file);
		TRY(-EINVAL, a.object = self->q.fd);
	} else {
		TRY(-EOPNOTSUPP, a.object = file);
		TRY(-EOPNOTSUPP, a.mask = BIT(READONLY));
		TRY(-EOPNOTSUPP, a.mask = BIT(SETATTR) | BIT(EXPIRY));
	}
	STORY("");
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(0, info.watches);
	close(file);
}

/* Many mounts, whose ends come while the watch is removed. */
TEST_F_TIMEOUT(mount, storm, 120)
{
	const long rounds = wq_scaled(2000);
	uint64_t handle;

	for (long i = 0; i < rounds; i++) {
		ASSERT_EQ(0, add_id(self->q.fd, -1, TOPOLOGY, 0, 1, &handle));
		ASSERT_EQ(0, wq_tmpfs("a"));
		ASSERT_TRUE(wq_name_mount("a", "A"));
		ASSERT_EQ(0, umount("a"));
		ASSERT_EQ(0, wq_remove(self->q.fd, handle));
		ASSERT_STREQ(wq_mount_text("new_mount+#1 A on top, unmount+#1 A on top, removal:removed#1"),
			     wq_story(&self->q));
		wq_forget_names();
		ASSERT_TRUE(wq_name_mount(".", "top"));
	}
}

TEST_HARNESS_MAIN
