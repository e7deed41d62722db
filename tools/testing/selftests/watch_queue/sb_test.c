// SPDX-License-Identifier: GPL-2.0
/*
 * SB: errors, read-only remounts, exceeded quotas and the end of file systems: ext4 on a
 * loop device, made for each test.
 */
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/syscall.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define BIT(subtype)	(1ULL << NOTIFY_SUPERBLOCK_##subtype)
#define HOOKED		(BIT(READONLY) | BIT(EDQUOT))	/* what takes patches */

#define EXT4_IOC_SHUTDOWN	_IOR('X', 125, uint32_t)

static int add_id(int queue, const char *path, uint64_t mask, unsigned int flags,
		  unsigned int id, uint64_t *handle)
{
	int fd = open(path, O_PATH | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = wq_add_to(queue, WATCH_TYPE_SB_NOTIFY, fd, mask, flags, id, handle);
	close(fd);
	return r;
}

static int add(int queue, const char *path, uint64_t mask)
{
	return add_id(queue, path, mask, 0, 0, NULL);
}

/* The story from the first record on, which may take a moment: errors come from a work item. */
static const char *story_wait(struct wq *q)
{
	wq_poll(q->fd, wq_patience(5000));
	return wq_story(q);
}

FIXTURE(sb) {
	struct wq q;
	char loop[32];		/* path of the loop device */
	int loop_fd;
	bool ext4;		/* there is a program to make one with */
};

FIXTURE_SETUP(sb)
{
	int made;

	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_EQ(0, mkdir("mnt", 0755));
	ASSERT_EQ(0, mkdir("other", 0755));
	self->loop_fd = -1;
	made = wq_make_ext4();
	self->ext4 = made != 127;
	if (self->ext4) {
		ASSERT_EQ(0, made) TH_LOG("mke2fs failed");
		self->loop_fd = wq_attach_loop("image", self->loop, sizeof(self->loop));
		ASSERT_LE(0, self->loop_fd) TH_LOG("no loop device: %s", strerror(errno));
	}
	ASSERT_OK(wq_open(&self->q, 4));
}

FIXTURE_TEARDOWN(sb)
{
	umount2("mnt", MNT_DETACH);
	umount2("other", MNT_DETACH);
	close(self->loop_fd);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define MOUNT_EXT4(options) do { \
	if (!self->ext4) \
		SKIP(return, "no mke2fs"); \
	ASSERT_EQ(0, mount(self->loop, "mnt", "ext4", 0, options)) TH_LOG("%s", strerror(errno)); \
	ASSERT_TRUE(wq_name_sb("mnt", "D")); \
} while (0)

/* Whether there have to be hooks for what fsnotify does not tell. */
static bool hooked(void)
{
	return wq_patches_in_use() || wq_probes_in_use();
}

#define NEED_HOOKS() do { \
	if (!hooked()) \
		SKIP(return, "no hook on this kernel"); \
} while (0)

static int trigger(const char *loop)
{
	char path[80];

	snprintf(path, sizeof(path), "/sys/fs/ext4/%s/trigger_fs_error", loop + 5);
	return wq_put(path, "by the test of watch_queue") ? 0 : -1;
}

#define METADATA (wq_patches_in_use() ? "metadata" : "unknown")

#define STORY_ERROR(format, what) do { \
	char wanted_[200]; \
	snprintf(wanted_, sizeof(wanted_), format, what); \
	EXPECT_STREQ(wanted_, story_wait(&self->q)); \
} while (0)

TEST_F(sb, error)
{
	struct wq_rec r;
	uint32_t cookie;
	struct wq other;

	MOUNT_EXT4("errors=continue");
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_EQ(0, add_id(self->q.fd, "mnt", BIT(ERROR), 0, 1, NULL));
	ASSERT_EQ(0, add_id(other.fd, "mnt/file", BIT(ERROR), 0, 2, NULL));
	ASSERT_EQ(0, trigger(self->loop));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
	EXPECT_EQ(WATCH_TYPE_SB_NOTIFY, r.type);
	EXPECT_EQ(NOTIFY_SUPERBLOCK_ERROR, r.subtype);
	EXPECT_EQ(1, r.id);
	EXPECT_EQ(EUCLEAN, r.sb_error.error_code);
	EXPECT_EQ(0, r.sb_error.inode);
	EXPECT_EQ(0, r.sb_error.generation);
	EXPECT_EQ(0, r.sb_error.pos);
	EXPECT_EQ(0, r.sb_error.len);
	EXPECT_EQ(wq_patches_in_use() ? NOTIFY_SUPERBLOCK_ERROR_METADATA : 0,
		  r.sb_error.error_type);
	cookie = r.sb_error.error_cookie;
	/* The same error has the same number for everybody, the next one the next. */
	ASSERT_EQ(1, wq_next_wait(&other, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
	EXPECT_EQ(cookie, r.sb_error.error_cookie);
	EXPECT_EQ(2, r.id);
	ASSERT_EQ(0, trigger(self->loop));
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
	EXPECT_EQ(cookie + 1, r.sb_error.error_cookie);
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("removal:unmount#1", story_wait(&self->q));
	EXPECT_OK(wq_check_sums(self->q.fd));
	wq_close(&other);
}

/* Makes the extent header of inode 12 nonsense. */
static int break_file(void)
{
	uint16_t inode_size, magic;
	uint32_t table;
	off_t at;
	int fd = open("image", O_RDWR);

	if (fd < 0 || pread(fd, &inode_size, 2, 1024 + 88) != 2 ||
	    pread(fd, &table, 4, 2048 + 8) != 4)
		return -1;
	at = (off_t)table * 1024 + 11 * inode_size + 40;
	if (pread(fd, &magic, 2, at) != 2 || magic != 0xf30a)
		return -1;
	magic = 0;
	if (pwrite(fd, &magic, 2, at) != 2 || fsync(fd))
		return -1;
	return close(fd);
}

/* An error that is about a file says which. */
TEST_F(sb, error_of_file)
{
	struct wq_rec r;

	if (!self->ext4)
		SKIP(return, "no mke2fs");
	ASSERT_EQ(0, break_file());
	MOUNT_EXT4("errors=continue");
	ASSERT_EQ(0, add(self->q.fd, "mnt", WATCH_SB_ALL_EVENTS));
	EXPECT_EQ(-1, open("mnt/file", O_RDONLY));
	EXPECT_EQ(EUCLEAN, errno);
	ASSERT_EQ(1, wq_next_wait(&self->q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_SUPERBLOCK_ERROR, r.subtype);
	EXPECT_EQ(EUCLEAN, r.sb_error.error_code);
	EXPECT_EQ(12, r.sb_error.inode);
}

TEST_F(sb, shutdown)
{
	uint32_t how = 2; /* EXT4_GOING_FLAGS_NOLOGFLUSH */
	int fd;

	MOUNT_EXT4("");
	ASSERT_EQ(0, add(self->q.fd, "mnt", BIT(ERROR)));
	fd = open("mnt", O_RDONLY);
	ASSERT_EQ(0, ioctl(fd, EXT4_IOC_SHUTDOWN, &how));
	close(fd);
	STORY_ERROR("error D ESHUTDOWN %s", METADATA);
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("removal:unmount", story_wait(&self->q));
}

/*
 * ext4 that goes read-only by itself sets a flag of its own, not that of the VFS: the
 * error tells, and nothing else.
 */
TEST_F(sb, emergency)
{
	MOUNT_EXT4("errors=remount-ro");
	ASSERT_EQ(0, add(self->q.fd, "mnt", WATCH_SB_ALL_EVENTS));
	ASSERT_EQ(0, trigger(self->loop));
	STORY_ERROR("error D EUCLEAN %s", METADATA);
	EXPECT_EQ(-1, mkdir("mnt/dir", 0755));
	EXPECT_EQ(EROFS, errno);
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("removal:unmount", story_wait(&self->q));
}

TEST_F(sb, remount)
{
	NEED_HOOKS();
	MOUNT_EXT4("");
	ASSERT_EQ(0, mount("mnt", "other", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, add(self->q.fd, "mnt", BIT(READONLY)));
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_STREQ("readonly:ro D", wq_story(&self->q));
	/* Nothing changes, or something else does. */
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, "errors=continue"));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT, NULL));
	EXPECT_STREQ("readonly:rw D", wq_story(&self->q));
	/* Of one mount, not of the file system. */
	ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	EXPECT_STREQ("", wq_story(&self->q));
	/* Refused: a file is open for writing. */
	EXPECT_LE(0, open("other/file", O_WRONLY));
	EXPECT_EQ(-1, mount(NULL, "other", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_STREQ("", wq_story(&self->q));
}

/* Any descriptor on the file system will do, through any mount: it is one object. */
TEST_F(sb, one_object)
{
	struct watch_queue_info info;
	uint64_t handle, again;

	MOUNT_EXT4("errors=continue");
	ASSERT_EQ(0, mount("mnt", "other", NULL, MS_BIND, NULL));
	ASSERT_EQ(0, add_id(self->q.fd, "mnt", WATCH_SB_ALL_EVENTS, 0, 3, &handle));
	EXPECT_EQ(-EEXIST, add_id(self->q.fd, "other", BIT(ERROR), 0, 3, NULL));
	EXPECT_EQ(-EEXIST, add_id(self->q.fd, "mnt/file", BIT(ERROR), 0, 3, NULL));
	EXPECT_EQ(-EINVAL, add_id(self->q.fd, "mnt", BIT(ERROR), WATCH_ADD_UPDATE, 4, NULL));
	EXPECT_EQ(0, add_id(self->q.fd, "other", BIT(ERROR), WATCH_ADD_UPDATE, 3, &again));
	EXPECT_EQ(handle, again);
	ASSERT_EQ(0, wq_info(self->q.fd, handle, &info));
	EXPECT_EQ(BIT(ERROR), info.mask);
	EXPECT_EQ(WATCH_TYPE_SB_NOTIFY, info.type);
	/* It lives as long as one of its mounts, and a file that is open in one. */
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("", wq_story(&self->q));
	ASSERT_EQ(0, trigger(self->loop));
	STORY_ERROR("error#3 D EUCLEAN %s", METADATA);
	int fd = open("other/file", O_RDONLY);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, umount2("other", MNT_DETACH));
	EXPECT_STREQ("", wq_story(&self->q));
	close(fd);
	EXPECT_STREQ("removal:unmount#3", story_wait(&self->q));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, handle));
}

TEST_F(sb, oneshot)
{
	MOUNT_EXT4("errors=continue");
	ASSERT_EQ(0, add_id(self->q.fd, "mnt", BIT(ERROR), WATCH_ADD_ONESHOT, 1, NULL));
	ASSERT_EQ(0, trigger(self->loop));
	ASSERT_EQ(0, trigger(self->loop));
	STORY_ERROR("error#1 D EUCLEAN %s, removal:oneshot#1", METADATA);
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("", wq_story(&self->q));
}

/* The bits of an SB watch are not taken for events of files, nor the other way round. */
TEST_F(sb, beside_files)
{
	int fd;

	MOUNT_EXT4("errors=continue");
	ASSERT_EQ(0, add_id(self->q.fd, "mnt", WATCH_SB_ALL_EVENTS, 0, 1, NULL));
	ASSERT_NE(0, wq_watch(self->q.fd, "mnt/file", WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 2, 2, 0));
	fd = wq_poke_open("mnt/file");
	wq_poke(fd);
	close(fd);
	EXPECT_STREQ("modify#2", wq_story(&self->q));
	ASSERT_EQ(0, trigger(self->loop));
	STORY_ERROR("error#1 D EUCLEAN %s", METADATA);
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("removal:unmount#2, removal:unmount#1", story_wait(&self->q));
}

TEST_F(sb, arguments)
{
	struct watch_queue_info info;
	struct watch_queue_add a;
	int here = open(".", O_PATH), pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_TRUE(info.sources & 1 << WATCH_TYPE_SB_NOTIFY);
	EXPECT_EQ(WATCH_HOOK_API |
		  (wq_patches_in_use() ? WATCH_HOOK_TRACEPOINT | WATCH_HOOK_PATCH :
		   hooked() ? WATCH_HOOK_FPROBE : 0),
		  WATCH_HOOKS(info.hooks, WATCH_TYPE_SB_NOTIFY));
#define TRY(error, change) do { \
	a = (struct watch_queue_add){ .size = sizeof(a), .type = WATCH_TYPE_SB_NOTIFY, \
				      .object = here, .mask = BIT(ERROR) }; \
	change; \
	EXPECT_EQ(error, wq_add(self->q.fd, &a)) TH_LOG(#change); \
} while (0)
	TRY(-EBADF, a.object = -1);
	TRY(-EBADF, a.object = 99);
	TRY(-EINVAL, a.mask = 0);
	TRY(-EINVAL, a.mask = WATCH_SB_ALL_EVENTS + 1);
	TRY(-EINVAL, a.ignore_mask = BIT(ERROR));
	TRY(-EINVAL, a.scope = WATCH_SCOPE_SB);
	TRY(-EINVAL, a.flags = WATCH_ADD_EXCL_UNLINK);
	TRY(-EINVAL, a.flags = WATCH_ADD_UPDATE | WATCH_ADD_MASK_ADD);
	/* A file system of the kernel's own. */
	TRY(-EINVAL, a.object = pipes[0]);
	TRY(-EOPNOTSUPP, a.mask = BIT(NETWORK));
	if (!hooked()) {
		TRY(-EOPNOTSUPP, a.mask = BIT(READONLY));
		TRY(-EOPNOTSUPP, a.mask = HOOKED);
	}
	TRY(0, a.mask = WATCH_SB_ALL_EVENTS);
	ASSERT_EQ(0, wq_info(self->q.fd, a.handle, &info));
	EXPECT_EQ(WATCH_SB_ALL_EVENTS, info.mask);
	EXPECT_EQ(BIT(ERROR) | (hooked() ? HOOKED : 0), info.events[WATCH_TYPE_SB_NOTIFY]);
	close(here);
}

struct shared {
	int queue;		/* opened by root */
};

static int unprivileged(void *arg)
{
	struct shared *s = arg;
	struct wq q;

	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(add(q.fd, "/tmp", BIT(ERROR)) == -EPERM);
	CHILD_CHECK(add(s->queue, "/tmp", BIT(ERROR)) == -EPERM);
	CHILD_CHECK(wq_become_root_inside() == 0);
	/* The file system of the machine is still not his, one that he makes is. */
	CHILD_CHECK(add(q.fd, "/dev", BIT(ERROR)) == -EPERM);
	CHILD_CHECK(mount("none", "/tmp", "tmpfs", 0, NULL) == 0);
	CHILD_CHECK(add_id(q.fd, "/tmp", BIT(ERROR), 0, 1, NULL) == 0);
	CHILD_CHECK(umount("/tmp") == 0);
	CHILD_CHECK(!strcmp(story_wait(&q), "removal:unmount#1"));
	return 0;
}

TEST_F(sb, rights)
{
	struct shared s = { self->q.fd };

	EXPECT_EQ(0, wq_child_nobody(unprivileged, &s));
}

static int write_too_much(void *arg)
{
	char page[1024] = "";
	int fd = open("mnt/open/data", O_CREAT | O_WRONLY, 0600), n = 0;

	(void)arg;
	CHILD_CHECK(fd >= 0);
	while (write(fd, page, sizeof(page)) > 0)
		n++;
	CHILD_CHECK(errno == EDQUOT);
	CHILD_CHECK(n == 64);
	return 0;
}

static int make_too_many(void *arg)
{
	(void)arg;
	CHILD_CHECK(open("mnt/open/second", O_CREAT | O_WRONLY, 0600) >= 0);
	CHILD_CHECK(open("mnt/open/third", O_CREAT | O_WRONLY, 0600) < 0);
	CHILD_CHECK(errno == EDQUOT);
	return 0;
}

static int give_back(void *arg)
{
	(void)arg;
	CHILD_CHECK(truncate("mnt/open/data", 0) == 0);
	return 0;
}

TEST_F(sb, quota)
{
	struct dqblk limits = {
		.dqb_bhardlimit = 64, .dqb_bsoftlimit = 32, .dqb_ihardlimit = 2,
		.dqb_valid = QIF_LIMITS,
	};

	NEED_HOOKS();
	MOUNT_EXT4("usrquota,nodelalloc");
	ASSERT_EQ(0, mkdir("mnt/open", 0777));
	ASSERT_EQ(0, chmod("mnt/open", 0777));
	ASSERT_EQ(0, quotactl(QCMD(Q_SETQUOTA, USRQUOTA), self->loop, WQ_NOBODY, (void *)&limits))
		TH_LOG("%s", strerror(errno));
	ASSERT_EQ(0, add_id(self->q.fd, "mnt", BIT(EDQUOT), 0, 5, NULL));
	EXPECT_EQ(0, wq_child_nobody(write_too_much, NULL));
	EXPECT_STREQ("edquot#5 D type 0 id 65534 warning 6, "	/* above the soft limit */
		     "edquot#5 D type 0 id 65534 warning 4",	/* would be above the hard one */
		     wq_story(&self->q));
	EXPECT_EQ(0, wq_child_nobody(make_too_many, NULL));
	EXPECT_STREQ("edquot#5 D type 0 id 65534 warning 1", wq_story(&self->q));
	EXPECT_EQ(0, wq_child_nobody(give_back, NULL));
	EXPECT_STREQ("edquot#5 D type 0 id 65534 warning 10", wq_story(&self->q));
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_STREQ("removal:unmount#5", story_wait(&self->q));
}

/* Watches do not hold an unmount up, and all of them end with it. */
TEST_F_TIMEOUT(sb, umount_with_watches, 120)
{
	const long files = wq_scaled(1000);
	uint64_t begun;
	char path[32];
	struct wq q;
	long n = 0;

	ASSERT_OK(wq_open(&q, 16));
	ASSERT_EQ(0, mount("none", "mnt", "tmpfs", 0, NULL));
	ASSERT_EQ(0, add(q.fd, "mnt", BIT(ERROR)));
	for (long i = 0; i < files; i++) {
		snprintf(path, sizeof(path), "mnt/%ld", i);
		ASSERT_OK(wq_touch(path));
		ASSERT_NE(0, wq_watch(q.fd, path, WATCH_FS_MODIFY, 0, 0, i, 0));
	}
	begun = wq_now_ms();
	ASSERT_EQ(0, umount("mnt"));
	EXPECT_GT(wq_patience(1000), wq_now_ms() - begun);
	while (n < files + 1) {
		struct wq_rec r;

		ASSERT_EQ(1, wq_next_wait(&q, &r, wq_patience(5000))) TH_LOG("%s", wq_why());
		ASSERT_EQ(WATCH_TYPE_META, r.type);
		ASSERT_EQ(WATCH_REMOVAL_UNMOUNT, r.removal.reason);
		n++;
	}
	EXPECT_STREQ("", wq_story(&q));
	wq_close(&q);
}

/* Mounting, watching, an end: nothing of one file system reaches the watch of the next. */
TEST_F_TIMEOUT(sb, storm, 120)
{
	bool hooks = hooked();

	for (long i = wq_scaled(500); i > 0; i--) {
		ASSERT_EQ(0, mount("none", "mnt", "tmpfs", 0, NULL));
		ASSERT_TRUE(wq_name_sb("mnt", "T"));
		ASSERT_EQ(0, add_id(self->q.fd, "mnt", WATCH_SB_ALL_EVENTS, 0, i % 255 + 1, NULL));
		if (hooks)
			ASSERT_EQ(0, mount(NULL, "mnt", NULL, MS_REMOUNT | MS_RDONLY, NULL));
		ASSERT_EQ(0, umount("mnt"));
		STORY_ERROR(hooks ? "readonly:ro#%1$ld T, removal:unmount#%1$ld" :
			    "removal:unmount#%ld", i % 255 + 1);
	}
}

TEST_HARNESS_MAIN
