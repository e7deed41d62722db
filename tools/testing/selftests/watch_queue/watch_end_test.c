// SPDX-License-Identifier: GPL-2.0
/*
 * How watches end: by REMOVE_WATCH, by firing once, with their object, with their file
 * system, with the queue. Each way gives exactly one REMOVAL with its reason, and nothing
 * of that watch comes after it.
 */
#include <pthread.h>
#include <sys/mount.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(end) {
	struct wq q;
};

FIXTURE_SETUP(end)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 4));
	ASSERT_OK(wq_touch("file"));
	ASSERT_EQ(0, mkdir("dir", 0755));
}

FIXTURE_TEARDOWN(end)
{
	wq_close(&self->q);
	umount2("mnt", MNT_DETACH);
	wq_tmpdir_leave();
}

/* The next record must be the REMOVAL of that watch; it may take a moment. */
#define REMOVAL(handle_, cookie_, reason_) do { \
	struct wq_rec r_ = { .type = 0 }; \
	ASSERT_EQ(1, wq_next_wait(&self->q, &r_, wq_patience(5000))) TH_LOG("%s", wq_why()); \
	EXPECT_EQ(WATCH_TYPE_META, r_.type); \
	EXPECT_EQ(WATCH_META_REMOVAL_NOTIFICATION, r_.subtype); \
	EXPECT_EQ(handle_, r_.removal.handle); \
	EXPECT_EQ(cookie_, r_.removal.cookie); \
	EXPECT_EQ(reason_, r_.removal.reason); \
	EXPECT_EQ((cookie_) & 255, r_.id); \
} while (0)

#define NO_WATCHES() do { \
	struct watch_queue_info i_; \
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &i_)); \
	EXPECT_EQ(0, i_.watches); \
} while (0)

/* Adds a watch whose id is the low byte of its cookie. */
static uint64_t add(struct wq *q, const char *path, uint64_t mask, uint64_t cookie, unsigned int flags)
{
	return wq_watch(q->fd, path, mask, wq_scope_of(path), cookie & 255, cookie, flags);
}

TEST_F(end, removed)
{
	uint64_t h = add(&self->q, ".", WATCH_FS_CREATE, 0x123456789abcdef1, 0);

	ASSERT_NE(0, h);
	EXPECT_EQ(0, wq_remove(self->q.fd, h));
	ASSERT_OK(wq_touch("late"));
	REMOVAL(h, 0x123456789abcdef1, WATCH_REMOVAL_REMOVED);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, h));
	EXPECT_STREQ("", wq_story(&self->q));
	NO_WATCHES();
}

TEST_F(end, remove_errors)
{
	struct watch_queue_remove rm = { .size = sizeof(rm) };
	uint64_t h = add(&self->q, ".", WATCH_FS_CREATE, 0, 0);
	struct wq other;

	ASSERT_NE(0, h);
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, 0));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, h + 1));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, ~0ull));
	/* Another queue's handle means nothing here. */
	ASSERT_OK(wq_open(&other, 1));
	EXPECT_EQ(-ENOENT, wq_remove(other.fd, h));
	wq_close(&other);

#define BAD(error, change) do { \
	rm = (struct watch_queue_remove){ .size = sizeof(rm) }; \
	change; \
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_REMOVE_WATCH, &rm)); \
	EXPECT_EQ(error, errno) TH_LOG(#change); \
} while (0)
	BAD(EINVAL, rm.size = 0);
	BAD(EINVAL, rm.size = WATCH_QUEUE_REMOVE_SIZE_VER0 - 1);
	BAD(EINVAL, rm.flags = 2; rm.handle = h);
	BAD(EINVAL, rm.flags = 0x80000000; rm.handle = h);
	BAD(EINVAL, rm.__reserved = 1; rm.handle = h);
	BAD(EINVAL, rm.type = WATCH_TYPE_FS_NOTIFY; rm.handle = h);
	BAD(EINVAL, rm.flags = WATCH_REMOVE_ALL; rm.handle = h);
	BAD(EINVAL, rm.flags = WATCH_REMOVE_ALL; rm.type = 7);
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_REMOVE_WATCH, NULL));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(0, wq_remove(self->q.fd, h));
}

/* ALL takes every watch of a type, or of every type; nothing to take is no error. */
TEST_F(end, remove_all)
{
	uint64_t a = add(&self->q, ".", WATCH_FS_CREATE, 1, 0);
	uint64_t b = add(&self->q, "file", WATCH_FS_MODIFY, 2, 0);

	ASSERT_NE(0, a);
	ASSERT_NE(0, b);
	EXPECT_EQ(0, wq_remove_all(self->q.fd, WATCH_TYPE_KEY_NOTIFY));
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(0, wq_remove_all(self->q.fd, WATCH_TYPE_FS_NOTIFY));
	EXPECT_EQ(2, wq_drain(&self->q));
	a = add(&self->q, ".", WATCH_FS_CREATE, 3, 0);
	ASSERT_NE(0, a);
	EXPECT_EQ(0, wq_remove_all(self->q.fd, 0));
	REMOVAL(a, 3, WATCH_REMOVAL_REMOVED);
	EXPECT_EQ(0, wq_remove_all(self->q.fd, 0));
	EXPECT_STREQ("", wq_story(&self->q));
	NO_WATCHES();
}

/* One event, all of its wanted bits, then the end. */
TEST_F(end, oneshot)
{
	uint64_t h = add(&self->q, ".", WATCH_FS_CREATE | WATCH_FS_DELETE, 7, WATCH_ADD_ONESHOT);
	struct wq_rec r;

	ASSERT_NE(0, h);
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, unlink("a"));
	ASSERT_OK(wq_touch("b"));
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(NOTIFY_FS_CREATE, r.subtype);
	EXPECT_STREQ("a", r.name);
	REMOVAL(h, 7, WATCH_REMOVAL_ONESHOT);
	EXPECT_STREQ("", wq_story(&self->q));
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, h));
	/* The object can be watched again. */
	EXPECT_NE(0, add(&self->q, ".", WATCH_FS_CREATE, 8, 0));
}

/* The object itself: its last events, then the end with it. */
TEST_F(end, object_gone)
{
	uint64_t f = add(&self->q, "file", WATCH_FS_DELETE_SELF, 1, 0), d;

	ASSERT_NE(0, f);
	EXPECT_EQ(0, unlink("file"));
	EXPECT_STREQ("delete_self#1, removal:object_gone#1", wq_story(&self->q));
	d = add(&self->q, "dir", WATCH_FS_CREATE, 2, 0);
	ASSERT_NE(0, d);
	EXPECT_EQ(0, rmdir("dir"));
	REMOVAL(d, 2, WATCH_REMOVAL_OBJECT_GONE);
	EXPECT_EQ(-ENOENT, wq_remove(self->q.fd, d));
	EXPECT_STREQ("", wq_story(&self->q));
	NO_WATCHES();
}

/* An unlinked file lives until its last descriptor is closed, and so does its watch. */
TEST_F(end, open_file_gone)
{
	uint64_t h = add(&self->q, "file", WATCH_FS_MODIFY | WATCH_FS_DELETE_SELF, 1, 0);
	int fd = open("file", O_WRONLY);

	ASSERT_NE(0, h);
	EXPECT_EQ(0, unlink("file"));
	wq_poke(fd);
	EXPECT_STREQ("modify#1", wq_story(&self->q));
	close(fd);
	EXPECT_STREQ("delete_self#1, removal:object_gone#1", wq_story(&self->q));
}

/* A hard link keeps the file. */
TEST_F(end, linked_file_stays)
{
	ASSERT_NE(0, add(&self->q, "file", WATCH_FS_DELETE_SELF | WATCH_FS_ATTRIB, 1, 0));
	EXPECT_EQ(0, link("file", "other"));
	EXPECT_STREQ("attrib#1", wq_story(&self->q));
	EXPECT_EQ(0, unlink("file"));
	EXPECT_STREQ("attrib#1", wq_story(&self->q));
	EXPECT_EQ(0, unlink("other"));
	EXPECT_STREQ("attrib#1, delete_self#1, removal:object_gone#1", wq_story(&self->q));
}

TEST_F(end, unmount)
{
	uint64_t h;

	WQ_NEED_ROOT();
	ASSERT_EQ(0, mkdir("mnt", 0755));
	if (mount("none", "mnt", "tmpfs", 0, NULL))
		SKIP(return, "cannot mount a tmpfs: %s", strerror(errno));
	ASSERT_EQ(0, mkdir("mnt/dir", 0755));
	h = add(&self->q, "mnt/dir", WATCH_FS_ALL_EVENTS, 5, 0);
	ASSERT_NE(0, h);
	EXPECT_EQ(0, umount("mnt")) TH_LOG("a watch must not keep a file system busy");
	REMOVAL(h, 5, WATCH_REMOVAL_UNMOUNT);
	EXPECT_STREQ("", wq_story(&self->q));
	NO_WATCHES();
}

/* SHUTDOWN ends all watches, and what was written before it can still be read. */
TEST_F(end, shutdown)
{
	struct wq_rec r;
	int removals = 0;

	ASSERT_NE(0, add(&self->q, ".", WATCH_FS_CREATE, 1, 0));
	ASSERT_NE(0, add(&self->q, "dir", WATCH_FS_CREATE, 2, 0));
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, wq_shutdown(self->q.fd));
	ASSERT_OK(wq_touch("b"));
	ASSERT_OK(wq_touch("dir/c"));
	EXPECT_TRUE(wq_poll(self->q.fd, 0) & POLLIN);
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_STREQ("a", r.name);
	while (wq_next(&self->q, &r) == 1) {
		ASSERT_EQ(WATCH_TYPE_META, r.type);
		EXPECT_EQ(WATCH_REMOVAL_QUEUE_SHUTDOWN, r.removal.reason);
		removals++;
	}
	EXPECT_EQ(2, removals);
	NO_WATCHES();
}

/*
 * Two queues on one object are independent of each other.
 * TRAPS: B19
 */
TEST_F(end, two_queues)
{
	uint64_t a, b;
	struct wq other;

	ASSERT_OK(wq_open(&other, 1));
	a = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 5, 1, 0);
	b = wq_watch(other.fd, ".", WATCH_FS_CREATE | WATCH_FS_DELETE, 0, 5, 2, 0);
	ASSERT_NE(0, a);
	ASSERT_NE(0, b);
	ASSERT_OK(wq_touch("a"));
	EXPECT_EQ(0, wq_remove(self->q.fd, a));
	EXPECT_EQ(0, unlink("a"));
	EXPECT_STREQ("create+#5 a, removal:removed#5", wq_story(&self->q));
	EXPECT_STREQ("create+#5 a, delete+#5 a", wq_story(&other));
	wq_close(&other);
	ASSERT_OK(wq_touch("a"));
	EXPECT_STREQ("", wq_story(&self->q));
}

/*
 * Handles are never used again, and an event is never taken for that of another watch
 * with the same id: cookie and handle tell them apart.
 * TRAPS: B46
 */
TEST_F_TIMEOUT(end, handles_are_new, 120)
{
	const long rounds = wq_scaled(1000);
	uint64_t last = 0;
	struct wq_rec r;

	for (long i = 1; i <= rounds; i++) {
		uint64_t h = wq_watch(self->q.fd, ".", WATCH_FS_CREATE, 0, 1, i, 0);

		ASSERT_LT(last, h) TH_LOG("a handle that is not new");
		last = h;
		ASSERT_OK(wq_touch("a"));
		ASSERT_EQ(0, wq_remove(self->q.fd, h));
		ASSERT_EQ(0, unlink("a"));
		ASSERT_EQ(1, wq_next(&self->q, &r));
		ASSERT_EQ(i, r.fs.cookie);
		ASSERT_EQ(1, wq_next(&self->q, &r));
		ASSERT_EQ(h, r.removal.handle);
		ASSERT_EQ(i, r.removal.cookie);
		ASSERT_EQ(0, wq_next(&self->q, &r));
	}
}

/*
 * A watch whose REMOVAL finds no room still counts for its user, so that nobody can have
 * dead ones without end; when the ring has room, it counts no more. TRAPS: A24
 */
TEST_F(end, removals_that_wait_count)
{
	const char *const limit = "max_user_watches";
	char before[WQ_VALUE];
	int error = 0;
	uint64_t h;
	long n = 0;

	WQ_NEED_ROOT();
	ASSERT_TRUE(wq_get_parameter(limit, before));
	ASSERT_TRUE(wq_set_parameter(limit, "10"));
	while (n < 5000) {
		h = wq_watch(self->q.fd, "file", WATCH_FS_MODIFY, 0, 0, 0, 0);
		if (!h) {
			error = errno;
			break;
		}
		if (wq_remove(self->q.fd, h))
			break;
		n++;
	}
	EXPECT_TRUE(wq_set_parameter(limit, before));
	EXPECT_EQ(EDQUOT, error) TH_LOG("after %ld watches", n);
	/* As many as the ring has room for, and the limit. */
	EXPECT_LT(400, n);
	EXPECT_GT(600, n);
	EXPECT_EQ(n - 10, wq_drain(&self->q));
	EXPECT_TRUE(wq_set_parameter(limit, "10"));
	EXPECT_TRUE(wq_poll(self->q.fd, 0) & POLLIN);
	h = wq_watch(self->q.fd, "file", WATCH_FS_MODIFY, 0, 0, 0, 0);
	EXPECT_TRUE(wq_set_parameter(limit, before));
	EXPECT_NE(0, h);
	EXPECT_EQ(10, wq_drain(&self->q));
}

static int stop_poking;

static void *poke_on(void *arg)
{
	while (!__atomic_load_n(&stop_poking, __ATOMIC_RELAXED))
		wq_poke(*(int *)arg);
	return NULL;
}

/*
 * REMOVE_WATCH while events pour in from another CPU: one REMOVAL, the last record, and
 * every record has the length and id that it should have.
 * TRAPS: A20, B10, B12, B14, B18
 */
TEST_F_TIMEOUT(end, nothing_after_removal, 120)
{
	int fd = open("file", O_WRONLY);
	pthread_t thread;

	stop_poking = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, poke_on, &fd));
	for (long i = wq_scaled(500); i > 0; i--) {
		uint64_t h = wq_watch(self->q.fd, "file", WATCH_FS_MODIFY, 0, i & 255, i, 0);
		int removals = 0, got;
		struct wq_rec r;

		ASSERT_NE(0, h);
		usleep(i % 100);
		wq_drain(&self->q);
		ASSERT_EQ(0, wq_remove(self->q.fd, h));
		/* On a full ring the REMOVAL waits until poll() is asked. */
		while ((got = wq_next(&self->q, &r)) == 1 ||
		       (got == 0 && wq_poll(self->q.fd, 0) & POLLIN)) {
			if (!got)
				continue;
			ASSERT_EQ(0, removals) TH_LOG("a record after the REMOVAL");
			if (r.type == WATCH_TYPE_META && r.subtype == WATCH_META_LOSS_NOTIFICATION)
				continue;
			ASSERT_EQ(i & 255, r.id);
			if (r.type == WATCH_TYPE_META) {
				ASSERT_EQ(h, r.removal.handle);
				removals++;
			} else {
				ASSERT_EQ(i, r.fs.cookie);
				ASSERT_EQ(WQ_POKE_SLOTS, r.slots);
			}
		}
		ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
		ASSERT_EQ(1, removals);
	}
	__atomic_store_n(&stop_poking, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, wq_drain(&self->q));
	EXPECT_OK(wq_check_sums(self->q.fd));
	close(fd);
}

TEST_HARNESS_MAIN
