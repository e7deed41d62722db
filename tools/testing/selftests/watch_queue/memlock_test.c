// SPDX-License-Identifier: GPL-2.0
/*
 * RLIMIT_MEMLOCK: the pages of all rings of a user count together, over processes; the
 * limit is exact under contention; what was charged is given back, always.
 */
#include <sys/resource.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(memlock) {
};

FIXTURE_SETUP(memlock)
{
	WQ_NEED_DEVICE();
	WQ_NEED_ROOT();
}

FIXTURE_TEARDOWN(memlock)
{
}

static int limit_pages(unsigned long pages)
{
	struct rlimit limit = { pages * wq_page(), pages * wq_page() };

	return setrlimit(RLIMIT_MEMLOCK, &limit);
}

/* A new queue with a ring of that many pages; -errno when it is refused. */
static int sized(unsigned long pages)
{
	int fd = open(WQ_DEVICE, O_RDWR | O_CLOEXEC), r;

	if (fd < 0)
		return -errno;
	r = wq_size(fd, pages);
	if (r == 0)
		return fd;
	close(fd);
	return r;
}

static int at_the_limit(void *unused)
{
	int a, b, fd;

	(void)unused;
	CHILD_CHECK(limit_pages(6) == 0);
	CHILD_CHECK(sized(8) == -EPERM);
	a = sized(4);
	CHILD_CHECK(a >= 0);
	CHILD_CHECK(sized(4) == -EPERM);
	b = sized(2);
	CHILD_CHECK(b >= 0);
	CHILD_CHECK(sized(1) == -EPERM);
	/* After a refusal the same queue may be given a smaller ring. */
	close(b);
	fd = open(WQ_DEVICE, O_RDWR);
	CHILD_CHECK(wq_size(fd, 4) == -EPERM);
	CHILD_CHECK(wq_size(fd, 3) == -EINVAL);
	CHILD_CHECK(wq_size(fd, 2) == 0);
	CHILD_CHECK(sized(1) == -EPERM);
	close(a);
	close(fd);
	/* All of it is free again. */
	a = sized(4);
	b = sized(2);
	CHILD_CHECK(a >= 0 && b >= 0);
	CHILD_CHECK(sized(1) == -EPERM);
	return 0;
}

/*
 * An unprivileged user gets exactly his limit, over several queues.
 * TRAPS: B32
 */
TEST_F(memlock, exact)
{
	EXPECT_EQ(0, wq_child_nobody(at_the_limit, NULL));
	/* That child's rings are gone with it. */
	EXPECT_EQ(0, wq_child_nobody(at_the_limit, NULL));
}

static int charge_and_return(void *unused)
{
	long rounds = wq_scaled(2000);

	(void)unused;
	CHILD_CHECK(limit_pages(4) == 0);
	for (long i = 0; i < rounds; i++) {
		int fd = sized(4);

		CHILD_CHECK(fd >= 0);
		if (i % 3 == 0) {
			/* A mapping holds the queue, and with it the charge. */
			void *p = mmap(NULL, wq_page(), PROT_READ, MAP_SHARED, fd, 0);

			CHILD_CHECK(p != MAP_FAILED);
			close(fd);
			CHILD_CHECK(sized(1) == -EPERM);
			munmap(p, wq_page());
		} else {
			close(fd);
		}
	}
	/* Had one round given back too much, more than the limit would fit now. */
	CHILD_CHECK(sized(4) >= 0);
	CHILD_CHECK(sized(1) == -EPERM);
	return 0;
}

/*
 * Charge and return, many times: neither leaks nor underflows. Closing a mapped queue
 * ends nothing before the mapping goes.
 * TRAPS: B31, B32
 */
TEST_F_TIMEOUT(memlock, returned, 120)
{
	EXPECT_EQ(0, wq_child_nobody(charge_and_return, NULL));
}

static int not_charged(void *unused)
{
	(void)unused;
	CHILD_CHECK(limit_pages(0) == 0);
	CHILD_CHECK(sized(16) >= 0);
	return 0;
}

static int nothing_allowed(void *unused)
{
	(void)unused;
	CHILD_CHECK(limit_pages(0) == 0);
	CHILD_CHECK(sized(1) == -EPERM);
	return 0;
}

/* CAP_IPC_LOCK is above the limit; without it a limit of 0 means 0. */
TEST_F(memlock, privileged)
{
	EXPECT_EQ(0, wq_child(not_charged, NULL));
	EXPECT_EQ(0, wq_child_nobody(nothing_allowed, NULL));
}

static int opened_by_root(void *arg)
{
	int fd = *(int *)arg;

	CHILD_CHECK(limit_pages(1) == 0);
	/* root's descriptor: root's account is charged, and this process's limit applies to it or
	 * nothing does; in no case is nobody's account touched.
	 */
	wq_size(fd, 1);
	CHILD_CHECK(sized(1) >= 0);
	CHILD_CHECK(sized(1) == -EPERM);
	return 0;
}

/* The opener's user pays, not that of the task that calls SET_SIZE. */
TEST_F(memlock, opener_pays)
{
	int fd = open(WQ_DEVICE, O_RDWR);

	ASSERT_LE(0, fd);
	EXPECT_EQ(0, wq_child_nobody(opened_by_root, &fd));
	close(fd);
}

struct race {
	int turns;
	int odd;		/* an answer that is neither yes nor EPERM */
	int held, most;		/* pages held by all processes now, and at most */
	int go;
};

#define RACE_LIMIT 5

static int race_for_pages(void *arg)
{
	struct race *race = arg;

	CHILD_CHECK(limit_pages(RACE_LIMIT) == 0);
	while (!__atomic_load_n(&race->go, __ATOMIC_ACQUIRE))
		usleep(100);
	for (int i = 0; i < race->turns; i++) {
		int fd[4], n = 0, now, most;

		for (int j = 0; j < 4; j++) {
			int r = sized(1);

			if (r < 0) {
				if (r != -EPERM)
					__atomic_add_fetch(&race->odd, 1, __ATOMIC_RELAXED);
				continue;
			}
			fd[n++] = r;
			now = __atomic_add_fetch(&race->held, 1, __ATOMIC_RELAXED);
			most = __atomic_load_n(&race->most, __ATOMIC_RELAXED);
			while (now > most && !__atomic_compare_exchange_n(&race->most, &most, now, 0,
									  __ATOMIC_RELAXED,
									  __ATOMIC_RELAXED))
				;
		}
		while (n > 0) {
			__atomic_sub_fetch(&race->held, 1, __ATOMIC_RELAXED);
			close(fd[--n]);
		}
	}
	return 0;
}

static int race_parent(void *arg)
{
	struct race *race = arg;
	int status, bad = 0;

	for (int i = 0; i < 4; i++)
		if (fork() == 0)
			_exit(race_for_pages(race));
	__atomic_store_n(&race->go, 1, __ATOMIC_RELEASE);
	while (wait(&status) > 0)
		bad |= status;
	CHILD_CHECK(bad == 0);
	/* The sum of all charges is zero again: exactly the limit fits. */
	CHILD_CHECK(limit_pages(RACE_LIMIT) == 0);
	for (int i = 0; i < RACE_LIMIT; i++)
		CHILD_CHECK(sized(1) >= 0);
	CHILD_CHECK(sized(1) == -EPERM);
	return 0;
}

/*
 * Four processes of one user at the limit at once: never more than the limit together,
 * nothing left afterwards.
 * TRAPS: B32
 */
TEST_F_TIMEOUT(memlock, race, 120)
{
	struct race *race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)race);
	race->turns = wq_scaled(400);
	EXPECT_EQ(0, wq_child_nobody(race_parent, race));
	EXPECT_EQ(0, race->odd);
	EXPECT_GE(RACE_LIMIT, race->most);
	EXPECT_LT(0, race->most);
}

TEST_HARNESS_MAIN
