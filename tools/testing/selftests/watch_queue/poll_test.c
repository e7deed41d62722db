// SPDX-License-Identifier: GPL-2.0
/*
 * Readiness: poll, select and epoll (level and edge) say POLLIN when there is something
 * to consume and POLLERR when tail cannot be, before and after SET_SIZE. io_uring is in
 * poll_uring_test.c, lost wake-ups are in wakeup_test.c.
 */
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "wq_test.h"
#include "kselftest_harness.h"

#define READY (POLLIN | POLLRDNORM)

FIXTURE(poll) {
	struct wq q;
	int poke, ep;
};

FIXTURE_SETUP(poll)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open_only(&self->q));
	self->poke = wq_poke_open("f");
	self->ep = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->ep);
}

FIXTURE_TEARDOWN(poll)
{
	wq_close(&self->q);
	close(self->poke);
	close(self->ep);
	wq_tmpdir_leave();
}

/* Gives the fixture's queue its ring and a watch on the file. */
static const char *begin(struct wq *q)
{
	const char *e = wq_map(q, 1);

	if (e != wq_ok)
		return e;
	return wq_watch(q->fd, "f", WATCH_FS_MODIFY, WATCH_SCOPE_OBJECT, 0, 0, 0) ?
		wq_ok : "ADD_WATCH failed";
}

static int ep_add(int ep, int fd, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = fd };

	return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev);
}

/* What epoll reports within ms; 0 for nothing. */
static uint32_t ep_wait(int ep, int ms)
{
	struct epoll_event ev;

	return epoll_wait(ep, &ev, 1, ms) == 1 ? ev.events : 0;
}

/* POLLERR until there is a ring, then POLLIN exactly while there is something in it. */
TEST_F(poll, life)
{
	EXPECT_EQ(POLLERR, wq_poll(self->q.fd, 0));
	EXPECT_EQ(POLLERR, wq_poll(self->q.fd, 10000));
	ASSERT_OK(begin(&self->q));
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	wq_poke(self->poke);
	EXPECT_EQ(READY, wq_poll(self->q.fd, 0));
	EXPECT_EQ(READY, wq_poll(self->q.fd, 0)) TH_LOG("asking twice changes nothing");
	EXPECT_EQ(1, wq_drain(&self->q));
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
}

/* poll() reports only what was asked for, and POLLERR always. */
TEST_F(poll, events_asked)
{
	struct pollfd p = { .fd = self->q.fd, .events = 0 };

	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLERR, p.revents);
	ASSERT_OK(begin(&self->q));
	wq_poke(self->poke);
	EXPECT_EQ(0, poll(&p, 1, 0));
	p.events = POLLRDNORM;
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(POLLRDNORM, p.revents);
	p.events = POLLOUT | POLLPRI;
	EXPECT_EQ(0, poll(&p, 1, 0));
}

TEST_F(poll, select)
{
	struct timeval now = { 0, 0 };
	fd_set in, out, ex;

	ASSERT_OK(begin(&self->q));
	for (int filled = 0; filled < 2; filled++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&ex);
		FD_SET(self->q.fd, &in);
		FD_SET(self->q.fd, &out);
		FD_SET(self->q.fd, &ex);
		EXPECT_EQ(filled, select(self->q.fd + 1, &in, &out, &ex, &now));
		EXPECT_EQ(filled, !!FD_ISSET(self->q.fd, &in));
		EXPECT_EQ(0, FD_ISSET(self->q.fd, &out));
		EXPECT_EQ(0, FD_ISSET(self->q.fd, &ex));
		wq_poke(self->poke);
	}
}

TEST_F(poll, epoll_level)
{
	ASSERT_OK(begin(&self->q));
	ASSERT_EQ(0, ep_add(self->ep, self->q.fd, EPOLLIN));
	EXPECT_EQ(0, ep_wait(self->ep, 0));
	wq_poke(self->poke);
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 0));
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 0)) TH_LOG("level-triggered, still not consumed");
	EXPECT_EQ(1, wq_drain(&self->q));
	EXPECT_EQ(0, ep_wait(self->ep, 0));
}

/*
 * Edge-triggered: every record is an edge, also while older ones are still unread, or a
 * consumer that leaves some behind would sleep for ever.
 * TRAPS: B6
 */
TEST_F(poll, epoll_edge)
{
	ASSERT_OK(begin(&self->q));
	ASSERT_EQ(0, ep_add(self->ep, self->q.fd, EPOLLIN | EPOLLET));
	for (int i = 0; i < 3; i++) {
		wq_poke(self->poke);
		EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000)) TH_LOG("record %d", i);
		EXPECT_EQ(0, ep_wait(self->ep, 0)) TH_LOG("one edge only, record %d", i);
	}
	EXPECT_EQ(3, wq_drain(&self->q));
	EXPECT_EQ(0, ep_wait(self->ep, 0));
	wq_poke(self->poke);
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000));
}

TEST_F(poll, epoll_oneshot)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLONESHOT };

	ASSERT_OK(begin(&self->q));
	ASSERT_EQ(0, ep_add(self->ep, self->q.fd, EPOLLIN | EPOLLONESHOT));
	wq_poke(self->poke);
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000));
	wq_poke(self->poke);
	EXPECT_EQ(0, ep_wait(self->ep, 0));
	EXPECT_EQ(0, epoll_ctl(self->ep, EPOLL_CTL_MOD, self->q.fd, &ev));
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000));
}

/*
 * A task that began to wait before SET_SIZE is woken by the first event as all others are.
 * TRAPS: B8
 */
TEST_F(poll, epoll_before_size)
{
	ASSERT_EQ(0, ep_add(self->ep, self->q.fd, EPOLLIN));
	EXPECT_EQ(EPOLLERR, ep_wait(self->ep, 0));
	ASSERT_OK(begin(&self->q));
	EXPECT_EQ(0, ep_wait(self->ep, 0));
	wq_poke(self->poke);
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000));
}

/*
 * The same, edge-triggered.
 * TRAPS: B8
 */
TEST_F(poll, epoll_edge_before_size)
{
	ASSERT_EQ(0, ep_add(self->ep, self->q.fd, EPOLLIN | EPOLLET));
	EXPECT_EQ(EPOLLERR, ep_wait(self->ep, 0));
	ASSERT_OK(begin(&self->q));
	wq_poke(self->poke);
	EXPECT_EQ(EPOLLIN, ep_wait(self->ep, 1000));
}

static void *poke_later(void *arg)
{
	usleep(100000);
	wq_poke(*(int *)arg);
	return NULL;
}

/* A sleeper wakes when the record comes, long before its time is over. */
TEST_F_TIMEOUT(poll, wakes_sleeper, 120)
{
	pthread_t thread;
	uint64_t began;

	ASSERT_OK(begin(&self->q));
	began = wq_now_ms();
	ASSERT_EQ(0, pthread_create(&thread, NULL, poke_later, &self->poke));
	EXPECT_EQ(READY, wq_poll(self->q.fd, 60000));
	EXPECT_GT(30000, wq_now_ms() - began);
	pthread_join(thread, NULL);
}

/*
 * A tail that cannot be is a state of its own: POLLERR, events are refused and counted,
 * and everything works again when tail is repaired.
 * TRAPS: B5
 */
TEST_F(poll, bad_tail)
{
	const uint32_t size = wq_page() / WQ_SLOT;
	struct watch_queue_info info;
	uint32_t good, head, lost = 0;
	struct wq_rec r;

	ASSERT_OK(begin(&self->q));
	wq_poke(self->poke);
	good = self->q.tail;
	head = wq_head(&self->q);

	const uint32_t wrong[] = { 1, 2, head + 1, head + size, head - size - 1,
				   head + 0x80000000u, size + 1, head + 100 };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		wq_publish(&self->q, wrong[i]);
		EXPECT_EQ(POLLERR, wq_poll(self->q.fd, 0)) TH_LOG("tail %u", wrong[i]);
		wq_poke(self->poke);
		lost++;
		EXPECT_EQ(head, wq_head(&self->q)) TH_LOG("tail %u", wrong[i]);
		ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
		EXPECT_EQ(lost, info.lost);
		EXPECT_EQ(1, info.delivered);
	}
	wq_publish(&self->q, good);
	EXPECT_EQ(READY, wq_poll(self->q.fd, 0));
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(WATCH_TYPE_FS_NOTIFY, r.type);
	EXPECT_EQ(0, r.info & WATCH_INFO_OVERRUN);
	wq_poke(self->poke);
	ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("%s", wq_why());
	EXPECT_EQ(WATCH_TYPE_META, r.type);
	EXPECT_EQ(WATCH_META_LOSS_NOTIFICATION, r.subtype);
	EXPECT_EQ(lost, r.loss.count);
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(WATCH_TYPE_FS_NOTIFY, r.type);
	EXPECT_EQ(WATCH_INFO_OVERRUN, r.info & WATCH_INFO_OVERRUN);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/*
 * Every wrong tail of a small neighbourhood, and every right one.
 * TRAPS: B5
 */
TEST_F(poll, every_tail)
{
	const uint32_t size = wq_page() / WQ_SLOT;
	uint32_t head;

	ASSERT_OK(begin(&self->q));
	/* Until the ring has wrapped, so that all of it is behind head. */
	for (uint32_t i = 0; i < 2 * size / WQ_POKE_SLOTS; i++) {
		wq_poke(self->poke);
		ASSERT_EQ(1, wq_drain(&self->q));
	}
	head = wq_head(&self->q);
	for (uint32_t tail = head - 3 * size; tail != head + 3 * size; tail++) {
		uint32_t index = tail & (size - 1);
		bool right = head - tail <= size && index != 1 && index != 2;
		short expected = !right ? POLLERR : tail == head ? 0 : READY;

		wq_publish(&self->q, tail);
		ASSERT_EQ(expected, wq_poll(self->q.fd, 0)) TH_LOG("head %u, tail %u", head, tail);
	}
	wq_publish(&self->q, head);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
}

static int poll_run, poll_errors;

static void *watch_for_error(void *arg)
{
	struct wq *q = arg;

	while (__atomic_load_n(&poll_run, __ATOMIC_ACQUIRE))
		if (wq_poll(q->fd, 0) & POLLERR)
			__atomic_add_fetch(&poll_errors, 1, __ATOMIC_RELAXED);
	return NULL;
}

/*
 * A consumer that only ever stores right tails never gets POLLERR, however posting,
 * consuming and polling interleave.
 * TRAPS: B7
 */
TEST_F_TIMEOUT(poll, no_spurious_error, 120)
{
	pthread_t threads[2];

	ASSERT_OK(begin(&self->q));
	poll_run = 1;
	poll_errors = 0;
	for (int t = 0; t < 2; t++) {
		ASSERT_EQ(0, pthread_create(&threads[t], NULL, watch_for_error, &self->q));
	}
	for (long i = wq_scaled(40000); i > 0; i--) {
		wq_poke(self->poke);
		ASSERT_EQ(1, wq_drain(&self->q)) TH_LOG("%s", wq_why());
	}
	__atomic_store_n(&poll_run, 0, __ATOMIC_RELEASE);
	for (int t = 0; t < 2; t++)
		pthread_join(threads[t], NULL);
	EXPECT_EQ(0, poll_errors);
}

TEST_HARNESS_MAIN
