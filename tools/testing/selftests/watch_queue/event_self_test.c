// SPDX-License-Identifier: GPL-2.0
/*
 * What a watch on the object itself tells: a file, a folder seen from inside, and both
 * when they are unlinked, moved or replaced.
 */
#include <sys/inotify.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(self) {
	struct wq q;
};

FIXTURE_SETUP(self)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_OK(wq_touch("d/f"));
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(self)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define WATCH(path, mask, id) \
	ASSERT_NE(0, wq_watch(self->q.fd, path, mask, wq_scope_of(path), id, 0, 0))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))

/* A watched file: the same events, without a name and not IN_SUBTREE. */
TEST_F(self, file)
{
	int fd;
	char c;

	ASSERT_NE(0, wq_watch(self->q.fd, "d/f", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_OBJECT, 0, 0, 0));
	fd = open("d/f", O_RDWR);
	wq_poke(fd);
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	EXPECT_EQ(0, fchmod(fd, 0600));
	close(fd);
	STORY("open, modify, access, attrib, close_write");
	fd = open("d/f", O_RDONLY);
	close(fd);
	STORY("open, close_nowrite");
	EXPECT_EQ(0, rename("d/f", "d/g"));
	STORY("move_self");
	EXPECT_EQ(0, unlink("d/g"));
	STORY("attrib, delete_self, removal:object_gone");
}

/* A watched folder that is itself opened, listed and changed. */
TEST_F(self, folder)
{
	int fd;

	WATCH("d", WATCH_FS_ALL_EVENTS, 0);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	close(fd);
	EXPECT_EQ(0, chmod("d", 0700));
	STORY("open/, close_nowrite/, attrib/");
	EXPECT_EQ(0, rename("d", "e"));
	STORY("move_self/");
	EXPECT_EQ(0, unlink("e/f"));
	STORY("delete+ f");
	EXPECT_EQ(0, rmdir("e"));
	STORY("delete_self/, removal:object_gone");
}

/* Folder and file watched by one queue: every watch gets its own record. */
TEST_F(self, both)
{
	struct wq_rec a, b;
	int fd = open("d/f", O_WRONLY);

	WATCH("d", WATCH_FS_MODIFY, 1);
	WATCH("d/f", WATCH_FS_MODIFY, 2);
	wq_poke(fd);
	ASSERT_EQ(1, wq_next(&self->q, &a)) TH_LOG("%s", wq_why());
	ASSERT_EQ(1, wq_next(&self->q, &b)) TH_LOG("%s", wq_why());
	EXPECT_EQ(1, a.id);
	EXPECT_EQ(2, b.id);
	EXPECT_EQ(a.fs.inode, b.fs.inode);
	EXPECT_STREQ("f", a.name);
	EXPECT_EQ(WATCH_INFO_IN_SUBTREE, a.info & WATCH_INFO_IN_SUBTREE);
	EXPECT_EQ(0, b.info & WATCH_INFO_IN_SUBTREE);
	STORY("");
	close(fd);
}

static void work_on_both(void)
{
	int fd = open("d/f", O_RDWR);
	char c;

	wq_poke(fd);
	if (pread(fd, &c, 1, 0) != 1 || fchmod(fd, 0600))
		fd = -1;
	close(fd);
	/* The folder itself and its parent, which is watched, too. */
	chmod("d", 0700);
	rename("d/f", "d/g");
	unlink("d/g");
}

/* As inotify, the folder's watch is told first, then the object's own, whatever else is watched. */
TEST_F(self, folder_first)
{
	static const char *const paths[] = { ".", "d", "d/f" };
	static char theirs[4096], ours[4096];
	int ino = inotify_init1(IN_NONBLOCK), wd[3];
	char buf[8192] __attribute__((aligned(8)));
	struct wq wide = { .fd = -1 };
	struct wq_rec r;
	ssize_t len;

	for (int way = 0; way < 2; way++) {
		size_t n = 0, m = 0;

		for (int i = 0; i < 3; i++) {
			wd[i] = inotify_add_watch(ino, paths[i], IN_ALL_EVENTS);
			ASSERT_LE(0, wd[i]);
			WATCH(paths[i], WATCH_FS_ALL_EVENTS, i + 1);
		}
		work_on_both();
		len = read(ino, buf, sizeof(buf));
		ASSERT_LT(0, len);
		for (ssize_t at = 0; at < len;) {
			struct inotify_event *e = (void *)(buf + at);

			at += sizeof(*e) + e->len;
			for (int i = 0; i < 3; i++)
				if (e->wd == wd[i] && !(e->mask & IN_IGNORED))
					n += snprintf(theirs + n, sizeof(theirs) - n, "%d:%s ", i + 1,
						      wq_event_name(__builtin_ctz(e->mask & IN_ALL_EVENTS)));
		}
		while (wq_next(&self->q, &r) == 1)
			if (r.type == WATCH_TYPE_FS_NOTIFY)
				m += snprintf(ours + m, sizeof(ours) - m, "%d:%s ", r.id,
					      wq_event_name(r.subtype));
		EXPECT_STREQ(theirs, ours);
		EXPECT_LT(100, n);
		if (way == 1)
			break;
		/* Once more on the way of events of which a file system is told. */
		inotify_rm_watch(ino, wd[0]);
		inotify_rm_watch(ino, wd[1]);
		while (read(ino, buf, sizeof(buf)) > 0)
			;
		ASSERT_EQ(0, wq_remove_all(self->q.fd, 0));
		wq_drain(&self->q);
		ASSERT_OK(wq_touch("d/f"));
		ASSERT_OK(wq_open(&wide, 4));
		ASSERT_NE(0, wq_watch(wide.fd, ".", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_SUBTREE, 9, 0, 0));
	}
	wq_close(&wide);
	close(ino);
}

/* The name that a record of the file's own watch carries, if any, is never wrong. */
TEST_F(self, own_name)
{
	int fd = open("d/f", O_WRONLY);
	struct wq_rec r;

	WATCH("d/f", WATCH_FS_MODIFY, 0);
	wq_poke(fd);
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_STREQ("", r.name);
	EXPECT_EQ(WQ_POKE_SLOTS, r.slots);
	close(fd);
}

/* A file with two names: a watch on it sees what is done through either. */
TEST_F(self, two_names)
{
	int fd;

	EXPECT_EQ(0, link("d/f", "other"));
	WATCH("d/f", WATCH_FS_MODIFY, 1);
	WATCH("d", WATCH_FS_MODIFY, 2);
	fd = open("other", O_WRONLY);
	wq_poke(fd);
	/* The folder counts by the name that was used. */
	STORY("modify#1");
	close(fd);
}

/* Replaced by a rename: the old file's link count changes, then it goes. */
TEST_F(self, replaced)
{
	ASSERT_OK(wq_touch("d/new"));
	WATCH("d/f", WATCH_FS_ATTRIB | WATCH_FS_DELETE_SELF | WATCH_FS_MOVE_SELF, 1);
	WATCH("d/new", WATCH_FS_ATTRIB | WATCH_FS_DELETE_SELF | WATCH_FS_MOVE_SELF, 2);
	EXPECT_EQ(0, rename("d/new", "d/f"));
	STORY("attrib#1, move_self#2, delete_self#1, removal:object_gone#1");
}

/* The atomic save of editors: a watch on the name sees the new file arrive. */
TEST_F(self, atomic_save)
{
	int fd;

	WATCH("d", WATCH_FS_MUTATIONS, 0);
	fd = open("d/f.tmp", O_WRONLY | O_CREAT | O_EXCL, 0644);
	EXPECT_EQ(3, write(fd, "new", 3));
	close(fd);
	EXPECT_EQ(0, rename("d/f.tmp", "d/f"));
	STORY("create+ f.tmp, modify+ f.tmp, close_write+ f.tmp, moved_from+ f.tmp, moved_to+ f");
}

/* O_PATH descriptors are no opens, and looking at metadata is no event. */
TEST_F(self, silent_operations)
{
	struct stat st;
	int fd;

	WATCH("d", WATCH_FS_ALL_EVENTS, 0);
	fd = open("d/f", O_PATH);
	EXPECT_EQ(0, fstat(fd, &st));
	close(fd);
	EXPECT_EQ(0, stat("d/f", &st));
	EXPECT_EQ(0, access("d/f", R_OK));
	EXPECT_EQ(-1, open("d/none", O_RDONLY));
	EXPECT_EQ(-1, mkdir("d/f", 0755));
	EXPECT_EQ(-1, unlink("d/none"));
	EXPECT_EQ(-1, rename("d/none", "d/g"));
	STORY("");
}

TEST_HARNESS_MAIN
