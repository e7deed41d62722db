// SPDX-License-Identifier: GPL-2.0
/*
 * What a watched folder tells: the exact sequence of records for ordinary operations, and
 * each field of a record. Renames are in rename_test.c, watches on the object itself in
 * event_self_test.c. How stories read: wq_test.h.
 */
#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(event) {
	struct wq q;
};

FIXTURE_SETUP(event)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("d", 0755));
	ASSERT_OK(wq_open(&self->q, 4));
	ASSERT_OK(wq_touch("outside"));
}

FIXTURE_TEARDOWN(event)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define WATCH(mask, scope) \
	ASSERT_NE(0, wq_watch(self->q.fd, "d", mask, scope, 0, 0, 0))
#define STORY(text) EXPECT_STREQ(text, wq_story(&self->q))

/* A file's life, as seen by its folder. */
TEST_F(event, file)
{
	char c;
	int fd;

	WATCH(WATCH_FS_ALL_EVENTS, WATCH_SCOPE_CHILDREN);
	fd = open("d/a", O_RDWR | O_CREAT, 0644);
	STORY("create+ a, open+ a");
	wq_poke(fd);
	STORY("modify+ a");
	EXPECT_EQ(1, pread(fd, &c, 1, 0));
	STORY("access+ a");
	close(fd);
	STORY("close_write+ a");
	fd = open("d/a", O_RDONLY);
	EXPECT_EQ(1, read(fd, &c, 1));
	close(fd);
	STORY("open+ a, access+ a, close_nowrite+ a");
	EXPECT_EQ(0, chmod("d/a", 0600));
	STORY("attrib+ a");
	EXPECT_EQ(0, truncate("d/a", 100));
	STORY("modify+ a");
	EXPECT_EQ(0, chown("d/a", geteuid(), -1));
	STORY("attrib+ a");
	EXPECT_EQ(0, unlink("d/a"));
	STORY("delete+ a");
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/* Scope OBJECT of a folder: its entries, not what happens inside its files. */
TEST_F(event, object_scope)
{
	int fd;

	WATCH(WATCH_FS_ALL_EVENTS, WATCH_SCOPE_OBJECT);
	fd = open("d/a", O_RDWR | O_CREAT, 0644);
	wq_poke(fd);
	close(fd);
	EXPECT_EQ(0, chmod("d/a", 0600));
	EXPECT_EQ(0, unlink("d/a"));
	STORY("create+ a, delete+ a");
}

/* Only what was asked for. */
TEST_F(event, mask)
{
	int fd;

	WATCH(WATCH_FS_MODIFY | WATCH_FS_DELETE, WATCH_SCOPE_CHILDREN);
	fd = open("d/a", O_RDWR | O_CREAT, 0644);
	wq_poke(fd);
	close(fd);
	EXPECT_EQ(0, unlink("d/a"));
	STORY("modify+ a, delete+ a");
}

/* Folders: the same with IS_DIR. */
TEST_F(event, folders)
{
	WATCH(WATCH_FS_MUTATIONS, WATCH_SCOPE_CHILDREN);
	EXPECT_EQ(0, mkdir("d/sub", 0755));
	STORY("create/+ sub");
	EXPECT_EQ(0, chmod("d/sub", 0700));
	STORY("attrib/+ sub");
	/* Not recursive. */
	ASSERT_OK(wq_touch("d/sub/deep"));
	EXPECT_EQ(0, unlink("d/sub/deep"));
	STORY("");
	EXPECT_EQ(0, rmdir("d/sub"));
	STORY("delete/+ sub");
}

TEST_F(event, other_entries)
{
	WATCH(WATCH_FS_MUTATIONS, WATCH_SCOPE_OBJECT);
	EXPECT_EQ(0, symlink("nowhere", "d/s"));
	EXPECT_EQ(0, mkfifo("d/p", 0600));
	EXPECT_EQ(0, link("outside", "d/l"));
	STORY("create+ s, create+ p, create+ l");
	EXPECT_EQ(0, unlink("d/s"));
	EXPECT_EQ(0, unlink("d/l"));
	STORY("delete+ s, delete+ l");
}

/* A new name of a file that is watched by its folder: that is a change of the file too. */
TEST_F(event, link_counts)
{
	WATCH(WATCH_FS_MUTATIONS, WATCH_SCOPE_CHILDREN);
	ASSERT_NE(0, wq_watch(self->q.fd, "outside", WATCH_FS_MUTATIONS, 0, 1, 0, 0));
	EXPECT_EQ(0, link("outside", "d/l"));
	STORY("attrib#1, create+ l");
	EXPECT_EQ(0, unlink("d/l"));
	STORY("attrib#1, delete+ l");
}

/* Several bits of one event come as adjacent records, ascending, each with the whole mask. */
TEST_F(event, one_record_per_bit)
{
	struct wq_rec open_rec, exec_rec, r;
	char *const args[] = { (char *)"d/prog", NULL };
	int fd = open("d/prog", O_WRONLY | O_CREAT, 0755);
	pid_t pid;

	EXPECT_EQ(20, write(fd, "this is not a program", 20));
	close(fd);
	WATCH(WATCH_FS_ALL_EVENTS, WATCH_SCOPE_CHILDREN);
	pid = fork();
	if (pid == 0) {
		execv("d/prog", args);
		_exit(errno == ENOEXEC ? 0 : 1);
	}
	ASSERT_EQ(pid, waitpid(pid, &fd, 0));
	EXPECT_EQ(0, fd) TH_LOG("exec of something else must give ENOEXEC");
	ASSERT_EQ(1, wq_next(&self->q, &open_rec)) TH_LOG("%s", wq_why());
	ASSERT_EQ(1, wq_next(&self->q, &exec_rec)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_OPEN, open_rec.subtype);
	EXPECT_EQ(NOTIFY_FS_OPEN_EXEC, exec_rec.subtype);
	EXPECT_EQ(WATCH_FS_OPEN | WATCH_FS_OPEN_EXEC, open_rec.fs.mask);
	EXPECT_EQ(WATCH_FS_OPEN | WATCH_FS_OPEN_EXEC, exec_rec.fs.mask);
	EXPECT_EQ(pid, exec_rec.fs.pid);
	EXPECT_STREQ("prog", exec_rec.name);
	/* Apart from the subtype the two are equal. */
	exec_rec.n.subtype = open_rec.n.subtype;
	EXPECT_EQ(0, memcmp(open_rec.raw, exec_rec.raw, open_rec.slots * WQ_SLOT));
	while (wq_next(&self->q, &r) == 1 && r.subtype == NOTIFY_FS_ACCESS)
		;
	EXPECT_EQ(NOTIFY_FS_CLOSE_NOWRITE, r.subtype);
	STORY("");
}

/* With one of the two bits wanted there is one record; its mask still tells of both. */
TEST_F(event, unwanted_bits)
{
	struct wq_rec r;
	char *const args[] = { (char *)"d/prog", NULL };
	int fd = open("d/prog", O_WRONLY | O_CREAT, 0755), status;
	pid_t pid;

	close(fd);
	WATCH(WATCH_FS_OPEN_EXEC, WATCH_SCOPE_CHILDREN);
	pid = fork();
	if (pid == 0) {
		execv("d/prog", args);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	fd = open("d/prog", O_RDONLY);
	close(fd);
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_OPEN_EXEC, r.subtype);
	EXPECT_EQ(WATCH_FS_OPEN | WATCH_FS_OPEN_EXEC, r.fs.mask);
	STORY("");
}

/* Names of every length, with every byte that a name may have. */
TEST_F_TIMEOUT(event, names, 120)
{
	char path[300] = "d/";
	struct wq_rec r;

	WATCH(WATCH_FS_CREATE | WATCH_FS_DELETE, WATCH_SCOPE_OBJECT);
	for (int len = 1; len <= 255; len++) {
		for (int i = 0; i < len; i++) {
			unsigned char c = 1 + (len * 7 + i) % 255;

			path[2 + i] = c == '/' ? '_' : c;
		}
		path[2 + len] = 0;
		if (len <= 2 && path[2] == '.')
			path[2] = 'x';
		ASSERT_OK(wq_touch(path));
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("length %d: %s", len, wq_why());
		ASSERT_EQ(NOTIFY_FS_CREATE, r.subtype);
		ASSERT_EQ(len, r.fs.name_len);
		ASSERT_STREQ(path + 2, r.name);
		ASSERT_EQ((sizeof(r.fs) + len + 1 + 7) / 8, r.slots);
		ASSERT_EQ(0, unlink(path));
		ASSERT_EQ(1, wq_next(&self->q, &r));
		ASSERT_STREQ(path + 2, r.name);
	}
}

/* Each field of an event of a child, and of the folder itself. */
TEST_F(event, fields)
{
	const uint64_t cookie = 0xfedcba9876543210;
	struct stat file, dir;
	struct wq_rec r;

	ASSERT_NE(0, wq_watch(self->q.fd, "d", WATCH_FS_CREATE | WATCH_FS_ATTRIB,
			      WATCH_SCOPE_CHILDREN, 0xc3, cookie, 0));
	ASSERT_OK(wq_touch("d/a"));
	ASSERT_EQ(0, stat("d/a", &file));
	ASSERT_EQ(0, stat("d", &dir));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_CREATE, r.subtype);
	EXPECT_EQ(WATCH_FS_CREATE, r.fs.mask);
	EXPECT_EQ(0xc3, r.id);
	EXPECT_EQ(cookie, r.fs.cookie);
	EXPECT_EQ(file.st_ino, r.fs.inode);
	EXPECT_EQ((uint32_t)file.st_dev, r.fs.dev);
	EXPECT_EQ(getpid(), r.fs.pid);
	EXPECT_EQ(0, r.fs.rename_cookie);
	EXPECT_EQ(0, r.fs.handle_off);
	EXPECT_EQ(WATCH_INFO_IN_SUBTREE, r.info & WATCH_INFO_IN_SUBTREE);

	EXPECT_EQ(0, chmod("d/a", 0600));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_ATTRIB, r.subtype);
	EXPECT_EQ(file.st_ino, r.fs.inode);
	EXPECT_STREQ("a", r.name);

	EXPECT_EQ(0, chmod("d", 0700));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_ATTRIB, r.subtype);
	EXPECT_EQ(dir.st_ino, r.fs.inode);
	EXPECT_EQ((uint32_t)dir.st_dev, r.fs.dev);
	EXPECT_EQ(WATCH_FS_ATTRIB | WATCH_FS_ISDIR, r.fs.mask);
	EXPECT_EQ(NOTIFY_FS_IS_DIR, r.info & (NOTIFY_FS_IS_DIR | WATCH_INFO_IN_SUBTREE));
	EXPECT_STREQ("", r.name);
	EXPECT_EQ(sizeof(r.fs) / WQ_SLOT, r.slots);
}

static int touch_in_child(void *arg)
{
	return wq_touch(arg) != wq_ok;
}

/* The pid is that of the task that did it. */
TEST_F(event, pid)
{
	struct wq_rec r;
	pid_t pid;

	WATCH(WATCH_FS_CREATE, WATCH_SCOPE_OBJECT);
	pid = fork();
	if (pid == 0)
		_exit(touch_in_child((void *)"d/a"));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(pid, r.fs.pid);
}

/* Files that have been unlinked are still files of the folder, unless one says otherwise. */
TEST_F(event, excl_unlink)
{
	int fd = open("d/a", O_WRONLY | O_CREAT, 0644);
	uint64_t h;

	WATCH(WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN);
	EXPECT_EQ(0, unlink("d/a"));
	wq_poke(fd);
	STORY("modify+ a");
	EXPECT_EQ(0, wq_remove_all(self->q.fd, 0));
	wq_drain(&self->q);
	h = wq_watch(self->q.fd, "d", WATCH_FS_MODIFY, WATCH_SCOPE_CHILDREN, 0, 0,
		     WATCH_ADD_EXCL_UNLINK);
	if (!h && errno == EOPNOTSUPP)
		SKIP(return, "EXCL_UNLINK is not supported");
	ASSERT_NE(0, h);
	wq_poke(fd);
	STORY("");
	close(fd);
}

/* A record with a file handle carries the one that name_to_handle_at() gives. */
TEST_F(event, file_handle)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + 128];
	} want = { .h.handle_bytes = 128 };
	struct wq_rec r;
	int mount_id;

	if (!wq_watch(self->q.fd, "d", WATCH_FS_CREATE, 0, 0, 0, WATCH_ADD_FILE_HANDLE)) {
		ASSERT_EQ(EOPNOTSUPP, errno);
		SKIP(return, "file handles are not supported");
	}
	ASSERT_OK(wq_touch("d/abc"));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_STREQ("abc", r.name);
	ASSERT_EQ(0, name_to_handle_at(AT_FDCWD, "d/abc", &want.h, &mount_id, 0));
	ASSERT_EQ(sizeof(want.h) + want.h.handle_bytes, r.fs.handle_len);
	EXPECT_EQ(0, memcmp(&want, r.raw + r.fs.handle_off, r.fs.handle_len));
}

TEST_HARNESS_MAIN
