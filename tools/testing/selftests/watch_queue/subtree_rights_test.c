// SPDX-License-Identifier: GPL-2.0
/*
 * Watches on subtrees that were added without privileges: what they tell, what they keep to themselves, and
 * that this is never more than the same user would be told by inotify, directory by directory.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include "wq_test.h"
#include "wq_users.h"
#include "kselftest_harness.h"

#define USER	1000
#define GROUP	2000		/* one of the user's other groups */
#define MASK	(WATCH_FS_CREATE | WATCH_FS_MODIFY | WATCH_FS_DELETE | WATCH_FS_MOVE | WATCH_FS_ATTRIB)

/* An ACL of three entries and a mask: the owner may all, and one user so much. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entries[5];
};

static bool set_acl(const char *path, unsigned int perm)
{
	struct acl acl = { 2, {
		{ 0x01, 7, -1 }, { 0x02, perm, USER }, { 0x04, 0, -1 }, { 0x10, 7, -1 }, { 0x20, 5, -1 },
	} };

	return setxattr(path, "system.posix_acl_access", &acl, sizeof(acl), 0) == 0;
}

static void become_user(void)
{
	gid_t group = GROUP;

	if (setgroups(1, &group) || setegid(USER) || seteuid(USER))
		abort();
}

static void become_root(void)
{
	if (seteuid(0) || setegid(0) || setgroups(0, NULL))
		abort();
}

FIXTURE(subtree_rights) {
	struct wq q;		/* opened by the user */
};

static void make(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	if (mkdir(path, 0700) || chown(path, uid, gid) || chmod(path, mode))
		abort();
}

FIXTURE_SETUP(subtree_rights)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, chmod(".", 0755));
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_EQ(0, mount("subtree_rights", "fs", "tmpfs", 0, "mode=0755"));
	make("fs/top", 0755, 0, 0);
	make("fs/top/open", 0755, 0, 0);
	make("fs/top/open/deep", 0755, 0, 0);
	make("fs/top/hidden", 0700, 0, 0);
	make("fs/top/hidden/open", 0755, 0, 0);
	become_user();
	ASSERT_OK(wq_open(&self->q, 16));
	become_root();
}

FIXTURE_TEARDOWN(subtree_rights)
{
	wq_close(&self->q);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/* Adds a watch on a subtree as the user: its handle, or 0. */
static uint64_t add(const struct wq *q, const char *path, unsigned int flags)
{
	uint64_t handle;
	int error;

	become_user();
	handle = wq_watch(q->fd, path, MASK, WATCH_SCOPE_SUBTREE, 1, 7, flags);
	error = errno;
	become_root();
	errno = error;
	return handle;
}

#define ADD(path, flags) ASSERT_NE(0, add(&self->q, path, flags))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))

/* Makes a file in a folder, and removes it. */
static int stir(const char *folder)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/f", folder);
	return wq_touch(path) != wq_ok || unlink(path);
}

/* Whether the user may watch the folder by inotify. */
static bool inotify_allows(const char *folder)
{
	int fd = inotify_init1(IN_CLOEXEC), wd;

	become_user();
	wd = inotify_add_watch(fd, folder, IN_CREATE);
	become_root();
	close(fd);
	return wd >= 0;
}

TEST_F(subtree_rights, as_inotify)
{
	static const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
		gid_t gid;
		int acl;	/* what an ACL allows the user, or -1: none */
		bool told;
	} folders[] = {
		{ "all", 0755, 0, 0, -1, true },
		{ "own", 0700, USER, 0, -1, true },
		{ "own_denied", 0077, USER, 0, -1, false },
		{ "group", 0750, 0, USER, -1, true },
		{ "other_group", 0750, 0, GROUP, -1, true },
		{ "group_denied", 0705, 0, GROUP, -1, false },
		{ "strangers_group", 0750, 0, 3000, -1, false },
		{ "root", 0700, 0, 0, -1, false },
		{ "search_only", 0711, 0, 0, -1, false },
		{ "read_only", 0744, 0, 0, -1, false },	/* inotify would tell */
		{ "acl", 0700, 0, 0, 5, true },
		{ "acl_denied", 0755, 0, 0, 0, false },
		{ "hidden/all", 0755, 0, 0, -1, false },
		{ "open/own", 0700, USER, 0, -1, true },
	};

	ADD("fs/top", 0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		char path[64];
		bool told;

		snprintf(path, sizeof(path), "fs/top/%s", folders[i].name);
		make(path, folders[i].mode, folders[i].uid, folders[i].gid);
		if (folders[i].acl >= 0 && !set_acl(path, folders[i].acl)) {
			TH_LOG("no ACLs here: %s is left out", folders[i].name);
			continue;
		}
		wq_drain(&self->q);
		ASSERT_EQ(0, stir(path));
		told = !strcmp("create+#1 f, delete+#1 f", wq_story(&self->q));
		EXPECT_EQ(folders[i].told, told) TH_LOG("%s", folders[i].name);
		EXPECT_TRUE(!told || inotify_allows(path))
			TH_LOG("%s: inotify would not tell", folders[i].name);
	}
}

/* What is withheld is not counted, and wakes nobody. */
TEST_F(subtree_rights, silence)
{
	struct watch_queue_info info;
	uint64_t handle = add(&self->q, "fs/top", 0);

	ASSERT_NE(0, handle);
	for (int i = 0; i < 1000; i++)
		ASSERT_EQ(0, stir("fs/top/hidden"));
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	ASSERT_EQ(0, wq_info(self->q.fd, handle, &info));
	EXPECT_EQ(0, info.posted);
	EXPECT_EQ(0, info.delivered);
	EXPECT_EQ(0, info.filtered);
	EXPECT_EQ(0, info.lost);
	ASSERT_EQ(0, stir("fs/top/open"));
	STORY("create+#1 f, delete+#1 f");
}

TEST_F(subtree_rights, as_they_are_now)
{
	ADD("fs/top", 0);
	ASSERT_EQ(0, stir("fs/top/open/deep"));
	STORY("create+#1 f, delete+#1 f");
	ASSERT_EQ(0, chmod("fs/top/open", 0700));
	STORY("attrib/+#1 open");
	ASSERT_EQ(0, stir("fs/top/open/deep"));
	STORY("");
	ASSERT_EQ(0, chmod("fs/top/open", 0755));
	STORY("attrib/+#1 open");
	ASSERT_EQ(0, stir("fs/top/open/deep"));
	STORY("create+#1 f, delete+#1 f");
	/* The root, too: all but what happens to itself. */
	ASSERT_EQ(0, chmod("fs/top", 0700));
	STORY("attrib/#1");
	ASSERT_EQ(0, stir("fs/top"));
	ASSERT_EQ(0, stir("fs/top/open"));
	STORY("");
	/* What is above the root was asked about when the watch was added. */
	ASSERT_EQ(0, chmod("fs/top", 0755));
	wq_drain(&self->q);
	ASSERT_EQ(0, chmod("fs", 0700));
	ASSERT_EQ(0, stir("fs/top"));
	STORY("create+#1 f, delete+#1 f");
	ASSERT_EQ(0, chmod("fs", 0755));
}

static void renames(struct __test_metadata *_metadata, struct wq *q, const char *in, const char *out,
		    const char *both)
{
	ASSERT_OK(wq_touch("fs/top/hidden/a"));
	EXPECT_STREQ("", wq_story(q));
	ASSERT_EQ(0, rename("fs/top/hidden/a", "fs/top/hidden/open/a"));
	EXPECT_STREQ("", wq_story(q));
	ASSERT_EQ(0, rename("fs/top/hidden/open/a", "fs/top/open/b"));
	EXPECT_STREQ(in, wq_story(q));
	ASSERT_EQ(0, rename("fs/top/open/b", "fs/top/open/deep/c"));
	EXPECT_STREQ(both, wq_story(q));
	ASSERT_EQ(0, rename("fs/top/open/deep/c", "fs/top/hidden/a"));
	EXPECT_STREQ(out, wq_story(q));
}

TEST_F(subtree_rights, halves_of_renames)
{
	ADD("fs/top", 0);
	renames(_metadata, &self->q, "moved_to+#1 b", "moved_from+#1 c", "moved_from+#1 b, moved_to+#1 c");
}

TEST_F(subtree_rights, paths)
{
	self->q.paths = true;
	ADD("fs/top", WATCH_ADD_PATH);
	renames(_metadata, &self->q, "moved_to+#1 open/b", "moved_from+#1 open/deep/c",
		"moved_from+#1 open/b, moved_to+#1 open/deep/c");
	ASSERT_EQ(0, stir("fs/top/open/deep"));
	STORY("create+#1 open/deep/f, delete+#1 open/deep/f");
	ASSERT_EQ(0, stir("fs/top/hidden/open"));
	STORY("");
	/* A folder that moves to where the user may not look takes with it what is in it. */
	ASSERT_EQ(0, rename("fs/top/open/deep", "fs/top/hidden/deep"));
	STORY("moved_from/+#1 open/deep");
	ASSERT_EQ(0, stir("fs/top/hidden/deep"));
	STORY("");
}

/* Both the opener and the task that adds decide, whichever may less. */
TEST_F(subtree_rights, opener_and_caller)
{
	struct wq roots;

	ASSERT_OK(wq_open(&roots, 16));
	ASSERT_NE(0, add(&roots, "fs/top", 0));
	ASSERT_NE(0, wq_watch(self->q.fd, "fs/top", MASK, WATCH_SCOPE_SUBTREE, 1, 7, 0));
	ASSERT_EQ(0, stir("fs/top/hidden"));
	ASSERT_EQ(0, stir("fs/top/open"));
	EXPECT_STREQ("create+#1 f, delete+#1 f", wq_story(&roots));
	STORY("create+#1 f, delete+#1 f");
	wq_close(&roots);
}

TEST_F(subtree_rights, refused)
{
	struct wq roots;

	/* The root must be the user's to read and search, and to reach. */
	EXPECT_EQ(0, add(&self->q, "fs/top/hidden", 0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(0, chmod("fs/top/open/deep", 0744));
	EXPECT_EQ(0, add(&self->q, "fs/top/open/deep", 0));
	EXPECT_EQ(EACCES, errno);
	/* Nothing else that is wide, and no questions. */
	become_user();
	EXPECT_EQ(0, wq_watch(self->q.fd, "fs/top", MASK, WATCH_SCOPE_SB, 1, 7, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, wq_watch(self->q.fd, "fs/top", WATCH_FS_MODIFY, WATCH_SCOPE_MOUNT, 1, 7, 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(0, wq_watch(self->q.fd, "fs/top", WATCH_FS_OPEN_PERM, WATCH_SCOPE_SUBTREE, 1, 7, 0));
	EXPECT_NE(0, errno);
	become_root();
	/* A watch that tells all cannot be changed by a task that may not see all. */
	ASSERT_OK(wq_open(&roots, 16));
	ASSERT_NE(0, wq_watch(roots.fd, "fs/top", MASK, WATCH_SCOPE_SUBTREE, 1, 7, 0));
	EXPECT_EQ(0, add(&roots, "fs/top", WATCH_ADD_UPDATE));
	EXPECT_EQ(EPERM, errno);
	wq_close(&roots);
}

TEST_F(subtree_rights, limits)
{
	ASSERT_TRUE(wq_set_parameter("max_user_subtrees", "2"));
	EXPECT_NE(0, add(&self->q, "fs/top", 0));
	EXPECT_NE(0, add(&self->q, "fs/top/open", 0));
	EXPECT_EQ(0, add(&self->q, "fs/top/open/deep", 0));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_EQ(0, wq_remove_all(self->q.fd, WATCH_TYPE_FS_NOTIFY));
	wq_drain(&self->q);
	EXPECT_NE(0, add(&self->q, "fs/top/open/deep", 0));
	EXPECT_TRUE(wq_set_parameter("max_user_subtrees", "32"));
	/* Half of a file system's are for those with privileges. */
	EXPECT_TRUE(wq_set_parameter("max_subtrees", "4"));
	EXPECT_NE(0, add(&self->q, "fs/top/open", 0));
	EXPECT_EQ(0, add(&self->q, "fs/top", 0));
	EXPECT_EQ(EDQUOT, errno);
	EXPECT_TRUE(wq_set_parameter("max_subtrees", "256"));
	EXPECT_TRUE(wq_set_parameter("unprivileged_subtrees", "0"));
	EXPECT_EQ(0, add(&self->q, "fs/top", 0));
	EXPECT_EQ(EPERM, errno);
	EXPECT_TRUE(wq_set_parameter("unprivileged_subtrees", "1"));
}

struct container {
	int ready[2], go[2];
};

/* The administrator of a user namespace of his own, who is the user outside. */
static int in_container(void *arg)
{
	struct container *c = arg;
	struct wq q;
	char byte;

	become_user();
	CHILD_CHECK(setresuid(USER, USER, USER) == 0);
	CHILD_CHECK(unshare(CLONE_NEWUSER) == 0);
	CHILD_CHECK(wq_open(&q, 16) == wq_ok);
	CHILD_CHECK(wq_watch(q.fd, "fs/top", MASK, WATCH_SCOPE_SUBTREE, 1, 7, 0));
	CHILD_CHECK(write(c->ready[1], "", 1) == 1 && read(c->go[0], &byte, 1) == 1);
	CHILD_CHECK(!strcmp("create+#1 f, delete+#1 f", wq_story(&q)));
	return 0;
}

static int stir_when_ready(void *arg)
{
	struct container *c = arg;
	char byte;

	CHILD_CHECK(read(c->ready[0], &byte, 1) == 1);
	CHILD_CHECK(stir("fs/top/hidden") == 0 && stir("fs/top/open") == 0);
	CHILD_CHECK(write(c->go[1], "", 1) == 1);
	return 0;
}

TEST_F(subtree_rights, user_namespace)
{
	struct container c;
	pid_t child;

	ASSERT_EQ(0, pipe(c.ready));
	ASSERT_EQ(0, pipe(c.go));
	child = fork();
	if (child == 0)
		_exit(stir_when_ready(&c));
	EXPECT_EQ(0, wq_child(in_container, &c));
	EXPECT_EQ(child, waitpid(child, NULL, 0));
}

/* Through a mount that shows the files of user 1 as the user's. */
TEST_F(subtree_rights, idmapped_mount)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int tree, ns = wq_user_ns(-1, 0, USER, -1);

	ASSERT_LE(0, ns);
	attr.userns_fd = ns;
	make("fs/top/ones", 0700, 1, 1);
	make("fs/top/users", 0700, USER, USER);
	ASSERT_EQ(0, mkdir("mapped", 0755));
	tree = syscall(SYS_open_tree, AT_FDCWD, "fs/top", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	ASSERT_LE(0, tree);
	ASSERT_EQ(0, syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr))) TH_LOG("%m");
	ASSERT_EQ(0, syscall(SYS_move_mount, tree, "", AT_FDCWD, "mapped", MOVE_MOUNT_F_EMPTY_PATH));
	ADD("mapped", 0);
	ASSERT_EQ(0, stir("fs/top/ones"));
	STORY("create+#1 f, delete+#1 f");
	ASSERT_EQ(0, stir("fs/top/users"));
	STORY("");
	EXPECT_TRUE(inotify_allows("mapped/ones"));
	EXPECT_FALSE(inotify_allows("mapped/users"));
	umount2("mapped", MNT_DETACH);
	close(tree);
	close(ns);
}

TEST_HARNESS_MAIN
