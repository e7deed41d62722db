// SPDX-License-Identifier: GPL-2.0
/*
 * Watermarks: poll() and sleepers hear of records only when enough of them wait, when the
 * first has waited long enough, or when something was lost; and never too late, also with
 * an edge-triggered consumer that is emptying the ring at that moment.
 */
#include <pthread.h>
#include <sys/epoll.h>

#include "wq_test.h"
#include "kselftest_harness.h"

static int wq_watermark(int fd, uint32_t records, uint32_t bytes, uint32_t ms)
{
	struct watch_queue_watermark mark = {
		.size = sizeof(mark), .records = records, .bytes = bytes, .timeout_ms = ms,
	};

	return ioctl(fd, IOC_WATCH_QUEUE_SET_WATERMARK, &mark) ? -errno : 0;
}

FIXTURE(watermark) {
	struct wq q;
	int poke;
};

FIXTURE_SETUP(watermark)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 1));
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
}

FIXTURE_TEARDOWN(watermark)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

static void poke_times(int fd, int n)
{
	while (n--)
		wq_poke(fd);
}

TEST_F(watermark, errors)
{
	struct watch_queue_watermark mark = { .size = sizeof(mark) };
	struct wq other;

	EXPECT_EQ(-EINVAL, wq_watermark(self->q.fd, 0, 4097, 0));
	EXPECT_EQ(-EINVAL, wq_watermark(self->q.fd, 0, 0, 3600001));
	EXPECT_EQ(0, wq_watermark(self->q.fd, 0, 4096, 3600000));
	mark.size = 15;
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_SET_WATERMARK, &mark));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, ioctl(self->q.fd, IOC_WATCH_QUEUE_SET_WATERMARK, NULL));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_OK(wq_open_only(&other));
	EXPECT_EQ(-ENOBUFS, wq_watermark(other.fd, 1, 0, 0));
	wq_close(&other);
}

TEST_F(watermark, records)
{
	ASSERT_EQ(0, wq_watermark(self->q.fd, 5, 0, 0));
	poke_times(self->poke, 4);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	wq_poke(self->poke);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
	EXPECT_EQ(5, wq_drain(&self->q));
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	poke_times(self->poke, 4);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	/* Back to the default: what waits is worth reading at once. */
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 0));
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
}

TEST_F(watermark, bytes)
{
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 3 * WQ_POKE_SLOTS * WQ_SLOT, 0));
	poke_times(self->poke, 2);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	wq_poke(self->poke);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
	EXPECT_EQ(3, wq_drain(&self->q));
}

TEST_F(watermark, time)
{
	uint64_t begin;
	int i;

	ASSERT_EQ(0, wq_watermark(self->q.fd, 1000, 0, 200));
	for (i = 0; i < 3; i++) {
		begin = wq_now_ms();
		wq_poke(self->poke);
		EXPECT_EQ(0, wq_poll(self->q.fd, 0));
		EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(5000)));
		EXPECT_GE(wq_now_ms() - begin, 150);
		EXPECT_EQ(1, wq_drain(&self->q));
	}
}

/* A watermark of time alone: what comes first begins it, also when it is no event. */
TEST_F(watermark, time_of_a_removal)
{
	struct wq_rec r;
	uint64_t h;
	long read;
	int i;

	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 100));
	/* The object goes: nobody but the kernel does anything with the queue. */
	ASSERT_OK(wq_touch("g"));
	h = wq_watch(self->q.fd, "g", WATCH_FS_MODIFY, 0, 0, 0, 0);
	ASSERT_NE(0, h);
	ASSERT_EQ(0, unlink("g"));
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	ASSERT_EQ(1, wq_next(&self->q, &r));
	EXPECT_EQ(h, r.removal.handle);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));

	ASSERT_OK(wq_touch("g"));
	h = wq_watch(self->q.fd, "g", WATCH_FS_MODIFY, 0, 0, 0, 0);
	ASSERT_NE(0, h);
	ASSERT_EQ(0, wq_remove(self->q.fd, h));
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	EXPECT_EQ(1, wq_drain(&self->q));

	/* REMOVALs that wait for room and are written when a task polls. */
	ASSERT_EQ(0, wq_watermark(self->q.fd, 1000, 0, 100));
	for (i = 0; i < 200; i++) {
		h = wq_watch(self->q.fd, "g", WATCH_FS_MODIFY, 0, 0, 0, 0);
		ASSERT_NE(0, h);
		ASSERT_EQ(0, wq_remove(self->q.fd, h));
	}
	read = wq_drain(&self->q);
	ASSERT_LT(100, read);
	ASSERT_GT(200, read);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	EXPECT_EQ(200 - read, wq_drain(&self->q));
}

/* The time holds for what waits already when it is set, and from then on. */
TEST_F(watermark, time_changes)
{
	uint64_t begin;

	ASSERT_EQ(0, wq_watermark(self->q.fd, 1000, 0, 0));
	wq_poke(self->poke);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	begin = wq_now_ms();
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 200));
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	EXPECT_GE(wq_now_ms() - begin, 150);
	EXPECT_EQ(1, wq_drain(&self->q));

	/* An hour, then much less, for a record that waits and for one that comes. */
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 3600000));
	wq_poke(self->poke);
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 50));
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	EXPECT_EQ(1, wq_drain(&self->q));
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 3600000));
	wq_poke(self->poke);
	EXPECT_EQ(1, wq_drain(&self->q));
	ASSERT_EQ(0, wq_watermark(self->q.fd, 0, 0, 50));
	wq_poke(self->poke);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, wq_patience(3000)));
	EXPECT_EQ(1, wq_drain(&self->q));

	/* A time that is over does not count for a watermark without one. */
	ASSERT_EQ(0, wq_watermark(self->q.fd, 2, 0, 0));
	wq_poke(self->poke);
	EXPECT_EQ(0, wq_poll(self->q.fd, 0));
	wq_poke(self->poke);
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
}

TEST_F(watermark, loss_wakes)
{
	struct watch_queue_info info;
	struct wq_rec r;
	int n = 0;

	/* More than the ring can hold: only the loss can wake. */
	ASSERT_EQ(0, wq_watermark(self->q.fd, 1000, 0, 0));
	while (wq_poll(self->q.fd, 0) == 0 && n < 200) {
		wq_poke(self->poke);
		n++;
	}
	EXPECT_GT(n, 70);
	EXPECT_LT(n, 100);
	/* The first poll has written the LOSS record; that does not make it less urgent. */
	EXPECT_EQ(POLLIN | POLLRDNORM, wq_poll(self->q.fd, 0));
	EXPECT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(1, info.lost);
	while (wq_next(&self->q, &r) == 1)
		;
	EXPECT_EQ(WATCH_TYPE_META, r.type);
	EXPECT_EQ(WATCH_META_LOSS_NOTIFICATION, r.subtype);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

struct storm {
	int poke;
	long left;
	struct wq *q;
	volatile long read;
};

static void *post_all(void *arg)
{
	struct storm *s = arg;

	while (s->left--) {
		wq_poke(s->poke);
		/* Pauses of all lengths, so that the consumer falls asleep at all fill levels. */
		if (s->left % 7 == 0)
			usleep(s->left % 300);
	}
	return NULL;
}

/*
 * Edge-triggered, records and time: every batch of eight, or whatever waited 20 ms, comes;
 * nothing is left sleeping. TRAPS: B6
 */
TEST_F(watermark, edge_triggered_storm)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET };
	struct storm s = { .poke = self->poke, .left = wq_scaled(20000), .q = &self->q };
	struct watch_queue_info info;
	uint64_t got = 0, total = s.left;
	pthread_t thread;
	struct wq_rec r;
	int ep;

	WQ_NEED_THREADS();
	ASSERT_EQ(0, wq_watermark(self->q.fd, 8, 0, 20));
	ep = epoll_create1(0);
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_ADD, self->q.fd, &ev));
	ASSERT_EQ(0, pthread_create(&thread, NULL, post_all, &s));
	while (got < total) {
		ASSERT_EQ(1, epoll_wait(ep, &ev, 1, wq_patience(3000))) {
			TH_LOG("asleep with %llu of %llu records read",
			       (unsigned long long)got, (unsigned long long)total);
		}
		ASSERT_EQ(0, ev.events & POLLERR);
		do {
			while (wq_next(&self->q, &r) == 1) {
				if (r.type == WATCH_TYPE_FS_NOTIFY)
					got++;
				else if (r.subtype == WATCH_META_LOSS_NOTIFICATION)
					got += r.loss.count;
			}
			/* The barrier that the watermark asks for, and the second look. */
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
		} while (wq_head(&self->q) != self->q.tail);
	}
	pthread_join(thread, NULL);
	close(ep);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(total, info.posted);
	EXPECT_EQ(info.posted, info.delivered + info.lost);
}

TEST_HARNESS_MAIN
