// SPDX-License-Identifier: GPL-2.0
/*
 * One watch on everything below a directory: which events belong to it, when directories
 * are created, moved in and out, removed; by which paths they are told; what becomes of it
 * when its root moves or goes.
 */
#define _GNU_SOURCE
#include <linux/fs.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(subtree) {
	struct wq q;
};

FIXTURE_VARIANT(subtree) {
	const char *fs;
};

FIXTURE_VARIANT_ADD(subtree, tmpfs) {
	.fs = "tmpfs",
};

FIXTURE_VARIANT_ADD(subtree, ext4) {
	.fs = "ext4",
};

FIXTURE_VARIANT_ADD(subtree, overlay) {
	.fs = "overlay",
};

FIXTURE_SETUP(subtree)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mkdir("bind", 0755));
	WQ_NEED_MOUNT("fs", variant->fs);
	ASSERT_EQ(0, chdir("fs"));
	ASSERT_EQ(0, mkdir("top", 0755));
	ASSERT_EQ(0, mkdir("top/a", 0755));
	ASSERT_EQ(0, mkdir("top/a/b", 0755));
	ASSERT_EQ(0, mkdir("out", 0755));
	ASSERT_EQ(0, mkdir("out/d", 0755));
	ASSERT_OK(wq_touch("top/f"));
	ASSERT_OK(wq_touch("top/a/b/f"));
	ASSERT_OK(wq_touch("out/f"));
	ASSERT_OK(wq_touch("out/d/f"));
	ASSERT_OK(wq_open(&self->q, 16));
	self->q.paths = true;
}

FIXTURE_TEARDOWN(subtree)
{
	wq_close(&self->q);
	if (chdir("/tmp"))
		return;
	wq_tmpdir_leave();
}

#define ADD(path, mask, id, flags) \
	wq_watch(self->q.fd, path, mask, WATCH_SCOPE_SUBTREE, id, 0x100 + (id), flags)
#define WATCH(path, mask, id) ASSERT_NE(0, ADD(path, mask, id, WATCH_ADD_PATH))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))
#define NAMES (WATCH_FS_CREATE | WATCH_FS_DELETE | WATCH_FS_MOVE)

TEST_F(subtree, inside_and_outside)
{
	WATCH("top", WATCH_FS_MODIFY | WATCH_FS_ATTRIB | NAMES, 1);
	EXPECT_EQ(0, wq_poke_path("top/f"));
	STORY("modify+#1 f");
	EXPECT_EQ(0, wq_poke_path("top/a/b/f"));
	STORY("modify+#1 a/b/f");
	EXPECT_EQ(0, chmod("top/a/b", 0700));
	STORY("attrib/+#1 a/b");
	EXPECT_EQ(0, wq_poke_path("out/d/f"));
	EXPECT_EQ(0, chmod("out", 0700));
	EXPECT_EQ(0, mkdir("out/d/d", 0700));
	EXPECT_EQ(0, rmdir("out/d/d"));
	EXPECT_EQ(0, rename("out/d/f", "out/d/g"));
	EXPECT_EQ(0, chmod(".", 0700));
	STORY("");
	/* The root itself. */
	EXPECT_EQ(0, chmod("top", 0700));
	STORY("attrib/#1");
	/* A directory whose name begins like the root's. */
	EXPECT_EQ(0, mkdir("topper", 0700));
	EXPECT_EQ(0, wq_poke_path("topper/f"));
	STORY("");
}

TEST_F(subtree, reading)
{
	char c;
	int fd;

	ASSERT_EQ(0, wq_poke_path("top/a/b/f"));
	WATCH("top", WATCH_FS_OPEN | WATCH_FS_ACCESS | WATCH_FS_CLOSE, 1);
	for (int i = 0; i < 2; i++) {
		fd = open(i ? "out/f" : "top/a/b/f", O_RDONLY);
		EXPECT_EQ(!i, read(fd, &c, 1));
		close(fd);
		STORY(i ? "" : "open+#1 a/b/f, access+#1 a/b/f, close_nowrite+#1 a/b/f");
	}
}

/* No event is missed between the creation of a directory and whatever follows. */
TEST_F(subtree, new_directories)
{
	WATCH("top", NAMES | WATCH_FS_CLOSE_WRITE, 1);
	EXPECT_EQ(0, mkdir("top/n", 0755));
	EXPECT_EQ(0, mkdir("top/n/m", 0755));
	EXPECT_EQ(0, mkdir("top/n/m/o", 0755));
	ASSERT_OK(wq_touch("top/n/m/o/file"));
	STORY("create/+#1 n, create/+#1 n/m, create/+#1 n/m/o, create+#1 n/m/o/file, close_write+#1 n/m/o/file");
	EXPECT_EQ(0, unlink("top/n/m/o/file"));
	EXPECT_EQ(0, rmdir("top/n/m/o"));
	EXPECT_EQ(0, rmdir("top/n/m"));
	EXPECT_EQ(0, rmdir("top/n"));
	STORY("delete+#1 n/m/o/file, delete/+#1 n/m/o, delete/+#1 n/m, delete/+#1 n");
}

/* Moving out ends the events of what was moved, moving in begins them. */
TEST_F(subtree, moves)
{
	struct wq_rec from, to;
	int fd = open("top/a/b/f", O_WRONLY);

	WATCH("top", NAMES | WATCH_FS_MODIFY, 1);
	EXPECT_EQ(0, rename("top/a", "top/c"));
	ASSERT_EQ(1, wq_next(&self->q, &from));
	ASSERT_EQ(1, wq_next(&self->q, &to));
	EXPECT_EQ(NOTIFY_FS_MOVED_FROM, from.subtype);
	EXPECT_EQ(NOTIFY_FS_MOVED_TO, to.subtype);
	EXPECT_NE(0, from.fs.rename_cookie);
	EXPECT_EQ(from.fs.rename_cookie, to.fs.rename_cookie);
	EXPECT_STREQ("a", from.name);
	EXPECT_STREQ("c", to.name);
	wq_poke(fd);
	STORY("modify+#1 c/b/f");

	EXPECT_EQ(0, rename("top/c/b", "out/b"));
	STORY("moved_from/+#1 c/b");
	wq_poke(fd);
	EXPECT_EQ(0, wq_poke_path("out/b/f"));
	ASSERT_OK(wq_touch("out/b/new"));
	STORY("");

	EXPECT_EQ(0, rename("out/b", "top/c/back"));
	STORY("moved_to/+#1 c/back");
	wq_poke(fd);
	EXPECT_EQ(0, wq_poke_path("top/c/back/new"));
	STORY("modify+#1 c/back/f, modify+#1 c/back/new");

	EXPECT_EQ(0, rename("top/c/back/f", "top/c/f"));
	STORY("moved_from+#1 c/back/f, moved_to+#1 c/f");
	EXPECT_EQ(0, rename("top/c/f", "top/c/back/new"));
	STORY("moved_from+#1 c/f, moved_to+#1 c/back/new");
	wq_poke(fd);
	STORY("modify+#1 c/back/new");
	close(fd);
}

TEST_F(subtree, exchange)
{
	WATCH("top", NAMES | WATCH_FS_MODIFY, 1);
	if (syscall(SYS_renameat2, AT_FDCWD, "top/a", AT_FDCWD, "out/d", RENAME_EXCHANGE))
		SKIP(return, "no RENAME_EXCHANGE here");
	STORY("moved_from/+#1 a, moved_to/+#1 a");
	EXPECT_EQ(0, wq_poke_path("top/a/f"));
	EXPECT_EQ(0, wq_poke_path("out/d/b/f"));
	STORY("modify+#1 a/f");
}

/* A file counts by the name that was used. */
TEST_F(subtree, hard_links)
{
	if (link("out/f", "top/a/twin"))
		SKIP(return, "no hard links here");
	WATCH("top", NAMES | WATCH_FS_MODIFY | WATCH_FS_ATTRIB, 1);
	EXPECT_EQ(0, wq_poke_path("out/f"));
	STORY("");
	EXPECT_EQ(0, wq_poke_path("top/a/twin"));
	STORY("modify+#1 a/twin");
	/* Without a name there is no telling whether it is inside: the link count. */
	EXPECT_EQ(0, link("out/f", "top/triplet"));
	STORY("create+#1 triplet");
	EXPECT_EQ(0, unlink("out/f"));
	STORY("");
	EXPECT_EQ(0, unlink("top/triplet"));
	STORY("delete+#1 triplet");
}

/* What was unlinked but is still open counts where it was. */
TEST_F(subtree, unlinked)
{
	int fd = open("top/a/b/f", O_WRONLY);
	uint64_t h;

	WATCH("top", WATCH_FS_MODIFY | NAMES, 1);
	h = ADD("top/a", WATCH_FS_MODIFY, 2, WATCH_ADD_PATH | WATCH_ADD_EXCL_UNLINK);
	ASSERT_NE(0, h);
	wq_poke(fd);
	EXPECT_EQ(2, wq_drain(&self->q));
	EXPECT_EQ(0, unlink("top/a/b/f"));
	STORY("delete+#1 a/b/f");
	wq_poke(fd);
	STORY("modify+#1 a/b/f");
	close(fd);
}

/* Without WATCH_ADD_PATH there is the last component. */
TEST_F(subtree, names)
{
	ASSERT_NE(0, ADD("top", WATCH_FS_MODIFY | WATCH_FS_ATTRIB | NAMES, 1, 0));
	self->q.paths = false;
	EXPECT_EQ(0, wq_poke_path("top/a/b/f"));
	EXPECT_EQ(0, chmod("top/a/b", 0700));
	EXPECT_EQ(0, mkdir("top/a/b/c", 0700));
	EXPECT_EQ(0, rename("top/a/b/c", "top/d"));
	EXPECT_EQ(0, rmdir("top/d"));
	STORY("modify+#1 f, attrib/+#1 b, create/+#1 c, moved_from/+#1 c, moved_to/+#1 d, delete/+#1 d");
}

/* Each of several watches sees what is below its own root, by its own path. */
TEST_F(subtree, nested)
{
	uint64_t inner;

	WATCH(".", WATCH_FS_MODIFY, 1);
	WATCH("top", WATCH_FS_MODIFY, 2);
	inner = ADD("top/a/b", WATCH_FS_MODIFY, 3, WATCH_ADD_PATH);
	ASSERT_NE(0, inner);
	EXPECT_EQ(0, wq_poke_path("out/f"));
	STORY("modify+#1 out/f");
	EXPECT_EQ(0, wq_poke_path("top/f"));
	EXPECT_EQ(2, wq_drain(&self->q));
	EXPECT_EQ(0, wq_poke_path("top/a/b/f"));
	for (int i = 0, seen = 0; i < 3; i++) {
		static const char *const want[] = { "", "top/a/b/f", "a/b/f", "f" };
		struct wq_rec r;

		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
		ASSERT_TRUE(r.id >= 1 && r.id <= 3);
		EXPECT_EQ(0, seen >> r.id & 1);
		seen |= 1 << r.id;
		EXPECT_STREQ(want[r.id], r.name);
	}
	EXPECT_EQ(0, wq_remove(self->q.fd, inner));
	STORY("removal:removed#3");
	EXPECT_EQ(0, wq_poke_path("top/a/b/f"));
	EXPECT_EQ(2, wq_drain(&self->q));
	/* Out of the inner one and into the outer one. */
	WATCH("out", NAMES, 4);
	EXPECT_EQ(0, rename("top/a/b", "out/b"));
	STORY("moved_to/+#4 b");
}

/* A watch on the directory itself is another watch. */
TEST_F(subtree, beside_a_plain_watch)
{
	uint64_t plain = wq_watch(self->q.fd, "top", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 2, 0,
				  WATCH_ADD_PATH);

	ASSERT_NE(0, plain);
	WATCH("top", WATCH_FS_MODIFY, 1);
	EXPECT_EQ(0, wq_poke_path("top/a/b/f"));
	STORY("modify+#1 a/b/f");
	EXPECT_EQ(0, wq_poke_path("top/f"));
	EXPECT_EQ(2, wq_drain(&self->q));
	EXPECT_EQ(0, wq_remove(self->q.fd, plain));
	EXPECT_EQ(0, wq_poke_path("top/f"));
	STORY("removal:removed#2, modify+#1 f");
}

/* The root may move: what is below it stays below it. */
TEST_F(subtree, root_moves)
{
	WATCH("top", WATCH_FS_MUTATIONS, 1);
	EXPECT_EQ(0, rename("top", "out/tip"));
	STORY("move_self/#1");
	EXPECT_EQ(0, wq_poke_path("out/tip/a/b/f"));
	STORY("modify+#1 a/b/f, close_write+#1 a/b/f");
	EXPECT_EQ(0, rename("out", "nowhere"));
	STORY("");
	EXPECT_EQ(0, mkdir("nowhere/tip/new", 0755));
	STORY("create/+#1 new");
}

/* The root goes: so does the watch. */
TEST_F(subtree, root_goes)
{
	WATCH("out/d", WATCH_FS_MUTATIONS, 1);
	EXPECT_EQ(0, unlink("out/d/f"));
	STORY("delete+#1 f");
	EXPECT_EQ(0, rmdir("out/d"));
	STORY("delete_self/#1, removal:object_gone#1");
	/* The next directory of that name is another one. */
	EXPECT_EQ(0, mkdir("out/d", 0755));
	ASSERT_OK(wq_touch("out/d/f"));
	STORY("");
	WATCH("out/d", NAMES, 2);
	EXPECT_EQ(0, unlink("out/d/f"));
	STORY("delete+#2 f");
}

/* Other file systems below the root are not part of it; other ways to it are. */
TEST_F(subtree, mounts)
{
	ASSERT_EQ(0, mount("inner", "top/a", "tmpfs", 0, NULL));
	WATCH("top", WATCH_FS_MODIFY, 1);
	EXPECT_EQ(0, wq_poke_path("top/a/x"));
	STORY("");
	ASSERT_EQ(0, mount("top", "../bind", NULL, MS_BIND, NULL));
	EXPECT_EQ(0, wq_poke_path("../bind/a/b/f"));
	STORY("modify+#1 a/b/f");
	ASSERT_EQ(0, umount("../bind"));
	/* What is mounted in the subtree from elsewhere on the file system is elsewhere. */
	ASSERT_EQ(0, umount("top/a"));
	ASSERT_EQ(0, mount("out", "top/a", NULL, MS_BIND, NULL));
	EXPECT_EQ(0, wq_poke_path("top/a/d/f"));
	STORY("");
	ASSERT_EQ(0, umount("top/a"));
}

/* A path that is too long for a record is left out, and that is said. */
TEST_F(subtree, long_paths)
{
	char path[3000] = "top/a", want[700];
	size_t longest = (63 - 6) * WQ_SLOT - 1;
	struct wq_rec r;

	WATCH("top", WATCH_FS_CREATE, 1);
	/* The relative path grows by 50 at a time, "a" being 1. */
	while (strlen(path) - 4 + 50 <= longest) {
		size_t n = strlen(path);

		snprintf(path + n, sizeof(path) - n, "/%049zu", n);
		ASSERT_EQ(0, mkdir(path, 0755));
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
		EXPECT_STREQ(path + 4, r.name);
		EXPECT_EQ(0, r.info & NOTIFY_FS_TRUNCATED);
	}
	for (size_t more = longest - (strlen(path) - 4) - 3; more < longest; more++) {
		size_t n = strlen(path);
		bool fits = n - 4 + 1 + more <= longest;

		if (more > 255)
			break;
		snprintf(want, sizeof(want), "%0*d", (int)more, 7);
		snprintf(path + n, sizeof(path) - n, "/%s", want);
		ASSERT_OK(wq_touch(path));
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
		EXPECT_STREQ(fits ? path + 4 : want, r.name);
		EXPECT_EQ(fits ? 0 : NOTIFY_FS_TRUNCATED, r.info & NOTIFY_FS_TRUNCATED);
		if (fits && n - 4 + 1 + more == longest)
			EXPECT_EQ(63, r.slots);
		path[n] = 0;
		if (!fits && more > longest - (n - 4) + 3)
			break;
	}
}

/* Where it ends is in subtree_limit_test.c. */
TEST_F(subtree, very_deep)
{
	int levels = strcmp(variant->fs, "tmpfs") ? 200 : 1500, fd;
	int home = open(".", O_RDONLY | O_DIRECTORY);

	ASSERT_NE(0, ADD("top", WATCH_FS_CREATE | WATCH_FS_MODIFY, 1, WATCH_ADD_PATH));
	ASSERT_EQ(0, chdir("top"));
	for (int i = 0; i < levels; i++) {
		struct wq_rec r;

		ASSERT_EQ(0, mkdir("x", 0755));
		ASSERT_EQ(0, chdir("x"));
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("level %d: %s", i, wq_why());
		ASSERT_EQ(i >= 228, !!(r.info & NOTIFY_FS_TRUNCATED)) TH_LOG("level %d", i);
	}
	fd = open("file", O_WRONLY | O_CREAT, 0644);
	wq_poke(fd);
	close(fd);
	EXPECT_EQ(2, wq_drain(&self->q));
	ASSERT_EQ(0, wq_remove_all(self->q.fd, 0));
	wq_drain(&self->q);
	ASSERT_EQ(0, unlink("file"));
	for (int i = 0; i < levels; i++) {
		ASSERT_EQ(0, chdir(".."));
		ASSERT_EQ(0, rmdir("x"));
	}
	ASSERT_EQ(0, fchdir(home));
	close(home);
}

TEST_HARNESS_MAIN
