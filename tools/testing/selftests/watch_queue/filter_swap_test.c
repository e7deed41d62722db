// SPDX-License-Identifier: GPL-2.0
/*
 * Replacing a filter by an equal one, again and again, while events are posted: not one
 * event may be dropped or let through by mistake in between.
 */
#include <pthread.h>

#include "wq_test.h"
#include "kselftest_harness.h"

FIXTURE(swap) {
	struct wq q;
	int poke;
};

FIXTURE_SETUP(swap)
{
	WQ_NEED_DEVICE();
	ASSERT_OK(wq_tmpdir_enter());
	ASSERT_OK(wq_open(&self->q, 4));
	self->poke = wq_poke_open("f");
	ASSERT_NE(0, wq_watch(self->q.fd, "f", WATCH_FS_MODIFY | WATCH_FS_ATTRIB, 0, 0, 0, 0));
}

FIXTURE_TEARDOWN(swap)
{
	close(self->poke);
	wq_close(&self->q);
	wq_tmpdir_leave();
}

struct swapper {
	int fd;
	bool clear;		/* through "no filter" in between */
	bool stop;
	long swaps;
	int error;
};

static void *swap_filters(void *arg)
{
	struct swapper *s = arg;
	struct {
		uint32_t nr, reserved;
		struct watch_notification_type_filter e[3];
	} f = { .nr = 1 };

	/* MODIFY passes, ATTRIB does not, in all of them. */
	f.e[0].type = WATCH_TYPE_FS_NOTIFY;
	f.e[0].subtype_filter[0] = 1u << NOTIFY_FS_MODIFY;
	f.e[1].type = WATCH_TYPE_KEY_NOTIFY;
	f.e[1].subtype_filter[0] = ~0u;
	f.e[2] = f.e[0];
	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) && !s->error) {
		f.nr = 1 + s->swaps % 3;
		s->error = wq_filter(s->fd, &f);
		if (s->clear)
			s->error |= wq_filter(s->fd, NULL);
		__atomic_add_fetch(&s->swaps, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/*
 * Every MODIFY arrives and no ATTRIB does.
 * TRAPS: B13
 */
TEST_F_TIMEOUT(swap, loses_nothing, 120)
{
	struct swapper s = { .fd = self->q.fd };
	const long rounds = wq_scaled(20000);
	struct watch_queue_info info;
	pthread_t thread;
	struct wq_rec r;

	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_filters, &s));
	while (!__atomic_load_n(&s.swaps, __ATOMIC_RELAXED))
		usleep(100);
	for (long i = 0; i < rounds; i++) {
		wq_poke(self->poke);
		ASSERT_EQ(1, wq_next(&self->q, &r)) TH_LOG("event %ld was dropped", i);
		ASSERT_EQ(NOTIFY_FS_MODIFY, r.subtype);
		if (i % 8 == 0) {
			ASSERT_EQ(0, fchmod(self->poke, 0600 + (i & 7)));
			ASSERT_EQ(0, wq_next(&self->q, &r)) TH_LOG("ATTRIB %ld passed", i);
		}
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.error);
	ASSERT_EQ(0, wq_info(self->q.fd, 0, &info));
	EXPECT_EQ(rounds, info.posted);
	EXPECT_EQ((rounds + 7) / 8, info.filtered);
	EXPECT_EQ(0, info.lost);
	TH_LOG("%ld swaps", s.swaps);
}

/*
 * With and without filter in turn: MODIFY passes both, so every one of them arrives.
 * TRAPS: B13
 */
TEST_F_TIMEOUT(swap, through_none, 120)
{
	struct swapper s = { .fd = self->q.fd, .clear = true };
	const long rounds = wq_scaled(10000);
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_filters, &s));
	for (long i = 0; i < rounds; i++) {
		wq_poke(self->poke);
		ASSERT_EQ(1, wq_drain(&self->q)) TH_LOG("event %ld was dropped", i);
	}
	__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	EXPECT_EQ(0, s.error);
	EXPECT_OK(wq_check_sums(self->q.fd));
}

/*
 * The filter of a queue that is being closed, while events come in.
 * TRAPS: B17
 */
TEST_F_TIMEOUT(swap, closed_with_filter, 120)
{
	for (long i = wq_scaled(200); i > 0; i--) {
		struct swapper s = { .stop = false };
		pthread_t thread;
		struct wq q;

		ASSERT_OK(wq_open(&q, 1));
		ASSERT_NE(0, wq_watch(q.fd, "f", WATCH_FS_MODIFY, 0, 0, 0, 0));
		s.fd = q.fd;
		ASSERT_EQ(0, pthread_create(&thread, NULL, swap_filters, &s));
		for (int k = 0; k < 5; k++)
			wq_poke(self->poke);
		__atomic_store_n(&s.stop, true, __ATOMIC_RELEASE);
		wq_poke(self->poke);
		pthread_join(thread, NULL);
		wq_close(&q);
		wq_poke(self->poke);
		EXPECT_EQ(0, s.error);
		ASSERT_LE(0, wq_drain(&self->q));
	}
}

TEST_HARNESS_MAIN
