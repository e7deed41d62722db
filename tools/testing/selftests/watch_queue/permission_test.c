// SPDX-License-Identifier: GPL-2.0
/*
 * Requests for permission: what is asked, of whom, and what an answer does. What ends a
 * request without an answer is in permission_end_test.c.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>

#include "kselftest_harness.h"
#include "wq_permission.h"

#define PERM_BITS (WATCH_FS_OPEN_PERM | WATCH_FS_ACCESS_PERM | WATCH_FS_OPEN_EXEC_PERM)

FIXTURE(ask) {
	struct wq q;
	struct wq_task task;
	struct wq_rec r;
	uint64_t request;
};

FIXTURE_SETUP(ask)
{
	WQ_NEED_PERMISSION();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_touch("file"));
	ASSERT_EQ(0, truncate("file", 5000));
	ASSERT_OK(wq_open(&self->q, 1));
	ASSERT_EQ(0, wq_set_permission(self->q.fd, 60000, WATCH_RESPONSE_ALLOW));
}

FIXTURE_TEARDOWN(ask)
{
	wq_close(&self->q);
	wq_tmpdir_leave();
}

#define WATCH(path, mask, scope, flags) \
	ASSERT_NE(0, wq_watch(self->q.fd, path, mask, WATCH_SCOPE_##scope, 5, 0x77, flags))
#define BEGIN(deed, path) ASSERT_OK(wq_task_begin(&self->task, deed, path))
/* The task asks, with this subtype; the request is in self->request. */
#define ASKED(name) do { \
	self->request = wq_question(&self->q, &self->r); \
	ASSERT_NE(0, self->request) TH_LOG("%s", wq_why()); \
	ASSERT_EQ(NOTIFY_FS_##name, self->r.subtype); \
} while (0)
#define ALLOW() EXPECT_EQ(0, wq_allow(self->q.fd, self->request))
#define ENDS(result) EXPECT_EQ(result, wq_task_end(&self->task, WQ_SOON))
#define REFUSED(error, path, mask, scope, flags) do { \
	EXPECT_EQ(0, wq_watch(self->q.fd, path, mask, WATCH_SCOPE_##scope, 5, 0x77, flags)); \
	EXPECT_EQ(error, errno); \
} while (0)

TEST_F(ask, an_open_waits_for_its_answer)
{
	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	EXPECT_EQ(10, self->r.slots);
	EXPECT_EQ(5, self->r.id);
	EXPECT_EQ(0x77, self->r.fs.cookie);
	EXPECT_EQ(self->task.pid, self->r.fs.pid);
	EXPECT_EQ(WATCH_FS_OPEN_PERM, self->r.fs.mask);
	EXPECT_GT(wq_deadline_ms(&self->r), 60000 - WQ_SOON);
	EXPECT_LE(wq_deadline_ms(&self->r), 60000);
	EXPECT_TRUE(wq_task_waits(&self->task, 200));
	ALLOW();
	ENDS(0);
	EXPECT_OK(wq_check_asked(self->q.fd));
	EXPECT_STREQ("", wq_story(&self->q));
}

/* The errnos of the documented set, and no other. */
TEST_F(ask, a_refusal_carries_its_errno)
{
	static const int good[] = { EPERM, EIO, EAGAIN, EACCES, EBUSY, ETXTBSY, ENOSPC, EDQUOT };
	static const int bad[] = { -1, ENOENT, EINTR, EINVAL, 512, 4096, 1 << 30 };
	int fd = self->q.fd;

	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		BEGIN(WQ_OPEN, "file");
		ASKED(OPEN_PERM);
		EXPECT_EQ(0, wq_deny(fd, self->request, good[i]));
		ENDS(-good[i]);
	}
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(-EINVAL, wq_deny(fd, self->request, bad[i]));
	EXPECT_EQ(-EINVAL, wq_respond(fd, self->request, WATCH_RESPONSE_ALLOW, EPERM));
	EXPECT_EQ(-EINVAL, wq_respond(fd, self->request, 0, 0));
	EXPECT_EQ(-EINVAL, wq_respond(fd, self->request, 3, 0));
	EXPECT_TRUE(wq_task_waits(&self->task, 50));
	EXPECT_EQ(0, wq_deny(fd, self->request, 0));
	ENDS(-EPERM);
	EXPECT_OK(wq_check_asked(fd));
}

/* Unknown, answered, another queue's. */
TEST_F(ask, only_what_waits_here_can_be_answered)
{
	struct wq other;

	ASSERT_OK(wq_open(&other, 1));
	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, 0));
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, self->request + 1));
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, ~0ull));
	EXPECT_EQ(-ENOENT, wq_allow(other.fd, self->request));
	ASSERT_EQ(0, wq_set_permission(other.fd, 1000, WATCH_RESPONSE_DENY));
	EXPECT_EQ(-ENOENT, wq_deny(other.fd, self->request, EPERM));
	EXPECT_EQ(-ENOENT, wq_open_target(other.fd, self->request));
	ALLOW();
	EXPECT_EQ(-ENOENT, wq_deny(self->q.fd, self->request, EPERM));
	ENDS(0);
	EXPECT_EQ(-ENOENT, wq_allow(self->q.fd, self->request));
	EXPECT_EQ(-ENOENT, wq_open_target(self->q.fd, self->request));
	wq_close(&other);
}

TEST_F(ask, reading_executing_and_listing_are_asked_about)
{
	WATCH("file", PERM_BITS, OBJECT, 0);
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	ALLOW();
	ENDS(0);
	ASSERT_EQ(0, chmod("file", 0755));
	BEGIN(WQ_EXEC, "file");
	ASKED(OPEN_EXEC_PERM);
	EXPECT_EQ(0, wq_deny(self->q.fd, self->request, EACCES));
	ENDS(-EACCES);
	BEGIN(WQ_EXEC, "file");
	ASKED(OPEN_EXEC_PERM);
	ALLOW();
	ASKED(OPEN_PERM);
	ALLOW();
	ASKED(ACCESS_PERM);
	ALLOW();
	ENDS(-ENOEXEC);
	BEGIN(WQ_READ, "file");
	ASKED(ACCESS_PERM);
	EXPECT_EQ(0, wq_deny(self->q.fd, self->request, EIO));
	ENDS(-EIO);

	WATCH(".", WATCH_FS_OPEN_PERM, OBJECT, 0);
	BEGIN(WQ_OPEN, ".");
	ASKED(OPEN_PERM);
	EXPECT_TRUE(self->r.info & NOTIFY_FS_IS_DIR);
	ALLOW();
	ENDS(0);
}

/* What one file is called in each scope. */
static const struct {
	unsigned int scope, flags;
	const char *at, *name;
} scopes[] = {
	{ WATCH_SCOPE_OBJECT, 0, "fs/dir/file", "" },
	{ WATCH_SCOPE_CHILDREN, 0, "fs/dir", "file" },
	{ WATCH_SCOPE_SUBTREE, WATCH_ADD_PATH, "fs", "dir/file" },
	{ WATCH_SCOPE_MOUNT, 0, "fs/dir", "file" },
	{ WATCH_SCOPE_SB, WATCH_ADD_PATH | WATCH_ADD_FILE_HANDLE, "fs", "dir/file" },
};

/* The same question through every scope, with the name that it has there. */
TEST_F(ask, every_scope_asks)
{
	const uint64_t mask = WATCH_FS_OPEN_PERM;

	self->q.paths = true;
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_EQ(0, mkdir("fs", 0755));
	ASSERT_OK(wq_mount("fs", "tmpfs"));
	ASSERT_EQ(0, mkdir("fs/dir", 0755));
	ASSERT_OK(wq_touch("fs/dir/file"));
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		uint64_t h = wq_watch(self->q.fd, scopes[i].at, mask, scopes[i].scope, 1, 1,
				      scopes[i].flags);

		ASSERT_NE(0, h) TH_LOG("scope %u: %m", scopes[i].scope);
		BEGIN(WQ_OPEN, "fs/dir/file");
		ASKED(OPEN_PERM);
		EXPECT_STREQ(scopes[i].name, self->r.name);
		EXPECT_EQ(!scopes[i].name[0], !(self->r.info & WATCH_INFO_IN_SUBTREE));
		EXPECT_EQ(!(scopes[i].flags & WATCH_ADD_FILE_HANDLE), !self->r.fs.handle_len);
		EXPECT_EQ(0, wq_deny(self->q.fd, self->request, EACCES));
		ENDS(-EACCES);
		EXPECT_EQ(0, wq_remove(self->q.fd, h));
		EXPECT_STREQ("removal:removed#1", wq_story(&self->q));
		/* The last permission watch took its marks along. */
		BEGIN(WQ_OPEN, "fs/dir/file");
		ENDS(0);
	}
	umount2("fs", MNT_DETACH);
}

/* The questions of the other classes: before content is read, and about executing. */
TEST_F(ask, every_scope_asks_before_the_content)
{
	const uint64_t mask = WATCH_FS_PRE_ACCESS | WATCH_FS_ACCESS_PERM | WATCH_FS_OPEN_EXEC_PERM;

	self->q.paths = true;
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", "ext4");
	ASSERT_EQ(0, mkdir("fs/dir", 0755));
	ASSERT_OK(wq_touch("fs/dir/file"));
	ASSERT_EQ(0, truncate("fs/dir/file", 5000));
	ASSERT_EQ(0, chmod("fs/dir/file", 0755));
	for (size_t i = 0; i < ARRAY_SIZE(scopes); i++) {
		uint64_t h = wq_watch(self->q.fd, scopes[i].at, mask, scopes[i].scope, 1, 1,
				      scopes[i].flags);

		ASSERT_NE(0, h) TH_LOG("scope %u: %m", scopes[i].scope);
		BEGIN(WQ_READ, "fs/dir/file");
		ASKED(PRE_ACCESS);
		EXPECT_STREQ(scopes[i].name, self->r.name);
		ALLOW();
		ASKED(ACCESS_PERM);
		EXPECT_STREQ(scopes[i].name, self->r.name);
		EXPECT_EQ(0, wq_deny(self->q.fd, self->request, EIO));
		ENDS(-EIO);
		BEGIN(WQ_EXEC, "fs/dir/file");
		ASKED(OPEN_EXEC_PERM);
		EXPECT_STREQ(scopes[i].name, self->r.name);
		EXPECT_EQ(0, wq_deny(self->q.fd, self->request, EACCES));
		ENDS(-EACCES);
		EXPECT_EQ(0, wq_remove(self->q.fd, h));
		EXPECT_STREQ("removal:removed#1", wq_story(&self->q));
	}
	umount2("fs", MNT_DETACH);
}

/* A range before the access, in pages; asked before the other classes. */
TEST_F(ask, pre_access_tells_the_range)
{
	ASSERT_EQ(0, wq_own_mounts());
	ASSERT_EQ(0, mkdir("fs", 0755));
	WQ_NEED_MOUNT("fs", "ext4");
	ASSERT_OK(wq_touch("fs/file"));
	ASSERT_EQ(0, truncate("fs/file", 3 * wq_page()));
	WATCH("fs/file", WATCH_FS_PRE_ACCESS | WATCH_FS_ACCESS_PERM | WATCH_FS_ACCESS, OBJECT, 0);
	BEGIN(WQ_READ, "fs/file");
	ASKED(PRE_ACCESS);
	EXPECT_EQ(0, self->r.perm.pos);
	EXPECT_EQ(wq_page(), self->r.perm.count);
	ALLOW();
	ASKED(ACCESS_PERM);
	ALLOW();
	ENDS(0);
	EXPECT_STREQ("access#5", wq_story(&self->q));
	REFUSED(EOPNOTSUPP, "file", WATCH_FS_PRE_ACCESS, OBJECT, 0);
	umount2("fs", MNT_DETACH);
}

static void *open_it(void *arg)
{
	*(int *)arg = open("file", O_RDONLY | O_CLOEXEC);
	return NULL;
}

/* Neither the listener nor another thread of it waits for itself; and no record is written. */
TEST_F(ask, the_listener_is_not_asked)
{
	pthread_t thread;
	int fd;

	WATCH("file", PERM_BITS, OBJECT, 0);
	open_it(&fd);
	EXPECT_GE(fd, 0);
	EXPECT_EQ(1, read(fd, &fd, 1));
	close(fd);
	ASSERT_EQ(0, pthread_create(&thread, NULL, open_it, &fd));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_GE(fd, 0);
	close(fd);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_OK(wq_check_asked(self->q.fd));
}

static int open_target_as_nobody(void *arg)
{
	const uint64_t *a = arg;

	return wq_open_target(a[0], a[1]) == -EPERM ? 0 : 1;
}

/* What OPEN_TARGET gives can be read, and nobody hears of it. */
TEST_F(ask, the_target_can_be_looked_at_in_silence)
{
	uint64_t args[2];
	struct wq other;
	char buf[16];
	int fd;

	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	ASSERT_OK(wq_open(&other, 1));
	ASSERT_NE(0, wq_watch(other.fd, "file", WATCH_FS_ALL_EVENTS | PERM_BITS,
			      WATCH_SCOPE_OBJECT, 1, 1, 0));
	fd = wq_open_target(self->q.fd, self->request);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(O_RDONLY, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(sizeof(buf), read(fd, buf, sizeof(buf)));
	EXPECT_EQ(-1, write(fd, buf, 1));
	EXPECT_EQ(0, close(fd));
	EXPECT_STREQ("", wq_story(&other));
	EXPECT_STREQ("", wq_story(&self->q));
	args[0] = self->q.fd;
	args[1] = self->request;
	EXPECT_EQ(0, wq_child_nobody(open_target_as_nobody, args));
	wq_close(&other);
	ALLOW();
	ENDS(0);
}

TEST_F(ask, what_a_filter_stops_is_not_asked)
{
	struct {
		struct watch_notification_filter f;
		struct watch_notification_type_filter type[1];
	} filter = {
		.f = { .nr_filters = 1 },
		.type = { { .type = WATCH_TYPE_FS_NOTIFY,
			    .info_filter = 6u << WATCH_INFO_ID__SHIFT, .info_mask = WATCH_INFO_ID,
			    .subtype_filter = { 1u << NOTIFY_FS_OPEN_PERM } } },
	};

	ASSERT_EQ(0, wq_filter(self->q.fd, &filter));
	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	BEGIN(WQ_OPEN, "file");
	ENDS(0);
	EXPECT_STREQ("", wq_story(&self->q));
	/* The next watch that matches is asked in its place: one question for the queue. */
	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_OPEN_PERM, WATCH_SCOPE_CHILDREN, 6, 1, 0));
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	EXPECT_EQ(6, self->r.id);
	ALLOW();
	ENDS(0);
	EXPECT_OK(wq_check_asked(self->q.fd));
}

TEST_F(ask, one_question_for_a_queue_with_several_watches)
{
	WATCH("file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	ASSERT_NE(0, wq_watch(self->q.fd, ".", WATCH_FS_OPEN_PERM, WATCH_SCOPE_CHILDREN, 6, 1, 0));
	BEGIN(WQ_OPEN, "file");
	ASKED(OPEN_PERM);
	EXPECT_EQ(5, self->r.id);
	ALLOW();
	ENDS(0);
	EXPECT_STREQ("", wq_story(&self->q));
}

/* Ignore masks act within a class; so do updates. */
TEST_F(ask, classes)
{
	uint64_t h = wq_watch(self->q.fd, "file", WATCH_FS_OPEN | WATCH_FS_OPEN_PERM,
			      WATCH_SCOPE_OBJECT, 5, 0x77, 0);
	struct watch_queue_add add = {
		.size = sizeof(add), .type = WATCH_TYPE_FS_NOTIFY, .id = 6,
		.mask = WATCH_FS_OPEN, .ignore_mask = WATCH_FS_OPEN_PERM,
		.scope = WATCH_SCOPE_CHILDREN, .flags = WATCH_ADD_IGNORE_SURV,
	};

	ASSERT_NE(0, h);
	REFUSED(EEXIST, "file", WATCH_FS_OPEN_PERM, OBJECT, 0);
	REFUSED(EINVAL, "file", WATCH_FS_OPEN, OBJECT, WATCH_ADD_UPDATE);
	REFUSED(EINVAL, "file", WATCH_FS_OPEN_PERM, OBJECT, WATCH_ADD_UPDATE);
	EXPECT_EQ(h, wq_watch(self->q.fd, "file", WATCH_FS_ACCESS_PERM, WATCH_SCOPE_OBJECT, 5, 0x77,
			      WATCH_ADD_MASK_ADD));
	EXPECT_EQ(h, wq_watch(self->q.fd, "file", WATCH_FS_OPEN | WATCH_FS_OPEN_PERM,
			      WATCH_SCOPE_OBJECT, 5, 0x77, WATCH_ADD_UPDATE));
	add.object = open(".", O_PATH | O_CLOEXEC);
	ASSERT_EQ(0, wq_add(self->q.fd, &add));
	BEGIN(WQ_OPEN, "file");
	ENDS(0);
	EXPECT_STREQ("open+#6 file, open#5", wq_story(&self->q));
	close(add.object);
}

/* Every queue that wants to know, one after the other; the first refusal ends it. */
TEST_F(ask, several_queues_in_turn)
{
	struct wq queues[3], *first = NULL;
	struct wq_rec r;

	for (int i = 0; i < 3; i++) {
		ASSERT_OK(wq_open(&queues[i], 1));
		ASSERT_EQ(0, wq_set_permission(queues[i].fd, 60000, WATCH_RESPONSE_ALLOW));
		ASSERT_NE(0, wq_watch(queues[i].fd, "file", WATCH_FS_OPEN_PERM, WATCH_SCOPE_OBJECT,
				      1, 1, 0));
	}
	BEGIN(WQ_OPEN, "file");
	for (int round = 0; round < 3; round++) {
		struct pollfd p[3];
		int asked = 0, i;

		for (i = 0; i < 3; i++)
			p[i] = (struct pollfd){ .fd = queues[i].fd, .events = POLLIN };
		ASSERT_EQ(1, poll(p, 3, WQ_SOON));
		for (i = 0; i < 3; i++)
			asked = p[i].revents ? i : asked;
		first = first ?: &queues[asked];
		ASSERT_NE(0, wq_question(&queues[asked], &r));
		EXPECT_TRUE(wq_task_waits(&self->task, 50));
		EXPECT_EQ(0, wq_allow(queues[asked].fd, r.perm.request));
	}
	ENDS(0);
	BEGIN(WQ_OPEN, "file");
	ASSERT_NE(0, wq_question(first, &r));
	EXPECT_EQ(0, wq_deny(first->fd, r.perm.request, EBUSY));
	ENDS(-EBUSY);
	for (int i = 0; i < 3; i++) {
		EXPECT_STREQ("", wq_story(&queues[i]));
		wq_close(&queues[i]);
	}
}

static int add_as_nobody(void *arg)
{
	struct wq q;

	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(wq_watch(q.fd, "file", WATCH_FS_OPEN_PERM, 0, 1, 1, 0) == 0 && errno == EPERM);
	/* A descriptor of root's gives nobody his rights. */
	CHILD_CHECK(wq_watch(*(int *)arg, "file", WATCH_FS_OPEN_PERM, 0, 1, 1, 0) == 0 &&
		    errno == EPERM);
	return 0;
}

TEST_F(ask, rights_and_places)
{
	EXPECT_EQ(0, wq_child_nobody(add_as_nobody, &self->q.fd));
	REFUSED(EINVAL, "/proc/self/status", WATCH_FS_OPEN_PERM, OBJECT, 0);
	REFUSED(EINVAL, "/proc", WATCH_FS_ACCESS_PERM, SB, 0);
	REFUSED(EOPNOTSUPP, "/dev/null", WATCH_FS_PRE_ACCESS, OBJECT, 0);
	/* A device is watched, but never asked about. */
	WATCH("/dev/zero", WATCH_FS_OPEN_PERM, OBJECT, 0);
	BEGIN(WQ_OPEN, "/dev/zero");
	ENDS(0);
	EXPECT_STREQ("", wq_story(&self->q));
}

TEST_HARNESS_MAIN
