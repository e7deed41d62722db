// SPDX-License-Identifier: GPL-2.0
/*
 * Files that are opened by their handles while none of their names is in the kernel's cache, as NFS
 * servers do: their place is not known. The guard of a subtree is asked, and told so; events say
 * what is known of them, and never that something else has happened to the root of the file system.
 */
#include <pthread.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define HANDLE_BYTES 128

struct handle {
	struct file_handle h;
	unsigned char bytes[HANDLE_BYTES];
};

struct file {
	struct handle handle;
	ino_t inode;
};

FIXTURE(handle) {
	struct wq q;
	struct wq_rec r;
	struct watch_queue_info i;
	struct wq_task task;
	struct file in, out;
	int mount;
};

static bool get_handle(const char *path, struct file *f)
{
	struct stat st;
	int id;

	f->handle.h.handle_bytes = HANDLE_BYTES;
	if (stat(path, &st) || name_to_handle_at(AT_FDCWD, path, &f->handle.h, &id, 0))
		return false;
	f->inode = st.st_ino;
	return true;
}

FIXTURE_SETUP(handle)
{
	WQ_NEED_PERMISSION();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", "ext4");
	ASSERT_EQ(0, mkdir("fs/in", 0755));
	ASSERT_EQ(0, mkdir("fs/out", 0755));
	ASSERT_OK(wq_touch("fs/in/f"));
	ASSERT_OK(wq_touch("fs/out/f"));
	ASSERT_TRUE(get_handle("fs/in/f", &self->in));
	ASSERT_TRUE(get_handle("fs/out/f", &self->out));
	self->mount = open("fs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ASSERT_GE(self->mount, 0);
	ASSERT_OK(wq_open(&self->q, 1));
}

FIXTURE_TEARDOWN(handle)
{
	close(self->mount);
	wq_close(&self->q);
	umount2("fs", MNT_DETACH);
	wq_tmpdir_leave();
}

/* Forgets names that nobody uses; what was looked at lately goes at the second look. */
static void forget_names(void)
{
	sync();
	for (int n = 0; n < 3; n++)
		wq_put("/proc/sys/vm/drop_caches", "2");
}

struct attempt {
	int mount, fd;
	struct file *file;
};

/* In a process of its own: the listener's is not asked. Give the errno. */
static int open_by_handle(void *arg)
{
	struct attempt *a = arg;
	int fd = open_by_handle_at(a->mount, &a->file->handle.h, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

static int read_what_is_open(void *arg)
{
	struct attempt *a = arg;
	char byte;

	return pread(a->fd, &byte, 1, 0) < 0 ? errno : 0;
}

/* Answers one question by what the file is, as it has no place: refuses the one that is inside. */
struct guard {
	struct wq *q;
	ino_t inside;
	bool lacks_place, nameless;
	int asked;
};

static void *guard(void *arg)
{
	struct guard *g = arg;
	struct wq_rec r;

	while (wq_next_wait(g->q, &r, WQ_SOON) == 1) {
		if (r.type != WATCH_TYPE_FS_NOTIFY)
			continue;
		g->asked++;
		g->lacks_place = r.info & NOTIFY_FS_NO_PLACE;
		g->nameless = !r.name[0];
		if (r.fs.inode == g->inside)
			wq_deny(g->q->fd, r.perm.request, EACCES);
		else
			wq_allow(g->q->fd, r.perm.request);
	}
	return NULL;
}

#define GUARDED(result, does, ...) do { \
	struct guard g = { .q = &self->q, .inside = self->in.inode }; \
	struct attempt a = { .mount = self->mount, __VA_ARGS__ }; \
	pthread_t thread; \
	ASSERT_EQ(0, pthread_create(&thread, NULL, guard, &g)); \
	EXPECT_EQ(result, wq_child(does, &a)); \
	ASSERT_EQ(0, pthread_join(thread, NULL)); \
	got = g; \
} while (0)
#define GUARD(path, flags) do { \
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW)); \
	ASSERT_NE(0, wq_watch(self->q.fd, path, WATCH_FS_OPEN_PERM | WATCH_FS_ACCESS_PERM, \
			      WATCH_SCOPE_SUBTREE, 5, 1, flags)) TH_LOG("%m"); \
	self->q.paths = (flags) & WATCH_ADD_PATH; \
} while (0)

/* The guarded file is refused, and the neighbour's, of which nobody knows either, can be let through. */
TEST_F_TIMEOUT(handle, who_guards_a_subtree_is_asked, 120)
{
	struct guard got;

	GUARD("fs/in", WATCH_ADD_PATH);
	forget_names();
	GUARDED(EACCES, open_by_handle, .file = &self->in);
	EXPECT_EQ(1, got.asked);
	EXPECT_TRUE(got.lacks_place && got.nameless);
	forget_names();
	GUARDED(0, open_by_handle, .file = &self->out);
	EXPECT_EQ(1, got.asked);
	EXPECT_TRUE(got.lacks_place && got.nameless);
}

TEST_F_TIMEOUT(handle, without_paths_too, 60)
{
	struct guard got;

	GUARD("fs/in", 0);
	forget_names();
	GUARDED(EACCES, open_by_handle, .file = &self->in);
	EXPECT_EQ(1, got.asked);
	EXPECT_TRUE(got.lacks_place && got.nameless);
}

/* What is open without a place has one as soon as it was looked up by name. */
TEST_F_TIMEOUT(handle, a_name_that_is_known_is_enough, 120)
{
	struct guard got;
	int in, out;
	struct stat st;

	GUARD("fs/in", WATCH_ADD_PATH);
	forget_names();
	in = open_by_handle_at(self->mount, &self->in.handle.h, O_RDONLY | O_CLOEXEC);
	out = open_by_handle_at(self->mount, &self->out.handle.h, O_RDONLY | O_CLOEXEC);
	ASSERT_TRUE(in >= 0 && out >= 0) TH_LOG("%m");
	ASSERT_EQ(0, stat("fs/in/f", &st));
	ASSERT_EQ(0, stat("fs/out/f", &st));
	GUARDED(EACCES, read_what_is_open, .fd = in);
	EXPECT_EQ(1, got.asked);
	EXPECT_FALSE(got.lacks_place || got.nameless);
	GUARDED(0, read_what_is_open, .fd = out);
	EXPECT_EQ(0, got.asked);
	close(in);
	close(out);
}

/* On the root of the file system it is inside, wherever it is. */
TEST_F_TIMEOUT(handle, the_whole_file_system_is_no_question, 60)
{
	struct guard got;

	GUARD("fs", WATCH_ADD_PATH);
	forget_names();
	GUARDED(EACCES, open_by_handle, .file = &self->in);
	EXPECT_EQ(1, got.asked);
	EXPECT_TRUE(got.lacks_place && got.nameless);
}

/* Writes to what is inside, opened by its handle; gives the record, which is the only one. */
#define WRITE() do { \
	int fd; \
	forget_names(); \
	fd = open_by_handle_at(self->mount, &self->in.handle.h, O_WRONLY | O_CLOEXEC); \
	ASSERT_GE(fd, 0) TH_LOG("%m"); \
	ASSERT_EQ(1, write(fd, "x", 1)); \
	close(fd); \
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &self->i)); \
} while (0)
#define WATCH(path, scope, flags) do { \
	ASSERT_NE(0, wq_watch(self->q.fd, path, WATCH_FS_MODIFY, scope, 5, 1, flags)); \
	self->q.paths = (flags) & WATCH_ADD_PATH; \
} while (0)
#define TOLD(story) do { \
	EXPECT_STREQ(story, wq_story(&self->q)); \
	EXPECT_EQ(0, self->i.unplaced); \
} while (0)

TEST_F(handle, events_of_the_whole_file_system)
{
	WATCH("fs", WATCH_SCOPE_SUBTREE, WATCH_ADD_PATH);
	WRITE();
	TOLD("modify+#5~!");
}

TEST_F(handle, events_of_the_superblock)
{
	WATCH("fs", WATCH_SCOPE_SB, WATCH_ADD_PATH);
	WRITE();
	TOLD("modify+#5~!");
}

TEST_F(handle, events_of_the_superblock_without_paths)
{
	WATCH("fs", WATCH_SCOPE_SB, 0);
	WRITE();
	TOLD("modify+#5");
}

TEST_F(handle, events_of_the_mount)
{
	WATCH("fs", WATCH_SCOPE_MOUNT, WATCH_ADD_PATH);
	WRITE();
	TOLD("modify+#5~!");
}

TEST_F(handle, events_of_the_mount_without_paths)
{
	WATCH("fs", WATCH_SCOPE_MOUNT, 0);
	WRITE();
	TOLD("modify+#5");
}

/* Nobody knows: it is counted. */
TEST_F(handle, events_of_a_subtree_are_counted)
{
	WATCH("fs/in", WATCH_SCOPE_SUBTREE, WATCH_ADD_PATH);
	WRITE();
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(1, self->i.unplaced);
	EXPECT_NE(NULL, strstr(wq_fdinfo(self->q.fd), "\nunplaced:\t1\n"));
}

/* Of the root itself is said what is so. */
TEST_F(handle, the_root_is_the_root)
{
	ASSERT_NE(0, wq_watch(self->q.fd, "fs", WATCH_FS_ATTRIB, WATCH_SCOPE_SB, 5, 1,
			      WATCH_ADD_PATH));
	self->q.paths = true;
	ASSERT_EQ(0, chmod("fs", 0700));
	EXPECT_STREQ("attrib/#5", wq_story(&self->q));
}

TEST_HARNESS_MAIN
