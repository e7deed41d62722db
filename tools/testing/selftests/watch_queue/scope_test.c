// SPDX-License-Identifier: GPL-2.0
/*
 * Watches on more than an object: on everything that is reached through a mount, on a
 * whole file system, on a subtree. What each of them sees of every kind of event, which user may
 * set them, what they may be asked for, and how they end.
 */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define MOUNT_BITS (WATCH_FS_ACCESS | WATCH_FS_MODIFY | WATCH_FS_CLOSE | WATCH_FS_OPEN | \
		    WATCH_FS_OPEN_EXEC)

/* Too long to be kept in a dentry. */
#define LONG_NAME "a name that is so long that it has memory of its own, as they say"

FIXTURE(scope) {
	struct wq q;
};

/* A file system of its own, so that nobody else makes events on it. */
FIXTURE_SETUP(scope)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mkdir("bind", 0755));
	ASSERT_EQ(0, mount("scope_test", "fs", "tmpfs", 0, NULL));
	ASSERT_EQ(0, mkdir("fs/top", 0755));
	ASSERT_EQ(0, mkdir("fs/top/dir", 0755));
	ASSERT_EQ(0, mkdir("fs/top/dir/deep", 0755));
	ASSERT_EQ(0, mkdir("fs/out", 0755));
	ASSERT_OK(wq_touch("fs/f"));
	ASSERT_OK(wq_touch("fs/top/f"));
	ASSERT_OK(wq_touch("fs/top/dir/f"));
	ASSERT_OK(wq_touch("fs/top/dir/deep/f"));
	ASSERT_OK(wq_touch("fs/out/f"));
	ASSERT_OK(wq_open(&self->q, 16));
}

FIXTURE_TEARDOWN(scope)
{
	wq_close(&self->q);
	umount2("bind", MNT_DETACH);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

#define ADD(path, mask, scope, id, flags) \
	wq_watch(self->q.fd, path, mask, WATCH_SCOPE_##scope, id, 0x100 + (id), flags)
#define WATCH(path, mask, scope, id) ASSERT_NE(0, ADD(path, mask, scope, id, 0))
#define REFUSED(errno_, path, mask, scope, flags) do { \
	EXPECT_EQ(0, ADD(path, mask, scope, 1, flags)); \
	EXPECT_EQ(errno_, errno); \
} while (0)
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))

static int peek(const char *path)
{
	int fd = open(path, O_RDONLY);
	char c;
	int n = read(fd, &c, 1);

	close(fd);
	return n;
}

TEST_F(scope, superblock_files)
{
	WATCH("fs/top/dir", WATCH_FS_ALL_EVENTS, SB, 1);
	EXPECT_EQ(0, wq_poke_path("fs/out/f"));
	STORY("open+#1 f, modify+#1 f, close_write+#1 f");
	EXPECT_EQ(1, peek("fs/out/f"));
	STORY("open+#1 f, access+#1 f, close_nowrite+#1 f");
	EXPECT_EQ(0, chmod("fs/top/dir/deep/f", 0600));
	STORY("attrib+#1 f");
	EXPECT_EQ(0, setxattr("fs/f", "trusted.x", "y", 1, 0));
	STORY("attrib+#1 f");
	EXPECT_EQ(0, truncate("fs/f", 10));
	STORY("modify+#1 f");
	/* A directory's name comes from its entry. */
	EXPECT_EQ(0, chmod("fs/top/dir", 0700));
	STORY("attrib/+#1 dir");
	close(open("fs/top/dir/deep", O_RDONLY | O_DIRECTORY));
	STORY("open/+#1 deep, close_nowrite/+#1 deep");
	/* The root is what is watched. */
	EXPECT_EQ(0, chmod("fs", 0700));
	STORY("attrib/#1");
}

TEST_F(scope, superblock_entries)
{
	WATCH("fs", WATCH_FS_MUTATIONS, SB, 1);
	ASSERT_OK(wq_touch("fs/top/new"));
	STORY("create+#1 new, close_write+#1 new");
	EXPECT_EQ(0, mkdir("fs/top/d2", 0755));
	STORY("create/+#1 d2");
	EXPECT_EQ(0, link("fs/top/new", "fs/out/twin"));
	STORY("attrib+#1, create+#1 twin");
	EXPECT_EQ(0, symlink("x", "fs/sym"));
	STORY("create+#1 sym");
	EXPECT_EQ(0, mknod("fs/fifo", S_IFIFO | 0644, 0));
	STORY("create+#1 fifo");
	EXPECT_EQ(0, syscall(__NR_renameat2, AT_FDCWD, "fs/fifo", AT_FDCWD, "fs/top/d2",
			     RENAME_EXCHANGE));
	STORY("moved_from+#1 fifo, moved_to+#1 d2, move_self+#1, moved_from/+#1 d2, moved_to/+#1 fifo, move_self/+#1");
	EXPECT_EQ(0, syscall(__NR_renameat2, AT_FDCWD, "fs/fifo", AT_FDCWD, "fs/top/d2",
			     RENAME_EXCHANGE));
	EXPECT_EQ(6, wq_drain(&self->q));
	EXPECT_EQ(0, rename("fs/top/new", "fs/out/newer"));
	STORY("moved_from+#1 new, moved_to+#1 newer, move_self+#1");
	EXPECT_EQ(0, rename("fs/top/d2", "fs/top/dir/d3"));
	STORY("moved_from/+#1 d2, moved_to/+#1 d3, move_self/+#1");
	EXPECT_EQ(0, rename("fs/out/newer", "fs/out/" LONG_NAME));
	STORY("moved_from+#1 newer, moved_to+#1 " LONG_NAME ", move_self+#1");
	EXPECT_EQ(0, chmod("fs/out/" LONG_NAME, 0600));
	STORY("attrib+#1 " LONG_NAME);
	EXPECT_EQ(0, unlink("fs/out/twin"));
	STORY("attrib+#1, delete+#1 twin");
	EXPECT_EQ(0, rmdir("fs/top/dir/d3"));
	STORY("delete_self/+#1, delete/+#1 d3");
	EXPECT_EQ(0, unlink("fs/sym"));
	STORY("attrib+#1, delete_self+#1, delete+#1 sym");
}

/* Two file systems, one tree: each has its own events. */
TEST_F(scope, superblock_ends_at_others)
{
	WATCH("fs", WATCH_FS_MODIFY, SB, 1);
	EXPECT_EQ(0, mkdir("fs/inner", 0755));
	ASSERT_EQ(0, mount("inner", "fs/inner", "tmpfs", 0, NULL));
	EXPECT_EQ(0, wq_poke_path("fs/inner/x"));
	STORY("");
	EXPECT_EQ(0, wq_poke_path("fs/f"));
	STORY("modify+#1 f");
	/* The same file system by another way. */
	ASSERT_EQ(0, mount("fs/top", "bind", NULL, MS_BIND, NULL));
	EXPECT_EQ(0, wq_poke_path("bind/f"));
	STORY("modify+#1 f");
	EXPECT_EQ(0, umount("fs/inner"));
}

TEST_F(scope, mount)
{
	ASSERT_EQ(0, mount("fs/top", "bind", NULL, MS_BIND, NULL));
	WATCH("bind/dir", MOUNT_BITS, MOUNT, 1);
	EXPECT_EQ(0, wq_poke_path("fs/top/f"));
	STORY("");
	EXPECT_EQ(0, wq_poke_path("bind/f"));
	STORY("open+#1 f, modify+#1 f, close_write+#1 f");
	EXPECT_EQ(1, peek("bind/f"));
	STORY("open+#1 f, access+#1 f, close_nowrite+#1 f");
	close(open("bind/dir", O_RDONLY | O_DIRECTORY));
	STORY("open/+#1 dir, close_nowrite/+#1 dir");
	/* The mount's root is what is watched. */
	close(open("bind", O_RDONLY | O_DIRECTORY));
	STORY("open/#1, close_nowrite/#1");
	/* Events about names belong to no mount. */
	ASSERT_OK(wq_touch("bind/new"));
	STORY("open+#1 new, close_write+#1 new");
	EXPECT_EQ(0, unlink("bind/new"));
	EXPECT_EQ(0, chmod("bind/f", 0600));
	STORY("");
}

/* A program that is run; a static one, that is this. */
TEST_F(scope, open_exec)
{
	char self_path[4096];
	int n = readlink("/proc/self/exe", self_path, sizeof(self_path) - 1);
	char cmd[8300];

	ASSERT_LT(0, n);
	self_path[n] = 0;
	snprintf(cmd, sizeof(cmd), "cp %s fs/top/prog", self_path);
	ASSERT_EQ(0, system(cmd));
	for (int i = 0; i < 4; i++) {
		static const struct {
			unsigned int scope;
			const char *at, *story;
		} cases[] = {
			{ WATCH_SCOPE_SB, "fs/top", "open_exec+#1 prog" },
			{ WATCH_SCOPE_MOUNT, "fs/top", "open_exec+#1 prog" },
			{ WATCH_SCOPE_SUBTREE, "fs/top", "open_exec+#1 prog" },
			{ WATCH_SCOPE_OBJECT, "fs/top/prog", "open_exec#1" },
		};
		uint64_t h = wq_watch(self->q.fd, cases[i].at, WATCH_FS_OPEN_EXEC, cases[i].scope, 1,
				      0, 0);
		pid_t pid;
		int status;

		ASSERT_NE(0, h);
		pid = fork();
		if (pid == 0) {
			close(1);
			execl("fs/top/prog", "prog", "-l", NULL);
			_exit(99);
		}
		waitpid(pid, &status, 0);
		STORY(cases[i].story);
		EXPECT_EQ(0, wq_remove(self->q.fd, h));
		STORY("removal:removed#1");
	}
}

/*
 * A mount says less than the others; what it cannot say, it may not be asked for. Requests
 * for permission are in permission_test.c.
 */
TEST_F(scope, bits)
{
	for (int bit = 0; bit < 64; bit++) {
		uint64_t mask = 1ull << bit;

		if (mask & WATCH_FS_ALL_PERM)
			continue;
		for (unsigned int scope = WATCH_SCOPE_OBJECT; scope <= WATCH_SCOPE_SB; scope++) {
			uint64_t can = scope == WATCH_SCOPE_MOUNT ? MOUNT_BITS :
								    WATCH_FS_ALL_EVENTS;
			uint64_t h;

			h = wq_watch(self->q.fd, "fs/top", mask, scope, 0, 0, 0);
			EXPECT_EQ(!!(can & mask), h != 0)
				TH_LOG("bit %d in scope %u", bit, scope);
			if (!h) {
				EXPECT_EQ(EINVAL, errno);
				continue;
			}
			EXPECT_EQ(0, wq_remove(self->q.fd, h));
			wq_drain(&self->q);
		}
	}
	REFUSED(EINVAL, "fs/top", WATCH_FS_OPEN | WATCH_FS_CREATE, MOUNT, 0);
}

TEST_F(scope, arguments)
{
	int fds[2];
	struct watch_queue_info info;

	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(0x1f, info.fs_scopes);
	REFUSED(ENOTDIR, "fs/top/f", WATCH_FS_OPEN, SUBTREE, 0);
	REFUSED(EINVAL, "fs/top", WATCH_FS_OPEN, SUBTREE, WATCH_ADD_EVICTABLE);
	REFUSED(EINVAL, "fs/top", WATCH_FS_OPEN, MOUNT, WATCH_ADD_EVICTABLE);
	REFUSED(EINVAL, "fs/top", WATCH_FS_OPEN, SB, WATCH_ADD_EVICTABLE);
	REFUSED(ENOTDIR, "fs/top/f", WATCH_FS_OPEN, SB, WATCH_ADD_ONLYDIR);
	/* Any file will do to name a mount or a file system. */
	WATCH("fs/top/f", WATCH_FS_OPEN, SB, 1);
	WATCH("fs/top/f", WATCH_FS_OPEN, MOUNT, 2);
	/* The kernel's own file systems belong to everybody: they cannot be watched whole. */
	ASSERT_EQ(0, pipe(fds));
	for (unsigned int scope = WATCH_SCOPE_MOUNT; scope <= WATCH_SCOPE_SB; scope++) {
		struct watch_queue_add add = {
			.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .scope = scope,
			.object = fds[0], .mask = WATCH_FS_OPEN,
		};

		EXPECT_EQ(-EINVAL, wq_add(self->q.fd, &add));
	}
	close(fds[0]);
	close(fds[1]);
}

/* One watch per queue and scope of a thing, but for subtrees one per root. */
TEST_F(scope, twice)
{
	WATCH("fs/top", WATCH_FS_OPEN, SB, 1);
	REFUSED(EEXIST, "fs/out", WATCH_FS_OPEN, SB, 0);
	WATCH("fs/top", WATCH_FS_OPEN, MOUNT, 2);
	REFUSED(EEXIST, "fs/out", WATCH_FS_OPEN, MOUNT, 0);
	WATCH("fs/top", WATCH_FS_OPEN, SUBTREE, 3);
	REFUSED(EEXIST, "fs/top", WATCH_FS_OPEN, SUBTREE, 0);
	WATCH("fs/top/dir", WATCH_FS_OPEN, SUBTREE, 4);
	WATCH("fs/out", WATCH_FS_OPEN, SUBTREE, 5);
	WATCH("fs/top", WATCH_FS_OPEN, CHILDREN, 6);
	REFUSED(EEXIST, "fs/top", WATCH_FS_OPEN, OBJECT, 0);
	STORY("");
	close(open("fs/top/dir/f", O_RDONLY));
	/* In the order in which they are in the lists: each sees it once. */
	EXPECT_EQ(4, wq_drain(&self->q));
	close(open("fs/top/f", O_RDONLY));
	EXPECT_EQ(4, wq_drain(&self->q));
	close(open("fs/out/f", O_RDONLY));
	EXPECT_EQ(3, wq_drain(&self->q));
}

TEST_F(scope, update)
{
	struct watch_queue_info info;
	uint64_t h = ADD("fs/top", WATCH_FS_MODIFY, SUBTREE, 3, 0);

	ASSERT_NE(0, h);
	EXPECT_EQ(h, ADD("fs/top", WATCH_FS_OPEN, SUBTREE, 3, WATCH_ADD_MASK_ADD));
	ASSERT_EQ(0, wq_info(self->q.fd, h, &info));
	EXPECT_EQ(WATCH_FS_MODIFY | WATCH_FS_OPEN, info.mask);
	EXPECT_EQ(0, wq_poke_path("fs/top/dir/f"));
	STORY("open+#3 f, modify+#3 f");
	EXPECT_EQ(h, ADD("fs/top", WATCH_FS_CLOSE, SUBTREE, 3, WATCH_ADD_UPDATE));
	EXPECT_EQ(0, wq_poke_path("fs/top/dir/f"));
	STORY("close_write+#3 f");
	/* Not this one. */
	REFUSED(EINVAL, "fs/top", WATCH_FS_CLOSE, SUBTREE, WATCH_ADD_UPDATE | WATCH_ADD_PATH);
	EXPECT_EQ(0, wq_remove(self->q.fd, h));
	EXPECT_EQ(0, wq_poke_path("fs/top/dir/f"));
	STORY("removal:removed#3");
}

/* What one watch ignores, all of its queue's watches do, where it looks. */
TEST_F(scope, ignore)
{
	struct watch_queue_add tree = {
		.size = sizeof(tree), .type = WATCH_TYPE_FS_NOTIFY, .scope = WATCH_SCOPE_SUBTREE,
		.ignore_mask = WATCH_FS_MODIFY | WATCH_FS_MOVED_FROM, .id = 2,
		.flags = WATCH_ADD_IGNORE_SURV,
	};

	WATCH("fs", WATCH_FS_MODIFY | WATCH_FS_MOVE, SB, 1);
	tree.object = open("fs/top", O_PATH);
	ASSERT_EQ(0, wq_add(self->q.fd, &tree));
	close(tree.object);
	EXPECT_EQ(0, wq_poke_path("fs/top/dir/f"));
	STORY("");
	EXPECT_EQ(0, wq_poke_path("fs/out/f"));
	STORY("modify+#1 f");
	EXPECT_EQ(0, rename("fs/top/f", "fs/out/g"));
	STORY("moved_to+#1 g");
	EXPECT_EQ(0, rename("fs/out/g", "fs/top/f"));
	STORY("moved_from+#1 g, moved_to+#1 f");
	EXPECT_EQ(0, rename("fs/top/f", "fs/top/dir/g"));
	STORY("moved_to+#1 g");
	EXPECT_EQ(0, wq_remove(self->q.fd, tree.handle));
	EXPECT_EQ(0, wq_poke_path("fs/top/dir/f"));
	STORY("removal:removed#2, modify+#1 f");
}

static int unprivileged(void *arg)
{
	int own = open(WQ_DEVICE, O_RDWR), shared = *(int *)arg;

	CHILD_CHECK(own >= 0 && wq_size(own, 1) == 0);
	for (unsigned int scope = WATCH_SCOPE_MOUNT; scope <= WATCH_SCOPE_SB; scope++) {
		/* Neither on a queue of one's own, nor on one that root has opened. */
		CHILD_CHECK(!wq_watch(own, "fs/top", WATCH_FS_OPEN, scope, 0, 0, 0));
		CHILD_CHECK(errno == EPERM);
		CHILD_CHECK(!wq_watch(shared, "fs/top", WATCH_FS_OPEN, scope, 0, 0, 0));
		CHILD_CHECK(errno == EPERM);
	}
	CHILD_CHECK(wq_watch(own, "fs/top", WATCH_FS_OPEN, WATCH_SCOPE_CHILDREN, 0, 0, 0));
	/* What it tells: subtree_rights_test. */
	CHILD_CHECK(wq_watch(own, "fs/top/dir", WATCH_FS_OPEN, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	return 0;
}

TEST_F(scope, rights)
{
	EXPECT_EQ(0, wq_child_nobody(unprivileged, &self->q.fd));
}

static int in_user_namespace(void *arg)
{
	int own, shared = *(int *)arg;

	CHILD_CHECK(unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0);
	/* Opened with all capabilities of the new namespace. */
	own = open(WQ_DEVICE, O_RDWR);
	CHILD_CHECK(own >= 0 && wq_size(own, 1) == 0);
	for (unsigned int scope = WATCH_SCOPE_MOUNT; scope <= WATCH_SCOPE_SB; scope++) {
		CHILD_CHECK(!wq_watch(own, "fs/top", WATCH_FS_OPEN, scope, 0, 0, 0));
		CHILD_CHECK(errno == EPERM);
	}
	/* On a file system that belongs to the namespace one is the administrator. */
	CHILD_CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
	CHILD_CHECK(mount("own", "bind", "tmpfs", 0, NULL) == 0);
	CHILD_CHECK(wq_watch(own, "bind", WATCH_FS_OPEN, WATCH_SCOPE_SB, 0, 0, 0));
	CHILD_CHECK(wq_watch(own, "bind", WATCH_FS_OPEN, WATCH_SCOPE_MOUNT, 0, 0, 0));
	CHILD_CHECK(wq_watch(own, "bind", WATCH_FS_OPEN, WATCH_SCOPE_SUBTREE, 0, 0, 0));
	/* The opener of the other queue is administrator there, too, being root outside. */
	CHILD_CHECK(wq_watch(shared, "bind", WATCH_FS_OPEN, WATCH_SCOPE_SB, 9, 0, 0));
	return 0;
}

TEST_F(scope, rights_of_a_namespace)
{
	int user = access("/proc/self/ns/user", F_OK);

	if (user)
		SKIP(return, "no user namespaces");
	EXPECT_EQ(0, wq_child(in_user_namespace, &self->q.fd));
	/* Its file system went with it. */
	STORY("removal:unmount#9");
}

/* The end of a mount or a file system is the end of what watches it. */
TEST_F(scope, unmount)
{
	uint64_t from;

	ASSERT_EQ(0, mount("fs/top", "bind", NULL, MS_BIND, NULL));
	WATCH("bind", WATCH_FS_OPEN, MOUNT, 1);
	WATCH("fs", WATCH_FS_OPEN, SB, 2);
	WATCH("fs/top/dir", WATCH_FS_OPEN, SUBTREE, 3);
	EXPECT_EQ(0, umount("bind"));
	STORY("removal:unmount#1");
	close(open("fs/top/dir/f", O_RDONLY));
	EXPECT_EQ(2, wq_drain(&self->q));
	from = wq_now_ms();
	EXPECT_EQ(0, umount("fs"));
	EXPECT_GT(wq_patience(1000), wq_now_ms() - from);
	EXPECT_EQ(2, wq_drain(&self->q));
	ASSERT_EQ(0, mount("again", "fs", "tmpfs", 0, NULL));
	ASSERT_OK(wq_touch("fs/x"));
	STORY("");
	WATCH("fs", WATCH_FS_OPEN, SB, 2);
	close(open("fs/x", O_RDONLY));
	STORY("open+#2 x");
}

/* Umount is not held up, and each watch gets its end, whatever comes first. TRAPS: A7 */
TEST_F(scope, unmount_races)
{
	long rounds = wq_scaled(200);

	for (long i = 0; i < rounds; i++) {
		uint64_t h, from;
		struct wq_rec r;
		pid_t pid;
		int status;

		ASSERT_EQ(0, mkdir("fs/out/sub", 0755));
		ASSERT_EQ(0, mount("brief", "fs/out/sub", "tmpfs", 0, NULL));
		ASSERT_EQ(0, mkdir("fs/out/sub/tree", 0755));
		h = ADD("fs/out/sub/tree", WATCH_FS_MUTATIONS, SUBTREE, 7, 0);
		ASSERT_NE(0, h);
		WATCH("fs/out/sub", WATCH_FS_MUTATIONS, SB, 8);
		pid = fork();
		if (pid == 0) {
			if (i % 2)
				wq_remove(self->q.fd, h);
			else
				rmdir("fs/out/sub/tree");
			_exit(0);
		}
		from = wq_now_ms();
		while (umount("fs/out/sub") && errno == EBUSY)
			;
		EXPECT_GT(wq_patience(1000), wq_now_ms() - from);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		for (int ends = 0; ends < 2;) {
			ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(2000)))
				TH_LOG("round %ld: %s", i, wq_why());
			ends += r.type == WATCH_TYPE_META;
		}
		ASSERT_EQ(0, wq_next(&self->q, &r));
		ASSERT_EQ(0, rmdir("fs/out/sub"));
	}
}

TEST_HARNESS_MAIN
