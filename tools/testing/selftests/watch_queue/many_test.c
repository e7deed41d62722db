// SPDX-License-Identifier: GPL-2.0
/*
 * Many at once: processes with a queue each, queues without number, and add, remove, post
 * and close against each other on the same objects.
 */
#include <pthread.h>
#include <sys/resource.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(many) {
	char limit[WQ_VALUE];
	int poke;
};

FIXTURE_SETUP(many)
{
	WQ_NEED_DEVICE();
	ASSERT_TRUE(wq_get_parameter("max_user_queues", self->limit));
	ASSERT_OK(wq_tmpdir_enter());
	self->poke = wq_poke_open("f");
	ASSERT_EQ(0, mkdir("d", 0755));
}

FIXTURE_TEARDOWN(many)
{
	close(self->poke);
	wq_tmpdir_leave();
	if (!geteuid())
		wq_set_parameter("max_user_queues", self->limit);
}

/* One process: a queue of its own, its own file in the common folder, exact accounts. */
static int one_process(int number, long rounds)
{
	struct watch_queue_info info;
	char name[16], path[20];
	long own = 0, seen = 0;
	struct wq_rec r;
	struct wq q;
	int got;

	snprintf(name, sizeof(name), "p%d", number);
	snprintf(path, sizeof(path), "d/%s", name);
	CHILD_CHECK(wq_open(&q, 1) == wq_ok);
	CHILD_CHECK(wq_watch(q.fd, "d", WATCH_FS_CREATE | WATCH_FS_DELETE, 0, number, number, 0));
	for (long i = 0; i < rounds; i++) {
		int fd = open(path, O_CREAT | O_WRONLY, 0600);

		CHILD_CHECK(fd >= 0);
		close(fd);
		CHILD_CHECK(unlink(path) == 0);
		while ((got = wq_next(&q, &r)) == 1) {
			if (r.type == WATCH_TYPE_META) {
				CHILD_CHECK(r.subtype == WATCH_META_LOSS_NOTIFICATION);
				continue;
			}
			CHILD_CHECK(r.fs.cookie == (uint64_t)number && r.id == (unsigned int)number);
			seen++;
			if (!strcmp(r.name, name)) {
				CHILD_CHECK(r.fs.pid == (uint32_t)getpid());
				own++;
			}
		}
		if (got < 0)
			fprintf(stderr, "# process %d: %s\n", number, wq_why());
		CHILD_CHECK(got == 0);
	}
	CHILD_CHECK(wq_remove_all(q.fd, 0) == 0);
	while (wq_poll(q.fd, 0) & POLLIN && (got = wq_next(&q, &r)) == 1)
		seen += r.type != WATCH_TYPE_META;
	CHILD_CHECK(wq_info(q.fd, 0, &info) == 0);
	CHILD_CHECK(info.delivered == (uint64_t)seen);
	CHILD_CHECK(info.posted == info.delivered + info.lost);
	CHILD_CHECK(info.lost || own == 2 * rounds);
	wq_close(&q);
	return 0;
}

/*
 * 64 processes, one queue each, all watching the folder in which all of them work.
 * TRAPS: B16, B20, B41
 */
TEST_F_TIMEOUT(many, processes, 240)
{
	const long rounds = wq_scaled(40);
	int status, bad = 0;

	for (int i = 0; i < 64; i++) {
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (pid == 0)
			_exit(one_process(i, rounds));
	}
	for (int i = 0; i < 64; i++) {
		ASSERT_LT(0, wait(&status));
		bad += !!status;
	}
	EXPECT_EQ(0, bad) TH_LOG("%d of 64 processes have failed", bad);
}

/* Thousands of queues of one process on one file: every one gets every event. */
TEST_F_TIMEOUT(many, queues, 240)
{
	struct rlimit files = { 8192, 8192 };
	const int n = wq_scaled(4000);
	struct wq *q = calloc(n, sizeof(*q));

	ASSERT_NE(NULL, (void *)q);
	WQ_NEED_ROOT();
	if (setrlimit(RLIMIT_NOFILE, &files))
		SKIP(return, "not allowed to open many files");
	ASSERT_TRUE(wq_set_parameter("max_user_queues", "8192"));
	for (int i = 0; i < n; i++) {
		ASSERT_OK(wq_open(&q[i], 1)) TH_LOG("queue %d", i);
		ASSERT_NE(0, wq_watch(q[i].fd, "f", WATCH_FS_MODIFY, 0, i & 255, i, 0))
			TH_LOG("queue %d: %s", i, strerror(errno));
	}
	wq_poke(self->poke);
	wq_poke(self->poke);
	for (int i = 0; i < n; i++) {
		struct wq_rec r;

		ASSERT_EQ(1, wq_next(&q[i], &r)) TH_LOG("queue %d: %s", i, wq_why());
		ASSERT_EQ(i, r.fs.cookie);
		ASSERT_EQ(i & 255, r.id);
		ASSERT_EQ(1, wq_drain(&q[i]));
	}
	/* Every other one goes; the rest still works. */
	for (int i = 0; i < n; i += 2)
		wq_close(&q[i]);
	wq_poke(self->poke);
	for (int i = 1; i < n; i += 2) {
		ASSERT_EQ(1, wq_drain(&q[i]));
		wq_close(&q[i]);
	}
}

/* A thousand watches of one queue. */
TEST_F_TIMEOUT(many, watches, 240)
{
	const int n = wq_scaled(1000);
	struct watch_queue_info info;
	char path[32];
	struct wq q;

	ASSERT_OK(wq_open(&q, 16));
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "d/%d", i);
		ASSERT_OK(wq_touch(path));
		ASSERT_NE(0, wq_watch(q.fd, path, WATCH_FS_ATTRIB, 0, i & 255, i, 0));
	}
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	EXPECT_EQ(n, info.watches);
	for (int i = 0; i < n; i++) {
		struct wq_rec r;

		snprintf(path, sizeof(path), "d/%d", i);
		ASSERT_EQ(0, chmod(path, 0600));
		ASSERT_EQ(1, wq_next(&q, &r)) TH_LOG("%s", wq_why());
		ASSERT_EQ(i, r.fs.cookie);
		ASSERT_EQ(0, wq_next(&q, &r));
	}
	wq_close(&q);
	EXPECT_EQ(0, chmod("d/0", 0644));
}

static int storm_stop;

/* Posts, and makes and removes objects, as long as the test lasts. */
static void *storm(void *arg)
{
	while (!__atomic_load_n(&storm_stop, __ATOMIC_ACQUIRE)) {
		for (int i = 0; i < 20; i++)
			wq_poke(*(int *)arg);
		close(open("d/x", O_CREAT | O_WRONLY, 0600));
		rename("d/x", "d/y");
		unlink("d/y");
	}
	return NULL;
}

/*
 * Queues are opened, given watches and closed, mapped and unmapped, while events pour in.
 * TRAPS: B14, B15, B17, B18, B20
 */
TEST_F_TIMEOUT(many, closed_while_posting, 240)
{
	pthread_t thread;

	storm_stop = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, storm, &self->poke));
	for (long i = wq_scaled(1000); i > 0; i--) {
		struct wq q;
		int copy;

		ASSERT_OK(wq_open(&q, 1));
		ASSERT_NE(0, wq_watch(q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
		ASSERT_NE(0, wq_watch(q.fd, "d", WATCH_FS_ALL_EVENTS, WATCH_SCOPE_CHILDREN, 0, 0, 0));
		copy = dup(q.fd);
		switch (i % 4) {
		case 0:
			ASSERT_LE(0, wq_drain(&q)) TH_LOG("%s", wq_why());
			break;
		case 1:
			ASSERT_EQ(0, wq_shutdown(q.fd));
			break;
		case 2:
			ASSERT_EQ(0, wq_remove_all(q.fd, 0));
			break;
		default:
			break;
		}
		wq_close(&q);
		close(copy);
	}
	__atomic_store_n(&storm_stop, 1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

struct adder {
	int fd;
	long added, refused, odd;
};

static void *add_and_remove(void *arg)
{
	struct adder *a = arg;

	while (!__atomic_load_n(&storm_stop, __ATOMIC_ACQUIRE)) {
		uint64_t h = wq_watch(a->fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0);

		if (h) {
			a->added++;
			if (wq_remove(a->fd, h))
				a->odd++;
		} else if (errno == EEXIST) {
			a->refused++;
		} else {
			a->odd++;
		}
	}
	return NULL;
}

/*
 * Two threads add and remove a watch of the same file on one queue, a third posts: there
 * is one watch at a time, and as many REMOVALs as there were watches.
 * TRAPS: A1, A5, A13, B14, B18
 */
TEST_F_TIMEOUT(many, same_object, 240)
{
	struct adder a[2];
	pthread_t threads[3];
	struct watch_queue_info info;
	struct wq_rec r;
	struct wq q;
	long removals = 0, until;
	int got;

	ASSERT_OK(wq_open(&q, 16));
	storm_stop = 0;
	for (int i = 0; i < 2; i++) {
		a[i] = (struct adder){ .fd = q.fd };
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, add_and_remove, &a[i]));
	}
	ASSERT_EQ(0, pthread_create(&threads[2], NULL, storm, &self->poke));
	until = wq_now_ms() + wq_scaled(3000);
	for (int last = 0; !last;) {
		if ((long)wq_now_ms() > until && !storm_stop) {
			__atomic_store_n(&storm_stop, 1, __ATOMIC_RELEASE);
			for (int i = 0; i < 3; i++)
				pthread_join(threads[i], NULL);
		}
		last = storm_stop;
		wq_poll(q.fd, 1);
		while ((got = wq_next(&q, &r)) == 1)
			removals += r.type == WATCH_TYPE_META &&
				    r.subtype == WATCH_META_REMOVAL_NOTIFICATION;
		ASSERT_EQ(0, got) TH_LOG("%s", wq_why());
		if (last && wq_poll(q.fd, 0))
			last = 0;
	}
	EXPECT_EQ(0, a[0].odd + a[1].odd);
	EXPECT_LT(0, a[0].added + a[1].added);
	EXPECT_EQ(a[0].added + a[1].added, removals);
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	EXPECT_EQ(0, info.watches);
	EXPECT_OK(wq_check_sums(q.fd));
	TH_LOG("%ld added, %ld refused", a[0].added + a[1].added, a[0].refused + a[1].refused);
	wq_close(&q);
}

/*
 * Objects die while they are being watched: each ADD either fails or ends with a REMOVAL,
 * never with a watch that nobody hears of again.
 * TRAPS: A5, A18
 */
TEST_F_TIMEOUT(many, dying_objects, 240)
{
	struct wq q;
	long added = 0, removals = 0;
	pid_t pid;
	struct wq_rec r;
	struct watch_queue_info info;

	ASSERT_OK(wq_open(&q, 16));
	pid = fork();
	if (pid == 0) {
		for (;;) {
			close(open("d/mortal", O_CREAT | O_WRONLY, 0644));
			unlink("d/mortal");
		}
	}
	for (long i = wq_scaled(3000); i > 0; i--) {
		uint64_t h = wq_watch(q.fd, "d/mortal", WATCH_FS_ATTRIB, 0, 0, i, 0);

		added += !!h;
		if (!h) {
			ASSERT_TRUE(errno == ENOENT || errno == EEXIST) TH_LOG("%s", strerror(errno));
		}
		while (wq_next(&q, &r) == 1)
			removals += r.type == WATCH_TYPE_META &&
				    r.subtype == WATCH_META_REMOVAL_NOTIFICATION;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	unlink("d/mortal");
	for (int i = 0; i < 50 && removals < added; i++) {
		wq_poll(q.fd, 100);
		while (wq_next(&q, &r) == 1)
			removals += r.type == WATCH_TYPE_META &&
				    r.subtype == WATCH_META_REMOVAL_NOTIFICATION;
	}
	EXPECT_EQ(added, removals) TH_LOG("every watch has ended");
	ASSERT_EQ(0, wq_info(q.fd, 0, &info));
	EXPECT_EQ(0, info.watches);
	wq_close(&q);
}

TEST_HARNESS_MAIN
