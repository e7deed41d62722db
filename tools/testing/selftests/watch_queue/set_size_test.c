// SPDX-License-Identifier: GPL-2.0
/*
 * SET_SIZE: which sizes are taken, in which order errors are found, that it happens once,
 * and what a new ring holds. RLIMIT_MEMLOCK is in memlock_test.c.
 */
#include <pthread.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(size) {
	struct wq q;
};

FIXTURE_SETUP(size)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_open_only(&self->q));
}

FIXTURE_TEARDOWN(size)
{
	wq_close(&self->q);
}

/*
 * What is no power of two in 1 … maximum is refused, however many bits it has: all of
 * the unsigned long counts. A refused size may be followed by a good one.
 * TRAPS: B29
 */
TEST_F(size, refused)
{
	static const unsigned long wrong[] = { 0, 3, 5, 6, 7, 9, 15, 17, 255, 257, 65535, -1ul, -2ul };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		EXPECT_EQ(-EINVAL, wq_size(self->q.fd, wrong[i])) TH_LOG("%lu pages", wrong[i]);
	}
#if __SIZEOF_LONG__ == 8
	static const unsigned long large[] = { 1ul << 32, (1ul << 32) + 1, (1ul << 32) + 4,
		1ul << 40, 1ul << 52, 1ul << 62, 1ul << 63, (1ul << 63) + 1 };

	for (size_t i = 0; i < ARRAY_SIZE(large); i++) {
		EXPECT_EQ(-EINVAL, wq_size(self->q.fd, large[i])) TH_LOG("%lu pages", large[i]);
	}
#endif
	EXPECT_EQ(-EINVAL, wq_size(self->q.fd, 1ul << 31));
	ASSERT_OK(wq_map(&self->q, 1));
}

/*
 * Every power of two from one page to the maximum works, and the ring is then exactly
 * what the contract says; the first power above the maximum and all others do not.
 * TRAPS: B1, B29
 */
TEST_F(size, every_power)
{
	struct watch_queue_info info;
	bool above = false;

	for (unsigned long pages = 1; pages; pages <<= 1) {
		struct wq q;
		int r;

		ASSERT_OK(wq_open_only(&q));
		if (pages <= WQ_MAX_PAGES) {
			ASSERT_OK(wq_map(&q, pages)) TH_LOG("%lu pages", pages);
			EXPECT_OK(wq_check_header(&q));
			EXPECT_EQ(WQ_HEADER_SLOTS, wq_head(&q));
			EXPECT_EQ(0, wq_info(q.fd, 0, &info));
			EXPECT_EQ(pages * wq_page() / WQ_SLOT, info.ring_slots);
			/* Fresh pages: nothing of the kernel's shows. */
			for (uint32_t i = WQ_HEADER_SLOTS; i < q.slots; i++) {
				uint64_t word;

				memcpy(&word, &q.ring->slots[i], sizeof(word));
				ASSERT_EQ(0, word) TH_LOG("slot %u of %u", i, q.slots);
			}
		} else {
			/* The maximum is a module parameter: once above it, always. */
			r = wq_size(q.fd, pages);
			if (r != 0 && r != -ENOMEM)
				above = true;
			if (above) {
				EXPECT_EQ(-EINVAL, r) TH_LOG("%lu pages", pages);
			}
			if (pages > 1ul << 19) {
				EXPECT_TRUE(above) TH_LOG("%lu pages are not too many", pages);
			}
		}
		wq_close(&q);
	}
}

/* EBUSY comes before any judgement of the number. */
TEST_F(size, once)
{
	static const unsigned long sizes[] = { 1, 2, 0, 3, 17, 256, -1ul };

	ASSERT_OK(wq_map(&self->q, 2));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_EQ(-EBUSY, wq_size(self->q.fd, sizes[i])) TH_LOG("%lu pages", sizes[i]);
	}
	EXPECT_OK(wq_check_header(&self->q));
}

/* A duplicate of the descriptor is the same queue; another open is another one. */
TEST_F(size, per_open)
{
	int copy = dup(self->q.fd), other = open(WQ_DEVICE, O_RDWR);

	ASSERT_OK(wq_map(&self->q, 1));
	EXPECT_EQ(-EBUSY, wq_size(copy, 1));
	EXPECT_EQ(0, wq_size(other, 2));
	close(copy);
	close(other);
}

/* A watch needs a ring to report to. */
TEST_F(size, watch_before_size)
{
	struct wq_rec r;

	EXPECT_EQ(0, wq_watch(self->q.fd, "/", WATCH_FS_CREATE, 0, 0, 0, 0));
	EXPECT_EQ(ENOBUFS, errno);
	ASSERT_OK(wq_map(&self->q, 1));
	EXPECT_NE(0, wq_watch(self->q.fd, "/", WATCH_FS_CREATE, 0, 0, 0, 0));
	EXPECT_EQ(0, wq_next(&self->q, &r));
}

static int race_fd;
static int race_start, race_won, race_busy, race_odd;

static void *racer(void *unused)
{
	int r;

	(void)unused;
	while (!__atomic_load_n(&race_start, __ATOMIC_ACQUIRE))
		;
	r = wq_size(race_fd, 1);
	__atomic_add_fetch(r == 0 ? &race_won : r == -EBUSY ? &race_busy : &race_odd, 1,
			   __ATOMIC_RELAXED);
	return NULL;
}

/*
 * Two threads set the size of one queue at once: one wins, the other gets EBUSY, and
 * mmap never sees half a ring.
 * TRAPS: B30
 */
TEST_F_TIMEOUT(size, race, 120)
{
	WQ_NEED_THREADS();
	for (long i = wq_scaled(300); i > 0; i--) {
		pthread_t threads[2];
		struct wq q;

		ASSERT_OK(wq_open_only(&q));
		race_fd = q.fd;
		race_start = 0;
		race_won = 0;
		race_busy = 0;
		race_odd = 0;
		for (int t = 0; t < 2; t++) {
			ASSERT_EQ(0, pthread_create(&threads[t], NULL, racer, NULL));
		}
		__atomic_store_n(&race_start, 1, __ATOMIC_RELEASE);
		do {
			q.ring = mmap(NULL, wq_page(), PROT_READ, MAP_SHARED, q.fd, 0);
		} while (q.ring == MAP_FAILED && errno == EINVAL);
		ASSERT_NE(MAP_FAILED, (void *)q.ring);
		q.bytes = wq_page();
		q.slots = q.bytes / WQ_SLOT;
		ASSERT_OK(wq_check_header(&q));
		EXPECT_EQ(WQ_HEADER_SLOTS, q.ring->meta.tail);
		EXPECT_EQ(WQ_HEADER_SLOTS, wq_head(&q));
		for (int t = 0; t < 2; t++)
			pthread_join(threads[t], NULL);
		ASSERT_EQ(1, race_won);
		ASSERT_EQ(1, race_busy);
		ASSERT_EQ(0, race_odd);
		wq_close(&q);
	}
}

TEST_HARNESS_MAIN
